"""The benchmarks run, and measure what they say: records made for them are real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import STEPS, main
from benchmarks.bad_ballots import WAYS, bad_entries
from benchmarks.clock import Haste
from benchmarks.limits import Sample
from benchmarks.load import measure
from benchmarks.record.generate import Record, record_of
from benchmarks.record.opened import opened_board
from benchmarks.record.plan import RecordPlan
from benchmarks.table import Row, Table, put_into, to_json
from secballot.audit.report import Verdict
from secballot.audit.verifier import audit
from secballot.errors import SecballotError
from secballot.roles.board import BoardOperator
from secballot.roles.remote import open_source

PLAN = RecordPlan(10, most_credentials=4)
"""Four credentials: two vote three times, two twice."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that keeps what is made."""
    return tmp_path_factory.mktemp("benchmarks")


@pytest.fixture(scope="module")
def record(cache: Path) -> Record:
    """Return a small record with revotes."""
    return record_of(PLAN, cache, workers=1)


def test_records_stand(record: Record) -> None:
    """The record passes the audit, every ballot is accepted, and the newest of each credential counts."""
    report = audit(open_source(record.folder), anchor=record.anchor)

    assert report.verdict is Verdict.STANDS
    (poll,) = report.polls
    (contest,) = poll.contests
    assert sum(option.count or 0 for option in contest.options) == PLAN.credentials == 4
    assert report.log.size == record.size


def test_records_are_made_once_and_always_the_same(record: Record, tmp_path: Path) -> None:
    """The cache gives the record back, and another maker gives the same bytes."""
    assert record_of(PLAN, record.folder.parents[1]) == record
    again = record_of(PLAN, tmp_path, workers=2)

    assert again.anchor == record.anchor
    assert [*open_source(again.folder).entries(0, again.size)] == [*open_source(record.folder).entries(0, record.size)]
    assert record_of(RecordPlan(10, "another seed", most_credentials=4), tmp_path, workers=2).anchor != record.anchor


def test_limits_are_of_the_records_own_arithmetic(record: Record) -> None:
    """All ballots and delegates are in the sample, their equations hold, and everything takes time."""
    sample = Sample(open_source(record.folder).entries(0, record.size), record.anchor, 100)

    assert (len(sample.bodies), sample.delegates) == (10, 4)
    limit = sample.ballot_limit()
    assert 0 < limit.proofs < limit.whole
    assert sample.delegate_limit() > 0


def test_bad_submissions_fail_the_check_that_they_are_named_for(cache: Path, tmp_path: Path) -> None:
    """Each is refused, by its own check, and no good ballot is."""
    opened = opened_board(RecordPlan(4), cache, workers=1)
    (tmp_path / "board.db").write_bytes(opened.database.read_bytes())
    keys = opened.plan.keys
    operator = BoardOperator.open(
        tmp_path / "board.db", opened.anchor, log_key=keys.log[0], promise_key=keys.promise[0]
    )
    bad = bad_entries(opened.ballots(), 2 * len(WAYS))
    answers = operator.submit(bad, now=1_800_000_000)

    assert len(set(bad)) == len(bad)
    refused = [answer.check for answer in answers if isinstance(answer, SecballotError)]
    assert refused == [*WAYS, *WAYS]
    good = operator.submit(opened.ballots(), now=1_800_000_000)
    assert not any(isinstance(answer, SecballotError) for answer in good)
    operator.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux shows it")
def test_a_board_under_load_is_measured(cache: Path) -> None:
    """A real server admits the good ones, refuses the bad ones, and decodes no proof for these."""
    table = measure(cache, ballots=8, seconds=0.1)

    found = {row.what: row.value for row in table.rows}
    assert found["ballots admitted durably"] > 0
    assert found["bad ones admitted"] == found["proofs decoded for bad ones"] == 0


def test_every_step_runs(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table has figures, for people and as JSON."""
    monkeypatch.setattr(Haste, "in_haste", True)
    arguments = ["steps", "--quick", "--cache", str(cache), "--json", str(tmp_path / "figures.json")]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)

    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert len(found["tables"]) == len(STEPS)
    assert all(row["value"] > 0 for table in found["tables"] for row in table["rows"])
    assert found["machine"]["engine"] in {"native", "libsodium"}


def test_audits_are_measured(cache: Path) -> None:
    """An audit has a table, with its limits."""
    done = CliRunner().invoke(main, ["audit", "--ballots", "8", "--cache", str(cache)], catch_exceptions=False)

    assert done.exit_code == 0, done.output
    assert "ballots, opening to result" in done.output


def test_a_row_states_its_ratio() -> None:
    """The ratio is to the limit of the same row, and there is none without one."""
    table = Table("A table", [Row("slow", 3.0, "s", 2.0), Row("free", 1.0, "s")])

    assert [row.ratio for row in table.rows] == [1.5, None]
    assert "1.50" in table.text()
    assert json.loads(to_json([table]))["tables"][0]["rows"][0]["ratio"] == 1.5


def test_tables_go_into_a_document(tmp_path: Path) -> None:
    """What stood in the section is replaced, the rest stays; a document without the section is left alone."""
    document = tmp_path / "figures.md"
    document.write_text("# Figures\n<!-- begin one -->\nold\n<!-- end one -->\nrest\n", encoding="utf-8")
    for _ in range(2):
        put_into(document, "one", [Table("A table", [Row("slow", 3.0, "s", 2.0)])])

    text = document.read_text(encoding="utf-8")
    assert text.startswith("# Figures\n<!-- begin one -->\n")
    assert text.endswith("<!-- end one -->\nrest\n")
    assert text.count("| slow | 3 s | 2 | 1.50 |") == 1
    assert "old" not in text
    with pytest.raises(ValueError, match="no section two"):
        put_into(document, "two", [])


def test_plans_below_the_floor_are_refused() -> None:
    """A record that would stay closed measures nothing."""
    with pytest.raises(ValueError, match="at least 4"):
        RecordPlan(3)
