"""Copies of a party's home: key file and journal, as they stand at one moment, durably, readable by their owner only.

A copy is as secret as the home: everything secret in it is under the passphrase. It is of the moment; what was noted
after it is not in it, so whoever restores it first looks for its own entries on the log.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from secballot.errors import StoreError
from secballot.store.folder import read_file
from secballot.store.journal import Journal
from secballot.store.keyfile import read_public_key
from secballot.store.syncing import sync_folder
from secballot.store.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KEY: Final = "key"
JOURNAL: Final = "journal.sqlite"
_SMALL: Final = ("key", "card.json", "settings.json")
_MAX_BYTES: Final = 65_536


def write_backup(home: Path, folder: Path) -> None:
    """Copy key file, card, settings and journal of a home into a new folder.

    Raises:
        StoreError: there is a folder of this name already, or something cannot be read or written.
    """
    _copy(home, folder)


def restore_backup(folder: Path, home: Path) -> None:
    """Make a home from a copy.

    Raises:
        StoreError: the copy is not whole, there is a home already, or the disk does not take it.
        EncodingError: the copy's key file is none.
    """
    if not (folder / JOURNAL).is_file():
        raise StoreError("there is no journal in the backup: state lost")
    read_public_key(folder / KEY)
    _copy(folder, home)
    Journal.open(home / JOURNAL).close()


def _copy(source: Path, target: Path) -> None:
    if not (source / KEY).is_file():
        raise StoreError(f"there is no key file in {source}")
    fresh = unfinished(target)
    try:
        if target.exists():
            raise StoreError(f"{target} is there already, and nothing is overwritten")
        fresh.mkdir(mode=0o700)
        for name in _present(source, _SMALL):
            _write(fresh / name, read_file(source / name, _MAX_BYTES))
        _copy_database(source / JOURNAL, fresh / JOURNAL)
        sync_folder(fresh)
        # The folder gets its name when everything in it is on disk.
        fresh.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StoreError("the copy cannot be written") from error


def _present(folder: Path, names: Iterable[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file()]


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database that other processes may be writing, as of one moment."""
    _write(target, b"")
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise StoreError("the journal cannot be copied") from error
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
