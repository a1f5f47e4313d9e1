"""Blinding, signing, unblinding and verifying."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.blind import (
    MODULUS_BYTES,
    BlindPublicKey,
    BlindSecretKey,
    Suite,
    blind,
    blind_sign,
    check_blinded,
    derive_r,
    emsa_pss_encode,
    finalize,
    prepare,
    verify,
)
from secballot.errors import (
    EncodingError,
    InvalidSignatureError,
    ProtocolError,
    VerificationError,
)
from tests.unit.blind.sample_key import (
    BLIND_SIGNATURE,
    BLINDED,
    INVERSE,
    PREPARED,
    PUBLIC,
    SALT,
    SECRET,
    SIGNATURE,
    N,
    R,
    prime,
    stream_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class TestIssuance:
    """From a prepared message to a signature that any library verifies."""

    @given(
        st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64), st.binary(min_size=48, max_size=48)
    )
    @settings(max_examples=5, deadline=None)
    def test_blind_sign_finalize_verify(self, randomizer: bytes, message: bytes, salt: bytes) -> None:
        """Completeness; the signature is plain RSA-PSS and does not depend on r."""
        prepared = prepare(randomizer, message)
        signatures = set()
        for seed in (b"one", b"two"):
            r = derive_r(PUBLIC, stream_of(seed + salt))
            blinded, inverse = blind(PUBLIC, prepared, salt=salt, r=r)
            assert len(blinded) == MODULUS_BYTES
            assert r * inverse % N == 1
            signatures.add(finalize(PUBLIC, prepared, blind_sign(SECRET, blinded), inverse))
        assert len(signatures) == 1
        verify(PUBLIC, prepared, signatures.pop())

    def test_the_same_inputs_give_the_same_bytes(self) -> None:
        """A repeated request, and a repeated answer, are the same bytes."""
        assert blind(PUBLIC, PREPARED, salt=SALT, r=R) == (BLINDED, INVERSE)
        assert blind_sign(SECRET, BLINDED) == BLIND_SIGNATURE

    def test_every_input_changes_the_blinded_message(self) -> None:
        """Message, salt and r all go in."""
        other = bytes(96)
        values = {
            BLINDED,
            blind(PUBLIC, other, salt=SALT, r=R)[0],
            blind(PUBLIC, PREPARED, salt=bytes(48), r=R)[0],
            blind(PUBLIC, PREPARED, salt=SALT, r=R + 1)[0],
        }
        assert len(values) == 4

    @given(st.integers(0, 8 * MODULUS_BYTES - 1))
    @settings(max_examples=20)
    def test_a_changed_answer_is_not_finalized(self, bit: int) -> None:
        """The delegate never keeps a signature that does not verify."""
        changed = bytearray(BLIND_SIGNATURE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidSignatureError):
            finalize(PUBLIC, PREPARED, bytes(changed), INVERSE)

    @pytest.mark.parametrize("size", [0, 383, 385])
    def test_an_answer_of_another_length_is_malformed(self, size: int) -> None:
        """Also with the right number in it."""
        with pytest.raises(EncodingError):
            finalize(PUBLIC, PREPARED, BLIND_SIGNATURE.rjust(size, b"\0")[:size], INVERSE)

    @pytest.mark.attack("CR-02")
    def test_an_answer_by_another_key_is_refused(self) -> None:
        """A registrar cannot tag a delegate with a key of their own."""
        other = BlindSecretKey(prime(1536, seed=b"p"), prime(1536, seed=b"q"))
        blinded = (int.from_bytes(BLINDED, "big") % other.public_key.n).to_bytes(MODULUS_BYTES, "big")
        with pytest.raises(InvalidSignatureError):
            finalize(PUBLIC, PREPARED, blind_sign(other, blinded), INVERSE)

    @pytest.mark.attack("CR-07")
    @pytest.mark.parametrize(("randomizer", "message"), [(31, 65), (33, 63), (0, 96), (32, 63), (32, 65)])
    def test_the_split_of_randomizer_and_message_is_fixed(self, randomizer: int, message: int) -> None:
        """One signature cannot stand for two credentials."""
        with pytest.raises(EncodingError):
            prepare(bytes(randomizer), bytes(message))

    @pytest.mark.parametrize("size", [0, 64, 95, 97])
    def test_prepared_messages_have_one_length(self, size: int) -> None:
        """In blinding and in verification."""
        with pytest.raises(EncodingError):
            blind(PUBLIC, bytes(size), salt=SALT, r=R)
        with pytest.raises(EncodingError):
            verify(PUBLIC, bytes(size), SIGNATURE)

    @pytest.mark.parametrize("size", [0, 20, 47, 49])
    def test_salts_have_one_length(self, size: int) -> None:
        """No variant without salt."""
        with pytest.raises(EncodingError):
            blind(PUBLIC, PREPARED, salt=bytes(size), r=R)

    @pytest.mark.parametrize("r", [0, 1, -2, N, N + 2, int(SECRET._p)], ids=["0", "1", "-2", "n", "n+2", "p"])
    def test_r_is_a_unit_in_range(self, r: int) -> None:
        """Anything else does not hide the message."""
        with pytest.raises(ValueError, match="unit"):
            blind(PUBLIC, PREPARED, salt=SALT, r=r)

    def test_an_encoding_that_shares_a_factor_with_the_modulus_is_not_blinded(self) -> None:
        """Its product would be no uniform unit; under a certified key it never happens."""
        salts = (bytes([first]) * 48 for first in range(256))
        salt = next(salt for salt in salts if int.from_bytes(emsa_pss_encode(PREPARED, 3071, salt), "big") % 3 == 0)
        divisible = BlindPublicKey(3 * (2**3071 // 3 + 1 | 1))
        with pytest.raises(InvalidSignatureError, match="factor"):
            blind(divisible, PREPARED, salt=salt, r=2)


class TestBlindingFactor:
    """r from a stream of uniform bytes."""

    def test_candidates_out_of_range_are_skipped(self) -> None:
        """0, 1, n, everything above, and multiples of a prime of n."""
        wanted = 2**3000 + 1
        blocks = [0, 1, N, 2**3072 - 1, int(SECRET._p), wanted]
        r = derive_r(PUBLIC, lambda counter: blocks[counter].to_bytes(MODULUS_BYTES, "big"))
        assert r == wanted

    def test_bits_beyond_the_modulus_are_masked(self) -> None:
        """So that at least every second candidate is in range, whatever the modulus."""
        small = BlindPublicKey(0x1FFFF, 65537)
        assert derive_r(small, lambda _: b"\xff\x12\x34") == 0x11234

    @pytest.mark.parametrize("usable", [1023, 1024])
    def test_a_stream_is_read_to_its_1024th_block(self, usable: int) -> None:
        """In order, from 0."""
        asked: list[int] = []

        def stream(counter: int) -> bytes:
            asked.append(counter)
            return (2 if counter >= usable else 0).to_bytes(MODULUS_BYTES, "big")

        if usable < 1024:
            assert derive_r(PUBLIC, stream) == 2
        else:
            with pytest.raises(ValueError, match="stream"):
                derive_r(PUBLIC, stream)
        assert asked == list(range(1024))

    def test_the_smallest_and_the_largest_factor(self) -> None:
        """2 and n − 1."""
        for wanted in (2, N - 1):
            block = wanted.to_bytes(MODULUS_BYTES, "big")
            assert derive_r(PUBLIC, [block].__getitem__) == wanted
            blinded, inverse = blind(PUBLIC, PREPARED, salt=SALT, r=wanted)
            assert finalize(PUBLIC, PREPARED, blind_sign(SECRET, blinded), inverse) == SIGNATURE

    @pytest.mark.parametrize("block", [b"", bytes(383), bytes(385), bytes(384), b"\xff" * 384])
    def test_a_broken_stream_ends(self, block: bytes) -> None:
        """Wrong lengths, and a stream without any usable block."""
        with pytest.raises(ValueError, match="stream"):
            derive_r(PUBLIC, lambda _: block)


class TestVerification:
    """What is not exactly the protocol's signature is refused."""

    @pytest.mark.attack("CR-14")
    def test_signature_binds_message_and_key(self) -> None:
        """Another message, another key."""
        with pytest.raises(InvalidSignatureError):
            verify(PUBLIC, bytes(96), SIGNATURE)
        with pytest.raises(InvalidSignatureError):
            verify(BlindPublicKey(N - 2), PREPARED, SIGNATURE)

    def test_other_spellings_of_a_signature_are_refused(self) -> None:
        """Such as s + n, n − s, a leading zero, a byte short, nothing."""
        s = int.from_bytes(SIGNATURE, "big")
        candidates = [b"\0" + SIGNATURE, SIGNATURE[1:], b"", bytes(384), (N - s).to_bytes(384, "big"), b"\xff" * 384]
        if s + N < 1 << 3072:
            candidates.append((s + N).to_bytes(384, "big"))
        for candidate in candidates:
            with pytest.raises(InvalidSignatureError):
                verify(PUBLIC, PREPARED, candidate)
        # Length and range are looked at here, whatever the verifying library makes of them.
        for candidate in (b"\0" + SIGNATURE, SIGNATURE[1:], bytes(384), N.to_bytes(384, "big"), b"\xff" * 384):
            with pytest.raises(InvalidSignatureError, match="another length or is out of range"):
                verify(PUBLIC, PREPARED, candidate)
        for value in (1, N - 1):
            with pytest.raises(InvalidSignatureError, match="does not verify"):
                verify(PUBLIC, PREPARED, value.to_bytes(384, "big"))

    def test_other_salts_hashes_and_paddings_are_refused(self) -> None:
        """Salt 0, 20 and 32, SHA-256, and PKCS #1 v1.5."""
        key = rsa.generate_private_key(65537, 3072)
        public = BlindPublicKey(key.public_key().public_numbers().n)
        verify(public, PREPARED, key.sign(PREPARED, padding.PSS(padding.MGF1(SHA384()), 48), SHA384()))
        loose = [key.sign(PREPARED, padding.PSS(padding.MGF1(SHA384()), salt), SHA384()) for salt in (0, 20, 32, 49)]
        loose += [
            key.sign(PREPARED, padding.PSS(padding.MGF1(SHA256()), 48), SHA384()),
            key.sign(PREPARED, padding.PSS(padding.MGF1(SHA256()), 48), SHA256()),
            key.sign(PREPARED, padding.PKCS1v15(), SHA384()),
        ]
        for signature in loose:
            with pytest.raises(InvalidSignatureError):
                verify(public, PREPARED, signature)

    def test_a_key_that_the_verifying_library_refuses_is_our_own_error(self) -> None:
        """Here one of 17 bits."""
        with pytest.raises(InvalidSignatureError, match="acceptable"):
            verify(BlindPublicKey(0x1FFFF), PREPARED, b"\0\0\2", suite=Suite(17, 48, None))

    @given(st.binary(max_size=400))
    @settings(max_examples=30)
    def test_arbitrary_bytes_are_no_signature(self, data: bytes) -> None:
        """Nothing but our own error leaves."""
        with pytest.raises(InvalidSignatureError):
            verify(PUBLIC, PREPARED, data)

    def test_encoding_needs_room(self) -> None:
        """A modulus too short for hash and salt is a programmer's error."""
        with pytest.raises(ValueError, match="short"):
            emsa_pss_encode(b"", 8 * (48 + 48 + 1), bytes(48))
        tight = emsa_pss_encode(b"", 8 * (48 + 48 + 2), bytes(48))
        assert (len(tight), tight[-1]) == (98, 0xBC)


