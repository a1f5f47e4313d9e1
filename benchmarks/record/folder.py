"""A published log that is written while it grows, entry by entry, and never held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.board.published import BY_SIZE, CHECKPOINT, SIZES, encode_sizes
from secballot.board.tile import TILE_HEIGHT, TILE_WIDTH, Tile, encode_bundle, encode_tile, tiles_of

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.record.history import LogHistory


class GrowingFolder:
    """The folder of one log."""

    def __init__(self, root: Path) -> None:
        """Begin with the empty log."""
        self._root = root
        self._size = 0
        self._waiting: list[bytes] = []

    def append(self, entry: bytes) -> None:
        """Add an entry; full bundles go to disk."""
        self._waiting.append(entry)
        self._size += 1
        if len(self._waiting) == TILE_WIDTH:
            self._flush()

    def finish(self, history: LogHistory, note: bytes) -> None:
        """Write what is left, the tiles and the one checkpoint of the log."""
        if self._waiting:
            self._flush()
        for tile in tiles_of(self._size):
            first, level = tile.index * TILE_WIDTH, (tile.level or 0) * TILE_HEIGHT
            hashes = [history.subtree(level, position) for position in range(first, first + tile.width)]
            self._write(tile.path, encode_tile(hashes))
        self._write(f"{BY_SIZE}/{self._size}", note)
        self._write(SIZES, encode_sizes([self._size]))
        self._write(CHECKPOINT, note)

    def _flush(self) -> None:
        index = (self._size - 1) // TILE_WIDTH
        self._write(Tile(None, index, len(self._waiting)).path, encode_bundle(self._waiting))
        self._waiting = []

    def _write(self, path: str, data: bytes) -> None:
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
