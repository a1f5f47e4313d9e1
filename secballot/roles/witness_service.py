"""A witness as a service: the role behind the ASGI application, and what monitors ask for: checkpoints and evidence.

The role's own state comes first and alone decides what is cosigned. The note for monitors is written after it: a crash
in between leaves an older note there until the log asks again. A refused checkpoint that contradicts the cosigned one
is kept beside it before the refusal is answered.

Source: SPEC.md#witnesses; C2SP tlog-witness.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import Note, SignatureLine
from secballot.board.witness import CONFLICT, UNPROCESSABLE, Request, WitnessRefusalError
from secballot.encoding import encode_u64
from secballot.errors import EncodingError, StoreError
from secballot.net.events import log_event
from secballot.roles.contradictions import ContradictionBook, find_contradiction, proved_evidence
from secballot.roles.evidence import encode_evidence
from secballot.roles.witness import WitnessRole

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.board.cosignature import MlDsaCosigner
    from secballot.signing import SigningKey
    from secballot.store.journal import Journal

_NOTES: Final = "witness-note"
_BY_SIZE: Final = "witness-note-by-size"


class WitnessService:
    """One witness, as the application needs it. All methods may be called from threads.

    Attributes:
        role: decides and signs.
        book: what logs have shown against what was cosigned.
    """

    def __init__(
        self,
        name: str,
        key: SigningKey,
        journal: Journal,
        *,
        ml_dsa: MlDsaCosigner | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take up a witness's work where its journal left it.

        Args:
            name: C2SP key name.
            key: used for cosignatures and nothing else.
            journal: this witness's own; closed by the caller.
            ml_dsa: a second key of the same name, by which it cosigns as well.
            clock: seconds since the epoch.

        Raises:
            StoreError: the journal belongs to another witness, or does not answer.
            EncodingError: the name cannot be a key name, or the second key has another.
            PolicyError: a log is followed by an ML-DSA key, and this installation has no ML-DSA.
        """
        self.role = WitnessRole(name, key, journal, ml_dsa=ml_dsa)
        self.book = ContradictionBook(journal)
        self._journal = journal
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> bytes:
        """Return the body of the 200 answer to an add-checkpoint request, after its state is on disk.

        Raises:
            WitnessRefusalError: 400, 403, 404, 409 or 422.
            StoreError: the journal does not answer; nothing is released.
        """
        try:
            lines = self.role.add_checkpoint(body, now=int(self._clock()))
        except WitnessRefusalError as refusal:
            if refusal.status in (CONFLICT, UNPROCESSABLE):
                self._hold_against(Request.decode(body))
            raise
        own = [SignatureLine.decode(line) for line in lines.decode().splitlines(keepends=True)]
        note = self.role.lean(Note.decode(Request.decode(body).note))
        self._keep(Note(note.text, (*note.signatures, *own)).encode())
        return lines

    def latest(self, origin_digest: str) -> bytes | None:
        """Return the newest cosigned checkpoint of the log whose origin has this SHA-256 in lowercase hexadecimal.

        Raises:
            StoreError: the journal does not answer.
        """
        return self._journal.get(_NOTES, origin_digest.encode("ascii", "replace"))

    def evidence(self, origin_digest: str) -> bytes | None:
        """Return an evidence file against the log whose origin has this SHA-256, None if there is none.

        Only a log whose manifest this witness was given can be accused before strangers.

        Raises:
            StoreError: the journal does not answer.
        """
        for origin, manifest in self.role.sittings().items():
            if _digest(origin) == origin_digest:
                for found in self.book.kept(origin):
                    evidence = proved_evidence(manifest, found)
                    if evidence is not None:
                        return encode_evidence(evidence)
        return None

    def _hold_against(self, request: Request) -> None:
        """Keep what a refused request shows against the cosigned checkpoints of its log, if anything."""
        shown = self.role.lean(Note.decode(request.note))
        checkpoint = Checkpoint.decode(shown.text)
        cosigned = self._journal.get(_BY_SIZE, _place(checkpoint)) or self.latest(_digest(checkpoint.origin))
        if cosigned is None:
            return
        try:
            found = find_contradiction(cosigned, replace(request, note=shown.encode()))
            if found is not None and self.book.keep(found):
                log_event("contradiction", proved=found.proved)
        except EncodingError:
            # A witness takes longer notes than an entry, or evidence, can hold.
            log_event("contradiction-not-kept")

    def _keep(self, note: bytes) -> None:
        """Keep a cosigned checkpoint by its size, and for monitors, unless a larger one is kept there."""
        checkpoint = Checkpoint.decode(Note.decode(note).text)
        self._journal.put_once(_BY_SIZE, _place(checkpoint), note)
        key = _digest(checkpoint.origin).encode()
        while True:
            kept = self._journal.get(_NOTES, key)
            if kept is not None and Checkpoint.decode(Note.decode(kept).text).tree_size > checkpoint.tree_size:
                return
            try:
                self._journal.replace(_NOTES, key, kept, note)
            except StoreError:
                if self._journal.get(_NOTES, key) == kept:
                    raise
                continue
            return


def _digest(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()


def _place(checkpoint: Checkpoint) -> bytes:
    return hashlib.sha256(checkpoint.origin.encode()).digest() + encode_u64(checkpoint.tree_size)
