"""The delegate's tool at a terminal: what is asked, what is shown once, interrupted prompts, and power cuts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from secballot_cli.main import ExitCode
from tests.cli.delegate_stage import Device
from tests.live_board import LiveBoard
from tests.stages import convened
from tests.terminal import Terminal
from tests.wallets import LABEL, OTHER_TAG, PASSPHRASE, TAG, phrases

if TYPE_CHECKING:
    from pathlib import Path

CLEAR = "\x1b[2J\x1b[3J\x1b[H"
CTRL_C, CTRL_D = b"\x03", b"\x04"


def _run(device: Device, *arguments: str, language: str = "C.UTF-8") -> Terminal:
    where = ("--home", str(device.folder / "home"))
    return Terminal("delegate", *arguments, *where, folder=device.folder, language=language)


def _shown_words(text: str) -> list[str]:
    found = {int(number): word for number, word in re.findall(r"(\d+)\. ([a-z]+)", text)}
    return [found[number] for number in range(1, 25)]


def test_the_phrase_is_shown_once_and_typed_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong word shows it again; afterwards the screen is cleared, and the phrase restores the same wallet."""
    device = Device(tmp_path / "device", LiveBoard(convened()), capsys)
    with _run(device, "new", "--name", "Anna", "--small-device") as terminal:
        terminal.answer("label from the commission's letter", "spring sitting")
        terminal.answer("Passphrase", "first try")
        terminal.answer("once more", "another one")
        terminal.answer("Passphrase", PASSPHRASE)
        terminal.answer("once more", PASSPHRASE)
        words = _shown_words(terminal.answer("Press Enter", ""))
        terminal.wait_for(CLEAR)
        terminal.answer("From your paper, word ", "nonsense")
        assert _shown_words(terminal.answer("Press Enter", "")) == words
        terminal.wait_for(CLEAR)
        for _ in range(4):
            terminal.wait_for("From your paper, word ")
            number = int(terminal.wait_for(":"))
            terminal.type(words[number - 1].upper())
        assert terminal.code() == ExitCode.PASSED
    assert PASSPHRASE not in terminal.shown
    key = device.facts("enrol", "--name", "Anna")["key"]
    other = ("--wallet", str(tmp_path / "other"))
    with _run(device, "restore", "--label", "spring sitting", "--small-device", *other) as terminal:
        terminal.answer("Word 1:", " ".join(words[:5]) + " xyzzy")
        terminal.wait_for("No word of the list")
        terminal.answer("Word 1:", " ".join(word[:4] if len(word) > 4 else word for word in words[:23]))
        terminal.answer("Word 24:", words[23])
        terminal.wait_for(CLEAR)
        terminal.answer("Passphrase", PASSPHRASE)
        terminal.answer("once more", PASSPHRASE)
        assert terminal.code() == ExitCode.PASSED
    assert device.facts("enrol", "--name", "Anna", *other)["key"] == key


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_an_interrupted_beginning_leaves_nothing(
    key: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a wallet nor words on the screen."""
    device = Device(tmp_path / "device", LiveBoard(convened()), capsys)
    with _run(device, "new", "--name", "Anna", "--label", "spring", "--small-device") as terminal:
        terminal.answer("Passphrase", PASSPHRASE)
        terminal.answer("once more", PASSPHRASE)
        terminal.wait_for("Press Enter")
        terminal.press(key)
        assert terminal.code() == ExitCode.INTERRUPTED
    assert CLEAR in terminal.shown
    assert "Traceback" not in terminal.shown
    assert not device.wallet.exists()


def _vote(terminal: Terminal, first: str, second: str, tag: str) -> str:
    """Answer both questions and the tag, and return the tracker that is shown."""
    terminal.answer("Passphrase", PASSPHRASE)
    terminal.answer("Your choice", first)
    terminal.answer("Your choice", second)
    terminal.answer("[y/N]", "y")
    terminal.answer("Ten digits:", tag)
    terminal.wait_for("note it down")
    found = re.search(r"([0-9A-Z]{5}-){4}[0-9A-Z]{5}", terminal.wait_for("cast, open or later:"))
    assert found is not None
    return found[0]


def test_a_vote_at_the_terminal(device: Device, board: LiveBoard) -> None:
    """Limits are told at once, choices shown back, the tag never made up; open one, cast the next."""
    with _run(device, "vote") as terminal:
        terminal.answer("Passphrase", PASSPHRASE)
        assert "Shall it be adopted?" in terminal.answer("Your choice", "7")
        assert "not understood" in terminal.answer("Your choice", "1 2")
        assert "more, or less" in terminal.answer("Your choice", "2")
        assert "Against" not in terminal.answer("Your choice", "none")
        assert "-> Against" in terminal.answer("[y/N]", "n")
        assert terminal.code() == ExitCode.REFUSED
    with _run(device, "vote") as terminal:
        opened = _vote(terminal, "1", "1 3", TAG)
        terminal.type("open")
        assert "-> For" in terminal.wait_for("can never be cast")
        assert terminal.code() == ExitCode.PASSED
    assert not board.simulator.board.record.state.polls[1].heads
    with _run(device, "vote") as terminal:
        cast = _vote(terminal, "1", "1 3", TAG)
        terminal.type("cast")
        assert terminal.code() == ExitCode.PASSED
    assert opened != cast
    assert cast in terminal.shown
    (ballot,) = device.facts("check", cast, "--tag", TAG)["ballots"]
    assert ballot["number"] == 1
    with _run(device, "check") as terminal:
        terminal.answer("Passphrase", PASSPHRASE)
        terminal.answer("ten digits", OTHER_TAG)
        assert terminal.code() == ExitCode.REFUSED
    assert TAG not in terminal.shown


def test_interrupted_before_the_decision(device: Device, board: LiveBoard) -> None:
    """The ballot stays sealed; another process casts it under the tracker that was shown."""
    with _run(device, "vote", "1") as terminal:
        tracker = _vote(terminal, "3", "none", TAG)
        terminal.press(CTRL_C)
        assert terminal.code() == ExitCode.INTERRUPTED
    assert "cast it or open it" in _status(device)
    assert device.facts("cast")["short"] == tracker


def test_a_power_cut_while_it_is_sent(device: Device, board: LiveBoard) -> None:
    """Cast, sent, promised, killed: the same bytes go on, and there is nothing left to open."""
    board.witnessing = False
    with _run(device, "vote", "1") as terminal:
        tracker = _vote(terminal, "3", "none", TAG)
        terminal.type("cast")
        terminal.wait_for("waiting for the witnesses")
        while not board.posted:
            pass
        terminal.kill()
    assert device.code("open", "--out", str(device.folder / "opened")) == ExitCode.REFUSED
    board.simulator.rehearsal.witness()
    assert [receipt["short"] for receipt in device.facts("submit")["receipts"]] == [tracker]
    assert len(set(board.posted)) == 1


def test_in_russian(device: Device) -> None:
    """The same questions; what programs read stays as it is."""
    with _run(device, "vote", "1", language="ru") as terminal:
        terminal.answer("Пароль", PASSPHRASE)
        terminal.answer("Ваш выбор", "9")
        terminal.wait_for("Непонятный ответ")
        terminal.press(CTRL_D)
        assert terminal.code() == ExitCode.INTERRUPTED
    assert LABEL not in terminal.shown
    assert phrases()[0] not in terminal.shown


def _status(device: Device) -> str:
    assert device.code("status") == ExitCode.PASSED
    return device.out
