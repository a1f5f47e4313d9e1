"""The sums of a poll are those of its heads, whatever happened on the way to them."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest

from secballot.audit.replay import replay
from secballot.elgamal import Ciphertexts
from secballot.errors import StoreError
from secballot.record import SittingRecord
from secballot.record.saving import restored, saved
from secballot.record.sums import ciphertexts_of
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from tests.simulator import resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

Sums = dict[tuple[bytes, int], Ciphertexts]
"""Context of a poll and class to a sum; only of classes that have voted."""


@cache
def two_polls() -> tuple[Stream, int]:
    """Return a log in which both classes vote in two polls, often again, and the index of its first ballot."""
    stream, chance = Stream(), Random(7)  # noqa: S311  # a test that can be run again
    notes = {1: stream.open(resolution()), 2: stream.open(resolution(), resolution(), number=2)}
    first = len(stream.board.entries)
    todo = [(who, poll) for who in range(8) for poll in notes for _ in range(chance.randint(1, 3))]
    chance.shuffle(todo)
    for place, (who, poll) in enumerate(todo):
        choices = tuple(chance.choice((FOR, AGAINST, ABSTAIN)) for _ in range(poll))
        ballot = stream.ballot(who, choices, poll, seed=b"%d" % place)
        assert verdict(stream.cast(ballot)) == ("accepted", None)
    for poll, note in notes.items():
        stream.close(note, poll)
    return stream, first


def sums_of_heads(entries: Sequence[bytes]) -> Sums:
    """Return the sums of every credential's last ballot among these entries, all of which are accepted."""
    bodies = [decode_entry(entry).body for entry in entries]
    heads = {(body.ctx, body.credential): body for body in bodies if isinstance(body, Ballot)}
    sums: Sums = {}
    for (ctx, _), ballot in heads.items():
        own, place = ciphertexts_of(ballot), (ctx, ballot.class_index)
        sums[place] = sums[place] + own if place in sums else own
    return sums


class Way:
    """A record on its way through the log, with a source that fails or lies now and then."""

    def __init__(self, seed: int) -> None:
        """Stand before the first ballot."""
        self.stream, self.first = two_polls()
        self.entries = self.stream.board.entries
        self.chance, self.trouble = Random(seed), 0.0  # noqa: S311  # as above
        self.record = SittingRecord(self.stream.board.anchor, fetch=self.fetch, most_waiting=self.most_waiting())
        for entry in self.entries[: self.first]:
            self.record.append(entry)

    def fetch(self, index: int) -> bytes:
        """Return the entry, another one, or none."""
        if self.chance.random() >= self.trouble:
            return self.entries[index]
        if self.chance.random() >= 0.5:
            return self.entries[index - 1]
        raise StoreError("the source does not answer")

    def most_waiting(self) -> int:
        """Return how many superseded ballots may wait from now on."""
        return self.chance.choice((1, 3, 300))

    def one(self) -> None:
        """Append the next entry by itself."""
        self.record.append(self.entries[len(self.record)])

    def block(self) -> None:
        """Append some entries, verified together."""
        first = len(self.record)
        for _ in replay(self.record, self.entries[first : first + self.chance.randint(2, 9)], lambda *_: None):
            pass

    def look(self) -> None:
        """Judge the next entry, and leave it alone."""
        self.record.judge(self.entries[len(self.record)])

    def save(self) -> None:
        """Go on from the saved state."""
        self.record = restored(saved(self.record), fetch=self.fetch, most_waiting=self.most_waiting())

    def compare(self) -> None:
        """Compare the sums with those of the heads."""
        expected = sums_of_heads(self.entries[self.first : len(self.record)])
        found = {
            (poll.ctx, class_index): poll.sums[class_index]
            for poll in self.record.state.polls.values()
            for class_index in poll.sums
            if (poll.ctx, class_index) in expected
        }
        assert found == expected


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_on_the_way_the_sums_are_those_of_the_heads(seed: int) -> None:
    """Ballots come alone or in blocks or are only looked at; the state is saved and restored; the source fails."""
    way = Way(seed)
    while len(way.record) < len(way.entries):
        way.trouble = way.chance.choice((0.0, 0.2, 1.0))
        step = way.chance.choice((way.one, way.block, way.look, way.save, way.compare))
        try:
            step()
        except StoreError:
            assert way.trouble > 0
            assert step != way.save
    way.trouble = 0.0
    way.compare()
    assert saved(way.record) == saved(way.stream.board.record)
