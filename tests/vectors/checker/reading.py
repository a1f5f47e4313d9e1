"""Records on disk: one JSON file, or a folder in tlog-tiles layout."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TILE_WIDTH = 256


@dataclass(frozen=True)
class Record:
    """The checkpoints and the entries at hand, and the sitting expected (if any)."""

    checkpoints: list[str]
    entries: list[bytes]
    sitting_id: bytes | None


def tile_name(index: int) -> str:
    """Return the path of a tile index: groups of three digits, all but the last with an x."""
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups)


def split_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle: two bytes of length, big-endian, then the entry."""
    entries, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + size]
        if len(entry) != size or at + 2 > len(data):
            raise ValueError("an entry bundle ends inside an entry")
        entries.append(entry)
        at += 2 + size
    return entries


def _bundle(folder: Path, index: int, width: int) -> list[bytes]:
    path = folder / "tile" / "entries" / tile_name(index)
    partial = path.with_name(path.name + ".p") / str(width)
    entries = split_bundle((partial if width < TILE_WIDTH and partial.exists() else path).read_bytes())
    return entries[:width]


def read_record(path: Path) -> Record:
    """Return the record of a JSON file or of a tlog-tiles folder."""
    if path.is_dir():
        older = sorted((path / "checkpoint-by-size").glob("*"))
        checkpoints = [file.read_bytes().decode() for file in (path / "checkpoint", *older)]
        size = max(int(checkpoint.split("\n")[1]) for checkpoint in checkpoints)
        entries = []
        for start in range(0, size, TILE_WIDTH):
            entries += _bundle(path, start // TILE_WIDTH, min(TILE_WIDTH, size - start))
        return Record(checkpoints, entries, None)
    data = json.loads(path.read_text(encoding="utf-8"))
    anchor = data.get("sitting_id")
    return Record(
        [data["checkpoint"], *data.get("checkpoints", [])],
        [base64.b64decode(entry, validate=True) for entry in data["entries"]],
        bytes.fromhex(anchor) if anchor else None,
    )
