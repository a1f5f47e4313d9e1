"""The verdict on a whole record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import notes
from .machine_board import any_log_key, satisfies_quorum, signed_by_quorum
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
        "result": poll.page is not None,
        "status": poll.status,
        "tally_id": poll.tally_id.hex(),
    }


def _claimed_size(text: str) -> int | None:
    note = notes.parse_note(text)
    checkpoint = notes.parse_checkpoint(note.text) if note else None
    return checkpoint.size if checkpoint else None


def run(entries: list[bytes], anchor: bytes | None) -> tuple[State, list[dict[str, Any]]]:
    """Return the state after the entries, and what became of each."""
    state, outcomes = State(anchor), []
    for index, data in enumerate(entries):
        kind, found = judge(state, data)
        outcome = {"index": index, "kind": kind, "outcome": found.outcome, "check": found.check}
        outcomes.append({**outcome, "culprit": found.culprit})
    return state, outcomes


def _counting(record: Record, anchor: bytes | None) -> list[notes.Checkpoint]:
    """Return the checkpoints at hand that satisfy the quorum, under the log keys that the entries at hand tell of."""
    claimed = max((_claimed_size(text) or 0 for text in record.checkpoints), default=0)
    state, _ = run(record.entries[:claimed], anchor)
    if state.manifest is None:
        return []
    keys = any_log_key(state)
    signed = [found for text in record.checkpoints if (found := signed_by_quorum(state, text, keys))]
    largest = max((checkpoint.size for checkpoint in signed), default=0)
    if largest < claimed:
        state, _ = run(record.entries[:largest], anchor)
    return [found for text in record.checkpoints if state.manifest and (found := satisfies_quorum(state, text))]


def _bounded(record: Record, anchor: bytes | None) -> tuple[State, list[dict[str, Any]], int | None]:
    """Return the judged record below the newest checkpoint that satisfies the quorum, and that checkpoint's size."""
    counting = _counting(record, anchor)
    size = max((checkpoint.size for checkpoint in counting), default=None)
    state, outcomes = run(record.entries[:size], anchor) if size is not None else (State(anchor), [])
    if state.manifest is None:
        return State(anchor), [], None
    roots: dict[int, bytes] = {}
    contradicting = [
        checkpoint
        for checkpoint in counting
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root
        or (checkpoint.size <= len(state.tree) and state.tree.root(checkpoint.size) != checkpoint.root)
    ]
    if size != len(state.tree):  # entries are missing at hand: nobody can say what the record is
        state, outcomes, size = State(anchor), [], None
    for _ in contradicting:
        state.fail("LOG-02", None)
    return state, outcomes, size


def _is_anothers(record: Record, anchor: bytes) -> bool:
    """Tell whether the entries that a checkpoint claims hold manifests, and none that completes for this anchor."""
    claimed = max((_claimed_size(text) or 0 for text in record.checkpoints), default=0)
    state, outcomes = run(record.entries[:claimed], anchor)
    return state.manifest is None and any(outcome["check"] == "SIT-01" for outcome in outcomes)


def verify(record: Record, anchor: bytes | None = None) -> dict[str, Any]:
    """Return the verdict on a record: entries, polls, and why it fails if it does."""
    known = anchor if anchor is not None else record.sitting_id
    state, outcomes, size = _bounded(record, known)
    if size is None and known is not None and _is_anothers(record, known):
        state.fail("SIT-01", None)
    return {
        "anchored": known is not None,
        "beyond": len(record.entries) - len(state.tree),
        "checked": size is not None,
        "entries": outcomes,
        "fails": [{"check": check, "index": index} for check, index in state.fails],
        "over": state.over,
        "polls": [_poll(state, poll) for poll in state.polls.values()],
        "sitting_id": state.manifest.sitting_id.hex() if state.manifest else None,
        "size": size,
    }
