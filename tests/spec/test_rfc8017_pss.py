"""RFC 8017, RSA-PSS: verification and encoding against the Wycheproof vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secballot.blind import BlindPublicKey, Suite, emsa_pss_encode, verify
from secballot.errors import InvalidSignatureError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "rsa_pss"


def vectors_in(name: str) -> list[Any]:
    """Return every test as key, message, signature, expectation."""
    return [
        pytest.param(
            BlindPublicKey(int(group["publicKey"]["modulus"], 16), int(group["publicKey"]["publicExponent"], 16)),
            bytes.fromhex(test["msg"]),
            bytes.fromhex(test["sig"]),
            test["result"] == "valid",
            id=str(test["tcId"]),
        )
        for group in json.loads((VECTORS / name).read_text())["testGroups"]
        for test in group["tests"]
    ]


@pytest.mark.parametrize(
    ("key", "message", "signature", "valid"), vectors_in("wycheproof_rsa_pss_2048_sha384_mgf1_48.json")
)
def test_sha384_with_salts_of_48_bytes(key: BlindPublicKey, message: bytes, signature: bytes, valid: bool) -> None:
    """Every case is settled as published; other salts, hashes, paddings and lengths are refused."""
    suite = Suite(2048, 48, None)
    if valid:
        verify(key, message, signature, suite=suite)
    else:
        with pytest.raises(InvalidSignatureError):
            verify(key, message, signature, suite=suite)
    with pytest.raises(InvalidSignatureError):
        verify(key, bytes(96), signature)  # the protocol takes no 2048-bit key


@pytest.mark.parametrize(
    ("key", "message", "signature", "valid"), vectors_in("wycheproof_rsa_pss_2048_sha256_mgf1_0.json")
)
def test_encoding_without_salt(key: BlindPublicKey, message: bytes, signature: bytes, valid: bool) -> None:
    """Without salt the encoding is a function of the message, so it is compared byte for byte."""
    opened = pow(int.from_bytes(signature, "big"), key.e, key.n)
    canonical = len(signature) == key.size and int.from_bytes(signature, "big") < key.n
    expected = emsa_pss_encode(message, key.n.bit_length() - 1, b"", "sha256")
    assert (canonical and opened == int.from_bytes(expected, "big")) is valid
