"""Ed25519 with SPEC.md's rule of acceptance: prime-order keys, canonical encodings, no cofactor."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from .edwards import (
    IDENTITY,
    ORDER,
    Point,
    compress,
    decompress,
    multiply,
    multiply_base,
    same_point,
    subtract,
    times_order,
)


@lru_cache(maxsize=100_000)
def public_point(key: bytes) -> Point | None:
    """Return the point of an acceptable public key (prime order, canonical, not the identity), or None."""
    point = decompress(key)
    if point is None or same_point(point, IDENTITY) or not same_point(times_order(point), IDENTITY):
        return None
    return point


def acceptable(key: bytes) -> bool:
    """Tell whether a public key is acceptable."""
    return public_point(key) is not None


@lru_cache(maxsize=100_000)
def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a 64-byte signature verifies under an acceptable key."""
    point = public_point(key)
    if point is None or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    r = subtract(multiply_base(s), multiply(k, point))
    return not same_point(r, IDENTITY) and compress(r) == signature[:32]


def _expand(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    number = int.from_bytes(digest[:32], "little")
    return number & ((1 << 254) - 8) | 1 << 254, digest[32:]


def public_key(seed: bytes) -> bytes:
    """Return the public key of a 32-byte seed (for records made in tests)."""
    return compress(multiply_base(_expand(seed)[0]))


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the RFC 8032 signature of a message (for records made in tests)."""
    secret, prefix = _expand(seed)
    key = compress(multiply_base(secret))
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % ORDER
    commitment = compress(multiply_base(r))
    k = int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little") % ORDER
    return commitment + ((r + k * secret) % ORDER).to_bytes(32, "little")
