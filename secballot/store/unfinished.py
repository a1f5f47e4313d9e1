"""Where a file is written before it gets its name, and what becomes of it if its writer is killed meanwhile.

    .<name>.<number of the process>    beside the file or folder that is to be called <name>

Whoever writes the same file next removes what dead processes have left behind. A system reuses numbers, and a folder
may be shared with machines that count their processes apart, so age alone decides where the number tells nothing: an
unfinished file is minutes old at most. If the writer does live after all, it finds its file gone and says so; what had
the name before stays.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

AGE: Final = 3_600.0
"""Seconds after which an unfinished file is one left behind, whatever process has its number."""

_CAN_ASK: Final = os.name == "posix"
"""Whether users and processes can be asked for; elsewhere signal 0 is no question."""


def unfinished(target: Path) -> Path:
    """Return where this process writes what is to be called `target`; nothing is there, nor are leftovers of others.

    Only files and folders of this user are removed, and links are not followed. What cannot be removed stays, and is
    an error for whoever then writes there.
    """
    own = target.with_name(f".{target.name}.{os.getpid()}")
    name = re.compile(rf"\.{re.escape(target.name)}\.([0-9]{{1,20}})")
    with suppress(OSError), os.scandir(target.parent) as found:
        for entry in found:
            numbered = name.fullmatch(entry.name)
            if numbered is not None:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if _is_left_behind(int(numbered[1]), status):
                        _remove(entry, status)
    return own


def _is_left_behind(process: int, status: os.stat_result) -> bool:
    """Tell whether nobody writes there any more."""
    if not _CAN_ASK:
        return process == os.getpid() or time.time() - status.st_mtime > AGE
    if status.st_uid != os.geteuid():
        return False
    if process == os.getpid() or time.time() - status.st_mtime > AGE:
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False  # it runs, as another user
    return False


def _remove(entry: os.DirEntry[str], status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        shutil.rmtree(entry.path)
    else:
        Path(entry.path).unlink()
