"""Unattended parties: look at the log, do what is awaited, look again, until interrupted or done.

Whatever stops the process, the next start goes on where the log stands. A board that is away, a checkpoint that is
late or a refusal is said once and tried again; what contradicts the log or the own state ends the run.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

import click

from secballot.errors import LostStateError, PolicyError, RefusalError, StoreError, TransportError
from secballot_cli.error_words import error_words
from secballot_cli.messages import _
from secballot_cli.standing_words import next_steps, standing_facts
from secballot_cli.telling import Told, printable, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.records.promise import Promise
    from secballot.roles.view import WitnessedView
    from secballot_cli.connecting import Seat
    from secballot_cli.home import Given


class Stepper(Protocol):
    """A party that knows what is awaited of it."""

    view: WitnessedView

    def steps(self) -> Sequence[tuple[str, Promise]]:
        """Do what is awaited now, and return the kinds of entries posted with the board's promises."""


def run_party(
    party: Stepper,
    *,
    done: Callable[[], bool],
    seen: Callable[[], None],
    interval: float,
    once: bool,
    as_json: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Run a party until it has nothing more to do.

    Args:
        party: whose steps are done.
        done: tells whether nothing will be awaited any more.
        seen: called after each look at the log, to remember it.
        interval: seconds between two looks.
        once: whether to stop after the first look with nothing to do or wait for.
        as_json: whether each entry posted is an object on standard output, for a program.
        clock: seconds; for the patience with a promised entry that does not appear.
        sleep: waits.

    Raises:
        InconsistentLogError: the log contradicts what was seen.
        LostStateError: the own state is lost.
        PolicyError, RefusalError, StoreError, TransportError: with `once`, whatever is in the way.
    """
    promised, patience, said = -1, 0.0, ""
    while True:
        posted: Sequence[tuple[str, Promise]] = ()
        try:
            party.view.refresh()
            seen()
            waiting = party.view.size <= promised and clock() < patience
            if not waiting:
                posted = party.steps()
            trouble = ""
        except LostStateError:
            raise
        except (PolicyError, RefusalError, StoreError, TransportError) as error:
            if once:
                raise
            waiting, trouble = True, error_words(error)
        if trouble and trouble != said:
            click.echo(_("trying again: {trouble}").format(trouble=printable(trouble)), err=True)
        said = trouble
        for kind, promise in posted:
            _say_posted(kind, promise.index, as_json=as_json)
            promised = max(promised, promise.index)
            patience = clock() + promise.maximum_delay
        if not trouble and not posted and not waiting and (once or done()):
            return
        sleep(interval)


def _say_posted(kind: str, index: int, *, as_json: bool) -> None:
    words = _("posted: {kind} (entry {index})").format(kind=kind, index=index)
    if as_json:
        tell(Told([words], facts={"index": index, "kind": kind}), as_json=True)
        sys.stdout.flush()
    else:
        click.echo(words, err=True)


def run_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options of an unattended party."""
    command = click.option(
        "--interval",
        type=click.FloatRange(0.1, 3_600),
        default=5.0,
        show_default=True,
        help="Seconds between two looks at the log.",
    )(command)
    return click.option("--once", is_flag=True, help="Do what is awaited now, and stop.")(command)


def tell_after_run(seat: Seat, given: Given, did: str) -> None:
    """Say that a run is over, and what comes next."""
    steps, who = next_steps(seat.view, int(time.time()))
    tell(Told([did], steps, who, standing_facts(seat.view, int(time.time()))), as_json=given.as_json)
