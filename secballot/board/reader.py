"""Whatever a log can be read from: a published folder, a board's database, a mirror.

A reader is trusted with nothing. What it returns may be anybody's bytes; only a checkpoint that satisfies a quorum says
which of them are the log, and whoever reads compares roots.

Source: SPEC.md#data-flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class LogSource(Protocol):
    """One log as somebody has it at hand, nothing of it verified."""

    def checkpoint_notes(self) -> Iterable[bytes]:
        """Return all checkpoint notes at hand, newest first; what cannot be read is left out.

        Raises:
            StoreError: nothing can be read at all.
        """

    def size(self) -> int:
        """Return how many entries are at hand without a gap from the first.

        Raises:
            StoreError: nothing can be read at all.
        """

    def entry(self, index: int) -> bytes:
        """Return the entry at an index.

        Raises:
            StoreError: it is missing or garbled.
        """

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from `start` up to `stop`, exclusive, holding few of them in memory.

        Raises:
            StoreError: one of them is missing or garbled; those before it were yielded.
        """

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield one line for each thing that is kept beside entries and notes, and is not what the entries give.

        The log's hashes are kept so that proofs are quick. No verdict hangs on them, but whoever asks for a proof
        would be misled.

        Args:
            size: number of entries to look at.
            subtree: returns the hash of the complete subtree (level, index) of those entries.
        """
