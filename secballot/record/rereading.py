"""Reading an earlier entry of the log again: cheaper than keeping what is seldom asked for.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secballot.board.merkle import leaf_hash
from secballot.elgamal import CIPHERTEXT_BYTES, Ciphertexts
from secballot.errors import StoreError
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from secballot.record.history import LogHistory
    from secballot.record.state import SittingState
    from secballot.records.entry import Entry

_TOGETHER = 256
"""Ballots whose ciphertexts are decoded in one call: what they take in memory stays below that of a block."""


def bytes_again(state: SittingState, index: int) -> bytes:
    """Return the bytes that were appended at this index.

    Raises:
        StoreError: they cannot be read, or the source gives other bytes; it is trusted for nothing.
    """
    return _accepted(state.fetch, state.history, index)


def read_again(state: SittingState, index: int) -> Entry:
    """Return the entry that was appended at this index.

    Raises:
        StoreError: as `bytes_again`.
    """
    return decode_entry(bytes_again(state, index))


@dataclass(frozen=True, slots=True)
class BallotsAgain:
    """Adds up ballots that were accepted earlier; cheaper than keeping every ballot's elements.

    Attributes:
        fetch: returns the bytes of an earlier entry by index, and is trusted for nothing.
        history: the log that has them.
    """

    fetch: Callable[[int], bytes]
    history: LogHistory

    def sum(self, indices: Iterable[int], values: int) -> Ciphertexts:
        """Return the sum of the ballots at these indices, in the order given.

        Args:
            indices: of ballots of one class that were accepted.
            values: ciphertexts of each.

        Raises:
            StoreError: one of them cannot be read, or the source gives other bytes.

        Source: SPEC.md#aggregates.
        """
        total = Ciphertexts.identity(values)
        held: list[bytes] = []
        for index in indices:
            held.append(self._ciphertexts(index, values))
            if len(held) == _TOGETHER:
                total += _sum(held, values)
                held.clear()
        return total + _sum(held, values)

    def _ciphertexts(self, index: int, values: int) -> bytes:
        body = decode_entry(_accepted(self.fetch, self.history, index)).body
        if not isinstance(body, Ballot):
            raise StoreError("the entry accepted as a ballot is none")
        data = b"".join([contest.ciphertexts for contest in body.contests])
        if len(data) != values * CIPHERTEXT_BYTES:
            raise StoreError("the entry accepted as a ballot is one of another class")
        return data


def _sum(ballots: list[bytes], values: int) -> Ciphertexts:
    together = Ciphertexts.decode(b"".join(ballots))
    return Ciphertexts.concat([together[position::values].sum() for position in range(values)])


def _accepted(fetch: Callable[[int], bytes], history: LogHistory, index: int) -> bytes:
    data = fetch(index)
    if leaf_hash(data) != history.leaf(index):
        raise StoreError("the source of entries gave another entry than the one accepted")
    return data