class TestBlindSign:
    """The registrar's private operation."""

    @pytest.mark.attack("CR-10")
    @pytest.mark.parametrize("value", [0, 1, N - 1, N, N + 1, 2**3072 - 1, int(SECRET._p)])
    def test_bad_requests_are_refused_without_using_the_key(self, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fixed points of the power, numbers out of range, and those that share a factor."""
        monkeypatch.setattr(BlindSecretKey, "power", None)
        data = value.to_bytes(MODULUS_BYTES, "big")
        with pytest.raises(VerificationError):
            blind_sign(SECRET, data)
        with pytest.raises(VerificationError):
            check_blinded(PUBLIC, data)

    @pytest.mark.parametrize("size", [0, 383, 385])
    def test_requests_of_another_length_are_malformed(self, size: int) -> None:
        """384 bytes exactly."""
        with pytest.raises(EncodingError):
            blind_sign(SECRET, BLINDED.rjust(size, b"\0")[:size])

    def test_a_good_request_is_admitted_with_its_value(self) -> None:
        """The smallest and the largest included."""
        for value in (2, N - 2, int.from_bytes(BLINDED, "big")):
            assert check_blinded(PUBLIC, value.to_bytes(MODULUS_BYTES, "big")) == value

    @pytest.mark.attack("CR-13")
    @pytest.mark.parametrize("part", ["_dp", "_dq", "_qinv", "_p", "_q"])
    def test_a_fault_in_any_part_of_the_key_releases_nothing(self, part: str) -> None:
        """One wrong CRT half would give away a factor of n."""
        faulty = BlindSecretKey(int(SECRET._p), int(SECRET._q))
        setattr(faulty, part, getattr(faulty, part) + 2)
        with pytest.raises(ProtocolError) as caught:
            blind_sign(faulty, BLINDED)
        assert not any(digits in str(caught.value) for digits in "0123456789")

    @pytest.mark.attack("CR-13", "OP-05")
    def test_two_equal_requests_are_worked_on_with_different_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Base blinding: what a clock sees does not repeat, what is released does."""
        bases = []
        original = gmpy2.powmod_sec

        def spy(base: int, exponent: int, modulus: int) -> int:
            bases.append(int(base))
            return int(original(base, exponent, modulus))

        monkeypatch.setattr(gmpy2, "powmod_sec", spy)
        assert blind_sign(SECRET, BLINDED) == blind_sign(SECRET, BLINDED) == BLIND_SIGNATURE
        assert len(bases) == len(set(bases)) == 6
        assert int.from_bytes(BLINDED, "big") % SECRET._p not in bases

    def test_randomness_that_gives_no_unit_is_drawn_again(self) -> None:
        """Zero and one are no blinding."""
        draws = [bytes(400), os.urandom(400), (1).to_bytes(400, "big"), os.urandom(400)]

        def rng(size: int) -> bytes:
            return draws.pop(0)[-size:] if draws else os.urandom(size)

        assert blind_sign(SECRET, BLINDED, rng=rng) == BLIND_SIGNATURE
        assert not draws

    def test_a_blinding_factor_is_drawn_from_more_bytes_than_the_modulus_has(self) -> None:
        """16 more, so that the residue is uniform; and so is its mask."""
        sizes: list[int] = []

        def rng(size: int) -> bytes:
            sizes.append(size)
            return os.urandom(size)

        blind_sign(SECRET, BLINDED, rng=rng)
        assert sizes == [400, 400]

    @pytest.mark.parametrize("usable", [31, 32])
    def test_randomness_is_drawn_a_few_times_only(self, usable: int) -> None:
        """The thirty-second pair may still be used, none behind it."""
        draws = 0

        def rng(size: int) -> bytes:
            nonlocal draws
            draws += 1
            return (2 if draws > 2 * usable else 0).to_bytes(size, "big")

        if usable < 32:
            assert blind_sign(SECRET, BLINDED, rng=rng) == BLIND_SIGNATURE
        else:
            with pytest.raises(ProtocolError, match="gives no unit"):
                blind_sign(SECRET, BLINDED, rng=rng)
        assert draws == 64

    @pytest.mark.parametrize("source", [bytes, lambda size: (1).to_bytes(size, "big"), lambda size: b"\3" * (size - 1)])
    def test_randomness_that_never_gives_a_unit_is_said_to_be_broken(self, source: Callable[[int], bytes]) -> None:
        """A registrar whose source is stuck, or gives too little, stops instead of drawing for ever."""
        with pytest.raises(ProtocolError, match="randomness"):
            blind_sign(SECRET, BLINDED, rng=source)
