"""One entry as it was read from a log, decoded once for everything that looks at it.

Source: SPEC.md#judging-an-entry.
"""

from __future__ import annotations

import msgspec

from secballot.board.merkle import leaf_hash
from secballot.errors import EncodingError
from secballot.records.entry import Entry, decode_entry


class ReadEntry(msgspec.Struct, frozen=True):
    """The bytes at one place of a log.

    The collector of cycles has to see it: an exception leads to frames, and those may lead back here.

    Attributes:
        data: any bytes at all.
        leaf: their leaf hash, 32 bytes.
        entry: the entry that they are, or why they are none (ENT-01).
    """

    data: bytes
    leaf: bytes
    entry: Entry | EncodingError


def read_entry(data: bytes) -> ReadEntry:
    """Return what these bytes are."""
    try:
        entry: Entry | EncodingError = decode_entry(data)
    except EncodingError as error:
        entry = error.with_traceback(None)  # which would keep alive whatever the callers' frames hold
    return ReadEntry(data, leaf_hash(data), entry)
