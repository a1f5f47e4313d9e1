"""Blinding, signing, unblinding and verifying: the four operations of RFC 9474, with all randomness as arguments.

Source: SPEC.md#credentials; RFC 9474 §4; RFC 8017 §8.1, §9.1.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import gmpy2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384

from secballot.blind.keys import (
    EXPONENT,
    MESSAGE_BYTES,
    PROFILE,
    RANDOMIZER_BYTES,
    BlindPublicKey,
    BlindSecretKey,
    Suite,
)
from secballot.errors import EncodingError, InvalidSignatureError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ANSWER_DIGEST_BYTES: Final = 32
"""Bytes of what an answer is compared with."""

_REJECTION_LIMIT: Final = 1024
_SHA384: Final = SHA384()


def prepare(randomizer: bytes, message: bytes) -> bytes:
    """Return the prepared message: randomizer (32 bytes) ‖ message (64 bytes); fixed lengths make it unambiguous.

    Raises:
        EncodingError: either has another length.

    Source: RFC 9474 §4.1.
    """
    if (len(randomizer), len(message)) != (RANDOMIZER_BYTES, MESSAGE_BYTES):
        raise EncodingError(f"randomizer and message must be {RANDOMIZER_BYTES} and {MESSAGE_BYTES} bytes")
    return randomizer + message


def emsa_pss_encode(message: bytes, em_bits: int, salt: bytes, hash_name: str = "sha384") -> bytes:
    """Return the PSS encoding of the message, with MGF1 over the same hash.

    Args:
        message: any bytes.
        em_bits: bits of the encoding, one less than the modulus has.
        salt: fixed by the caller.
        hash_name: a name that hashlib knows.

    Raises:
        ValueError: em_bits leaves no room for hash and salt.

    Source: RFC 8017 §9.1.1.
    """
    message_hash = hashlib.new(hash_name, message).digest()
    em_size = -(-em_bits // 8)
    room = em_size - len(message_hash) - len(salt) - 2
    if room < 0:
        raise ValueError("modulus is too short for hash and salt")
    h = hashlib.new(hash_name, bytes(8) + message_hash + salt).digest()
    block = bytes(room) + b"\x01" + salt
    mask = b"".join(
        hashlib.new(hash_name, h + counter.to_bytes(4, "big")).digest() for counter in range(-(-len(block) // len(h)))
    )[: len(block)]
    masked = int.from_bytes(block, "big") ^ int.from_bytes(mask, "big")
    masked &= (1 << (em_bits - 8 * (em_size - len(block)))) - 1
    return masked.to_bytes(len(block), "big") + h + b"\xbc"


def derive_r(public_key: BlindPublicKey, stream: Callable[[int], bytes]) -> int:
    """Return r uniform among the units 1 < r < n, the first that the stream holds.

    Args:
        public_key: the key to blind under, already certified.
        stream: gives for each counter 0, 1, 2… as many secret uniform bytes as the modulus has.

    Raises:
        ValueError: the stream gives blocks of another length, or nothing usable in 1024 blocks.

    Source: SPEC.md#credentials; RFC 9474 §4.2, `random_integer_uniform`.
    """
    n = public_key.n
    for counter in range(_REJECTION_LIMIT):
        block = stream(counter)
        if len(block) != public_key.size:
            break
        candidate = int.from_bytes(block, "big") & ((1 << n.bit_length()) - 1)
        if 1 < candidate < n and gmpy2.gcd(candidate, n) == 1:
            return candidate
    raise ValueError("stream for the blinding factor is not a stream of uniform blocks")


def blind(
    public_key: BlindPublicKey, prepared_message: bytes, *, salt: bytes, r: int, suite: Suite = PROFILE
) -> tuple[bytes, int]:
    """Return the blinded message to send and the secret inverse of r to keep.

    Args:
        public_key: a key that passed `check_public_key`; an uncertified one may make the result tell the message.
        prepared_message: from `prepare`.
        salt: 48 bytes, secret, fresh for each message and key.
        r: from `derive_r`, secret, never twice.
        suite: sizes to insist on.

    Raises:
        InvalidSignatureError: the key is not of the suite.
        EncodingError: message or salt of another length.
        ValueError: r is no unit in 1 < r < n.

    Source: RFC 9474 §4.2; SPEC.md#credentials.
    """
    suite.check(public_key, prepared_message)
    if len(salt) != suite.salt_bytes:
        raise EncodingError(f"salt is not of {suite.salt_bytes} bytes")
    n = public_key.n
    if not (1 < r < n and gmpy2.gcd(r, n) == 1):
        raise ValueError("blinding factor is no unit")
    m = int.from_bytes(emsa_pss_encode(prepared_message, n.bit_length() - 1, salt), "big")
    if gmpy2.gcd(m, n) != 1:
        raise InvalidSignatureError("encoded message shares a factor with the modulus")
    z = m * gmpy2.powmod_sec(r, public_key.e, n) % n
    return int(z).to_bytes(public_key.size, "big"), int(gmpy2.invert(r, n))


def check_blinded(public_key: BlindPublicKey, blinded: bytes) -> int:
    """Check that a blinded message is a unit with 1 < b < n − 1, and return b.

    Raises:
        EncodingError: not as many bytes as the modulus has.
        VerificationError: out of range, or it shares a factor with n.

    Source: SPEC.md#credentials; RFC 9474 §4.3.
    """
    if len(blinded) != public_key.size:
        raise EncodingError(f"{len(blinded)} bytes where a blinded message of {public_key.size} belongs")
    b = int.from_bytes(blinded, "big")
    if not 1 < b < public_key.n - 1 or gmpy2.gcd(b, public_key.n) != 1:
        raise VerificationError("blinded message is out of range or no unit")
    return b


def check_all_blinded(public_key: BlindPublicKey, values: Sequence[bytes]) -> None:
    """Check that every one of these is what `check_blinded` lets pass; the error does not say which is not.

    A product is a unit exactly if all its factors are, so one common divisor is taken for all of them.

    Raises:
        EncodingError: one has another length.
        VerificationError: one is out of range, or shares a factor with n.

    Source: SPEC.md#credentials; RFC 9474 §4.3.
    """
    size, most = public_key.size, public_key.n - 1
    n, product = gmpy2.mpz(public_key.n), gmpy2.mpz(1)
    for value in values:
        if len(value) != size:
            raise EncodingError(f"{len(value)} bytes where a blinded message of {size} belongs")
        b = int.from_bytes(value, "big")
        if not 1 < b < most:
            raise VerificationError("blinded message is out of range")
        product = product * b % n
    if gmpy2.gcd(product, n) != 1:
        raise VerificationError("a blinded message is no unit")


def answer_digest(blinded: bytes) -> bytes:
    """Return 32 bytes that stand for a blinded message until it is answered: its SHA-256."""
    return hashlib.sha256(blinded).digest()


def check_root(public_key: BlindPublicKey, expected: bytes, signature: bytes) -> None:
    """Check that a blind signature answers a blinded message b: σ^e = b (mod n) with 0 < σ < n.

    Args:
        public_key: n and e.
        expected: `answer_digest` of b, which has as many bytes as the modulus.
        signature: σ, as many bytes.

    Raises:
        VerificationError: it does not.

    Source: SPEC.md#issues.
    """
    sigma = int.from_bytes(signature, "big")
    if len(signature) != public_key.size or not 0 < sigma < public_key.n:
        raise VerificationError("blind signature does not answer the request")
    power = gmpy2.powmod(sigma, public_key.e, public_key.n)
    if answer_digest(power.to_bytes(len(signature), "big")) != expected:
        raise VerificationError("blind signature does not answer the request")


def check_all_roots(public_key: BlindPublicKey, expected: Sequence[bytes], signatures: Sequence[bytes]) -> None:
    """Check that `check_root` lets every one of these pass; the error does not say which it does not.

    Each is raised to the power e by itself; what they share is the way there and back.

    Args:
        public_key: n and e.
        expected: `answer_digest` of each blinded message.
        signatures: as many.

    Raises:
        VerificationError: one does not answer its blinded message, or there are more or fewer than these.

    Source: SPEC.md#issues.
    """
    n, size = public_key.n, public_key.size
    roots = [int.from_bytes(signature, "big") for signature in signatures]
    if len(roots) != len(expected) or not all(len(signature) == size for signature in signatures):
        raise VerificationError("not one blind signature for each blinded message")
    if not all(0 < sigma < n for sigma in roots):
        raise VerificationError("a blind signature does not answer the request")
    powers = gmpy2.powmod_base_list(roots, public_key.e, n)
    if [answer_digest(power.to_bytes(size, "big")) for power in powers] != list(expected):
        raise VerificationError("a blind signature does not answer the request")


def blind_sign(
    secret_key: BlindSecretKey, blinded: bytes, *, rng: Callable[[int], bytes] = os.urandom, suite: Suite = PROFILE
) -> bytes:
    """Return the blind signature, as many bytes as the modulus has; the same request always gives the same bytes.

    Args:
        secret_key: of the poll and class that the request is for.
        blinded: the request.
        rng: randomness for base blinding, which the result does not depend on.
        suite: sizes to insist on.

    Raises:
        EncodingError: wrong length.
        VerificationError: the request is out of range; the secret key was not used.
        ProtocolError: a fault in the private operation; nothing is released.

    Source: RFC 9474 §4.3, §7.1.
    """
    suite.check(secret_key.public_key)
    b = check_blinded(secret_key.public_key, blinded)
    return secret_key.power(b, rng).to_bytes(secret_key.public_key.size, "big")


def finalize(
    public_key: BlindPublicKey, prepared_message: bytes, blind_signature: bytes, inv: int, *, suite: Suite = PROFILE
) -> bytes:
    """Return the unblinded signature, verified.

    Raises:
        EncodingError: the blind signature has another length.
        InvalidSignatureError: what comes out is no signature on the prepared message.

    Source: RFC 9474 §4.4.
    """
    if len(blind_signature) != public_key.size:
        raise EncodingError(f"{len(blind_signature)} bytes where a blind signature of {public_key.size} belongs")
    s = gmpy2.mpz(int.from_bytes(blind_signature, "big")) * inv % public_key.n
    signature = int(s).to_bytes(public_key.size, "big")
    verify(public_key, prepared_message, signature, suite=suite)
    return signature


@cache
def _scheme(salt_bytes: int) -> padding.PSS:
    """Return PSS with this salt as the verifying library names it; there are as many as suites."""
    return padding.PSS(padding.MGF1(_SHA384), salt_bytes)


@lru_cache(maxsize=1 << 12)
def _openssl_key(n: int) -> rsa.RSAPublicKey:
    """Return the key of this modulus and `EXPONENT` as the verifying library holds it.

    Building it costs a third of a verification, and finding it by two numbers takes longer than by one.
    """
    return rsa.RSAPublicNumbers(EXPONENT, n).public_key()


def verify(public_key: BlindPublicKey, prepared_message: bytes, signature: bytes, *, suite: Suite = PROFILE) -> None:
    """Check an RSA-PSS signature: SHA-384, MGF1-SHA-384, salt of exactly 48 bytes, 0 < s < n.

    Raises:
        InvalidSignatureError: it does not verify, has another length, or the key is not of the suite.
        EncodingError: the prepared message has another length.

    Source: SPEC.md#credentials; RFC 9474 §4.5; RFC 8017 §8.1.2.
    """
    suite.check(public_key, prepared_message)
    if len(signature) != public_key.size or not 0 < int.from_bytes(signature, "big") < public_key.n:
        raise InvalidSignatureError("RSA signature has another length or is out of range")
    try:
        _openssl_key(public_key.n).verify(signature, prepared_message, _scheme(suite.salt_bytes), _SHA384)
    except InvalidSignature as error:
        raise InvalidSignatureError("RSA-PSS signature does not verify") from error
    except ValueError as error:  # the library's judgement of the key, when it is built or used
        raise InvalidSignatureError("RSA key is not acceptable") from error
