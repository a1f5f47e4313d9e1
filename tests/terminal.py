"""A pseudo-terminal for tests: runs the program as a person does, types lines, and reads what is shown."""

from __future__ import annotations

import os
import pty
import selectors
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_PATIENCE = 60.0
_TRIES = 20
_PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that keys of this terminal send signals
from secballot_cli.main import run
sys.exit(run(sys.argv[1:]))
"""


class Terminal:
    """The program on a terminal of its own.

    Attributes:
        shown: everything that was printed so far.
    """

    def __init__(self, *arguments: str, folder: Path | None = None, language: str = "C.UTF-8") -> None:
        """Start it, in a folder if one is given."""
        self.shown = ""
        self._read = 0
        self._pressed = b""
        self._end, there = pty.openpty()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "LANGUAGE": language}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments],
            stdin=there,
            stdout=there,
            stderr=there,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(there)

    def __enter__(self) -> Self:
        """Return the terminal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the program, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._end)

    def wait_for(self, text: str) -> str:
        """Read until this text is shown, and return what was shown before it, since the last call."""
        until = time.monotonic() + _PATIENCE
        while (found := self.shown.find(text, self._read)) < 0:
            assert time.monotonic() < until, f"{text!r} is not shown: {self.shown!r}"
            assert self._more(), f"ended before {text!r}: {self.shown!r}"
        before = self.shown[self._read : found]
        self._read = found + len(text)
        return before

    def wait_for_any(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read until this pattern is shown, and return what matches it; None if the program ends before."""
        while (found := pattern.search(self.shown, self._read)) is None:
            if not self._more():
                return None
        self._read = found.end()
        return found

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        self._pressed = b""
        os.write(self._end, line.encode() + b"\n")

    def answer(self, question: str, line: str) -> str:
        """Wait for a question and answer it; return what was shown before it."""
        before = self.wait_for(question)
        self.type(line)
        return before

    def press(self, key: bytes) -> None:
        """Press a key, such as Ctrl-C (3) or Ctrl-D (4); once more every few seconds as long as nothing happens.

        Between a question and the system call that waits for its answer, Python does not notice a signal.
        """
        self._pressed = key
        os.write(self._end, key)

    def kill(self) -> None:
        """End the program as a power cut does."""
        self._process.kill()
        self._process.wait()

    def code(self) -> int:
        """Read to the end, and return the exit code."""
        while self._more():
            pass
        return self._process.wait()

    def _more(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            for _ in range(_TRIES):
                if selector.select(_PATIENCE / _TRIES):
                    break
                os.write(self._end, self._pressed)
            else:
                raise AssertionError(f"nothing happens: {self.shown!r}")
        try:
            data = os.read(self._end, 65_536)
        except OSError:  # Linux says so when the other end is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)
