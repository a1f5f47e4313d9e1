"""How every command of a party ends: what it did, what comes next, and who has to act; for people or as JSON.

    {"did":["…"],"facts":{…},"next":["…"],"who":"…"}

`facts` is for programs and keeps its keys; the sentences are for people and may change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click

from secballot_cli.messages import _

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
"""The option with which every command prints an object for programs."""


@dataclass(slots=True)
class Told:
    """What a command has to say when it is done.

    Attributes:
        did: sentences about what was done.
        next: commands or sentences about what comes next.
        who: who has to act.
        facts: values for programs: strings, integers, booleans, lists and dictionaries of these.
    """

    did: list[str]
    next: list[str] = field(default_factory=list)
    who: str = ""
    facts: dict[str, object] = field(default_factory=dict)


def tell(told: Told, *, as_json: bool) -> None:
    """Print what a command has to say, on standard output."""
    if as_json:
        click.echo(json.dumps(object_of(told), ensure_ascii=False, sort_keys=True))
        return
    for line in told.did:
        click.echo(printable(line))
    if told.next:
        click.echo("\n" + _("What comes next:"))
        for line in told.next:
            click.echo("  " + printable(line))
    if told.who:
        click.echo(_("Who has to act: {who}").format(who=printable(told.who)))


def object_of(told: Told) -> dict[str, object]:
    """Return what a command has to say as programs get it."""
    return {"did": told.did, "facts": told.facts, "next": told.next, "who": told.who}


def printable(text: str) -> str:
    """Return the text with every character replaced that could move a cursor or hide others; lines stay lines."""
    kept = (c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return "".join(kept)


def moment(seconds: int) -> str:
    """Return a time in UTC and in the time of this machine, as in `2026-03-01 12:00:00 UTC (15:00:00 +0300)`."""
    try:
        there = datetime.fromtimestamp(seconds, UTC)
        here = there.astimezone()
    except (OverflowError, OSError, ValueError):
        return f"{seconds} s"
    local = here.strftime("%H:%M:%S %z" if here.date() == there.date() else "%Y-%m-%d %H:%M:%S %z")
    return f"{there:%Y-%m-%d %H:%M:%S} UTC ({local})"
