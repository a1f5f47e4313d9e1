"""A log that changes hands more than once: the successors follow each other in the manifest's order.

Source: SPEC.md#handover.
"""

from __future__ import annotations

import msgspec
import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import Party, RecordError
from secballot.record import SittingRecord
from secballot.record.closing import judge_handover
from secballot.record.history import LogOperator
from secballot.record.outcome import Act, Position
from secballot.record.state import Collection, SittingState
from secballot.records.entry import decode_entry
from secballot.records.manifest import Successor
from secballot.records.promise import Handover
from tests.small_sitting import SMALL_MANIFEST, public, signed

SIGNERS = public("officer 1", "officer 2", "trustee 1")
KEYS = [public(f"log {number}", f"promise {number}") for number in (2, 3)]
MANIFEST = msgspec.structs.replace(SMALL_MANIFEST, successors=tuple(Successor(*keys) for keys in KEYS))


def running(size: int) -> SittingState:
    """Return the state of a log of so many entries, whatever they are, under its first operator."""
    state = SittingState(anchor=None, fetch=lambda _: b"")
    state.manifest, state.operators = MANIFEST, SittingRecord.first_operators(MANIFEST)
    grow(state, size)
    return state


def grow(state: SittingState, count: int) -> None:
    """Let entries come."""
    for _ in range(count):
        state.history.append(leaf_hash(b"%d" % len(state.history)))


def hand_over(state: SittingState, successor: int) -> None:
    """Let a handover to this successor, of which all signatures but the last stand, be completed."""
    size = len(state.history)
    entry = decode_entry(signed("handover", Handover(state.history.root(size), size, successor), "trustee 2"))
    state.collections[entry.kind, entry.body_hash] = Collection(size, set(SIGNERS))
    grow(state, len(SIGNERS))
    act = Act(entry, Position(len(state.history), bytes(32)), Party("trustee", 2))
    body = entry.body
    assert isinstance(body, Handover)
    commit = judge_handover(state, body, act)
    grow(state, 1)
    commit()


def test_the_log_goes_from_one_successor_to_the_next() -> None:
    """LOG-06: each one's keys count behind the entry that completed its handover, up to the next handover's size."""
    state, (first,) = running(10), SittingRecord.first_operators(MANIFEST)
    hand_over(state, 1)
    grow(state, 6)
    hand_over(state, 2)
    (second, third), start = KEYS, len(state.history) - 1
    assert state.operators == [
        LogOperator(first.key, first.promise_key, 0, 10),
        LogOperator(second[0], second[1], 13, 20),
        LogOperator(third[0], third[1], start, None),
    ]
    assert (state.handovers, start) == (2, 23)


@pytest.mark.parametrize("successors", [(2,), (1, 1), (1, 2, 3), (3,)])
def test_no_successor_is_passed_over(successors: tuple[int, ...]) -> None:
    """LOG-06: not the second before the first, none twice, and none that the manifest does not name."""
    state = running(10)
    *good, wrong = successors
    for successor in good:
        hand_over(state, successor)
    before = list(state.operators)
    with pytest.raises(RecordError) as caught:
        hand_over(state, wrong)
    assert (caught.value.check, state.operators, state.handovers) == ("LOG-06", before, len(good))
