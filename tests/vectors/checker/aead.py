"""XChaCha20-Poly1305 (IETF form), RFC 8439 and draft-irtf-cfrg-xchacha."""

from __future__ import annotations

import hmac
import struct

MASK = 0xFFFFFFFF
CONSTANTS = struct.unpack("<4L", b"expand 32-byte k")
ROUNDS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
POLY_PRIME = (1 << 130) - 5
POLY_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF


def _rotate(x: int, n: int) -> int:
    return (x << n | x >> 32 - n) & MASK


def _rounds(state: list[int]) -> list[int]:
    x = list(state)
    for _ in range(10):
        for a, b, c, d in ROUNDS:
            x[a] = x[a] + x[b] & MASK
            x[d] = _rotate(x[d] ^ x[a], 16)
            x[c] = x[c] + x[d] & MASK
            x[b] = _rotate(x[b] ^ x[c], 12)
            x[a] = x[a] + x[b] & MASK
            x[d] = _rotate(x[d] ^ x[a], 8)
            x[c] = x[c] + x[d] & MASK
            x[b] = _rotate(x[b] ^ x[c], 7)
    return x


def _block(key: bytes, counter: int, nonce: bytes) -> bytes:
    state = [*CONSTANTS, *struct.unpack("<8L", key), counter, *struct.unpack("<3L", nonce)]
    mixed = _rounds(state)
    return struct.pack("<16L", *((a + b) & MASK for a, b in zip(state, mixed, strict=True)))


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Return the 32-byte subkey of a key and 16 bytes of nonce."""
    mixed = _rounds([*CONSTANTS, *struct.unpack("<8L", key), *struct.unpack("<4L", nonce)])
    return struct.pack("<8L", *mixed[:4], *mixed[12:])


def _stream(key: bytes, nonce: bytes, data: bytes) -> bytes:
    blocks = (_block(key, 1 + i, nonce) for i in range((len(data) + 63) // 64))
    return bytes(a ^ b for a, b in zip(data, b"".join(blocks), strict=False))


def poly1305(key: bytes, message: bytes) -> bytes:
    """Return the 16-byte tag of a message under a 32-byte one-time key."""
    r = int.from_bytes(key[:16], "little") & POLY_CLAMP
    total = 0
    for start in range(0, len(message), 16):
        total = (total + int.from_bytes(message[start : start + 16] + b"\1", "little")) * r % POLY_PRIME
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def _tag(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    lengths = struct.pack("<QQ", len(associated), len(sealed))
    return poly1305(_block(key, 0, nonce)[:32], _padded(associated) + _padded(sealed) + lengths)


def seal(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes = b"") -> bytes:
    """Return ciphertext and tag."""
    subkey, short = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    sealed = _stream(subkey, short, plaintext)
    return sealed + _tag(subkey, short, sealed, associated)


def unseal(key: bytes, nonce: bytes, sealed: bytes, associated: bytes = b"") -> bytes | None:
    """Return the plaintext, or None if the tag is wrong."""
    subkey, short = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    body, tag = sealed[:-16], sealed[-16:]
    if len(sealed) < 16 or not hmac.compare_digest(tag, _tag(subkey, short, body, associated)):
        return None
    return _stream(subkey, short, body)
