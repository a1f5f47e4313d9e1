"""A published log as a folder of static files: written from a board's database, and read back by anyone.

    checkpoint                       the newest checkpoint, replaced as the very last file
    checkpoint-by-size/1024          every kept checkpoint, under its size
    checkpoint-by-size/list          these sizes in decimal, ascending, one a line
    tile/0/003  tile/1/000.p/4       hashes
    tile/entries/003                 entries

Files are written whole or not at all, and never change, except that `checkpoint` moves on and a checkpoint of the same
size may gain cosignatures. So a reader who has a checkpoint finds everything below it, even while the next is written.

Source: SPEC.md#published-log; C2SP tlog-tiles.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.log import check_continues, newest_reading
from secballot.board.note import MAX_NOTE_SIZE, Note
from secballot.board.published import (
    BY_SIZE,
    CHECKPOINT,
    SIZES,
    MissingFileError,
    PublishedReader,
    encode_sizes,
)
from secballot.board.tile import TILE_HEIGHT, TILE_WIDTH, bundles_of, edge_of, encode_bundle, encode_tile, tiles_of
from secballot.errors import EncodingError, StoreError
from secballot.store.locking import locked
from secballot.store.syncing import replace_file, sync_folder
from secballot.store.troubles import explain_disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.board.tile import Tile
    from secballot.store.board import BoardStore

_UNFINISHED: Final = ".unfinished"
"""Name of a file that is being written."""


LOCK_SECONDS: Final = 5.0
"""How long whoever publishes waits for another. Anybody who can read a folder can lock it, and shall stop no board."""

_IN_USE: Final = "another process keeps the folder locked: see who has it open; only whoever publishes should"


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def write_folder(store: BoardStore, folder: str | Path, progress: Callable[[int, int], None] = _no_progress) -> int:
    """Bring a folder up to the board's newest checkpoint and return that checkpoint's size.

    May be repeated at any time, and after a crash at any point: files that exist are not written again.

    Args:
        store: the board.
        folder: made if it does not exist. Two that bring it up at once wait for each other for some seconds; nobody
            else writes there.
        progress: is told how many tiles are written, and of how many.

    Raises:
        StoreError: the board has no checkpoint yet, or an older one than the folder, another process has it locked, or
            the disk does not take the files.
        InconsistentLogError: the folder holds another log, or one that the board does not continue.
    """
    note = store.latest_checkpoint()
    if note is None:
        raise StoreError("the board has no checkpoint to publish")
    size = Checkpoint.decode(Note.decode(note).text).tree_size
    root = Path(folder)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root, seconds=LOCK_SECONDS, busy=_IN_USE):
            _check_follows(store, root, size)
            writer = _FolderWriter(root)
            _write_log(store, writer, size, progress)
            # Whoever reads `checkpoint` must find everything that it covers, so all names are durable before it.
            writer.sync()
            writer.write(CHECKPOINT, newest_reading(note))
            writer.sync()
    except OSError as error:
        raise StoreError(f"the folder does not take the log's files: {explain_disk(error)}") from error
    return size


def _write_log(store: BoardStore, writer: _FolderWriter, size: int, progress: Callable[[int, int], None]) -> None:
    """Write the entries, tiles and kept checkpoints up to a size."""
    tiles = (*bundles_of(size), *tiles_of(size))
    for done, tile in enumerate(tiles, start=1):
        _write_tile(store, writer, tile)
        progress(done, len(tiles))
    # Larger ones may have been kept since; they are published with their own entries, the next time.
    sizes = [kept_size for kept_size in store.checkpoint_sizes() if kept_size <= size]
    for kept_size in sizes:
        kept = store.checkpoint(kept_size)
        if kept is not None:
            # Whoever has this checkpoint is to find the tiles of its own size until there are full ones.
            for tile in edge_of(kept_size):
                if not tile.is_full_at(size):
                    _write_tile(store, writer, tile)
            writer.write(f"{BY_SIZE}/{kept_size}", kept)
    writer.write(SIZES, encode_sizes(sizes))


def _write_tile(store: BoardStore, writer: _FolderWriter, tile: Tile) -> None:
    """Write a tile of hashes, or a bundle of entries, unless it is there."""
    if writer.has(tile.path):
        return
    first = tile.index * TILE_WIDTH
    if tile.level is None:
        data = encode_bundle(tuple(store.entries(first, first + tile.width)))
    else:
        data = encode_tile(store.subtrees(tile.level * TILE_HEIGHT, first, first + tile.width))
    writer.write(tile.path, data)


class FolderFiles:
    """The static files of a folder."""

    def __init__(self, folder: str | Path) -> None:
        """Read from this folder; nothing is opened yet."""
        self._root = Path(folder)

    def read(self, path: str, limit: int) -> bytes:
        """Return the bytes of a regular file.

        Raises:
            MissingFileError: there is none.
            StoreError: not a regular file, longer than `limit` bytes, or not readable.
        """
        return read_file(self._root / path, limit)

    def names(self, folder: str) -> list[str]:
        """Return the names of what lies directly in a folder.

        Raises:
            MissingFileError: there is no such folder.
            StoreError: it cannot be listed.
        """
        try:
            return [path.name for path in (self._root / folder).iterdir()]
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingFileError(f"{folder} is missing") from error
        except OSError as error:
            raise StoreError(f"{folder} cannot be listed") from error


class FolderReader(PublishedReader):
    """Reads a published log from a folder."""

    def __init__(self, folder: str | Path) -> None:
        """Read from this folder; nothing is opened yet."""
        super().__init__(FolderFiles(folder))


def read_file(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        MissingFileError: there is none.
        StoreError: not a regular file, longer than `limit` bytes, or not readable.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe that somebody put there would wait for ever.
        with open(path, "rb", opener=_open_nonblocking) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise StoreError(f"{path.name} is not a file")
            # Room for `limit` bytes would be made first, whatever the size; a file that grows is read to its end.
            data = file.read(min(status.st_size, limit) + 1)
            if status.st_size < len(data) <= limit:
                data += file.read(limit + 1 - len(data))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFileError(f"{path.name} is missing") from error
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read") from error
    if len(data) > limit:
        raise StoreError(f"{path.name} is longer than {limit} bytes")
    return data


def _open_nonblocking(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class _FolderWriter:
    """Writes files whole or not at all, and makes their names durable all together."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # One name for all, so that what a crash leaves behind is overwritten or removed by the next who writes.
        self._unfinished = root / _UNFINISHED
        self._unfinished.unlink(missing_ok=True)
        self._touched: set[Path] = set()

    def has(self, path: str) -> bool:
        """Tell whether the file is there, and so is complete."""
        return (self._root / path).is_file()

    def write(self, path: str, data: bytes) -> None:
        """Put the file in place, unless it holds these bytes already; its name is durable after `sync`."""
        target = self._root / path
        try:
            if read_file(target, len(data)) == data:
                return
        except StoreError:
            pass  # missing, or another content: it is written anew
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, data, self._unfinished)
        # Folders on the way may be new too.
        below = target.relative_to(self._root).parents
        self._touched.update(self._root / parent for parent in below)

    def sync(self) -> None:
        """Make the names of all files written so far durable."""
        for folder in sorted(self._touched):
            sync_folder(folder)
        self._touched.clear()


def _check_follows(store: BoardStore, folder: Path, size: int) -> None:
    """Check that the board continues what the folder already publishes."""
    try:
        published = read_file(folder / CHECKPOINT, MAX_NOTE_SIZE)
    except MissingFileError:
        return
    try:
        check_continues(store, published)
        published_size = Checkpoint.decode(Note.decode(published).text).tree_size
    except EncodingError as error:
        raise StoreError(
            f"the folder's checkpoint is garbled: put the newest of {BY_SIZE} in its place, and publish again"
        ) from error
    if published_size > size:
        raise StoreError("the folder holds a later checkpoint than the board")
