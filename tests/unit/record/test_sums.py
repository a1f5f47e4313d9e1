"""Sums of ballots verified in blocks: whatever part of a block is admitted, its ciphertexts and no others count."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from secballot.elgamal import Ciphertexts
from secballot.record.sums import BallotSums, PassedBallot, VerifiedBlock, ciphertexts_of
from tests.simulator import resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from secballot.records.ballot import Ballot

FIRST = frozenset({0, 1, 3})
"""Positions of the first class's ballots that passed; the one at 2 did not, the one at 4 is of the second class."""


@pytest.fixture(scope="module")
def ballots() -> list[Ballot]:
    """Return ballots of one poll: four of the first class, one of the second."""
    stream = Stream()
    stream.open(resolution())
    return [stream.ballot(who, (choice,)) for who, choice in enumerate((FOR, AGAINST, ABSTAIN, FOR, FOR))]


def sum_of(ballots: list[Ballot], positions: Iterable[int]) -> bytes:
    """Return the sum of the ballots at these positions, added up one by one."""
    total = Ciphertexts.identity(3)
    for position in positions:
        total += ciphertexts_of(ballots[position])
    return total.encode()


def verified(ballots: list[Ballot]) -> VerifiedBlock:
    """Return the block as whoever verified it hands it over."""
    passed = {1: FIRST, 2: frozenset({4})}
    sums = {
        index: Ciphertexts.decode(sum_of(ballots, positions), allow_identity=True)
        for index, positions in passed.items()
    }
    return VerifiedBlock(ballots, passed, sums)


@pytest.mark.parametrize(
    "taken", [set(some) for size in range(4) for some in combinations(sorted(FIRST), size)], ids=str
)
def test_any_part_of_a_block_has_its_own_sum(ballots: list[Ballot], taken: set[int]) -> None:
    """None, one, most or all: taken from the block's sum or added up anew, the result is the same."""
    assert verified(ballots).total(1, taken).encode() == sum_of(ballots, taken)


def test_little_is_decoded_again(ballots: list[Ballot], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum handed in saves decoding: as many ballots are decoded as were left out, or taken, whichever are fewer."""
    decoded: list[int] = []
    honest = VerifiedBlock.ciphertexts

    def spy(block: VerifiedBlock, position: int) -> Ciphertexts:
        decoded.append(position)
        return honest(block, position)

    monkeypatch.setattr(VerifiedBlock, "ciphertexts", spy)
    for taken, expected in ((FIRST, []), ({0, 1}, [3]), ({3}, [3]), (set(), [])):
        decoded.clear()
        verified(ballots).total(1, set(taken))
        assert decoded == expected


def test_blocks_and_single_ballots_add_up(ballots: list[Ballot]) -> None:
    """A poll's sums: several blocks, ballots verified alone, and one that its owner replaced."""
    sums = BallotSums()
    for class_index in (1, 2):
        sums.begin(class_index, 3)
    block, again = verified(ballots), verified(ballots)
    sums.add(1, PassedBallot(block, 0))
    sums.add(1, PassedBallot(block, 3))
    sums.add(2, PassedBallot(block, 4))
    sums.add(1, PassedBallot(again, 1))
    sums.add(1, ciphertexts_of(ballots[2]))
    sums.remove(1, ciphertexts_of(ballots[0]))
    assert [sums[index].encode() for index in sums] == [sum_of(ballots, [1, 2, 3]), sum_of(ballots, [4])]
    sums.add(2, PassedBallot(again, 4))
    assert (sums[2].encode(), len(sums)) == (sum_of(ballots, [4, 4]), 2)
    assert sums[1].encode() == sum_of(ballots, [1, 2, 3])


def test_sums_go_on_from_what_was_counted_before(ballots: list[Ballot]) -> None:
    """A record that is read again begins with its sums, and what waits is added on top."""
    sums = BallotSums()
    sums.set(1, ciphertexts_of(ballots[0]))
    sums.add(1, PassedBallot(verified(ballots), 1))
    assert sums[1].encode() == sum_of(ballots, [0, 1])
