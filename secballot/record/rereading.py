"""Reading an earlier entry of the log again: cheaper than keeping what is seldom asked for.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.board.merkle import leaf_hash
from secballot.errors import StoreError
from secballot.records.entry import decode_entry

if TYPE_CHECKING:
    from secballot.record.state import SittingState
    from secballot.records.entry import Entry


def bytes_again(state: SittingState, index: int) -> bytes:
    """Return the bytes that were appended at this index.

    Raises:
        StoreError: they cannot be read, or the source gives other bytes; it is trusted for nothing.
    """
    data = state.fetch(index)
    if leaf_hash(data) != state.history.leaf(index):
        raise StoreError("the source of entries gave another entry than the one accepted")
    return data


def read_again(state: SittingState, index: int) -> Entry:
    """Return the entry that was appended at this index.

    Raises:
        StoreError: as `bytes_again`.
    """
    return decode_entry(bytes_again(state, index))
