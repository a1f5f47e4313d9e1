"""Objections: a promise that the board broke, and everything that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import InvalidSignatureError
from secballot.record.closing import check_promise
from secballot.record.history import LogOperator
from secballot.record.state import SittingState
from secballot.records.promise import Promise
from secballot.roles.delegate import ballot_entry
from secballot.signing import SigningKey
from tests.ballot_mutants import MUTATIONS, mutant
from tests.simulator import election
from tests.small_sitting import key, public
from tests.stages import AGAINST, FOR, Stream, verdict

if TYPE_CHECKING:
    from secballot.records.ballot import Ballot

from tests.poll_endings import dropped, objecting, voted

STRANGER = SigningKey.from_seed(bytes(31) + b"s")


def test_a_broken_promise_voids_the_poll() -> None:
    """POL-07: anybody who holds the promise can object; nothing of the poll goes on then."""
    stream, note = voted()
    lost, promise = dropped(stream)
    assert objecting(stream, lost, promise) == ("no effect", "ENT-06")
    stream.close(note)
    assert objecting(stream, lost, promise) == ("effect", None)
    assert stream.status() == "void"
    assert objecting(stream, lost, promise) == ("no effect", "ENT-06")
    assert verdict(stream.decrypt(1)) == ("no effect", "ENT-06")


def test_an_objection_stands_until_a_contest_is_decrypted() -> None:
    """POL-07: one decryption of two does not end it, the second does."""
    for given, expected in (((1,), ("effect", None)), ((1, 2), ("no effect", "ENT-06"))):
        stream, note = voted()
        lost, promise = dropped(stream)
        stream.close(note)
        stream.decrypt(*given)
        assert objecting(stream, lost, promise) == expected


def _resigned(stream: Stream, promise: Promise, **changes: object) -> Promise:
    blank = msgspec.structs.replace(promise, **changes)
    return msgspec.structs.replace(blank, signature=stream.board.promise_key.sign(blank.message()))


@pytest.mark.attack("SB-06")
def test_only_a_broken_promise_is_an_objection() -> None:
    """POL-07: kept, of a foreign key, altered, of another sitting or ballot, or for a place behind the closing."""
    stream, note = voted()
    lost, promise = dropped(stream)
    elsewhere = stream.poll().index
    kept = stream.ballot(0, (FOR,))
    stream.cast(kept)
    kept_promise = stream.board.promise(ballot_entry(kept), len(stream.board.entries) - 1, stream.now)
    stream.close(note)
    closing_index = stream.poll().closing.index  # type: ignore[union-attr]  # closed
    replace = msgspec.structs.replace
    foreign = replace(promise, signature=STRANGER.sign(promise.message()))
    cases: list[tuple[Ballot, Promise]] = [
        (kept, kept_promise),
        (lost, foreign),
        (lost, replace(promise, signature=stream.board.log_key.sign(promise.message()))),
        (lost, replace(promise, time=promise.time + 1)),
        (lost, replace(promise, index=elsewhere)),
        (lost, _resigned(stream, promise, sitting_id=bytes(32))),
        (lost, _resigned(stream, promise, index=closing_index)),
        (lost, _resigned(stream, promise, index=2**53 - 1)),
        (lost, kept_promise),
        (kept, promise),
    ]
    for ballot, shown in cases:
        assert objecting(stream, ballot, shown) == ("no effect", "POL-07")
    assert stream.status() == "closed"
    # Every index below the closing is one that the board could give; so is the one right before it.
    assert objecting(stream, lost, _resigned(stream, promise, index=closing_index - 1)) == ("effect", None)


@pytest.mark.attack("SB-06")
@pytest.mark.parametrize("fault", sorted(set(MUTATIONS) - {"BAL-01", "BAL-03", "BAL-04"}))
def test_a_bad_ballot_is_no_objection(fault: str) -> None:
    """POL-07: the board may promise junk a place and drop it; what no poll would count voids none."""
    stream, note = voted()
    bad = mutant(stream, 3, stream.ballot(3, (FOR,)), [fault])
    promise = stream.board.promise(ballot_entry(bad), len(stream.board.entries), stream.now)
    stream.vote((FOR,), first=4)
    stream.close(note)
    assert objecting(stream, bad, promise) == ("no effect", "POL-07")


@pytest.mark.attack("SB-06")
def test_a_ballot_under_a_credential_that_nobody_issued_is_no_objection() -> None:
    """POL-07: whoever makes up a credential proves all the rest rightly, and still voids no poll; issued ones do."""
    for colluding, expected in ((1, ("no effect", "POL-07")), (2, ("effect", None))):
        stream, note = voted()
        minted = stream.mint(1, (FOR,), colluding=colluding)
        promise = stream.board.promise(ballot_entry(minted), len(stream.board.entries), stream.now)
        stream.vote((FOR,), first=4)
        stream.close(note)
        assert objecting(stream, minted, promise) == expected


def test_a_dropped_revote_is_an_objection() -> None:
    """POL-07 looks at the ballot alone: sequence and previous are no reason to keep silent about it."""
    stream, note = voted()
    again = stream.ballot(0, (AGAINST,))
    promise = stream.board.promise(ballot_entry(again), len(stream.board.entries), stream.now)
    stream.vote((FOR,), first=4)
    stream.close(note)
    assert objecting(stream, again, promise) == ("effect", None)


@pytest.mark.attack("SB-06")
def test_an_objection_concerns_its_own_poll() -> None:
    """POL-07: a ballot of another poll; ENT-06: a ctx that no opening has."""
    stream, note = voted()
    lost, promise = dropped(stream)
    second = stream.open(election(), number=2)
    stream.vote(((1, 0, 0),), ((1, 0, 0),), number=2)
    stream.close(note)
    stream.close(second, 2)
    assert objecting(stream, lost, promise, stream.poll(2).ctx) == ("no effect", "POL-07")
    assert objecting(stream, lost, promise, bytes(32)) == ("no effect", "ENT-06")


@pytest.mark.parametrize(
    ("index", "holder"), [(0, "promise"), (9, "promise"), (10, "promise 2"), (2**53 - 1, "promise 2")]
)
def test_a_place_of_the_log_is_one_operators_to_promise(index: int, holder: str) -> None:
    """Below the size that was handed over the first operator's, from there on the successor's, and never both."""
    state = SittingState(anchor=None, fetch=lambda _: b"")
    first, second, *keys = public("promise", "promise 2", "log", "log 2")
    state.operators = [LogOperator(keys[0], first, 0, 10), LogOperator(keys[1], second, 12, None)]
    blank = Promise(index, bytes(32), 60, bytes(64), bytes(32), 1)
    for name in ("promise", "promise 2"):
        promise = msgspec.structs.replace(blank, signature=key(name).sign(blank.message()))
        if name == holder:
            check_promise(state, promise)
        else:
            with pytest.raises(InvalidSignatureError):
                check_promise(state, promise)
