"""`secballot audit`: what it prints, what it returns, and what it never does to a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from secballot.audit.checks import CHECKS
from secballot.audit.report import EntryLine, EntryList, Report, Status, Verdict
from secballot.audit.verifier import audit
from secballot.store.source import open_source
from secballot_cli import audit as command
from secballot_cli.main import ExitCode, run
from secballot_cli.render import grouped, plain, report_text
from tests.audit.sources import golden_source, publish
from tests.cli.command_tree import check_documented
from tests.simulator import golden

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the golden sitting as a published folder. Not to be changed."""
    source = golden_source()
    return publish(tmp_path_factory.mktemp("golden"), source.log, source.notes)


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    """Return the report on it."""
    return audit(open_source(folder), anchor=golden().anchor)


def anchor() -> str:
    """Return the golden sitting's id as people write it."""
    return grouped(golden().anchor.hex())


def test_a_sound_record_is_0_and_every_check_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a line for each check, and the verdict is last."""
    assert run(["audit", str(folder), "--sitting", anchor()]) == ExitCode.PASSED
    output = capsys.readouterr().out

    for check in CHECKS:
        assert re.search(rf"^ *{check.id} +(PASS|NOT RUN) +[0-9]+", output, re.MULTILINE), check.id
    assert "The record stands." in output.splitlines()
    assert "The sitting is that of the anchor given." in output
    assert "poll 1: closed and decrypted; the result is posted" in output.lower()
    assert anchor() in output


def test_pipes_get_no_colour_and_no_bar(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not a terminal gets plain text, and nothing on standard error."""
    run(["audit", str(folder)])
    captured = capsys.readouterr()

    assert "\x1b" not in captured.out
    assert captured.err == ""
    assert all(line == line.rstrip() for line in captured.out.splitlines())


def test_the_database_is_checked_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Folder and database give the same report."""
    run(["audit", str(folder), "--json"])
    first = capsys.readouterr().out
    assert run(["audit", str(folder.parent / "board.sqlite"), "--json"]) == ExitCode.PASSED

    second, first = json.loads(capsys.readouterr().out), json.loads(first)
    check_documented(["audit"], first)
    assert first.pop("timings")
    assert second.pop("timings")
    assert first == second
    assert first["verdict"] == "stands"


def test_the_report_is_in_russian(folder: Path, russian: None, capsys: pytest.CaptureFixture[str]) -> None:
    """What an auditor reads of checks, polls, outcomes and verdict; ids, names and PASS are the same everywhere."""
    assert run(["audit", str(folder)]) == ExitCode.PASSED
    report = capsys.readouterr().out
    for words in (
        "Основа доверия: проверено относительно найденного манифеста; идентификатор не указан.",
        "весь бюллетень составил владелец удостоверения",
        "Голосование 1: закрыто и расшифровано; результат опубликован",
        "Журнал прошёл проверку.",
        "  Все нужные проверки пройдены.",
        "  Проверено относительно найденного манифеста; идентификатор не указан.",
        "  Голосование 1: закрыто и расшифровано; результат опубликован; вопрос 1: ",
    ):
        assert words in report
    english = {" the ", " and ", " of ", "record", "checked", "poll", "Poll", "outcome", "entries", "Entries", "stands"}
    assert {word for word in english if word in report.replace("the-record", "")} == set()


def test_another_sitting_is_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The wrong anchor fails the record, by name."""
    assert run(["audit", str(folder), "--sitting", "00" * 32]) == ExitCode.FAILED
    output = capsys.readouterr().out
    assert "SIT-01" in output
    assert "The record fails." in output


