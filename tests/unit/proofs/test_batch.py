"""Batches: their verdicts are those of single verification, and a false claim among many is found."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.elgamal import Ciphertexts
from secballot.errors import InvalidProofError, ProtocolError
from secballot.group import BASE, Elements, PublicScalars, vartime_multiply_base
from secballot.proofs.batch import WEIGHT_BYTES, Folded, find_invalid, first_false_equation
from tests.unit.proofs.statements import KEY, Membership, plus_one

if TYPE_CHECKING:
    from secballot.proofs.membership import MembershipClaim

GOOD = [
    Membership.honest(value, values, 77)
    for value, values in [(0, range(2)), (1, range(2)), (4, range(2, 6)), (0, range(1))]
]
SHIFT = vartime_multiply_base([3])


def spoiled(good: Membership, way: int) -> Membership:
    """Return the proof with one thing wrong."""
    alphas, betas = good.ciphertext.alphas, good.ciphertext.betas
    count = len(good.commitments)
    last = Elements.concat([Elements.identity(count - 1), BASE])
    return [
        replace(good, responses=plus_one(good.responses[:32]) + good.responses[32:]),
        replace(good, ciphertext=Ciphertexts(alphas, betas + SHIFT)),
        replace(good, ciphertext=Ciphertexts(alphas + SHIFT, betas)),
        replace(good, commitments=good.commitments + last),
        replace(good, e=good.e + 1),
    ][way]


def singly_invalid(proofs: list[Membership]) -> list[int]:
    """Return the positions of those that the single verifier refuses."""
    invalid = []
    for position, proof in enumerate(proofs):
        try:
            proof.verify()
        except InvalidProofError:
            invalid.append(position)
    return invalid


@pytest.mark.attack("EN-10")
@given(st.lists(st.tuples(st.sampled_from(GOOD), st.sampled_from([None, None, 0, 1, 2, 3, 4])), max_size=9))
@settings(deadline=None)
def test_a_batch_gives_the_verdicts_of_single_verification(mix: list[tuple[Membership, int | None]]) -> None:
    """Any mix of good and bad, in any order: exactly the bad ones are named."""
    proofs = [good if way is None else spoiled(good, way) for good, way in mix]

    assert find_invalid([proof.claim() for proof in proofs], KEY) == singly_invalid(proofs)
    assert singly_invalid(proofs) == [position for position, (_, way) in enumerate(mix) if way is not None]


@pytest.mark.attack("EN-10")
@pytest.mark.parametrize("bad", [0, 1, 31, 62, 63])
def test_one_bad_claim_among_many_is_isolated(bad: int) -> None:
    """First, last and middle, in a block whose size is no power of two either."""
    for size in (64, 67):
        proofs = [GOOD[position % 3] for position in range(size)]
        proofs[bad] = spoiled(proofs[bad], bad % 4)
        assert find_invalid([proof.claim() for proof in proofs], KEY) == [bad]


def test_all_good_costs_one_draw_and_all_bad_names_all() -> None:
    """The cheap case is one multiplication; the worst still ends."""
    drawn: list[int] = []

    def draw(count: int) -> bytes:
        drawn.append(count)
        return os.urandom(count)

    assert find_invalid([proof.claim() for proof in GOOD], KEY, draw) == []
    equations = sum(proof.claim().equations for proof in GOOD)
    assert drawn == [WEIGHT_BYTES * (equations + 1)]
    assert find_invalid([spoiled(proof, 1).claim() for proof in GOOD], KEY) == [0, 1, 2, 3]
    drawn.clear()
    assert find_invalid([], KEY, draw) == []
    assert drawn == []


@pytest.mark.parametrize("equation", range(8))
def test_the_first_false_equation_is_named(equation: int) -> None:
    """Each commitment stands in one equation; of two false ones the first counts."""
    good = GOOD[2]
    for also in range(equation, 8):
        moved = [BASE if index in {equation, also} else Elements.identity() for index in range(8)]
        bad = replace(good, commitments=good.commitments + Elements.concat(moved))
        assert first_false_equation(bad.claim(), KEY) == equation
    assert first_false_equation(good.claim(), KEY) is None


@pytest.mark.attack("EN-09")
@pytest.mark.parametrize(
    "draw",
    [
        bytes,
        lambda count: b"\1" * count,
        lambda count: os.urandom(16) * (count // 16),
        lambda count: os.urandom(count - 16) + bytes(16),
        lambda count: os.urandom(count - 1),
        lambda count: os.urandom(count + 16),
        lambda count: bytes(0 * count),
    ],
    ids=["zero", "constant", "repeating", "one zero", "short", "long", "empty"],
)
def test_a_broken_source_of_randomness_is_refused(draw: object) -> None:
    """Zero, repeated and missing weights raise, for one equation and for many; there is no fallback."""
    for claims in ([GOOD[3].claim()], [proof.claim() for proof in GOOD]):
        with pytest.raises(ProtocolError):
            find_invalid(claims, KEY, draw)  # type: ignore[arg-type]
    with pytest.raises(ProtocolError):
        first_false_equation(GOOD[0].claim(), KEY, draw)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Stub:
    """A claim with a given form, and equations that hold whatever the weights unless `false`."""

    equations: int
    coefficients: int = 1
    false: bool = False

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def __getitem__(self, key: slice) -> Self:
        """Return the claim."""
        return self

    def fold(self, weights: PublicScalars) -> Folded:
        """Return zero coefficients, or one for the base."""
        return folded([0] * self.coefficients, int(self.false))


def folded(coefficients: list[int], base: int) -> Folded:
    """Return a sum over the generator alone."""
    own, of_base, of_key = (PublicScalars.from_ints(values) for values in (coefficients, [base], [0]))
    return Folded(BASE, own, of_base, of_key)


def test_a_claim_without_equations_is_refused() -> None:
    """It would hold whatever was posted (FS-19)."""
    with pytest.raises(ValueError, match="without equations"):
        find_invalid([GOOD[0].claim(), Stub(0)], KEY)
    with pytest.raises(ValueError, match="without equations"):
        first_false_equation(Stub(0), KEY)


def test_coefficients_must_match_the_elements() -> None:
    """A claim that forgets an element is a bug, not a verdict."""
    with pytest.raises(ValueError, match="2 coefficients for 1 elements"):
        find_invalid([Stub(1, coefficients=2)], KEY)
    with pytest.raises(ValueError, match="0 keys"):
        find_invalid([Stub(1)], Elements.identity(0))


def test_a_claim_is_named_only_for_an_equation_of_its_own() -> None:
    """What the sum of a block says is never the verdict: a claim must fail alone."""
    assert find_invalid([Stub(1), Stub(1, false=True), Stub(2)], KEY) == [1]


class Miscomputed(Stub):
    """A claim whose only equation is true, but whose weighted sum is computed wrongly."""

    def fold(self, weights: PublicScalars) -> Folded:
        """Be wrong for every weight but one."""
        return folded([0], int(weights.to_ints() != [1]))


@pytest.mark.attack("EN-10")
def test_an_error_of_the_batch_excludes_nobody() -> None:
    """The equation by itself holds, so the claim stands, whatever its block came to."""
    assert find_invalid([Miscomputed(1), Stub(1, false=True)], KEY) == [1]
    assert first_false_equation(Miscomputed(1), KEY) is None


@dataclass(frozen=True)
class Vector:
    """Several claims of one form."""

    claims: tuple[MembershipClaim, ...]

    @property
    def equations(self) -> int:
        """Return those of one claim."""
        return max(claim.equations for claim in self.claims)

    def __len__(self) -> int:
        """Return how many claims there are."""
        return len(self.claims)

    def __getitem__(self, key: slice) -> Self:
        """Return some of them."""
        return replace(self, claims=self.claims[key])

    def fold(self, weights: PublicScalars) -> Folded:
        """Fold each by itself, with its own weights."""
        size = self.equations
        assert len(weights) == size * len(self)
        parts = [claim.fold(weights[at * size : (at + 1) * size]) for at, claim in enumerate(self.claims)]
        return Folded(
            Elements.concat([part.elements for part in parts]),
            PublicScalars.concat([part.coefficients for part in parts]),
            PublicScalars.concat([part.base for part in parts]).sum(),
            PublicScalars.concat([part.key for part in parts]).sum(),
        )


@pytest.mark.attack("EN-10")
@pytest.mark.parametrize(
    "bad", [{0}, {2}, {3}, {4}, {7}, {1, 2}, {2, 3}, {3, 4}, {0, 7}, {1, 5, 6}, set(range(8)), set()]
)
def test_claims_are_numbered_through_all_vectors(bad: set[int]) -> None:
    """Three of one form, one of another, four of a third: wherever a block is cut, the bad ones are named."""
    proofs = [GOOD[2]] * 3 + [GOOD[3]] + [GOOD[0]] * 4
    claims = [(spoiled(proof, 1) if at in bad else proof).claim() for at, proof in enumerate(proofs)]
    groups = [Vector(tuple(claims[:3])), Vector(tuple(claims[3:4])), Vector(tuple(claims[4:]))]

    assert find_invalid(groups, KEY) == sorted(bad)


@pytest.mark.parametrize(
    ("bad", "summed"),
    [
        (7, [32, 16, 8, 4, 4, 2, 1]),
        (3, [32, 16, 8, 4, 4, 2, 1, 16]),
        (0, [32, 16, 8, 4, 4, 2, 1, 4, 8, 16]),
    ],
)
def test_a_fault_is_found_by_halving(bad: int, summed: list[int]) -> None:
    """Eight claims of four equations: a half that must be at fault, because the other one is not, is not summed."""
    blocks: list[int] = []

    def draw(count: int) -> bytes:
        blocks.append(count // WEIGHT_BYTES - 1)
        return os.urandom(count)

    claims = tuple((spoiled(GOOD[0], 1) if at == bad else GOOD[0]).claim() for at in range(8))
    assert find_invalid([Vector(claims)], KEY, draw) == [bad]
    assert blocks == summed


def test_one_claim_is_looked_into_at_a_time() -> None:
    """Neither none nor several."""
    several = Vector((GOOD[0].claim(), GOOD[1].claim()))
    for claims, number in ((several, 2), (several[:0], 0)):
        with pytest.raises(ValueError, match=f"{number} claims where there is one"):
            first_false_equation(claims, KEY)
    with pytest.raises(ValueError, match="2 keys where there is one"):
        find_invalid([several], Elements.concat([KEY, KEY]))
