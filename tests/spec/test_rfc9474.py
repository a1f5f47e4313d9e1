"""RFC 9474, blind RSA signatures: every published variant through the code that the protocol runs.

The variants differ from the protocol's in sizes of modulus, salt and randomizer only, so a `Suite` of these runs them.
The Privacy Pass vectors (RFC 9578 type 2) are the deterministic variant with 2048-bit keys.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secballot import blind as blindly
from secballot.blind import BlindPublicKey, BlindSecretKey, Suite, blind, blind_sign, emsa_pss_encode, finalize, verify
from secballot.errors import EncodingError, InvalidSignatureError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "rfc9474"
VARIANTS = json.loads((VECTORS / "rfc9474_vectors.json").read_text())
TOKENS = json.loads((VECTORS / "privacypass_type2_rfc9578_go.json").read_text())


def raw(text: str) -> bytes:
    """Return the bytes of a hexadecimal string with or without prefix."""
    return bytes.fromhex(text.removeprefix("0x"))


def number(text: str) -> int:
    """Return the integer of a hexadecimal string."""
    return int(text, 16)


def test_all_variants_are_here() -> None:
    """Three of the four of Appendix A are published in this form."""
    assert [variant["name"] for variant in VARIANTS] == [
        "RSABSSA-SHA384-PSS-Randomized",
        "RSABSSA-SHA384-PSS-Deterministic",
        "RSABSSA-SHA384-PSSZERO-Deterministic",
    ]
    assert len(TOKENS) == 5


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant["name"])
def test_every_intermediate_value_of_appendix_a(variant: dict[str, Any]) -> None:
    """Prepared message, encoding, blinded message, blind signature and signature, byte for byte."""
    key = BlindSecretKey(number(variant["p"]), number(variant["q"]), number(variant["e"]))
    public = key.public_key
    assert public.n == number(variant["n"])
    salt, prepared = raw(variant["salt"]), raw(variant["input_msg"])
    assert prepared == raw(variant["msg_prefix"]) + raw(variant["msg"])
    suite = Suite(public.n.bit_length(), int(variant["sLen"], 16), None)
    assert len(salt) == suite.salt_bytes
    if "encoded_msg" in variant:
        assert emsa_pss_encode(prepared, public.n.bit_length() - 1, salt) == raw(variant["encoded_msg"])

    inv = number(variant["inv"])
    blinded, inverse = blind(public, prepared, salt=salt, r=pow(inv, -1, public.n), suite=suite)
    assert inverse == inv
    assert blinded == raw(variant["blinded_msg"])
    blind_signature = blind_sign(key, blinded, suite=suite)
    assert blind_signature == raw(variant["blind_sig"])
    signature = finalize(public, prepared, blind_signature, inverse, suite=suite)
    assert signature == raw(variant["sig"])
    verify(public, prepared, signature, suite=suite)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant["name"])
def test_the_protocol_takes_no_other_variant(variant: dict[str, Any]) -> None:
    """A 4096-bit key is refused in every operation, and so is its valid signature."""
    key = BlindSecretKey(number(variant["p"]), number(variant["q"]))
    prepared, salt = bytes(96), bytes(48)
    with pytest.raises(InvalidSignatureError):
        blind(key.public_key, prepared, salt=salt, r=2)
    with pytest.raises(InvalidSignatureError):
        blind_sign(key, raw(variant["blinded_msg"]))
    with pytest.raises(InvalidSignatureError):
        verify(key.public_key, prepared, raw(variant["sig"]))
    with pytest.raises(EncodingError):
        BlindPublicKey.decode(key.public_key.encode())


def test_a_signature_of_one_salt_length_is_none_of_another() -> None:
    """The zero-salt signature verifies with salt 0 exactly, the others with 48 exactly."""
    for variant in VARIANTS:
        public = BlindPublicKey(number(variant["n"]))
        right = int(variant["sLen"], 16)
        for salt_bytes in (0, 20, 32, 48):
            suite = Suite(4096, salt_bytes, None)
            if salt_bytes == right:
                verify(public, raw(variant["input_msg"]), raw(variant["sig"]), suite=suite)
                continue
            with pytest.raises(InvalidSignatureError):
                verify(public, raw(variant["input_msg"]), raw(variant["sig"]), suite=suite)


@pytest.mark.parametrize("index", range(5))
def test_privacy_pass_tokens(index: int) -> None:
    """Request, response and token of RFC 9578, from the key, the blind and the salt."""
    token = TOKENS[index]
    loaded = serialization.load_pem_private_key(raw(token["skS"]), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    numbers = loaded.private_numbers()
    key = BlindSecretKey(numbers.p, numbers.q, numbers.public_numbers.e)
    suite = Suite(2048, 48, None)
    key_id = hashlib.sha256(raw(token["pkS"])).digest()
    challenge = hashlib.sha256(raw(token["token_challenge"])).digest()
    token_input = b"\x00\x02" + raw(token["nonce"]) + challenge + key_id

    r = number(token["blind"])
    blinded, inverse = blind(key.public_key, token_input, salt=raw(token["salt"]), r=r, suite=suite)
    assert b"\x00\x02" + key_id[-1:] + blinded == raw(token["token_request"])
    response = blind_sign(key, blinded, suite=suite)
    assert response == raw(token["token_response"])
    assert token_input + finalize(key.public_key, token_input, response, inverse, suite=suite) == raw(token["token"])


def test_the_profile_is_the_randomized_variant_of_3072_bits() -> None:
    """The sizes of SPEC.md#credentials."""
    assert Suite(modulus_bits=3072, salt_bytes=48, prepared_bytes=96) == blindly.PROFILE
    assert blindly.EXPONENT == 65537
