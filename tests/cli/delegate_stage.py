"""What tests of the delegate's command share: a device that runs commands, and a file of choices."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from secballot_cli.main import run
from tests.forked import fork
from tests.simulator import Simulator, election, resolution
from tests.wallets import LABEL, PASSPHRASE, phrases

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.live_board import LiveBoard

CHOICES = """
[[contests]]
title = "A declaration"
choose = ["For"]
[[contests]]
title = "A council"
choose = ["A", "C"]
"""
OTHER_CHOICES = CHOICES.replace("For", "Against")


def open_poll(base: Simulator | None = None) -> Simulator:
    """Return a sitting with an open poll of two contests, by the clock of this machine."""
    simulator = base or fork()
    simulator.rehearsal.now = int(time.time())
    simulator.rehearsal.open_poll(1, [resolution(), election()])
    return simulator


def private(path: Path, text: str) -> str:
    """Write a file that only its owner can read, and return its name."""
    path.touch(0o600)
    path.write_text(text)
    return str(path)


@dataclass
class Device:
    """One device of a delegate, with a home of its own.

    Attributes:
        folder: everything of it.
        board: where it reads and posts.
        capsys: catches what is printed.
        err: what the last command said beside its answer.
    """

    folder: Path
    board: LiveBoard
    capsys: pytest.CaptureFixture[str]
    err: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Make folder and passphrase file."""
        self.folder.mkdir(exist_ok=True)
        self.passphrase = private(self.folder / "passphrase", PASSPHRASE + "\n")

    @property
    def anchor(self) -> str:
        """The sitting's id."""
        return self.board.simulator.board.anchor.hex()

    @property
    def place(self) -> tuple[str, ...]:
        """The options that name sitting and board."""
        return ("--board", self.board.url, "--sitting", self.anchor)

    @property
    def wallet(self) -> Path:
        """Where the wallet is."""
        return self.folder / "home" / "delegate" / "wallet"

    def code(self, *arguments: str) -> int:
        """Run a command and return its exit code; what it says is in `err`, its answer in `out`."""
        common = ("--home", str(self.folder / "home"), "--passphrase-file", self.passphrase)
        code = run(["delegate", *arguments, *common])
        caught = self.capsys.readouterr()
        self.out, self.err = caught.out, caught.err
        for text in (self.out, self.err):
            assert "Traceback" not in text
            assert PASSPHRASE not in text
            assert "bug in secballot" not in text
        return code

    def facts(self, *arguments: str) -> dict[str, Any]:
        """Run a command that must succeed, and return what it tells programs."""
        code = self.code(*arguments, "--json")
        assert code == 0, (arguments, code, self.out, self.err)
        facts = json.loads(self.out)["facts"]
        assert isinstance(facts, dict)
        return facts

    def restore(self, number: int = 0) -> dict[str, Any]:
        """Make the wallet of the delegate with this number from its phrase."""
        phrase = private(self.folder / "phrase", phrases()[number] + "\n")
        return self.facts("restore", "--label", LABEL, "--phrase-file", phrase, "--small-device", *self.place)

    def seal(self, tag: str, choices: str = CHOICES, *more: str) -> dict[str, Any]:
        """Seal a ballot of poll 1."""
        return self.facts("vote", "1", "--choices", private(self.folder / "choices", choices), "--tag", tag, *more)
