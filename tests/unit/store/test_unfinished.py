"""Files that a killed process left unfinished: removed by the next who writes the same, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from secballot.sealing import COST_SMALL
from secballot.signing import SigningKey
from secballot.store.archive import write_archive
from secballot.store.backup import write_backup
from secballot.store.journal import Journal
from secballot.store.keyfile import KeyHolder, bind_key, read_holder, write_key
from secballot.store.remembered import CheckpointMemory
from secballot.store.unfinished import AGE, unfinished
from secballot.store.verified import VerifiedState
from secballot_cli.home import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = SigningKey.from_seed(bytes(32))


@pytest.fixture(scope="module")
def dead() -> int:
    """Return the number of a process that runs no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.fixture(scope="module")
def living() -> Iterator[int]:
    """Return the number of a process that runs."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process.pid
        process.kill()


def leave(target: Path, process: int, *, folder: bool = False, age: float = 0.0) -> Path:
    """Leave something unfinished of a file or folder that is to be called so."""
    path = target.with_name(f".{target.name}.{process}")
    if folder:
        path.mkdir()
        (path / "key").write_text("half")
    else:
        path.write_text("half")
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.mark.parametrize("folder", [True, False])
def test_what_the_dead_left_behind_is_removed(tmp_path: Path, dead: int, living: int, *, folder: bool) -> None:
    """Files and folders of dead processes, of this one, and old ones; what somebody may still be writing stays."""
    target = tmp_path / "key"
    target.write_text("whole")
    gone = [leave(target, process, folder=folder) for process in (dead, os.getpid(), 10**19)]
    kept = [leave(target, living, folder=folder)]
    others = [
        *(leave(tmp_path / name, dead, folder=folder) for name in ("keys", "my.key", "ke")),
        leave(tmp_path / "key.1", dead, folder=folder),
        tmp_path / ".key.", tmp_path / ".key.12x", tmp_path / ".key.-1", tmp_path / ".key.1 ", tmp_path / "key.12",
    ]  # fmt: skip
    for path in others[-5:]:
        path.write_text("something else")

    assert unfinished(target) == gone[1]

    assert [path.exists() for path in gone] == [False] * 3
    assert all(path.exists() for path in (*kept, *others))
    assert target.read_text() == "whole"


def test_numbers_are_used_again(tmp_path: Path, living: int) -> None:
    """A file that is older than any writing takes is left behind, whoever has the number now."""
    target = tmp_path / "key"
    old = leave(target, living, age=AGE + 60)
    unfinished(target)
    assert not old.exists()
    young = leave(target, living, age=AGE - 60)
    unfinished(target)
    assert young.exists()


def test_links_are_removed_and_not_followed(tmp_path: Path, dead: int) -> None:
    """A link that somebody has put there leads to nothing that is touched."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("precious")
    target = tmp_path / "key"
    for number, to in ((dead, precious), (os.getpid(), precious / "file")):
        target.with_name(f".key.{number}").symlink_to(to)

    write_private(target, b"new")

    assert (precious / "file").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "precious"]


def test_files_of_other_users_stay(tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, too, removes only what is root's."""
    target = tmp_path / "key"
    left = leave(target, dead)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: os.getuid() + 1)
        unfinished(target)
    assert left.exists()


def test_where_processes_cannot_be_asked_for_age_decides(
    tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows signal 0 is no question."""
    target = tmp_path / "key"
    young, old = leave(target, dead), leave(target, 1, age=AGE + 60)
    with monkeypatch.context() as patched:
        patched.setattr("secballot.store.unfinished._CAN_ASK", False)
        patched.setattr(os, "kill", None)
        own = unfinished(target)
    assert own.name == f".key.{os.getpid()}"
    assert young.exists()
    assert not old.exists()


def test_a_folder_that_is_not_there_is_the_writers_matter(tmp_path: Path) -> None:
    """The name is told all the same."""
    assert unfinished(tmp_path / "no" / "key") == tmp_path / "no" / f".key.{os.getpid()}"


def write_home_file(folder: Path) -> Path:
    """Write one of a party's small files."""
    write_private(folder / "settings.json", b"{}")
    return folder / "settings.json"


def write_bound_key(folder: Path) -> Path:
    """Bind a key file to a sitting."""
    path = folder / "key"
    write_key(path, KEY, "correct horse", COST_SMALL, holder=KeyHolder("trustee"))
    bind_key(path, "correct horse", KeyHolder("trustee", bytes(32)))
    holder = read_holder(path)
    assert holder is not None
    assert holder.sitting == bytes(32)
    return path


def write_copy(folder: Path) -> Path:
    """Back a home up."""
    home = folder / "home"
    home.mkdir()
    write_key(home / "key", KEY, "correct horse", COST_SMALL, holder=KeyHolder("trustee"))
    Journal.create(home / "journal.sqlite").close()
    write_backup(home, folder / "stick")
    return folder / "stick"


def write_zip(folder: Path) -> Path:
    """Write an archive."""
    (folder / "log").mkdir()
    (folder / "log" / "checkpoint").write_text("checkpoint")
    write_archive(folder / "log", folder / "log.zip")
    return folder / "log.zip"


def write_memory(folder: Path) -> Path:
    """Remember a checkpoint."""
    CheckpointMemory(folder / "seen").keep("origin", b"note")
    (path,) = (folder / "seen").iterdir()
    return path


def write_verified(folder: Path) -> Path:
    """Keep what was verified."""
    VerifiedState(folder / "state", "audit", bytes(32)).keep(b"content")
    return folder / "state"


WRITERS = (write_home_file, write_bound_key, write_copy, write_zip, write_memory, write_verified)
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = {path!r}
import {module} as tests
real = os.fsync
def fsync(descriptor):
    if [path for path in Path({folder!r}).rglob(f".*.{{os.getpid()}}*")]:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
os.fsync = fsync
os.umask(0)
tests.{name}(Path({folder!r}))
"""


@pytest.mark.parametrize("name", [writer.__name__ for writer in WRITERS])
def test_a_killed_writer_leaves_no_secret_open_and_nothing_for_long(tmp_path: Path, name: str) -> None:
    """Killed before the file has its name, it leaves one that others cannot read, and that the next one removes."""
    before = tmp_path / "killed"
    before.mkdir()
    program = KILLED.format(path=sys.path, module=__name__, folder=str(before), name=name)
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    (left,) = [path for path in before.rglob(".*") if path.name[1:].rpartition(".")[2].isdigit()]
    private = name in {"write_home_file", "write_bound_key", "write_copy"}
    if private:
        assert not left.stat().st_mode & 0o077
    after = tmp_path / "next"
    after.mkdir()
    target = (after / left.relative_to(before)).with_name(left.name[1:].rpartition(".")[0])
    target.parent.mkdir(exist_ok=True)
    left.rename(target.with_name(left.name))
    made = next(writer for writer in WRITERS if writer.__name__ == name)(after)
    assert made == target
    assert not list(after.rglob(".*.*[0-9]"))
