"""`secballot status`: where the sitting stands, what it waits for, from whom and since when, and the next command.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import RefusalError, StoreError
from secballot.roles.awaited import standing
from secballot_cli.connecting import open_view, remember_view
from secballot_cli.home import Home, party_options
from secballot_cli.messages import _
from secballot_cli.proxies import chosen_proxy
from secballot_cli.render import grouped
from secballot_cli.standing_words import item_lines, next_steps, phase_words, standing_facts
from secballot_cli.telling import Told, moment, tell

if TYPE_CHECKING:
    from secballot.roles.view import WitnessedView
    from secballot_cli.home import Given

_LOOKED_FOR: Final = ("officer", "commission", "registrar", "trustee")


@click.command()
@party_options
def status(given: Given) -> int:
    """Say where the sitting stands, what is awaited from whom and since when, and the next command.

    Takes the sitting and the board that one of your roles knows, or those given.
    """
    home, known = _any_home(given)
    view = open_view(home)
    if known:
        remember_view(home, view)
    now = int(time.time())
    told = Told(did=_lines(view, now), facts=standing_facts(view, now))
    told.next, told.who = next_steps(view, now)
    tell(told, as_json=given.as_json)
    return 0


def _lines(view: WitnessedView, now: int) -> list[str]:
    found, manifest = standing(view, now), view.state.the_manifest()
    lines = [_("Sitting: {title}").format(title=manifest.title), "  " + grouped(view.anchor.hex())]
    if view.checkpoint is not None:
        seen = moment(view.checkpoint.quorum_time(manifest.witnesses.quorum))
        lines.append(_("Log: {size} entries, witnessed {time}").format(size=view.size, time=seen))
    lines.append(_("Phase: {phase}").format(phase=phase_words(found.phase)))
    for item in found.awaited:
        lines += ["", *item_lines(view, item)]
    return lines


def _any_home(given: Given) -> tuple[Home, bool]:
    """Return where the log is, from a role's home if there is one, and whether there is.

    Raises:
        RefusalError: nothing says which sitting or where its log is.
    """
    for role in _LOOKED_FOR:
        try:
            home = Home.find(role, given)
        except (StoreError, RefusalError):
            continue
        if home.sitting is not None and home.boards:
            return home, home.folder.name == home.sitting.hex()
    if given.sitting is None:
        raise RefusalError(_("which sitting? It is named by --sitting, with the id from a letter or another channel"))
    bare = Home("status", given.base, given.sitting)
    return replace(bare, boards=given.boards, proxy=chosen_proxy(given.proxy, None)), False
