"""One process at a time: a lock on a file beside the one that is changed.

The system lets go of the lock when a process ends, however it ends, so that a crash locks nobody out.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from secballot.errors import StoreError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_PAUSE: Final = 0.1
_BUSY: Final = "the file is in use by another process, and its lock cannot be had"


@contextmanager
def locked(path: Path, *, seconds: float | None = None, busy: str = _BUSY) -> Iterator[None]:
    """Hold the lock that this file stands for, which is made and stays, or that this folder does.

    Args:
        path: of the lock, not of what it protects: that one is replaced, and a lock on it would go with it.
        seconds: how long to wait for it, None for as long as it takes.
        busy: what to say if that was not long enough.

    Raises:
        StoreError: the file cannot be made, or another process holds the lock for longer than that.
    """
    folder = path.is_dir()
    if folder and sys.platform == "win32":
        yield  # where a folder cannot be locked
        return
    try:
        descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError("the lock file cannot be made") from error
    try:
        until = None if seconds is None else time.monotonic() + seconds
        while not _try(descriptor, wait=until is None):
            if until is None or time.monotonic() >= until:
                raise StoreError(busy)
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int, *, wait: bool) -> bool:
    """Tell whether the lock could be had; a failure after waiting is final."""
    try:
        if sys.platform == "win32":
            # The first byte stands for the file. LK_LOCK would give up after ten seconds.
            while not _try_byte(descriptor):
                if not wait:
                    return False
                time.sleep(_PAUSE)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


if sys.platform == "win32":

    def _try_byte(descriptor: int) -> bool:
        """Tell whether the file's first byte, which need not be there, could be locked now.

        Raises:
            OSError: it is not another process that stands in the way.
        """
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
