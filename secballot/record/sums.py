"""The running sums of a poll's counted ballots, one per class, added up block by block.

Whoever verified many ballots together hands in the sum of all their ciphertexts as well. As long as all of them are
admitted, no ciphertext has to be decoded again; those that are not are decoded and left out.

Source: SPEC.md#aggregates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from secballot.elgamal import Ciphertexts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secballot.records.ballot import Ballot


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


@dataclass(eq=False)
class BallotSums(Mapping[int, Ciphertexts]):
    """Class to the sum of its heads' ciphertexts; what was added last may still wait to be added up."""

    _sums: dict[int, Ciphertexts] = field(default_factory=dict)
    _block: VerifiedBlock | None = None
    _taken: dict[int, set[int]] = field(default_factory=dict)

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
            self.settle()
            self._block = ballot.block
        self._taken.setdefault(class_index, set()).add(ballot.position)

    def remove(self, class_index: int, ciphertexts: Ciphertexts) -> None:
        """Take out a ballot that was counted."""
        self._sums[class_index] -= ciphertexts

    def settle(self) -> None:
        """Add up what waits."""
        if self._block is not None:
            for class_index, positions in self._taken.items():
                self._sums[class_index] += self._block.total(class_index, positions)
            self._block, self._taken = None, {}

    def __getitem__(self, class_index: int) -> Ciphertexts:
        """Return the sum of one class."""
        self.settle()
        return self._sums[class_index]

    def __iter__(self) -> Iterator[int]:
        """Yield the classes."""
        return iter(self._sums)

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self._sums)
