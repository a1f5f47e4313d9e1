"""Databases by path and by URL: what is taken, what is durable, who serves, and what is said when it goes wrong."""

from __future__ import annotations

import errno
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from secballot.errors import StoreError
from secballot.store import troubles
from secballot.store.board import BoardStore
from secballot.store.claim import claimed
from secballot.store.engine import database_url, open_engine, storing
from secballot.store.journal import Journal
from secballot.store.naming import is_url
from secballot.store.source import DatabaseSource, open_source
from secballot.store.troubles import explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.postgres import Cluster

ORIGIN = "log.example/sitting"
SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://operator:{SECRET}@db.example/sitting",
        f"postgresql://operator:{SECRET}@db.example/sitting",
        f"postgresql+psycopg://operator@db.example/sitting?password={SECRET}",
        f"postgresql+psycopg://operator@db.example/sitting?sslmode=verify-full&sslpassword={SECRET}",
        f"postgresql+psycopg://operator:{SECRET}@db.example:notaport/sitting",
        f"mysql://operator:{SECRET}@db.example/sitting",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    """It has stood on a command line already; nothing of it goes on to a log, and the way to keep it is said."""
    for use in (
        lambda: database_url(url),
        lambda: BoardStore.open(url),
        lambda: BoardStore.create(url, ORIGIN),
        lambda: Journal.open(url),
        lambda: Journal.create(url),
        lambda: open_source(url),
    ):
        with pytest.raises(StoreError) as refused:
            use()
        error: BaseException | None = refused.value
        while error is not None:
            assert SECRET not in f"{error} {error!r} {error.args}"
            error = error.__cause__ or error.__context__
    if "notaport" not in url:
        assert "PGPASSFILE" in refused.value.message


