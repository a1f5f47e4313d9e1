"""Published RSA keys for tests, since a fresh one of 3072 bits costs a fifth of a second.

Their primes are in `tests/vectors/test_registrar_keys.json` for everyone to read: they are good for nothing but tests.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from secballot.blind import BlindSecretKey

KEYS = 24
"""Keys in the file."""

_PATH = Path(__file__).parent / "vectors" / "test_registrar_keys.json"


@cache
def test_key(i: int) -> BlindSecretKey:
    """Return the published key number i, 0..23; the same number gives the same object."""
    return BlindSecretKey(*test_primes(i))


@cache
def test_primes(i: int) -> tuple[int, int]:
    """Return the primes of the published key number i, 0..23."""
    key = json.loads(_PATH.read_text(encoding="utf-8"))["keys"][i]
    return int(key["p"], 16), int(key["q"], 16)


def leaky_prime() -> int:
    """Return a published prime p of 1536 bits with 65537 dividing p − 1."""
    return int(json.loads(_PATH.read_text(encoding="utf-8"))["leaky_prime"], 16)


for _function in (test_key, test_primes):
    _function.__dict__["__test__"] = False  # pytest would take it for a test wherever it is imported
