"""Embedded checkpoints, keys in force, handover, and the checkpoint that bounds a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import notes
from .machine_state import EFFECT, Entry, NoEffectError, Outcome, State

if TYPE_CHECKING:
    from .manifest import Manifest


@dataclass(frozen=True)
class Good:
    """A good embedded checkpoint: its size and the times of its cosignatures."""

    size: int
    times: list[int]


def log_key(state: State, size: int) -> bytes | None:
    """Return the log key whose checkpoint of this size counts, or None if none does."""
    body = state.sitting.body
    keys = [body["log"]["key"], *(successor["key"] for successor in body["successors"])]
    for number in range(len(state.handovers), -1, -1):
        above = state.handovers[number - 1][1] if number else -1
        upto = state.handovers[number][0] if number < len(state.handovers) else size
        if above < size <= upto:
            return bytes(keys[number])
    return None


def promise_key(state: State, index: int) -> bytes:
    """Return the promise key of the operator who had an index to give."""
    body = state.sitting.body
    keys = [body["log"]["promise_key"], *(successor["promise_key"] for successor in body["successors"])]
    return bytes(keys[sum(index >= size for size, _ in state.handovers)])


def any_log_key(state: State) -> list[bytes]:
    """Return the log keys of all operators of the manifest."""
    body = state.sitting.body
    return [bytes(key) for key in (body["log"]["key"], *(successor["key"] for successor in body["successors"]))]


def _read(state: State, text: str) -> tuple[notes.Note, notes.Checkpoint] | None:
    """Return note and checkpoint, if it is a checkpoint of the sitting's log."""
    note = notes.parse_note(text)
    checkpoint = notes.parse_checkpoint(note.text) if note else None
    if note is None or checkpoint is None or checkpoint.origin != state.sitting.body["log"]["origin"]:
        return None
    return note, checkpoint


def _strict_times(manifest: Manifest, note: notes.Note, key: bytes) -> list[int] | None:
    """Return the q times of a note that has exactly the lines LOG-03 asks for, or None."""
    body = manifest.body
    quorum, left = body["witnesses"]["quorum"], list(body["witnesses"]["witnesses"])
    if len(note.lines) != 1 + quorum or not notes.signed_by_log(note, note.lines[0], body["log"]["origin"], key):
        return None
    times = []
    for line in note.lines[1:]:
        while left and left[0]["name"] != line.name:
            left.pop(0)
        if not left:
            return None
        witness = left.pop(0)
        time = notes.cosigned_at(note, line, witness["name"], witness["key"])
        if time is None:
            return None
        times.append(time)
    return times


def examine(state: State, text: str, index: int) -> Good:
    """Return what a good embedded checkpoint says; a note that splits the log makes the record fail."""
    found = _read(state, text)
    key = log_key(state, found[1].size) if found else None
    if found is None or key is None:
        raise NoEffectError("LOG-03")
    note, checkpoint = found
    times = _strict_times(state.sitting, note, key)
    if checkpoint.extensions or times is None or not 1 <= checkpoint.size <= index:
        raise NoEffectError("LOG-03")
    if state.tree.root(checkpoint.size) != checkpoint.root:
        state.fail("LOG-04", index)
        raise NoEffectError("LOG-04")
    return Good(checkpoint.size, times)


def satisfies_quorum(state: State, text: str) -> notes.Checkpoint | None:
    """Return the checkpoint of a note that satisfies the witness quorum in this state, or None."""
    found = _read(state, text)
    key = log_key(state, found[1].size) if found else None
    return None if key is None else signed_by_quorum(state, text, [key])


def signed_by_quorum(state: State, text: str, keys: list[bytes]) -> notes.Checkpoint | None:
    """Return the checkpoint of a note that a witness quorum and one of these log keys signed, or None."""
    found = _read(state, text)
    if found is None:
        return None
    note, checkpoint = found
    if checkpoint.extensions:
        return None
    body = state.sitting.body
    witnesses = {witness["name"]: witness["key"] for witness in body["witnesses"]["witnesses"]}
    if not any(notes.signed_by_log(note, line, body["log"]["origin"], key) for line in note.lines for key in keys):
        return None
    signed = {
        line.name
        for line in note.lines
        if line.name in witnesses and notes.cosigned_at(note, line, line.name, witnesses[line.name]) is not None
    }
    return checkpoint if len(signed) >= body["witnesses"]["quorum"] else None


def handover_filled(state: State, body: dict[str, int]) -> bool:
    """Tell whether this successor has a handover."""
    return body["successor"] <= len(state.handovers)


def perform_handover(state: State, entry: Entry) -> Outcome:
    """Put the next successor's keys in force, or raise LOG-06."""
    body, same = entry.body, (entry.kind, entry.body_bytes)
    size = body["size"]
    if (
        body["successor"] != len(state.handovers) + 1
        or body["successor"] > len(state.sitting.body["successors"])
        or size >= entry.index
        or same not in state.seen
        or state.seen.index(same) != size
        or any(seen != same for seen in state.seen[size:])
        or state.tree.root(size) != body["root"]
    ):
        raise NoEffectError("LOG-06")
    state.handovers.append((size, entry.index))
    return EFFECT