@pytest.mark.parametrize("url", ["mysql://db.example/sitting", "nonsense://", "://", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    """There is SQLite in a file, and PostgreSQL."""
    assert is_url(url)
    with pytest.raises(StoreError):
        database_url(url)


WITHOUT_DRIVER = textwrap.dedent(
    """
    import sys
    sys.modules["psycopg"] = None
    from secballot.errors import StoreError
    from secballot.store.board import BoardStore
    BoardStore.create(sys.argv[1], "log.example/sitting").close()
    try:
        BoardStore.open("postgresql+psycopg://?service=board")
    except StoreError as error:
        print(error.message)
    """
)


def test_a_driver_that_is_missing_is_named(tmp_path: Path) -> None:
    """Without the extra, a URL of PostgreSQL says what to install, and SQLite works."""
    command = [sys.executable, "-c", WITHOUT_DRIVER, str(tmp_path / "board.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "pip install secballot[postgres]" in done.stdout


def _setting(engine: sa.Engine, name: str) -> str:
    with engine.connect() as connection:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def test_commits_are_durable_whatever_the_server_defaults_to(postgres: Cluster) -> None:
    """Asynchronous commits, and isolation that refuses instead of waiting, are not taken over from the server."""
    careless = "%20-csynchronous_commit%3Doff%20-cdefault_transaction_isolation%3Dserializable"
    url = postgres.url()
    options = next(part for part in url.split("&") if "options=" in part)
    engine = open_engine(url.replace(options, options + careless), create=False)
    assert _setting(engine, "synchronous_commit") == "on"
    assert _setting(engine, "transaction_isolation") == "read committed"
    assert _setting(engine, "lock_timeout") == "30s"
    engine.dispose()


def test_a_stronger_setting_of_the_server_is_kept(postgres: Cluster) -> None:
    """Whoever waits for a standby goes on waiting for it."""
    url = postgres.url()
    options = next(part for part in url.split("&") if "options=" in part)
    engine = open_engine(url.replace(options, options + "%20-csynchronous_commit%3Dremote_apply"), create=False)
    assert _setting(engine, "synchronous_commit") == "remote_apply"
    engine.dispose()


def test_a_server_that_does_not_sync_is_refused(postgres: Cluster) -> None:
    """With fsync=off an acknowledgement would mean nothing."""
    url = postgres.url()
    BoardStore.create(url, ORIGIN).close()
    _set_fsync(postgres, "off")
    try:
        with pytest.raises(StoreError, match="fsync=off"):
            BoardStore.open(url)
    finally:
        _set_fsync(postgres, "on")
    BoardStore.open(url).close()


def _set_fsync(postgres: Cluster, value: str) -> None:
    postgres.execute(f"ALTER SYSTEM SET fsync = {value}")
    postgres.execute("SELECT pg_reload_conf()")
    for _ in range(10_000):
        if postgres.execute("SHOW fsync") == [(value,)]:
            return
    raise AssertionError("the server does not take up its settings")


def test_writers_wait_for_each_other(database: str) -> None:
    """An append waits while another process writes, and then sees that it comes too late."""
    BoardStore.create(database, ORIGIN).close()
    other = open_engine(database, create=False)
    answers: list[str] = []

    def append() -> None:
        with BoardStore.open(database) as board, pytest.raises(StoreError) as refused:
            board.append([b"late"], expected_size=0)
        answers.append(refused.value.message)

    with other.connect() as connection:
        connection.execute(sa.text("UPDATE meta SET size = size + 0"))
        late = threading.Thread(target=append)
        late.start()
        late.join(0.3)
        assert not answers
        connection.execute(sa.text("UPDATE meta SET size = 1"))
        connection.commit()
    late.join(30)
    other.dispose()
    assert answers == ["somebody else has appended to this board"]


def test_a_log_is_read_by_the_url_of_its_database(database: str) -> None:
    """An auditor may be given the operator's database, on either engine."""
    with BoardStore.create(database, ORIGIN) as board:
        board.append([b"a", b"b"])
    url = database if is_url(database) else f"sqlite:///{database}"
    source = open_source(url)
    assert isinstance(source, DatabaseSource)
    assert list(source.entries(0, 2)) == [b"a", b"b"]


def test_a_server_that_is_restarted_is_found_again(postgres: Cluster) -> None:
    """While it is down every use says so; afterwards the same object goes on, and nothing acknowledged is lost."""
    url = postgres.url()
    with BoardStore.create(url, ORIGIN) as board:
        board.append([b"before"])
        postgres.stop("immediate")
        try:
            for use in (board.size, lambda: board.append([b"down"], expected_size=1), lambda: BoardStore.open(url)):
                with pytest.raises(StoreError) as refused:
                    use()
                assert "see that it runs" in refused.value.message
        finally:
            postgres.start()
        assert board.append([b"after"], expected_size=1) == 1
        assert list(board.entries(0, 2)) == [b"before", b"after"]


def test_a_password_comes_from_the_file_that_pgpassfile_names(
    postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all else may come from a section of pg_service.conf; without the password nobody gets in."""
    postgres.execute("DROP SCHEMA IF EXISTS keeper CASCADE")
    postgres.execute("DROP ROLE IF EXISTS keeper")
    postgres.execute(f"CREATE ROLE keeper LOGIN PASSWORD '{SECRET}'")
    postgres.execute("CREATE SCHEMA keeper AUTHORIZATION keeper")
    postgres.stop()
    postgres.ask_password("keeper")
    postgres.start()
    services = tmp_path / "pg_service.conf"
    services.write_text(f"[board]\nhost={postgres.socket}\nuser=keeper\ndbname=postgres\n")
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:keeper:{SECRET}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "missing"))
    with pytest.raises(StoreError, match="PGPASSFILE"):
        BoardStore.create("postgresql+psycopg://?service=board", ORIGIN)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    with BoardStore.create("postgresql+psycopg://?service=board", ORIGIN) as board:
        board.append([b"a"])
        assert SECRET not in repr(board._engine) + str(board._engine.url) + repr(board._engine.url)
    assert postgres.execute("SELECT size FROM keeper.meta") == [(1,)]


HOLDER = textwrap.dedent(
    """
    import sys
    from secballot.store.claim import claimed

    with claimed(sys.argv[1]):
        print("held", flush=True)
        sys.stdin.read()
    """
)


def test_the_second_process_is_told_whom_to_stop(new_database: Callable[[], str]) -> None:
    """A database is served by one process, until that ends, however it ends; others are served meanwhile."""
    database, another = new_database(), new_database()
    for name in (database, another):
        BoardStore.create(name, ORIGIN).close()
    command = [sys.executable, "-c", HOLDER, database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="stop that one first"), claimed(database, seconds=0.2):
            raise AssertionError("two processes serve one database")
        with claimed(another, seconds=0):
            holder.send_signal(signal.SIGKILL)
            with claimed(database):
                pass
    with claimed(database, seconds=0):
        pass


def test_what_is_not_there_is_not_served(tmp_path: Path) -> None:
    """Nothing is made by claiming it."""
    with pytest.raises(StoreError, match="no database"), claimed(tmp_path / "missing.db"):
        raise AssertionError("served nothing")
    assert list(tmp_path.iterdir()) == []


def _sqlite_error(code: int) -> OperationalError:
    cause = sqlite3.OperationalError(f"cannot store {SECRET}")
    cause.sqlite_errorcode = code
    return OperationalError(None, None, cause)


def _server_error(state: str) -> OperationalError:
    return OperationalError(None, None, psycopg.errors.lookup(state)(f"cannot store {SECRET}"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_sqlite_error(sqlite3.SQLITE_FULL), troubles.FULL),
        (_sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), troubles.READ_ONLY),
        (_sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), troubles.LOCKED),
        (_sqlite_error(sqlite3.SQLITE_CORRUPT_INDEX), troubles.DAMAGED),
        (_sqlite_error(sqlite3.SQLITE_IOERR_FSYNC), troubles.FAILING),
        (_server_error("53100"), troubles.FULL),
        (_server_error("25006"), troubles.READ_ONLY),
        (_server_error("55P03"), troubles.LOCKED),
        (_server_error("57P01"), troubles.LOST_CONNECTION),
        (_server_error("58030"), troubles.FAILING),
        (_server_error("XX001"), troubles.DAMAGED),
        (_server_error("28P01"), troubles.FORBIDDEN),
        (_server_error("3D000"), troubles.NO_DATABASE),
        (_server_error("42P01"), troubles.NO_TABLES),
        (OSError(errno.ENOSPC, SECRET), troubles.FULL),
        (OSError(errno.EROFS, SECRET), troubles.READ_ONLY),
        (OperationalError(None, None, psycopg.OperationalError(SECRET)), troubles.UNREACHABLE),
        (
            OperationalError(None, None, psycopg.OperationalError(SECRET), connection_invalidated=True),
            troubles.LOST_CONNECTION,
        ),
        (_sqlite_error(sqlite3.SQLITE_ERROR), "the database does not answer: OperationalError"),
        (_server_error("42601"), "the database does not answer: OperationalError"),
        (OSError(SECRET), "the database does not answer: OSError"),
        (OverflowError(SECRET), "the database does not answer: OverflowError"),
    ],
)
def test_troubles_are_told_in_our_own_words(error: BaseException, words: str) -> None:
    """What happened and what to do, and no word of a driver, which may quote what was to be stored."""
    assert explain(error) == words
    with pytest.raises(StoreError) as told, storing():
        raise error
    assert told.value.message == words
