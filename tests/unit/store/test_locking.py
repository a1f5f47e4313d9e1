"""The lock on a file: one holder at a time, given back however its holder ends; on Windows, too."""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from secballot.errors import StoreError
from secballot.store import locking

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys, time
from pathlib import Path
from secballot.store.locking import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


class FakeWindows(ModuleType):
    """The module `msvcrt`, as far as a lock needs it: a byte of a file, held by one descriptor until that is closed.

    Attributes:
        tried: how often somebody asked for it.
        broken: what is raised instead, if anything.
    """

    LK_NBLCK, LK_LOCK = 2, 1

    def __init__(self) -> None:
        """Make it, with nothing locked."""
        super().__init__("msvcrt")
        self.tried = 0
        self.broken: OSError | None = None

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        """Lock some bytes from the current place on, as the system does: an error if another holds one of them."""
        self.tried += 1
        if self.broken is not None:
            raise self.broken
        assert (mode, count) == (self.LK_NBLCK, 1), "LK_LOCK gives up after ten seconds"
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0, "another byte would be another lock"
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error


@pytest.fixture(params=["posix", "windows"])
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module as it is on this system, and as it is on Windows."""
    if request.param == "posix":
        return locking
    return on_windows(monkeypatch)


def on_windows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module as Windows loads it."""
    fake = FakeWindows()
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    assert locking.__spec__ is not None
    spec = importlib.util.spec_from_file_location("locking_on_windows", str(locking.__spec__.origin))
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "platform", "win32")
    spec.loader.exec_module(made)
    # What the module asks at run time; the rest of the process stays on its own system.
    made.sys = SimpleNamespace(platform="win32")  # type: ignore[attr-defined]
    monkeypatch.undo()
    assert made.msvcrt is fake
    assert not hasattr(made, "fcntl")
    return made


def test_only_one_has_it(module: ModuleType, tmp_path: Path) -> None:
    """A second one is refused at once, or waits as long as it said; afterwards it can be had."""
    path = tmp_path / "lock"
    with module.locked(path):
        assert path.stat().st_mode & 0o077 == 0
        with pytest.raises(StoreError, match="taken"), module.locked(path, seconds=0, busy="taken"):
            pass
        began = time.monotonic()
        with pytest.raises(StoreError, match="in use by another process"), module.locked(path, seconds=0.25):
            pass
        assert time.monotonic() - began >= 0.25
    with module.locked(path, seconds=0):
        pass


def test_an_error_gives_it_back(module: ModuleType, tmp_path: Path) -> None:
    """Whatever happens under the lock, the next one can have it."""
    with pytest.raises(KeyError), module.locked(tmp_path / "lock"):
        raise KeyError
    with module.locked(tmp_path / "lock", seconds=0):
        pass


def test_who_waits_without_end_gets_it(module: ModuleType, tmp_path: Path) -> None:
    """As soon as the other one is done, and not before."""
    path, order = tmp_path / "lock", []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with module.locked(path):
            order.append("second")

    thread = threading.Thread(target=second)
    with module.locked(path):
        thread.start()
        waiting.wait(10)
        time.sleep(0.3)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_killed_holder_locks_nobody_out(module: ModuleType, tmp_path: Path) -> None:
    """The system gives the lock back with the process."""
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError), module.locked(path, seconds=0):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with module.locked(path, seconds=0):
        pass


def test_a_place_that_takes_no_file_is_an_error(module: ModuleType, tmp_path: Path) -> None:
    """Nothing is done without the lock."""
    with pytest.raises(StoreError, match="cannot be made"), module.locked(tmp_path / "no" / "lock"):
        pass


def test_on_windows_what_is_no_contention_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks is an error, and no reason to wait for ever."""
    module = on_windows(monkeypatch)
    module.msvcrt.broken = OSError(errno.EINVAL, "no locks here")
    with pytest.raises(StoreError), module.locked(tmp_path / "lock"):
        pass
    assert module.msvcrt.tried == 1


def test_on_windows_a_folder_is_not_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has no lock for it; whoever writes there goes on without."""
    module = on_windows(monkeypatch)
    with module.locked(tmp_path), module.locked(tmp_path, seconds=0):
        pass
    assert module.msvcrt.tried == 0
