"""A published log as a folder of static files: written from a board's database, and read back by anyone.

    checkpoint                       the newest checkpoint, replaced as the very last file
    checkpoint-by-size/1024          every kept checkpoint, under its size
    tile/0/003  tile/1/000.p/4       hashes
    tile/entries/003                 entries

Files are written whole or not at all, and never change, except that `checkpoint` moves on and a checkpoint of the same
size may gain cosignatures. So a reader who has a checkpoint finds everything below it, even while the next is written.

A reader trusts no file: every read is bounded, what is missing or garbled is a `StoreError` (nothing can be said), and
what is readable but contradicts the signed checkpoint is an `InconsistentLogError` (the log's keeper is caught).

Source: SPEC.md#published-log; C2SP tlog-tiles.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.log import check_continues
from secballot.board.merkle import (
    HASH_SIZE,
    ConsistencyProof,
    InclusionProof,
    leaf_hash,
    root_of,
)
from secballot.board.note import MAX_NOTE_SIZE, Note
from secballot.board.tile import (
    MAX_BUNDLE_SIZE,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    bundles_of,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    tiles_of,
)
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, InconsistentLogError, StoreError, VerificationError
from secballot.store.engine import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secballot.store.board import BoardStore

CHECKPOINT: Final = "checkpoint"
BY_SIZE: Final = "checkpoint-by-size"

_MAX_SIZE = 2**63 - 1


def write_folder(store: BoardStore, folder: str | Path) -> int:
    """Bring a folder up to the board's newest checkpoint and return that checkpoint's size.

    May be repeated at any time, and after a crash at any point: files that exist are not written again.

    Args:
        store: the board.
        folder: made if it does not exist; nobody else writes into it.

    Raises:
        StoreError: the board has no checkpoint yet, or an older one than the folder, or the disk does not take the
            files.
        InconsistentLogError: the folder holds another log, or one that the board does not continue.
    """
    note = store.latest_checkpoint()
    if note is None:
        raise StoreError("the board has no checkpoint to publish")
    size = Checkpoint.decode(Note.decode(note).text).tree_size
    root = Path(folder)
    _check_follows(store, root, size)
    writer = _FolderWriter(root)
    try:
        _write_log(store, writer, size)
        # Whoever reads `checkpoint` must find everything that it covers, so all names are durable before it.
        writer.sync()
        writer.write(CHECKPOINT, note)
        writer.sync()
    except OSError as error:
        raise StoreError("the folder does not take the log's files") from error
    return size


def _write_log(store: BoardStore, writer: _FolderWriter, size: int) -> None:
    """Write the entries, tiles and kept checkpoints up to a size."""
    for bundle in bundles_of(size):
        if not writer.has(bundle.path):
            first = bundle.index * TILE_WIDTH
            writer.write(bundle.path, encode_bundle(tuple(store.entries(first, first + bundle.width))))
    for tile in tiles_of(size):
        if not writer.has(tile.path):
            first = tile.index * TILE_WIDTH
            level = (tile.level or 0) * TILE_HEIGHT
            writer.write(tile.path, encode_tile(store.subtrees(level, first, first + tile.width)))
    for kept_size in store.checkpoint_sizes():
        kept = store.checkpoint(kept_size)
        # A larger one may have been kept since; it is published with its own entries, the next time.
        if kept is not None and kept_size <= size:
            writer.write(f"{BY_SIZE}/{kept_size}", kept)


class FolderReader:
    """Reads a published log from a folder; trusts nothing in it but what a checkpoint commits to.

    Signatures are the caller's business: a `Checkpoint` handed in here has been opened under a policy.
    """

    def __init__(self, folder: str | Path) -> None:
        """Read from this folder; nothing is opened yet."""
        self._root = Path(folder)

    def checkpoint_note(self) -> bytes:
        """Return the newest checkpoint's note, not verified.

        Raises:
            StoreError: missing, not a file, or too long.
        """
        return read_file(self._root / CHECKPOINT, MAX_NOTE_SIZE)

    def checkpoint_note_at(self, size: int) -> bytes:
        """Return the note of the checkpoint kept under this size, not verified.

        Raises:
            StoreError: missing, not a file, or too long.
        """
        return read_file(self._root / BY_SIZE / str(size), MAX_NOTE_SIZE)

    def checkpoint_sizes(self) -> list[int]:
        """Return the sizes under which checkpoints are kept, ascending; other names in that folder are ignored.

        Raises:
            StoreError: the folder cannot be listed.
        """
        try:
            names = [path.name for path in (self._root / BY_SIZE).iterdir()]
        except OSError as error:
            raise StoreError("the kept checkpoints cannot be listed") from error
        sizes = []
        for name in names:
            try:
                sizes.append(parse_decimal(os.fsencode(name), _MAX_SIZE))
            except EncodingError:
                continue
        return sorted(sizes)

    def tile(self, tile: Tile) -> tuple[bytes, ...]:
        """Return the hashes of a tile, not verified; the full tile serves where the partial one is gone.

        Raises:
            StoreError: missing or garbled.
        """
        found, data = self._partial_or_full(tile, TILE_WIDTH * HASH_SIZE)
        try:
            return decode_tile(data, found.width)[: tile.width]
        except EncodingError as error:
            raise StoreError(f"{found.path} is garbled") from error

    def entries(self, checkpoint: Checkpoint) -> Iterator[bytes]:
        """Yield every entry below a checkpoint, each only after its bundle is shown to belong there.

        The tiles of leaf hashes are read first and must give the checkpoint's root; one hash of each is kept. Then
        every bundle must give the hash of its tile. So no entry is yielded that the checkpoint does not commit to, and
        memory is one bundle and 32 bytes for 256 entries.

        Raises:
            StoreError: a tile or bundle is missing or garbled.
            InconsistentLogError: a tile or bundle contradicts the checkpoint.

        Source: SPEC.md#published-log.
        """
        bundles = list(bundles_of(checkpoint.tree_size))
        hashes = [root_of(self.tile(Tile(0, bundle.index, bundle.width))) for bundle in bundles]
        # Full tiles are complete subtrees of one size and the partial one is last, so they make the tree themselves.
        if root_of(hashes) != checkpoint.root:
            raise InconsistentLogError("the leaf hashes in the folder are not those of the checkpoint")
        for bundle, expected in zip(bundles, hashes, strict=True):
            entries = self.bundle(bundle)
            if root_of(leaf_hash(entry) for entry in entries) != expected:
                raise InconsistentLogError(f"the entries in {bundle.path} are not those of the checkpoint")
            yield from entries

    def entry(self, index: int, checkpoint: Checkpoint) -> tuple[bytes, InclusionProof]:
        """Return one entry and the proof, already verified, that it stands at this index below the checkpoint.

        Raises:
            StoreError: the index is not inside the tree, or a file is missing or garbled.
            InconsistentLogError: entry or tiles contradict the checkpoint.
        """
        size = checkpoint.tree_size
        if not 0 <= index < size:
            raise StoreError("the index is not inside the tree")
        first = index - index % TILE_WIDTH
        entry = self.bundle(Tile(None, index // TILE_WIDTH, min(TILE_WIDTH, size - first)))[index - first]
        proof = InclusionProof.prove(index, size, _TileSubtrees(self, size))
        try:
            proof.verify(leaf_hash(entry), checkpoint.root)
        except VerificationError as error:
            raise InconsistentLogError("the entry in the folder is not the one of the checkpoint") from error
        return entry, proof

    def consistency_proof(self, old: Checkpoint, new: Checkpoint) -> ConsistencyProof:
        """Return the proof, already verified, that one checkpoint is a prefix of another.

        Raises:
            StoreError: the old one is larger, or a tile is missing or garbled.
            InconsistentLogError: it is not a prefix, or the tiles contradict the checkpoints.
        """
        if old.tree_size > new.tree_size:
            raise StoreError("the old checkpoint is larger than the new one")
        proof = ConsistencyProof.prove(old.tree_size, new.tree_size, _TileSubtrees(self, new.tree_size))
        proof.verify(old.root, new.root)
        return proof

    def bundle(self, bundle: Tile) -> tuple[bytes, ...]:
        """Return the entries of a bundle, not verified; the full bundle serves where the partial one is gone.

        Raises:
            StoreError: missing or garbled.
        """
        found, data = self._partial_or_full(bundle, MAX_BUNDLE_SIZE)
        try:
            return decode_bundle(data, found.width)[: bundle.width]
        except EncodingError as error:
            raise StoreError(f"{found.path} is garbled") from error

    def _partial_or_full(self, tile: Tile, limit: int) -> tuple[Tile, bytes]:
        """Return the file of a partial tile, or the one of the full tile that has replaced it."""
        try:
            return tile, read_file(self._root / tile.path, limit)
        except MissingFileError:
            if tile == tile.full:
                raise
        return tile.full, read_file(self._root / tile.full.path, limit)


class _TileSubtrees:
    """Computes the hashes of complete subtrees of a tree of known size from the tiles of a folder."""

    def __init__(self, reader: FolderReader, size: int) -> None:
        self._reader = reader
        self._size = size
        self._tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        row, height = divmod(level, TILE_HEIGHT)
        first = index << height
        number, offset = divmod(first, TILE_WIDTH)
        if (row, number) not in self._tiles:
            width = min(TILE_WIDTH, (self._size >> (row * TILE_HEIGHT)) - number * TILE_WIDTH)
            self._tiles[row, number] = self._reader.tile(Tile(row, number, width))
        return root_of(self._tiles[row, number][offset : offset + (1 << height)])


class MissingFileError(StoreError):
    """The file is not there."""


def read_file(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        MissingFileError: there is none.
        StoreError: not a regular file, longer than `limit` bytes, or not readable.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe that somebody put there would wait for ever.
        with open(path, "rb", opener=_open_nonblocking) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StoreError(f"{path.name} is not a file")
            data = file.read(limit + 1)
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
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
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
        raise StoreError("the folder's checkpoint is garbled") from error
    if published_size > size:
        raise StoreError("the folder holds a later checkpoint than the board")
