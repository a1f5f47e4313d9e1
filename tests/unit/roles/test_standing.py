"""How ballots stand: counted, replaced, dropped; what is said aloud, and what is objected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.standing import Alarm, Place, Standing, object_everywhere, standings
from secballot.roles.voting import VotingDevice
from secballot.roles.wallet_state import MAX_PROMISES
from tests.stages import AGAINST, FOR
from tests.wallets import OTHER_TAG, TAG, Board, Time, make_device

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.roles.wallet_state import CastWork
    from tests.simulator import Simulator

BOTH, OTHER = (FOR, (1, 0, 0)), (AGAINST, (0, 1, 0))


def _vote(device: VotingDevice, simulator: Simulator, tag: str = TAG) -> CastWork:
    device.seal(1, BOTH, tag)
    cast = device.cast(1)
    device.deliver(cast, Time(then=simulator.rehearsal.witness).waiting())
    return cast


def _look(device: VotingDevice, simulator: Simulator, later: int = 0) -> list[Standing]:
    device.view.refresh()
    return standings(device, now=simulator.rehearsal.now + later)


def test_a_ballot_is_newest_then_replaced_then_counted(device: VotingDevice, simulator: Simulator) -> None:
    """As the poll goes on, with nothing to complain of."""
    assert _look(device, simulator) == []
    first = _vote(device, simulator)
    assert [(s.place, s.number, s.tracker) for s in _look(device, simulator)] == [(Place.NEWEST, 1, first.tracker)]
    _vote(device, simulator, OTHER_TAG)
    assert [s.place for s in _look(device, simulator)] == [Place.REPLACED, Place.NEWEST]
    simulator.rehearsal.close_poll(1)
    found = _look(device, simulator)
    assert [(s.place, s.status, s.alarm) for s in found] == [
        (Place.REPLACED, "closed", None),
        (Place.COUNTED, "closed", None),
    ]


def test_a_ballot_of_another_device_is_told(device: VotingDevice, simulator: Simulator, tmp_path: Path) -> None:
    """Whoever has the phrase can replace a ballot: this wallet says that it was not it."""
    mine = _vote(device, simulator)
    thief = make_device(tmp_path / "thief", simulator)
    theirs = _vote(thief, simulator, OTHER_TAG)
    known, unknown = _look(device, simulator)
    assert (known.tracker, known.place) == (mine.tracker, Place.REPLACED)
    assert known.alarm is Alarm.REPLACED_BY_A_STRANGER
    assert (unknown.tracker, unknown.place, unknown.number) == (theirs.tracker, Place.UNKNOWN, 2)
    device.recover()
    assert [s.alarm for s in _look(device, simulator)] == [None, None]


def test_a_broken_promise_is_objected_to_once_the_poll_is_closed(device: VotingDevice, simulator: Simulator) -> None:
    """Evidence at once; the objection after the closing, at the board and in every drop box; the poll is void."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    device.wallet.keep_promise(cast.tracker, Board(simulator, "drops").post(cast.entry))
    assert [s.place for s in _look(device, simulator)] == [Place.UNDERWAY]
    (late,) = _look(device, simulator, later=61)
    assert (late.place, late.objection, late.alarm) == (Place.MISSING, b"", Alarm.OVERDUE)
    simulator.vote(1, (0, 1, 2))  # the first of them is this delegate's other device
    broken = next(s for s in _look(device, simulator) if s.tracker == cast.tracker)
    assert (broken.place, broken.alarm) == (Place.MISSING, Alarm.BROKEN_PROMISE)
    assert check_evidence(decode_evidence(broken.evidence), simulator.board.anchor).kind == "broken-promise"
    assert broken.objection == b""
    simulator.rehearsal.close_poll(1)
    broken = next(s for s in _look(device, simulator) if s.tracker == cast.tracker)
    dead, board = Board(simulator, "is dead"), Board(simulator)
    answers = object_everywhere(broken.objection, [dead, board])
    assert [bool(answer) for answer in answers] == [True, False]
    assert dead.seen == board.seen == [broken.objection]
    assert simulator.board.record.state.polls[1].status == "void"
    simulator.rehearsal.witness()
    again = next(s for s in _look(device, simulator) if s.tracker == cast.tracker)
    assert (again.status, again.objection) == ("void", b"")


