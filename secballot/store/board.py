"""The board's database: entries, complete subtrees, promises and checkpoints, each batch in one durable transaction.

What `append` has returned for is on disk: a commit is synced, in SQLite as in PostgreSQL (`store.engine`). A process
may be killed at any instruction; opening the board again is all the recovery there is. Two processes may append
to one board: of two that expect the same size, one wins and the other gets a `StoreError` and nothing is half done.

The database holds what the log says, not whether it is right: whoever appends has judged the entries before.

Source: SPEC.md#log; RFC 6962 §2.1.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from secballot.board.checkpoint import Checkpoint
from secballot.board.log import check_continues, merge_checkpoints
from secballot.board.merkle import EMPTY_ROOT, ConsistencyProof, Frontier, InclusionProof, frontier_at, root_at
from secballot.board.note import Note
from secballot.board.tile import MAX_ENTRY_SIZE
from secballot.errors import RefusalError, StoreError
from secballot.store.board_tables import (
    CHECKPOINTS,
    ENTRIES,
    META,
    NODES,
    StoredSubtrees,
    insert_entries,
    make_tables,
)
from secballot.store.engine import insert_unless_there, open_engine, storing
from secballot.store.troubles import DAMAGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

ROWS_PER_READ: Final = 256
"""Entries that streaming reads hold in memory at a time: one entry bundle."""


class _ThereAlreadyError(StoreError):
    """A board has been made here before."""


class BoardStore:
    """One log in one database.

    Safe to use from several threads and several processes at once.

    Attributes:
        origin: the log's origin.
    """

    def __init__(self, engine: sa.Engine, origin: str, size: int) -> None:
        """Hold an open database; use `create` or `open`."""
        self._engine = engine
        self._known_size = size
        self.origin = origin

    @classmethod
    def create(cls, where: str | Path, origin: str) -> Self:
        """Return a new, empty board.

        A creation that was killed half-way can be repeated.

        Args:
            where: path of an SQLite file, made with mode 0600, or the URL of a database of its own.
            origin: the log's origin.

        Raises:
            StoreError: there is a board already, or the database does not answer.
            EncodingError: not an origin that can also name the log's key.
        """
        Checkpoint(origin, 0, EMPTY_ROOT).check_profile()
        with storing(), ExitStack() as on_failure:
            engine = open_engine(where, create=True)
            on_failure.callback(engine.dispose)
            make_tables(engine)
            with engine.begin() as connection:
                # Of two that create the board at once, one makes the row.
                made = connection.execute(insert_unless_there(engine, META, id=1, origin=origin, size=0))
                if made.rowcount != 1:
                    raise _ThereAlreadyError("there is a board here already")
            on_failure.pop_all()
        return cls(engine, origin, 0)

    @classmethod
    def open(cls, where: str | Path, origin: str | None = None) -> Self:
        """Return the board that is stored here.

        Args:
            where: path of an SQLite file, or a database's URL.
            origin: the origin it must have, None for any.

        Raises:
            StoreError: there is no board, it is another log's, or the database does not answer.
        """
        with storing(), ExitStack() as on_failure:
            engine = open_engine(where, create=False)
            on_failure.callback(engine.dispose)
            with engine.connect() as connection:
                meta = connection.execute(sa.select(META.c.origin, META.c.size)).first()
                last = connection.execute(sa.select(sa.func.max(ENTRIES.c.index))).scalar()
            if meta is None:
                raise StoreError("there is no board here")
            # A damaged or foreign file may hold anything.
            if not isinstance(meta.origin, str) or not isinstance(meta.size, int) or not isinstance(last, int | None):
                raise StoreError(DAMAGED)
            if origin is not None and meta.origin != origin:
                raise StoreError("the board here belongs to another log")
            if (-1 if last is None else last) + 1 < meta.size:
                raise StoreError("the board's database has lost entries")
            on_failure.pop_all()
        return cls(engine, meta.origin, meta.size)

    @classmethod
    def open_or_create(cls, where: str | Path, origin: str) -> Self:
        """Return the board that is stored here, or a new, empty one.

        Raises:
            StoreError: the board here is another log's, or the database does not answer.
            EncodingError: not an origin that can also name the log's key.
        """
        try:
            return cls.create(where, origin)
        except _ThereAlreadyError:
            return cls.open(where, origin)

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the board itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the database's connections."""
        self.close()

    def size(self) -> int:
        """Return the number of entries, all of them durable."""
        with storing(), self._engine.connect() as connection:
            self._known_size = connection.execute(sa.select(META.c.size)).scalar_one()
        return self._known_size

    def append(
        self,
        batch: Sequence[bytes],
        promises: Sequence[bytes | None] | None = None,
        *,
        expected_size: int | None = None,
    ) -> int:
        """Append entries and return the index of the first, once all of them are durable.

        Args:
            batch: entries, each at most 65,535 bytes.
            promises: opaque bytes stored beside each entry, None for none.
            expected_size: the size the board must have, so that the entries get the indices their promises name; None
                for the size this object saw last.

        Raises:
            StoreError: the board has another size (somebody else appended), or the database does not answer;
                nothing was stored.
            ValueError: the numbers of entries and promises differ, or an entry is too long.
        """
        promises = [None] * len(batch) if promises is None else promises
        if len(promises) != len(batch) or any(len(entry) > MAX_ENTRY_SIZE for entry in batch):
            raise ValueError("one promise (or None) for each entry, and entries of at most 65,535 bytes")
        first = self._known_size if expected_size is None else expected_size
        with storing(), self._engine.begin() as connection:
            # Compare and swap, as the first statement: it takes the write lock, so nobody appends in between.
            swapped = connection.execute(META.update().where(META.c.size == first).values(size=first + len(batch)))
            if swapped.rowcount != 1:
                raise StoreError("somebody else has appended to this board")
            if batch:
                insert_entries(connection, first, batch, promises)
        # The commit has returned: from here on the entries survive a power cut and may be acknowledged.
        self._known_size = first + len(batch)
        return first

    def entry(self, index: int) -> bytes:
        """Return one entry.

        Raises:
            StoreError: there is none at this index.
        """
        return self._cell(ENTRIES.c.data, index)

    def promise(self, index: int) -> bytes | None:
        """Return what was stored beside an entry.

        Raises:
            StoreError: there is no entry at this index.
        """
        self._check_range(index, index + 1)
        with storing(), self._engine.connect() as connection:
            promise: bytes | None = connection.execute(
                sa.select(ENTRIES.c.promise).where(ENTRIES.c.index == index)
            ).scalar_one()
        return promise

    def give_promise(self, index: int, promise: bytes) -> bytes:
        """Return what is stored beside an entry from now on, durably: this, or what was stored there before.

        Raises:
            StoreError: there is no entry at this index, or the database does not answer.
        """
        self._check_range(index, index + 1)
        here = ENTRIES.c.index == index
        with storing(), self._engine.begin() as connection:
            connection.execute(ENTRIES.update().where(here, ENTRIES.c.promise.is_(None)).values(promise=promise))
            kept: bytes = connection.execute(sa.select(ENTRIES.c.promise).where(here)).scalar_one()
        return kept

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries from `start` up to `stop`, exclusive, reading 256 at a time.

        Raises:
            StoreError: the board does not hold all of them.
        """
        return self._stream(ENTRIES.c.data, start, stop)

    def leaf_hashes(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the leaf hashes from `start` up to `stop`, exclusive, reading 256 at a time.

        Raises:
            StoreError: the board does not hold all of them.
        """
        return self._stream(ENTRIES.c.leaf_hash, start, stop)

    def find(self, leaf: bytes) -> int | None:
        """Return the first index with this leaf hash, None if there is none."""
        return self.find_all([leaf]).get(leaf)

    def find_all(self, leaves: Sequence[bytes]) -> dict[bytes, int]:
        """Return the first index of every one of these leaf hashes that is there."""
        found: dict[bytes, int] = {}
        with storing(), self._engine.connect() as connection:
            for start in range(0, len(leaves), ROWS_PER_READ):
                wanted = ENTRIES.c.leaf_hash.in_(leaves[start : start + ROWS_PER_READ])
                query = sa.select(ENTRIES.c.leaf_hash, sa.func.min(ENTRIES.c.index)).where(wanted)
                rows = connection.execute(query.group_by(ENTRIES.c.leaf_hash))
                found |= {leaf: index for leaf, index in rows}  # noqa: C416  # rows are no pairs to a type checker
        return found

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` entries, from O(log size) reads.

        Raises:
            StoreError: the board does not hold as many.
        """
        self._check_range(0, size)
        with storing(), self._engine.connect() as connection:
            return root_at(size, StoredSubtrees(connection))

    def frontier(self, size: int) -> Frontier:
        """Return the frontier of the first `size` entries.

        Raises:
            StoreError: the board does not hold as many.
        """
        self._check_range(0, size)
        with storing(), self._engine.connect() as connection:
            return frontier_at(size, StoredSubtrees(connection))

    def subtrees(self, level: int, start: int, stop: int) -> list[bytes]:
        """Return the hashes of the complete subtrees of one level with index `start` up to `stop`, exclusive.

        Raises:
            StoreError: the board does not hold all of them.
        """
        if level == 0:
            return list(self.leaf_hashes(start, stop))
        self._check_range(start, stop << level)
        wanted = NODES.c.level == level, NODES.c.index >= start, NODES.c.index < stop
        with storing(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(NODES.c.hash).where(*wanted).order_by(NODES.c.index)).scalars().all()
        if len(rows) != stop - start:
            raise StoreError("the board's database has lost a subtree")
        return list(rows)

    def inclusion_proof(self, index: int, size: int) -> InclusionProof:
        """Return the proof that an entry stands at `index` in the tree of the first `size` entries.

        Raises:
            StoreError: the board does not hold as many, or the index is not below the size.
        """
        self._check_range(index, size)
        if index >= size:
            raise StoreError("the index is not inside the tree")
        with storing(), self._engine.connect() as connection:
            return InclusionProof.prove(index, size, StoredSubtrees(connection))

    def consistency_proof(self, old_size: int, new_size: int) -> ConsistencyProof:
        """Return the proof that the first `old_size` entries are a prefix of the first `new_size`.

        Raises:
            StoreError: the board does not hold as many, or the old size is above the new one.
        """
        self._check_range(old_size, new_size)
        with storing(), self._engine.connect() as connection:
            return ConsistencyProof.prove(old_size, new_size, StoredSubtrees(connection))

    def put_checkpoint(self, note: bytes) -> None:
        """Keep a checkpoint as the newest one, once it is durable.

        At the size of the newest one, the signatures of both are joined.

        Args:
            note: a checkpoint of this log; its signatures have been verified by the caller.

        Raises:
            StoreError: a larger one is kept already, or the database does not answer.
            InconsistentLogError: it contradicts the stored entries or the newest checkpoint.
            EncodingError: not a checkpoint of this library's profile.
        """
        check_continues(self, note)
        size = Checkpoint.decode(Note.decode(note).text).tree_size
        with storing(), self._engine.begin() as connection:
            # An update that changes nothing, as the first statement, takes the write lock before the newest is read.
            connection.execute(META.update().values(size=META.c.size))
            kept = connection.execute(sa.select(CHECKPOINTS).order_by(CHECKPOINTS.c.size.desc()).limit(1)).first()
            try:
                merged = merge_checkpoints(None if kept is None else kept.note, note)
            except RefusalError as error:
                raise StoreError("a larger checkpoint is kept already") from error
            connection.execute(CHECKPOINTS.delete().where(CHECKPOINTS.c.size == size))
            connection.execute(CHECKPOINTS.insert().values(size=size, note=merged))

    def latest_checkpoint(self) -> bytes | None:
        """Return the newest checkpoint, None before the first."""
        with storing(), self._engine.connect() as connection:
            return connection.execute(
                sa.select(CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.size.desc()).limit(1)
            ).scalar()

    def checkpoint(self, size: int) -> bytes | None:
        """Return the checkpoint that was kept of this size, None if there is none."""
        with storing(), self._engine.connect() as connection:
            return connection.execute(sa.select(CHECKPOINTS.c.note).where(CHECKPOINTS.c.size == size)).scalar()

    def checkpoint_sizes(self) -> list[int]:
        """Return the sizes of all kept checkpoints, ascending."""
        with storing(), self._engine.connect() as connection:
            return list(connection.execute(sa.select(CHECKPOINTS.c.size).order_by(CHECKPOINTS.c.size)).scalars())

    def _check_range(self, start: int, stop: int) -> None:
        # The size is only read again where the one seen last does not suffice: a board never shrinks.
        if not 0 <= start <= stop or (stop > self._known_size and stop > self.size()):
            raise StoreError("the board does not hold all of these entries")

    def _cell(self, column: sa.Column[bytes], index: int) -> bytes:
        self._check_range(index, index + 1)
        with storing(), self._engine.connect() as connection:
            return connection.execute(sa.select(column).where(ENTRIES.c.index == index)).scalar_one()

    def _stream(self, column: sa.Column[bytes], start: int, stop: int) -> Iterator[bytes]:
        self._check_range(start, stop)
        return self._read(column, start, stop)

    def _read(self, column: sa.Column[bytes], start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, ROWS_PER_READ):
            end = min(at + ROWS_PER_READ, stop)
            wanted = ENTRIES.c.index >= at, ENTRIES.c.index < end
            with storing(), self._engine.connect() as connection:
                rows = connection.execute(sa.select(column).where(*wanted).order_by(ENTRIES.c.index)).scalars().all()
            if len(rows) != end - at:
                raise StoreError("the board's database has lost an entry")
            yield from rows
