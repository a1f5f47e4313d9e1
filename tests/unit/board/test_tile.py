"""Tiles and bundles: one spelling, exact lengths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.tile import (
    MAX_ENTRY_SIZE,
    Tile,
    bundles_of,
    decode_bundle,
    decode_tile,
    edge_of,
    encode_bundle,
    encode_tile,
    tiles_of,
)
from secballot.errors import EncodingError

tiles = st.builds(Tile, st.none() | st.integers(0, 63), st.integers(0, 2**55 - 1), st.integers(1, 256))


@given(tiles)
def test_paths_name_one_tile(tile: Tile) -> None:
    """A path reads back as the tile it was made from."""
    assert Tile.parse(tile.path) == tile


@given(
    st.text() | st.lists(st.sampled_from(["tile/", "entries", "0", "63", "x001", "/", "000", ".p/", "1"])).map("".join)
)
def test_any_path(path: str) -> None:
    """Any text is refused with the library's own error, or is the tile's one path."""
    try:
        tile = Tile.parse(path)
    except EncodingError:
        return
    assert tile.path == path


@pytest.mark.parametrize(
    ("level", "index", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 0, 0), (0, 0, 257)]
)
def test_impossible_tiles(level: int, index: int, width: int) -> None:
    """No tile lies outside the largest tree."""
    with pytest.raises(EncodingError):
        Tile(level, index, width)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=256))
def test_bundles_come_back(entries: list[bytes]) -> None:
    """A bundle reads back as its entries, and not under another number of them."""
    data = encode_bundle(entries)
    assert list(decode_bundle(data, len(entries))) == entries
    with pytest.raises(EncodingError):
        decode_bundle(data, len(entries) - 1)
    with pytest.raises(EncodingError):
        decode_bundle(data, len(entries) + 1)


@given(st.binary(max_size=600), st.integers(1, 256))
def test_any_bundle(data: bytes, width: int) -> None:
    """Any bytes are refused with the library's own error, or come back."""
    try:
        entries = decode_bundle(data, width)
    except EncodingError:
        return
    assert encode_bundle(entries) == data


def test_the_longest_entry() -> None:
    """An entry has at most 65,535 bytes."""
    assert decode_bundle(encode_bundle([bytes(MAX_ENTRY_SIZE)]), 1) == (bytes(MAX_ENTRY_SIZE),)
    with pytest.raises(EncodingError):
        encode_bundle([bytes(MAX_ENTRY_SIZE + 1)])


@pytest.mark.parametrize("number", [0, 257])
def test_tiles_and_bundles_hold_1_to_256(number: int) -> None:
    """Neither is empty, neither overflows."""
    for most in (1, 256):
        assert encode_tile([bytes(32)] * most) == bytes(32 * most)
        assert encode_bundle([b""] * most) == bytes(2 * most)
    with pytest.raises(EncodingError):
        encode_tile([bytes(32)] * number)
    with pytest.raises(EncodingError):
        encode_bundle([b""] * number)


def test_tiles_hold_whole_hashes() -> None:
    """A tile's length is 32 bytes for each hash."""
    assert decode_tile(bytes(64), 2) == (bytes(32), bytes(32))
    for data in (b"", bytes(63), bytes(65), bytes(96)):
        with pytest.raises(EncodingError):
            decode_tile(data, 2)
    with pytest.raises(EncodingError):
        encode_tile([bytes(31)])


def test_an_empty_log_has_no_tiles() -> None:
    """Empty tiles are not served."""
    assert list(tiles_of(0)) == []
    assert list(bundles_of(0)) == []
    assert list(edge_of(0)) == []


SIZES = [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_793, 2**24 + 2**16 + 256 + 1]


@pytest.mark.parametrize("size", SIZES)
def test_the_edge_is_what_is_not_full(size: int) -> None:
    """Of every level the partial tile, and the partial bundle first; a log has exactly its own full tiles."""
    digits = [(size >> 8 * level) % 256 for level in range(8)]
    partial = [Tile(level, size >> 8 * (level + 1), digit) for level, digit in enumerate(digits) if digit]
    bundle = [Tile(None, size >> 8, size % 256)] if size % 256 else []
    assert list(edge_of(size)) == bundle + partial
    for tile in (*bundle, *partial):
        assert not tile.is_full_at(size)
        assert tile.full == Tile(tile.level, tile.index, 256)
        assert not tile.index or Tile(tile.level, tile.index - 1).is_full_at(size)


@pytest.mark.parametrize(("level", "first"), [(None, 256), (0, 256), (1, 65_536), (2, 2**24), (6, 2**56)])
def test_a_tile_is_full_from_its_last_entry_on(level: int | None, first: int) -> None:
    """The first tile of a level with the entry that fills it; the third with twice as many more."""
    for index in (0, 2):
        tile = Tile(level, index, 7)
        assert not tile.is_full_at((index + 1) * first - 1)
        assert tile.is_full_at((index + 1) * first)


def test_the_largest_tiles() -> None:
    """Level, index and width go up to the ends of their ranges."""
    assert Tile.parse("tile/63/000").level == 63
    assert Tile.parse(Tile(0, 2**55 - 1).path) == Tile(0, 2**55 - 1, 256)
    assert Tile(0, 0, 256) == Tile(0, 0)


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"", "too early", 0),
        (b"\0", "too early", 0),
        (b"\0\1a", "too early", 3),
        (b"\0\1a\0", "too early", 3),
        (b"\0\1a\0\2b", "too early", 3),
        (b"\0\1a\0\1bc", "left over", 6),
        (b"\0\1a\0\0\0\0", "left over", 5),
    ],
)
def test_where_a_bundle_is_wrong_is_told(data: bytes, message: str, offset: int) -> None:
    """The offset is that of the entry that is cut off, or of the first byte too many."""
    with pytest.raises(EncodingError, match=message) as caught:
        decode_bundle(data, 2)
    assert caught.value.offset == offset


def test_the_longest_path() -> None:
    """That of a partial bundle of the largest index."""
    tile = Tile(None, 2**55 - 1, 255)
    assert tile.path == "tile/entries/x036/x028/x797/x018/x963/967.p/255"
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/" + "9" * 5_000,
        "tile/" + "9" * 5_000 + "/000",
        "tile/0/000.p/" + "9" * 5_000,
        "9" * 5_000,
        "tile/0/00a",
        "tile/0/00a.p/1",
        "tile/0/000.p/a",
        "tile/0/000.p/-1",
        "tile/a/000",
        "tile/-1/000",
        "tile//000",
        "tile/0/",
        "tile/0/x",
    ],
)
def test_what_is_no_number_is_refused(path: str) -> None:
    """Letters, signs, nothing at all, and more digits than Python would read, in any of the three places."""
    with pytest.raises(EncodingError):
        Tile.parse(path)
