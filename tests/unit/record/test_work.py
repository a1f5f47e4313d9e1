"""What jobs find, in whatever process: statements one by one or together, and ballots in blocks.

Source: SPEC.md#admission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secballot.elgamal import Ciphertexts
from secballot.errors import EncodingError
from secballot.protocol.ballot_layout import credential_digest
from secballot.record.statements import Blinded
from secballot.record.sums import ciphertexts_of
from secballot.record.work import BallotJob, BallotsFound, Confirmed, StatementJob, keep_memory, run_job
from tests.adversary.test_executors import GARBLED
from tests.record_stage import Stage, golden_bodies

if TYPE_CHECKING:
    from secballot.records.ballot import Ballot

replace = msgspec.structs.replace


def bodies(kind: str) -> list[Any]:
    """Return the golden sitting's bodies of a kind."""
    return [body for _, body in golden_bodies(kind)]


# Blinded values ------------------------------------------------------------------------------------------------------


def moduli(class_index: int) -> bytes:
    """Return the moduli of the golden registrar keys of poll 1 and a class, in the registrars' order."""
    return b"".join(
        body.modulus for body in bodies("registrar-key") if (body.poll, body.class_index) == (1, class_index)
    )


FIRST, SECOND, *_, OTHER = (body.blinded[0] for body in bodies("credential-request"))
"""Items for poll 1: two of class 1, one of class 2."""


def doubtful(*statements: Blinded) -> set[int]:
    """Return the positions of those that a job does not confirm."""
    found = run_job(StatementJob(statements))
    assert isinstance(found, Confirmed)
    assert found.examined == len(statements)
    return set(found.doubtful)


@pytest.mark.parametrize("wrong", [bytes(384) + FIRST[384:], FIRST[:384] + bytes(384)], ids=["first", "second"])
def test_values_of_one_modulus_are_examined_together(wrong: bytes) -> None:
    """One that no blinding gives, for either registrar, leaves all of them in doubt, and none of another modulus."""
    good = [Blinded(moduli(1), FIRST), Blinded(moduli(2), OTHER), Blinded(moduli(1), SECOND)]
    assert doubtful(*good) == set()
    assert doubtful(*good, Blinded(moduli(1), wrong)) == {0, 2, 3}
    assert doubtful(Blinded(moduli(2), bytes(768)), *good) == {0, 2}


@pytest.mark.parametrize(
    "statement",
    [
        Blinded(b"", b""),
        Blinded(moduli(1), b""),
        Blinded(b"", FIRST),
        Blinded(moduli(1), FIRST + FIRST[:384]),
        Blinded(moduli(1), FIRST[:384]),
        Blinded(moduli(1)[:384], FIRST),
        Blinded(moduli(1)[:-1], FIRST[:-1]),
        Blinded(bytes(768), FIRST),
        Blinded(moduli(1)[:384] + bytes(384), FIRST),
    ],
    ids=range(9),
)
def test_an_item_that_is_not_one_value_for_each_modulus_is_in_doubt(statement: Blinded) -> None:
    """Also where a modulus is none, or there is none."""
    assert doubtful(Blinded(moduli(2), OTHER), statement) == {1}


# Ballots -------------------------------------------------------------------------------------------------------------


def job(*ballots: Ballot, known: frozenset[bytes] = frozenset()) -> BallotJob:
    """Return the job of verifying these ballots of the golden poll."""
    (poll,) = Stage.before("ballot").state.polls.values()
    return BallotJob(poll.context.packed, ballots, known)


def test_a_block_says_what_passed_and_its_sum() -> None:
    """By class; what fails is in no sum."""
    cast = bodies("ballot")
    wrong = replace(cast[1], response=cast[2].response)
    own = job(cast[0], wrong, cast[2], cast[4])
    found = own.run()
    assert list(found.errors) == [1]
    first, third, fourth = (ciphertexts_of(cast[number]) for number in (0, 2, 4))
    assert found.sums == {1: (first + third).encode(), 2: fourth.encode()}

    block = own.block(found)
    assert block.ballots == own.ballots
    assert block.passed == {1: frozenset({0, 2}), 2: frozenset({3})}
    assert {class_index: total.encode() for class_index, total in block.sums.items()} == found.sums


def test_a_sum_may_be_nothing() -> None:
    """Ballots can cancel each other out, which an encoding of nothing shows."""
    own = job(*bodies("ballot")[:1])
    nothing = Ciphertexts.identity(6).encode()
    assert own.block(BallotsFound({}, {1: nothing})).sums[1].encode() == nothing


def test_signatures_of_a_known_credential_are_not_verified_again() -> None:
    """BAL-08 tells of them; whoever knows the credential is told what else is wrong."""
    ballot = bodies("ballot")[0]
    wrong = replace(ballot, signatures=ballot.signatures[:-1] + bytes([ballot.signatures[-1] ^ 1]))
    assert job(wrong, known=frozenset({bytes(32)})).run().errors[0].check == "BAL-08"
    assert job(wrong, known=frozenset({credential_digest(wrong)})).run().errors[0].check != "BAL-08"


@pytest.mark.parametrize("name", [name for name in GARBLED if name != "a class that is none"])
def test_what_is_no_result_is_refused(name: str) -> None:
    """With an error of ours, whatever is wrong with it; an empty sum for a class that nobody is of adds nothing."""
    own = job(*bodies("ballot"))
    found = run_job(own)
    assert isinstance(found, BallotsFound)
    own.block(found)
    with pytest.raises(EncodingError):
        own.block(GARBLED[name](found))


def test_memory_is_kept() -> None:
    """Nothing comes of it that anybody can see."""
    keep_memory()
