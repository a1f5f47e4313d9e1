"""The board's database: what was acknowledged stays, in one order, under one root, whoever else appends or dies."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secballot.board.merkle import leaf_hash, root_of
from secballot.errors import EncodingError, StoreError
from secballot.store.board import BoardStore
from secballot.store.board_tables import SCHEMA
from secballot.store.engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ORIGIN = "log.example/sitting"
ENTRIES = [f"entry {number}".encode() for number in range(600)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file of an SQLite database goes."""
    return tmp_path / "board.db"


@pytest.fixture
def store(database: str) -> Iterator[BoardStore]:
    """Return an empty board, in SQLite and in PostgreSQL."""
    with BoardStore.create(database, ORIGIN) as board:
        yield board


def test_entries_come_back(store: BoardStore) -> None:
    """What was appended is read by index and by range, across the batches that reads are made in."""
    assert store.append(ENTRIES[:1]) == 0
    assert store.append(ENTRIES[1:300]) == 1
    assert store.append([]) == 300
    assert store.append(ENTRIES[300:]) == 300
    assert store.size() == 600
    assert store.entry(299) == ENTRIES[299]
    assert list(store.entries(0, 600)) == ENTRIES
    assert list(store.entries(255, 513)) == ENTRIES[255:513]
    assert list(store.leaf_hashes(0, 600)) == LEAVES
    assert list(store.entries(7, 7)) == []


def test_an_empty_board(store: BoardStore) -> None:
    """A new board has no entries, the root of nothing, and no checkpoint."""
    assert (store.size(), store.origin, store.root(0)) == (0, ORIGIN, root_of([]))
    assert (store.latest_checkpoint(), store.checkpoint(0), store.checkpoint_sizes()) == (None, None, [])
    assert store.find(LEAVES[0]) is None


def test_promises_are_stored_with_their_entries(store: BoardStore) -> None:
    """A promise, or its absence, stands beside its entry."""
    store.append(ENTRIES[:3], [b"p0", None, b"p2"])
    assert [store.promise(index) for index in range(3)] == [b"p0", None, b"p2"]
    with pytest.raises(StoreError):
        store.promise(3)


def test_a_promise_is_given_once_where_there_is_none(store: BoardStore) -> None:
    """An entry that came without a promise gets one for good; what has one keeps it."""
    store.append([b"a", b"b"], [None, b"promise"])
    for promise in (b"first", b"second"):
        assert store.give_promise(0, promise) == b"first" == store.promise(0)
        assert store.give_promise(1, promise) == b"promise"
    with pytest.raises(StoreError):
        store.give_promise(2, b"promise")


def test_find_gives_the_first(store: BoardStore) -> None:
    """Of two equal entries the first is found."""
    store.append([b"a", b"b", b"a"])
    assert store.find(leaf_hash(b"a")) == 0
    assert store.find(leaf_hash(b"b")) == 1
    assert store.find(leaf_hash(b"c")) is None
    store.append([b"%d" % number for number in range(600)])
    leaves = [leaf_hash(data) for data in (b"c", b"a", *(b"%d" % number for number in range(700)))]
    assert store.find_all(leaves) == {leaves[1]: 0} | {leaf: 3 + at for at, leaf in enumerate(leaves[2:602])}
    assert store.find_all([]) == {}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 600), max_size=5), data=st.data())
