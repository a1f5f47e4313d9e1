"""A mirror: a copy of somebody's log, verified by replay, that grows and is never led back or aside.

Whoever keeps one serves readers while the board is down, and is who a successor takes the log from. A board that shows
the mirror another log than the one copied is caught by the checkpoints that the copy keeps.

What happens, in this order: the log is replayed under its newest witnessed checkpoint; all its checkpoints that an
operator signed are compared with the copy; the entries are stored; then the checkpoints over them. A crash in between
leaves entries without a checkpoint, and the next time they have to be those of the log again.

Source: SPEC.md#published-log, SPEC.md#evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.log import readings
from secballot.board.note import Note
from secballot.errors import EncodingError, InconsistentLogError, Party, PolicyError, VerificationError
from secballot.record.history import LogHistory, open_witnessed
from secballot.roles.comparing import Shown, compare_places
from secballot.roles.evidence import encode_evidence
from secballot.roles.view import WitnessedView, claimed_size

if TYPE_CHECKING:
    from secballot.board.reader import LogSource
    from secballot.record.history import WitnessedCheckpoint
    from secballot.store.board import BoardStore
    from secballot.store.verified import VerifiedState

_BLOCK: Final = 256
"""Entries that are held in memory at a time."""


class Mirror:
    """Copies one log into a store of its own.

    Attributes:
        store: the copy.
        view: the log, replayed.
        evidence: a file for strangers that the board has shown two views, None as long as it has not; a checkpoint
            that only stands beside a log which continues the copy does not stop the copying.
    """

    def __init__(
        self, store: BoardStore, source: LogSource, sitting_id: bytes, *, memory: VerifiedState | None = None
    ) -> None:
        """Copy from this source; nothing is read yet.

        Args:
            store: the copy so far, of the same log; closed by the caller.
            source: a board, a folder, an archive, or another mirror; trusted for nothing.
            sitting_id: 32 bytes, from outside.
            memory: where what was verified is kept for the next time.

        Raises:
            RefusalError: no sitting_id.
        """
        self.store = store
        self.view = WitnessedView(source, sitting_id, memory=memory)
        self.evidence: bytes | None = None
        self._source = source
        self._compared = 0

    def update(self) -> WitnessedCheckpoint:
        """Bring the copy up to the source's newest witnessed checkpoint, durably, and return that.

        Raises:
            InconsistentLogError: the source's log does not continue the copy, or is shorter; nothing is copied. If one
                operator has signed two views, `evidence` is a file for strangers, or else the checkpoint.
            PolicyError: no witnessed checkpoint is at hand.
            StoreError, TransportError: source or store do not answer.
        """
        opened = self.view.refresh()
        notes = self._new_notes()
        self._check_follows(opened, notes)
        first, size = self.store.size(), self.view.size
        for start in range(first, size, _BLOCK):
            block = [self.view.entry(index) for index in range(start, min(start + _BLOCK, size))]
            self.store.append(block, expected_size=start)
            self.view.progress(min(start + _BLOCK, size), size)
        newest = self.store.latest_checkpoint()
        behind = 0 if newest is None else _size(newest)
        for note in reversed(self._true_notes([opened.note, *notes])):
            if _size(note) >= behind:
                self.store.put_checkpoint(note)
        self._compared = size
        return opened

    def _new_notes(self) -> list[bytes]:
        """Return the source's checkpoints, the largest first: all of them once, later only those from there on."""
        notes = []
        for note in self._source.checkpoint_notes():
            size = claimed_size(note)
            if size is not None and size < self._compared:
                break
            notes.append(note)
        return notes

    def _check_follows(self, opened: WitnessedCheckpoint, notes: list[bytes]) -> None:
        manifest, history = self.view.state.the_manifest(), self.view.state.history
        theirs = Shown.of_notes(manifest, [opened.note, *notes], history)
        found = compare_places(manifest, [self._copied(), theirs])
        culprit = None
        if found.evidence is not None:
            self.evidence, culprit = encode_evidence(found.evidence), Party("board")
        size = self.store.size()
        common = min(size, len(history))
        if self.store.root(common) != history.root(common):
            trouble = "the log shows two views: what it shows now does not continue the copy"
        elif size > common:
            trouble = f"the log shown has {len(history)} entries, and the copy {size}"
        else:
            return
        evidence = opened.note if self.evidence is None else self.evidence
        raise InconsistentLogError(trouble, check="LOG-02", culprit=culprit, evidence=evidence)

    def _copied(self) -> Shown:
        """Return what the copy shows; after the first time, its newest checkpoint tells as much."""
        manifest = self.view.state.the_manifest()
        newest = self.store.latest_checkpoint()
        if self._compared and newest is not None:
            return Shown.of_notes(manifest, [newest])
        history = LogHistory()
        for leaf in self.store.leaf_hashes(0, self.store.size()):
            history.append(leaf)
        notes = (self.store.checkpoint(size) for size in self.store.checkpoint_sizes())
        return Shown.of_notes(manifest, [note for note in notes if note is not None], history)

    def _true_notes(self, notes: list[bytes]) -> list[bytes]:
        """Return the checkpoints of this very log that satisfy the quorum, the largest first, each with good lines."""
        state = self.view.state
        true: dict[bytes, int] = {}
        for note in readings(notes):
            try:
                checkpoint = open_witnessed(state.the_manifest(), state.operators, note)
            except (EncodingError, VerificationError, PolicyError):
                continue
            size = checkpoint.checkpoint.tree_size
            if size <= self.view.size and state.history.root(size) == checkpoint.checkpoint.root:
                true[checkpoint.note] = size
        return sorted(true, key=lambda note: true[note], reverse=True)


def _size(note: bytes) -> int:
    return Checkpoint.decode(Note.decode(note).text).tree_size
