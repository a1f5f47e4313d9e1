r"""A file of secrets that changes often: replaced whole, under a key that the passphrase opens once.

    secballot-wallet delegate base64(16 random bytes)\n
    key slot: 32 random bytes under the passphrase, 106 bytes
    nonce (24 bytes) | XChaCha20-Poly1305(key, contents), bound to the first line and the slot

The first line says what the file is and whose role it serves; its random name binds slot and contents to this one
file, so that no part of another can be put in their place. It names neither key nor sitting: whoever finds the file
learns from it only that somebody votes.

- Every change is made under a lock, on the contents as they are on disk then, and is durable before it is seen.
- What was there before is gone from the folder after a change, also what a killed process left unfinished.

Source: SPEC.md#sealing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.encoding import b64encode
from secballot.errors import EncodingError, InvalidShareError, StoreError
from secballot.randomness import random_bytes
from secballot.sealing import (
    COST_DEFAULT,
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    Cost,
    open_share,
    open_with_passphrase,
    seal_share,
    seal_with_passphrase,
)
from secballot.store.folder import read_file
from secballot.store.locking import locked
from secballot.store.syncing import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

MAX_BYTES: Final = 64 << 20
"""Most bytes of a file."""

_NAME_BYTES: Final = 16
_SLOT_BYTES: Final = 106
_FIRST_LINE: Final = re.compile(rb"secballot-wallet ([a-z]{1,20}) [A-Za-z0-9+/]{22}==\n")
_WRONG: Final = "the passphrase is wrong, or the file was changed"


class Lockbox:
    """An open file of secrets. It shows nothing of them, and several processes may hold the same file open."""

    __slots__ = ("_header", "_key", "_path", "_slot")

    def __init__(self, path: Path, header: bytes, slot: bytes, key: bytes) -> None:
        """Hold an opened file; use `create` or `open`."""
        self._path, self._header, self._slot, self._key = path, header, slot, key

    def __repr__(self) -> str:
        """Show nothing of what is inside."""
        return "Lockbox(<redacted>)"

    @classmethod
    def create(cls, path: str | Path, role: str, contents: bytes, passphrase: str, cost: Cost = COST_DEFAULT) -> Self:
        """Write contents into a new file of mode 0600, durably, and return it open.

        Args:
            path: of a file that is not there.
            role: whose secrets these are, 1..20 letters a-z.
            contents: any bytes.
            passphrase: not empty.
            cost: of one guess at the passphrase.

        Raises:
            StoreError: there is a file already, or the disk does not take it.
            EncodingError: the passphrase is empty or no Unicode text.
        """
        path = Path(path)
        header = b"secballot-wallet " + role.encode() + b" " + b64encode(random_bytes(_NAME_BYTES)).encode() + b"\n"
        key = random_bytes(KEY_BYTES)
        box = cls(path, header, seal_with_passphrase(key, passphrase, header=header, cost=cost), key)
        data = box._sealed(contents)
        with locked(box._lock):
            try:
                _write(path, data, os.O_EXCL)
            except FileExistsError as error:
                raise StoreError("there is a file of this name already, and a wallet is never overwritten") from error
            except OSError as error:
                raise StoreError("the file cannot be written") from error
        return box

    @classmethod
    def open(cls, path: str | Path, role: str, passphrase: str) -> Self:
        """Return the file, opened.

        Raises:
            StoreError: it cannot be read, others than its owner may read it, it is of another role, or the passphrase
                is wrong, or the file was changed: which of these two, nobody can tell.
            EncodingError: no such file at all, or no passphrase.
        """
        # A change replaces what has the name: through a link, the old contents would stay, and be a second wallet.
        path = Path(os.path.realpath(path))
        header, slot, sealed = _parts(read_file(path, MAX_BYTES))
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise StoreError("others than its owner may read or write the file; it should have mode 0600")
        found = _FIRST_LINE.fullmatch(header)
        if found is None or found[1] != role.encode():
            raise StoreError(f"the file belongs to another role than {role}")
        try:
            key = open_with_passphrase(slot, passphrase, header=header)
        except EncodingError as error:
            if not passphrase:
                raise
            raise StoreError(_WRONG) from error
        except StoreError as error:
            if "memory" in error.message:
                raise
            raise StoreError(_WRONG) from error
        box = cls(path, header, slot, key)
        box._opened(sealed)
        return box

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def read(self) -> bytes:
        """Return the contents as they are on disk now.

        Raises:
            StoreError: the file cannot be read, or is another one now.
        """
        try:
            header, slot, sealed = _parts(read_file(self._path, MAX_BYTES))
        except EncodingError as error:
            raise StoreError("the file was changed while it was in use") from error
        if (header, slot) != (self._header, self._slot):
            raise StoreError("the file was changed while it was in use")
        return self._opened(sealed)

    def update(self, change: Callable[[bytes], bytes]) -> bytes:
        """Replace the contents by what a function makes of them, and return the new ones once they are durable.

        No other process changes the file meanwhile. Where the function raises, the file stays as it is.

        Args:
            change: from the contents on disk to the new ones.

        Raises:
            StoreError: the file cannot be read or written.
        """
        with locked(self._lock):
            try:
                # What a killed process has left may hold what was erased since.
                self._unfinished.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError("the file cannot be written") from error
            contents = change(self.read())
            data = self._sealed(contents)
            try:
                _write(self._unfinished, data, os.O_EXCL)
                # From here on, either the old contents are found, or the new ones.
                self._unfinished.replace(self._path)
                sync_folder(self._path.parent)
            except OSError as error:
                raise StoreError("the file cannot be written") from error
        return contents

    @property
    def _lock(self) -> Path:
        return self._path.with_name(f".{self._path.name}.lock")

    @property
    def _unfinished(self) -> Path:
        return self._path.with_name(f".{self._path.name}.new")

    def _sealed(self, contents: bytes) -> bytes:
        nonce = random_bytes(NONCE_BYTES)
        sealed = seal_share(self._key, nonce, contents, self._header + self._slot)
        data = self._header + self._slot + nonce + sealed
        if len(data) > MAX_BYTES:
            raise StoreError("the file would become too large")
        return data

    def _opened(self, sealed: bytes) -> bytes:
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return open_share(self._key, nonce, ciphertext, self._header + self._slot)
        except InvalidShareError as error:
            raise StoreError(_WRONG) from error


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return first line, key slot, and nonce with ciphertext."""
    line, newline, rest = data.partition(b"\n")
    header = line + newline
    if _FIRST_LINE.fullmatch(header) is None or len(rest) < _SLOT_BYTES + NONCE_BYTES + TAG_BYTES:
        raise EncodingError("not a wallet file")
    return header, rest[:_SLOT_BYTES], rest[_SLOT_BYTES:]
