"""Submissions that fail a cheap check, each in another way, made from good ballots; no two are the same bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.group import ORDER
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry, encode_body, encode_signed
from secballot.records.roll import RegistrationClose
from secballot.roles.delegate import ballot_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BASE: Final = 32


def bad_entries(good: Sequence[bytes], count: int) -> list[bytes]:
    """Return so many bad submissions, made in turn by every way there is."""
    ways = list(WAYS.values())
    return [ways[number % len(ways)](good[number % len(good)], _noise(number)) for number in range(count)]


def _noise(number: int) -> bytes:
    return hashlib.sha256(b"bad %d" % number).digest()


def _changed(entry: bytes, change: Callable[[Ballot], dict[str, object]]) -> bytes:
    body = decode_entry(entry).body
    if not isinstance(body, Ballot):
        raise TypeError("made from ballots only")
    return ballot_entry(msgspec.structs.replace(body, **change(body)))


def _no_entry(entry: bytes, noise: bytes) -> bytes:
    return entry[:-10] + noise.hex().encode()


def _stranger(entry: bytes, noise: bytes) -> bytes:
    del entry
    body = encode_body("registration-close", RegistrationClose(1))
    return encode_signed("registration-close", body, noise, noise + noise)


def _other_poll(entry: bytes, noise: bytes) -> bytes:
    return _changed(entry, lambda _: {"ctx": noise})


def _no_head(entry: bytes, noise: bytes) -> bytes:
    return _changed(entry, lambda _: {"sequence": 1, "previous": noise})


def _too_short(entry: bytes, noise: bytes) -> bytes:
    return _changed(entry, lambda ballot: {"randomizers": ballot.randomizers[:-_BASE] + noise[:-1]})


def _no_scalar(entry: bytes, noise: bytes) -> bytes:
    return _changed(entry, lambda _: {"response": noise[:-1] + b"\xff"})


def _no_signature(entry: bytes, noise: bytes) -> bytes:
    return _changed(entry, lambda ballot: {"signatures": noise + ballot.signatures[len(noise) :]})


def _not_the_owner(entry: bytes, noise: bytes) -> bytes:
    response = int.from_bytes(noise, "little") % ORDER
    return _changed(entry, lambda _: {"response": response.to_bytes(_BASE, "little")})


WAYS: Final = {
    "ENT-01": _no_entry,
    "ENT-04": _stranger,
    "BAL-01": _other_poll,
    "BAL-03": _no_head,
    "BAL-06": _too_short,
    "BAL-07": _no_scalar,
    "BAL-08": _no_signature,
    "BAL-09": _not_the_owner,
}
"""By the check that the submission fails."""
