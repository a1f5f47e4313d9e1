"""Changes that know what they change: JSON is changed at a pointer, everything else by its bytes.

The coverage-guided fuzzer and the property tests share them.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from tests.audit.mutants import mutations, write

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

PIECES = (
    b"",
    b"\x00",
    b"\xff",
    b"\n",
    b"\r\n",
    b"\xe2\x80\x94 ",
    b"\xef\xbb\xbf",
    b"\\ud800",
    b"-0",
    b"1e400",
    b"9" * 400,
    b"[" * 3_000,
    b'{"a":' * 3_000,
    b'"' + b"x" * 65_600 + b'"',
    "\u0661".encode(),
    b"null",
    b"=",
)
"""What parsers stumble over."""


def change(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes with one to three changes."""
    for _ in range(rng.randint(1, 3)):
        data = _in_json(data, rng) if rng.random() < 1 / 2 else _in_bytes(data, rng)
    return data


def _in_json(data: bytes, rng: random.Random) -> bytes:
    """Change a value of JSON, or bytes of what is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _in_bytes(data, rng)
    if not isinstance(value, dict) or not value:
        return _in_bytes(data, rng)
    found = list(islice(mutations("", value, [], rng), 4_000))
    return write(rng.choice(found).value).encode("utf-8", "surrogatepass") if found else data


def _in_bytes(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    to = min(len(data), at + rng.choice((1, 1, 2, 4, 32, 1_000)))
    changes: tuple[Callable[[], bytes], ...] = (
        lambda: data[:at] + rng.choice(PIECES) + data[at:],
        lambda: data[:at] + rng.choice(PIECES) + data[to:],
        lambda: data[:at] + data[to:],
        lambda: data[:to] + data[at:],
        lambda: data[:at] + rng.randbytes(to - at) + data[to:],
        lambda: data[:at] + bytes(byte ^ 1 << rng.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :],
    )
    return rng.choice(changes)()
