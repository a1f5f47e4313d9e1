"""Cards on the command line: every `ROLE new` ends by writing the party's public card.

Source: SPEC.md#manifest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from secballot.roles.cards import SUFFIX, make_card
from secballot.sealing import COST_DEFAULT, COST_SMALL, Cost
from secballot.signing import SigningKey
from secballot.store.keyfile import KeyHolder, write_key
from secballot_cli.home import Home, write_private
from secballot_cli.messages import _
from secballot_cli.telling import Told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from secballot.roles.cards import Card, Role
    from secballot_cli.home import Given

_UNUSUAL: Final = re.compile(r"[^\w.-]+")


def new_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options of `ROLE new`: name, where the card goes, and what a guess at the passphrase costs."""
    return _with_new_options(command, name_required=True)


def optional_name(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options of `ROLE new`, where a name is not always needed."""
    return _with_new_options(command, name_required=False)


def _with_new_options(command: Callable[..., int], *, name_required: bool) -> Callable[..., int]:
    command = click.option(
        "--small-device",
        is_flag=True,
        help="Use 64 MiB of memory instead of 256 each time the passphrase is typed.",
    )(command)
    command = click.option(
        "--card", type=click.Path(), metavar="FILE", help="Write the card here, too: a new file, to be given away."
    )(command)
    return click.option("--name", required=name_required, help="What people call you; it is on your card.")(command)


def cost_of(small_device: bool) -> Cost:
    """Return what a guess at the passphrase costs."""
    return COST_SMALL if small_device else COST_DEFAULT


def new_party(role: Role, given: Given, name: str, *, card: str | None, small_device: bool) -> Told:
    """Make home, key file and card of a party with one key, and say what comes next.

    Raises:
        StoreError: there is one for the next sitting already, or the disk does not take it.
        EncodingError: the name cannot stand on a card.
    """
    key = SigningKey.generate()
    made = make_card(role, name, key.verify_key.encode())
    home = Home.create(role, given.base)
    write_key(home.key_file, key, given.passphrase(new=True), cost_of(small_device), holder=KeyHolder(role))
    return give_card(home, made, card)


def give_card(home: Home, card: Card, copy: str | None) -> Told:
    """Write a party's card into its home, and a copy of it to be given away; return what to say.

    Raises:
        StoreError: the copy's file is there already, or the disk does not take it.
    """
    from secballot_cli.reading import write_new  # noqa: PLC0415  # reading boards takes long to load

    write_private(home.card_file, card.encode())
    if copy is not None:
        write_new(copy, card.encode())
    shown = copy or str(home.card_file)
    return Told(
        did=[
            _("Made a key of the role {role} in {folder}.").format(role=card.role, folder=home.folder),
            _("Your public card is {path}. Its fingerprint:").format(path=shown),
            "  " + card.fingerprint(),
        ],
        next=[_("give the card to whoever founds the sitting, and read its fingerprint aloud to them")],
        who=_("you"),
        facts={"card": shown, "fingerprint": card.fingerprint(), "key": card.key.hex(), "role": card.role},
    )


def card_name(card: Card) -> str:
    """Return a file name for a copy of a card: role and name, without what file systems dislike."""
    return f"{card.role}-{_UNUSUAL.sub('-', card.name)}{SUFFIX}"


def default_card(folder: Path, card: Card) -> Path:
    """Return where a copy of a card goes in a folder of cards."""
    return folder / card_name(card)
