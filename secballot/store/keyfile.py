r"""Key files: one Ed25519 key under a passphrase, in a file that only its owner can read.

    secballot-key ed25519 base64(public key)\n
    sealed bytes

The first line says whose key it is without the passphrase, and the sealed part is bound to it.

Source: SPEC.md#sealing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from secballot.encoding import b64decode, b64encode
from secballot.errors import EncodingError, StoreError
from secballot.sealing import COST_DEFAULT, Cost, open_with_passphrase, seal_with_passphrase
from secballot.signing import SigningKey, VerifyKey
from secballot.store.folder import read_file
from secballot.store.syncing import sync_folder

_MAGIC: Final = b"secballot-key ed25519 "
_MAX_BYTES: Final = 4_096
_KEY_BYTES: Final = 32


def write_key(path: str | Path, key: SigningKey, passphrase: str, cost: Cost = COST_DEFAULT) -> None:
    """Write a key into a new file of mode 0600, durably.

    Raises:
        StoreError: there is a file already, or the disk does not take it.
        EncodingError: the passphrase is empty or no Unicode text.
    """
    header = _MAGIC + b64encode(key.verify_key.encode()).encode() + b"\n"
    data = header + seal_with_passphrase(key.encode_private(), passphrase, header=header, cost=cost)
    path = Path(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except FileExistsError as error:
        raise StoreError("there is a file of this name already, and a key is never overwritten") from error
    except OSError as error:
        raise StoreError("the key file cannot be written") from error


def read_public_key(path: str | Path) -> bytes:
    """Return the public half of a key file's key, 32 bytes, as the file claims it.

    Raises:
        StoreError: it cannot be read.
        EncodingError: not a key file.
    """
    return _split(read_file(Path(path), _MAX_BYTES))[0]


def read_key(path: str | Path, passphrase: str) -> SigningKey:
    """Return the key in a file.

    Raises:
        StoreError: it cannot be read, others than its owner may read it, or the passphrase is wrong.
        EncodingError: not a key file.
    """
    path = Path(path)
    data = read_file(path, _MAX_BYTES)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise StoreError("others than its owner may read or write the key file; it should have mode 0600")
    public, header, sealed = _split(data)
    key = SigningKey(open_with_passphrase(sealed, passphrase, header=header))
    if key.verify_key != VerifyKey(public):
        raise StoreError("the key file's first line names another key")
    return key


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return public key, first line and sealed part."""
    line, newline, sealed = data.partition(b"\n")
    if not newline or not line.startswith(_MAGIC) or not line.isascii():
        raise EncodingError("not a key file")
    return b64decode(line.removeprefix(_MAGIC).decode("ascii"), _KEY_BYTES), line + newline, sealed
