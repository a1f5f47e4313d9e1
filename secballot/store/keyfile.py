r"""Key files: one Ed25519 key under a passphrase, in a file that only its owner can read.

    secballot-key ed25519 base64(public key)\n                           of no role in particular, or
    secballot-key ed25519 base64(public key) <role> <sitting>\n          64 hexadecimal digits, or - as long as unknown
    sealed bytes

The first line says whose key it is without the passphrase, and the sealed part is bound to it: a key of one role or
sitting cannot be passed off as another's. The sitting of a party's key is unknown when the key is made, since the
manifest that names the key comes later; it is added once, when the party first takes part.

Source: SPEC.md#sealing.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secballot.encoding import b64decode, b64encode
from secballot.errors import EncodingError, StoreError
from secballot.sealing import COST_DEFAULT, Cost, open_with_passphrase, seal_with_passphrase, sealed_cost
from secballot.signing import SigningKey, VerifyKey
from secballot.store.folder import read_file
from secballot.store.syncing import sync_folder
from secballot.store.unfinished import unfinished

_MAGIC: Final = b"secballot-key ed25519 "
_MAX_BYTES: Final = 4_096
_KEY_BYTES: Final = 32
_OWNER: Final = re.compile(r"\A([a-z]{1,20}) ([0-9a-f]{64}|-)\Z")


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whose key a file holds.

    Attributes:
        role: such as `trustee`: 1 to 20 lower-case letters.
        sitting: the sitting_id, 32 bytes, or None as long as it is unknown.
    """

    role: str
    sitting: bytes | None = None

    def encode(self) -> str:
        """Return both as the file's first line has them."""
        return f"{self.role} {'-' if self.sitting is None else self.sitting.hex()}"


def write_key(
    path: str | Path, key: SigningKey, passphrase: str, cost: Cost = COST_DEFAULT, *, holder: KeyHolder | None = None
) -> None:
    """Write a key into a new file of mode 0600, durably.

    Raises:
        StoreError: there is a file already, or the disk does not take it.
        EncodingError: the passphrase is empty or no Unicode text.
    """
    write_private(path, _encode(key, passphrase, cost, holder))


def write_private(path: str | Path, data: bytes) -> None:
    """Write what holds a sealed key into a new file of mode 0600, durably.

    Raises:
        StoreError: there is a file already, or the disk does not take it.
    """
    path = Path(path)
    try:
        _write_new(path, data)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise StoreError("there is a file of this name already, and a key is never overwritten") from error
    except OSError as error:
        raise StoreError("the key file cannot be written") from error


def read_private(path: str | Path) -> bytes:
    """Return the bytes of a key file that only its owner can read.

    Raises:
        StoreError: it cannot be read, or others than its owner may read or write it.
    """
    path = Path(path)
    data = read_file(path, _MAX_BYTES)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise StoreError("others than its owner may read or write the key file; it should have mode 0600")
    return data


def bind_key(path: str | Path, passphrase: str, holder: KeyHolder) -> None:
    """Write the sitting into the file of a key whose sitting is unknown so far, atomically; else change nothing.

    Raises:
        StoreError: as `read_key`, or the disk does not take it.
        EncodingError: not a key file.
    """
    path = Path(path)
    key = read_key(path, passphrase, holder)
    known = read_holder(path)
    if known is None or known.sitting is not None:
        return
    fresh = unfinished(path)
    try:
        _write_new(fresh, _encode(key, passphrase, read_cost(path), holder))
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError("the key file cannot be written") from error


def read_public_key(path: str | Path) -> bytes:
    """Return the public half of a key file's key, 32 bytes, as the file claims it.

    Raises:
        StoreError: it cannot be read.
        EncodingError: not a key file.
    """
    return _split(read_file(Path(path), _MAX_BYTES))[0]


def read_holder(path: str | Path) -> KeyHolder | None:
    """Return role and sitting as the file claims them, None if it is of no role in particular.

    Raises:
        StoreError: it cannot be read.
        EncodingError: not a key file.
    """
    return _split(read_file(Path(path), _MAX_BYTES))[1]


def read_cost(path: str | Path) -> Cost:
    """Return at which cost a key file was sealed.

    Raises:
        StoreError: it cannot be read.
        EncodingError: not a key file.
    """
    return sealed_cost(_split(read_file(Path(path), _MAX_BYTES))[3])


def read_key(path: str | Path, passphrase: str, holder: KeyHolder | None = None) -> SigningKey:
    """Return the key in a file.

    Args:
        path: of the file.
        passphrase: its own.
        holder: role and sitting that the key is asked for, None for any. A file whose sitting is unknown so far is for
            any sitting.

    Raises:
        StoreError: it cannot be read, others than its owner may read it, it is of another role or sitting, or the
            passphrase is wrong.
        EncodingError: not a key file.
    """
    public, held, header, sealed = _split(read_private(path))
    if holder is not None:
        _check_holder(held, holder)
    key = SigningKey(open_with_passphrase(sealed, passphrase, header=header))
    if key.verify_key != VerifyKey(public):
        raise StoreError("the key file's first line names another key")
    return key


def _check_holder(held: KeyHolder | None, wanted: KeyHolder) -> None:
    if held is None or held.role != wanted.role:
        role = "no role" if held is None else held.role
        raise StoreError(f"the key file was made for {role}, and a {wanted.role}'s is asked for")
    if wanted.sitting is not None and held.sitting not in (None, wanted.sitting):
        raise StoreError("the key file was made for another sitting")


def _encode(key: SigningKey, passphrase: str, cost: Cost, holder: KeyHolder | None) -> bytes:
    public = b64encode(key.verify_key.encode())
    line = public if holder is None else f"{public} {holder.encode()}"
    header = _MAGIC + line.encode() + b"\n"
    return header + seal_with_passphrase(key.encode_private(), passphrase, header=header, cost=cost)


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _split(data: bytes) -> tuple[bytes, KeyHolder | None, bytes, bytes]:
    """Return public key, holder, first line and sealed part."""
    line, newline, sealed = data.partition(b"\n")
    if not newline or not line.startswith(_MAGIC) or not line.isascii():
        raise EncodingError("not a key file")
    public, space, owner = line.removeprefix(_MAGIC).decode("ascii").partition(" ")
    found = _OWNER.match(owner)
    if space and found is None:
        raise EncodingError("not a key file")
    holder = None
    if found is not None:
        holder = KeyHolder(found[1], None if found[2] == "-" else bytes.fromhex(found[2]))
    return b64decode(public, _KEY_BYTES), holder, line + newline, sealed
