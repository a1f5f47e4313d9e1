"""A published log as static files, read back by anyone, wherever the files are: in a folder, an archive, on a server.

    checkpoint                       the newest checkpoint
    checkpoint-by-size/1024          every kept checkpoint, under its size
    checkpoint-by-size/list          these sizes in decimal, ascending, one a line
    tile/0/003  tile/1/000.p/4       hashes
    tile/entries/003                 entries

A reader trusts no file: every read is bounded, what is missing or garbled is a `StoreError` (nothing can be said), and
what is readable but contradicts the signed checkpoint is an `InconsistentLogError` (the log's keeper is caught).

Source: SPEC.md#published-log; C2SP tlog-tiles.
"""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from secballot.board.merkle import (
    HASH_SIZE,
    MAX_TREE_SIZE,
    ConsistencyProof,
    InclusionProof,
    leaf_hash,
    root_of,
)
from secballot.board.note import MAX_NOTE_SIZE
from secballot.board.tile import (
    MAX_BUNDLE_SIZE,
    TILE_HEIGHT,
    TILE_WIDTH,
    Bundle,
    Tile,
    bundles_of,
    decode_bundle,
    decode_tile,
    edge_of,
    tiles_of,
)
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, InconsistentLogError, StoreError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from secballot.board.checkpoint import Checkpoint

CHECKPOINT: Final = "checkpoint"
BY_SIZE: Final = "checkpoint-by-size"
SIZES: Final = f"{BY_SIZE}/list"

MAX_SIZES: Final = 1_000_000
"""Most bytes of the list of sizes."""

_BUNDLES_KEPT: Final = 2
"""Bundles that single reads hold in memory: whoever reads many does so in the order of the log."""


class MissingFileError(StoreError):
    """The file is not there."""


class StaticFiles(Protocol):
    """The files of one published log."""

    def read(self, path: str, limit: int) -> bytes:
        """Return the bytes of a file.

        Raises:
            MissingFileError: there is none.
            StoreError: longer than `limit` bytes, not a file, or not readable.
        """

    def names(self, folder: str) -> list[str]:
        """Return the names of what lies directly in a folder.

        Raises:
            MissingFileError: there is no such folder.
            StoreError: it cannot be listed.
        """


def encode_sizes(sizes: Iterable[int]) -> bytes:
    """Return the list of the sizes of kept checkpoints, ascending."""
    return b"".join(b"%d\n" % size for size in sorted(sizes))


def decode_sizes(data: bytes) -> list[int]:
    """Return the sizes in a list.

    Raises:
        EncodingError: too long, not decimal numbers one a line, or not ascending.
    """
    *lines, rest = data.split(b"\n")
    if rest or len(data) > MAX_SIZES:
        raise EncodingError("a list of sizes ends with a newline and is not too long")
    sizes = [parse_decimal(line, MAX_TREE_SIZE) for line in lines]
    if sizes != sorted(set(sizes)):
        raise EncodingError("a list of sizes ascends")
    return sizes


class PublishedReader:
    """Reads a published log; trusts nothing in it but what a checkpoint commits to.

    Signatures are the caller's business: a `Checkpoint` handed in here has been opened under a policy.
    """

    def __init__(self, files: StaticFiles) -> None:
        """Read from these files; nothing is opened yet."""
        self._files = files

    def checkpoint_note(self) -> bytes:
        """Return the newest checkpoint's note, not verified.

        Raises:
            StoreError: missing, not a file, or too long.
        """
        return self._files.read(CHECKPOINT, MAX_NOTE_SIZE)

    def checkpoint_note_at(self, size: int) -> bytes:
        """Return the note of the checkpoint kept under this size, not verified.

        Raises:
            StoreError: missing, not a file, or too long.
        """
        return self._files.read(f"{BY_SIZE}/{size}", MAX_NOTE_SIZE)

    def checkpoint_sizes(self) -> list[int]:
        """Return the sizes under which checkpoints are kept, ascending; other names in that folder are ignored.

        Raises:
            StoreError: the folder cannot be listed.
        """
        return sorted(_numbers(self._files.names(BY_SIZE), MAX_TREE_SIZE))

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
            raise InconsistentLogError("the leaf hashes at hand are not those of the checkpoint")
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
            raise InconsistentLogError("the entry at hand is not the one of the checkpoint") from error
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
            return tile, self._files.read(tile.path, limit)
        except MissingFileError:
            if tile == tile.full:
                raise
        return tile.full, self._files.read(tile.full.path, limit)


class _TileSubtrees:
    """Computes the hashes of complete subtrees of a tree of known size from the tiles of a published log."""

    def __init__(self, reader: PublishedReader, size: int) -> None:
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


