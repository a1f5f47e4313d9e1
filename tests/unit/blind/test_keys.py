"""Public keys are values, secret keys stay where they are."""

from __future__ import annotations

import copy
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.blind import (
    MODULUS_BYTES,
    BlindPublicKey,
    BlindSecretKey,
    blind_sign,
)
from secballot.errors import (
    EncodingError,
    InvalidSignatureError,
    SecballotError,
)
from tests.unit.blind.sample_key import (
    BLIND_SIGNATURE,
    BLINDED,
    PUBLIC,
    SECRET,
    prime,
)


class TestKeys:
    """Public keys are values, secret keys stay where they are."""

    def test_public_key_round_trip(self) -> None:
        """384 bytes, equal and hashable."""
        assert len(PUBLIC.encode()) == MODULUS_BYTES
        assert BlindPublicKey.decode(PUBLIC.encode()) == PUBLIC
        assert len({PUBLIC, BlindPublicKey.decode(PUBLIC.encode())}) == 1

    @pytest.mark.parametrize(
        "data",
        [b"", bytes(384), bytes(383), b"\x80" + bytes(384), b"\x80" + bytes(383), b"\x7f" + b"\xff" * 383],
        ids=["empty", "zero", "short", "long", "even", "3071 bits"],
    )
    def test_other_moduli_are_refused(self, data: bytes) -> None:
        """Length, parity and bit length."""
        with pytest.raises((EncodingError, InvalidSignatureError)):
            BlindPublicKey.decode(data)

    def test_secret_key_round_trip(self) -> None:
        """Through PKCS #8."""
        again = BlindSecretKey.decode_private(SECRET.encode_private())
        assert again.public_key == PUBLIC
        assert blind_sign(again, BLINDED) == BLIND_SIGNATURE

    def test_other_private_keys_are_refused(self) -> None:
        """Another size, exponent, algorithm or container, and truncated bytes."""
        der = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        small = rsa.generate_private_key(65537, 2048)
        three = rsa.generate_private_key(3, 3072)
        candidates = [
            small.private_bytes(*der),
            three.private_bytes(*der),
            ed25519.Ed25519PrivateKey.generate().private_bytes(*der),
            SECRET.encode_private()[:-1],
            SECRET.encode_private() + b"\0",
            b"",
        ]
        for data in candidates:
            with pytest.raises(EncodingError):
                BlindSecretKey.decode_private(data)

    @given(st.integers(0, 1700), st.integers(1, 255))
    @settings(max_examples=8, deadline=None)
    def test_a_damaged_private_key_is_our_own_error(self, position: int, mask: int) -> None:
        """Never a value that is not what was stored."""
        data = bytearray(SECRET.encode_private())
        data[position % len(data)] ^= mask
        with pytest.raises(SecballotError):
            BlindSecretKey.decode_private(bytes(data))

    def test_equal_primes_and_bad_exponents_make_no_key(self) -> None:
        """The arithmetic would not be invertible."""
        p = prime(512, modulo=(65537, 1))
        with pytest.raises(EncodingError):
            BlindSecretKey(p, prime(512))
        with pytest.raises(EncodingError):
            BlindSecretKey(prime(512), prime(512))

    def test_a_secret_key_shows_nothing_and_does_not_travel(self) -> None:
        """Neither repr, str, pickle nor copy give the primes away."""
        for shown in (repr(SECRET), str(SECRET)):
            for secret in (SECRET._p, SECRET._q, SECRET._dp, SECRET._dq):
                assert str(secret)[:20] not in shown
                assert hex(secret)[2:20] not in shown
        for leak in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                leak(SECRET)
        assert not hasattr(SECRET, "__dict__")
