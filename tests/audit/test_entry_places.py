"""An entry decoded in place is what its envelope, decoded as a whole, says: of good bytes and of any others."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import EncodingError
from secballot.records.entry import CODECS, Entry, decode_body, decode_entry, decode_envelope
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = b',"kind":"'


@cache
def samples() -> list[bytes]:
    """Return an entry of every kind that the golden sitting has, the shortest."""
    found: dict[str, bytes] = {}
    for data in sorted(golden().entries, key=len):
        found.setdefault(decode_envelope(data)[0], data)
    return list(found.values())


def outcome(decode: Callable[[bytes], Entry], data: bytes) -> object:
    """Return the entry, or all that can be told of its refusal."""
    try:
        return decode(data)
    except EncodingError as refusal:
        return type(refusal), refusal.message, refusal.field, refusal.offset


def whole(data: bytes) -> Entry:
    """Decode envelope and body, one after the other."""
    return decode_body(*decode_envelope(data))


def agreed(data: bytes) -> object:
    """Return the one answer."""
    found = outcome(decode_entry, data)
    assert found == outcome(whole, data)
    return found


def test_good_entries_of_every_kind_are_read_alike() -> None:
    """Kind, body, its bytes, signer and signature."""
    kinds = {entry.kind for entry in map(agreed, samples()) if isinstance(entry, Entry)}
    assert len(kinds) == len(samples()) > 15
    assert {"ballot", "credential-request", "manifest"} <= kinds


@settings(max_examples=300, deadline=None)
@given(
    number=st.integers(0, 30),
    at=st.one_of(st.integers(-260, 12), st.integers(0, 5_000)),
    cut=st.integers(0, 3),
    put=st.one_of(
        st.binary(max_size=3),
        st.sampled_from([b" ", b'"', b"}", b"{", b",", b"=", b"\\", b'"}', b',"kind":"ballot"}', KIND + b"roll", b"0"]),
    ),
)
def test_altered_entries_are_read_alike(number: int, at: int, cut: int, put: bytes) -> None:
    """Bytes taken out and put in, mostly around the ends, where everything has its place."""
    data = samples()[number % len(samples())]
    at %= len(data) + 1
    agreed(data[:at] + put + data[at + cut :])


@given(st.binary(max_size=400))
@example(b"")
@example(b'{"body":')
@example(b'{"body":,"kind":"ballot"}')
@example(b'{"body":{},"kind":"ballot"}')
@example(b'{"body":0,"kind":"roll","signature":"","signer":""}')
def test_any_bytes_are_read_alike(data: bytes) -> None:
    """Alone, and between the ends of entries."""
    agreed(data)
    agreed(b'{"body":' + data + b',"kind":"ballot"}')
    for good in samples():
        agreed(b'{"body":' + data + good[good.rfind(KIND) :])


@pytest.mark.parametrize("kind", [*CODECS, "", "Ballot", "ballot ", "no-such-kind", "x" * 300])
def test_bodies_under_other_kinds_are_read_alike(kind: str) -> None:
    """A good body under every other kind, signed and not; some kinds have bodies of one shape."""
    refused = 0
    for good in samples():
        at = good.rfind(KIND)
        end = good.find(b'"', at + len(KIND))
        refused += not isinstance(agreed(good[:at] + KIND + kind.encode() + good[end:]), Entry)
    assert refused >= len(samples()) - 3


def test_entries_that_are_too_long_are_read_alike() -> None:
    """The limit is on all of an entry: a body may stay below it where the entry does not."""
    for size in range(MAX_ENTRY_BYTES - 400, MAX_ENTRY_BYTES, 20):
        body = b'{"chunk":1,"chunks":1,"content":"%s"}' % (b"A" * size)
        agreed(b'{"body":' + body + b',"kind":"ballot"}')
        for good in samples():
            agreed(b'{"body":' + body + good[good.rfind(KIND) :])


def test_what_a_body_holds_is_not_taken_for_the_end() -> None:
    """Inside a body, and twice at the end."""
    for good in samples():
        at = good.rfind(KIND)
        agreed(good[:at] + good[at:-1] + good[at:])
        agreed(good[:8] + good + good[at:])
        agreed(good[:at] + b',"kind":"ballot"}')
        agreed(good[:-1] + b',"kind":"ballot"}')
