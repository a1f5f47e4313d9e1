"""What a witness keeps when a log contradicts a checkpoint that it has cosigned: both notes, and what joins them.

A witness refuses such a checkpoint; that alone warns nobody. So it keeps the note that it cosigned beside the one that
it was shown, in its journal:

- proved: one size and two roots, or the request's own proof leads from another root than the cosigned one. Nothing but
  the manifest is missing from evidence for strangers;
- open: only the log's leaf hashes can tell whether the smaller checkpoint lies under the larger one. A stale request
  and a false proof of an honest checkpoint look the same, so these accuse nobody until somebody has read the log.

Both are bounded, and the first ones stay: whoever sends more can neither fill the disk nor push out what is proved.

Source: SPEC.md#evidence, SPEC.md#witnesses.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import ConsistencyProof, leaf_hash
from secballot.board.note import Note
from secballot.encoding import CanonicalCodec
from secballot.errors import EncodingError, PolicyError, StoreError, VerificationError
from secballot.record.history import LogHistory
from secballot.records.fields import NoteText, Record
from secballot.records.manifest import MANIFEST, Manifest
from secballot.roles.evidence import MAX_EVIDENCE_BYTES, Hashes, SplitView, check_evidence, split_view

if TYPE_CHECKING:
    from secballot.board.reader import LogSource
    from secballot.board.witness import Request
    from secballot.store.journal import Journal

MAX_PROVED: Final = 4
"""Proved contradictions of one log that are kept; one is enough to convince anybody."""

MAX_OPEN: Final = 32
"""Open ones of one log that are kept."""

_SCOPE: Final = "witness-contradiction"


class Contradiction(Record, frozen=True):
    """Two checkpoints under the key of one log that a witness holds against each other.

    Attributes:
        cosigned: the note that it has cosigned.
        proof: that the larger log has another root at the smaller size; empty if the sizes are equal, or it is open.
        proved: whether notes and proof show it without the log.
        shown: the note that it has refused.
    """

    cosigned: NoteText
    proof: Hashes
    proved: bool
    shown: NoteText

    def ordered(self) -> tuple[bytes, bytes]:
        """Return both notes, the smaller one first."""
        notes = [self.cosigned.encode(), self.shown.encode()]
        one, other = sorted(notes, key=lambda note: Checkpoint.decode(Note.decode(note).text).tree_size)
        return one, other


_CONTRADICTION: Final = CanonicalCodec(Contradiction, max_bytes=MAX_EVIDENCE_BYTES)


def find_contradiction(cosigned: bytes, request: Request) -> Contradiction | None:
    """Return what a refused request holds against a cosigned checkpoint of the same log, None for nothing.

    Args:
        cosigned: note of the newest checkpoint that the witness has cosigned.
        request: refused for its size, its root or its proof; its log's signature is verified.

    Raises:
        EncodingError: a note is no checkpoint, or too long for evidence.
    """
    note = Note.decode(request.note)
    before, after = Checkpoint.decode(Note.decode(cosigned).text), Checkpoint.decode(note.text)
    if before == after or 0 in (before.tree_size, after.tree_size):
        return None
    if before.tree_size == after.tree_size:
        return Contradiction(cosigned.decode(), (), proved=True, shown=request.note.decode())
    if before.tree_size > after.tree_size:
        return Contradiction(cosigned.decode(), (), proved=False, shown=request.note.decode())
    if request.old_size != before.tree_size:
        return None  # the client did not know the size that the proof has to lead from
    implied = ConsistencyProof(before.tree_size, after.tree_size, request.hashes).implied_root(after.root)
    proved = implied is not None and implied != before.root
    hashes = request.hashes if proved else ()
    return Contradiction(cosigned.decode(), hashes, proved=proved, shown=request.note.decode())


def proved_evidence(manifest: Manifest, found: Contradiction) -> SplitView | None:
    """Return the evidence that a contradiction is by itself, None if it is open, or of two operators.

    Args:
        manifest: of the sitting whose log it is.
        found: from a witness.

    Raises:
        EncodingError: a note is no checkpoint.
    """
    if not found.proved:
        return None
    smaller, larger = found.ordered()
    one, other = (Checkpoint.decode(Note.decode(note).text) for note in (smaller, larger))
    root = ConsistencyProof(one.tree_size, other.tree_size, found.proof).implied_root(other.root)
    return _convicting(
        SplitView(
            kind="split-view",
            manifest=msgspec.Raw(MANIFEST.encode(manifest)),
            notes=(smaller.decode(), larger.decode()),
            proof=found.proof,
            root=other.root if root is None else root,
        )
    )


def settle(manifest: Manifest, found: Contradiction, source: LogSource) -> SplitView | None:
    """Return the evidence that a contradiction is once the log is read, None if it is none of one operator.

    Args:
        manifest: of the sitting whose log it is.
        found: from a witness.
        source: where the entries below the larger checkpoint are.

    Raises:
        StoreError: they are not there.
        EncodingError: a note is no checkpoint.
    """
    smaller, larger = found.ordered()
    checkpoint = Checkpoint.decode(Note.decode(larger).text)
    history = LogHistory()
    for entry in source.entries(0, checkpoint.tree_size):
        history.append(leaf_hash(entry))
    if len(history) != checkpoint.tree_size or history.root(len(history)) != checkpoint.root:
        raise StoreError("the entries here are not those of the larger checkpoint; the other view has them")
    evidence = split_view(manifest, smaller, larger, history)
    return None if evidence is None else _convicting(evidence)


def _convicting(evidence: SplitView) -> SplitView | None:
    """Return evidence that a stranger accepts, None if it is not: two operators may contradict each other."""
    try:
        check_evidence(evidence)
    except (VerificationError, PolicyError):
        return None
    return evidence


class ContradictionBook:
    """A witness's contradictions, in its journal."""

    def __init__(self, journal: Journal) -> None:
        """Keep them in this journal."""
        self._journal = journal

    def keep(self, found: Contradiction) -> bool:
        """Keep a contradiction durably, and tell whether it is new and there was room.

        Raises:
            StoreError: the journal does not answer.
            EncodingError: a note is no checkpoint, or too long.
        """
        origin = Checkpoint.decode(Note.decode(found.shown.encode()).text).origin
        data, known = _CONTRADICTION.encode(found), self.kept(origin)
        shown = Note.decode(found.shown.encode()).text
        if any(Note.decode(one.shown.encode()).text == shown and one.proved >= found.proved for one in known):
            return False
        for slot in range(MAX_PROVED if found.proved else MAX_OPEN):
            key = _digest(origin) + bytes([found.proved, slot])
            if self._journal.put_once(_SCOPE, key, data) == data:
                return True
        return False

    def kept(self, origin: str) -> list[Contradiction]:
        """Return the contradictions of a log, the proved ones first.

        Raises:
            StoreError: the journal does not answer, or holds something else.
        """
        prefix = _digest(origin)
        try:
            found = [_CONTRADICTION.decode(value) for key, value in self._journal.items(_SCOPE) if key[:32] == prefix]
        except EncodingError as error:
            raise StoreError("the journal's note of a contradiction is garbled") from error
        return sorted(found, key=lambda one: not one.proved)


def _digest(origin: str) -> bytes:
    return hashlib.sha256(origin.encode()).digest()
