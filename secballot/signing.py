"""Ed25519 identities: keys and signatures with one strict rule of acceptance for everybody.

Libraries differ on odd keys and signatures (small order, mixed order, other spellings of a point), and a log in
which one auditor accepts what another refuses has no agreed content. Here a signature (R, S) by the key A on the
message M is accepted exactly if

- A and R are canonical encodings of points of the prime-order subgroup other than the identity,
- S < L, the order of that subgroup, and
- R' = S·B − k·A has encode(R') = R, for k = SHA-512(R ‖ A ‖ M) mod L.

All of it is done by libsodium through PyNaCl: its point check for A, and its verification, which compares the encoding
of R' with R and refuses small order. Versions before the fix of CVE-2025-69277 took points outside the prime-order
subgroup for valid, and a verification that multiplies by the cofactor would accept a mixed R. So this module asks the
library both questions at import, and does not load on one that errs. Many keys at once are checked by the engine of
`secballot.group`, which says the same of every key and is asked the first question, too.

Source: SPEC.md#signatures; RFC 8032 §5.1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn

import nacl
from nacl import bindings
from nacl.exceptions import BadSignatureError

from secballot.errors import EncodingError, InvalidSignatureError
from secballot.group import engine_name, vartime_prime_order
from secballot.randomness import random_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_BYTES: Final = 32
"""Bytes of a verify key, and of the seed of a signing key."""

SIGNATURE_BYTES: Final = 64
"""Bytes of a signature: R, then S little-endian."""

# -(y of B), with either sign of x: the two points B + (0, -1), of order 2L, that the faulty check let pass.
_MIXED_ORDER_POINTS: Final = (b"\x95" + b"\x99" * 30 + b"\x19", b"\x95" + b"\x99" * 30 + b"\x99")


# Made with the seed 00 01 .. 1f for the message "m" and R = 77·B + (0, -1): S·B − k·A is R but for a point of order 2.
_MIXED_R_KEY: Final = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
_MIXED_R_SIGNATURE: Final = bytes.fromhex(
    "439206eb085f0fb1807ad520ba678c0e8245a4e98e159d17d33ef1295133b763"
    "87c085f79d5a239b294f4a130bb4e53674504150aee44f235cf8d90f2d311407"
)


def _check_library() -> None:
    """Check that libsodium tells the prime-order subgroup from the rest, in keys and in signatures.

    Raises:
        ImportError: it does not; PyNaCl 1.6.2 is the first release with a libsodium that does.
    """
    if any(bindings.crypto_core_ed25519_is_valid_point(point) for point in _MIXED_ORDER_POINTS):
        raise ImportError(
            f"PyNaCl {nacl.__version__} uses a libsodium with CVE-2025-69277; PyNaCl 1.6.2 or later is needed"
        )
    try:
        bindings.crypto_sign_open(_MIXED_R_SIGNATURE + b"m", _MIXED_R_KEY)
    except BadSignatureError:
        pass
    else:
        raise ImportError(f"PyNaCl {nacl.__version__} uses a libsodium that verifies up to small order")
    if any(vartime_prime_order(b"".join(_MIXED_ORDER_POINTS))):
        raise ImportError(f"the {engine_name()} engine takes points outside the prime-order subgroup for keys")


_check_library()


@lru_cache(maxsize=1 << 12)
def _is_acceptable_key(encoded: bytes) -> bool:
    """Tell whether these 32 bytes are canonical, in the prime-order subgroup, and not the identity.

    Cached, since parties have few keys and sign often; roll keys are checked when they come on the roll.
    """
    return bool(bindings.crypto_core_ed25519_is_valid_point(encoded))


class VerifyKey:
    """A public key that has passed the strict check of this module; a value, equal and hashable by its bytes."""

    __slots__ = ("_encoded",)

    def __init__(self, encoded: bytes) -> None:
        """Hold the key that exactly 32 bytes encode.

        Raises:
            EncodingError: not 32 bytes.
            InvalidSignatureError: not canonical, off the curve, outside the prime-order subgroup, or the identity.
        """
        if len(encoded) != KEY_BYTES:
            raise EncodingError(f"{len(encoded)} bytes where an Ed25519 key of {KEY_BYTES} belongs")
        encoded = bytes(encoded)
        if not _is_acceptable_key(encoded):
            raise InvalidSignatureError("Ed25519 key is not a canonical point of the prime-order subgroup")
        self._encoded = encoded

    @classmethod
    def accepted(cls, encoded: bytes) -> VerifyKey:
        """Return the key of bytes that passed the check of this class before, such as a key on the roll."""
        key = cls.__new__(cls)
        key._encoded = encoded  # noqa: SLF001  # its own
        return key

    def encode(self) -> bytes:
        """Return the 32 bytes of the key."""
        return self._encoded

    def __eq__(self, other: object) -> bool:
        """Tell whether the other is a verify key of the same bytes."""
        return isinstance(other, VerifyKey) and self._encoded == other._encoded

    def __hash__(self) -> int:
        """Hash the bytes of the key."""
        return hash((VerifyKey, self._encoded))

    def __repr__(self) -> str:
        """Show the key, which is public, in hexadecimal."""
        return f"VerifyKey({self._encoded.hex()})"


def check_verify_keys(encoded: Sequence[bytes]) -> None:
    """Check that `VerifyKey` accepts every one of these keys, for less than one by one; the error does not say which.

    Raises:
        EncodingError: one is not 32 bytes.
        InvalidSignatureError: one is not canonical, off the curve, outside the prime-order subgroup, or the identity.

    Source: SPEC.md#signatures.
    """
    if any(len(one) != KEY_BYTES for one in encoded):
        raise EncodingError(f"not every Ed25519 key is of {KEY_BYTES} bytes")
    if not all(vartime_prime_order(b"".join(encoded))):
        raise InvalidSignatureError("an Ed25519 key is not a canonical point of the prime-order subgroup")


class SigningKey:
    """A secret key. It shows nothing of itself, and can be neither pickled nor copied."""

    __slots__ = ("_secret", "verify_key")

    def __init__(self, seed: bytes) -> None:
        """Derive the key pair from a seed of exactly 32 uniform bytes.

        Raises:
            EncodingError: not 32 bytes.
        """
        if len(seed) != KEY_BYTES:
            raise EncodingError(f"seed of an Ed25519 key is not {KEY_BYTES} bytes")
        public, self._secret = bindings.crypto_sign_seed_keypair(bytes(seed))
        self.verify_key = VerifyKey(public)

    @classmethod
    def generate(cls) -> SigningKey:
        """Return a fresh key from the system's randomness."""
        return cls(random_bytes(KEY_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Return the key of a stored or derived seed of 32 bytes."""
        return cls(seed)

    def encode_private(self) -> bytes:
        """Return the seed, 32 secret bytes, for storage under encryption."""
        return bytes(self._secret[:KEY_BYTES])

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of the message; the same message always gives the same bytes."""
        return bytes(bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES])

    def __repr__(self) -> str:
        """Show the public half only."""
        return f"SigningKey(<redacted>, verify_key={self.verify_key.encode().hex()})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled or copied: a secret leaves this object by `encode_private` alone."""
        raise TypeError("a signing key cannot be pickled or copied")


def verify(key: VerifyKey, message: bytes, signature: bytes) -> None:
    """Check that the signature is this key's on exactly this message, by the equations of this module.

    Args:
        key: the signer's key.
        message: any bytes; domain separation is the caller's.
        signature: R (32 bytes), S (32 bytes).

    Raises:
        InvalidSignatureError: it is not, or it is not 64 bytes.

    Source: SPEC.md#signatures; RFC 8032 §5.1.7.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise InvalidSignatureError(f"{len(signature)} bytes where an Ed25519 signature of {SIGNATURE_BYTES} belongs")
    # R needs no check of its own: A is in the prime-order subgroup, hence so is R', whose encoding must equal R.
    try:
        bindings.crypto_sign_open(bytes(signature) + message, key.encode())
    except BadSignatureError as error:
        raise InvalidSignatureError("Ed25519 signature does not verify") from error
