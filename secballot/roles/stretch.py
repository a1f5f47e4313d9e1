"""A stretch of a log that is read twice: first its leaf hashes are compared with a checkpoint, then it is judged.

Source: SPEC.md#data-flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.board.merkle import HASH_SIZE, leaf_hash
from secballot.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secballot.board.reader import LogSource

_KEPT_BYTES: Final = 1 << 25
"""Bytes of entries that are held in memory; what goes beyond is read from the source a second time."""


class Stretch:
    """The entries between two sizes of a log, as a source gave them when this was made; 32 bytes each are kept.

    Attributes:
        stop: the larger size.
    """

    def __init__(self, source: LogSource, start: int, stop: int) -> None:
        """Read the entries from `start` up to `stop`, exclusive, for the first time.

        Raises:
            StoreError: the source lacks some of them.
        """
        self._source = source
        self._start, self.stop = start, stop
        self._held: list[bytes] = []
        self._leaves = bytearray()
        room = _KEPT_BYTES
        for entry in source.entries(start, stop):
            self._leaves += leaf_hash(entry)
            room -= len(entry)
            if room >= 0:
                self._held.append(entry)
        if len(self._leaves) != HASH_SIZE * (stop - start):
            raise StoreError("the source lacks entries that a witnessed checkpoint commits to")

    @property
    def leaves(self) -> Iterator[bytes]:
        """The leaf hashes."""
        return (bytes(self._leaves[at : at + HASH_SIZE]) for at in range(0, len(self._leaves), HASH_SIZE))

    def __iter__(self) -> Iterator[bytes]:
        """Yield the entries; those that are read again are compared with what they were.

        Raises:
            StoreError: the source gives other entries now, or fewer.
        """
        yield from self._held
        place = len(self._held)
        if place == self.stop - self._start:
            return
        for entry in self._source.entries(self._start + place, self.stop):
            if leaf_hash(entry) != self._leaves[HASH_SIZE * place : HASH_SIZE * (place + 1)]:
                raise StoreError("the source gives another entry than a moment ago")
            place += 1
            yield entry
        if place != self.stop - self._start:
            raise StoreError("the source gives fewer entries than a moment ago")
