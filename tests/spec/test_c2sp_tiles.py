"""C2SP tlog-tiles: paths, and the tiles of a real log of 300 entries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Note
from secballot.board.tile import (
    Tile,
    bundles_of,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    tiles_of,
)
from secballot.errors import EncodingError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "c2sp"
PATHS = json.loads((VECTORS / "tile_paths.json").read_text())
LOG = VECTORS / "sunlight_mirror_300"
LEAVES = [leaf_hash(f"record {number}".encode()) for number in range(300)]


@pytest.mark.parametrize("case", PATHS["index_to_path"], ids=lambda case: case["path"])
def test_index_paths(case: dict[str, Any]) -> None:
    """An index is spelled in groups of three digits."""
    assert Tile(0, case["n"]).path == f"tile/0/{case['path']}"
    assert Tile.parse(f"tile/0/{case['path']}") == Tile(0, case["n"])


@pytest.mark.parametrize("case", PATHS["resource_paths"], ids=lambda case: case["path"])
def test_resource_paths(case: dict[str, Any]) -> None:
    """Full tiles, partial tiles and entry bundles have their published paths."""
    level = None if case["level"] == "entries" else case["level"]
    tile = Tile(level, case["n"], case["width"])
    assert tile.path == case["path"]
    assert Tile.parse(case["path"]) == tile


@pytest.mark.parametrize(
    "path", [*PATHS["reject"], "", "tile/", "tile/0/", "tile/0/\u0660\u0660\u0660", "tile/0/000.p/", "x" * 65]
)
def test_refused_paths(path: str) -> None:
    """Any other spelling is refused."""
    with pytest.raises(EncodingError):
        Tile.parse(path)


@pytest.mark.parametrize("case", PATHS["tree_size_to_tiles"], ids=lambda case: case["size"])
def test_tiles_of_a_size(case: dict[str, Any]) -> None:
    """A size has the published number of full tiles, and the published width of the partial one, at every level."""
    tiles = list(tiles_of(case["size"]))
    found: dict[str, dict[str, int]] = {}
    for tile in tiles:
        row = found.setdefault(f"level{tile.level}", {"full": 0, "partial": 0})
        if tile.width == 256:
            row["full"] += 1
        else:
            row["partial"] = tile.width
    assert found == {key: value for key, value in case.items() if key != "size"}
    assert len(tiles) == len(set(tiles))


def test_a_real_log() -> None:
    """Tiles made from 300 known entries are the published files, and hash to the published checkpoint."""
    level_0 = {Tile(0, index, len(row)): row for index, row in enumerate(_rows(LEAVES))}
    files = {tile.path: encode_tile(row) for tile, row in level_0.items()}
    files[Tile(1, 0, 1).path] = encode_tile([root_of(LEAVES[:256])])
    assert sorted(files) == sorted(tile.path for tile in tiles_of(300))
    for path, data in files.items():
        assert (LOG / path).read_bytes() == data
    checkpoint = Checkpoint.decode(Note.decode((LOG / "checkpoint").read_bytes()).text)
    assert (checkpoint.tree_size, checkpoint.root) == (300, root_of(LEAVES))
    assert decode_tile((LOG / "tile/0/001.p/44").read_bytes(), 44) == tuple(LEAVES[256:])


def test_bundle_layout() -> None:
    """An entry stands behind its length in two bytes, big-endian."""
    assert encode_bundle([b"", b"abc"]) == b"\x00\x00\x00\x03abc"
    assert decode_bundle(b"\x00\x00\x00\x03abc", 2) == (b"", b"abc")
    assert [tile.path for tile in bundles_of(300)] == ["tile/entries/000", "tile/entries/001.p/44"]


def _rows(leaves: list[bytes]) -> list[tuple[bytes, ...]]:
    return [tuple(leaves[start : start + 256]) for start in range(0, len(leaves), 256)]