class PublishedSource:
    """Reads a log from its static files as a `LogSource`: without the help of any checkpoint."""

    def __init__(self, files: StaticFiles) -> None:
        """Read from these files; nothing is opened yet."""
        self._files = files
        self._reader = PublishedReader(files)
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
        listed, names = "", frozenset[str]()
        for index in count():
            folder, _, name = Tile(None, index).path.rpartition("/")
            if folder != listed:
                listed, names = folder, frozenset(self._names(folder))
            if name not in names:
                return TILE_WIDTH * index + max(self._partial_widths(index), default=0)
        raise StoreError("unreachable")  # pragma: no cover - count() does not end

    def entry(self, index: int) -> bytes:
        """Return the entry at an index.

        Raises:
            StoreError: it is missing, or its bundle is garbled.
        """
        number, place = divmod(index, TILE_WIDTH)
        width = min(TILE_WIDTH, self._stop - TILE_WIDTH * number) if index < self._stop else place + 1
        return self._bundle_kept(number, width).entry(place)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from `start` up to `stop`, exclusive, reading one bundle at a time.

        Raises:
            StoreError: a bundle is missing or garbled.
        """
        self._stop = stop
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = TILE_WIDTH * index
            bundle = self._bundle(index, min(TILE_WIDTH, stop - first))
            places = range(len(bundle.ends))[max(0, start - first) : stop - first]
            yield from map(bundle.entry, places)

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield one line for each file below `size` that is unreadable, or does not hold what the others imply."""
        yield from self._list_discrepancies()
        for name, note in self._notes():
            if isinstance(note, StoreError):
                yield f"{name}: {note.message}"
        whole = dict.fromkeys(tiles_of(size))
        edges = [tile for kept in self._sizes() if kept < size for tile in edge_of(kept)]
        for tile in dict.fromkeys((*whole, *edges)):
            level, first = (tile.level or 0) * TILE_HEIGHT, tile.index * TILE_WIDTH
            try:
                held = self._reader.tile(tile) if tile.level is not None else self._leaves(tile)
            except StoreError as error:
                if tile in whole or not isinstance(error, MissingFileError):  # a mirror need not keep the edges
                    yield f"{tile.path}: {error.message}"
                continue
            if any(value != subtree(level, first + place) for place, value in enumerate(held)):
                yield f"{tile.path}: other hashes than those of the entries"

    def _leaves(self, bundle: Tile) -> tuple[bytes, ...]:
        return tuple(leaf_hash(entry) for entry in self._reader.bundle(bundle))

    def _list_discrepancies(self) -> Iterator[str]:
        """Yield a line if the list of sizes, from which readers by URL learn them, is not that of the files."""
        try:
            if decode_sizes(self._files.read(SIZES, MAX_SIZES)) != self._sizes():
                yield f"{SIZES}: other sizes than those of the checkpoints beside it"
        except MissingFileError:
            return  # a mirror need not keep it
        except (EncodingError, StoreError) as error:
            yield f"{SIZES}: {error.message}"

    def _sizes(self) -> list[int]:
        """Return the sizes of kept checkpoints, as far as they can be known."""
        try:
            return self._reader.checkpoint_sizes()
        except StoreError:
            return []  # a mirror need not keep them

    def _notes(self) -> Iterator[tuple[str, bytes | StoreError]]:
        """Yield every note that should be there under its name, or why it cannot be read."""
        readers: dict[str, Callable[[], bytes]] = {CHECKPOINT: self._reader.checkpoint_note}
        for size in reversed(self._sizes()):
            readers[f"{BY_SIZE}/{size}"] = partial(self._note_at, size)
        for name, read in readers.items():
            try:
                note: bytes | StoreError = read()
            except StoreError as error:
                note = error
            yield name, note

    def _note_at(self, size: int) -> bytes:
        return self._reader.checkpoint_note_at(size)

    def _bundle(self, index: int, width: int) -> Bundle:
        """Return the first `width` entries of a bundle, or more, from the file that was published for that width.

        A later file that holds more of the same bundle serves where that one is gone.
        """
        for candidate in dict.fromkeys((width, TILE_WIDTH)):
            try:
                return self._bundle_of(Tile(None, index, candidate))
            except MissingFileError:
                continue
        wider = sorted(other for other in self._partial_widths(index) if other > width)
        if not wider:
            raise MissingFileError(f"{Tile(None, index, width).path} is missing")
        return self._bundle_of(Tile(None, index, wider[0]))

    def _bundle_of(self, tile: Tile) -> Bundle:
        data = self._files.read(tile.path, MAX_BUNDLE_SIZE)
        try:
            return Bundle.decode(data, tile.width)
        except EncodingError as error:
            raise StoreError(f"{tile.path} is garbled") from error

    def _partial_widths(self, index: int) -> list[int]:
        """Return the widths in which a bundle is there in part."""
        folder = Tile(None, index, 1).path.rpartition("/")[0]
        return [width for width in _numbers(self._names(folder), TILE_WIDTH - 1) if width > 0]

    def _names(self, folder: str) -> list[str]:
        try:
            return self._files.names(folder)
        except MissingFileError:
            return []


def _numbers(names: Iterable[str], maximum: int) -> Iterator[int]:
    """Yield the names that are decimal numbers."""
    for name in names:
        try:
            yield parse_decimal(name.encode("ascii", "replace"), maximum)
        except EncodingError:
            continue
