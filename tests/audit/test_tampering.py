"""A published folder or a database that somebody tampered with: a verdict is given, and what was touched is named."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secballot.audit.report import Report, Verdict
from secballot.audit.verifier import audit
from secballot.board.tile import bundles_of
from secballot.errors import StoreError
from secballot.store.source import open_source
from tests.audit.sources import golden_source, publish
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the golden sitting as a folder; the database it came from lies beside it. Not to be changed."""
    source = golden_source()
    return publish(tmp_path_factory.mktemp("golden"), source.log, source.notes)


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder that may be changed."""
    return Path(shutil.copytree(published, tmp_path / "pub"))


@pytest.fixture
def database(published: Path, tmp_path: Path) -> Path:
    """Return a copy of the database that may be changed."""
    return Path(shutil.copy(published.parent / "board.sqlite", tmp_path / "board.sqlite"))


def judged(path: Path) -> Report:
    """Return the report under the golden sitting's anchor."""
    return audit(open_source(path), anchor=golden().anchor)


def listed(report: Report) -> int:
    """Return how many notes, lines and files the report ignores by name."""
    return report.log.ignored_note_total + len(report.log.ignored_lines) + len(report.log.ignored_files)


def bundles(folder: Path) -> list[Path]:
    """Return the files of the entries below the newest checkpoint; those of older ones are beside them."""
    return [folder / bundle.path for bundle in bundles_of(len(golden().entries))]


def test_folder_and_database_give_one_report(published: Path) -> None:
    """Both are the same log, and nothing in them is ignored."""
    report = judged(published)

    assert report.verdict is Verdict.STANDS
    assert listed(report) == 0
    assert report == judged(published.parent / "board.sqlite")
    assert report == audit(golden_source(), anchor=golden().anchor)


@pytest.mark.attack("LG-06")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_anywhere_is_noticed(published: Path, tmp_path: Path, data: st.DataObject) -> None:
    """In an entry it costs the verdict; anywhere else it is listed, and nothing else changes."""
    folder = tmp_path / "pub"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(published, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))

    report = judged(folder)
    if path in bundles(folder):
        assert report.verdict is not Verdict.STANDS
    else:
        assert report.verdict is Verdict.STANDS
        assert report.polls == judged(published).polls
        assert listed(report) > 0


@pytest.mark.parametrize(
    "change", [lambda b: b"1\n" + b, lambda b: b[2:], lambda b: b"0" + b, lambda b: b[:-1], lambda _: b""]
)
def test_a_list_of_other_sizes_is_named(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Readers of a folder need no list, but those by URL would miss checkpoints, or look for some in vain."""
    path = folder / "checkpoint-by-size/list"
    path.write_bytes(change(path.read_bytes()))
    report = judged(folder)

    assert report.verdict is Verdict.STANDS
    assert [line.partition(":")[0] for line in report.log.ignored_files] == ["checkpoint-by-size/list"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_content_of_any_file_gives_a_report(published: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Whatever stands in a file, the audit ends with a verdict, and never with a better one than it deserves."""
    folder = tmp_path / "pub"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(published, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from([folder / "checkpoint", *bundles(folder), *files]))
    before = path.read_bytes()
    path.write_bytes(data.draw(st.one_of(st.binary(max_size=64), st.just(before[:-1]), st.just(before + before))))

    report = judged(folder)
    assert report.verdict is not Verdict.STANDS or report.polls == judged(published).polls


def test_a_missing_bundle_is_named(folder: Path) -> None:
    """Something that the checkpoint commits to cannot be read."""
    for path in bundles(folder):
        path.unlink()

    assert judged(folder).verdict is Verdict.UNCHECKED


def test_a_missing_checkpoint_is_replaced_by_the_kept_ones(folder: Path) -> None:
    """The newest of those kept by size says what the record is, and the missing file is named."""
    (folder / "checkpoint").unlink()
    report = judged(folder)

    assert report.verdict is Verdict.STANDS
    assert report.log.ignored_files == ("checkpoint: checkpoint is missing",)


def test_a_file_in_place_of_a_folder_and_the_reverse(folder: Path) -> None:
    """Paths of the wrong sort are unreadable, and that is all they are."""
    shutil.rmtree(folder / "checkpoint-by-size")
    (folder / "checkpoint-by-size").write_bytes(b"")
    shutil.rmtree(folder / "tile/0")
    (folder / "checkpoint").rename(folder / "kept")
    (folder / "checkpoint").mkdir()

    assert judged(folder).verdict is Verdict.UNCHECKED


def test_a_surplus_bundle_is_not_read(folder: Path) -> None:
    """A wider bundle that somebody put beside the right one does not get in its way."""
    (exact,) = bundles(folder)
    (exact.parent / "255").write_bytes(b"junk")
    report = judged(folder)

    assert report.verdict is Verdict.STANDS
    assert report.log.above == 255 - len(golden().entries)


@pytest.mark.parametrize("content", [b"", b"junk", b"SQLite format 3\x00", b"SQLite format 3\x00" + bytes(4_096)])
def test_a_file_that_is_no_board_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """Reading is all that an audit does."""
    path = tmp_path / "board.sqlite"
    path.write_bytes(content)

    with pytest.raises(StoreError):
        judged(path)
    assert path.read_bytes() == content


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Neither a folder nor a file."""
    with pytest.raises(StoreError, match="no such file"):
        open_source(tmp_path / "nothing")
    with pytest.raises(StoreError):
        open_source("with\0nul")


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("UPDATE entries SET data = x'00' WHERE \"index\" = 7", Verdict.FAILS),
        ('UPDATE entries SET leaf_hash = zeroblob(32) WHERE "index" = 7', Verdict.STANDS),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 3", Verdict.STANDS),
        ("DELETE FROM nodes WHERE level = 1", Verdict.STANDS),
        ("UPDATE checkpoints SET note = x'00' WHERE size < 20", Verdict.STANDS),
        ("DELETE FROM checkpoints", Verdict.UNCHECKED),
        ('DELETE FROM entries WHERE "index" = 7', Verdict.UNCHECKED),
    ],
)
def test_a_changed_database_is_told_apart(database: Path, statement: str, verdict: Verdict) -> None:
    """Entries decide; stored hashes and notes are named where they are wrong."""
    with sqlite3.connect(database) as connection:
        connection.execute(statement)
    connection.close()
    report = judged(database)

    assert report.verdict is verdict
    if verdict is Verdict.STANDS:
        assert listed(report) > 0


@pytest.mark.parametrize("value", ["'text'", "7", "NULL"])
def test_values_of_other_types_cannot_be_read(database: Path, value: str) -> None:
    """Tables without SQLite's strict types may hold anything."""
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE copied AS SELECT * FROM entries")
        connection.execute("DROP TABLE entries")
        connection.execute("ALTER TABLE copied RENAME TO entries")
        connection.execute(f'UPDATE entries SET data = {value} WHERE "index" = 9')  # noqa: S608  # literals from above
    connection.close()

    assert judged(database).verdict is Verdict.UNCHECKED


def test_lost_entries_are_noticed_at_once(database: Path) -> None:
    """A database that has fewer entries than it says is refused when it is opened."""
    with sqlite3.connect(database) as connection:
        connection.execute('DELETE FROM entries WHERE "index" > 7')
    connection.close()

    with pytest.raises(StoreError, match="lost entries"):
        judged(database)
