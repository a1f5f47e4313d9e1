"""Sealed bytes: ceremony shares under a shared key, and key files under a passphrase.

Both are XChaCha20-Poly1305 with associated data. A key file is::

    "secballot-sealed" | version 1 (1 byte) | cost (1 byte) | salt (16 bytes) | nonce (24 bytes) | ciphertext | tag (16)

where everything before the ciphertext, followed by the caller's header, is the associated data, and the key is
Argon2id(passphrase in NFC and UTF-8, salt) at the cost that the byte names. The costs themselves are constants of this
module, so no file can ask for more memory than these or for a key that is cheap to guess.

Source: SPEC.md#sealing; RFC 8439 and draft-irtf-cfrg-xchacha-03; RFC 9106; RFC 5869.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl import bindings
from nacl.exceptions import CryptoError

from secballot.errors import EncodingError, InvalidShareError, StoreError
from secballot.randomness import random_bytes

KEY_BYTES: Final = 32
"""Bytes of an XChaCha20-Poly1305 key."""

NONCE_BYTES: Final = 24
"""Bytes of an XChaCha20-Poly1305 nonce."""

TAG_BYTES: Final = 16
"""Bytes that sealing adds to a share."""

MAX_HKDF_BYTES: Final = 255 * 64
"""Most bytes that one HKDF-SHA512 call gives (RFC 5869 §2.3)."""

_MAGIC: Final = b"secballot-sealed\x01"
_SALT_BYTES: Final = 16
_PREFIX_BYTES: Final = len(_MAGIC) + 1 + _SALT_BYTES + NONCE_BYTES


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess at a passphrase costs: passes over the memory, and memory in bytes; one lane.

    Attributes:
        code: the byte that names this cost in a file.
        ops: Argon2id passes (t).
        mem: Argon2id memory in bytes, a multiple of 1024.
    """

    code: int
    ops: int
    mem: int


COST_SMALL: Final = Cost(1, 3, 64 << 20)
"""64 MiB, three passes: the low-memory choice of RFC 9106 §4, for small devices."""

COST_DEFAULT: Final = Cost(2, 3, 256 << 20)
"""256 MiB, three passes: about a second."""

COST_HIGH: Final = Cost(3, 4, 1 << 30)
"""1 GiB, four passes: for keys that are used seldom."""

_COSTS: Final = {cost.code: cost for cost in (COST_SMALL, COST_DEFAULT, COST_HIGH)}


