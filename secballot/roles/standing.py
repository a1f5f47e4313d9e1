"""How a delegate's ballots stand: which one counts, which has not arrived, and what has to be said about it aloud.

Looked at before and after the closing, as often as one likes. What is found is never "included" alone:

- the newest ballot of the credential on the log is one that this wallet knows, and the closing counts it;
- a promise that the board has broken is evidence, and after the closing an objection that voids the poll;
- a ballot that another device has cast, or somebody else who has the phrase, is told, since only the delegate knows.

Source: SPEC.md#receipts, SPEC.md#objection, SPEC.md#promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import leaf_hash
from secballot.errors import RefusalError, SecballotError
from secballot.roles.delegate import objection_entry
from secballot.roles.submission import BrokenPromiseError, accepted_index, ballot_in, check_promise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from secballot.record.state import PollState
    from secballot.records.promise import Promise
    from secballot.roles.party import Poster
    from secballot.roles.view import WitnessedView
    from secballot.roles.voting import VotingDevice
    from secballot.roles.wallet_state import CastWork

_CLOCK_BEHIND: Final = 3_600
"""Seconds by which a delegate's clock may be slow without the board being suspected for it."""


class Place(StrEnum):
    """Where a ballot is."""

    COUNTED = "counted"
    NEWEST = "newest"
    REPLACED = "replaced"
    UNDERWAY = "underway"
    GIVEN_UP = "given-up"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Alarm(StrEnum):
    """What is wrong with a ballot, in words."""

    BROKEN_PROMISE = "the board promised it a place, and gave that to another entry"
    OVERDUE = "the board promised it a place, and no witnessed checkpoint has come in the time promised"
    NOT_ARRIVED = "it has not reached the log, and the poll is not open any more"
    NOT_ACCEPTED = "its receipt is in the wallet, and the log does not show it as accepted"
    REPLACED_BY_A_STRANGER = (
        "a later ballot replaces it that this wallet did not cast: another device of yours did, or somebody has your"
        " phrase"
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How one ballot stands.

    Attributes:
        poll: its poll.
        status: of the poll.
        tracker: 32 bytes.
        number: it is number k of its credential, from 1.
        place: where it is; `UNKNOWN` is on the log and not in the wallet.
        alarm: what is wrong, None if nothing is.
        evidence: against the board, a file for strangers; empty if there is none.
        objection: the entry that voids the poll, to be posted everywhere; empty if there is none to be posted now.
    """

    poll: int
    status: str
    tracker: bytes
    number: int
    place: Place
    alarm: Alarm | None = None
    evidence: bytes = b""
    objection: bytes = b""


def standings(device: VotingDevice, *, now: int) -> list[Standing]:
    """Return how all ballots of a wallet stand, and those of its credentials that it does not know, by poll.

    Args:
        device: its view refreshed by the caller; nothing of it is changed.
        now: seconds since the epoch.

    Raises:
        StoreError: an entry cannot be read.
    """
    found: list[Standing] = []
    known = device.wallet.state().cast
    for number, poll in sorted(device.view.state.polls.items()):
        try:
            own = {ballot.tracker(): ballot.sequence for _, ballot in device.own_ballots(poll)}
        except RefusalError:
            own = {}  # not registered for it
        mine = [work for work in known if work.poll == number]
        strangers = [(tracker, sequence) for tracker, sequence in own.items() if tracker not in _trackers(mine)]
        found += [_standing(device.view, poll, work, own, strangers=strangers, now=now) for work in mine]
        found += [_unknown(poll, tracker, sequence) for tracker, sequence in strangers]
    return found


def may_object(poll: PollState, promise: Promise) -> bool:
    """Tell whether a broken promise is an objection now: after the closing, below it, and before anything is opened."""
    return (
        poll.status == "closed"
        and poll.closing is not None
        and promise.index < poll.closing.index
        and not poll.opened()
    )


def object_everywhere(entry: bytes, places: Sequence[Poster]) -> list[str]:
    """Post an objection to the board and to every drop box, and return what came of it, place by place; empty is well.

    Trustees look into drop boxes before they decrypt, so one that cannot reach the board still does its work.
    """
    answers = []
    for place in places:
        try:
            place.post(entry)
        except SecballotError as error:
            answers.append(error.diagnostics())
        else:
            answers.append("")
    return answers


def _trackers(works: Iterable[CastWork]) -> set[bytes]:
    return {work.tracker for work in works}


def _standing(
    view: WitnessedView,
    poll: PollState,
    work: CastWork,
    own: dict[bytes, int],
    *,
    strangers: Sequence[tuple[bytes, int]],
    now: int,
) -> Standing:
    if work.tracker in own:
        return _arrived(poll, work, max(own.values()), strangers)
    alarm, evidence, objection = _absent(view, poll, work, now)
    place = Place.MISSING if alarm else Place.GIVEN_UP if work.given_up else Place.UNDERWAY
    return Standing(
        poll=poll.number,
        status=poll.status,
        tracker=work.tracker,
        number=work.sequence + 1,
        place=place,
        alarm=alarm,
        evidence=evidence,
        objection=objection,
    )


def _arrived(poll: PollState, work: CastWork, newest: int, strangers: Sequence[tuple[bytes, int]]) -> Standing:
    alarm = None
    if work.sequence == newest:
        place = Place.COUNTED if poll.status == "closed" else Place.NEWEST
    else:
        place = Place.REPLACED
        if any(sequence == newest for _, sequence in strangers):
            alarm = Alarm.REPLACED_BY_A_STRANGER
    return Standing(poll.number, poll.status, work.tracker, work.sequence + 1, place, alarm)


def _unknown(poll: PollState, tracker: bytes, sequence: int) -> Standing:
    return Standing(poll.number, poll.status, tracker, sequence + 1, Place.UNKNOWN)


def _absent(view: WitnessedView, poll: PollState, work: CastWork, now: int) -> tuple[Alarm | None, bytes, bytes]:
    """Return alarm, evidence and objection of a ballot that is not accepted on the log."""
    if work.receipt:
        return Alarm.NOT_ACCEPTED, b"", b""
    # The lowest place first: it is the one that can be objected to, whatever was promised afterwards.
    promises = sorted(work.the_promises(), key=lambda promise: promise.index)
    if promises and accepted_index(view, poll, leaf_hash(work.entry)) is None:
        for promise in promises:
            try:
                check_promise(view, promise)
            except BrokenPromiseError as broken:
                objection = objection_entry(ballot_in(work.entry), promise) if may_object(poll, promise) else b""
                return Alarm.BROKEN_PROMISE, broken.evidence, objection
        if any(view.size <= one.index and _is_overdue(one, now) for one in promises):
            return Alarm.OVERDUE, b"", b""
    if not work.given_up and poll.status != "open":
        return Alarm.NOT_ARRIVED, b"", b""
    return None, b"", b""


def _is_overdue(promise: Promise, now: int) -> bool:
    """Tell whether a promise is due; a date in the future would put off for as long what the board owes."""
    return now > promise.time + promise.maximum_delay or now < promise.time - _CLOCK_BEHIND
