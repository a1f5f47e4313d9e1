"""Tiles: a log as static files that any web server, mirror or memory stick can carry.

    checkpoint                          the newest published checkpoint
    tile/0/x001/x234/067                256 leaf hashes, 8192 bytes
    tile/1/000.p/17                     the first 17 hashes of a tile that is not full yet
    tile/entries/000                    256 entries, each behind its length in two bytes

Tile n of level l holds hashes of complete subtrees of 256^l leaves. A full tile never changes; a partial tile belongs
to the tree sizes whose right edge it is.

Source: SPEC.md#published-log; C2SP tlog-tiles.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from secballot.board.merkle import HASH_SIZE, MAX_TREE_SIZE
from secballot.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TILE_WIDTH: Final = 256
"""Hashes of a full tile, entries of a full bundle."""

TILE_HEIGHT: Final = 8
"""Levels of the Merkle tree that one level of tiles spans."""

MAX_LEVEL: Final = 63
_LENGTH_BYTES: Final = 2
MAX_ENTRY_SIZE: Final = 65_535
"""Most bytes of one entry."""

MAX_BUNDLE_SIZE: Final = TILE_WIDTH * (_LENGTH_BYTES + MAX_ENTRY_SIZE)
"""Most bytes of one entry bundle."""

_length_at = struct.Struct(">H").unpack_from
_MAX_INDEX = MAX_TREE_SIZE // TILE_WIDTH
_DIGITS = frozenset("0123456789")
_MAX_PATH_SIZE = len("tile/entries/x036/x028/x797/x018/x963/967.p/255")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Which resource of a published log: a tile of hashes, or a bundle of entries.

    Attributes:
        level: 0..63, or None for an entry bundle.
        index: position within the level, 0..2^55-1.
        width: hashes or entries, 1..256; 256 is a full tile.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        """Refuse a level, index or width out of range.

        Raises:
            EncodingError: out of range.
        """
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise EncodingError("tile level out of range", field="level")
        if not 0 <= self.index <= _MAX_INDEX:
            raise EncodingError("tile index out of range", field="index")
        if not 1 <= self.width <= TILE_WIDTH:
            raise EncodingError("tile width out of range", field="width")

    @property
    def path(self) -> str:
        """The path below the log's prefix, with `/` between its parts."""
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{partial}"

    @property
    def full(self) -> Tile:
        """The full tile at the same place."""
        return Tile(self.level, self.index)

    def is_full_at(self, size: int) -> bool:
        """Tell whether a log of `size` entries has the full tile at the same place."""
        height = (self.level or 0) * TILE_HEIGHT
        return (self.index + 1) * TILE_WIDTH <= size >> height

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Return the resource that a path names.

        Raises:
            EncodingError: the path is not exactly what `path` gives for any resource.
        """
        if not path.startswith("tile/") or len(path) > _MAX_PATH_SIZE:
            raise EncodingError("not a tile path", field="path")
        where, _, width = path.removeprefix("tile/").partition(".p/")
        level, _, groups = where.partition("/")
        digits = groups.replace("/", "").replace("x", "")
        if not digits or not _DIGITS.issuperset(digits) or not _DIGITS.issuperset(width):
            raise EncodingError("not a tile path", field="path")
        if level != "entries" and (not level or not _DIGITS.issuperset(level)):
            raise EncodingError("not a tile path", field="path")
        tile = cls(None if level == "entries" else int(level), int(digits), int(width) if width else TILE_WIDTH)
        if tile.path != path:
            raise EncodingError("not the one path of this tile", field="path")
        return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile of hashes that a log of `size` entries consists of: level by level, the partial one last."""
    level = 0
    while size > 0:
        yield from _row(level, size)
        level, size = level + 1, size // TILE_WIDTH


def bundles_of(size: int) -> Iterator[Tile]:
    """Yield every entry bundle that a log of `size` entries consists of, in order, the partial one last."""
    yield from _row(None, size)


def edge_of(size: int) -> Iterator[Tile]:
    """Yield the partial tiles, and the partial entry bundle, that a log of `size` entries ends in."""
    if size % TILE_WIDTH:
        yield Tile(None, size // TILE_WIDTH, size % TILE_WIDTH)
    level = 0
    while size > 0:
        if size % TILE_WIDTH:
            yield Tile(level, size // TILE_WIDTH, size % TILE_WIDTH)
        level, size = level + 1, size // TILE_WIDTH


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """Return the bytes of a tile: its hashes, 32 bytes each, one behind the other.

    Raises:
        EncodingError: not 1..256 hashes of 32 bytes.
    """
    if not 1 <= len(hashes) <= TILE_WIDTH or any(len(value) != HASH_SIZE for value in hashes):
        raise EncodingError("a tile holds 1..256 hashes of 32 bytes")
    return b"".join(hashes)


def decode_tile(data: bytes, width: int) -> tuple[bytes, ...]:
    """Return the hashes of a tile of known width.

    Raises:
        EncodingError: not exactly `width` hashes.
    """
    if len(data) != width * HASH_SIZE:
        raise EncodingError(f"a tile of {width} hashes has {width * HASH_SIZE} bytes, not {len(data)}")
    return tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of an entry bundle: each entry behind its length, u16 big-endian.

    Raises:
        EncodingError: not 1..256 entries of at most 65,535 bytes.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise EncodingError("a bundle holds 1..256 entries")
    if any(len(entry) > MAX_ENTRY_SIZE for entry in entries):
        raise EncodingError("an entry has at most 65,535 bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """Return the entries of a bundle of known width.

    Raises:
        EncodingError: not exactly `width` entries, or bytes left over.
    """
    return tuple(map(Bundle.decode(data, width).entry, range(width)))


class Bundle(NamedTuple):
    """An entry bundle of which few entries may be wanted: the others are not copied.

    Attributes:
        data: the file.
        ends: where each entry ends.
    """

    data: bytes
    ends: tuple[int, ...]

    @classmethod
    def decode(cls, data: bytes, width: int) -> Self:
        """Return a bundle of known width.

        Raises:
            EncodingError: as `decode_bundle`.
        """
        ends = []
        at = 0
        for _ in range(width):
            if at + _LENGTH_BYTES > len(data):
                raise EncodingError("an entry bundle ends too early", offset=at)
            end = at + _LENGTH_BYTES + _length_at(data, at)[0]
            if end > len(data):
                raise EncodingError("an entry bundle ends too early", offset=at)
            ends.append(end)
            at = end
        if at != len(data):
            raise EncodingError("an entry bundle has bytes left over", offset=at)
        return cls(data, tuple(ends))

    def entry(self, place: int) -> bytes:
        """Return one entry.

        Raises:
            IndexError: the bundle ends before it.
        """
        start = self.ends[place - 1] if place else 0
        return self.data[start + _LENGTH_BYTES : self.ends[place]]


def _row(level: int | None, size: int) -> Iterator[Tile]:
    full, partial = divmod(size, TILE_WIDTH)
    for index in range(full):
        yield Tile(level, index)
    if partial:
        yield Tile(level, full, partial)


def _index_path(index: int) -> str:
    """Spell an index in groups of three digits, all but the last marked with an x."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))
