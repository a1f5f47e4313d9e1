"""Results: everybody recomputes them, and a false one fails the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import RecordError
from secballot.protocol.rules import Turnout
from secballot.record import Outcome
from secballot.record.tallying import over_issued, recompute_result, turnout
from secballot.records.closing import Lapse
from secballot.records.result import NO_PAGE, ContestResult, Result
from tests.second_verifier import ignore, mark
from tests.simulator import adopt_rule, elect_rule, election, resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.opening import Contest


NOTHING = (0, 0, 0)


def closed(*votes: tuple[tuple[int, ...], ...], contests: tuple[Contest, ...] = ()) -> Stream:
    """Return a closed poll of these votes."""
    stream = Stream()
    note = stream.open(*(contests or (resolution(),)))
    stream.vote(*votes)
    stream.close(note)
    mark(stream.board)
    return stream


def counts(stream: Stream) -> list[tuple[int, ...]]:
    """Return the counts of every contest once trustees 1 and 4 have decrypted what is at the floor."""
    for contest, at_floor in enumerate(stream.poll().at_floor, 1):
        if at_floor:
            stream.decrypt(1, 4, contest=contest)
    return [contest.counts for contest in stream.result().contests]


def changed(result: Result, **changes: object) -> Result:
    """Return the result with changes in its first contest."""
    first, *rest = result.contests
    return msgspec.structs.replace(result, contests=(msgspec.structs.replace(first, **changes), *rest))


FALSE: dict[str, Callable[[Result], Result]] = {
    "one vote more": lambda r: changed(r, counts=(5, *r.contests[0].counts[1:])),
    "one vote moved": lambda r: changed(r, counts=(3, 3, 0)),
    "a count too few": lambda r: changed(r, counts=r.contests[0].counts[:-1]),
    "another outcome": lambda r: changed(r, outcome="rejected"),
    "somebody elected": lambda r: changed(r, elected=(1,)),
    "somebody tied": lambda r: changed(r, tied=(1,)),
    "a contest left out": lambda r: msgspec.structs.replace(r, contests=r.contests[:1]),
    "contests exchanged": lambda r: msgspec.structs.replace(r, contests=r.contests[::-1]),
    "another tally": lambda r: msgspec.structs.replace(r, tally_id=bytes(64)),
    "unopened": lambda r: changed(r, counts=(), outcome="unopened"),
}


@pytest.fixture(scope="module")
def finished() -> list[tuple[tuple[int, ...], ...]]:
    """Return the votes of a poll of two contests."""
    return [(FOR, (1, 1, 0)), (FOR, (1, 0, 1)), (AGAINST, (1, 0, 0))]


def decrypted(votes: list[tuple[tuple[int, ...], ...]]) -> Stream:
    """Return a decrypted poll of a resolution and an election."""
    stream = closed(*votes, contests=(resolution(), election()))
    counts(stream)
    mark(stream.board)
    return stream


@pytest.mark.attack("TL-03")
@pytest.mark.parametrize("false", FALSE)
def test_a_false_result_of_the_presidium_fails_the_record(
    false: str, finished: list[tuple[tuple[int, ...], ...]]
) -> None:
    """RES-01: one number is enough, once k officers have signed it; the bodies of the signers are the evidence."""
    stream = decrypted(finished)
    wrong = FALSE[false](stream.result())
    assert wrong != stream.result()
    first, second = stream.officers
    assert stream.post(first, "result", wrong).outcome is Outcome.COLLECTED
    assert stream.failures() == []
    assert verdict(stream.post(second, "result", wrong)) == ("no effect", "RES-01")
    assert stream.failures() == ["RES-01"]
    # What is true stays computable.
    assert stream.result().contests[0].counts == (4, 2, 0)


def test_false_results_of_one_officer_fail_nothing(finished: list[tuple[tuple[int, ...], ...]]) -> None:
    """RES-01 takes k signatures: one officer may post as many false results as it likes."""
    stream = decrypted(finished)
    liar, *honest = stream.keys.presidium
    for make in FALSE.values():
        assert stream.post(liar, "result", make(stream.result())).outcome is Outcome.COLLECTED
    assert verdict(stream.act("result", stream.result(), honest)) == ("effect", None)
    assert stream.failures() == []
    for make in FALSE.values():
        wrong = make(stream.result())
        assert verdict(stream.post(honest[0], "result", wrong)) == ("no effect", "ENT-06")
    assert stream.poll().result == stream.result()


def test_a_result_names_a_page_that_nobody_judges() -> None:
    """Any hash fits, and two officers who sign different pages sign different results."""
    stream = closed((FOR,), (FOR,))
    stream.decrypt(1)
    stream.decrypt(2)
    first, second = stream.officers
    with_page, with_another = (msgspec.structs.replace(stream.result(), page=bytes([number]) * 32) for number in (1, 2))
    assert stream.post(first, "result", with_page).outcome is Outcome.COLLECTED
    assert stream.post(second, "result", with_another).outcome is Outcome.COLLECTED
    assert verdict(stream.post(second, "result", with_page)) == ("effect", None)
    assert stream.poll().result == with_page
    assert verdict(stream.act("result", with_another)) == ("no effect", "ENT-06")
    assert stream.failures() == []


def early(stream: Stream, note: str) -> None:
    """Leave the poll open."""


def undecrypted(stream: Stream, note: str) -> None:
    """Close it."""
    stream.close(note)
    stream.decrypt(1)


def lapsed(stream: Stream, note: str) -> None:
    """Let it lapse."""
    late = stream.poll().closes_at + stream.manifest.grace + 1
    stream.post(stream.officers[0], "lapse", Lapse(stream.note(late), stream.poll().ctx))


@pytest.mark.parametrize("way", [early, undecrypted, lapsed])
def test_a_result_of_a_poll_that_has_none_fails_the_record(way: Callable[[Stream, str], None]) -> None:
    """RES-01: not closed, not decrypted, lapsed."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    way(stream, note)
    with pytest.raises(RecordError) as caught:
        recompute_result(stream.board.record.state, stream.poll())
    assert caught.value.check == "RES-01"
    body = Result((ContestResult((4, 0, 0), (), "adopted", ()),), stream.poll().ctx, NO_PAGE, bytes(64))
    assert verdict(stream.act("result", body)) == ("no effect", "RES-01")
    assert stream.failures() == ["RES-01"]


