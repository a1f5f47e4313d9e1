"""The other side of the limits of an opening: contests that only just fit, and ballots of just the size allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.protocol.ballot_layout import ballot_entry_size
from secballot.record import polls
from secballot.records.opening import Contest, Option
from tests.second_verifier import ignore
from tests.simulator import election, resolution
from tests.stages import FOR, Stream, verdict

if TYPE_CHECKING:
    from collections.abc import Callable


def electing(options: int, **changes: object) -> Contest:
    """Return an election of two seats among so many, with changes."""
    names = tuple(Option(f"Option {number}", 1) for number in range(options))
    return msgspec.structs.replace(election(), options=names, **changes)


FITS: dict[str, Callable[[], Contest]] = {
    "for and against": lambda: msgspec.structs.replace(resolution(), options=resolution().options[:2]),
    "one vote that must be given": lambda: msgspec.structs.replace(resolution(), sum_minimum=1, sum_maximum=1),
    "as many candidates as seats": lambda: electing(2, sum_minimum=0, sum_maximum=2),
    "a single vote": lambda: electing(3, sum_minimum=0, sum_maximum=1),
    "a vote for everybody": lambda: electing(3, sum_minimum=3, sum_maximum=3),
}


@pytest.mark.parametrize("name", FITS)
def test_a_contest_at_the_edge_fits(name: str) -> None:
    """POL-02 refuses what lies beyond, and no more."""
    stream = Stream()
    assert verdict(stream.act("opening", stream.opening([FITS[name]()]))) == ("effect", None)
    assert stream.poll().opening.contests == (FITS[name](),)


@pytest.mark.parametrize(("contest", "class_index"), [(resolution, 1), (resolution, 2), (election, 1)])
def test_a_ballot_may_be_of_the_largest_size(
    contest: Callable[[], Contest], class_index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """POL-02: a byte makes the difference, in whatever class the ballots are largest."""
    stream = Stream()
    ignore(stream.board)
    stream.open(contest(), number=2)
    shapes, registrars = stream.poll(2).context.shapes(class_index), len(stream.manifest.registrars)
    size = ballot_entry_size(shapes, registrars, class_index)
    for limit, expected in ((size - 1, ("no effect", "POL-02")), (size, ("effect", None))):
        monkeypatch.setattr(polls, "MAX_BALLOT_BYTES", limit)
        assert verdict(stream.act("opening", stream.opening([contest()]))) == expected


def test_a_poll_begins_with_nothing_but_its_opening() -> None:
    """One sum for each class, of all options that it may vote on, and nothing that a closing brings."""
    stream = Stream()
    stream.open(resolution(), election())
    poll, index = stream.poll(), len(stream.board.entries) - 1
    assert {class_index: len(total) for class_index, total in poll.sums.items()} == {1: 6, 2: 3}
    assert (poll.number, poll.index, poll.status, poll.closes_at) == (1, index, "open", poll.opening.closes_at)
    assert (poll.factors, poll.counts, poll.decrypted) == ([{}, {}], [None, None], set())
    assert (len(poll.heads), poll.last_accepted, poll.closing, poll.result) == (0, -1, None, None)
    stream.vote((FOR, (0, 0, 0)))
    assert poll.last_accepted == index + 1
