"""No scalar stands for several: what the engine would repeat to fit another vector is refused before it is weighed.

Bodies that were decoded have the sizes of their fields; these were put together by a program, past every reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import EncodingError, SecballotError
from secballot.group import BASE, ORDER, Elements, PublicScalars, vartime_multiply
from secballot.proofs.batch import find_invalid
from secballot.proofs.membership import Disjunction, MembershipClaim
from secballot.protocol.ballot_layout import BallotLayout
from secballot.protocol.ballot_proof import ContestsClaims, OwnershipClaims
from secballot.protocol.ballots import check_ballot, check_ballots
from tests.sealed_ballots import ONE_OF_THREE, make_context, never_known, seal_sample

if TYPE_CHECKING:
    from secballot.records.ballot import Ballot

CONTEXT = make_context(ONE_OF_THREE)
HONEST = seal_sample(CONTEXT, ((1, 0, 0),)).cast()
ONES = (1).to_bytes(32, "little")


def less_one(scalar: bytes) -> bytes:
    """Return the scalar before this one."""
    return ((int.from_bytes(scalar, "little") - 1) % ORDER).to_bytes(32, "little")


@pytest.mark.parametrize(
    "changes",
    [
        {"response": less_one(HONEST.response) + ONES},
        {"response": HONEST.response + bytes(32)},
        {"response": b""},
        {"credential": HONEST.credential + HONEST.commitment, "commitment": b""},
        {"credential": b""},
        {"commitment": HONEST.commitment + HONEST.commitment},
    ],
    ids=["two that add up", "a zero more", "none", "both in one", "no credential", "commitment twice"],
)
@pytest.mark.parametrize("company", [(), (HONEST,), (HONEST, HONEST)], ids=["alone", "with one", "with two"])
def test_a_ballot_of_other_sizes_is_refused_alone_and_in_company(
    changes: dict[str, bytes], company: tuple[Ballot, ...]
) -> None:
    """BAL-07, and nobody's ballot beside it is judged otherwise for it."""
    odd = msgspec.structs.replace(HONEST, **changes)
    with pytest.raises(EncodingError) as refused:
        check_ballot(CONTEXT, odd, known_credential=never_known)
    assert refused.value.check == "BAL-07"
    first, *others = check_ballots(CONTEXT, [odd, *company], known_credential=never_known)
    assert isinstance(first, EncodingError)
    assert first.check == "BAL-07"
    assert not any(isinstance(one, SecballotError) for one in others)


def scalars(count: int) -> PublicScalars:
    """Return so many scalars."""
    return PublicScalars.from_ints(range(1, count + 1))


@pytest.mark.parametrize(("pairs", "responses", "challenges"), [(4, 1, 2), (4, 2, 1), (2, 2, 2), (2, 2, 1), (0, 1, 0)])
def test_claims_of_owners_are_as_many_of_each(pairs: int, responses: int, challenges: int) -> None:
    """One response is not that of two ballots."""
    with pytest.raises(ValueError, match="for each ballot"):
        OwnershipClaims(BASE.take([0] * pairs), scalars(responses), scalars(challenges))


@pytest.mark.parametrize("weights", [0, 1, 3])
def test_one_weight_is_not_that_of_two_equations(weights: int) -> None:
    """With one weight for both, errors of two ballots could cancel."""
    claims = OwnershipClaims(BASE.take([0] * 4), scalars(2), scalars(2))
    with pytest.raises(ValueError, match="weights for 2 equations"):
        claims.fold(scalars(weights))


@pytest.mark.parametrize(("elements", "responses"), [(-1, 0), (1, 0), (0, -1), (0, 1)])
def test_claims_of_contests_are_as_many_of_each(elements: int, responses: int) -> None:
    """One element or response more or less is refused when the claims are made."""
    layout = BallotLayout((ONE_OF_THREE,))
    held = BASE.take([0] * (layout.elements + elements))
    with pytest.raises(ValueError, match="ballots of this form"):
        ContestsClaims(layout, held, scalars(layout.branches), scalars(layout.branches + responses))


@pytest.mark.parametrize("weights", [1, 2, 4])
def test_weights_of_contests_are_one_for_each_equation(weights: int) -> None:
    """A pair of weights is not that of all branches."""
    layout = BallotLayout((ONE_OF_THREE,))
    branches = layout.branches
    claims = ContestsClaims(layout, BASE.take([0] * layout.elements), scalars(branches), scalars(branches))
    with pytest.raises(ValueError, match="for each branch"):
        claims.fold(scalars(weights))


def test_one_response_is_not_that_of_two_branches() -> None:
    """A disjunction that was not completed, with a response that would fit both branches if it were repeated."""
    key = vartime_multiply(BASE, [5])
    alpha, beta = vartime_multiply(BASE, [3]), vartime_multiply(BASE, [4])
    halves = []
    for value, challenge in enumerate((7, 8)):
        shifted = beta - BASE if value else beta
        halves.append(vartime_multiply(BASE, [9]) - vartime_multiply(alpha, [challenge]))
        halves.append(vartime_multiply(key, [9]) - vartime_multiply(shifted, [challenge]))
    elements = Elements.concat([alpha, beta, *halves])
    assert find_invalid([MembershipClaim(elements, Disjunction(range(2), (7, 8), (9, 9)))], key) == []
    with pytest.raises(ValueError, match="for each branch"):
        find_invalid([MembershipClaim(elements, Disjunction(range(2), (7, 8), (9,)))], key)
