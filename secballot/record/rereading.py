"""Reading an earlier entry of the log again: cheaper than keeping what is seldom asked for.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from itertools import repeat
from typing import TYPE_CHECKING

from secballot.board.merkle import leaf_hash
from secballot.elgamal import CIPHERTEXT_BYTES, Ciphertexts
from secballot.errors import StoreError
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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

    def sums(self, indices: Mapping[int, Iterable[int]], values: Mapping[int, int]) -> dict[int, Ciphertexts]:
        """Return class to the sum of its ballots at these indices; all are read in the order of the log.

        Args:
            indices: class to those of ballots that were accepted.
            values: class to the ciphertexts of each.

        Raises:
            StoreError: one of them cannot be read, or the source gives other bytes.

        Source: SPEC.md#aggregates.
        """
        totals = {class_index: Ciphertexts.identity(values[class_index]) for class_index in indices}
        held: dict[int, list[bytes]] = {class_index: [] for class_index in indices}
        in_order = merge(*(zip(sorted(own), repeat(class_index), strict=False) for class_index, own in indices.items()))
        for number, (index, class_index) in enumerate(in_order, 1):
            held[class_index].append(self._ciphertexts(index, values[class_index]))
            if number % _TOGETHER == 0:
                _add_up(totals, held)
        _add_up(totals, held)
        return totals

    def _ciphertexts(self, index: int, values: int) -> bytes:
        body = decode_entry(_accepted(self.fetch, self.history, index)).body
        if not isinstance(body, Ballot):
            raise StoreError("the entry accepted as a ballot is none")
        data = b"".join([contest.ciphertexts for contest in body.contests])
        if len(data) != values * CIPHERTEXT_BYTES:
            raise StoreError("the entry accepted as a ballot is one of another class")
        return data


def _add_up(totals: dict[int, Ciphertexts], held: dict[int, list[bytes]]) -> None:
    """Add what is held of each class to its total."""
    for class_index, ballots in held.items():
        if ballots:
            values = len(totals[class_index])
            together = Ciphertexts.decode(b"".join(ballots))
            totals[class_index] += Ciphertexts.concat([together[at::values].sum() for at in range(values)])
            ballots.clear()


def _accepted(fetch: Callable[[int], bytes], history: LogHistory, index: int) -> bytes:
    data = fetch(index)
    if leaf_hash(data) != history.leaf(index):
        raise StoreError("the source of entries gave another entry than the one accepted")
    return data
