"""Sums of ballots verified in blocks: whatever part of a block is admitted, its ciphertexts and no others count."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from secballot.board.merkle import leaf_hash
from secballot.elgamal import CIPHERTEXT_BYTES, Ciphertexts
from secballot.errors import StoreError
from secballot.record import Outcome, SittingRecord
from secballot.record.history import LogHistory
from secballot.record.rereading import BallotsAgain
from secballot.record.saving import restored, saved
from secballot.record.sums import FEW_WAITING, BallotSums, PassedBallot, VerifiedBlock, ciphertexts_of
from secballot.roles.delegate import ballot_entry
from tests.simulator import golden, resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream, verdict, voter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


def test_a_few_of_many_have_their_own_sum(ballots: list[Ballot]) -> None:
    """Two of five: added up anew, since that is less work."""
    passed = frozenset({0, 1, 3, 5, 6})
    total = Ciphertexts.decode(sum_of(ballots * 2, passed))
    block = VerifiedBlock(ballots * 2, {1: passed}, {1: total})
    for taken in combinations(sorted(passed), 2):
        assert block.total(1, set(taken)).encode() == sum_of(ballots * 2, taken)


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


class Log:
    """The log that these ballots stand in, and what was read of it again."""

    def __init__(self, ballots: list[Ballot]) -> None:
        """Hold one entry for each."""
        self.entries = [ballot_entry(ballot) for ballot in ballots]
        self.read: list[int] = []
        self.history = LogHistory(b"".join(map(leaf_hash, self.entries)))

    def fetch(self, index: int) -> bytes:
        """Return an entry, and note that it was asked for."""
        self.read.append(index)
        return self.entries[index]

    def sums(self, most_waiting: int = FEW_WAITING) -> BallotSums:
        """Return new sums of two classes."""
        sums = BallotSums(BallotsAgain(self.fetch, self.history), most_waiting=most_waiting)
        for class_index in (1, 2):
            sums.begin(class_index, 3)
        return sums


def test_blocks_and_single_ballots_add_up(ballots: list[Ballot]) -> None:
    """A poll's sums: several blocks, ballots verified alone, and one that its owner replaced."""
    sums = Log(ballots).sums()
    block, again = verified(ballots), verified(ballots)
    sums.add(1, PassedBallot(block, 0))
    sums.add(1, PassedBallot(block, 3))
    sums.add(2, PassedBallot(block, 4))
    sums.add(1, PassedBallot(again, 1))
    sums.add(1, ciphertexts_of(ballots[2]))
    sums.supersede(1, 0)
    assert [sums[index].encode() for index in sums] == [sum_of(ballots, [1, 2, 3]), sum_of(ballots, [4])]
    sums.add(2, PassedBallot(again, 4))
    assert (sums[2].encode(), len(sums)) == (sum_of(ballots, [4, 4]), 2)
    assert sums[1].encode() == sum_of(ballots, [1, 2, 3])


def test_sums_go_on_from_what_was_counted_before(ballots: list[Ballot]) -> None:
    """A record that is read again begins with its sums, and what waits is added on top."""
    sums = Log(ballots).sums()
    sums.set(1, ciphertexts_of(ballots[0]))
    sums.add(1, PassedBallot(verified(ballots), 1))
    assert sums[1].encode() == sum_of(ballots, [0, 1])


def test_superseded_ballots_are_read_together_in_the_order_of_the_log(ballots: list[Ballot]) -> None:
    """Whoever reads from files of many entries opens each once; nothing is read until room is needed, nor twice."""
    log = Log(ballots)
    sums = log.sums(most_waiting=4)
    of_classes = ((1, 3), (2, 2), (1, 0), (2, 1))
    for class_index, index in of_classes:
        sums.add(class_index, ciphertexts_of(ballots[index]))
    for class_index, index in of_classes[:3]:
        sums.make_room()
        sums.supersede(class_index, index)
    sums.make_room()
    assert log.read == []
    sums.supersede(*of_classes[3])
    sums.make_room()
    assert log.read == [0, 1, 2, 3]
    assert [sums[index] for index in sums] == [Ciphertexts.identity(3)] * 2
    assert log.read == [0, 1, 2, 3]


