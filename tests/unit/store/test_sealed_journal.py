"""A sealed journal: the same promises as a journal, and nothing readable on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.errors import StoreError
from secballot.signing import SigningKey
from secballot.store.journal import Journal
from secballot.store.sealed_journal import SealedJournal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, OTHER = SigningKey.from_seed(bytes(32)), SigningKey.from_seed(bytes([1]) * 32)
SECRET = b"a seed that nobody may read from the disk"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a new journal."""
    with Journal.create(tmp_path / "journal") as journal:
        yield journal


def test_the_first_note_stands(journal: Journal) -> None:
    """Whatever was noted first is what every later call returns, also after reopening."""
    sealed = SealedJournal(journal, KEY)

    assert sealed.get("seed", b"k") is None
    assert sealed.put_once("seed", b"k", SECRET) == SECRET
    assert sealed.put_once("seed", b"k", b"another") == SECRET
    assert SealedJournal(journal, KEY).get("seed", b"k") == SECRET
    assert list(sealed.items("seed")) == [(b"k", SECRET)]


def test_a_note_moves_on_from_the_value_that_stands(journal: Journal) -> None:
    """Compare and swap compares what was sealed, not its bytes."""
    sealed = SealedJournal(journal, KEY)
    sealed.replace("state", b"k", None, b"one")
    sealed.replace("state", b"k", b"one", b"two")

    assert sealed.get("state", b"k") == b"two"
    with pytest.raises(StoreError, match="changed"):
        sealed.replace("state", b"k", b"one", b"three")
    with pytest.raises(StoreError, match="changed"):
        sealed.replace("state", b"k", None, b"three")


def test_nothing_is_readable_on_the_disk(journal: Journal, tmp_path: Path) -> None:
    """Neither the file nor what the database leaves beside it holds a value; the plain journal does."""
    SealedJournal(journal, KEY).put_once("seed", b"k", SECRET)

    assert all(SECRET not in path.read_bytes() for path in tmp_path.iterdir())
    journal.put_once("seed", b"plain", SECRET)
    assert any(SECRET in path.read_bytes() for path in tmp_path.iterdir())


def test_another_key_opens_nothing(journal: Journal) -> None:
    """A journal of another party or sitting is refused, and so is a value moved to another note."""
    SealedJournal(journal, KEY).put_once("seed", b"k", SECRET)
    moved = journal.get("seed", b"k")
    assert moved is not None
    journal.put_once("seed", b"elsewhere", moved)
    journal.put_once("seed", b"short", b"x")

    with pytest.raises(StoreError, match="not this key's"):
        SealedJournal(journal, OTHER).get("seed", b"k")
    for place in (b"elsewhere", b"short"):
        with pytest.raises(StoreError, match="not this key's"):
            SealedJournal(journal, KEY).get("seed", place)
    assert "redacted" in repr(SealedJournal(journal, KEY))
