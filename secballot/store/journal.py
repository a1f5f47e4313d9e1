"""The small durable memory of one party: what it has promised itself never to do twice, or in two ways.

A party writes down what it is about to release, and releases it only after the write is on disk. So after a crash at
any instruction it either finds the note and releases the same bytes again, or finds nothing and has released nothing.

- `put_once` for what must never change: a registrar's answer, a trustee's seed, its tally id and document;
- `replace` for what moves on, from one known value to the next: the last checkpoint that a witness has cosigned.

A lost journal is lost state. It is never made again by opening it, since a party that forgets may contradict itself.
So is one that was restored from a copy: whoever keeps it on a server must not fall back on a stale replica.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError

from secballot.errors import StoreError
from secballot.store.engine import database_url, insert_unless_there, open_engine, sqlite_file, storing
from secballot.store.syncing import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

_SCHEMA = sa.MetaData()
_NOTES = sa.Table(
    "notes",
    _SCHEMA,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


_THERE_ALREADY: Final = "there is a journal here already, and it is never overwritten"


class Journal:
    """Notes by scope and key: one SQLite file that only its owner can read, or one PostgreSQL database of its own.

    Safe to use from several threads and several processes at once. Values may be secret and are never shown.
    """

    def __init__(self, engine: sa.Engine) -> None:
        """Hold an open database; use `create` or `open`."""
        self._engine = engine

    @classmethod
    def create(cls, where: str | Path) -> Self:
        """Return a new, empty journal.

        A creation that was killed leaves a file that `open` refuses; nothing can depend on it yet, so it may be
        removed by hand.

        Args:
            where: path of an SQLite file, made with mode 0600, or a database's URL. Whoever can read the database
                learns the party's secrets: it belongs to this party, and to no other.

        Raises:
            StoreError: there is a file of this name already, or a journal in the database, or it does not answer.
        """
        path = sqlite_file(database_url(where))
        with storing(), ExitStack() as on_failure:
            if path is not None:
                _make_file(path)
            engine = open_engine(where, create=False)
            on_failure.callback(engine.dispose)
            try:
                _SCHEMA.create_all(engine, checkfirst=False)
            except (IntegrityError, ProgrammingError) as error:
                if not sa.inspect(engine).has_table(_NOTES.name):
                    raise
                raise StoreError(_THERE_ALREADY) from error
            if path is not None:
                sync_folder(path.parent)
            on_failure.pop_all()
        return cls(engine)

    @classmethod
    def open(cls, where: str | Path) -> Self:
        """Return the journal that is kept in this file, or in this database.

        Raises:
            StoreError: the state is lost (no file, or no journal in it), others than the owner may read the file, or
                the database does not answer.
        """
        path = sqlite_file(database_url(where))
        with storing(), ExitStack() as on_failure:
            if path is not None:
                _check_file(path)
            engine = open_engine(where, create=False)
            on_failure.callback(engine.dispose)
            if not sa.inspect(engine).has_table(_NOTES.name):
                raise StoreError("state lost: the database holds no journal")
            on_failure.pop_all()
        return cls(engine)

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the database's connections."""
        self.close()

    def put_once(self, scope: str, key: bytes, value: bytes) -> bytes:
        """Return what is durably noted under this key from now on: this value, or the one noted earlier.

        Whoever must not contradict an earlier note compares the answer with `value`.

        Raises:
            StoreError: the database does not answer; the value may or may not have been noted.
        """
        with storing(), self._engine.begin() as connection:
            # The insert comes first and takes the write lock, so no other value can get in between.
            connection.execute(insert_unless_there(self._engine, _NOTES, scope=scope, key=key, value=value))
            noted: bytes = connection.execute(_value(scope, key)).scalar_one()
        # The commit has returned: from here on the note survives a power cut.
        return noted

    def get(self, scope: str, key: bytes) -> bytes | None:
        """Return what is noted under this key, None if nothing is.

        Raises:
            StoreError: the database does not answer.
        """
        with storing(), self._engine.connect() as connection:
            noted: bytes | None = connection.execute(_value(scope, key)).scalar()
        return noted

    def replace(self, scope: str, key: bytes, old: bytes | None, new: bytes) -> None:
        """Note a new value where the old one still stands, durably: compare and swap.

        Args:
            scope: of the note.
            key: of the note.
            old: the value that must be there, None for none.
            new: the value to be there.

        Raises:
            StoreError: another value stands there (somebody else was faster), or the database does not answer.
        """
        statement: sa.Insert | sa.Update
        if old is None:
            statement = insert_unless_there(self._engine, _NOTES, scope=scope, key=key, value=new)
        else:
            here = _NOTES.c.scope == scope, _NOTES.c.key == key, _NOTES.c.value == old
            statement = _NOTES.update().where(*here).values(value=new)
        with storing(), self._engine.begin() as connection:
            if connection.execute(statement).rowcount != 1:
                raise StoreError("somebody else has changed this note")

    def items(self, scope: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield every key of a scope with its value, by rising key, as they stand at one moment.

        Raises:
            StoreError: the database does not answer.
        """
        query = sa.select(_NOTES.c.key, _NOTES.c.value).where(_NOTES.c.scope == scope).order_by(_NOTES.c.key)
        with storing(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield row.key, row.value


def _make_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError as error:
        raise StoreError(_THERE_ALREADY) from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise StoreError("state lost: there is no journal here")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise StoreError("others than its owner may read or write the journal; it should have mode 0600")


def _value(scope: str, key: bytes) -> sa.Select[Any]:
    return sa.select(_NOTES.c.value).where(_NOTES.c.scope == scope, _NOTES.c.key == key)
