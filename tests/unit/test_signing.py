"""Ed25519 identities: strict keys, strict signatures, and secrets that stay where they are."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from secballot import signing
from secballot.errors import EncodingError, InvalidSignatureError
from secballot.signing import SigningKey, VerifyKey, verify

ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD = 2**255 - 19
SEED = bytes(range(32))
KEY = SigningKey.from_seed(SEED)
MESSAGE = b"the motion is carried"
SIGNATURE = KEY.sign(MESSAGE)

SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
"""Encodings of points whose order divides 8: for these anyone can sign."""


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_what_a_key_signs_verifies_under_it(seed: bytes, message: bytes) -> None:
    """Completeness, and the seed survives storage."""
    key = SigningKey.from_seed(seed)
    verify(key.verify_key, message, key.sign(message))
    assert SigningKey.from_seed(key.encode_private()).sign(message) == key.sign(message)
    assert key.encode_private() == seed


@pytest.mark.attack("EN-07")
@given(st.integers(0, 511))
def test_a_signature_with_any_bit_changed_is_refused(bit: int) -> None:
    """No bit of a signature is free."""
    changed = bytearray(SIGNATURE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidSignatureError):
        verify(KEY.verify_key, MESSAGE, bytes(changed))


def test_a_signature_binds_message_and_key() -> None:
    """Another message or another key does not verify."""
    with pytest.raises(InvalidSignatureError):
        verify(KEY.verify_key, MESSAGE + b"\0", SIGNATURE)
    with pytest.raises(InvalidSignatureError):
        verify(SigningKey.generate().verify_key, MESSAGE, SIGNATURE)


@pytest.mark.attack("EN-07")
def test_adding_the_group_order_to_s_is_refused() -> None:
    """S has one spelling, so a relay cannot make a second signature out of one."""
    s = int.from_bytes(SIGNATURE[32:], "little")
    for shifted in (s + ORDER, s + 2 * ORDER):
        with pytest.raises(InvalidSignatureError):
            verify(KEY.verify_key, MESSAGE, SIGNATURE[:32] + shifted.to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 32, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(size: int) -> None:
    """Bytes beyond or short of 64 never reach the library as part of the message."""
    with pytest.raises(InvalidSignatureError):
        verify(KEY.verify_key, MESSAGE, (SIGNATURE * 2)[:size])


def test_bytes_moved_between_message_and_signature_are_refused() -> None:
    """The border between signature and message is fixed."""
    with pytest.raises(InvalidSignatureError):
        verify(KEY.verify_key, MESSAGE[1:], SIGNATURE + MESSAGE[:1])


@pytest.mark.attack("EN-05")
@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_small_order_points_are_no_keys_and_no_commitments(encoded: str) -> None:
    """Neither as key, where anyone could sign, nor as R."""
    with pytest.raises(InvalidSignatureError):
        VerifyKey(bytes.fromhex(encoded))
    with pytest.raises(InvalidSignatureError):
        verify(KEY.verify_key, MESSAGE, bytes.fromhex(encoded) + bytes(32))


@pytest.mark.parametrize("point", signing._MIXED_ORDER_POINTS)
def test_points_of_mixed_order_are_no_keys(point: bytes) -> None:
    """The generator shifted by the point of order two lies outside the prime-order subgroup."""
    with pytest.raises(InvalidSignatureError):
        VerifyKey(point)


@pytest.mark.attack("EN-05")
@pytest.mark.parametrize("y", [2, 7, FIELD, FIELD + 1, FIELD + 3, 2**255 - 1])
def test_points_off_the_curve_or_not_reduced_are_no_keys(y: int) -> None:
    """A key is the one encoding of a point."""
    for sign in (0, 1 << 255):
        with pytest.raises(InvalidSignatureError):
            VerifyKey((y + sign).to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_keys_of_another_length_are_malformed(size: int) -> None:
    """Length is a matter of encoding."""
    with pytest.raises(EncodingError):
        VerifyKey(bytes(size))
    with pytest.raises(EncodingError):
        SigningKey.from_seed(bytes(size))


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_key_or_refused_with_our_error(data: bytes) -> None:
    """A key that is accepted encodes to the bytes it came from."""
    try:
        key = VerifyKey(data)
    except InvalidSignatureError:
        return
    assert key.encode() == data


def test_verify_keys_are_values() -> None:
    """Equal bytes, equal keys; other types are never equal."""
    same = VerifyKey(KEY.verify_key.encode())
    assert same == KEY.verify_key
    assert len({same, KEY.verify_key, SigningKey.generate().verify_key}) == 2
    assert same != KEY.verify_key.encode()
    assert same.encode().hex() in repr(same)


def test_a_signing_key_shows_nothing_and_does_not_travel() -> None:
    """Neither repr, str, pickle nor copy give the secret away."""
    for shown in (repr(KEY), str(KEY), f"{KEY}"):
        assert SEED.hex() not in shown
        assert repr(SEED) not in shown
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(KEY)
    assert not hasattr(KEY, "__dict__")


def test_generated_keys_differ() -> None:
    """Fresh randomness each time."""
    assert SigningKey.generate().verify_key != SigningKey.generate().verify_key


@pytest.mark.attack("EN-04")
def test_the_module_refuses_a_library_that_accepts_mixed_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old libsodium stops the import instead of weakening every key check."""
    monkeypatch.setattr(bindings, "crypto_core_ed25519_is_valid_point", lambda _: True)
    with pytest.raises(ImportError, match=r"1\.6\.2"):
        signing._check_library()


def test_the_module_refuses_a_library_that_verifies_with_the_cofactor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A libsodium whose verification forgives small order stops the import."""
    monkeypatch.setattr(bindings, "crypto_sign_open", lambda signed, _: signed[64:])
    with pytest.raises(ImportError, match="small order"):
        signing._check_library()
