"""Which checkpoint says what the record is, and what becomes of every other note at hand.

Log key, witnesses and quorum stand in the manifest, and the manifest stands in the log; so nothing is known of a note
before the entries are read. Two steps lead out of the circle:

- `plausible`: a note satisfies the quorum under the key of *some* operator of the manifest. The largest of these says
  how far the entries have to be replayed.
- `assess`: with the handovers replayed, the key in force at each size is known, and every note is judged by it.

Source: SPEC.md#board-profile, SPEC.md#handover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import verifier
from secballot.board.note import ED25519, ED25519_COSIGNATURE, Note, VerifierKey
from secballot.errors import EncodingError, InvalidSignatureError, SecballotError
from secballot.record.history import LogOperator, WitnessedCheckpoint, open_witnessed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from secballot.records.manifest import Manifest


@dataclass(frozen=True, slots=True)
class NoteAtHand:
    """One checkpoint note as it was found.

    Attributes:
        data: its bytes.
        size: the tree size it claims; None if the bytes are no checkpoint.
        reason: why they are none.
    """

    data: bytes
    size: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """All notes at hand, judged.

    Attributes:
        witnessed: those that satisfy the quorum, the largest first.
        ignored: the others, each with the reason.
    """

    witnessed: tuple[WitnessedCheckpoint, ...]
    ignored: tuple[tuple[NoteAtHand, str], ...]


def read_notes(notes: Iterable[bytes]) -> list[NoteAtHand]:
    """Return every distinct note, the largest claimed size first, those that are no checkpoint last."""
    found = []
    for data in dict.fromkeys(notes):
        try:
            found.append(NoteAtHand(data, Checkpoint.decode(Note.decode(data).text).tree_size))
        except EncodingError as error:
            found.append(NoteAtHand(data, None, error.message))
    return sorted(found, key=lambda note: -1 if note.size is None else note.size, reverse=True)


def plausible(manifest: Manifest, notes: Sequence[NoteAtHand]) -> int | None:
    """Return the largest size that a quorum and some operator of the manifest signed, None if there is none."""
    keys = [manifest.log.key, *(successor.key for successor in manifest.successors)]
    operators = [LogOperator(key, key, 0, None) for key in keys]
    for note in notes:
        if note.size is not None and any(_opens(manifest, operator, note) for operator in operators):
            return note.size
    return None


def _opens(manifest: Manifest, operator: LogOperator, note: NoteAtHand) -> bool:
    try:
        open_witnessed(manifest, [operator], note.data)
    except SecballotError:
        return False
    return True


def assess(manifest: Manifest, operators: list[LogOperator], notes: Sequence[NoteAtHand]) -> Assessment:
    """Judge every note by the keys in force.

    Args:
        manifest: names origin, witnesses and quorum.
        operators: all of them so far, from the replayed handovers.
        notes: as `read_notes` gives them.
    """
    witnessed, ignored = [], []
    for note in notes:
        try:
            if note.size is None:
                raise EncodingError(note.reason)
            witnessed.append(open_witnessed(manifest, operators, note.data))
        except SecballotError as error:
            ignored.append((note, error.message))
    return Assessment(tuple(witnessed), tuple(ignored))


def signatures_found(manifest: Manifest, note: NoteAtHand) -> tuple[str, ...]:
    """Return one line for each signature of a note: whose it claims to be, and whether it is."""
    if note.size is None:
        return ()
    origin = manifest.log.origin
    known = {"the log's first key": VerifierKey(origin, ED25519, manifest.log.key)}
    for number, successor in enumerate(manifest.successors, 1):
        known[f"successor {number}'s key"] = VerifierKey(origin, ED25519, successor.key)
    for number, witness in enumerate(manifest.witnesses.witnesses, 1):
        known[f"witness {number}"] = VerifierKey(witness.name, ED25519_COSIGNATURE, witness.key)
    decoded = Note.decode(note.data)
    lines = []
    for line in decoded.signatures:
        whose = next((name for name, key in known.items() if (key.name, key.key_id) == line.key), "")
        if not whose:
            lines.append(f"{line.name}: no key of the manifest")
            continue
        try:
            verifier(known[whose]).verify(decoded.text, line.signature)
        except InvalidSignatureError:
            lines.append(f"{line.name} ({whose}): false")
        else:
            lines.append(f"{line.name} ({whose}): good")
    return tuple(lines)
