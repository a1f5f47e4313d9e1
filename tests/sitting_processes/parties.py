"""Parties as separate processes: each with a home folder and a passphrase of its own, talking over HTTP alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PROGRAM = "from secballot_cli.main import cli; cli()"
_POSTING = """
import os, signal
from secballot.roles.posting import SeveralPlaces
real = SeveralPlaces.post
def post(self, entry):
    {before}
    promise = real(self, entry)
    {after}
    return promise
SeveralPlaces.post = post
"""
_DIE = "os.kill(os.getpid(), signal.SIGKILL)"
DIES_BEFORE_POSTING = _POSTING.format(before=_DIE, after="pass") + PROGRAM
"""The program, killed when something is signed and stored, and not yet posted."""

DIES_AFTER_POSTING = _POSTING.format(before="pass", after=_DIE) + PROGRAM
"""The program, killed when the board has promised, and nothing else was done yet."""

DEALS_BADLY = (
    """
import msgspec
from secballot.protocol.ceremony_dealing import TrusteeSecrets
real = TrusteeSecrets.shares
def shares(self, dealings):
    made = real(self, dealings)
    return msgspec.structs.replace(made, sealed=bytes([made.sealed[0] ^ 1]) + made.sealed[1:])
TrusteeSecrets.shares = shares
"""
    + PROGRAM
)
"""The program of a trustee that sends trustee 1 a bad share."""
PATIENCE = 300
"""Seconds after which a command that does not end is taken for hanging."""


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a party: a home of its own, and nothing of the test's own settings."""
    foreign = ("XDG_", "SECBALLOT_STATE", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"HOME": str(home), "LANGUAGE": "en", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


@dataclass
class Party:
    """One party on its own machine.

    Attributes:
        home: everything it keeps.
        name: what it is called on its card.
        role: its command.
        passphrase: its own; reaches the program by an open file descriptor alone.
        always: options that it adds to every command.
    """

    home: Path
    role: str
    name: str
    passphrase: str
    always: tuple[str, ...] = ()
    services: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str, program: str = PROGRAM, log: Path | None = None) -> subprocess.Popen[str]:
        """Start a command of this party; its passphrase waits in a pipe."""
        self.home.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        os.write(writing, self.passphrase.encode() + b"\n")
        os.close(writing)
        try:
            secret = ("--passphrase-fd", str(reading))
            return self.start_openly(*arguments, *secret, descriptors=(reading,), program=program, log=log)
        finally:
            os.close(reading)

    def start_openly(
        self, *arguments: str, descriptors: tuple[int, ...] = (), program: str = PROGRAM, log: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start a command that needs no passphrase.

        What it says on standard error goes into a pipe, which whoever runs a service for long has to read: a full one
        stops it, and some systems make them small. Or into a file.
        """
        with ExitStack() as opened:
            return subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if log is None else opened.enter_context(log.open("wb")),
                text=True,
                env=environment(self.home),
                pass_fds=descriptors,
                cwd=self.home,
            )

    def begin(self, *arguments: str, program: str = PROGRAM) -> subprocess.Popen[str]:
        """Start a command of this party's role in its home."""
        return self.start(self.role, *arguments, "--json", *self.always, program=program)

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run a command of this party's role to its end, and return what it says in JSON."""
        return finished(self.begin(*arguments), code)


def finished(process: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
    """Wait for a command and return what it says in JSON, nothing if it has no JSON to say."""
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err, err
    assert process.returncode == code, (process.args, process.returncode, out, err)
    lines = [line for line in out.splitlines() if line.startswith("{")]
    said: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return said


def code_of(process: subprocess.Popen[str]) -> int:
    """Wait for a command and return its exit code, whichever."""
    _out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err, err
    return process.returncode


def together(started: Sequence[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Wait for commands that run at the same time."""
    return [finished(process) for process in started]


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process without warning, as a power cut does."""
    process.kill()
    process.communicate(timeout=30)


def stop(process: subprocess.Popen[str], how: signal.Signals = signal.SIGINT) -> str:
    """Stop a service as a person would, and return what it said on standard error."""
    if process.poll() is None:
        process.send_signal(how)
    _out, err = process.communicate(timeout=30)
    assert "Traceback" not in err, err
    return err


@contextmanager
def serving(party: Party, *arguments: str, port: int = 0) -> Iterator[str]:
    """Run a service of a party and yield its URL."""
    process = party.start(*arguments, "--port", str(port))
    try:
        yield url_of(process)
    finally:
        stop(process)


def url_of(process: subprocess.Popen[str]) -> str:
    """Return the URL that a starting service says."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on "), (line, process.communicate()[1])
    return line.removeprefix("listening on ").strip()


def until(reached: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.2)
