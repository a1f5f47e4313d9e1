"""`secballot delegate status`: where the sitting stands for this delegate, and what to do next.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from secballot.errors import RefusalError
from secballot.roles.standing import Place, standings
from secballot_cli.delegate_device import get_ready, wallet_option
from secballot_cli.delegate_watching import alarm_words, place_words, status_words, unknown_words
from secballot_cli.home import party_options
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.telling import Told, moment, tell
from secballot_cli.trackers import short_tracker

if TYPE_CHECKING:
    from secballot.record.state import PollState, RegistrationState
    from secballot.roles.voting import VotingDevice
    from secballot_cli.home import Given


@click.command()
@wallet_option
@party_options
def status(given: Given, *, wallet: str | None) -> int:
    """Say where the sitting stands, what you have done in it, and what comes next.

    Ballots under your credentials that this wallet has not cast are named: you know whether another device did.
    """
    ready = get_ready(given, wallet, offline=True)
    device = ready.device
    device.settle()
    told = Told(did=[])
    told.did.append(_("Sitting: {title}").format(title=device.view.state.the_manifest().title))
    if not _tell_registration(device, told):
        tell(told, as_json=given.as_json)
        return ExitCode.PASSED
    _tell_polls(device, told)
    _tell_ballots(device, told)
    if not told.next:
        told.next = [_("nothing to do now: look again when a poll is opened")]
        told.who = told.who or _("the presidium")
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


def _tell_registration(device: VotingDevice, told: Told) -> bool:
    """Say how far the delegate's registration is; tell whether there is more to say."""
    state, key = device.view.state, device.delegate.public_key
    told.facts["adjourned"] = state.adjourned
    if not state.registrations:
        told.did.append(_("Registration has not begun."))
        told.next = [
            _("wait until registration is open, then: {command}").format(command="secballot delegate register")
        ]
        told.who = _("the commission, the registrars and the presidium")
        told.facts["registered"] = False
        return False
    registration = state.registrations[-1]
    class_index = registration.roll.get(key)
    told.facts["class"] = class_index or 0
    if class_index is None:
        raise RefusalError(_("this delegate's key is not on the roll; is the label of the phrase right?"))
    own = [request for request in registration.requests.values() if request.key == key]
    registrars = len(state.the_manifest().registrars)
    answers = min((len(request.answered) for request in own), default=0)
    told.facts |= {"answers": answers, "registered": bool(own), "registrars": registrars}
    told.did.append(
        _("You are on the roll, in class {number}: {name}.").format(
            number=class_index, name=state.the_manifest().classes[class_index - 1].name
        )
    )
    return _tell_request(device, registration, told, own=bool(own), answers=answers, registrars=registrars)


def _tell_request(
    device: VotingDevice, registration: RegistrationState, told: Told, *, own: bool, answers: int, registrars: int
) -> bool:
    if device.unrequested() and not registration.closed:
        told.did.append(_("You have not registered yet."))
        told.next = ["secballot delegate register"]
        told.who = _("you")
        return bool(device.view.state.polls)
    if not own:
        told.did.append(_("You did not register in time for this registration."))
        told.who = _("the presidium, if there is to be another registration")
        return bool(device.view.state.polls)
    told.did.append(
        _("You have registered; {answers} of {registrars} registrars have answered.").format(
            answers=answers, registrars=registrars
        )
    )
    if answers < registrars:
        told.next = [_("wait for the registrars")]
        told.who = _("the registrars")
    elif registration.convening is None:
        told.next = [_("wait for the convening; then polls can be opened")]
        told.who = _("the registrars, the trustees and the presidium")
    return True


def _tell_polls(device: VotingDevice, told: Told) -> None:
    sealed = {work.poll for work in device.wallet.state().sealed}
    voted = {work.poll for work in device.wallet.state().cast if not work.given_up}
    lines = []
    for number, poll in sorted(device.view.state.polls.items()):
        told.did.append(_poll_words(number, poll))
        lines.append({"closes_at": poll.closes_at, "number": number, "status": poll.status})
        if number in sealed and poll.status == "open":
            told.did.append("  " + _("a sealed ballot waits: cast it or open it"))
            told.next += [f"secballot delegate cast {number}", f"secballot delegate open {number}"]
        elif poll.status == "open" and number not in voted:
            told.next.append(f"secballot delegate vote {number}")
        if told.next and poll.status == "open":
            told.who = _("you")
    told.facts["polls"] = lines


def _poll_words(number: int, poll: PollState) -> str:
    title = poll.opening.contests[0].title
    more = "" if len(poll.opening.contests) == 1 else f" (+{len(poll.opening.contests) - 1})"
    if poll.status == "open":
        return _("Poll {number}, {title}: open until {time}.").format(
            number=number, title=title + more, time=moment(poll.closes_at)
        )
    return _("Poll {number}, {title}: {status}.").format(
        number=number, title=title + more, status=status_words(poll.status)
    )


def _tell_ballots(device: VotingDevice, told: Told) -> None:
    ballots = []
    for standing in standings(device, now=int(time.time())):
        words = _("your ballot {tracker} in poll {poll}: {place}").format(
            tracker=short_tracker(standing.tracker), poll=standing.poll, place=place_words(standing.place)
        )
        told.did.append("  " + words)
        if standing.alarm is not None:
            told.did.append("  !!! " + alarm_words(standing.alarm))
        ballots.append({"place": standing.place.value, "poll": standing.poll, "tracker": standing.tracker.hex()})
        if standing.alarm is not None and "secballot delegate watch" not in told.next:
            told.next.append("secballot delegate watch")
            told.who = _("you")
        if standing.place is Place.UNKNOWN:
            told.next.append(unknown_words())
    is_open = {poll.number for poll in device.view.state.polls.values() if poll.status == "open"}
    if any(work.unsent and work.poll in is_open for work in device.wallet.state().cast):
        told.next.insert(0, "secballot delegate submit")
        told.who = _("you")
    told.facts["ballots"] = ballots
