"""RSASSA-PSS verification, and what SPEC.md asks of a registrar's modulus."""

from __future__ import annotations

import hashlib
import hmac
import math
from functools import lru_cache

EXPONENT = 65537
MODULUS_BITS = 3072
SMALL_PRIME_LIMIT = 1 << 16
MILLER_RABIN_ROUNDS = 64


def _mgf1(hash_name: str, seed: bytes, size: int) -> bytes:
    output = b""
    counter = 0
    while len(output) < size:
        output += hashlib.new(hash_name, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return output[:size]


def pss_verifies(
    modulus: int, exponent: int, message: bytes, signature: bytes, *, salt_size: int = 48, hash_name: str = "sha384"
) -> bool:
    """Tell whether an RSASSA-PSS signature (RFC 8017 §8.1.2, MGF1 of the same hash) verifies."""
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus:
        return False
    em_bits = modulus.bit_length() - 1
    em_size = (em_bits + 7) // 8
    opened = pow(number, exponent, modulus)
    if opened.bit_length() > 8 * em_size:
        return False
    em = opened.to_bytes(em_size, "big")
    hashed = hashlib.new(hash_name, message).digest()
    if em_size < len(hashed) + salt_size + 2 or em[-1] != 0xBC:
        return False
    masked, h = em[: em_size - len(hashed) - 1], em[em_size - len(hashed) - 1 : -1]
    unused = 8 * em_size - em_bits
    if masked[0] >> 8 - unused:
        return False
    mask = _mgf1(hash_name, h, len(masked))
    db = bytes(a ^ b for a, b in zip(masked, mask, strict=True))
    db = bytes([db[0] & 0xFF >> unused]) + db[1:]
    zeros = len(db) - salt_size - 1
    if db[:zeros] != bytes(zeros) or db[zeros] != 1:
        return False
    return hmac.compare_digest(h, hashlib.new(hash_name, bytes(8) + hashed + db[zeros + 1 :]).digest())


@lru_cache(maxsize=1)
def _small_primes_product() -> int:
    sieve = bytearray([1]) * SMALL_PRIME_LIMIT
    for n in range(2, 256):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, SMALL_PRIME_LIMIT, n)))
    return math.prod(n for n in range(2, SMALL_PRIME_LIMIT) if sieve[n])


def _root(number: int, degree: int) -> int:
    """Return the largest integer whose power of this degree is at most the number."""
    guess = 1 << -(-number.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + number // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def is_perfect_power(number: int) -> bool:
    """Tell whether the number is a^k for some k ≥ 2."""
    return any(_root(number, k) ** k == number for k in range(2, number.bit_length() + 1))


def is_prime(number: int) -> bool:
    """Tell whether an odd number above 2 passes Miller–Rabin, with bases that depend on all of it."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    width = (number.bit_length() + 7) // 8
    for i in range(MILLER_RABIN_ROUNDS):
        seed = hashlib.sha512(number.to_bytes(width, "big") + bytes([i])).digest()
        x = pow(2 + int.from_bytes(_mgf1("sha512", seed, width), "big") % (number - 3), odd, number)
        if x in {1, number - 1}:
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


@lru_cache(maxsize=10_000)
def modulus_is_right(modulus: int) -> bool:
    """Tell whether a modulus meets REG-02."""
    return (
        modulus.bit_length() == MODULUS_BITS
        and modulus % 2 == 1
        and math.gcd(modulus, _small_primes_product()) == 1
        and not is_perfect_power(modulus)
        and not is_prime(modulus)
    )
