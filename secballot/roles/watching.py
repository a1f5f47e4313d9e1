"""Watching a log: a reader remembers the last checkpoint it saw, refuses to be led back, and compares mirrors.

Both come down to one question about two checkpoints: does the larger log continue the smaller one? If not, the answer
is an `InconsistentLogError` that carries evidence for strangers (`roles.evidence`).

Source: SPEC.md#evidence, SPEC.md#parties-and-trust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import leaf_hash
from secballot.board.note import Note
from secballot.errors import (
    EncodingError,
    InconsistentLogError,
    Party,
    PolicyError,
    RefusalError,
    StoreError,
    VerificationError,
)
from secballot.record.history import LogHistory, LogOperator, open_witnessed
from secballot.records.entry import decode_entry
from secballot.records.manifest import Manifest

if TYPE_CHECKING:
    from secballot.board.reader import LogSource
    from secballot.record.history import WitnessedCheckpoint

SEARCHED_ENTRIES: Final = 1_000
"""Entries among which a manifest is looked for."""


class Memory(Protocol):
    """Where a reader keeps the last checkpoint seen: a folder of its own, or a wallet."""

    def recall(self, origin: str) -> bytes | None:
        """Return the note that was kept of a log, None if none was."""

    def keep(self, origin: str, note: bytes) -> None:
        """Keep a note in place of the one before, durably."""


def find_manifest(source: LogSource, sitting_id: bytes | None = None) -> Manifest:
    """Return the body of a manifest near the beginning of a log; its signatures are not looked at.

    Args:
        source: the log.
        sitting_id: hash that the body must have, None for the first one there is.

    Raises:
        RefusalError: there is none.
        StoreError: the log cannot be read.
    """
    for data in source.entries(0, min(source.size(), SEARCHED_ENTRIES)):
        try:
            entry = decode_entry(data)
        except EncodingError:
            continue
        if isinstance(entry.body, Manifest) and sitting_id in (None, entry.body_hash):
            return entry.body
    raise RefusalError("the log holds no manifest of this sitting", check="SIT-01")


def newest_witnessed(manifest: Manifest, source: LogSource, size: int | None = None) -> WitnessedCheckpoint | None:
    """Return the newest checkpoint at hand under a quorum and some operator's key, None if there is none.

    Sources give the largest first; one that does not is behind by its own choice, and is read no further.

    Args:
        manifest: of the sitting.
        source: where notes are.
        size: the only size that is asked for, None for any.
    """
    keys = [manifest.log.key, *(successor.key for successor in manifest.successors)]
    for note in source.checkpoint_notes():
        # A size that is asked for may stand behind smaller ones, whatever the order should be.
        if size is not None and _claimed_size(note) != size:
            continue
        for key in keys:
            try:
                return open_witnessed(manifest, [LogOperator(key, key, 0, None)], note)
            except (EncodingError, VerificationError, PolicyError):
                continue
    return None


def _claimed_size(note: bytes) -> int | None:
    try:
        return Checkpoint.decode(Note.decode(note).text).tree_size
    except EncodingError:
        return None


def check_continues(manifest: Manifest, smaller: bytes, larger: bytes, history: LogHistory) -> None:
    """Check that the larger of two checkpoints continues the smaller one.

    Args:
        manifest: of the sitting.
        smaller: note of lesser or equal size.
        larger: the other note.
        history: the leaves below the larger one.

    Raises:
        InconsistentLogError: it does not; `evidence` is a file for strangers.
    """
    # Loaded when there is something to compare: most readers of a new board have seen nothing before.
    from secballot.roles.evidence import encode_evidence, split_view  # noqa: PLC0415

    evidence = split_view(manifest, smaller, larger, history)
    if evidence is not None:
        raise InconsistentLogError(
            "the log shows two views: one checkpoint does not continue another",
            check="LOG-02",
            culprit=Party("board"),
            evidence=encode_evidence(evidence),
        )


def remember(memory: Memory, manifest: Manifest, seen: WitnessedCheckpoint, history: LogHistory) -> None:
    """Compare a checkpoint with the last one seen of its log, and keep it if it is not older.

    Args:
        memory: the reader's.
        manifest: of the sitting.
        seen: a witnessed checkpoint, whose root the leaves have.
        history: the leaves below it.

    Raises:
        InconsistentLogError: a rollback, or a split view; nothing is kept.
        StoreError: the memory cannot be read or written.
    """
    kept = memory.recall(manifest.log.origin)
    if kept is not None:
        try:
            before = Checkpoint.decode(Note.decode(kept).text).tree_size
        except EncodingError as error:
            raise StoreError("the checkpoint kept from the last time is garbled") from error
        if before > seen.checkpoint.tree_size:
            raise InconsistentLogError(
                f"the log shown has {seen.checkpoint.tree_size} entries, and had {before} the last time",
                check="LOG-02",
                evidence=kept,
            )
        check_continues(manifest, kept, seen.note, history)
    memory.keep(manifest.log.origin, seen.note)


def compare(manifest: Manifest, seen: WitnessedCheckpoint, history: LogHistory, mirror: LogSource) -> int:
    """Check that a mirror shows the same log, and return the size of its newest witnessed checkpoint.

    Args:
        manifest: of the sitting.
        seen: a witnessed checkpoint of the log as it was read elsewhere, whose root the leaves have.
        history: the leaves below it.
        mirror: the other place.

    Raises:
        InconsistentLogError: two views; `evidence` is a file for strangers.
        PolicyError: the mirror has no witnessed checkpoint of this log.
        StoreError: the mirror cannot be read.
    """
    other = newest_witnessed(manifest, mirror)
    if other is None:
        raise PolicyError("the mirror has no witnessed checkpoint of this log", check="LOG-01")
    size = other.checkpoint.tree_size
    if size <= seen.checkpoint.tree_size:
        check_continues(manifest, other.note, seen.note, history)
        return size
    leaves = LogHistory()
    for entry in mirror.entries(0, size):
        leaves.append(leaf_hash(entry))
    if len(leaves) != size or leaves.root(size) != other.checkpoint.root:
        raise StoreError("the mirror's entries are not those of its checkpoint")
    check_continues(manifest, seen.note, other.note, leaves)
    return size
