"""The drop box's database, on both engines: nothing is lost, nothing changes, and nothing grows beyond its bounds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import StoreError
from secballot.store.board import BoardStore
from secballot.store.dropbox import ROWS_PER_READ, Arriving, DropStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MUCH = 10**9


@pytest.fixture
def store(database: str) -> Iterator[DropStore]:
    """Return a new drop box."""
    with DropStore.create(database, b"manifest") as made:
        yield made


def entry(number: int, kind: str = "ballot") -> Arriving:
    """Return an entry that arrives."""
    return Arriving(b"entry %d" % number, kind, 1_000 + number)


def _keep(store: DropStore, *arriving: Arriving, entries: int = MUCH, size: int = MUCH) -> list[int | None]:
    kept = store.keep(arriving, entries=entries, size=size)
    return [None if held is None else held.number for held in kept]


def test_what_is_kept_stays_as_it_came(store: DropStore, database: str) -> None:
    """The same bytes are one entry, with the time of their first arrival, also after a restart."""
    assert _keep(store, entry(1), entry(2), entry(1)) == [1, 2, 1]
    again = Arriving(entry(1).data, "ballot", 9_999)
    assert _keep(store, again, entry(3)) == [1, 3]
    store.close()
    with DropStore.open(database) as opened:
        assert opened.manifest == b"manifest"
        held = list(opened.entries())
        assert [(one.number, one.data, one.received) for one in held] == [
            (number, entry(number).data, 1_000 + number) for number in (1, 2, 3)
        ]
        assert [(one.promise, one.operator, one.refusal) for one in held] == [(None, 0, None)] * 3
        assert opened.find(leaf_hash(entry(2).data)) == held[1] == opened.entry(2)
        assert opened.find(bytes(32)) is None
        with pytest.raises(StoreError):
            opened.entry(4)


def test_room_is_bounded_by_number_and_bytes(store: DropStore) -> None:
    """What is there already takes no room; what has none is left out, and smaller ones may still fit."""
    assert _keep(store, entry(1), entry(2), entry(3), entry(1), entries=2) == [1, 2, None, 1]
    size = 3 * len(entry(1).data)
    assert _keep(store, entry(3), entry(4), size=size) == [3, None]
    assert _keep(store, Arriving(b"", "ballot", 1), size=size) == [4]
    assert store.counts() == {"bytes": size, "entries": 4, "promised": 0, "refused": 0}


def test_promises_are_all_kept(store: DropStore) -> None:
    """Of one operator the first stays; a successor's is the newest, whatever order they come in."""
    _keep(store, entry(1), entry(2), entry(3))
    leaf = leaf_hash(entry(2).data)
    store.put_refusal(leaf, b"no")
    assert store.unpromised(1) == [1, 2, 3]
    assert store.counts()["refused"] == 1
    store.put_promise(leaf, 1, b"first")
    store.put_promise(leaf, 1, b"changed")
    held = store.entry(2)
    assert (held.promise, held.operator, held.refusal) == (b"first", 1, None)
    assert (store.unpromised(1), store.unpromised(2)) == ([1, 3], [1, 2, 3])
    store.put_promise(leaf, 2, b"second")
    store.put_promise(leaf, 1, b"late")
    held = store.entry(2)
    assert (held.promise, held.operator) == (b"second", 2)
    assert store.promises(leaf) == [b"first", b"second"]
    assert (store.unpromised(2), store.counts(2)["promised"]) == ([1, 3], 1)


def test_entries_are_read_by_kind_and_in_order(store: DropStore) -> None:
    """However many there are."""
    count = 2 * ROWS_PER_READ + 3
    _keep(store, *(entry(number, "ballot" if number % 2 else "objection") for number in range(count)))
    assert [held.number for held in store.entries()] == list(range(1, count + 1))
    assert {held.kind for held in store.entries(("objection",))} == {"objection"}
    assert len(list(store.entries(("ballot",)))) == count // 2
    assert list(store.entries(("document",))) == []


def test_racing_keepers_give_every_entry_one_number(store: DropStore, database: str) -> None:
    """Several processes may serve one box: no number is given twice, and the bound holds."""
    with DropStore.open(database) as other:

        def keep(box: DropStore, first: int) -> None:
            for number in range(first, first + 20):
                _keep(box, entry(number), entry(number + 1), entries=30)

        threads = [threading.Thread(target=keep, args=(box, first)) for box in (store, other) for first in (0, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    held = list(store.entries())
    assert [one.number for one in held] == list(range(1, len(held) + 1))
    assert len({one.leaf for one in held}) == len(held) == store.counts()["entries"] == 30


def test_a_box_is_made_once(new_database: Callable[[], str], tmp_path: Path) -> None:
    """There is none before, one after, and another kind of database is none."""
    where = new_database()
    with pytest.raises(StoreError):
        DropStore.open(where)
    DropStore.create(where, b"manifest").close()
    with pytest.raises(StoreError, match="already"):
        DropStore.create(where, b"manifest")
    board = new_database()
    BoardStore.create(board, f"board.example/{'00' * 16}").close()
    with pytest.raises(StoreError, match="no drop box"):
        DropStore.open(board)
    with pytest.raises(StoreError):
        DropStore.open(tmp_path / "nothing.db")
