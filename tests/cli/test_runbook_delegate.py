"""The delegate's runbook: every command in it is run, in order, as it stands there."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from secballot_cli.main import ExitCode
from tests.cli.delegate_stage import Device
from tests.live_board import LiveBoard, write_folder
from tests.relay import relaying
from tests.runbooks.documents import blocks, commands
from tests.terminal import Terminal
from tests.wallets import LABEL, PASSPHRASE, TAG, phrases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOR = "socks5h://127.0.0.1:9050"
ASKED = {
    "label from the commission": LABEL,
    "Passphrase:": PASSPHRASE,
    "The passphrase once more:": PASSPHRASE,
    "Press Enter": "",
    "Word 1:": phrases()[0],
    "[y/N]:": "y",
    "Ten digits:": TAG,
    "cast, open or later:": "cast",
}
"""What a person answers; choices, words and the tag of a check depend on more."""


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Return a proxy's URL, and the hosts that it was asked for."""
    with relaying() as running:
        yield running


def _answer(terminal: Terminal, tags: dict[str, str]) -> int:
    """Answer whatever is asked until the program ends."""
    words: list[str] = []
    choices = iter(("1", "1 3"))
    pattern = re.compile(
        "|".join(map(re.escape, ASKED)) + r"|Your choice:|word (\d+):|ballot (\S+): its tag, ten digits:"
    )
    while (found := terminal.wait_for_any(pattern)) is not None:
        text = found[0]
        if text == "Press Enter":
            shown = dict(re.findall(r"(\d+)\. ([a-z]+)", terminal.shown))
            words = [shown[str(number)] for number in range(1, 25)]
        if text == "Your choice:":
            terminal.type(next(choices))
        elif found[1]:
            terminal.type(words[int(found[1]) - 1])
        elif found[2]:
            terminal.type(tags[found[2]])
        else:
            terminal.type(ASKED[text])
    return terminal.code()


def _run(device: Device, arguments: list[str], tags: dict[str, str]) -> str:
    """Run a command, at a terminal if it asks questions, and return what it shows."""
    if arguments[1] in {"new", "restore"} or arguments[1:] == ["vote", "1"] or arguments[1:3] == ["check", "--board"]:
        with Terminal(*arguments, "--home", str(device.folder / "home")) as terminal:
            code = _answer(terminal, tags)
        shown = terminal.shown
    else:
        code = device.code(*arguments[1:])
        shown = device.out
    assert code == ExitCode.PASSED, (arguments, shown, device.err)
    return shown


def test_the_runbook_is_run(
    board: LiveBoard,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    proxy: tuple[str, list[str]],
) -> None:
    """In a folder of its own, with the board and the sitting put in; `register` finds its request there already."""
    monkeypatch.chdir(tmp_path)
    (toml,) = blocks("runbooks/delegate", "toml")
    (tmp_path / "choices.toml").write_text(toml)
    listed = [shlex.split(line) for line in commands("runbooks/delegate")]
    assert {line[2] for line in listed} == {
        *("new", "enrol", "register", "status", "vote", "submit", "open", "check-opened", "cast", "collect"),
        *("check", "watch", "restore"),
    }
    device = Device(tmp_path / "device", board, capsys)
    device.restore()
    tags: dict[str, str] = {}
    short = ""
    for line in listed:
        filled = {"SITTING": device.anchor, "https://board.example": board.url, "TRACKER": short, TOR: proxy[0]}
        arguments = [filled.get(word, word) for word in line[1:]]
        if line[2] in {"new", "enrol"} or (line[2] == "restore"):
            arguments += ["--small-device"] if line[2] != "enrol" else []
            arguments += ["--wallet", str(tmp_path / ("new-wallet" if line[2] != "restore" else "restored"))]
        if "log" in line:
            write_folder(board, tmp_path / "log")
        if line[2:] == ["watch", "--interval", "60"]:
            _decide(board)
        if line[2:4] == ["check", "TRACKER"]:
            arguments += ["--tag", tags[short]]
        shown = _run(device, arguments, tags)
        if line[2] == "vote":
            short = re.findall(r"(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}", shown)[-1]
            tags[short] = line[line.index("--tag") + 1] if "--tag" in line else TAG
    assert len(tags) == 4
    # Since the line that names it, every command of this device has gone through the proxy.
    assert len(proxy[1]) > len(listed)


def _decide(board: LiveBoard) -> None:
    """Let the others vote, and the poll be closed and decrypted, so that there is nothing more to wait for."""
    simulator = board.simulator
    with board.lock:
        for number in range(1, 8):
            other = simulator.rehearsal.delegates[number]
            first_class = number < simulator.plan.delegates[0]
            tag = "".join(str(1 + (number * digit + digit // 3) % 6) for digit in (3, 1, 4, 1, 5, 9, 2, 6, 5, 8))
            other.cast(other.seal(1, ((1, 0, 0), (1, 0, 0)) if first_class else ((1, 0, 0),), tag))
        simulator.rehearsal.witness()
        simulator.rehearsal.close_poll(1)
        simulator.rehearsal.decrypt(1)
        simulator.rehearsal.publish_result(1)