def test_roots_and_proofs(new_database: Callable[[], str], cuts: list[int], data: st.DataObject) -> None:
    """However the entries were batched, every prefix has its root and its proofs verify."""
    with BoardStore.create(new_database(), ORIGIN) as board:
        marks = sorted({0, *cuts, 600})
        for start, stop in pairwise(marks):
            board.append(ENTRIES[start:stop])
        size = data.draw(st.integers(1, 600))
        index = data.draw(st.integers(0, size - 1))
        old = data.draw(st.integers(0, size))
        assert board.root(size) == root_of(LEAVES[:size])
        assert board.frontier(size).root() == root_of(LEAVES[:size])
        board.inclusion_proof(index, size).verify(LEAVES[index], root_of(LEAVES[:size]))
        board.consistency_proof(old, size).verify(root_of(LEAVES[:old]), root_of(LEAVES[:size]))
        assert board.subtrees(3, 0, 600 // 8) == [root_of(LEAVES[at : at + 8]) for at in range(0, 600, 8)]


def test_out_of_range(store: BoardStore) -> None:
    """What the board does not hold is said at once, not when an iterator is used."""
    store.append(ENTRIES[:5])
    for read in (
        lambda: store.entry(5),
        lambda: store.entry(-1),
        lambda: store.entries(0, 6),
        lambda: store.entries(4, 3),
        lambda: store.leaf_hashes(0, 6),
        lambda: store.root(6),
        lambda: store.frontier(6),
        lambda: store.subtrees(1, 0, 3),
        lambda: store.inclusion_proof(5, 5),
        lambda: store.inclusion_proof(0, 6),
        lambda: store.consistency_proof(3, 6),
        lambda: store.consistency_proof(4, 3),
        lambda: store.checkpoint(2**70),
    ):
        with pytest.raises(StoreError):
            read()


def test_a_batch_that_does_not_fit_is_the_callers_mistake(store: BoardStore) -> None:
    """Nothing of it is stored."""
    for batch, promises in (([b"a"], [None, None]), ([b"a", bytes(65_536)], None)):
        with pytest.raises(ValueError, match="one promise"):
            store.append(batch, promises)
    assert store.size() == 0


def test_create_and_open(new_database: Callable[[], str]) -> None:
    """A board is created once, opened by whoever knows its origin, and refused under another."""
    database = new_database()
    with pytest.raises(StoreError):
        BoardStore.open(database)
    BoardStore.create(database, ORIGIN).close()
    with pytest.raises(StoreError, match="already"):
        BoardStore.create(database, ORIGIN)
    with pytest.raises(StoreError, match="another log"):
        BoardStore.open(database, "other.example")
    with BoardStore.open(database, ORIGIN) as board:
        board.append(ENTRIES[:3])
    with BoardStore.open(database) as board:
        assert (board.origin, board.size()) == (ORIGIN, 3)
    with pytest.raises(EncodingError):
        BoardStore.create(new_database(), "two words")


def test_a_killed_creation_can_be_repeated(database: str) -> None:
    """A database without a board in it is no obstacle, and no board."""
    engine = open_engine(database, create=True)
    engine.dispose()
    with pytest.raises(StoreError):
        BoardStore.open(database)
    SCHEMA.create_all(engine)
    engine.dispose()
    with pytest.raises(StoreError):
        BoardStore.open(database)
    BoardStore.create(database, ORIGIN).close()
    BoardStore.open(database, ORIGIN).close()


def test_two_creations_at_once_make_one_board(database: str) -> None:
    """Whoever comes second is told that there is a board, and leaves the first one's alone."""
    start = threading.Barrier(4)
    outcomes: list[str] = []

    def creator(number: int) -> None:
        start.wait()
        try:
            BoardStore.create(database, f"log.example/{number}").close()
        except StoreError as error:
            outcomes.append(error.message)
        else:
            outcomes.append("made")

    threads = [threading.Thread(target=creator, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] + ["there is a board here already"] * 3


def test_garbage_is_a_store_error(path: Path, tmp_path: Path) -> None:
    """A file that is no database, a folder, and an unreachable place are told apart from verdicts."""
    path.write_bytes(b"not a database" * 1000)
    for where in (path, tmp_path):
        with pytest.raises(StoreError):
            BoardStore.open(where)
    for where in (path, tmp_path, tmp_path / "missing" / "board.db"):
        with pytest.raises(StoreError):
            BoardStore.create(where, ORIGIN)


@pytest.mark.attack("OP-02")
def test_only_the_owner_may_read(path: Path) -> None:
    """The database and the files that SQLite puts beside it have mode 0600, whatever the umask."""
    with BoardStore.create(path, ORIGIN) as store:
        store.append(ENTRIES[:1])
        files = list(path.parent.glob("board.db*"))
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_commits_are_synced(path: Path) -> None:
    """Acknowledged means synced, by path and by URL: the write-ahead log is synced at every commit."""
    with BoardStore.create(path, ORIGIN) as by_path, BoardStore.open(f"sqlite:///{path}") as by_url:
        for board in (by_path, by_url):
            with board._engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_url_is_created_like_a_path(tmp_path: Path) -> None:
    """A URL of an SQLite file gives the same private file, and one that is missing is not made by opening it."""
    where = tmp_path / "url.db"
    with pytest.raises(StoreError):
        BoardStore.open(f"sqlite:///{where}")
    assert not where.exists()
    BoardStore.create(f"sqlite:///{where}", ORIGIN).close()
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    for wrong in ("nonsense://", "sqlite://"):
        with pytest.raises(StoreError):
            BoardStore.open(wrong)


def test_lost_rows_are_noticed(path: Path) -> None:
    """A database that somebody has cut is not served as if it were whole."""
    with BoardStore.create(path, ORIGIN) as board:
        board.append(ENTRIES[:10])
    with sqlite3.connect(path) as connection:
        connection.execute('DELETE FROM entries WHERE "index" = 4')
        connection.execute('DELETE FROM nodes WHERE level = 1 AND "index" = 0')
    connection.close()
    with BoardStore.open(path) as board:
        with pytest.raises(StoreError):
            list(board.entries(0, 10))
        with pytest.raises(StoreError):
            board.entry(4)
        with pytest.raises(StoreError):
            board.subtrees(1, 0, 5)
        with pytest.raises(StoreError):
            board.root(2)
    with sqlite3.connect(path) as connection:
        connection.execute('DELETE FROM entries WHERE "index" > 4')
    connection.close()
    with pytest.raises(StoreError):
        BoardStore.open(path)


@pytest.mark.attack("OP-08")
def test_a_stale_expectation_appends_nothing(store: BoardStore, database: str) -> None:
    """Whoever expects another size than the board's learns it, and nothing is stored."""
    with BoardStore.open(database) as other:
        other.append(ENTRIES[:2])
        with pytest.raises(StoreError):
            store.append(ENTRIES[:1])
        with pytest.raises(StoreError):
            store.append(ENTRIES[:1], expected_size=3)
        assert store.size() == 2
        assert store.append(ENTRIES[2:3]) == 2
        assert other.append(ENTRIES[3:4], expected_size=3) == 3
    assert list(store.entries(0, 4)) == ENTRIES[:4]


def test_threads_race(store: BoardStore) -> None:
    """Of threads that expect the same size exactly one wins."""
    outcomes: list[str] = []

    def appender(number: int) -> None:
        try:
            store.append([f"thread {number}".encode()], expected_size=0)
        except StoreError:
            outcomes.append("lost")
        else:
            outcomes.append("won")

    threads = [threading.Thread(target=appender, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 5 + ["won"]
    assert store.size() == 1


APPENDER = textwrap.dedent(
    """
    import sys
    from secballot.errors import StoreError
    from secballot.store.board import BoardStore

    path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    board = BoardStore.open(path)
    done = 0
    print("ready", flush=True)
    while done < count:
        entries = [f"{name} {done + number}".encode() for number in range(5)]
        try:
            first = board.append(entries, [b"promise"] * 5, expected_size=board.size())
        except StoreError:
            continue
        done += 5
        print(first, done, flush=True)
    """
)


def _appender(database: str, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APPENDER, database, name, str(count)], stdout=subprocess.PIPE, text=True
    )


def _check_whole(board: BoardStore) -> list[bytes]:
    entries = list(board.entries(0, board.size()))
    leaves = [leaf_hash(entry) for entry in entries]
    assert list(board.leaf_hashes(0, board.size())) == leaves
    for size in range(len(entries) + 1):
        assert board.root(size) == root_of(leaves[:size])
    return entries


def test_processes_race(store: BoardStore, database: str) -> None:
    """Two processes that append at once interleave whole batches and lose none."""
    running = [_appender(database, name, 50) for name in ("left", "right")]
    for process in running:
        process.communicate(timeout=120)
        assert process.returncode == 0
    entries = _check_whole(store)
    assert len(entries) == 100
    for name in ("left", "right"):
        own = [entry for entry in entries if entry.startswith(name.encode())]
        assert own == [f"{name} {number}".encode() for number in range(50)]
    batches = [entries[at : at + 5] for at in range(0, 100, 5)]
    assert all(len({entry.split()[0] for entry in batch}) == 1 for batch in batches)


def test_a_kill_loses_nothing_acknowledged(database: str) -> None:
    """A process killed while it appends leaves every batch it acknowledged, at its index, and no half batch."""
    BoardStore.create(database, ORIGIN).close()
    acknowledged: dict[int, bytes] = {}
    for kill in range(4):
        process = _appender(database, f"round{kill}", 100_000)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(3 + 4 * kill):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        # What is still in the pipe was acknowledged before the kill; its last line may be torn.
        rest = process.communicate(timeout=60)[0]
        for line in rest.splitlines(keepends=True):
            if line.endswith("\n"):
                first, done = map(int, line.split())
                acknowledged[first] = f"round{kill} {done - 5}".encode()
        with BoardStore.open(database, ORIGIN) as board:
            entries = _check_whole(board)
            assert len(entries) % 5 == 0
            assert len(entries) >= 5 * (3 + 4 * kill)
            assert all(entries[first] == entry for first, entry in acknowledged.items())
            assert board.promise(len(entries) - 1) == b"promise"
            board.append([b"after"] * 5)