@pytest.mark.parametrize("name", ["nothing", "empty", "junk"])
def test_what_is_no_record_is_3(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing path, an empty folder and a file of something else cannot be checked."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "junk").write_bytes(b"junk")

    assert run(["audit", str(tmp_path / name)]) == ExitCode.UNCHECKED
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("sitting", ["", "00", "zz" * 32, "0" * 63, "00" * 33, "\uff10\uff10" * 32])
def test_a_malformed_sitting_is_2(folder: Path, sitting: str) -> None:
    """A mistyped id is wrong usage, never another sitting."""
    assert run(["audit", str(folder), "--sitting", sitting]) == ExitCode.USAGE


def test_a_bug_while_auditing_is_4(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected error is never taken for a verdict."""
    monkeypatch.setattr(command, "audit_log", lambda *_, **__: 1 // 0)

    assert run(["audit", str(folder)]) == ExitCode.BUG
    assert "this is a bug" in capsys.readouterr().err


@pytest.mark.parametrize("closed", [True, False])
def test_the_verdict_survives_a_closed_pipe_and_a_small_alphabet(folder: Path, closed: bool) -> None:
    """Whoever reads only the first line still gets the exit code of the verdict."""
    program = "from secballot_cli.main import cli; cli()"
    arguments = [sys.executable, "-c", program, "audit", str(folder)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    output = b""
    if process.stdout is not None and process.stderr is not None:
        if closed:
            process.stdout.close()
        else:
            output = process.stdout.read()
            process.stdout.close()
        error = process.stderr.read()
        process.stderr.close()

    assert process.wait() == ExitCode.PASSED
    assert error == b""
    assert closed or b"The record stands." in output


@pytest.mark.attack("PA-06")
def test_nothing_from_an_entry_moves_the_cursor(report: Report) -> None:
    """Titles and reasons that hold control characters or markup are printed as harmless text."""
    nasty = "\x1b]0;owned\x07[red]\u202etitle[/red]\r\n"
    line = EntryLine(7, "roll", "no effect", "REG-01", "", nasty)
    assert report.sitting is not None
    spoilt = replace(
        report,
        sitting=replace(report.sitting, title=nasty),
        words=(nasty,),
        without_effect=EntryList((line,) * 30, 40),
        polls=tuple(replace(poll, words=nasty) for poll in report.polls),
    )
    text = report_text(spoilt)

    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert "[red]" in text
    assert "and 20 more entries" in text


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_words_say_what_the_colours_say(report: Report, verdict: Verdict) -> None:
    """Without colour the verdict is read, not guessed."""
    assert f"The record {verdict}." in report_text(replace(report, verdict=verdict)).splitlines()


def test_failures_and_missing_checks_are_told_apart(report: Report) -> None:
    """A check that is due and did not run is marked, unlike one that has no occasion."""
    checks = tuple(
        replace(line, status=Status.NOT_RUN, expected=False) if line.id == "BAL-12" else line for line in report.checks
    )
    text = " ".join(report_text(replace(report, checks=checks)).split())

    assert re.search(r"BAL-12 NOT RUN 9 #admission [a-z ]+ \(due, and missing\)", text)
    assert re.search(r"POL-07 NOT RUN 0 #objection [a-z' ]+ \(due once it occurs\)", text)


def test_helpers_of_the_report() -> None:
    """Digits stand in groups of four, and only what prints is printed."""
    assert grouped("0123456789ab") == "0123 4567 89ab"
    assert plain("a\tb\u200bc") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


def test_what_was_verified_is_kept_and_a_spoilt_file_is_refused(folder: Path, tmp_path: Path) -> None:
    """The second audit begins from the file; with one byte changed nothing is begun at all."""
    kept = tmp_path / "state" / "golden"
    arguments = ["audit", str(folder), "--sitting", anchor(), "--verified", str(kept)]
    assert run(arguments) == ExitCode.PASSED
    assert run(arguments) == ExitCode.PASSED
    data = kept.read_bytes()
    kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert run(arguments) == ExitCode.UNCHECKED
    assert run(["audit", str(folder), "--verified", str(kept)]) == ExitCode.UNCHECKED


@pytest.mark.parametrize("option", ["--workers", "--threads"])
def test_others_may_do_the_work(option: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report is printed as ever."""
    assert run(["audit", str(folder), "--sitting", anchor(), option, "2"]) == ExitCode.PASSED
    assert "The record stands." in capsys.readouterr().out.splitlines()


def test_only_one_kind_of_workers_is_asked_for(folder: Path) -> None:
    """More is wrong usage, and so are none."""
    assert run(["audit", str(folder), "--workers", "2", "--threads", "2"]) == ExitCode.USAGE
    assert run(["audit", str(folder), "--workers", "0"]) == ExitCode.USAGE


def test_a_cluster_that_is_not_there_is_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of the record."""
    assert run(["audit", str(folder), "--dask", "tcp://127.0.0.1:1"]) == ExitCode.UNCHECKED
    assert "Dask" in capsys.readouterr().err
