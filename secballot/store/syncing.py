"""Durable names: a file that is written and synced is still lost if its folder does not know it after a crash.

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
