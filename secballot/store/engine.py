"""Opening a party's database so that what is committed is on disk, and turning its troubles into our own error.

SQLite, in a file: WAL mode with `synchronous=FULL`. PostgreSQL, by URL: `synchronous_commit` is never off, and a server
that runs with `fsync=off` is refused. In both, when a commit returns, it survives a power cut.

    board.db                                                         a file
    postgresql+psycopg://operator@/sitting?host=/run/postgresql      a server on this machine
    postgresql+psycopg://?service=board                              a section of pg_service.conf

No password stands in a URL: command lines, process lists and logs would show it. libpq takes it from the file that
PGPASSFILE names (`~/.pgpass` by default), or from a section of `pg_service.conf`.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from secballot.errors import StoreError
from secballot.store.naming import is_url
from secballot.store.syncing import sync_folder
from secballot.store.troubles import DAMAGED, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

LOCK_SECONDS: Final = 30
"""How long a writer waits for another one."""

_POSTGRES: Final = "postgresql"
_SECRET_FIELDS: Final = frozenset({"password", "sslpassword", "passwd"})
_CONNECTION: Final = {
    "application_name": "secballot",
    "connect_timeout": "10",
    # A server that vanishes without a word is given up after as long as a lock is waited for.
    "keepalives_idle": "10",
    "tcp_user_timeout": str(1000 * LOCK_SECONDS),
}


def database_url(where: str | Path) -> sa.URL:
    """Return the URL of a database that is named by its URL or by the path of an SQLite file.

    Raises:
        StoreError: neither an SQLite file nor PostgreSQL, or a password stands in the URL.
    """
    if not is_url(where):
        return sa.URL.create("sqlite", database=str(where))
    try:
        url = sa.make_url(str(where))
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        # The library's message may quote the text, and in it a password.
        raise StoreError("this is no URL of a database") from None
    if url.password is not None or not _SECRET_FIELDS.isdisjoint(url.query):
        raise StoreError(
            "a password in a URL is seen by others: change it, and keep the new one in the file that PGPASSFILE names"
        )
    if backend == _POSTGRES:
        return url.set(drivername=f"{_POSTGRES}+psycopg")
    if backend != "sqlite":
        raise StoreError("a database is an SQLite file, or PostgreSQL by a URL that begins with postgresql+psycopg://")
    if not url.database or url.database == ":memory:":
        raise StoreError("a database is kept in a file")
    return url


def sqlite_file(url: sa.URL) -> Path | None:
    """Return the file of an SQLite database, None for PostgreSQL."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def open_engine(where: str | Path, *, create: bool) -> sa.Engine:
    """Return the engine for a path or URL; a new SQLite file is the owner's alone from its first byte.

    Nothing is asked of a PostgreSQL server yet. Its databases are made by whoever administers it.

    Raises:
        StoreError: there is no such file to open, the URL is none that is taken, or the driver is missing.
    """
    url = database_url(where)
    path = sqlite_file(url)
    if path is None:
        return _postgres_engine(url)
    if create:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        sync_folder(path.parent)
    elif not path.is_file():
        raise StoreError("there is no database here")
    # What is stored may be secret, so no error shows it.
    engine = sa.create_engine(url, connect_args={"timeout": LOCK_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _set_sqlite)
    return engine


def _postgres_engine(url: sa.URL) -> sa.Engine:
    given = {name: value for name, value in _CONNECTION.items() if name not in url.query}
    try:
        engine = sa.create_engine(
            url,
            connect_args=given,
            hide_parameters=True,
            # Compare-and-swap needs no more; a stricter default of the server would refuse instead of waiting.
            isolation_level="READ COMMITTED",
            # After a restart of the server the connections that were kept are dead.
            pool_pre_ping=True,
        )
    except ImportError as error:
        raise StoreError("PostgreSQL needs the extra `postgres`: pip install secballot[postgres]") from error
    event.listen(engine, "connect", _set_postgres)
    return engine


@contextmanager
def _closing_on_failure(connection: DBAPIConnection) -> Iterator[None]:
    """Close a connection that cannot be set up: the pool forgets it without."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _set_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    with _closing_on_failure(connection):
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()


def _set_postgres(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Make commits durable and waits finite for the whole session."""
    with _closing_on_failure(connection):
        cursor = connection.cursor()
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        if (setting := cursor.fetchone()) is None or setting[0] != "on":
            raise StoreError("the server runs with fsync=off, so that a power cut would lose what it has acknowledged")
        if setting[1] == "off":
            cursor.execute("SET synchronous_commit TO on")
        cursor.execute(f"SET lock_timeout TO '{LOCK_SECONDS}s'")
        cursor.close()
        connection.commit()


def insert_unless_there(engine: sa.Engine, table: sa.Table, **values: object) -> sa.Insert:
    """Return an insertion that does nothing where the primary key is taken.

    It comes first in its transaction: it waits for whoever inserts the same key, and what is read after it is final.
    """
    dialect: Any = postgresql if engine.dialect.name == _POSTGRES else sqlite
    insertion: sa.Insert = dialect.insert(table).values(**values).on_conflict_do_nothing()
    # Whether it did something is asked of the driver's row count, which is otherwise kept for updates only.
    return insertion.execution_options(preserve_rowcount=True)


@contextmanager
def storing() -> Iterator[None]:
    """Turn every trouble of the database or the disk into a `StoreError` that says what to do."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite's own complaint quotes bytes that are no text
        raise StoreError(DAMAGED) from error
    except (SQLAlchemyError, OSError, OverflowError) as error:
        raise StoreError(explain(error)) from error
