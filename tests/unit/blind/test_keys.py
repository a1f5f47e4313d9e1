"""Public keys are values, secret keys stay where they are."""

from __future__ import annotations

import copy
import math
import os
import pickle

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.blind import (
    MODULUS_BYTES,
    PROFILE,
    BlindPublicKey,
    BlindSecretKey,
    Suite,
    blind_sign,
)
from secballot.errors import (
    EncodingError,
    InvalidSignatureError,
    NonCanonicalError,
    SecballotError,
)
from tests.unit.blind.sample_key import (
    BLIND_SIGNATURE,
    BLINDED,
    PUBLIC,
    SECRET,
    N,
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

    def test_a_private_key_has_one_spelling(self) -> None:
        """The same key with a larger private exponent works as well, and is not what was stored."""
        stored = serialization.load_der_private_key(SECRET.encode_private(), password=None)
        assert isinstance(stored, rsa.RSAPrivateKey)
        numbers = stored.private_numbers()
        period = math.lcm(numbers.p - 1, numbers.q - 1)
        other = rsa.RSAPrivateNumbers(
            numbers.p,
            numbers.q,
            numbers.d + period,
            numbers.dmp1,
            numbers.dmq1,
            numbers.iqmp,
            numbers.public_numbers,
        ).private_key()
        data = other.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        assert data != SECRET.encode_private()
        with pytest.raises(NonCanonicalError):
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

    @pytest.mark.parametrize("n", [0, 1, -3, 3, 65_535, 65_536, 65_538, 1 << 3071])
    def test_a_modulus_is_odd_and_not_tiny(self, n: int) -> None:
        """Nothing below 2^16 and nothing even."""
        with pytest.raises(InvalidSignatureError, match="even or tiny"):
            BlindPublicKey(n)

    @pytest.mark.parametrize(("n", "size"), [(65_537, 3), (2**24 - 1, 3), (2**24 + 1, 4), (N, 384)])
    def test_a_size_is_that_of_the_modulus_in_whole_bytes(self, n: int, size: int) -> None:
        """Rounded up; its encoding has no leading zero."""
        key = BlindPublicKey(n)
        assert key.size == size
        assert key.encode() == n.to_bytes(size, "big")
        assert key.encode()[0]

    def test_a_secret_key_tells_its_size_and_nothing_else(self) -> None:
        """So that logs can say which key it was."""
        assert repr(SECRET) == "BlindSecretKey(<redacted>, 3072 bits)"
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            pickle.dumps(SECRET)

    def test_keys_of_the_suite_pass_and_others_do_not(self) -> None:
        """The bit length exactly, the exponent exactly, and the message where it has a size."""
        suite = Suite(3072, 48, 96)
        for prepared in (None, bytes(96)):
            suite.check(PUBLIC, prepared)
        Suite(3072, 48, None).check(PUBLIC, bytes(5))
        for message in (b"", bytes(95), bytes(97)):
            with pytest.raises(EncodingError, match="of 96 bytes"):
                suite.check(PUBLIC, message)
        for bits, exponent in ((3071, 65_537), (3073, 65_537), (3072, 65_539), (3072, 3)):
            with pytest.raises(InvalidSignatureError, match=f"of {bits} bits"):
                Suite(bits, 48, 96).check(BlindPublicKey(N, exponent))

    def test_a_generated_key_is_of_the_profile(self) -> None:
        """3072 bits, the exponent of the protocol, and another one each time."""
        key = BlindSecretKey.generate()
        PROFILE.check(key.public_key)
        assert key.public_key.encode() != PUBLIC.encode()
        assert BlindSecretKey.decode_private(key.encode_private()).public_key == key.public_key

    def test_a_key_keeps_the_exponent_it_was_made_with(self) -> None:
        """And its power undoes that one."""
        key = BlindSecretKey(prime(512, seed=b"x"), prime(512, seed=b"y"), 65_539)
        assert key.public_key.e == 65_539
        assert pow(key.power(12_345, os.urandom), 65_539, key.public_key.n) == 12_345
