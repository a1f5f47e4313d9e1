"""Logs to audit: entries and notes in a list, and the same published as a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import leaf_hash
from secballot.board.note import Note
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from tests.simulator import cosigned_head, golden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from secballot.audit.report import CheckLine, Report


@dataclass
class ListSource:
    """A log held in two lists, as some mirror might serve it."""

    log: list[bytes] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)

    def checkpoint_notes(self) -> Sequence[bytes]:
        """Return the notes as they stand."""
        return self.notes

    def size(self) -> int:
        """Return the number of entries."""
        return len(self.log)

    def entry(self, index: int) -> bytes:
        """Return an entry."""
        return self.log[index]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries in order."""
        return iter(self.log[start:stop])

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield nothing: there is nothing beside entries and notes."""
        del size, subtree
        return iter(())


def golden_source() -> ListSource:
    """Return the finished small sitting with every checkpoint, newest first."""
    found = golden()
    return ListSource(list(found.entries), [found.notes[size] for size in sorted(found.notes, reverse=True)])


def recosigned(entries: Sequence[bytes], *, now: int = 1_770_200_000, operator: int = 0, witnesses: int = 4) -> bytes:
    """Return a checkpoint over these entries by the golden sitting's own log key and witnesses."""
    simulator = golden().simulator
    leaves = [leaf_hash(entry) for entry in entries]
    key = simulator.rehearsal.keys.log[operator]
    return cosigned_head(simulator.board.manifest.log.origin, key, leaves, simulator.board.witnesses[:witnesses], now)


def resealed(entries: Sequence[bytes]) -> ListSource:
    """Return a log of these entries under one checkpoint that the golden sitting's witnesses cosigned."""
    return ListSource(list(entries), [recosigned(entries)])


def publish(folder: Path, entries: Sequence[bytes], notes: Sequence[bytes]) -> Path:
    """Return the folder `pub` in which this log is published; its database lies beside it."""
    smallest_first = sorted(notes, key=lambda note: Checkpoint.decode(Note.decode(note).text).tree_size)
    origin = golden().simulator.board.manifest.log.origin
    with BoardStore.create(folder / "board.sqlite", origin) as store:
        store.append(list(entries))
        for note in smallest_first:
            store.put_checkpoint(note)
        write_folder(store, folder / "pub")
    return folder / "pub"


def check_line(report: Report, check: str) -> CheckLine:
    """Return the line of one check."""
    return next(line for line in report.checks if line.id == check)
