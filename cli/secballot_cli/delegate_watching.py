"""`secballot delegate watch`: look after ballots until they are counted, complain aloud, and object.

Source: SPEC.md#receipts, SPEC.md#promise, SPEC.md#objection.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import InconsistentLogError, SecballotError
from secballot.roles.standing import Alarm, Place, object_everywhere, standings
from secballot.roles.submission import Waiting
from secballot_cli.delegate_asking import say
from secballot_cli.delegate_device import (
    get_ready,
    keep_evidence,
    remember_view,
    wallet_option,
    wallet_path,
)
from secballot_cli.error_words import error_words
from secballot_cli.home import party_options
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.telling import Told, tell
from secballot_cli.trackers import short_tracker

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.roles.standing import Standing
    from secballot_cli.delegate_device import Ready
    from secballot_cli.home import Given

_MAX_SECONDS: Final = 86_400.0
_RESEND_SECONDS: Final = 10.0


@click.command()
@click.option("--once", is_flag=True, help="Look once, and do not wait for the closing.")
@click.option(
    "--interval",
    type=click.FloatRange(1, _MAX_SECONDS),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks.",
)
@wallet_option
@party_options
def watch(given: Given, *, once: bool, interval: float, wallet: str | None) -> int:
    """Look after your ballots until their polls are decided: send again, check again, complain, and object.

    If the board has broken its promise, the evidence is written beside the wallet, and after the closing the objection
    is posted to the board and to every drop box: it voids the poll, so that it is voted on again.

    Exit codes: 0 every ballot stands as it should, 1 one does not, 3 the log could not be read.
    """
    path = wallet_path(given, wallet)
    ready = get_ready(given, wallet)
    said: dict[bytes, Standing] = {}
    while True:
        found = _look(ready, path, said, quiet=once)
        if once or all(_is_settled(ready, standing) for standing in found):
            break
        time.sleep(interval)
        ready = _again(ready, given, wallet)
    alarms = [standing for standing in found if standing.alarm is not None]
    told = Told(
        did=[_words(standing) for standing in found] or [_("No ballot of yours is known here.")],
        next=[
            unknown_words()
            if any(standing.place is Place.UNKNOWN for standing in found)
            else "secballot delegate check"
        ],
        who=_("you") if alarms else "",
        facts={"ballots": [_standing_facts(standing) for standing in found]},
    )
    tell(told, as_json=given.as_json)
    return ExitCode.FAILED if alarms else ExitCode.PASSED


def _look(ready: Ready, path: Path, said: dict[bytes, Standing], *, quiet: bool) -> list[Standing]:
    """Send again what is under way, say what is new, and object where that is due."""
    device = ready.device
    device.settle()
    for work in device.wallet.state().cast:
        if work.unsent and ready.places and device.view.state.polls[work.poll].status == "open":
            try:
                device.deliver(work, Waiting(patience=_RESEND_SECONDS))
            except InconsistentLogError:
                raise
            except SecballotError as error:
                say(_("not there yet: {trouble}").format(trouble=error_words(error)))
    found = standings(device, now=int(time.time()))
    for standing in found:
        if said.get(standing.tracker) == standing:
            continue
        said[standing.tracker] = standing
        if standing.alarm is None:
            if not quiet:
                say(_words(standing))
            continue
        say("\n!!! " + _words(standing) + "\n")
        keep_evidence(standing.evidence, path)
        if standing.objection:
            _object(ready, standing)
    return found


def _object(ready: Ready, standing: Standing) -> None:
    answers = object_everywhere(standing.objection, ready.places)
    for where, trouble in zip((b for b in ready.boards if b.startswith("http")), answers, strict=True):
        if trouble:
            say(_("objection not taken by {place}: {trouble}").format(place=where, trouble=trouble))
        else:
            say(_("objection posted: {place}").format(place=where))
    if not answers:
        say(_("There is nowhere to post the objection: give the URLs of the board and the drop boxes with --board."))


def _again(ready: Ready, given: Given, wallet: str | None) -> Ready:
    """Return the device after another look at the log; at another place, if this one does not answer."""
    try:
        ready.device.view.refresh()
        remember_view(ready.device.wallet, ready.device.view, wallet_path(given, wallet))
    except InconsistentLogError:
        raise
    except SecballotError as error:
        say(_("trying again: {trouble}").format(trouble=error_words(error)))
        try:
            return get_ready(given, wallet)
        except InconsistentLogError:
            raise
        except SecballotError:
            return ready
    return ready


def _is_settled(ready: Ready, standing: Standing) -> bool:
    poll = ready.device.view.state.polls[standing.poll]
    return poll.finished() or ready.device.view.state.adjourned


def place_words(place: Place) -> str:
    """Return in words where a ballot is."""
    return {
        Place.COUNTED: _("it is counted"),
        Place.NEWEST: _("it is your newest one on the board"),
        Place.REPLACED: _("a later ballot of yours has replaced it"),
        Place.UNDERWAY: _("it is on its way, and not on the board yet"),
        Place.GIVEN_UP: _("another ballot of yours came first; this one cannot count"),
        Place.MISSING: _("it is not on the board"),
        Place.UNKNOWN: _("it is on the board, and this wallet did not cast it"),
    }[place]


def alarm_words(alarm: Alarm) -> str:
    """Return in words what is wrong with a ballot."""
    return {
        Alarm.BROKEN_PROMISE: _("the board promised it a place, and gave that to another entry"),
        Alarm.OVERDUE: _("the board promised it a place, and no witnessed checkpoint has come in the time promised"),
        Alarm.NOT_ARRIVED: _("it has not reached the log, and the poll is not open any more"),
        Alarm.NOT_ACCEPTED: _("its receipt is in the wallet, and the log does not show it as accepted"),
        Alarm.REPLACED_BY_A_STRANGER: _(
            "a later ballot replaces it that this wallet did not cast: another device of yours did, or somebody has"
            " your phrase"
        ),
    }[alarm]


def unknown_words() -> str:
    """Return what to do about a ballot that the wallet did not cast."""
    return _("was it another device of yours? Its tag says so: {command}").format(command="secballot delegate check")


def status_words(status: str) -> str:
    """Return in words how a poll stands."""
    words = {
        "open": _("open"),
        "closed": _("closed"),
        "lapsed": _("lapsed"),
        "void": _("void"),
        "annulled": _("annulled"),
    }
    return words.get(status, status)


def _words(standing: Standing) -> str:
    words = _("Poll {poll} ({status}), ballot {tracker}, your number {number}: {place}.").format(
        poll=standing.poll,
        status=status_words(standing.status),
        tracker=short_tracker(standing.tracker),
        number=standing.number,
        place=place_words(standing.place),
    )
    return words if standing.alarm is None else f"{words} {_('WRONG')}: {alarm_words(standing.alarm)}."


def _standing_facts(standing: Standing) -> dict[str, object]:
    return {
        "alarm": "" if standing.alarm is None else standing.alarm.name.lower(),
        "number": standing.number,
        "place": standing.place.value,
        "poll": standing.poll,
        "status": standing.status,
        "tracker": standing.tracker.hex(),
    }
