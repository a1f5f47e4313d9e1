"""What the second verifier, written from SPEC.md alone, says of the logs that tests make: the same, or the test fails.

Every board that a test watches is judged again when the test is over, entry by entry; `mark` remembers how far a log
has been judged, so that tests which go on from one log do not judge it each time.
"""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import NOBODY, SecballotError
from secballot.record import Outcome
from secballot.record.tallying import recompute_result
from secballot.records.entry import decode_entry
from tests.vectors.checker.machine_judge import judge as judge_independently
from tests.vectors.checker.machine_state import State
from tests.vectors.checker.machine_tally import recompute as recompute_independently

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secballot.record import Judgement
    from secballot.record.state import PollState, SittingState
    from tests.simulator import MemoryBoard

_WATCHED: list[MemoryBoard] = []
_BEGINNINGS: list[MemoryBoard] = []
_MARKS: dict[bytes, State] = {}

Said = tuple[str, str | None, str | None]
"""Outcome, check, and who is named."""


def watch(board: MemoryBoard) -> None:
    """Judge this board's log again when the test is over."""
    _WATCHED.append(board)


def ignore(board: MemoryBoard) -> None:
    """Leave a board out of the comparison, for instance since the test has tampered with the library's machine."""
    _WATCHED.remove(board)


def begin_with(board: MemoryBoard) -> None:
    """Judge this log once before any other: many logs go on from it."""
    _BEGINNINGS.append(board)


def mark(board: MemoryBoard) -> None:
    """Remember what the second verifier thinks of this log: several tests go on from here."""
    name = list(_prefixes(board.entries))[-1]
    if name not in _MARKS:
        _MARKS[name] = agree(board)


def agree(board: MemoryBoard) -> State:
    """Return the second verifier's state, once it says of every entry, poll and the record what the library says.

    Raises:
        AssertionError: it says something else.
    """
    state, theirs = _judge_all(board)
    ours = [_outcome(judgement) for judgement in board.judgements]
    assert ours[len(ours) - len(theirs) :] == theirs
    check_words(board.judgements, board.entries)
    mine = board.record.state
    check_failures(mine, board.entries)
    assert [failure.check for failure in mine.failures] == [check for check, _ in state.fails]
    for ctx, poll in state.polls.items():
        assert mine.by_ctx[ctx].status == ("closed" if poll.status == "not opened" else poll.status)
        assert mine.by_ctx[ctx].tally_id == poll.tally_id
        if poll.status == "closed":
            assert _results(mine, mine.by_ctx[ctx]) == recompute_independently(state, poll)
    return state


def check_words(judgements: Sequence[Judgement], entries: Sequence[bytes], first: int = 0) -> None:
    """Check that whoever reads outcomes is told of which entry, which check failed, who is suspected, and why.

    Args:
        judgements: of these entries, in order.
        entries: the bytes.
        first: where they begin in the log.

    Raises:
        AssertionError: something of it is missing, or an entry that stands is given a reason.
    """
    for index, (one, entry) in enumerate(zip(judgements, entries, strict=True), first):
        assert one.index == index, one
        assert f'"kind":"{one.kind}"'.encode() in entry or (one.kind, one.check) == ("", "ENT-01"), one
        told = [one.check is not None, one.culprit is not None, one.reason is not None and one.reason.strip() != ""]
        assert told in ([False] * 3, [True] * 3), one
        assert one.outcome in {Outcome.EFFECT, Outcome.FAULT, Outcome.NO_EFFECT, Outcome.EXCLUDED} or not any(told), one


def check_failures(state: SittingState, entries: Sequence[bytes]) -> None:
    """Check that the record fails where the log shows it, for a reason, and by evidence that the entry holds.

    Raises:
        AssertionError: it does not.
    """
    for failure in state.failures:
        assert failure.index is not None
        entry = decode_entry(entries[failure.index])
        assert failure.reason
        if failure.check == "TAL-05":
            assert (entry.kind, failure.evidence) == ("decryption", b"")
        else:
            embedded = {text.encode() for text in msgspec.structs.astuple(entry.body) if isinstance(text, str)}
            assert failure.evidence in ({entry.body_bytes} if failure.check == "RES-01" else embedded)


def _judge_all(board: MemoryBoard) -> tuple[State, list[Said]]:
    """Return the second verifier's state, and what it says of the entries behind the longest log it remembers."""
    while _BEGINNINGS:
        mark(_BEGINNINGS.pop())
    start, state = 0, State(board.anchor)
    for size, name in enumerate(_prefixes(board.entries), 1):
        if name in _MARKS:
            start, state = size, _MARKS[name]
    state = copy.deepcopy(state)
    found = [judge_independently(state, entry)[1] for entry in board.entries[start:]]
    return state, [(one.outcome, one.check, _role(one.culprit)) for one in found]


def _prefixes(entries: Sequence[bytes]) -> Iterator[bytes]:
    chain = b""
    for entry in entries:
        chain = hashlib.sha256(chain + entry).digest()
        yield chain


def _role(culprit: str | None) -> str | None:
    """Leave out the key of a delegate, whom the library names without it."""
    return "delegate" if culprit is not None and culprit.startswith("delegate ") else culprit


def _outcome(judgement: Judgement) -> Said:
    outcome, culprit = judgement.outcome.value, judgement.culprit
    named = outcome == "fault" or (outcome == "effect" and judgement.check)
    name = str(culprit) if named and culprit is not None and culprit != NOBODY else None
    return outcome, judgement.check, name


def _results(state: SittingState, poll: PollState) -> list[dict[str, object]] | None:
    try:
        result = recompute_result(state, poll)
    except SecballotError:
        return None
    return [
        {"counts": list(one.counts), "elected": list(one.elected), "outcome": one.outcome, "tied": list(one.tied)}
        for one in result.contests
    ]


@pytest.fixture(autouse=True)
def both_machines_agree() -> Iterator[None]:
    """Compare the two verifiers on every log that the test makes."""
    _WATCHED.clear()
    yield
    for board in _WATCHED:
        agree(board)
