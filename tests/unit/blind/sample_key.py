"""One registrar's key and one issuance under it, made once for the tests of this folder."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import gmpy2

from secballot.blind import MODULUS_BYTES, BlindSecretKey, blind, blind_sign, derive_r, finalize, prepare

if TYPE_CHECKING:
    from collections.abc import Callable


def stream_of(seed: bytes) -> Callable[[int], bytes]:
    """Return a stream of uniform blocks as `derive_r` takes it."""
    return lambda counter: hashlib.shake_256(seed + bytes([counter])).digest(MODULUS_BYTES)


def prime(bits: int, *, modulo: tuple[int, int] = (1, 0), seed: bytes = b"") -> int:
    """Return a prime with its two top bits set and p ≡ residue modulo the first of the pair."""
    modulus, residue = modulo
    candidate = int.from_bytes(hashlib.shake_256(seed + b"prime").digest(bits // 8), "big") | 3 << (bits - 2)
    candidate += (residue - candidate) % modulus
    while not gmpy2.is_prime(candidate):
        candidate += modulus
    return candidate


SECRET = BlindSecretKey.generate()
PUBLIC = SECRET.public_key
N = PUBLIC.n
PREPARED = prepare(bytes(range(32)), bytes(64))
SALT = bytes(range(48))
R = derive_r(PUBLIC, stream_of(b"r"))
BLINDED, INVERSE = blind(PUBLIC, PREPARED, salt=SALT, r=R)
BLIND_SIGNATURE = blind_sign(SECRET, BLINDED)
SIGNATURE = finalize(PUBLIC, PREPARED, BLIND_SIGNATURE, INVERSE)
