"""Ending a poll by one signature: closing it when its time is up, and letting it lapse when its grace is over.

Who is too early is told the time; who is a little too early for the witnesses is told to wait for them.

Source: SPEC.md#closing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from secballot.errors import PolicyError, RefusalError
from secballot.roles.officer import poll_by_number
from secballot_cli.messages import _
from secballot_cli.telling import moment

if TYPE_CHECKING:
    from secballot.records.promise import Promise
    from secballot.roles.officer import Closer
    from secballot_cli.connecting import Seat


def close_poll(seat: Seat, closer: Closer, number: int) -> Promise:
    """Close a poll whose time is up, and return the board's promise.

    Raises:
        RefusalError: it has not been opened, or is open still.
        PolicyError: the witnesses have not signed the log since its end, or as `Closer.close_poll`.
    """
    poll = poll_by_number(seat.view, number)
    if poll.status == "open" and int(time.time()) < poll.closes_at:
        words = _("poll {poll} is open until {time}, and cannot be closed before")
        raise RefusalError(words.format(poll=number, time=moment(poll.closes_at)))
    try:
        return closer.close_poll(number)
    except PolicyError as error:
        _check_witnesses(seat, number, poll.closes_at, error)
        raise


def lapse_poll(seat: Seat, closer: Closer, number: int) -> Promise:
    """Let a poll lapse whose grace is over, and return the board's promise.

    Raises:
        RefusalError: it has not been opened, or can be closed still.
        PolicyError: the witnesses have not signed the log since then, or as `Closer.lapse_poll`.
    """
    check_grace_is_over(seat, number)
    try:
        return closer.lapse_poll(number)
    except PolicyError as error:
        _check_witnesses(seat, number, _end_of_grace(seat, number) + 1, error)
        raise


def check_grace_is_over(seat: Seat, number: int) -> None:
    """Check that nobody can close a poll any more.

    Raises:
        RefusalError: it has not been opened, or somebody can.
    """
    poll, end = poll_by_number(seat.view, number), _end_of_grace(seat, number)
    if poll.status == "open" and int(time.time()) <= end:
        words = _("poll {poll} can be closed until {time}, and does not lapse before")
        raise RefusalError(words.format(poll=number, time=moment(end)))


def _end_of_grace(seat: Seat, number: int) -> int:
    return poll_by_number(seat.view, number).closes_at + seat.manifest.grace


def _check_witnesses(seat: Seat, number: int, since: int, error: PolicyError) -> None:
    """Explain the refusal, if it comes from witnesses that have not signed since a time.

    Raises:
        PolicyError: they have not.
    """
    seen = seat.view.checkpoint
    if seen is None or seen.quorum_time(seat.manifest.witnesses.quorum) < since:
        words = _("the witnesses have not signed the log since the end of poll {poll}: try again in a minute")
        raise PolicyError(words.format(poll=number), check=error.check) from error