@pytest.fixture
def decoded(ballots: list[Ballot], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many ballots of three options were decoded in each call, as it comes to be."""
    calls: list[int] = []
    honest = Ciphertexts.decode

    def spy(data: bytes) -> Ciphertexts:
        calls.append(len(data) // (3 * CIPHERTEXT_BYTES))
        return honest(data)

    assert ballots  # they are made before anybody counts
    monkeypatch.setattr(Ciphertexts, "decode", spy)
    return calls


def test_many_ballots_are_read_again_piece_by_piece(ballots: list[Ballot], decoded: list[int]) -> None:
    """More than are decoded at once, and any rest: each counts once, and 256 are decoded in one call."""
    again = BallotsAgain(Log(ballots).fetch, Log(ballots).history)
    for often in (0, 1, 255, 256, 257, 600):
        indices = [number % 5 for number in range(often)]
        parts = [ciphertexts_of(ballots[at]).scale(indices.count(at)) for at in range(5)]
        expected = parts[0] + parts[1] + parts[2] + parts[3] + parts[4]
        decoded.clear()
        assert again.sums({1: indices}, {1: 3}) == {1: expected}, often
        assert decoded == [256] * (often // 256) + [often % 256] * (often % 256 > 0)


def test_what_is_held_of_all_classes_together_is_bounded(ballots: list[Ballot], decoded: list[int]) -> None:
    """Of one class 200 and of another as many: no more than 256 are held before they are added up, each to its own."""
    again = BallotsAgain(Log(ballots).fetch, Log(ballots).history)
    expected = {1: ciphertexts_of(ballots[0]).scale(200), 2: ciphertexts_of(ballots[4]).scale(200)}
    decoded.clear()
    assert again.sums({1: [0] * 200, 2: [4] * 200}, {1: 3, 2: 3, 3: 3}) == expected
    assert decoded == [200, 56, 144]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda entries: entries[1], "another entry than the one accepted"),
        (lambda entries: entries[0][:-1], "another entry than the one accepted"),
        (lambda _: b"", "another entry than the one accepted"),
    ],
    ids=["another ballot", "cut off", "nothing"],
)
def test_what_cannot_be_read_again_waits_on(
    ballots: list[Ballot], bad: Callable[[list[bytes]], bytes], said: str
) -> None:
    """The source lies once: the sums stay what they were, and come right as soon as it tells the truth."""
    log = Log(ballots)
    honest = log.entries[0]
    sums = log.sums(most_waiting=2)
    for position in (0, 1, 3):
        sums.add(1, PassedBallot(verified(ballots), position))
    sums.supersede(1, 3)
    sums.supersede(1, 0)
    log.entries[0] = bad(log.entries)
    for attempt in (sums.make_room, sums.settle, lambda: sums[1]):
        with pytest.raises(StoreError, match=said):
            attempt()
    log.entries[0] = honest
    assert sums[1].encode() == sum_of(ballots, [1])


@pytest.mark.parametrize(
    ("entry", "values", "said"),
    [(b"", 3, "the entry accepted as a ballot is none"), (None, 4, "one of another class")],
    ids=["another kind", "another class"],
)
def test_what_was_no_such_ballot_leaves_no_sum(
    ballots: list[Ballot], entry: bytes | None, values: int, said: str
) -> None:
    """An index that was never a ballot of the class is a fault of whoever kept the state, and is said."""
    log = Log(ballots)
    if entry is not None:
        log.entries[0] = golden().entries[0]
        log.history = LogHistory(leaf_hash(log.entries[0]))
    with pytest.raises(StoreError, match=said):
        BallotsAgain(log.fetch, log.history).sums({1: [0]}, {1: values})


def test_a_source_that_gives_another_ballot_cannot_falsify_a_sum() -> None:
    """A revoted ballot is read again before its poll closes; the bytes are compared with the leaf."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (AGAINST,))
    index = stream.poll().heads[voter(0).credential.S].index
    assert verdict(stream.cast(stream.ballot(0, (AGAINST,)))) == ("accepted", None)
    closing = stream.entry(stream.officers[0], "closing", stream.closing(note))
    kept = stream.board.entries[index]
    stream.board.entries[index] = stream.board.entries[index + 1]
    with pytest.raises(StoreError, match="another entry than the one accepted"):
        stream.board.record.append(closing)
    assert stream.poll().status == "open"
    stream.board.entries[index] = kept
    assert verdict(stream.board.force(closing)) == ("effect", None)
    stream.decrypt(2, 4)
    assert stream.result().contests[0].counts == (0, 4, 0)


def test_a_full_queue_of_superseded_ballots_is_read_before_the_next_is_accepted() -> None:
    """Where a source fails just then, that ballot changes nothing and is accepted later; another's first is at once."""
    stream = Stream()
    stream.open(resolution())
    again = BallotsAgain(stream.board.record.state.fetch, stream.board.record.state.history)
    stream.poll().sums = sums = BallotSums(again, most_waiting=1)
    sums.begin(1, 3)
    stream.vote((FOR,))
    index = stream.poll().heads[voter(0).credential.S].index
    assert verdict(stream.cast(stream.ballot(0, (AGAINST,)))) == ("accepted", None)
    third_ballot = stream.ballot(0, (ABSTAIN,))
    third = ballot_entry(third_ballot)
    kept = stream.board.entries[index]
    stream.board.entries[index] = b""
    with pytest.raises(StoreError):
        stream.board.record.append(third)
    assert stream.poll().heads[voter(0).credential.S].sequence == 1
    first_of_another = stream.ballot(1, (FOR,))
    assert stream.board.force(ballot_entry(first_of_another)).outcome is Outcome.ACCEPTED
    stream.board.entries[index] = kept
    assert stream.board.force(third).outcome is Outcome.ACCEPTED
    assert sums[1].encode() == sum_of([third_ballot, first_of_another], [0, 1])


@pytest.mark.parametrize(("most_waiting", "again"), [(1, 2), (2, 2), (3, 0)])
def test_a_record_lets_as_many_superseded_ballots_wait_as_it_is_told(most_waiting: int, again: int) -> None:
    """Whether it was fed from the first entry or goes on from what was saved; the sum is the same."""
    stream = Stream()
    stream.open(resolution())
    size = len(stream.board.entries) + 1
    stream.vote((FOR,), (FOR,))
    for who, choice in ((0, AGAINST), (1, AGAINST), (0, ABSTAIN)):
        assert verdict(stream.cast(stream.ballot(who, (choice,)))) == ("accepted", None)
    read: list[int] = []

    def fetch(index: int) -> bytes:
        read.append(index)
        return stream.board.entries[index]

    fed = SittingRecord(stream.board.anchor, fetch=fetch, most_waiting=most_waiting)
    for entry in stream.board.entries[:size]:
        fed.append(entry)
    for record in (fed, restored(saved(fed), fetch=fetch, most_waiting=most_waiting)):
        for entry in stream.board.entries[size:]:
            assert record.append(entry).outcome is Outcome.ACCEPTED
        assert read == [size - 1, size][:again]
        assert record.state.polls[1].sums[1] == stream.poll().sums[1]
        read.clear()


def test_what_waits_is_saved_without_being_read() -> None:
    """A source that fails keeps nobody from saving; a state that goes on from there still knows what has to leave."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (AGAINST,))
    assert verdict(stream.cast(stream.ballot(0, (AGAINST,)))) == ("accepted", None)
    state = stream.board.record.state
    first, index = len(stream.board.entries) - 3, len(stream.board.entries)
    honest = stream.board.entries[first]
    stream.board.entries[first] = b""
    again = restored(saved(stream.board.record), fetch=lambda at: stream.board.entries[at])
    assert saved(again) == saved(stream.board.record)
    with pytest.raises(StoreError, match="another entry than the one accepted"):
        again.state.polls[1].sums[1]
    stream.board.entries[first] = honest
    assert verdict(stream.board.force(stream.entry(stream.officers[0], "closing", stream.closing(note))))[1] is None
    assert verdict(again.append(stream.board.entries[index]))[1] is None
    assert again.state.polls[1].aggregates == state.polls[1].aggregates != ()
    assert saved(again) == saved(stream.board.record)
