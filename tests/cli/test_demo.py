"""`secballot demo`: the counts are those of the choices cast, nothing secret is left, and a difference is noticed."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs
from rich.console import Console

from secballot.audit.report import Verdict
from secballot.audit.verifier import audit
from secballot.errors import RefusalError, VerificationError
from secballot.roles.receipt import RECEIPT
from secballot.store.source import open_source
from secballot_cli.demo import perform
from secballot_cli.demo_input import PlannedPoll, Scenario, Voter
from secballot_cli.demo_output import Performance, StepDisplay, performance_json, performance_text, showing_steps
from secballot_cli.demo_preflib import approval_scenario, parse_preflib
from secballot_cli.demo_run import DemoSitting, RegistrarKeys, check_receipts, throw_dice
from secballot_cli.main import ExitCode, run
from tests.cli.command_tree import check_documented

if TYPE_CHECKING:
    from pathlib import Path

SMALL = b"""\
# DATA TYPE: cat
# NUMBER ALTERNATIVES: 2
# NUMBER VOTERS: 4
# NUMBER UNIQUE PREFERENCES: 3
# NUMBER CATEGORIES: 2
# ALTERNATIVE NAME 1: Ada
# ALTERNATIVE NAME 2: Ben
2: 1,2
1: {1,2},{}
1: {},{1,2}
"""


class Steps:
    """Remembers what it is told."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.texts: list[str] = []
        self.last = (0, 0)

    def step(self, text: str) -> None:
        """Remember a step."""
        self.texts.append(text)

    def advance(self, done: int, total: int) -> None:
        """Remember how far it is."""
        self.last = done, total


def small_scenario() -> Scenario:
    """Return four ballots, of which one replaces another and one comes after an opened one."""
    scenario = approval_scenario(parse_preflib(SMALL))
    (poll,) = scenario.polls
    first, second, *rest = poll.voters
    voters = (replace(first, replaced=((0, 1),)), replace(second, opens=True), *rest)
    plan = replace(scenario.plan, registrars=1, commission=1)
    return replace(scenario, plan=plan, absent_trustees=frozenset({5}), polls=(replace(poll, voters=voters),))


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that stands for the system's temporary one."""
    return tmp_path_factory.mktemp("private")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, private: Path) -> Performance:
    """Return what came of the small scenario. Not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(private))
        return perform(small_scenario(), tmp_path_factory.mktemp("out"), Steps())


def test_the_first_congress_is_counted_as_it_was_cast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole demonstration, as the command runs it, without a terminal."""
    out = tmp_path / "congress"
    code = run(["demo", "--out", str(out), "--json"])
    printed = capsys.readouterr()
    said: dict[str, Any] = json.loads(printed.out)

    assert code == ExitCode.PASSED, printed.err
    check_documented(["demo"], said)
    assert (said["counts_match"], said["verdict"]) == (True, "stands")
    outcomes = [[contest["outcome"] for contest in poll["contests"]] for poll in said["polls"]]
    assert outcomes == [["adopted"], ["adopted", "adopted", "adopted", "adopted", "rejected"], ["elected"]]
    options = [option for poll in said["polls"] for contest in poll["contests"] for option in contest["options"]]
    assert all(option["counted"] == option["cast_weighted"] for option in options)
    assert any(option["cast"] != option["cast_weighted"] for option in options)
    assert sum(option["standing"] == "elected" for option in options) == 11
    assert sorted(path.name for path in out.iterdir()) == [
        "audit.json",
        "audit.txt",
        "board",
        "board.zip",
        "pages",
        "receipts",
        "sitting_id.txt",
    ]
    assert len(list((out / "receipts").iterdir())) == said["receipts"] == 72 + 71 + 73
    assert "key ceremony" in printed.err
    assert "\x1b" not in (out / "audit.txt").read_text(encoding="utf-8") + printed.err


def test_what_lies_in_the_folder_is_enough_for_an_audit(small: Performance) -> None:
    """The board, the anchor and the report that were written agree with each other."""
    anchor = bytes.fromhex((small.out / "sitting_id.txt").read_text(encoding="ascii"))
    report = audit(open_source(small.out / "board"), anchor=anchor)

    assert report.verdict is Verdict.STANDS
    assert report.to_json() == (small.out / "audit.json").read_bytes()
    assert "The record stands." in (small.out / "audit.txt").read_text(encoding="utf-8")
    assert small.good


def test_the_archive_holds_the_same_and_pages_are_those_that_were_signed(small: Performance) -> None:
    """The zip gives the report of the folder, and the record names the hash of every page."""
    report = audit(open_source(small.out / "board.zip"), anchor=small.sitting_id)
    pages = [(small.out / "pages" / f"poll-{poll.number}.html").read_bytes() for poll in report.polls]

    assert report.to_json() == (small.out / "audit.json").read_bytes()
    assert [poll.page for poll in report.polls] == [hashlib.sha256(page).hexdigest() for page in pages]


def test_no_secret_is_left_anywhere(small: Performance, private: Path) -> None:
    """Databases and journals are gone; published are tiles, checkpoints, receipts and the report."""
    assert list(private.iterdir()) == []
    names = {path.name for path in small.out.iterdir()}
    assert names == {"audit.json", "audit.txt", "board", "board.zip", "pages", "receipts", "sitting_id.txt"}
    assert {path.name for path in (small.out / "board").iterdir()} == {"checkpoint", "checkpoint-by-size", "tile"}
    for path in (small.out / "receipts").iterdir():
        receipt = RECEIPT.decode(path.read_bytes())
        assert path.name == f"delegate-{int(path.name[9:12]):03}-poll-{receipt.poll}.json"


