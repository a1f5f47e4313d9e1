"""The running sums of a poll's counted ballots, one per class, added up block by block.

Whoever verified many ballots together hands in the sum of all their ciphertexts as well. As long as all of them are
admitted, no ciphertext has to be decoded again; those that are not are decoded and left out.

A ballot that is superseded leaves the sum later, together with others: those of all classes are read again in the order
of the log, so that whoever reads from files of many entries opens each of them once.

Source: SPEC.md#aggregates.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.elgamal import Ciphertexts
from secballot.record.rereading import BallotsAgain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secballot.record.state import SittingState
    from secballot.records.ballot import Ballot

FEW_WAITING: Final = 256
"""Superseded ballots that wait where any entry is read for itself, as from a database: a board must not pause long."""

MANY_WAITING: Final = 1 << 17
"""The same where one entry is read with those beside it, as from static files: eight bytes each."""

SavedSums = tuple[tuple[int, bytes, tuple[int, ...]], ...]
"""Class, sum, and the indices of superseded ballots that are still in it."""


@dataclass(frozen=True, eq=False)
class VerifiedBlock:
    """Ballots of one poll that were verified together, and the sums of those that passed every stateless check.

    Attributes:
        ballots: all of the block.
        passed: class to the positions of its ballots that passed.
        sums: class to the sum of their ciphertexts.
    """

    ballots: Sequence[Ballot]
    passed: Mapping[int, frozenset[int]]
    sums: Mapping[int, Ciphertexts]

    def total(self, class_index: int, positions: set[int]) -> Ciphertexts:
        """Return the sum of the ballots at these positions, all of which passed."""
        left_out = self.passed[class_index] - positions
        if len(left_out) <= len(positions):
            total = self.sums[class_index]
            for position in left_out:
                total -= self.ciphertexts(position)
            return total
        total = Ciphertexts.identity(len(self.sums[class_index]))
        for position in positions:
            total += self.ciphertexts(position)
        return total

    def ciphertexts(self, position: int) -> Ciphertexts:
        """Return the ciphertexts of one ballot that passed, decoded again."""
        return ciphertexts_of(self.ballots[position])


@dataclass(frozen=True, slots=True)
class PassedBallot:
    """The verdict on one ballot of a block: it passed every stateless check."""

    block: VerifiedBlock
    position: int


def ciphertexts_of(ballot: Ballot) -> Ciphertexts:
    """Return the ciphertexts of all contests of a ballot, in order.

    Raises:
        EncodingError: one does not decode, or is the identity (BAL-11).
    """
    return Ciphertexts.decode(b"".join([contest.ciphertexts for contest in ballot.contests]))


class BallotSums(Mapping[int, Ciphertexts]):
    """Class to the sum of its heads' ciphertexts; what came and went last may still wait to be added up."""

    def __init__(self, again: BallotsAgain, *, most_waiting: int = FEW_WAITING) -> None:
        """Begin without a class.

        Args:
            again: reads superseded ballots.
            most_waiting: superseded ballots that may wait, at least 1: `FEW_WAITING` or `MANY_WAITING`.
        """
        self._again = again
        self._most_waiting = most_waiting
        self._sums: dict[int, Ciphertexts] = {}
        self._block: VerifiedBlock | None = None
        self._taken: dict[int, set[int]] = {}
        self._superseded: dict[int, array[int]] = {}

    @classmethod
    def of(cls, state: SittingState) -> BallotSums:
        """Return the sums of a poll of this sitting, without a class."""
        return cls(BallotsAgain(state.fetch, state.history), most_waiting=state.most_waiting)

    def packed(self) -> SavedSums:
        """Return them as plain values; what waits to be read again waits on, so that no source is asked."""
        self._add_up()
        return tuple(
            (class_index, total.encode(), tuple(self._superseded.get(class_index, ())))
            for class_index, total in self._sums.items()
        )

    @classmethod
    def unpacked(cls, state: SittingState, values: SavedSums) -> BallotSums:
        """Return the sums of a poll of this sitting that `packed` wrote.

        Raises:
            EncodingError, ArithmeticError: they are none.
        """
        sums = cls.of(state)
        for class_index, total, superseded in values:
            sums.set(class_index, Ciphertexts.decode(total, allow_identity=True))
            for index in superseded:
                sums.supersede(class_index, index)
        return sums

    def begin(self, class_index: int, options: int) -> None:
        """Begin the sum of a class with no ballot: so many ciphertexts of zero."""
        self._sums[class_index] = Ciphertexts.identity(options)

    def set(self, class_index: int, total: Ciphertexts) -> None:
        """Begin the sum of a class with what was counted before."""
        self._sums[class_index] = total

    def add(self, class_index: int, ballot: Ciphertexts | PassedBallot) -> None:
        """Count a ballot."""
        if isinstance(ballot, Ciphertexts):
            self._sums[class_index] += ballot
            return
        if ballot.block is not self._block:
            self._add_up()
            self._block = ballot.block
        self._taken.setdefault(class_index, set()).add(ballot.position)

    def supersede(self, class_index: int, index: int) -> None:
        """Have the ballot that was counted at this index of the log leave the sum."""
        self._superseded.setdefault(class_index, array("Q")).append(index)

    def make_room(self) -> None:
        """See that one more ballot may be superseded.

        Raises:
            StoreError: as `settle`.
        """
        if sum(map(len, self._superseded.values())) >= self._most_waiting:
            self.settle()

    def settle(self) -> None:
        """Add up what waits, so that the sums can be read without failing.

        Raises:
            StoreError: a superseded ballot cannot be read again; then all wait on.
        """
        values = {class_index: len(total) for class_index, total in self._sums.items()}
        gone = self._again.sums(self._superseded, values)
        self._superseded = {}
        self._add_up()
        for class_index, total in gone.items():
            self._sums[class_index] -= total

    def _add_up(self) -> None:
        if self._block is not None:
            for class_index, positions in self._taken.items():
                self._sums[class_index] += self._block.total(class_index, positions)
            self._block, self._taken = None, {}

    def __getitem__(self, class_index: int) -> Ciphertexts:
        """Return the sum of one class.

        Raises:
            StoreError: as `settle`.
        """
        self.settle()
        return self._sums[class_index]

    def __iter__(self) -> Iterator[int]:
        """Yield the classes."""
        return iter(self._sums)

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self._sums)
