"""A log on disk as an auditor reads it: a published folder or archive, or a board's database, whatever was done to it.

All are read without the help of any checkpoint, since an auditor first has to find out which checkpoint counts. Any
content at all gives bytes or a `StoreError`; nothing is written.

Source: SPEC.md#data-flow, SPEC.md#board-profile.
"""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.board.published import PublishedSource
from secballot.errors import StoreError
from secballot.store.archive import ZIP_MAGICS, ArchiveFiles
from secballot.store.folder import FolderFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from secballot.board.reader import LogSource
    from secballot.store.board import BoardStore

_SQLITE_MAGIC: Final = b"SQLite format 3\x00"

_HASHES_PER_READ: Final = 4_096


def open_source(path: str | Path) -> LogSource:
    """Return the log that is kept here.

    Args:
        path: a folder of static files, a zip archive of them, the SQLite file of a board, or its database's URL.

    Raises:
        StoreError: there is none of these, or the archive holds what is not a published log's.
    """
    if isinstance(path, str) and "://" in path:
        return _open_database(path)
    where = Path(path)
    try:
        if where.is_dir():
            return FolderSource(where)
    except (OSError, ValueError) as error:
        raise StoreError("the path cannot be read") from error
    magic = _first_bytes(where)
    if magic.startswith(ZIP_MAGICS):
        return PublishedSource(ArchiveFiles(where))
    # SQLite would take an empty file for a database, and write to it.
    if magic != _SQLITE_MAGIC:
        raise StoreError("neither a folder or archive of a published log nor a board's database")
    return _open_database(where)


def _open_database(where: str | Path) -> DatabaseSource:
    # Only here: what drives databases takes longer to load than a small folder takes to audit.
    from secballot.store.board import BoardStore  # noqa: PLC0415

    with _sound():
        store = BoardStore.open(where)
    source = DatabaseSource(store)
    weakref.finalize(source, store.close)
    return source


def _first_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise StoreError("there is no such file or folder")
        with path.open("rb") as file:
            return file.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise StoreError("the file cannot be read") from error


class FolderSource(PublishedSource):
    """Reads a log from the static files of a folder (SPEC.md#published-log)."""

    def __init__(self, folder: str | Path) -> None:
        """Read from this folder; nothing is opened yet."""
        super().__init__(FolderFiles(folder))


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
