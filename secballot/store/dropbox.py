"""The database of a drop box: entries as they came, when they came, and what boards have said to them.

An entry that was taken is never removed and never changed. Of a board's answers the promises are all kept, since a
later one does not undo an earlier one; of refusals the last is.

Two numbers bound what is taken: how many entries, and how many bytes of them. They are counted in the transaction that
stores an entry, so that no race and no crash lets them drift.

Source: SPEC.md#promise.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from secballot.board.merkle import leaf_hash
from secballot.errors import StoreError
from secballot.store.engine import insert_unless_there, open_engine, storing
from secballot.store.troubles import DAMAGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

ROWS_PER_READ: Final = 256
"""Entries that streaming reads hold in memory at a time."""

_Count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SCHEMA = sa.MetaData()
_BOX = sa.Table(
    "drop_box",
    _SCHEMA,
    sa.Column("id", _Count, primary_key=True, autoincrement=False),
    sa.Column("manifest", sa.LargeBinary, nullable=False),
    sa.Column("entries", _Count, nullable=False),
    sa.Column("bytes", _Count, nullable=False),
    sqlite_strict=True,
)
_HELD = sa.Table(
    "held",
    _SCHEMA,
    sa.Column("number", _Count, primary_key=True, autoincrement=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("received", _Count, nullable=False),
    # By which operator the newest promise is, 0 for none yet: whatever is below the one in office is forwarded.
    sa.Column("operator", _Count, nullable=False, index=True),
    sa.Column("refusal", sa.LargeBinary, nullable=True),
    sqlite_strict=True,
)
_PROMISES = sa.Table(
    "promises",
    _SCHEMA,
    sa.Column("leaf_hash", sa.LargeBinary, primary_key=True),
    sa.Column("operator", _Count, primary_key=True, autoincrement=False),
    sa.Column("promise", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class Arriving:
    """An entry that somebody brings.

    Attributes:
        data: its bytes.
        kind: of the entry.
        received: seconds since the epoch.
    """

    data: bytes
    kind: str
    received: int


@dataclass(frozen=True, slots=True)
class Held:
    """An entry in the box.

    Attributes:
        number: in the order of arrival, from 1.
        leaf: its leaf hash.
        kind: of the entry.
        data: its bytes.
        received: when it first came, seconds since the epoch.
        promise: the newest promise of a board, None if there is none.
        operator: by which operator of the log that is, 1 for the first; 0 for none.
        refusal: what the boards said when all of them last refused it, None if they did not.
    """

    number: int
    leaf: bytes
    kind: str
    data: bytes
    received: int
    promise: bytes | None
    operator: int
    refusal: bytes | None


class DropStore:
    """One drop box in one database.

    Safe to use from several threads and several processes at once.

    Attributes:
        manifest: body of the sitting's manifest.
    """

    def __init__(self, engine: sa.Engine, manifest: bytes) -> None:
        """Hold an open database; use `create` or `open`."""
        self._engine = engine
        self.manifest = manifest

    @property
    def sitting_id(self) -> bytes:
        """Hash of the manifest, 32 bytes."""
        return hashlib.sha256(self.manifest).digest()

    @classmethod
    def create(cls, where: str | Path, manifest: bytes) -> Self:
        """Return a new, empty drop box.

        A creation that was killed half-way can be repeated.

        Args:
            where: path of an SQLite file, made with mode 0600, or an SQLAlchemy URL.
            manifest: body of the sitting's manifest.

        Raises:
            StoreError: there is a drop box already, or the database does not answer.
        """
        with storing(), ExitStack() as on_failure:
            engine = open_engine(where, create=True)
            on_failure.callback(engine.dispose)
            try:
                _SCHEMA.create_all(engine)
            except IntegrityError:
                # PostgreSQL does not see the tables that another transaction is about to commit.
                _SCHEMA.create_all(engine)
            with engine.begin() as connection:
                made = connection.execute(
                    insert_unless_there(engine, _BOX, id=1, manifest=manifest, entries=0, bytes=0)
                )
                if made.rowcount != 1:
                    raise StoreError("there is a drop box here already")
            on_failure.pop_all()
        return cls(engine, manifest)

    @classmethod
    def open(cls, where: str | Path) -> Self:
        """Return the drop box that is stored here.

        Raises:
            StoreError: there is none, or the database does not answer.
        """
        with storing(), ExitStack() as on_failure:
            engine = open_engine(where, create=False)
            on_failure.callback(engine.dispose)
            if not sa.inspect(engine).has_table(_BOX.name):
                raise StoreError("there is no drop box here")
            with engine.connect() as connection:
                manifest: object = connection.execute(sa.select(_BOX.c.manifest)).scalar()
            if manifest is None:
                raise StoreError("there is no drop box here")
            if not isinstance(manifest, bytes):  # a damaged or foreign file may hold anything
                raise StoreError(DAMAGED)
            on_failure.pop_all()
        return cls(engine, manifest)

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the drop box itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the database's connections."""
        self.close()

    def keep(self, batch: Sequence[Arriving], *, entries: int, size: int) -> list[Held | None]:
        """Store what is not there yet, durably, and return what the box holds of each, None for what has no room.

        Args:
            batch: entries.
            entries: most entries that the box may hold.
            size: most bytes of them.

        Raises:
            StoreError: the database does not answer; it may or may not hold the batch, which can be brought again.
        """
        with storing(), self._engine.begin() as connection:
            # An update that changes nothing, as the first statement, takes the write lock: numbers go one by one.
            connection.execute(_BOX.update().values(entries=_BOX.c.entries))
            box = connection.execute(sa.select(_BOX.c.entries, _BOX.c.bytes)).one()
            count, used, answers = box.entries, box.bytes, []
            for arriving in batch:
                leaf = leaf_hash(arriving.data)
                held = _held(connection, leaf)
                if held is None and count < entries and used + len(arriving.data) <= size:
                    count, used = count + 1, used + len(arriving.data)
                    held = Held(count, leaf, arriving.kind, arriving.data, arriving.received, None, 0, None)
                    connection.execute(
                        _HELD.insert().values(
                            number=count,
                            leaf_hash=leaf,
                            kind=held.kind,
                            data=held.data,
                            received=held.received,
                            operator=0,
                        )
                    )
                answers.append(held)
            connection.execute(_BOX.update().values(entries=count, bytes=used))
        # The commit has returned: from here on the entries survive a power cut and may be acknowledged.
        return answers

    def find(self, leaf: bytes) -> Held | None:
        """Return the entry with this leaf hash, None if the box does not hold it.

        Raises:
            StoreError: the database does not answer.
        """
        with storing(), self._engine.connect() as connection:
            return _held(connection, leaf)

    def put_promise(self, leaf: bytes, operator: int, promise: bytes) -> None:
        """Keep a board's promise of an entry, durably; of one operator the first stays.

        Args:
            leaf: leaf hash of the entry.
            operator: whose promise it is, 1 for the log's first operator.
            promise: verified by the caller.

        Raises:
            StoreError: the database does not answer.
        """
        with storing(), self._engine.begin() as connection:
            connection.execute(
                insert_unless_there(self._engine, _PROMISES, leaf_hash=leaf, operator=operator, promise=promise)
            )
            here = _HELD.c.leaf_hash == leaf, _HELD.c.operator < operator
            connection.execute(_HELD.update().where(*here).values(operator=operator, refusal=None))

    def put_refusal(self, leaf: bytes, refusal: bytes | None) -> None:
        """Keep what the boards said when they refused an entry, or that they do not any more.

        Raises:
            StoreError: the database does not answer.
        """
        with storing(), self._engine.begin() as connection:
            connection.execute(_HELD.update().where(_HELD.c.leaf_hash == leaf).values(refusal=refusal))

    def unpromised(self, operator: int) -> list[int]:
        """Return the numbers of the entries that have no promise by this operator of the log or a later one.

        Raises:
            StoreError: the database does not answer.
        """
        wanted = sa.select(_HELD.c.number).where(_HELD.c.operator < operator).order_by(_HELD.c.number)
        with storing(), self._engine.connect() as connection:
            return list(connection.execute(wanted).scalars())

    def entry(self, number: int) -> Held:
        """Return an entry by its number.

        Raises:
            StoreError: there is none, or the database does not answer.
        """
        with storing(), self._engine.connect() as connection:
            leaf: bytes | None = connection.execute(
                sa.select(_HELD.c.leaf_hash).where(_HELD.c.number == number)
            ).scalar()
            held = None if leaf is None else _held(connection, leaf)
        if held is None:
            raise StoreError("the drop box holds no entry of this number")
        return held

    def entries(self, kinds: Sequence[str] = ()) -> Iterator[Held]:
        """Yield the entries of these kinds (of all, if none is named) in the order of arrival, 256 at a time.

        Raises:
            StoreError: the database does not answer.
        """
        after = 0
        while True:
            wanted = sa.select(_HELD.c.number, _HELD.c.leaf_hash).where(_HELD.c.number > after)
            wanted = wanted.where(_HELD.c.kind.in_(kinds)) if kinds else wanted
            with storing(), self._engine.connect() as connection:
                rows = connection.execute(wanted.order_by(_HELD.c.number).limit(ROWS_PER_READ)).all()
                block = [held for row in rows if (held := _held(connection, row.leaf_hash)) is not None]
            yield from block
            if len(rows) < ROWS_PER_READ:
                return
            after = rows[-1].number

    def promises(self, leaf: bytes) -> list[bytes]:
        """Return every promise of an entry, by operator.

        Raises:
            StoreError: the database does not answer.
        """
        wanted = sa.select(_PROMISES.c.promise).where(_PROMISES.c.leaf_hash == leaf).order_by(_PROMISES.c.operator)
        with storing(), self._engine.connect() as connection:
            return list(connection.execute(wanted).scalars())

    def counts(self, operator: int = 1) -> dict[str, int]:
        """Return how many entries and bytes are held, and how many entries are promised and refused.

        Args:
            operator: the one in office; promises by earlier ones do not count.

        Raises:
            StoreError: the database does not answer.
        """
        promised, refused = _HELD.c.operator >= operator, _HELD.c.refusal.is_not(None)
        counted = sa.select(sa.func.count()).select_from(_HELD)
        with storing(), self._engine.connect() as connection:
            box = connection.execute(sa.select(_BOX.c.entries, _BOX.c.bytes)).one()
            return {
                "bytes": box.bytes,
                "entries": box.entries,
                "promised": connection.execute(counted.where(promised)).scalar_one(),
                "refused": connection.execute(counted.where(refused)).scalar_one(),
            }


def _held(connection: sa.Connection, leaf: bytes) -> Held | None:
    row = connection.execute(sa.select(_HELD).where(_HELD.c.leaf_hash == leaf)).first()
    if row is None:
        return None
    newest = sa.select(_PROMISES.c.promise).where(_PROMISES.c.leaf_hash == leaf)
    promise = connection.execute(newest.order_by(_PROMISES.c.operator.desc()).limit(1)).scalar()
    return Held(row.number, leaf, row.kind, row.data, row.received, promise, row.operator, row.refusal)
