"""Where the runbooks are played: everybody in a home of their own, services as processes, and a clock that can be set.

Commands run in this process, with the environment and the folder of whoever gives them, and their questions are
answered as a person would. Services are processes. All of them read one clock, so that half an hour of debate, an hour
of objections and a day of grace pass in no time.
"""

from __future__ import annotations

import json
import mmap
import signal
import struct
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import click.termui

from secballot import sealing
from secballot.errors import PolicyError, StoreError
from secballot.roles.awaited import standing
from secballot.roles.remote import open_source
from secballot.roles.submission import Waiting
from secballot.roles.view import WitnessedView
from secballot_cli.main import ExitCode, run
from secballot_cli.messages import forget_language
from tests.sitting_processes.parties import PROGRAM, Party, environment, until, url_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    import pytest

    from secballot.roles.awaited import Awaited
    from tests.runbooks.documents import Ledger

_CLOCKED = """
import mmap, struct, time
file = open({path!r}, "r+b")
ahead, real, sleep = mmap.mmap(file.fileno(), 8), time.time, time.sleep
time.time = lambda: real() + struct.unpack("<d", ahead)[0]
time.sleep = lambda seconds: sleep(min(seconds, {most}))
"""
_PATIENCE = 15
"""Seconds after which something that does not happen is taken for never happening."""

_LONG = 5.0
"""Seconds for which a command waits until the log shows what it posted."""

_WELL = (ExitCode.PASSED, ExitCode.INTERRUPTED, -signal.SIGKILL)
"""How services end that the story ends."""

_MOST = 0.1
"""Seconds that anybody sleeps between two looks at the log."""


class Clock:
    """The time of this process and of the services, ahead of the machine's by as much as one likes."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Keep in a file how far it is ahead, and set this process by it."""
        path.write_bytes(bytes(8))
        self._file = path.open("r+b")
        self._ahead = mmap.mmap(self._file.fileno(), 8)
        self.program = _CLOCKED.format(path=str(path), most=_MOST) + PROGRAM
        real, sleep = time.time, time.sleep
        monkeypatch.setattr(time, "time", lambda: real() + self.ahead)
        monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, _MOST)))
        patience, _interval, clock, _sleep = Waiting.__init__.__defaults__  # type: ignore[misc]
        monkeypatch.setattr(Waiting.__init__, "__defaults__", (patience, _MOST, clock, time.sleep))

    @property
    def ahead(self) -> float:
        """Seconds that this clock is ahead of the machine's."""
        (seconds,) = struct.unpack("<d", self._ahead)
        assert isinstance(seconds, float)
        return seconds

    def pass_by(self, minutes: float) -> None:
        """Let time pass."""
        self._ahead[:] = struct.pack("<d", self.ahead + 60 * minutes)

    def close(self) -> None:
        """Let the file go."""
        self._ahead.close()
        self._file.close()


