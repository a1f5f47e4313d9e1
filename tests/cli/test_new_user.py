"""What a new user does wrong, or in the own language, and what the program says to that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click.termui
import pytest

from secballot_cli.answering import agreed
from secballot_cli.main import ExitCode, run
from secballot_cli.messages import forget_language
from secballot_cli.plain import period
from secballot_cli.telling import moment
from tests.cli.officials import Officials
from tests.forked import closed_poll, fork
from tests.simulator import resolution

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def officials(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Officials:
    """Return officials of a sitting in which a poll of half an hour has just been opened."""
    made = Officials(fork(), tmp_path, capsys)
    made.connect(monkeypatch)
    made.simulator.rehearsal.now = int(time.time())
    made.simulator.rehearsal.open_poll(1, [resolution()], 1_800)
    made.simulator.rehearsal.witness()
    return made


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["y"], True),
        (["YES"], True),
        ([" n "], False),
        (["no"], False),
        ([""], None),
        (["perhaps", "ye", "y"], True),
        (["д"], True),
        (["Да"], True),
        (["н"], False),
        (["нет"], False),
    ],
)
def test_yes_is_said_in_any_language_spoken_here(
    typed: list[str],
    expected: bool | None,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """English everywhere, Russian to Russians; what is neither is asked again, and nothing is the default."""
    monkeypatch.setenv("LANGUAGE", language)
    forget_language()
    russian = typed[0].strip().lower()[:1] in {"д", "н"}
    for default in (True, False):
        # Whoever answers in Russian where only English is understood is asked until they answer in English.
        answers = iter([*typed, "no"])
        asked: list[str] = []

        def answer(prompt: str) -> str:
            asked.append(prompt)  # noqa: B023  # called before the next turn
            return next(answers)  # noqa: B023

        monkeypatch.setattr(click.termui, "visible_prompt_func", answer)
        found = agreed("Sure?", default=default)
        if russian and language == "en":
            assert (found, len(asked)) == (False, 2)
        else:
            assert found is (default if expected is None else expected)
            assert len(asked) == len(typed)
    shown = capsys.readouterr().err + "".join(asked)
    assert ("[y/N]" in shown) == (language == "en")
    assert ("[\N{CYRILLIC SMALL LETTER DE}/\N{CYRILLIC CAPITAL LETTER EN}]" in shown) == (language == "ru")


def test_who_closes_too_early_is_told_when(officials: Officials, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of the end; then that the witnesses have to sign first; the same for a lapse."""
    poll = officials.simulator.board.record.state.polls[1]
    words = f"poll 1 is open until {moment(poll.closes_at)}"
    assert words in officials.error("officer", "close", "1")
    assert words in officials.error("trustee", "close", "1")
    grace = poll.closes_at + officials.simulator.board.manifest.grace
    words = f"poll 1 can be closed until {moment(grace)}, and does not lapse before"
    assert words in officials.error("officer", "lapse", "1", "--yes")
    assert words in officials.error("trustee", "lapse", "1", "--yes")
    for command, now in (("close", poll.closes_at), ("lapse", grace + 1)):
        monkeypatch.setattr(time, "time", lambda now=now: float(now))
        arguments = ("officer", command, "1", *(("--yes",) if command == "lapse" else ()))
        assert "the witnesses have not signed the log since" in officials.error(*arguments)


def test_who_decrypts_too_early_is_told_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time that people can read, and that the refusal is right."""
    made = Officials(fork(closed_poll()), tmp_path, capsys)
    made.connect(monkeypatch)
    rehearsal = made.simulator.rehearsal
    monkeypatch.setattr(time, "time", lambda: float(rehearsal.now + 1))
    said = made.error("trustee", "decrypt", "1", "--yes")
    end = rehearsal.now + made.simulator.plan.objection_period
    assert moment(end) in said
    assert str(end) not in said
    assert "This refusal is right." in said


def test_the_wrong_file_is_named(officials: Officials, tmp_path: Path) -> None:
    """What it should have been is said, whatever it is; nothing is written over a file, and that is said, too."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"a":1}')
    anchor = ["--sitting", officials.simulator.board.anchor.hex()]
    where = [*anchor, "--board", "http://board.invalid"]
    for arguments, what in (
        (["delegate", "check-opened", str(wrong), "DA3XY-5170Q-HAXJ9-HG36K-4RFST", *where], "an opened ballot"),
        (["delegate", "submit", str(wrong), *where], "a ballot that was cast"),
        (["evidence", "check", str(wrong), *anchor], "evidence"),
        (["evidence", "promise", str(wrong), "out", *where], "a promise"),
        (["receipt", "check", str(wrong), *where], "a receipt"),
        (["dropbox", "create", str(tmp_path / "box"), str(wrong)], "a manifest"),
        (["officer", "found", str(wrong), *officials.common("officer")], "a manifest"),
    ):
        officials.capsys.readouterr()
        assert run(arguments) == ExitCode.FAILED, arguments
        assert f"{wrong} is something else than {what} (" in officials.capsys.readouterr().err
    assert not (tmp_path / "box").exists()
    new = ["officer", "new", "--cards", str(tmp_path / "cards"), "--template", str(wrong)]
    (tmp_path / "cards").mkdir()
    assert run(new) != ExitCode.PASSED
    assert wrong.read_text() == '{"a":1}'


def test_periods_are_said_as_people_say_them() -> None:
    """One day is no days."""
    assert [period(seconds) for seconds in (86_400, 172_800, 3_600, 5_400, 60, 61, 1, 0)] == [
        *("1 day", "2 days", "1 hour", "90 minutes", "1 minute", "61 seconds", "1 second", "0 seconds"),
    ]
