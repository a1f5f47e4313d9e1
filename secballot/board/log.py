"""The log: in which order one appends, signs, collects cosignatures and publishes, and what it must never sign.

    append    entries, leaf hashes, complete subtrees and promises in one durable transaction
    sign      the root of what is stored, if it continues the newest checkpoint
    witness   cosignatures until the policy's quorum is met
    keep      the cosigned checkpoint, durably, never behind or beside the newest one
    publish   entries and tiles first, the checkpoint last

A crash between any two steps loses nothing and signs nothing twice:

- before the append commits, nothing was acknowledged;
- after it, signing starts again from storage, and Ed25519 gives the same signature for the same checkpoint;
- a cosignature that was not kept is asked for again: the witness answers for the same size and root;
- a reader who sees a checkpoint finds every file below it, because that file is written last.

The same steps run after a crash and in daily work: there is no separate recovery.

Source: SPEC.md#log; C2SP tlog-checkpoint, tlog-tiles.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import ED25519_COSIGNATURE_SIZE
from secballot.board.note import Note
from secballot.board.witness import Request
from secballot.errors import EncodingError, InconsistentLogError, RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from secballot.board.merkle import ConsistencyProof
    from secballot.board.note import NoteSigner, SignatureLine


class LogView(Protocol):
    """What signing needs to know of a stored log."""

    @property
    def origin(self) -> str:
        """The log's origin."""

    def size(self) -> int:
        """Return the number of entries stored durably."""

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` entries."""

    def consistency_proof(self, old_size: int, new_size: int) -> ConsistencyProof:
        """Return the proof between two sizes."""

    def latest_checkpoint(self) -> bytes | None:
        """Return the newest checkpoint that was kept, None before the first."""


def sign_head(log: LogView, signers: Iterable[NoteSigner]) -> Note:
    """Return the log's present size and root as a checkpoint under its signatures.

    Args:
        log: the stored log. Only what is durable may be signed.
        signers: the log's keys.

    Raises:
        InconsistentLogError: what is stored does not continue the newest checkpoint, as after the restoration of an
            old copy; nothing is signed.
        EncodingError: the origin is outside this library's profile, or there are no signers.

    Source: SPEC.md#log.
    """
    checkpoint = Checkpoint(log.origin, size := log.size(), log.root(size))
    newest = log.latest_checkpoint()
    if newest is not None:
        check_continues(log, newest)
    return sign_checkpoint(checkpoint, signers)


def check_continues(log: LogView, newest: bytes) -> None:
    """Check that the stored log holds everything that a checkpoint of it says.

    Raises:
        EncodingError: the checkpoint is malformed.
        InconsistentLogError: another log, more entries than are stored, or another root.
    """
    kept = Checkpoint.decode(Note.decode(newest).text)
    if kept.origin != log.origin:
        raise InconsistentLogError("the checkpoint belongs to another log", evidence=newest)
    if kept.tree_size > log.size():
        raise InconsistentLogError("the log is shorter than its newest checkpoint", evidence=newest)
    if log.root(kept.tree_size) != kept.root:
        raise InconsistentLogError("the log has another root than its checkpoint", evidence=newest)


def witness_request(log: LogView, note: Note, old_size: int) -> Request:
    """Return the request by which a witness that knows the log at `old_size` is asked to cosign.

    Args:
        log: the stored log.
        note: a checkpoint of it under its own signature.
        old_size: what the witness cosigned last, from its 409 or from memory; 0 if never.

    Raises:
        EncodingError: the note is no checkpoint.
        InconsistentLogError: the witness knows a larger log than this.
    """
    checkpoint = Checkpoint.decode(note.text)
    if old_size > checkpoint.tree_size:
        raise InconsistentLogError("the witness has cosigned a larger log", evidence=note.encode())
    proof = log.consistency_proof(old_size, checkpoint.tree_size)
    # Others' cosignatures are nothing to this witness, and may be more than it is ready to read.
    own = tuple(line for line in note.signatures if line.name == checkpoint.origin)
    return Request(old_size, proof.hashes, Note(note.text, own).encode())


def merge_checkpoints(kept: bytes | None, arriving: bytes) -> bytes:
    """Return the checkpoint to keep as the newest one when another arrives.

    At the same size the signatures of both are joined. Of those by one key the one that arrived last comes first, since
    readers count a repeated key once; and the earliest cosignature of each witness comes behind all others: it alone
    shows when a log that has not grown since stood as it stands, and the newest alone that it still does. Signatures
    are not verified here: only verified ones may arrive.

    Args:
        kept: the newest checkpoint so far, or None.
        arriving: a checkpoint of the same log.

    Raises:
        EncodingError: not checkpoints, or too many signatures.
        RefusalError: a smaller size, which a slower publisher may rightly hold.
        InconsistentLogError: another log, or another root at the same size; both are in evidence.

    Source: SPEC.md#published-log.
    """
    note = Note.decode(arriving)
    new = Checkpoint.decode(note.text)
    new.check_profile()
    if kept is None:
        return _joined(note, ()).encode()
    kept_note = Note.decode(kept)
    old = Checkpoint.decode(kept_note.text)
    if old.origin != new.origin:
        raise InconsistentLogError("a checkpoint of another log", evidence=kept + b"\n" + arriving)
    if old.tree_size > new.tree_size:
        raise RefusalError("a larger checkpoint is already kept")
    if old.tree_size < new.tree_size:
        return _joined(note, ()).encode()
    if old.root != new.root:
        raise InconsistentLogError("two roots for one size", evidence=kept + b"\n" + arriving)
    return _joined(kept_note, note.signatures).encode()


def newest_reading(note: bytes) -> bytes:
    """Return a kept checkpoint with one line of each key, the first: what strangers are shown as the newest checkpoint.

    Some readers take a repeated key for a fault, though the text of signed notes allows it.

    Raises:
        EncodingError: not a note.
    """
    decoded = Note.decode(note)
    first: dict[tuple[str, bytes], SignatureLine] = {}
    for line in decoded.signatures:
        first.setdefault(line.key, line)
    return replace(decoded, signatures=tuple(first.values())).encode()


def readings(notes: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each kept checkpoint, and behind it the same with the earliest cosignatures, where it has any.

    Args:
        notes: any bytes; what is no note comes as it is.
    """
    for note in notes:
        yield note
        try:
            decoded = Note.decode(note)
        except EncodingError:
            continue
        earliest = tuple({line.key: line for line in decoded.signatures}.values())
        if len(earliest) < len(decoded.signatures):
            yield replace(decoded, signatures=earliest).encode()


def _joined(kept: Note, arriving: Sequence[SignatureLine]) -> Note:
    # The first line of each key is the one that arrived last, in the order in which the keys were first seen.
    first = {line.key: line for line in reversed(kept.signatures)}
    newest = {key: first[key] for key in dict.fromkeys(line.key for line in kept.signatures)}
    newest |= {line.key: line for line in reversed(arriving)}
    earliest: dict[tuple[str, bytes], SignatureLine] = {}
    for line in (*kept.signatures, *arriving):
        # The others have no time, or count by no rule of a sitting.
        if len(line.signature) == ED25519_COSIGNATURE_SIZE:
            known = earliest.get(line.key)
            if known is None or _time(line) < _time(known):
                earliest[line.key] = line
    behind = [line for key, line in earliest.items() if _time(line) < _time(newest[key])]
    return replace(kept, signatures=(*newest.values(), *behind))


def _time(line: SignatureLine) -> bytes:
    # Eight bytes, big-endian, which compare as the numbers do.
    return line.signature[:8]