@pytest.mark.parametrize(("dated", "alarm"), [(3_600, None), (3_601, Alarm.OVERDUE), (-60, None), (-61, Alarm.OVERDUE)])
@pytest.mark.parametrize("beyond", [0, 10**15])
def test_no_date_of_a_promise_puts_the_alarm_off(
    device: VotingDevice, simulator: Simulator, beyond: int, dated: int, alarm: Alarm | None
) -> None:
    """A place that the log does not reach shows by the date of its promise, be it past or years ahead."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    index, now = len(simulator.board.entries) + beyond, simulator.rehearsal.now
    device.wallet.keep_promise(cast.tracker, simulator.board.promise(cast.entry, index, now + dated))
    assert [s.alarm for s in _look(device, simulator)] == [alarm]


def test_a_later_promise_takes_back_none_before(device: VotingDevice, simulator: Simulator) -> None:
    """A board that has dropped a ballot promises it other places, beyond the closing: the first one stays evidence."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    first = Board(simulator, "drops").post(cast.entry)
    later = [simulator.board.promise(cast.entry, index, simulator.rehearsal.now) for index in range(900, 930)]
    for promise in (first, first, *later):
        device.wallet.keep_promise(cast.tracker, promise)
    kept = device.wallet.state().cast_with(cast.tracker)
    assert kept is not None
    assert (kept.the_promises()[0], kept.the_promise()) == (first, later[-1])
    assert len(kept.the_promises()) == MAX_PROMISES
    simulator.vote(1, (0, 1, 2))
    simulator.rehearsal.close_poll(1)
    broken = next(s for s in _look(device, simulator) if s.tracker == cast.tracker)
    assert broken.alarm is Alarm.BROKEN_PROMISE
    assert object_everywhere(broken.objection, [Board(simulator)]) == [""]
    assert simulator.board.record.state.polls[1].status == "void"


def test_a_ballot_that_never_arrived_is_missed(device: VotingDevice, simulator: Simulator) -> None:
    """No promise, and the poll is closed: nothing can be proved, and it is said all the same."""
    device.seal(1, BOTH, TAG)
    device.cast(1)
    assert [s.place for s in _look(device, simulator)] == [Place.UNDERWAY]
    simulator.rehearsal.close_poll(1)
    (missing,) = _look(device, simulator)
    assert (missing.place, missing.evidence, missing.objection) == (Place.MISSING, b"", b"")
    assert missing.alarm is Alarm.NOT_ARRIVED


def test_a_ballot_given_up_is_no_alarm(device: VotingDevice, simulator: Simulator, tmp_path: Path) -> None:
    """It lost a race that the delegate ran with themselves, and was told so then."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    _vote(make_device(tmp_path / "other", simulator), simulator, OTHER_TAG)
    device.view.refresh()
    device.settle()
    simulator.rehearsal.close_poll(1)
    mine = next(s for s in _look(device, simulator) if s.tracker == cast.tracker)
    assert (mine.place, mine.alarm) == (Place.GIVEN_UP, None)


def test_polls_without_a_credential_are_passed_over(simulator: Simulator, tmp_path: Path) -> None:
    """A delegate that is on no roll has no ballot there."""
    stranger = make_device(tmp_path / "wallet", simulator)
    stranger.wallet._box.update(lambda data: data.replace(b'"label":"rehearsal"', b'"label":"another one"'))
    stranger = VotingDevice(stranger.wallet, simulator.rehearsal.view(), [simulator.rehearsal])
    assert _look(stranger, simulator) == []
