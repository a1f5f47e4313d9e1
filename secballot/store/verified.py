r"""What somebody verified of a log, kept in a file that nobody else can have written.

    secballot-verified 1\n
    HMAC-SHA-256 under a key of its own, 32 bytes
    what was verified, any bytes

The key lies beside the file, under its name with `.key`; it is made with the first file and used for nothing else. The
code covers whose file it is, so that neither another log's nor another reader's is taken for it. A key that belongs to
another user, or that others may read or write, is no key: so in a folder where others write, nobody but its owner can
make a file that is believed. That much, and no more, the system's file permissions give:

- a disk that others have in their hands gives nothing, since they can put a file and a key of their own on it;
- against somebody who controls the account nothing helps.

Verifying from the first entry always does.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import hmac
import os
from pathlib import Path
from typing import Final

import secballot
from secballot.board.published import MissingFileError
from secballot.errors import StoreError
from secballot.store.folder import read_file
from secballot.store.syncing import replace_file, sync_folder
from secballot.store.troubles import explain_disk
from secballot.store.unfinished import unfinished

_MAGIC: Final = b"secballot-verified 1\n"
_CODE_BYTES: Final = 32
_KEY_BYTES: Final = 32
_MAX_BYTES: Final = 1 << 33


class VerifiedState:
    """One file of verified state."""

    def __init__(self, path: str | Path, purpose: str, sitting_id: bytes) -> None:
        """Keep it in this file; nothing is read or written yet.

        Args:
            path: of the file; its folder is made when something is kept.
            purpose: whose it is, such as `audit` or `trustee 2`.
            sitting_id: 32 bytes; empty for an audit without a trust anchor.
        """
        self._path = Path(path)
        self._key_path = self._path.with_name(f"{self._path.name}.key")
        # Another version may judge by other rules, so what it verified is verified again.
        self._label = f"{purpose}\n{sitting_id.hex()}\n{secballot.__version__}\n".encode()

    def recall(self) -> bytes | None:
        """Return what was kept, None if nothing was.

        Raises:
            StoreError: the file was not written with this key for this purpose, sitting and version; file or key
                cannot be read; or the key is not this user's alone.
        """
        try:
            data = read_file(self._path, _MAX_BYTES)
        except MissingFileError:
            return None
        start = len(_MAGIC) + _CODE_BYTES
        code, content = data[len(_MAGIC) : start], data[start:]
        if not data.startswith(_MAGIC) or not hmac.compare_digest(code, self._code(self._key(), content)):
            raise StoreError(
                "the file of verified state is not one that was kept here of this log by this version;"
                " remove it to verify from the first entry"
            )
        return content

    def keep(self, content: bytes) -> None:
        """Keep this in place of what was kept before, durably.

        Raises:
            StoreError: the disk does not take it, or the key cannot be read.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._key_path.exists():
                self._make_key()
            data = _MAGIC + self._code(self._key(), content) + content
            replace_file(self._path, data, unfinished(self._path))
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreError(f"what was verified cannot be kept: {explain_disk(error)}") from error

    def forget(self) -> None:
        """Remove what was kept, if anything was.

        Raises:
            StoreError: the file cannot be removed.
        """
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"the file of verified state cannot be removed: {explain_disk(error)}") from error

    def _code(self, key: bytes, content: bytes) -> bytes:
        code = hmac.new(key, _MAGIC + self._label, "sha256")
        code.update(content)
        return code.digest()

    def _key(self) -> bytes:
        """Return the key, if nobody but this user can have put it there."""
        try:
            with open(self._key_path, "rb", opener=_open_itself) as file:
                status, key = os.fstat(file.fileno()), file.read(_KEY_BYTES + 1)
        except FileNotFoundError:
            status, key = None, b""
        except OSError as error:
            raise StoreError(f"the key of the file of verified state cannot be read: {explain_disk(error)}") from error
        if len(key) != _KEY_BYTES:
            raise StoreError("the key of the file of verified state is missing or garbled; remove both files")
        if os.name == "posix" and status and (status.st_uid != os.geteuid() or status.st_mode & 0o077):
            raise StoreError(
                "the key of the file of verified state is not this user's alone (mode 0600): anybody could have written"
                " both; remove both files to verify from the first entry"
            )
        return key

    def _make_key(self) -> None:
        """Write a fresh key; if another process was quicker, its key is the one."""
        try:
            descriptor = os.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())


def _open_itself(path: str, flags: int) -> int:
    """Open a file that is no link, without waiting for a named pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