def test_a_receipt_is_checked_with_its_own_tag(small: Performance) -> None:
    """Swapped tags are refused, so the check of receipts can fail."""
    first, second = small.receipts[:2]
    swapped = [replace(first, tag=second.tag)]

    check_receipts(small.out / "board", small.sitting_id, small.receipts)
    with pytest.raises(RefusalError, match="tag"):
        check_receipts(small.out / "board", small.sitting_id, swapped)


def test_a_count_that_differs_is_shown_and_fails(small: Performance) -> None:
    """Had the delegates cast something else, the outcome would say so."""
    (poll,) = small.scenario.polls
    first, *rest = poll.voters
    others = (replace(first, choices=((0, 0),)), *rest)
    forged = replace(small, scenario=replace(small.scenario, polls=(replace(poll, voters=others),)))

    assert (small.counts_match, forged.counts_match, forged.good) == (True, False, False)
    assert "DIFFERENT" in performance_text(forged)
    assert "ARE NOT those of the choices cast" in performance_text(forged)
    assert "DIFFERENT" not in performance_text(small)


def test_a_record_that_fails_is_no_success(small: Performance) -> None:
    """Equal counts do not outweigh the audit."""
    failed = replace(small, report=structs.replace(small.report, verdict=Verdict.FAILS))

    assert failed.counts_match
    assert not failed.good
    assert performance_json(failed)["verdict"] == "fails"


def test_a_device_that_lies_is_caught_when_it_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cast or open: a device that seals something else than was entered is found out by the second device."""
    scenario = small_scenario()
    (poll,) = scenario.polls
    opener = (replace(poll.voters[1], replaced=None),)
    scenario = replace(scenario, polls=(replace(poll, voters=opener),))
    with RegistrarKeys(1) as keys:
        sitting = DemoSitting(scenario, tmp_path, Steps(), keys)
        honest = DemoSitting._play_poll

        def with_a_liar(self: DemoSitting, number: int, poll: PlannedPoll) -> None:
            delegate = self.rehearsal.delegates[poll.voters[0].delegate - 1]
            seal = delegate.seal
            monkeypatch.setattr(delegate, "seal", lambda number, _, tag: seal(number, ((0, 0),), tag))
            honest(self, number, poll)

        monkeypatch.setattr(DemoSitting, "_play_poll", with_a_liar)
        with pytest.raises(VerificationError, match="something else than the delegate entered"):
            sitting.play()


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody's files are mixed with a demonstration's."""
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")

    assert run(["demo", "--out", str(tmp_path)]) == ExitCode.USAGE
    assert "is not empty" in capsys.readouterr().err
    assert run(["demo", "--out", str(tmp_path / "letter.txt")]) == ExitCode.USAGE


def test_a_file_that_is_no_preflib_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line at fault is named, and nothing is run."""
    ballots = tmp_path / "ballots.cat"
    ballots.write_bytes(SMALL.replace(b"2: 1,2", b"2: 1,3"))

    assert run(["demo", "--ballots", str(ballots), "--out", str(tmp_path / "out")]) == ExitCode.USAGE
    assert "line 8" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ballots_of_a_file_are_voted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The totals are the file's, printed as a table, with the engine and the place of everything."""
    ballots = tmp_path / "ballots.cat"
    ballots.write_bytes(SMALL)
    out = tmp_path / "out"

    assert run(["demo", "--ballots", str(ballots), "--out", str(out)]) == ExitCode.PASSED
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["Ada", "3", "3", "3", "elected"] in rows
    assert ["Ben", "1", "1", "1"] in rows
    assert "engine: " in printed
    assert str(out) in printed


def test_delegates_of_classes_answer_what_is_open_to_them() -> None:
    """What is cast is counted with the weight of the delegate's class, and no delegate is beyond the last."""
    scenario = small_scenario()

    assert [scenario.class_of(number) for number in (1, 4)] == [1, 1]
    assert Voter(1, ((1,),)).replaced is None


def test_tags_are_ten_throws_of_a_die() -> None:
    """The demonstration throws for its delegates, each time anew."""
    tags = {throw_dice() for _ in range(100)}

    assert len(tags) == 100
    assert all(len(tag) == 10 and set(tag) <= set("123456") for tag in tags)


def test_steps_are_lines_in_a_pipe_and_bars_on_a_terminal() -> None:
    """A pipe gets one line a step and no control characters; a terminal is drawn upon."""
    pipe, terminal = io.StringIO(), io.StringIO()
    display = StepDisplay(Console(file=pipe, force_terminal=False), None)
    display.step("key ceremony")
    display.advance(1, 2)
    with showing_steps(Console(file=terminal, force_terminal=True, width=80)) as moving:
        moving.step("key ceremony")
        moving.advance(1, 2)
        moving.step("poll 1: ballots")

    assert pipe.getvalue().endswith("s  key ceremony\n")
    assert "\x1b" not in pipe.getvalue()
    assert "poll 1: ballots" in terminal.getvalue()
    assert "\x1b" in terminal.getvalue()
