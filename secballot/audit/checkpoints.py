"""Which checkpoint says what the record is, and what becomes of every other note at hand.

Log key, witnesses and quorum stand in the manifest, and the manifest stands in the log; so nothing is known of a note
before the entries are read. Two steps lead out of the circle:

- `plausible`: a note satisfies the quorum under the key of *some* operator of the manifest. The largest of these says
  how far the entries have to be replayed.
- `assess`: with the handovers replayed, the key in force at each size is known, and every note is judged by it.

In such a note, which stands beside the entries, a signature line that does not count is ignored and reported: whoever
carries a note along may have added lines to it.

Source: SPEC.md#the-record, SPEC.md#witness-policy, SPEC.md#handover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import cosignature_time, verifier
from secballot.board.note import ED25519, ED25519_COSIGNATURE, Note, VerifierKey
from secballot.encoding import MAX_INTEGER
from secballot.errors import EncodingError, InvalidSignatureError, SecballotError
from secballot.record.history import LogOperator, WitnessedCheckpoint, open_witnessed, operator_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from secballot.board.note import SignatureLine
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
        ignored_lines: lines of the former that do not count, in words.
    """

    witnessed: tuple[WitnessedCheckpoint, ...]
    ignored: tuple[tuple[NoteAtHand, str], ...]
    ignored_lines: tuple[str, ...]


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
    witnessed, ignored, lines = [], [], []
    for note in notes:
        try:
            if note.size is None:
                raise EncodingError(note.reason)
            opened = open_witnessed(manifest, operators, note.data)
        except SecballotError as error:
            ignored.append((note, error.message))
        else:
            witnessed.append(opened)
            if opened.note != note.data:  # it has lines that do not count
                log_keys = {"the log": operator_at(operators, note.size).key}
                left_out = _sorted_lines(_known_keys(manifest, log_keys), Note.decode(note.data))[1]
                lines += [f"checkpoint of size {note.size}: signature of {line}" for line in left_out]
    return Assessment(tuple(witnessed), tuple(ignored), tuple(lines))


def signatures_found(manifest: Manifest, note: NoteAtHand) -> tuple[str, ...]:
    """Return one line for each signature of a note: whose it claims to be, and whether it is."""
    if note.size is None:
        return ()
    log_keys = [manifest.log.key, *(successor.key for successor in manifest.successors)]
    known = _known_keys(manifest, {f"log key {number}": key for number, key in enumerate(log_keys, 1)})
    good, left_out = _sorted_lines(known, Note.decode(note.data))
    return (*(f"{line.name}: good" for line in good), *left_out)


def _known_keys(manifest: Manifest, log_keys: Mapping[str, bytes]) -> dict[str, VerifierKey]:
    """Return the keys that may sign a checkpoint, each with words for whose it is."""
    logs = {name: VerifierKey(manifest.log.origin, ED25519, key) for name, key in log_keys.items()}
    witnesses = {
        f"witness {number}": VerifierKey(witness.name, ED25519_COSIGNATURE, witness.key)
        for number, witness in enumerate(manifest.witnesses.witnesses, 1)
    }
    return logs | witnesses


def _sorted_lines(known: dict[str, VerifierKey], note: Note) -> tuple[list[SignatureLine], list[str]]:
    """Return the first good line of each known key, and every other line with what is wrong with it.

    Nothing is wrong with a good cosignature at another time: a board keeps the earliest one beside the newest.
    """
    good: dict[tuple[str, bytes], SignatureLine] = {}
    left_out = []
    for line in note.signatures:
        whose = next((name for name, key in known.items() if (key.name, key.key_id) == line.key), None)
        if whose is None:
            left_out.append(f"{line.name}: no key that counts here")
        elif line == good.get(line.key):
            left_out.append(f"{line.name} ({whose}): repeated")
        else:
            try:
                _check_line(known[whose], note.text, line)
            except InvalidSignatureError as error:
                left_out.append(f"{line.name} ({whose}): {error.message}")
            else:
                good.setdefault(line.key, line)
    return list(good.values()), left_out


def _check_line(key: VerifierKey, text: str, line: SignatureLine) -> None:
    """Check one signature line, and that a cosignature's time is one that counts.

    Raises:
        InvalidSignatureError: it does not verify, or its time is not 1..2^53−1.
    """
    verifier(key).verify(text, line.signature)
    if key.kind == ED25519_COSIGNATURE and not 1 <= cosignature_time(line) <= MAX_INTEGER:
        raise InvalidSignatureError("the time is not 1..2^53−1")
