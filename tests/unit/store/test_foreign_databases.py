"""Databases that are damaged or somebody else's are refused in words, whatever they hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from secballot.errors import StoreError
from secballot.records.manifest import MANIFEST
from secballot.store.board import BoardStore
from secballot.store.dropbox import DropStore
from secballot.store.journal import Journal
from tests.small_sitting import ORIGIN, SMALL_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAKERS: dict[str, Callable[[Path], BoardStore | DropStore | Journal]] = {
    "board": lambda path: BoardStore.create(path, ORIGIN),
    "drop box": lambda path: DropStore.create(path, MANIFEST.encode(SMALL_MANIFEST)),
    "journal": Journal.create,
}


@pytest.mark.parametrize(
    ("origin", "size", "index"), [(None, None, None), (1, 0, 0), ("a", "b", 0), ("a", b"", 0), ("a", 0, "b")]
)
def test_a_foreign_board_is_refused(tmp_path: Path, origin: object, size: object, index: object) -> None:
    """Tables of the right names may hold values of any type."""
    path = tmp_path / "board.db"
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE meta (id, origin, size)")
        made.execute('CREATE TABLE entries ("index", data)')
        made.execute("INSERT INTO meta VALUES (1, ?, ?)", (origin, size))
        made.execute("INSERT INTO entries VALUES (?, x'')", (index,))
    with pytest.raises(StoreError, match="damaged"):
        BoardStore.open(path)


def test_a_foreign_drop_box_is_refused(tmp_path: Path) -> None:
    """Its manifest may be anything."""
    path = tmp_path / "box.db"
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE drop_box (id, manifest, entries, bytes)")
        made.execute("INSERT INTO drop_box VALUES (1, 'text', 0, 0)")
    with pytest.raises(StoreError, match="damaged"):
        DropStore.open(path)


@pytest.mark.parametrize("name", MAKERS)
def test_a_complaint_that_is_no_text_is_no_crash(tmp_path: Path, name: str) -> None:
    """SQLite quotes a garbled schema in its complaint, and Python fails to read that."""
    path = tmp_path / "a.db"
    made = MAKERS[name](path)
    made.close()
    data = path.read_bytes()
    assert b"CREATE TABLE " in data
    path.write_bytes(data.replace(b"CREATE TABLE ", b"CREATE \xff\xfeTABL "))
    with pytest.raises(StoreError):
        type(made).open(path)