def test_a_result_of_no_poll_fails_nothing() -> None:
    """ENT-06: nobody can take it for anything."""
    stream = closed((FOR,), (FOR,))
    body = Result((ContestResult((4, 0, 0), (), "adopted", ()),), bytes(32), NO_PAGE, bytes(64))
    assert verdict(stream.act("result", body)) == ("no effect", "ENT-06")
    assert stream.failures() == []


def test_a_true_result_behind_a_false_one_stands_and_mends_nothing(finished: list[tuple[tuple[int, ...], ...]]) -> None:
    """RES-01: the false one did not fill the slot; the record has failed for good."""
    stream = decrypted(finished)
    stream.act("result", FALSE["one vote more"](stream.result()))
    assert verdict(stream.act("result", stream.result())) == ("effect", None)
    assert stream.failures() == ["RES-01"]


def test_a_quorum_is_taken_of_the_voters_the_roll_and_the_registered() -> None:
    """What the rules compare, class by class."""
    stream = closed((FOR, (1, 0, 0)), (FOR, (0, 1, 0)), contests=(resolution(), election()))
    assert turnout(stream.poll()) == Turnout(counted={1: 2}, roll={1: 4, 2: 4}, registered={1: 4, 2: 4})


def test_one_ballot_of_a_class_without_any_answer_is_one_too_many() -> None:
    """TAL-01: where no request was answered in full, not even one credential may have voted."""
    stream = Stream()
    stream.open(resolution())
    stream.vote((FOR,), first=4)
    ignore(stream.board)
    poll = stream.poll()
    assert not over_issued(poll)
    for answered, expected in ((1, False), (0, True)):
        poll.registration.requests.covered[1, 2] = answered
        assert over_issued(poll) is expected
    del poll.registration.requests.covered[1, 2]
    assert over_issued(poll)


def test_a_quorum_by_weight_weighs_the_classes() -> None:
    """Three of four deputies are 6 of 12 by weight and 3 of 8 by heads; which of them counts, the rule set says."""
    stream = closed((FOR,), (FOR,), (FOR,))
    counts(stream)
    ignore(stream.board)
    state, outcomes = stream.board.record.state, {}
    for measure in ("count", "weight"):
        quorum = msgspec.structs.replace(adopt_rule().quorum, measure=measure)
        state.manifest = msgspec.structs.replace(stream.manifest, rules=(adopt_rule(quorum=quorum), elect_rule()))
        outcomes[measure] = stream.result().contests[0].outcome
    assert outcomes == {"count": "inquorate", "weight": "adopted"}


@pytest.mark.attack("TL-13")
def test_the_rules_of_the_manifest_decide() -> None:
    """RES-01 holds outcomes against rule sets: quorum by roll and by those registered, majority, seats and ties."""
    assert (adopt_rule().quorum.base, elect_rule().quorum.base) == ("roll", "registered")
    few = closed((FOR, (1, 0, 0)), (FOR, (0, 1, 0)), contests=(resolution(), election()))
    counts(few)
    assert [contest.outcome for contest in few.result().contests] == ["inquorate", "elected"]
    assert few.result().contests[1].elected == (1, 2)
    stream = closed((AGAINST, (1, 1, 0)), (FOR, (1, 0, 1)), (ABSTAIN, (1, 0, 0)), contests=(resolution(), election()))
    counts(stream)
    assert stream.result().contests[1].elected == (1,)
    assert stream.result().contests[1].tied == (2, 3)
