"""The last checkpoint that a reader saw of each log: one small file a log, replaced whole.

A board that shows an older log, or another one, to a reader who has been there before is found out by this file alone.
Losing it loses no secret and no vote, only that memory.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.board.note import MAX_NOTE_SIZE
from secballot.board.published import MissingFileError
from secballot.errors import StoreError
from secballot.store.folder import read_file
from secballot.store.syncing import replace_file, sync_folder
from secballot.store.troubles import explain_disk
from secballot.store.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUFFIX: Final = ".checkpoint"


class CheckpointMemory:
    """Remembered notes in a folder, by origin."""

    def __init__(self, folder: str | Path) -> None:
        """Remember in this folder, which is made when the first note is kept."""
        self._folder = Path(folder)

    def recall(self, origin: str) -> bytes | None:
        """Return the note that was kept of a log, None if none was.

        Raises:
            StoreError: it cannot be read.
        """
        try:
            return read_file(self._path(origin), MAX_NOTE_SIZE)
        except MissingFileError:
            return None

    def keep(self, origin: str, note: bytes) -> None:
        """Keep a note in place of the one before, durably; the caller has compared the two.

        Raises:
            StoreError: the disk does not take it.
        """
        path = self._path(origin)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(path, note, unfinished(path))
            sync_folder(self._folder)
        except OSError as error:
            raise StoreError(f"the checkpoint seen cannot be kept: {explain_disk(error)}") from error

    def _path(self, origin: str) -> Path:
        return self._folder / (hashlib.sha256(origin.encode()).hexdigest() + _SUFFIX)


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return where a reader's memory lies if nothing else is said.

    Args:
        environment: `SECBALLOT_STATE` names the folder; else `XDG_STATE_HOME`, or its default, the folder above it.
    """
    if named := environment.get("SECBALLOT_STATE"):
        return Path(named)
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "secballot"
