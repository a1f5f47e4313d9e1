"""A log on disk as an auditor reads it: a published folder or a board's database, whatever somebody did to it.

Both are read without the help of any checkpoint, since an auditor first has to find out which checkpoint counts. Any
content at all gives bytes or a `StoreError`; nothing is written.

Source: SPEC.md#data-flow, SPEC.md#board-profile.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.board.tile import TILE_HEIGHT, TILE_WIDTH, Tile, tiles_of
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, StoreError
from secballot.store.board import BoardStore
from secballot.store.folder import BY_SIZE, CHECKPOINT, FolderReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from secballot.board.reader import LogSource

_SQLITE_MAGIC: Final = b"SQLite format 3\x00"

_BUNDLES_KEPT: Final = 4
"""Bundles that single reads hold in memory: a ballot that is superseded is often not far back."""

_HASHES_PER_READ: Final = 4_096


def open_source(path: str | Path) -> LogSource:
    """Return the log that is kept here.

    Args:
        path: a folder of static files, or the SQLite file of a board.

    Raises:
        StoreError: there is neither.
    """
    where = Path(path)
    try:
        if where.is_dir():
            return FolderSource(where)
    except (OSError, ValueError) as error:
        raise StoreError("the path cannot be read") from error
    # SQLite would take an empty file for a database, and write to it.
    if _first_bytes(where) != _SQLITE_MAGIC:
        raise StoreError("neither a folder of a published log nor a board's database")
    with _sound():
        return DatabaseSource(BoardStore.open(where))


def _first_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise StoreError("there is no such file or folder")
        with path.open("rb") as file:
            return file.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise StoreError("the file cannot be read") from error


class FolderSource:
    """Reads a log from the static files of a folder (SPEC.md#published-log)."""

    def __init__(self, folder: str | Path) -> None:
        """Read from this folder; nothing is opened yet."""
        self._root = Path(folder)
        self._reader = FolderReader(folder)
        self._bundle_kept = lru_cache(maxsize=_BUNDLES_KEPT)(self._bundle)
        # How far the last stream was to go: single reads take their entries from the same files.
        self._stop = 0

    def checkpoint_notes(self) -> Iterator[bytes]:
        """Yield the note in `checkpoint`, then those kept by size, the largest first; unreadable ones are left out."""
        for _, note in self._notes():
            if isinstance(note, bytes):
                yield note

    def size(self) -> int:
        """Return how many entries the bundles hold without a gap from the first.

        Raises:
            StoreError: a folder on the way cannot be listed.
        """
        for index in count():
            if not self._has(Tile(None, index)):
                return TILE_WIDTH * index + max(self._partial_widths(index), default=0)
        raise StoreError("unreachable")  # pragma: no cover - count() does not end

    def entry(self, index: int) -> bytes:
        """Return the entry at an index.

        Raises:
            StoreError: it is missing, or its bundle is garbled.
        """
        number, place = divmod(index, TILE_WIDTH)
        width = min(TILE_WIDTH, self._stop - TILE_WIDTH * number) if index < self._stop else place + 1
        return self._bundle_kept(number, width)[place]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from `start` up to `stop`, exclusive, reading one bundle at a time.

        Raises:
            StoreError: a bundle is missing or garbled.
        """
        self._stop = stop
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = TILE_WIDTH * index
            bundle = self._bundle(index, min(TILE_WIDTH, stop - first))
            yield from bundle[max(0, start - first) : stop - first]

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield one line for each file below `size` that is unreadable, or holds other hashes than the entries give."""
        for name, note in self._notes():
            if isinstance(note, StoreError):
                yield f"{name}: {note.message}"
        for tile in tiles_of(size):
            level, first = (tile.level or 0) * TILE_HEIGHT, tile.index * TILE_WIDTH
            try:
                held = self._reader.tile(tile)
            except StoreError as error:
                yield f"{tile.path}: {error.message}"
                continue
            if any(value != subtree(level, first + place) for place, value in enumerate(held)):
                yield f"{tile.path}: other hashes than those of the entries"

    def _notes(self) -> Iterator[tuple[str, bytes | StoreError]]:
        """Yield every note that should be there under its name, or why it cannot be read."""
        try:
            sizes = self._reader.checkpoint_sizes()
        except StoreError:
            sizes = []  # an archive need not keep them
        readers: dict[str, Callable[[], bytes]] = {CHECKPOINT: self._reader.checkpoint_note}
        for size in reversed(sizes):
            readers[f"{BY_SIZE}/{size}"] = partial(self._reader.checkpoint_note_at, size)
        for name, read in readers.items():
            try:
                note: bytes | StoreError = read()
            except StoreError as error:
                note = error
            yield name, note

    def _bundle(self, index: int, width: int) -> tuple[bytes, ...]:
        """Return the first `width` entries of a bundle, or more, from the file that was published for that width.

        A later file that holds more of the same bundle serves where that one is gone.
        """
        wider = sorted(other for other in self._partial_widths(index) if other > width)
        missing = StoreError(f"{Tile(None, index, width).path} is missing")
        for candidate in dict.fromkeys((width, TILE_WIDTH, *wider)):
            tile = Tile(None, index, candidate)
            if self._has(tile):
                return self._reader.bundle(tile)
        raise missing

    def _partial_widths(self, index: int) -> list[int]:
        folder = (self._root / Tile(None, index, 1).path).parent
        try:
            names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        except OSError as error:
            raise StoreError("a folder of entries cannot be listed") from error
        widths = []
        for name in names:
            try:
                widths.append(parse_decimal(name.encode("ascii", "replace"), TILE_WIDTH - 1))
            except EncodingError:
                continue
        return [width for width in widths if width > 0]

    def _has(self, tile: Tile) -> bool:
        try:
            return (self._root / tile.path).exists()
        except OSError as error:
            raise StoreError(f"{tile.path} cannot be read") from error


class DatabaseSource:
    """Reads a log from the operator's database."""

    def __init__(self, store: BoardStore) -> None:
        """Read from this board."""
        self._store = store

    def checkpoint_notes(self) -> Iterator[bytes]:
        """Yield the kept checkpoints, the largest first.

        Raises:
            StoreError: the database does not answer, or holds something else than bytes.
        """
        with _sound():
            sizes = self._store.checkpoint_sizes()
        for size in reversed(sizes):
            with _sound():
                note = self._store.checkpoint(size)
            if note is not None:
                yield _bytes(note)

    def size(self) -> int:
        """Return the number of entries.

        Raises:
            StoreError: the database does not answer.
        """
        with _sound():
            return int(self._store.size())

    def entry(self, index: int) -> bytes:
        """Return the entry at an index.

        Raises:
            StoreError: there is none, or it is not bytes.
        """
        with _sound():
            return _bytes(self._store.entry(index))

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from `start` up to `stop`, exclusive.

        Raises:
            StoreError: the database does not hold all of them, or something else than bytes.
        """
        with _sound():
            stream = self._store.entries(start, stop)
        while True:
            with _sound():
                entry = next(stream, None)
            if entry is None:
                return
            yield _bytes(entry)

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield one line for each level of stored hashes that are not those of the entries, or are missing."""
        for level in range(size.bit_length()):
            try:
                differing = self._first_difference(level, size >> level, subtree)
            except StoreError as error:
                yield f"stored hashes of level {level}: {error.message}"
                continue
            if differing is not None:
                yield f"stored hashes of level {level}: number {differing} is not that of the entries"

    def _first_difference(self, level: int, width: int, subtree: Callable[[int, int], bytes]) -> int | None:
        for first in range(0, width, _HASHES_PER_READ):
            with _sound():
                held = self._store.subtrees(level, first, min(first + _HASHES_PER_READ, width))
            for place, value in enumerate(held, first):
                if value != subtree(level, place):
                    return place
        return None


def _bytes(value: object) -> bytes:
    """Return a value that a sound database gives as bytes; a tampered one may give anything."""
    if not isinstance(value, bytes):
        raise StoreError("the database holds something else than bytes where an entry belongs")
    return value


@contextmanager
def _sound() -> Iterator[None]:
    """Turn what values of unexpected types lead to into a `StoreError`."""
    try:
        yield
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise StoreError("the database holds values of other types than a board's") from error
