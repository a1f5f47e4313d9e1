"""A witness as a service: the role behind the ASGI application, and the checkpoints that monitors ask for.

The role's own state comes first and alone decides what is cosigned. The note for monitors is written after it: a crash
in between leaves an older note there until the log asks again.

Source: SPEC.md#witnesses; C2SP tlog-witness.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import Note, SignatureLine
from secballot.board.witness import Request
from secballot.errors import StoreError
from secballot.roles.witness import WitnessRole

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.signing import SigningKey
    from secballot.store.journal import Journal

_NOTES: Final = "witness-note"


class WitnessService:
    """One witness, as the application needs it. All methods may be called from threads.

    Attributes:
        role: decides and signs.
    """

    def __init__(self, name: str, key: SigningKey, journal: Journal, *, clock: Callable[[], float] = time.time) -> None:
        """Take up a witness's work where its journal left it.

        Args:
            name: C2SP key name.
            key: used for cosignatures and nothing else.
            journal: this witness's own; closed by the caller.
            clock: seconds since the epoch.

        Raises:
            StoreError: the journal belongs to another witness, or does not answer.
            EncodingError: the name cannot be a key name.
        """
        self.role = WitnessRole(name, key, journal)
        self._journal = journal
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> bytes:
        """Return the body of the 200 answer to an add-checkpoint request, after its state is on disk.

        Raises:
            WitnessRefusalError: 400, 403, 404, 409 or 422.
            StoreError: the journal does not answer; nothing is released.
        """
        lines = self.role.add_checkpoint(body, now=int(self._clock()))
        self._keep(Note.decode(Request.decode(body).note), lines)
        return lines

    def latest(self, origin_digest: str) -> bytes | None:
        """Return the newest cosigned checkpoint of the log whose origin has this SHA-256 in lowercase hexadecimal.

        Raises:
            StoreError: the journal does not answer.
        """
        return self._journal.get(_NOTES, origin_digest.encode("ascii", "replace"))

    def _keep(self, asked: Note, lines: bytes) -> None:
        """Keep a cosigned checkpoint for monitors, unless a larger one is kept; others' cosignatures are left out."""
        checkpoint = Checkpoint.decode(asked.text)
        own = [SignatureLine.decode(line) for line in lines.decode().splitlines(keepends=True)]
        of_log = [line for line in asked.signatures if line.name == checkpoint.origin]
        note = Note(asked.text, (*of_log, *own)).encode()
        key = hashlib.sha256(checkpoint.origin.encode()).hexdigest().encode()
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
