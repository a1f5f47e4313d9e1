"""Durable files: one that is written and synced is still lost if its folder does not know its name after a crash.

Apart from the databases, since whoever only reads files need not load what drives those.

Source: SPEC.md#published-log.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names of new and replaced files in a folder durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(target: Path, data: bytes, unfinished: Path) -> None:
    """Put a file in place, whole or not at all; its name is durable once its folder is synced.

    Args:
        target: the file.
        data: its content, which is on disk before it gets the name.
        unfinished: where it is written first, on the same disk; what lies there is removed, and nothing stays.

    Raises:
        OSError: the disk does not take it; the file is as it was before.
    """
    try:
        unfinished.unlink(missing_ok=True)
        # A new file: nothing is written through a link that somebody has put there.
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