def seal_share(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Return the plaintext encrypted and authenticated with the associated data; 16 bytes longer.

    Args:
        key: 32 bytes, used by no other protocol step.
        nonce: 24 bytes, never twice under one key for different plaintexts.
        plaintext: the share.
        associated: what the share is bound to; the receiver must hold the same bytes.

    Raises:
        ValueError: key or nonce of another length.

    Source: SPEC.md#sealing.
    """
    _check_key_and_nonce(key, nonce)
    return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, associated, nonce, key))


def open_share(key: bytes, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
    """Return the plaintext that `seal_share` sealed under exactly this key, nonce and associated data.

    Raises:
        InvalidShareError: the ciphertext was not sealed so.
        ValueError: key or nonce of another length.

    Source: SPEC.md#sealing.
    """
    _check_key_and_nonce(key, nonce)
    if len(ciphertext) < TAG_BYTES:  # PyNaCl would fail on a negative length
        raise InvalidShareError("sealed share is shorter than its tag")
    try:
        return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, associated, nonce, key))
    except CryptoError as error:
        raise InvalidShareError("sealed share does not open under its key") from error


def _check_key_and_nonce(key: bytes, nonce: bytes) -> None:
    """Check the lengths that the code of this library always gets right."""
    if (len(key), len(nonce)) != (KEY_BYTES, NONCE_BYTES):
        raise ValueError(f"key and nonce must be {KEY_BYTES} and {NONCE_BYTES} bytes")


def hkdf_sha512(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """Return that many bytes derived from the secret, independent for each salt and info.

    Args:
        secret: input key material.
        salt: any bytes; empty stands for 64 zero bytes.
        info: what the bytes are for; must be injective in everything that tells two uses apart.
        length: 1..16320 bytes.

    Raises:
        ValueError: the length is out of range.

    Source: RFC 5869.
    """
    if not 1 <= length <= MAX_HKDF_BYTES:
        raise ValueError(f"HKDF-SHA512 gives 1..{MAX_HKDF_BYTES} bytes")
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=info).derive(secret)


def argon2id(passphrase: bytes, salt: bytes, *, ops: int, mem: int, length: int) -> bytes:
    """Return the Argon2id version 1.3 hash with one lane, without secret key and associated data.

    Args:
        passphrase: any bytes.
        salt: 16 bytes.
        ops: passes, at least 1.
        mem: memory in bytes, at least 8192; counted in whole KiB.
        length: 16 bytes or more.

    Raises:
        StoreError: the memory is not to be had.

    Source: RFC 9106 §3.
    """
    try:
        return bytes(
            bindings.crypto_pwhash_alg(length, passphrase, salt, ops, mem, bindings.crypto_pwhash_ALG_ARGON2ID13)
        )
    except (CryptoError, MemoryError) as error:
        raise StoreError(f"Argon2id could not get {mem >> 20} MiB of memory") from error


def seal_with_passphrase(plaintext: bytes, passphrase: str, *, header: bytes, cost: Cost = COST_DEFAULT) -> bytes:
    """Return the key file's bytes: the plaintext under a key that only the passphrase gives.

    Salt and nonce are fresh, so no two files are alike.

    Args:
        plaintext: the secret bytes.
        passphrase: not empty; spellings that Unicode holds equal (NFC) are one passphrase.
        header: bytes stored beside the file that it is bound to, such as the kind of key and its public half.
        cost: one of the costs of this module.

    Raises:
        EncodingError: the passphrase is empty or no Unicode text.
        StoreError: the memory is not to be had.

    Source: SPEC.md#sealing.
    """
    if _COSTS.get(cost.code) != cost:
        raise ValueError("not one of the costs of this module")
    salt, nonce = random_bytes(_SALT_BYTES), random_bytes(NONCE_BYTES)
    prefix = _MAGIC + bytes([cost.code]) + salt + nonce
    key = _passphrase_key(passphrase, salt, cost)
    return prefix + bytes(bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, prefix + header, nonce, key))


def open_with_passphrase(sealed: bytes, passphrase: str, *, header: bytes) -> bytes:
    """Return the plaintext of a key file.

    Args:
        sealed: the file's bytes.
        passphrase: the one it was sealed with.
        header: the same bytes as at sealing.

    Raises:
        EncodingError: not a key file of this version, or one that asks for a cost other than those of this module.
        StoreError: a wrong passphrase, another header or a changed file: which, nobody can tell.

    Source: SPEC.md#sealing.
    """
    cost = sealed_cost(sealed)
    prefix, ciphertext = sealed[:_PREFIX_BYTES], sealed[_PREFIX_BYTES:]
    salt, nonce = prefix[-NONCE_BYTES - _SALT_BYTES : -NONCE_BYTES], prefix[-NONCE_BYTES:]
    key = _passphrase_key(passphrase, salt, cost)
    try:
        return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, prefix + header, nonce, key))
    except CryptoError as error:
        raise StoreError("the passphrase is wrong, or the key file was changed") from error


def sealed_cost(sealed: bytes) -> Cost:
    """Return the cost that a key file's bytes name.

    Raises:
        EncodingError: not a key file of this version, or one that names another cost than those of this module.
    """
    if len(sealed) < _PREFIX_BYTES + TAG_BYTES or not sealed.startswith(_MAGIC):
        raise EncodingError("not a sealed key file of this version")
    cost = _COSTS.get(sealed[len(_MAGIC)])
    if cost is None:
        raise EncodingError("sealed key file names an unknown cost", field="cost", offset=len(_MAGIC))
    return cost


def _passphrase_key(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """Return the 32-byte key of a passphrase at this salt and cost."""
    try:
        normalized = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError as error:
        # The cause would carry the passphrase, so it is cut off.
        error.object = ""
        raise EncodingError("passphrase is not Unicode text") from None
    if not normalized:
        raise EncodingError("passphrase is empty")
    return argon2id(normalized, salt, ops=cost.ops, mem=cost.mem, length=KEY_BYTES)
