"""The labelled hash H of SPEC.md#hash, and integers in it."""

from __future__ import annotations

import hashlib

from .edwards import ORDER

DOMAIN = b"secballot/v1"

Field = bytes | int | str


def u64(number: int) -> bytes:
    """Return an integer as eight bytes, big-endian."""
    return number.to_bytes(8, "big")


def _encode(field: Field) -> bytes:
    if isinstance(field, int):
        return u64(field)
    return field.encode() if isinstance(field, str) else field


def digest(label: str, *fields: Field) -> bytes:
    """Return the 64 bytes H(label, fields…)."""
    state = hashlib.sha512(DOMAIN)
    for field in (label, *fields):
        data = _encode(field)
        state.update(u64(len(data)) + data)
    return state.digest()


def wide(data: bytes) -> int:
    """Return 64 bytes, read little-endian, modulo ℓ."""
    return int.from_bytes(data, "little") % ORDER


def challenge(label: str, *fields: Field) -> int:
    """Return H(label, fields…) as a scalar."""
    return wide(digest(label, *fields))


def numbers(values: list[int]) -> bytes:
    """Return a list of integers as eight bytes each."""
    return b"".join(u64(value) for value in values)
