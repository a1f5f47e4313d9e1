"""One process at a time: a lock on a file beside the one that is changed.

The system lets go of the lock when a process ends, however it ends, so that a crash locks nobody out.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from secballot.errors import StoreError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that this file stands for, waiting for it as long as it takes; the file is made, and stays.

    Args:
        path: of the lock, not of what it protects: that one is replaced, and a lock on it would go with it.

    Raises:
        StoreError: the file cannot be made or locked.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError("the lock file cannot be made") from error
    try:
        try:
            if sys.platform == "win32":
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise StoreError("the file is in use by another process, and its lock cannot be had") from error
        yield
    finally:
        os.close(descriptor)
