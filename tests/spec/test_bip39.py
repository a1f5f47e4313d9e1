"""BIP-39: the English word list, phrases of given entropy, and seeds.

Source: SPEC.md#phrase; BIP-39.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from mnemonic import Mnemonic

from secballot.errors import EncodingError
from secballot.protocol.phrase import generate_phrase, phrase_seed

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "bip39"
ENGLISH = [
    (bytes.fromhex(entropy), phrase, bytes.fromhex(seed))
    for entropy, phrase, seed, _ in json.loads((VECTORS / "trezor_vectors_english.json").read_text())["english"]
]
OURS = [(entropy, phrase) for entropy, phrase, _ in ENGLISH if len(entropy) == 32]


def pbkdf2(phrase: str, passphrase: str) -> bytes:
    """Return the seed as BIP-39 defines it, from the standard library."""
    return hashlib.pbkdf2_hmac("sha512", phrase.encode(), b"mnemonic" + passphrase.encode(), 2048)


def test_the_vectors_hold_phrases_of_our_length() -> None:
    """The tests below are not vacuous."""
    assert len(OURS) >= 4


def test_the_word_list_is_the_published_one() -> None:
    """2048 words, byte for byte."""
    published = (VECTORS / "english.txt").read_bytes()

    assert hashlib.sha256(published).hexdigest() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    assert Mnemonic("english").wordlist == published.decode().split()


@pytest.mark.parametrize(("entropy", "phrase"), OURS, ids=lambda value: str(value)[:12])
def test_entropy_gives_the_published_phrase(entropy: bytes, phrase: str) -> None:
    """32 bytes make 24 words."""
    assert generate_phrase(entropy) == phrase


@pytest.mark.parametrize(("entropy", "phrase", "seed"), ENGLISH, ids=lambda value: str(value)[:12])
def test_the_reference_derivation_gives_the_published_seeds(entropy: bytes, phrase: str, seed: bytes) -> None:
    """PBKDF2 as written above agrees with the vectors, whose passphrase is TREZOR."""
    assert pbkdf2(phrase, "TREZOR") == seed


@pytest.mark.parametrize(("entropy", "phrase"), OURS, ids=lambda value: str(value)[:12])
def test_seeds_are_those_of_the_empty_passphrase(entropy: bytes, phrase: str) -> None:
    """What the wallet derives from is the 64-byte seed without a passphrase."""
    assert phrase_seed(phrase) == pbkdf2(phrase, "")


@pytest.mark.parametrize(
    "phrase", [phrase for entropy, phrase, _ in ENGLISH if len(entropy) != 32], ids=lambda phrase: phrase[:12]
)
def test_good_phrases_of_another_length_are_refused(phrase: str) -> None:
    """12 and 18 words are BIP-39, and not ours."""
    with pytest.raises(EncodingError, match="instead of 24"):
        phrase_seed(phrase)


@pytest.mark.parametrize("phrase", [phrase for _, phrase in OURS], ids=lambda phrase: phrase[:12])
def test_a_wrong_last_word_fails_the_checksum(phrase: str) -> None:
    """Of the eight last words per 2048 that a checksum allows for other entropy, none is the neighbour on the list."""
    words = phrase.split()
    listed = Mnemonic("english").wordlist
    words[-1] = listed[(listed.index(words[-1]) + 1) % 2048]

    with pytest.raises(EncodingError, match="do not go together"):
        phrase_seed(" ".join(words))
