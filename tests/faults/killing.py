"""Programs of secballot that are killed under load, and what has to be true of everything they have ever said.

`SECBALLOT_KILLS` says how often: a few times by default, hundreds of times by `make kill`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.loopback import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

KILLS: Final = int(os.environ.get("SECBALLOT_KILLS", "3"))
"""How often each program is killed."""

SEED: Final = int(os.environ.get("SECBALLOT_SEED", str(time.time_ns())))
"""Of the moments; `SECBALLOT_SEED` repeats a run as far as the machine does."""

_PATIENCE: Final = 60.0
_RUN: Final = "import sys; from secballot_cli.main import run; sys.exit(run(sys.argv[1:]))"


class Victim:
    """A serving command of secballot that is started on one port again and again.

    Attributes:
        url: where it listens.
        log: what all its processes wrote to standard error.
    """

    def __init__(self, *arguments: str, log: Path) -> None:
        """Choose the port; nothing runs yet."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._command = [sys.executable, "-c", _RUN, *arguments, "--port", str(port)]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, without waiting for it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )

    def wait_until_it_listens(self) -> None:
        """Wait for the line that says so."""
        process = self._running()
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), self.log.read_text()[-2000:]

    @property
    def pid(self) -> int:
        """The process that runs now."""
        return self._running().pid

    def kill(self) -> None:
        """Kill it, at whatever instruction it is."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Interrupt it as a person would."""
        process = self._end(signal.SIGINT)
        assert process.returncode in {0, 130}, self.log.read_text()[-2000:]

    def discard(self) -> None:
        """Kill it if it still runs."""
        if self._process is not None:
            self.kill()

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def _end(self, how: signal.Signals) -> subprocess.Popen[str]:
        process, self._process = self._running(), None
        process.send_signal(how)
        process.communicate(timeout=_PATIENCE)
        return process


@dataclass
class Load:
    """Clients that do one thing over and over, each in a thread, until they are told to end.

    Attributes:
        done: how often it was done.
        failures: what went wrong in a client.
    """

    act: Callable[[], None]
    clients: int
    done: int = 0
    failures: list[BaseException] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _moved: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the clients while the context lasts; whatever one of them failed of is raised at its end."""
        threads = [threading.Thread(target=self._client) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()
        if self.failures:
            raise self.failures[0]

    def wait_for(self, more: int) -> None:
        """Wait until it was done so many times more."""
        with self._moved:
            until = self.done + more
            moved = self._moved.wait_for(lambda: self.done >= until or self.failures, _PATIENCE)
            assert moved, f"nothing moves: {self.done} so far"

    def _client(self) -> None:
        try:
            while not self._ended.is_set():
                self.act()
                with self._moved:
                    self.done += 1
                    self._moved.notify_all()
        except BaseException as error:  # noqa: BLE001  # it is raised in the test's own thread
            with self._moved:
                self.failures.append(error)
                self._moved.notify_all()


def tell(capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Say how much a long run has done, if this is one."""
    if "SECBALLOT_KILLS" in os.environ:
        with capsys.disabled():
            print(f"\n  {what} (seed {SEED})")  # noqa: T201  # the figures of `make kill`


def kill_again_and_again(victims: list[Victim], load: Load, kills: int, between: Callable[[int], None]) -> None:
    """Kill one victim after the other, at random moments of its work or of its start; at the end all run.

    Args:
        victims: started already, and listening.
        load: what they work on.
        kills: how often.
        between: called after each kill, before the victim is started again.
    """
    chance = random.Random(SEED)  # noqa: S311  # moments are no secrets
    for number in range(kills):
        victim = victims[number % len(victims)]
        load.wait_for(1)
        time.sleep(chance.uniform(0, 0.15))
        victim.kill()
        between(number)
        victim.start()
        if chance.random() < 0.25:
            # Starting takes about a second, in which it opens its database and replays its log.
            time.sleep(chance.uniform(0.2, 1.2))
            victim.kill()
            victim.start()
        victim.wait_until_it_listens()
    load.wait_for(load.clients)
