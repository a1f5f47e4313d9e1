"""The tables of the board's database, how it is opened, and how its rows become subtrees of the Merkle tree.

`entries` and `nodes` only ever grow. `nodes` holds the complete subtrees from level 1 up, so that roots and proofs cost
O(log n) reads; level 0 is `entries.leaf_hash`. `meta.size` is the one cell that appenders compare and swap.

Source: SPEC.md#log.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from secballot.board.merkle import frontier_at, leaf_hash
from secballot.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_LOCK_SECONDS = 30

# SQLite's strict tables know INTEGER, which holds 64 bits, and not BIGINT.
_Count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SCHEMA = sa.MetaData()
META = sa.Table(
    "meta",
    SCHEMA,
    sa.Column("id", _Count, primary_key=True, autoincrement=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("size", _Count, nullable=False),
    sqlite_strict=True,
)
ENTRIES = sa.Table(
    "entries",
    SCHEMA,
    sa.Column("index", _Count, primary_key=True, autoincrement=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False, index=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("promise", sa.LargeBinary, nullable=True),
    sqlite_strict=True,
)
NODES = sa.Table(
    "nodes",
    SCHEMA,
    sa.Column("level", _Count, primary_key=True, autoincrement=False),
    sa.Column("index", _Count, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
CHECKPOINTS = sa.Table(
    "checkpoints",
    SCHEMA,
    sa.Column("size", _Count, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)


class StoredSubtrees:
    """Reads the hashes of complete subtrees through one connection."""

    def __init__(self, connection: sa.Connection) -> None:
        """Read within the transaction of this connection."""
        self._connection = connection

    def __call__(self, level: int, index: int) -> bytes:
        """Return the 32-byte hash of the complete subtree (level, index)."""
        if level == 0:
            query = sa.select(ENTRIES.c.leaf_hash).where(ENTRIES.c.index == index)
        else:
            query = sa.select(NODES.c.hash).where(NODES.c.level == level, NODES.c.index == index)
        value: bytes = self._connection.execute(query).scalar_one()
        return value


def insert_entries(
    connection: sa.Connection, first: int, batch: Sequence[bytes], promises: Sequence[bytes | None]
) -> None:
    """Insert entries behind `first` others, with every subtree that they complete."""
    frontier = frontier_at(first, StoredSubtrees(connection))
    entries, nodes = [], []
    for index, (data, promise) in enumerate(zip(batch, promises, strict=True), first):
        leaf = leaf_hash(data)
        entries.append({"index": index, "leaf_hash": leaf, "data": data, "promise": promise})
        completed = frontier.append(leaf)
        nodes += [{"level": level, "index": position, "hash": value} for level, position, value in completed]
    connection.execute(ENTRIES.insert(), entries)
    if nodes:
        connection.execute(NODES.insert(), nodes)


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
        return sa.create_engine(url)
    if not url.database or url.database == ":memory:":
        raise StoreError("a board is kept in a file")
    path = Path(url.database)
    if create:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        sync_folder(path.parent)
    elif not path.is_file():
        raise StoreError("there is no board here")
    engine = sa.create_engine(url, connect_args={"timeout": _LOCK_SECONDS})
    event.listen(engine, "connect", _set_durable)
    return engine


def sync_folder(folder: Path) -> None:
    """Make the names of new and replaced files in a folder durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        raise StoreError(f"the board's database does not answer: {type(error).__name__}") from error
