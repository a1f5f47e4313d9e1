"""Disks that are full, read-only or torn: nothing is stored by half, and nothing answered that is not stored.

Nothing here holds merely because the tests run as root: limits bind root as well, and where permissions do not, the
tests act as another user.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from secballot.audit.report import Verdict
from secballot.audit.verifier import audit
from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.log import sign_head
from secballot.board.merkle import leaf_hash
from secballot.board.note import Ed25519Signer
from secballot.board.witness import Request, WitnessState
from secballot.errors import SecballotError, StoreError
from secballot.net.client import HttpClient
from secballot.record.history import LogHistory
from secballot.records.manifest import MANIFEST
from secballot.records.promise import Promise
from secballot.roles.board import BoardOperator
from secballot.roles.remote import Later, RemoteBoard
from secballot.roles.witness import WitnessRole
from secballot.store import troubles
from secballot.store.archive import write_archive
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from secballot.store.journal import Journal
from secballot.store.naming import is_url
from secballot.store.remembered import CheckpointMemory
from secballot.store.source import open_source
from secballot_cli.main import ExitCode, run
from tests.faults.killing import Victim
from tests.running import key_files, passphrase_file
from tests.service_parts import KEYS, NAMES
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from tests.postgres import Cluster


class FullDisk:
    """A database whose disk is full while the context lasts."""

    def __init__(self, engine: sa.Engine, table: str) -> None:
        """Fill the disk under this table."""
        self._engine = engine
        self._table = table

    def __enter__(self) -> None:
        """Let nothing more be stored: SQLite gets no page more, PostgreSQL says so at the insertion."""
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "checkout", self._no_more_pages)
            return
        raising = "BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END"
        self._execute(f"CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ {raising} $$")
        when = f"BEFORE INSERT OR UPDATE ON {self._table} FOR EACH STATEMENT"
        self._execute(f"CREATE TRIGGER no_room {when} EXECUTE FUNCTION no_room()")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make room."""
        if self._engine.dialect.name == "sqlite":
            event.remove(self._engine, "checkout", self._no_more_pages)
            self._engine.dispose()
        else:
            self._execute("DROP FUNCTION no_room CASCADE")

    def _no_more_pages(self, connection: sa.engine.interfaces.DBAPIConnection, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count=1")
        cursor.close()

    def _execute(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(statement)


def test_a_full_board_promises_nothing_and_goes_on_when_there_is_room(database: str) -> None:
    """The whole batch is refused for the disk's sake, with what to do; afterwards the same bytes are taken."""
    operator = BoardOperator.create(database, SMALL_MANIFEST, **KEYS)
    promised = operator.submit(founding(), now=NOW)
    # Large enough that no page which is there already can hold them.
    batch = [document(number, chunk, 3) for number in range(40) for chunk in (1, 2, 3)]
    with FullDisk(operator.store._engine, "entries"):
        for _ in range(2):
            with pytest.raises(StoreError) as refused:
                operator.submit(batch, now=NOW)
            assert refused.value.message == troubles.FULL
        assert operator.store.size() == 2
        assert len(operator.record) == 2
        # What is stored already is still answered.
        assert operator.submit(founding(), now=NOW + 1) == promised
    answers = operator.submit(batch, now=NOW)
    assert [answer.index for answer in answers if isinstance(answer, Promise)] == list(range(2, 122))
    assert list(operator.store.entries(2, 122)) == batch
    operator.close()


@contextmanager
def no_more_bytes(database: str, engine: sa.Engine, table: str) -> Iterator[None]:
    """Let not even a small note be stored: no file of this process grows, or PostgreSQL's disk is full."""
    if is_url(database):
        with FullDisk(engine, table):
            yield
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{database}-wal").stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_journal_releases_no_cosignature(database: str) -> None:
    """A witness that cannot note what it is about to sign does not sign it; when there is room it does."""
    history = LogHistory()
    for number in range(3):
        history.append(leaf_hash(b"%d" % number))
    note = sign_checkpoint(Checkpoint(ORIGIN, 3, history.root(3)), [Ed25519Signer(ORIGIN, key("log"))])
    body = Request(0, (), note.encode()).encode()
    with Journal.create(database) as journal:
        witness = WitnessRole(NAMES[0], key(NAMES[0]), journal)
        witness.follow(ORIGIN, public("log")[0])
        nothing = witness.state(ORIGIN)
        with no_more_bytes(database, journal._engine, "notes"):
            with pytest.raises(StoreError) as refused:
                witness.add_checkpoint(body, now=NOW)
            assert refused.value.message in {troubles.FULL, troubles.FAILING}
        assert witness.state(ORIGIN) == nothing
        assert witness.add_checkpoint(body, now=NOW).startswith(b"\xe2\x80\x94 ")
        assert witness.state(ORIGIN) == WitnessState(3, history.root(3))


def test_a_running_board_survives_a_full_disk(tmp_path: Path) -> None:
    """No file of the real process may grow for a while: it refuses, says why, and goes on without being restarted."""
    key_files(tmp_path, "log", "promise")
    (tmp_path / "manifest.json").write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    files = ("--log-key", str(tmp_path / "log.key"), "--promise-key", str(tmp_path / "promise.key"))
    keys, database = (*files, *passphrase_file(tmp_path)), str(tmp_path / "board.db")
    assert run(["board", "create", database, str(tmp_path / "manifest.json"), *keys]) == ExitCode.PASSED
    victim = Victim("board", "serve", database, "--sitting", SITTING_ID.hex(), *keys, log=tmp_path / "log.txt")
    victim.start()
    try:
        victim.wait_until_it_listens()
        with HttpClient(victim.url) as client:
            board = RemoteBoard(client, SITTING_ID, public("promise"))
            promised = {entry: board.post(entry) for entry in (*founding(), document(0))}
            largest = max(path.stat().st_size for path in tmp_path.glob("board.db*"))
            before = resource.prlimit(victim.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, (largest, before[1]))
            # Where pages of the write-ahead log are reused, a few more find room.
            refused = document(1)
            for number in range(1, 500):
                refused = document(number)
                answer = board.offer(refused)
                if isinstance(answer, Later):
                    break
                promised[refused] = answer
            assert isinstance(board.offer(refused), Later)
            assert all(board.offer(entry) == promise for entry, promise in promised.items())
            resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, before)
            promised[refused] = board.post(refused)
        victim.stop()
    finally:
        victim.discard()
    assert "see whether it is full" in victim.log.read_text()
    assert "Traceback" not in victim.log.read_text()
    with BoardStore.open(database) as store:
        assert store.size() == len(promised)
        assert all(store.entry(promise.index) == entry for entry, promise in promised.items())


# --- read-only


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """Yield a folder of somebody else's, and act as a user whom permissions bind; they are restored afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        user, group = os.geteuid(), os.getegid()
        inside = folder / "inside"
        inside.mkdir()
        try:
            yield inside
        finally:
            os.seteuid(user)
            os.setegid(group)
            for path in (inside, *inside.rglob("*")):
                path.chmod(0o700)


def write_protect(folder: Path) -> None:
    """Take everybody's right to write away, and the superuser's power to do so nevertheless."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.setegid(65_534)
        os.seteuid(65_534)
    with pytest.raises(PermissionError):
        (folder / "probe").touch()


def _append_and_read(database: str) -> None:
    with BoardStore.open(database) as store:
        assert store.entry(0) == b"a"
        store.append([b"b"])


def test_a_read_only_file_is_said_to_be_one() -> None:
    """Appending to an SQLite database says what is the matter, and that a copy can be read."""
    with ordinary_user() as folder:
        database = str(folder / "board.db")
        with BoardStore.create(database, ORIGIN) as store:
            store.append([b"a"])
        write_protect(folder)
        with pytest.raises(StoreError) as refused:
            _append_and_read(database)
        assert refused.value.message == troubles.READ_ONLY


def test_a_read_only_server_is_said_to_be_one(postgres: Cluster) -> None:
    """A standby, or a server that was made read-only: what is there is read, and nothing is stored."""
    database = postgres.url()
    with BoardStore.create(database, ORIGIN) as store:
        store.append([b"a"])
    with pytest.raises(StoreError) as refused:
        _append_and_read(database.replace("options=", "options=-cdefault_transaction_read_only%3Don%20"))
    assert refused.value.message == troubles.READ_ONLY
    with BoardStore.open(database) as store:
        assert store.size() == 1


def test_a_read_only_folder_is_said_to_be_one(tmp_path: Path) -> None:
    """A publisher, an archive and a reader's memory say so, and leave what is there."""
    with BoardStore.create(tmp_path / "board.db", ORIGIN) as store, ordinary_user() as folder:
        store.append([b"a", b"b"])
        store.put_checkpoint(sign_head(store, [Ed25519Signer(ORIGIN, key("log"))]).encode())
        write_folder(store, folder / "log")
        store.append([b"c"])
        store.put_checkpoint(sign_head(store, [Ed25519Signer(ORIGIN, key("log"))]).encode())
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        write_protect(folder)
        for write in (
            lambda: write_folder(store, folder / "log"),
            lambda: write_archive(folder / "log", folder / "log.zip"),
            lambda: CheckpointMemory(folder / "memory").keep(ORIGIN, b"note"),
        ):
            with pytest.raises(StoreError, match="read-only for this user"):
                write()
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


# --- torn


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Return a folder with a board of some entries, its published log and the archive of that."""
    operator = BoardOperator.create(tmp_path / "board.db", SMALL_MANIFEST, **KEYS)
    witnesses = [WitnessRole.create(tmp_path / name, name, key(name)) for name in NAMES]
    for witness in witnesses:
        witness.follow(ORIGIN, public("log")[0])
    for batch in (founding(), [document(number) for number in range(300)]):
        operator.submit(batch, now=NOW)
        operator.sign_checkpoint()
        operator.collect(witnesses, now=NOW)
        operator.publish(tmp_path / "log")
    operator.close()
    write_archive(tmp_path / "log", tmp_path / "log.zip")
    return tmp_path


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_torn_file_is_no_verdict_on_the_record(published: Path, part: float) -> None:
    """Half a file, or none of it, is a disk's fault: the record stands by what is left, or could not be checked."""
    stands = 0
    files = [path for path in (published / "log").rglob("*") if path.is_file()]
    files += [published / "log.zip", published / "board.db"]
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[: int(part * len(whole))])
        where = published / "log" if (published / "log") in path.parents else path
        try:
            verdict = audit(open_source(where), anchor=SITTING_ID).verdict
        except SecballotError:
            verdict = Verdict.UNCHECKED
        assert verdict in {Verdict.STANDS, Verdict.UNCHECKED}, path
        stands += verdict is Verdict.STANDS
        path.write_bytes(whole)
    assert 0 < stands < len(files)
    for where in (published / "log", published / "log.zip", published / "board.db"):
        assert audit(open_source(where), anchor=SITTING_ID).verdict is Verdict.STANDS


def test_what_a_publisher_left_half_written_is_cleared_away(published: Path) -> None:
    """It has no name of the log's, so no reader finds it; the next publisher removes it."""
    (published / "log" / ".unfinished").write_bytes(b"half a bun")
    assert audit(open_source(published / "log"), anchor=SITTING_ID).verdict is Verdict.STANDS
    with BoardStore.open(published / "board.db") as store:
        write_folder(store, published / "log")
    assert not (published / "log" / ".unfinished").exists()


def test_a_torn_checkpoint_is_not_overwritten_in_silence(published: Path) -> None:
    """The folder's own checkpoint guards against a board that was set back, so somebody has to look."""
    torn = published / "log" / "checkpoint"
    torn.write_bytes(torn.read_bytes()[:40])
    with BoardStore.open(published / "board.db") as store:
        with pytest.raises(StoreError, match="put the newest of checkpoint-by-size in its place"):
            write_folder(store, published / "log")
        shutil.copy(published / "log" / "checkpoint-by-size" / "302", torn)
        write_folder(store, published / "log")