@dataclass
class Stage:
    """Everybody, and what they have run of the documents.

    Attributes:
        folder: all homes lie below it.
        monkeypatch: gives this process the environment of whoever acts.
        capsys: catches what is said.
        clock: everybody's.
        ledger: of the documents.
        filled: what stands for a word of a document, such as SITTING.
        said: what the last command said, on both streams.
        code: what it exited with.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    clock: Clock
    ledger: Ledger
    filled: dict[str, str] = field(default_factory=dict)
    parties: dict[str, Party] = field(default_factory=dict)
    services: dict[Path, subprocess.Popen[str]] = field(default_factory=dict)
    said: str = ""
    code: int = 0
    view: WitnessedView | None = None
    closing: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def open(
        cls, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ledger: Ledger
    ) -> Self:
        """Return an empty stage, where key files are cheap to open."""
        monkeypatch.setattr("secballot_cli.carding.COST_DEFAULT", sealing.COST_SMALL)
        monkeypatch.setattr(sealing, "_passphrase_key", cache(sealing._passphrase_key))
        monkeypatch.setattr("secballot_cli.acting.wait_until.__defaults__", (_LONG,))
        clock = Clock(folder / "clock", monkeypatch)
        made = cls(folder, monkeypatch, capsys, clock, ledger)
        made.closing.callback(clock.close)
        return made

    def party(self, role: str, name: str) -> Party:
        """Return somebody on a machine of their own, which is there from the first time on."""
        if name not in self.parties:
            self.parties[name] = Party(self.folder / name.lower(), role, name, f"passphrase of {name}")
            self.parties[name].home.mkdir()
        return self.parties[name]

    def write_passphrase(self, party: Party) -> None:
        """Write somebody's passphrase into a file that only they can read."""
        path = party.home / "passphrase"
        path.touch(0o600)
        path.write_text(party.passphrase + "\n")

    def run(
        self,
        party: Party,
        page: str,
        line: str,
        *more: str,
        answers: Sequence[str] = (),
        code: int | None = 0,
        instead: dict[str, str] | None = None,
    ) -> str:
        """Run a line of a document, as it stands there; return what is said.

        Args:
            party: who runs it.
            page: of the document.
            line: of it.
            more: words that the line leaves out.
            answers: to the questions, in order; then yes to everything.
            code: what it exits with; None for whatever is left in `code`.
            instead: words that stand for words of this line, beside those that stand for words of every line.
        """
        words = [self.fill(word, instead) for word in self.ledger.take(page, line)]
        return self.like(party, *words, *more, answers=answers, code=code)

    def like(self, party: Party, *words: str, answers: Sequence[str] = (), code: int | None = 0) -> str:
        """Run a command that no document has in these words; return what is said."""
        self._become(party, answers)
        self.capsys.readouterr()
        self.code = run(words)
        out, err = self.capsys.readouterr()
        self.said = out + err
        assert "Traceback" not in self.said
        assert party.passphrase not in self.said
        assert code in {None, self.code}, (words, self.code, self.said)
        return self.said

    def facts(self, party: Party, *words: str) -> dict[str, Any]:
        """Run a command that tells programs what it did, and return that."""
        said = self.like(party, *words, "--json")
        facts: dict[str, Any] = json.loads(next(line for line in said.splitlines() if line.startswith("{")))["facts"]
        return facts

    def start(self, party: Party, page: str, line: str, *more: str) -> subprocess.Popen[str]:
        """Start a service by a line of a document; the passphrase waits where the line says, or in a pipe."""
        words = [self.fill(word) for word in self.ledger.take(page, line)]
        begin = party.start_openly if {"--passphrase-file", "dropbox"} & set(words) else party.start
        log = self.folder / f"{len(self.services)}.log"
        process = begin(*words, *more, program=self.clock.program, log=log)
        self.services[log] = process
        self.closing.callback(self.end, process)
        return process

    def end(self, process: subprocess.Popen[str], how: int | None = signal.SIGINT) -> None:
        """End a service as a person would, or as a power cut does, or wait for its end."""
        if how is not None and process.poll() is None:
            process.send_signal(how)
        process.communicate(timeout=_PATIENCE)
        self._check_services()

    def _check_services(self) -> None:
        for log, process in self.services.items():
            assert process.poll() in {None, *_WELL}, (process.args, log.read_text())
            assert "Traceback" not in log.read_text()

    def serve(self, party: Party, page: str, line: str, *more: str) -> str:
        """Start a service that listens, and return its URL."""
        return url_of(self.start(party, page, line, *more, "--port", "0"))

    def fill(self, word: str, instead: dict[str, str] | None = None) -> str:
        """Return what stands for a word of a document."""
        filled = {**self.filled, **(instead or {})}
        if word in filled:
            return filled[word]
        for name, value in filled.items():
            if word.endswith(f"={name}"):
                return word.removesuffix(name) + value
        return word

    def wait_for(self, action: str) -> None:
        """Wait until the sitting waits for an action."""
        self.until(lambda: action in [item.action for item in self.awaited()])

    def awaited(self) -> list[Awaited]:
        """Return what the sitting waits for."""
        return list(standing(self.look(), int(time.time())).awaited)

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something holds, as long as every service that runs is well."""

        def look() -> bool:
            self._check_services()
            return reached()

        until(look, _PATIENCE)

    def look(self) -> WitnessedView:
        """Return what anybody sees of the log."""
        if self.view is None:
            url, sitting = self.filled["https://board.example"], self.filled["SITTING"]
            self.view = WitnessedView(open_source(url), bytes.fromhex(sitting))
        with suppress(PolicyError, StoreError):  # nothing is published yet
            self.view.refresh()
        return self.view

    def look_at(self, place: str) -> WitnessedView:
        """Return what anybody sees of the log at another place."""
        view = WitnessedView(open_source(self.filled[place]), bytes.fromhex(self.filled["SITTING"]))
        view.refresh()
        return view

    def _become(self, party: Party, answers: Sequence[str]) -> None:
        """Give this process the environment, the folder and the answers of somebody."""
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "SECBALLOT_STATE"):
            self.monkeypatch.delenv(name, raising=False)
        for name, value in environment(party.home).items():
            self.monkeypatch.setenv(name, value)
        forget_language()
        self.monkeypatch.chdir(party.home)
        waiting = iter(answers)
        self.monkeypatch.setattr(click.termui, "hidden_prompt_func", lambda _prompt: party.passphrase)
        self.monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _prompt: next(waiting, "y"))
