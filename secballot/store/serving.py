"""The static files of a published log, made from the board's database when somebody asks.

Nothing above the published size is shown: a head that has no quorum yet, and entries that no shown head covers, stay
inside.

Source: SPEC.md#published-log; C2SP tlog-tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.board.log import newest_reading
from secballot.board.merkle import MAX_TREE_SIZE
from secballot.board.published import BY_SIZE, CHECKPOINT, SIZES, MissingFileError, encode_sizes
from secballot.board.tile import TILE_HEIGHT, TILE_WIDTH, Tile, encode_bundle, encode_tile
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, StoreError

if TYPE_CHECKING:
    from secballot.store.board import BoardStore


class StoreFiles:
    """The files of a board's log up to a size.

    Safe to use from several threads.

    Attributes:
        published: size of the newest checkpoint that is shown, 0 for none.
    """

    def __init__(self, store: BoardStore) -> None:
        """Show nothing of this board yet."""
        self._store = store
        self.published = 0

    def read(self, path: str, limit: int) -> bytes:
        """Return the bytes of a file.

        Raises:
            MissingFileError: there is none of this name at the published size.
            StoreError: the database does not answer, or the file is longer than `limit` bytes.
        """
        if path == CHECKPOINT:
            data = newest_reading(self._note(self.published))
        elif path == SIZES:
            data = encode_sizes(self._sizes())
        elif path.startswith(f"{BY_SIZE}/"):
            data = self._note(_size_in(path))
        else:
            data = self._tile(path)
        if len(data) > limit:
            raise StoreError(f"{path} is longer than {limit} bytes")
        return data

    def names(self, folder: str) -> list[str]:
        """Return the names in the folder of kept checkpoints.

        Raises:
            MissingFileError: another folder.
            StoreError: the database does not answer.
        """
        if folder != BY_SIZE:
            raise MissingFileError(f"{folder} is not listed")
        return [str(size) for size in self._sizes()]

    def _sizes(self) -> list[int]:
        return [size for size in self._store.checkpoint_sizes() if size <= self.published]

    def _note(self, size: int) -> bytes:
        note = self._store.checkpoint(size) if 0 < size <= self.published else None
        if note is None:
            raise MissingFileError("there is no such checkpoint")
        return note

    def _tile(self, path: str) -> bytes:
        try:
            tile = Tile.parse(path)
        except EncodingError as error:
            raise MissingFileError("a published log has no such file") from error
        height = (tile.level or 0) * TILE_HEIGHT
        first = tile.index * TILE_WIDTH
        if first + tile.width > self.published >> height:
            raise MissingFileError(f"{path} is missing")
        if tile.level is None:
            return encode_bundle(tuple(self._store.entries(first, first + tile.width)))
        return encode_tile(self._store.subtrees(height, first, first + tile.width))


def _size_in(path: str) -> int:
    try:
        return parse_decimal(path.removeprefix(f"{BY_SIZE}/").encode("ascii", "replace"), MAX_TREE_SIZE)
    except EncodingError as error:
        raise MissingFileError("a published log has no such file") from error
