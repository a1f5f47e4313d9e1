"""RFC 9106, Argon2id: the published vectors as far as libsodium can express them.

libsodium's raw call has one lane, salts of 16 bytes, no secret key and no associated data; its check of encoded hashes
also takes other salts and lanes. So the reference implementation's encoded hashes are checked by libsodium directly.
The vector of RFC 9106 §5.3, with secret key and associated data, is beyond it: OpenSSL reproduces that one, and
libsodium must agree with OpenSSL wherever both can go.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import pwhash
from nacl.exceptions import InvalidkeyError

from secballot.sealing import argon2id

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "argon2"
ENCODED = json.loads((VECTORS / "argon2id_v13_encoded_dev.json").read_text())


def _published(name: str) -> bytes:
    """Return the bytes that the vector file prints after this name."""
    found = re.search(rf"^{name}[^:]*: ([0-9a-f ]+)$", (VECTORS / "argon2id_rfc9106.txt").read_text(), re.MULTILINE)
    assert found is not None
    return bytes.fromhex(found[1])


def test_the_other_library_reproduces_the_vector_of_section_5_3() -> None:
    """So it may serve as the reference below."""
    reference = Argon2id(
        salt=_published("Salt"),
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=_published("Associated data"),
        secret=_published("Secret"),
    )
    assert reference.derive(_published("Password")) == _published("Tag")


@given(st.binary(max_size=40), st.binary(min_size=16, max_size=16), st.integers(1, 3), st.integers(8, 70))
@settings(max_examples=30)
def test_libsodium_agrees_with_it_on_one_lane(passphrase: bytes, salt: bytes, ops: int, kibibytes: int) -> None:
    """Passes, memory unit, version and variant are the ones meant."""
    reference = Argon2id(salt=salt, length=32, iterations=ops, lanes=1, memory_cost=kibibytes)
    assert argon2id(passphrase, salt, ops=ops, mem=kibibytes << 10, length=32) == reference.derive(passphrase)


@pytest.mark.parametrize("vector", ENCODED, ids=lambda vector: vector["encoded"][:32])
def test_encoded_hashes_of_the_reference_implementation(vector: dict[str, str]) -> None:
    """The right password opens it, and no other; the raw tag is the one inside the encoding."""
    encoded = vector["encoded"].encode()
    assert pwhash.verify(encoded, vector["password"].encode())
    with pytest.raises(InvalidkeyError):
        pwhash.verify(encoded, vector["password"].encode() + b"x")
    tag = vector["encoded"].rpartition("$")[2]
    assert base64.b64decode(tag + "=").hex() == vector["hash"]
