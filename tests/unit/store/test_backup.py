"""Backups: whole, private, of one moment, and never over something that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.errors import SecballotError, StoreError
from secballot.sealing import COST_SMALL
from secballot.signing import SigningKey
from secballot.store.backup import restore_backup, write_backup
from secballot.store.journal import Journal
from secballot.store.keyfile import KeyHolder, bind_key, read_holder, read_key, write_key

if TYPE_CHECKING:
    from pathlib import Path

KEY, SITTING = SigningKey.from_seed(bytes(32)), bytes([7]) * 32


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with a key file and a journal that is open and written to."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    write_key(folder / "key", KEY, "correct horse", COST_SMALL, holder=KeyHolder("trustee"))
    Journal.create(folder / "journal.sqlite").close()
    return folder


def test_a_copy_is_whole_and_private(home: Path, tmp_path: Path) -> None:
    """What was noted before the copy is in it, what came later is not, and others cannot read it."""
    with Journal.open(home / "journal.sqlite") as journal:
        journal.put_once("seed", b"k", b"value")
        write_backup(home, tmp_path / "copy")
        journal.put_once("seed", b"later", b"value")
    restore_backup(tmp_path / "copy", tmp_path / "again")

    with Journal.open(tmp_path / "again" / "journal.sqlite") as journal:
        assert list(journal.items("seed")) == [(b"k", b"value")]
    assert read_key(tmp_path / "again" / "key", "correct horse").verify_key == KEY.verify_key
    for path in (tmp_path / "copy", *(tmp_path / "copy").iterdir()):
        assert not path.stat().st_mode & 0o077


def test_nothing_is_overwritten_and_nothing_half_is_restored(home: Path, tmp_path: Path) -> None:
    """Neither an older copy nor a home; a copy without journal or key is none."""
    write_backup(home, tmp_path / "copy")
    with pytest.raises(StoreError, match="there already"):
        write_backup(home, tmp_path / "copy")
    with pytest.raises(StoreError, match="there already"):
        restore_backup(tmp_path / "copy", home)
    (tmp_path / "copy" / "journal.sqlite").unlink()
    with pytest.raises(StoreError, match="state lost"):
        restore_backup(tmp_path / "copy", tmp_path / "again")
    (home / "key").unlink()
    with pytest.raises(StoreError, match="no key file"):
        write_backup(home, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_key_file_is_for_one_role_and_one_sitting(home: Path) -> None:
    """The sitting is written in once; another role or sitting, or a changed first line, opens nothing."""
    path = home / "key"
    assert read_holder(path) == KeyHolder("trustee")
    bind_key(path, "correct horse", KeyHolder("trustee", SITTING))
    bind_key(path, "correct horse", KeyHolder("trustee", SITTING))
    assert read_holder(path) == KeyHolder("trustee", SITTING)
    assert read_key(path, "correct horse", KeyHolder("trustee", SITTING)).verify_key == KEY.verify_key
    for holder in (KeyHolder("officer", SITTING), KeyHolder("trustee", bytes(32)), KeyHolder("officer")):
        with pytest.raises(StoreError):
            read_key(path, "correct horse", holder)
        with pytest.raises(StoreError):
            bind_key(path, "correct horse", holder)
    data = path.read_bytes()
    for old, new in ((b"trustee", b"officer"), (SITTING.hex().encode(), bytes(32).hex().encode())):
        path.write_bytes(data.replace(old, new))
        with pytest.raises(SecballotError):
            read_key(path, "correct horse")
    path.write_bytes(data)
    assert path.stat().st_mode & 0o777 == 0o600
