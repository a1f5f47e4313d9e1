"""Programs that tests start for real, talk to over HTTP, and stop as a person would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from secballot.sealing import COST_SMALL
from secballot.store.keyfile import write_key
from tests.small_sitting import key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSPHRASE = "correct horse"


def passphrase_file(folder: Path) -> tuple[str, str]:
    """Return the option that gives the passphrase as a service manager would: in a file that only its owner reads."""
    file = folder / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)
    return "--passphrase-file", str(file)


def key_files(folder: Path, *names: str) -> None:
    """Write the key file of each of these names."""
    for name in names:
        write_key(folder / f"{name}.key", key(name), PASSPHRASE, COST_SMALL)


@dataclass
class Running:
    """A serving command that runs.

    Attributes:
        process: its process.
        url: where it says it listens.
        facts: what it says for programs, with `--json`.
    """

    process: subprocess.Popen[str]
    url: str
    facts: dict[str, Any] = field(default_factory=dict)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.communicate(timeout=30)

    def interrupt(self) -> None:
        """End it as a person would, unless it was killed, and look at how it ends."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            out, err = self.process.communicate(timeout=30)
            assert "Traceback" not in err, err
            assert self.process.returncode in {0, 130}, (out, err)


def start(*arguments: str, port: int = 0) -> Running:
    """Run a serving command of secballot, on any free port or on this one, and return when it listens."""
    code = "import sys; from secballot_cli.main import run; sys.exit(run(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if "--json" in arguments and line:
        facts = json.loads(line)["facts"]
        return Running(process, facts["url"], facts)
    assert line.startswith("listening on "), process.communicate()[1]
    return Running(process, line.removeprefix("listening on ").strip())


@contextmanager
def running(*arguments: str, port: int = 0) -> Iterator[Running]:
    """Run a serving command of secballot, and interrupt it in the end."""
    started = start(*arguments, port=port)
    try:
        yield started
    finally:
        started.interrupt()


@contextmanager
def secballot(*arguments: str) -> Iterator[str]:
    """Run a serving command of secballot on a free port, yield the URL it says it listens on, and interrupt it."""
    with running(*arguments) as started:
        yield started.url


def wait_for_publication(url: str, size: int) -> None:
    """Wait until a board shows a checkpoint of this size."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        facts = httpx.get(f"{url}/health", trust_env=False).json()
        if facts["published"] == size:
            return
        time.sleep(0.02)
    raise AssertionError(facts)
