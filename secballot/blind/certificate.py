"""The certificate of a registrar's key: proof that x ↦ x^e permutes the units modulo n.

If it did not, with e dividing p − 1 say, a random unit would have an e-th root with probability at most 1/e, and eight
hashed ones together with 2^-128.

Source: SPEC.md#registrar-keys; Goldberg, Reyzin, Sagga, Baldimtsi, ASIACRYPT 2019.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final

import gmpy2

from secballot.blind.keys import PROFILE, BlindPublicKey, BlindSecretKey, Suite
from secballot.errors import EncodingError, InvalidProofError, InvalidSignatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CERTIFICATE_ROOTS: Final = 8
"""Roots in a key's certificate: each leaves a bad key a chance of at most 2^-16."""

CERTIFICATE_HASH_BYTES: Final = 512
"""Bytes hashed for each certified element: 1024 bits over the modulus, so its residue is uniform."""

_SMALL_FACTOR_LIMIT: Final = 1 << 16


def certificate_element(expanded: bytes, n: int) -> int:
    """Return the element modulo n that 512 hashed bytes give, big-endian.

    Raises:
        ValueError: not 512 bytes.

    Source: SPEC.md#registrar-keys.
    """
    if len(expanded) != CERTIFICATE_HASH_BYTES:
        raise ValueError(f"a certified element is hashed to {CERTIFICATE_HASH_BYTES} bytes")
    return int.from_bytes(expanded, "big") % n


def certify(
    secret_key: BlindSecretKey, rho: Sequence[int], *, rng: Callable[[int], bytes] = os.urandom
) -> tuple[bytes, ...]:
    """Return the e-th roots of the hashed elements, the certificate of the key.

    Raises:
        ProtocolError: a fault in the private operation; nothing is released.

    Source: SPEC.md#registrar-keys.
    """
    size = secret_key.public_key.size
    return tuple(secret_key.power(element, rng).to_bytes(size, "big") for element in rho)


def check_public_key(
    public_key: BlindPublicKey, roots: Sequence[bytes], rho: Sequence[int], *, suite: Suite = PROFILE
) -> None:
    """Check that x ↦ x^e permutes the units modulo n, so that blinding under this key hides the message.

    Args:
        public_key: the key as posted.
        roots: eight e-th roots as posted, each as long as the modulus.
        rho: the eight elements, from `certificate_element`; the caller hashes them, never takes them from the record.
        suite: sizes to insist on.

    Raises:
        InvalidSignatureError: wrong size or exponent, prime, a perfect power, or a factor below 2^16.
        EncodingError: not eight roots, or one of another length.
        InvalidProofError: a root is not canonical or not the root of its element, or an element is no unit.

    Source: SPEC.md#registrar-keys; Goldberg, Reyzin, Sagga, Baldimtsi 2019, §3.
    """
    suite.check(public_key)
    n, e = public_key.n, public_key.e
    if gmpy2.is_prime(n) or gmpy2.is_power(n):
        raise InvalidSignatureError("RSA modulus is prime or a perfect power")
    if gmpy2.gcd(n, _small_primes()) != 1:
        raise InvalidSignatureError("RSA modulus has a prime factor below 65536")
    if len(rho) != CERTIFICATE_ROOTS:
        raise ValueError(f"a certificate stands on {CERTIFICATE_ROOTS} elements")
    if len(roots) != CERTIFICATE_ROOTS or any(len(root) != public_key.size for root in roots):
        raise EncodingError(f"certificate is not {CERTIFICATE_ROOTS} roots of {public_key.size} bytes")
    for index, element in enumerate(rho):
        sigma = int.from_bytes(roots[index], "big")
        if not 0 < sigma < n or gmpy2.gcd(element, n) != 1 or gmpy2.powmod(sigma, e, n) != element:
            raise InvalidProofError(f"root {index} of the key's certificate is wrong")


@cache
def _small_primes() -> int:
    """Return the product of all primes below 2^16."""
    return int(gmpy2.primorial(_SMALL_FACTOR_LIMIT - 1))


class ModuliProduct:
    """The moduli of a sitting so far, kept as their product: each new one costs one division."""

    def __init__(self) -> None:
        """Begin without any."""
        self._product = gmpy2.mpz(1)

    def encode(self) -> bytes:
        """Return the product, big-endian."""
        product = int(self._product)
        return product.to_bytes(-(-product.bit_length() // 8), "big")

    @classmethod
    def decode(cls, data: bytes) -> ModuliProduct:
        """Return the product that `encode` wrote."""
        product = cls()
        product._product = gmpy2.mpz(int.from_bytes(data, "big"))  # its own
        return product

    def check(self, modulus: int) -> None:
        """Check that a modulus shares no factor with any before it.

        Raises:
            InvalidSignatureError: it does.

        Source: SPEC.md#registrar-keys.
        """
        if gmpy2.gcd(self._product % modulus, modulus) != 1:
            raise InvalidSignatureError("the modulus shares a factor with that of another key")

    def add(self, modulus: int) -> None:
        """Count a modulus that passed the check among those before."""
        self._product *= modulus


def check_coprime(moduli: Sequence[int]) -> None:
    """Check that no two moduli share a factor: neither one key twice nor one prime in two keys.

    Raises:
        InvalidSignatureError: two do; the message names the indices of one such pair.

    Source: SPEC.md#registrar-keys.
    """
    if moduli:
        _coprime_product(moduli, 0, len(moduli))


def _coprime_product(moduli: Sequence[int], start: int, stop: int) -> int:
    """Return the product of a stretch of moduli, checked pairwise coprime by halves."""
    if stop - start == 1:
        return moduli[start]
    middle = (start + stop) // 2
    left, right = _coprime_product(moduli, start, middle), _coprime_product(moduli, middle, stop)
    if gmpy2.gcd(left, right) != 1:
        first = next(i for i in range(start, middle) if gmpy2.gcd(moduli[i], right) != 1)
        second = next(j for j in range(middle, stop) if gmpy2.gcd(moduli[first], moduli[j]) != 1)
        raise InvalidSignatureError(f"moduli {first} and {second} share a factor")
    return int(gmpy2.mpz(left) * right)
