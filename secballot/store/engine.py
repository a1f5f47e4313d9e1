"""Opening a party's database so that what is committed is on disk, and turning its troubles into our own error.

SQLite runs in WAL mode with `synchronous=FULL`: when a commit returns, it survives a power cut.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from secballot.errors import StoreError
from secballot.store.syncing import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_LOCK_SECONDS = 30


def open_engine(where: str | Path, *, create: bool) -> sa.Engine:
    """Return the engine for a path or URL; a new SQLite file is the owner's alone from its first byte.

    Raises:
        StoreError: there is no such file to open, or the URL names an SQLite database in memory.
    """
    if isinstance(where, str) and "://" in where:
        url = sa.make_url(where)
    else:
        url = sa.URL.create("sqlite", database=str(where))
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, hide_parameters=True)
    if not url.database or url.database == ":memory:":
        raise StoreError("a database is kept in a file")
    path = Path(url.database)
    if create:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        sync_folder(path.parent)
    elif not path.is_file():
        raise StoreError("there is no database here")
    # What is stored may be secret, so no error shows it.
    engine = sa.create_engine(url, connect_args={"timeout": _LOCK_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _set_durable)
    return engine


def _set_durable(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


@contextmanager
def storing() -> Iterator[None]:
    """Turn every trouble of the database or the disk into a `StoreError`."""
    try:
        yield
    except (SQLAlchemyError, OSError, OverflowError) as error:
        raise StoreError(f"the database does not answer: {type(error).__name__}") from error
