"""The verdict on a whole record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import notes
from .machine_board import satisfies_quorum
from .machine_judge import judge
from .machine_state import State
from .machine_tally import recompute

if TYPE_CHECKING:
    from .machine_state import Poll
    from .reading import Record


def _poll(state: State, poll: Poll) -> dict[str, Any]:
    return {
        "contests": recompute(state, poll),
        "counted": len(poll.counted),
        "counts": [poll.counts.get(place) for place in range(len(poll.body["contests"]))],
        "ctx": poll.ctx.hex(),
        "poll": poll.number,
        "result": poll.has_result,
        "status": poll.status,
        "tally_id": poll.tally_id.hex(),
    }


def _claimed_size(text: str) -> int | None:
    note = notes.parse_note(text)
    checkpoint = notes.parse_checkpoint(note.text) if note else None
    return checkpoint.size if checkpoint else None


def run(record: Record, anchor: bytes | None = None) -> tuple[State, list[dict[str, Any]]]:
    """Return the state after the entries below the checkpoint, and what became of each."""
    state = State(anchor if anchor is not None else record.sitting_id)
    size = _claimed_size(record.checkpoint)
    outcomes = []
    for index, data in enumerate(record.entries[: size or 0]):
        kind, outcome = judge(state, data)
        outcomes.append(
            {
                "index": index,
                "kind": kind,
                "outcome": outcome.outcome,
                "check": outcome.check,
                "culprit": outcome.culprit,
            }
        )
    return state, outcomes


def verify(record: Record, anchor: bytes | None = None) -> dict[str, Any]:
    """Return the verdict on a record: entries, polls, and why it fails if it does."""
    state, outcomes = run(record, anchor)
    checkpoint = satisfies_quorum(state, record.checkpoint) if state.manifest else None
    if checkpoint is None:
        state.fail("LOG-01", None)
    elif checkpoint.size > len(state.tree) or state.tree.root(checkpoint.size) != checkpoint.root:
        state.fail("LOG-02", None)
    known = anchor or record.sitting_id
    return {
        "anchored": known is not None,
        "entries": outcomes,
        "fails": [{"check": check, "index": index} for check, index in state.fails],
        "polls": [_poll(state, poll) for poll in state.polls.values()],
        "sitting_id": state.manifest.sitting_id.hex() if state.manifest else None,
        "over": state.over,
    }
