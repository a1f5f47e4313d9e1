"""Serving a database alone: the second process that wants to serve it waits a little, and is then told whom to stop.

Two that serve one log cannot contradict each other, since every append compares and swaps; but each would undo the
other's work, batch by batch. So this is a courtesy, which the system ends with the process, however that ends: a lock
on a file beside an SQLite database, an advisory lock of the session in PostgreSQL.

Source: SPEC.md#log; PostgreSQL, "Advisory Locks".
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from secballot.errors import StoreError
from secballot.store.engine import database_url, open_engine, sqlite_file, storing
from secballot.store.locking import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE: Final = 10.0
"""Seconds: a server notices that its client was killed a moment after the client's machine does."""

_PAUSE: Final = 0.2
_CLASS: Final = 0x5EC8A110
"""First half of the advisory lock's key; the schema gives the second."""

_SERVED: Final = "another process serves this database, and a board has one: stop that one first, or leave it to it"


@contextmanager
def claimed(where: str | Path, *, seconds: float = PATIENCE) -> Iterator[None]:
    """Hold the right to serve a database.

    If a PostgreSQL server is restarted meanwhile, the right is lost without a word; whoever comes next then disturbs,
    but harms nobody.

    Args:
        where: path of an SQLite file that is there, or a database's URL.
        seconds: how long to wait for it.

    Raises:
        StoreError: another process serves it, or the database does not answer.
    """
    path = sqlite_file(database_url(where))
    if path is None:
        held = _held_on_server(where, seconds)
    elif path.is_file():
        held = locked(path.with_name(f"{path.name}.lock"), seconds=seconds, busy=_SERVED)
    else:
        raise StoreError("there is no database here")
    with held:
        yield


@contextmanager
def _held_on_server(where: str | Path, seconds: float) -> Iterator[None]:
    with ExitStack() as held:
        with storing():
            engine = open_engine(where, create=False)
            held.callback(engine.dispose)
            # In a transaction the connection would hold back the server's own cleaning up.
            connection = held.enter_context(engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
            _wait_for_lock(connection, seconds)
        yield


def _wait_for_lock(connection: sa.Connection, seconds: float) -> None:
    # Not hashtext(): a reader should see the whole key without knowing the server's version.
    query = sa.text("SELECT pg_try_advisory_lock(:first, ('x' || left(md5(current_schema()), 8))::bit(32)::int)")
    until = time.monotonic() + seconds
    while not connection.execute(query, {"first": _CLASS}).scalar_one():
        if time.monotonic() >= until:
            raise StoreError(_SERVED)
        time.sleep(_PAUSE)
