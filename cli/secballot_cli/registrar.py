"""`secballot registrar`: posts certified keys, answers requests and consents, unattended.

Source: SPEC.md#registrar-keys, SPEC.md#issues, SPEC.md#convening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from secballot.roles.registrar import Registrar
from secballot_cli.carding import new_options, new_party
from secballot_cli.connecting import remember_view, take_seat
from secballot_cli.home import party_options
from secballot_cli.messages import _
from secballot_cli.running import run_options, run_party, tell_after_run
from secballot_cli.telling import tell

if TYPE_CHECKING:
    from secballot_cli.home import Given


@click.group()
def registrar() -> None:
    """Give delegates their credentials without learning whose is whose."""


@registrar.command()
@new_options
@party_options
def new(given: Given, *, name: str, card: str | None, small_device: bool) -> int:
    """Make your key for a new sitting, and your public card."""
    tell(new_party("registrar", given, name, card=card, small_device=small_device), as_json=given.as_json)
    return 0


@registrar.command("run")
@run_options
@party_options
def run_(given: Given, *, interval: float, once: bool) -> int:
    """Post keys, answer requests and consent, until the sitting is over; safe to stop and start at any moment."""
    seat = take_seat("registrar", given, journal=True)
    with seat.open_journal() as journal:
        role = Registrar(seat.key, seat.view, seat.board, seat.sealed(journal))
        run_party(
            role,
            done=lambda: seat.view.state.adjourned,
            seen=lambda: remember_view(seat.home, seat.view),
            interval=interval,
            once=once,
            as_json=given.as_json,
        )
    tell_after_run(seat, given, _("Nothing is awaited of this registrar now."))
    return 0


registrar.add_command(run_, "serve")
