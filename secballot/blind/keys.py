"""RSA keys of registrars, and the sizes that the protocol insists on.

Powers with secret bases or exponents run in constant time (`powmod_sec`). What the remaining arithmetic of Python and
GMP shows to a clock on the same machine is not claimed.

Source: SPEC.md#registrar-keys; RFC 9474 §4, §7.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import gmpy2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secballot.errors import EncodingError, InvalidSignatureError, NonCanonicalError, ProtocolError
from secballot.randomness import random_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

EXPONENT: Final = 65537
"""The public exponent of every key."""

MODULUS_BYTES: Final = 384
"""Bytes of a modulus, a blinded message and a signature."""

SALT_BYTES: Final = 48
"""Bytes of the PSS salt."""

RANDOMIZER_BYTES: Final = 32
"""Bytes of the message randomizer."""

MESSAGE_BYTES: Final = 64
"""Bytes of the message: one SHA-512 hash."""

_DRAWS: Final = 32
"""Most draws of a blinding factor; two of random bytes are never needed for a modulus of two large primes."""

_SMALLEST_MODULUS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Suite:
    """The sizes of one variant of RFC 9474 with SHA-384; the protocol knows `PROFILE` alone.

    Attributes:
        modulus_bits: exact bit length of the modulus.
        salt_bytes: exact length of the PSS salt.
        prepared_bytes: exact length of a prepared message, or None for any.
    """

    modulus_bits: int
    salt_bytes: int
    prepared_bytes: int | None

    def check(self, public_key: BlindPublicKey, prepared_message: bytes | None = None) -> None:
        """Check that key and prepared message have the sizes of this suite.

        Raises:
            InvalidSignatureError: the modulus has another bit length, or e is not 65537.
            EncodingError: the prepared message has another length.
        """
        if public_key.n.bit_length() != self.modulus_bits or public_key.e != EXPONENT:
            raise InvalidSignatureError(f"RSA key is not of {self.modulus_bits} bits with exponent {EXPONENT}")
        if prepared_message is None or self.prepared_bytes is None:
            return
        if len(prepared_message) != self.prepared_bytes:
            raise EncodingError(f"prepared message is not of {self.prepared_bytes} bytes")


PROFILE: Final = Suite(8 * MODULUS_BYTES, SALT_BYTES, RANDOMIZER_BYTES + MESSAGE_BYTES)
"""RSABSSA-SHA384-PSS-Randomized as this protocol uses it."""


@dataclass(frozen=True, slots=True)
class BlindPublicKey:
    """A registrar's public key for one poll and class; a value.

    Attributes:
        n: the modulus, odd.
        e: the public exponent; 65537 in the protocol.
    """

    n: int
    e: int = EXPONENT

    def __post_init__(self) -> None:
        """Refuse what no arithmetic modulo n can be done with."""
        if self.n < _SMALLEST_MODULUS or not self.n & 1:
            raise InvalidSignatureError("RSA modulus is even or tiny")

    @property
    def size(self) -> int:
        """Bytes of the modulus."""
        return -(-self.n.bit_length() // 8)

    def encode(self) -> bytes:
        """Return the modulus, big-endian; 384 bytes in the protocol."""
        return self.n.to_bytes(self.size, "big")

    @classmethod
    def decode(cls, data: bytes) -> BlindPublicKey:
        """Return the key of a 384-byte modulus; `check_public_key` tells whether to trust it.

        Raises:
            EncodingError: not 384 bytes.
            InvalidSignatureError: even, or not of exactly 3072 bits.
        """
        if len(data) != MODULUS_BYTES:
            raise EncodingError(f"{len(data)} bytes where a modulus of {MODULUS_BYTES} belongs")
        key = cls(int.from_bytes(data, "big"))
        PROFILE.check(key)
        return key


class BlindSecretKey:
    """A registrar's secret key. It shows nothing of itself, and can be neither pickled nor copied."""

    __slots__ = ("_dp", "_dq", "_p", "_q", "_qinv", "public_key")

    def __init__(self, p: int, q: int, e: int = EXPONENT) -> None:
        """Hold the key of two different odd primes.

        Raises:
            EncodingError: e has no inverse modulo p − 1 or q − 1, or the primes are equal.
        """
        self.public_key = BlindPublicKey(p * q, e)
        self._p, self._q = gmpy2.mpz(p), gmpy2.mpz(q)
        try:
            self._dp, self._dq = gmpy2.invert(e, p - 1), gmpy2.invert(e, q - 1)
            self._qinv = gmpy2.invert(q, p)
        except ZeroDivisionError as error:
            raise EncodingError("primes do not make an RSA key with this exponent") from error

    @classmethod
    def generate(cls) -> BlindSecretKey:
        """Return a fresh 3072-bit key from the system's randomness."""
        numbers = rsa.generate_private_key(EXPONENT, PROFILE.modulus_bits).private_numbers()
        return cls(numbers.p, numbers.q)

    def encode_private(self) -> bytes:
        """Return the key as unencrypted PKCS #8 DER: secret bytes, for storage under encryption."""
        p, q, e = int(self._p), int(self._q), self.public_key.e
        d = int(gmpy2.invert(e, gmpy2.lcm(p - 1, q - 1)))
        public = rsa.RSAPublicNumbers(e, self.public_key.n)
        numbers = rsa.RSAPrivateNumbers(p, q, d, int(self._dp), int(self._dq), int(self._qinv), public)
        # The numbers are this object's own; what comes in from elsewhere is checked when it is decoded.
        return numbers.private_key(unsafe_skip_rsa_key_validation=True).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @classmethod
    def decode_private(cls, data: bytes) -> BlindSecretKey:
        """Return the key that `encode_private` wrote.

        Raises:
            EncodingError: not an RSA key in PKCS #8 DER, or not of the profile.
            NonCanonicalError: such a key in another spelling.
        """
        try:
            loaded = serialization.load_der_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise EncodingError("not a private key in PKCS #8 DER") from error
        if not isinstance(loaded, rsa.RSAPrivateKey) or loaded.key_size != PROFILE.modulus_bits:
            raise EncodingError(f"not an RSA key of {PROFILE.modulus_bits} bits")
        numbers = loaded.private_numbers()
        key = cls(numbers.p, numbers.q)
        if key.encode_private() != data:
            raise NonCanonicalError("RSA key has another exponent or another spelling")
        return key

    def power(self, base: int, rng: Callable[[int], bytes]) -> int:
        """Return base^d mod n, after checking it: x^e = base. The work is on a fresh random multiple of the base.

        Raises:
            ProtocolError: the result was wrong, as a fault makes it, or `rng` is broken; nothing of it is shown.
        """
        n, e = self.public_key.n, self.public_key.e
        factor, factor_inverse = _random_unit(n, rng)
        blinded = base * gmpy2.powmod_sec(factor, e, n) % n
        at_p = gmpy2.powmod_sec(blinded % self._p, self._dp, self._p)
        at_q = gmpy2.powmod_sec(blinded % self._q, self._dq, self._q)
        # Garner: x = x_q + q · (q^-1 · (x_p − x_q) mod p)
        root = (at_q + self._q * (self._qinv * (at_p - at_q) % self._p)) * factor_inverse % n
        # One wrong half would hand out a factor of n (Boneh, DeMillo, Lipton), so nothing leaves unchecked.
        if gmpy2.powmod(root, e, n) != base:
            raise ProtocolError("private RSA operation went wrong; nothing was released")
        return int(root)

    def __repr__(self) -> str:
        """Show nothing but the size."""
        return f"BlindSecretKey(<redacted>, {self.public_key.n.bit_length()} bits)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled or copied: a secret leaves this object by `encode_private` alone."""
        raise TypeError("a blind signing key cannot be pickled or copied")


def _random_unit(n: int, rng: Callable[[int], bytes]) -> tuple[int, int]:
    """Return a uniform unit modulo n and its inverse, inverted under a second random factor."""
    size = n.bit_length() // 8 + 16
    for _ in range(_DRAWS):
        drawn = random_bytes(size, rng), random_bytes(size, rng)
        unit, mask = (int.from_bytes(data, "big") % n for data in drawn)
        if unit > 1 and gmpy2.gcd(unit * mask, n) == 1:
            return unit, int(mask * gmpy2.invert(unit * mask, n) % n)
    raise ProtocolError("the source of randomness is broken: it gives no unit")
