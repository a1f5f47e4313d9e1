"""The tables of the board's database, and how its rows become subtrees of the Merkle tree.

`entries` and `nodes` only ever grow. `nodes` holds the complete subtrees from level 1 up, so that roots and proofs cost
O(log n) reads; level 0 is `entries.leaf_hash`. `meta.size` is the one cell that appenders compare and swap.

Source: SPEC.md#log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from secballot.board.merkle import frontier_at, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def make_tables(engine: sa.Engine) -> None:
    """Make the tables that are not there yet, whoever else does the same meanwhile."""
    for last in (False, True):
        try:
            with engine.begin() as connection:
                for table in SCHEMA.sorted_tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
                    for index in table.indexes:
                        connection.execute(CreateIndex(index, if_not_exists=True))
        except IntegrityError:
            # PostgreSQL's IF NOT EXISTS does not see what another transaction is about to commit.
            if last:
                raise
        else:
            return


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
