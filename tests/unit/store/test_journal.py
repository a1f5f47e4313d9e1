"""The journal: what is noted stays noted, whoever races, dies, or tries to begin again."""

from __future__ import annotations

import stat
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secballot.errors import StoreError
from secballot.store.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file of an SQLite journal goes."""
    return tmp_path / "journal.db"


@pytest.fixture
def journal(database: str) -> Iterator[Journal]:
    """Return an empty journal, in SQLite and in PostgreSQL."""
    with Journal.create(database) as made:
        yield made


def test_the_first_value_stays(journal: Journal, database: str) -> None:
    """The first value is given back to whoever notes another, also after the journal is opened again."""
    assert journal.get("tally", b"poll 1") is None
    assert journal.put_once("tally", b"poll 1", b"first") == b"first"
    assert journal.put_once("tally", b"poll 1", b"second") == b"first"
    with Journal.open(database) as again:
        assert again.put_once("tally", b"poll 1", b"third") == b"first"
        assert again.get("tally", b"poll 1") == b"first"


def test_scopes_and_keys_are_apart(journal: Journal) -> None:
    """Notes of other scopes or keys do not touch each other, and items come by rising key."""
    journal.put_once("a", b"\x02", b"2")
    journal.put_once("a", b"\x01", b"1")
    journal.put_once("b", b"\x01", b"other")
    assert list(journal.items("a")) == [(b"\x01", b"1"), (b"\x02", b"2")]
    assert list(journal.items("b")) == [(b"\x01", b"other")]
    assert list(journal.items("c")) == []


def test_replace_compares(journal: Journal) -> None:
    """A note moves on from the value it has, and from no other."""
    journal.replace("state", b"log", None, b"1")
    with pytest.raises(StoreError):
        journal.replace("state", b"log", None, b"2")
    with pytest.raises(StoreError):
        journal.replace("state", b"log", b"0", b"2")
    with pytest.raises(StoreError):
        journal.replace("state", b"other", b"1", b"2")
    assert journal.get("state", b"log") == b"1"
    assert journal.get("state", b"other") is None
    journal.replace("state", b"log", b"1", b"2")
    assert journal.get("state", b"log") == b"2"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(notes=st.lists(st.tuples(st.sampled_from("ab"), st.binary(max_size=2), st.binary(max_size=3)), max_size=12))
def test_it_is_a_dictionary_that_only_grows(
    new_database: Callable[[], str], notes: list[tuple[str, bytes, bytes]]
) -> None:
    """Any notes at all: a dictionary with `setdefault` says what the journal says."""
    model: dict[tuple[str, bytes], bytes] = {}
    with Journal.create(new_database()) as journal:
        for scope, key, value in notes:
            assert journal.put_once(scope, key, value) == model.setdefault((scope, key), value)
        for scope in "ab":
            assert list(journal.items(scope)) == sorted((key, value) for (s, key), value in model.items() if s == scope)


def test_a_lost_journal_is_not_made_again(path: Path) -> None:
    """Opening a journal that is gone, cut to nothing, or something else says that state is lost, and makes nothing."""
    with pytest.raises(StoreError, match="state lost"):
        Journal.open(path)
    assert not path.exists()
    path.touch(mode=0o600)
    with pytest.raises(StoreError, match="state lost"):
        Journal.open(path)
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(StoreError):
        Journal.open(path)


def test_a_journal_that_was_never_made_is_lost_state(database: str) -> None:
    """Opening makes no journal, and says that the state is lost."""
    with pytest.raises(StoreError, match="state lost"):
        Journal.open(database)
    with pytest.raises(StoreError, match="state lost"):
        Journal.open(database)


def test_creation_overwrites_nothing(journal: Journal, database: str) -> None:
    """A second creation is refused, and the first journal keeps its notes."""
    journal.put_once("seed", b"", b"precious")
    with pytest.raises(StoreError, match="never overwritten"):
        Journal.create(database)
    assert journal.get("seed", b"") == b"precious"


def test_a_file_needs_its_folder(path: Path) -> None:
    """No folder is made on the way."""
    with pytest.raises(StoreError):
        Journal.create(path.parent / "missing" / "journal.db")


@pytest.mark.attack("OP-02")
def test_only_the_owner_reads_it(path: Path) -> None:
    """The file and what SQLite puts beside it are the owner's alone, and a journal open to others is refused."""
    with Journal.create(path) as journal:
        _check_private(journal, path)


def _check_private(journal: Journal, path: Path) -> None:
    journal.put_once("seed", b"", b"precious")
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    assert files
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(StoreError, match="0600"):
            Journal.open(path)
    path.chmod(0o600)
    Journal.open(path).close()


@pytest.mark.attack("CR-09")
def test_threads_that_race_get_one_value(journal: Journal) -> None:
    """Of many that note different values at once, all get the same one back, and one replacement of it wins."""
    start = threading.Barrier(6)
    noted: list[bytes] = []
    won: list[int] = []

    def racer(number: int) -> None:
        start.wait()
        noted.append(journal.put_once("race", b"key", b"%d" % number))
        start.wait()
        try:
            journal.replace("race", b"key", noted[0], b"new %d" % number)
        except StoreError:
            return
        won.append(number)

    threads = [threading.Thread(target=racer, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(noted) == 6
    assert len(set(noted)) == 1
    assert len(won) == 1
    assert journal.get("race", b"key") == b"new %d" % won[0]


WRITER = textwrap.dedent(
    """
    import sys
    from secballot.store.journal import Journal

    journal = Journal.open(sys.argv[1])
    for number in range(100000):
        journal.put_once("count", number.to_bytes(8, "big"), b"value %d" % number)
        print(number, flush=True)
    """
)


def test_a_kill_loses_nothing_noted(journal: Journal, database: str) -> None:
    """Whatever was given back before a kill is there afterwards, and at most one note more."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, database], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    seen = -1
    for line in writer.stdout:
        seen = int(line)
        if seen >= 20:
            break
    writer.kill()
    seen = max([seen, *(int(line) for line in writer.stdout.read().splitlines() if line)])
    writer.stdout.close()
    writer.wait()
    notes = list(journal.items("count"))
    assert len(notes) in {seen + 1, seen + 2}
    assert all(value == b"value %d" % int.from_bytes(key, "big") for key, value in notes)
