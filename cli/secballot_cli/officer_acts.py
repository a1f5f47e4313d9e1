"""`secballot officer …`: acts of the whole sitting, from the registration to the adjournment.

Source: SPEC.md#acts-of-several-signers, SPEC.md#adjournment, SPEC.md#handover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from secballot.roles.officer import Officer
from secballot_cli.acting import countersign as countersign_act
from secballot_cli.acting import sign_act
from secballot_cli.connecting import take_seat, yes_option
from secballot_cli.home import party_options

if TYPE_CHECKING:
    from secballot_cli.connecting import Seat
    from secballot_cli.home import Given


def officer_of(seat: Seat) -> Officer:
    """Return the officer who holds a seat."""
    return Officer(seat.key, seat.view, seat.board)


@click.command()
@click.option("--entry", type=click.IntRange(0), help="Which act, by its first entry, if there are several.")
@click.option("--document", multiple=True, type=click.Path(), metavar="FILE", help="Your own copy of a document.")
@yes_option
@party_options
def countersign(given: Given, *, entry: int | None, document: tuple[str, ...], yes: bool) -> int:
    """Show a pending act of several signers in plain words, and sign it.

    Of documents that an opening names, the beginning is shown. With --document, a file of your own has to be one of
    them, letter for letter.
    """
    seat = take_seat("officer", given)
    return countersign_act(seat, given, officer_of(seat), entry, yes=yes, files=document)


@click.command()
@yes_option
@party_options
def restart(given: Given, *, yes: bool) -> int:
    """Begin the key ceremony anew, without the trustees that are silent in its current round."""
    seat = take_seat("officer", given)
    body = officer_of(seat).restart_body()
    return sign_act(seat, given, "ceremony-restart", body, lambda: officer_of(seat).restart_ceremony(), yes=yes)


@click.command()
@click.option("--first-poll", type=click.IntRange(1), help="First poll that it covers; by default the next one.")
@yes_option
@party_options
def register(given: Given, *, first_poll: int | None, yes: bool) -> int:
    """Freeze the roll and the registrars' keys: delegates can request their credentials."""
    seat = take_seat("officer", given)
    officer = officer_of(seat)
    first = first_poll or max(seat.view.state.polls, default=0) + 1
    body = officer.registration_body(first)
    return sign_act(seat, given, "registration", body, lambda: officer.register(first), yes=yes)


@click.command("close-registration")
@yes_option
@party_options
def close_registration(given: Given, *, yes: bool) -> int:
    """End the requests of the current registration."""
    seat = take_seat("officer", given)
    officer = officer_of(seat)
    body = officer.registration_close_body()
    return sign_act(seat, given, "registration-close", body, officer.close_registration, yes=yes)


@click.command()
@yes_option
@party_options
def convene(given: Given, *, yes: bool) -> int:
    """Convene the current registration, once its consents are there: voting may begin."""
    seat = take_seat("officer", given)
    officer = officer_of(seat)
    body = officer.convening_body()
    return sign_act(seat, given, "convening", body, lambda: officer.post("convening", body), yes=yes)


@click.command()
@yes_option
@party_options
def adjourn(given: Given, *, yes: bool) -> int:
    """End the sitting, once every poll is finished."""
    seat = take_seat("officer", given)
    officer = officer_of(seat)
    body = officer.adjournment_body()
    return sign_act(seat, given, "adjournment", body, lambda: officer.post("adjournment", body), yes=yes)


@click.command()
@yes_option
@party_options
def handover(given: Given, *, yes: bool) -> int:
    """Hand the log over to the next successor of the manifest, at the newest size that the witnesses cosigned.

    For a board that is seized or gone: the successor runs the log on from a mirror, and takes this act first. Other
    officers, and as many trustees as decrypt, sign it too: each by itself, at the successor's board, since no witnessed
    log shows one of them what another has signed.
    """
    seat = take_seat("officer", given)
    officer = officer_of(seat)
    body = officer.handover_body()
    return sign_act(seat, given, "handover", body, lambda: officer.post("handover", body), yes=yes)


ACT_COMMANDS: Final = (countersign, restart, register, close_registration, convene, adjourn, handover)
"""The commands of this module."""
