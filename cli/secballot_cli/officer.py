"""`secballot officer`: the holder of one presidium key founds the sitting, and signs its acts.

Source: SPEC.md#manifest, SPEC.md#registration-act, SPEC.md#polls.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import PolicyError, RefusalError, TransportError
from secballot.records.manifest import MANIFEST
from secballot.roles.cards import cards_of, read_cards
from secballot.roles.draft_template import draft_template
from secballot.roles.drafting import MAX_DRAFT_BYTES, advice, manifest_of, read_draft
from secballot.roles.party import sign_entry
from secballot_cli.acting import show
from secballot_cli.advising import advice_words
from secballot_cli.carding import new_party, optional_name
from secballot_cli.connecting import confirm, open_board, read_text, yes_option
from secballot_cli.home import Home, party_options
from secballot_cli.messages import _
from secballot_cli.officer_acts import ACT_COMMANDS
from secballot_cli.officer_polls import POLL_COMMANDS
from secballot_cli.plain import manifest_words
from secballot_cli.reading import read_as, write_new
from secballot_cli.render import grouped
from secballot_cli.telling import Told, json_option, tell

if TYPE_CHECKING:
    from secballot.records.manifest import Manifest
    from secballot.signing import SigningKey
    from secballot_cli.home import Given


@click.group()
def officer() -> None:
    """Found a sitting, and sign its acts as one of the presidium."""


@officer.command()
@click.option("--cards", type=click.Path(), metavar="DIR", help="Write the template of a sitting of these cards.")
@click.option("--template", type=click.Path(), default="sitting.toml", show_default=True, help="Where: a new file.")
@optional_name
@party_options
def new(
    given: Given, *, name: str | None, card: str | None, small_device: bool, cards: str | None, template: str
) -> int:
    """Make your key for a new sitting, and your public card.

    Or, when all cards are there: write the template of a sitting (TOML, with advice) from the folder of cards.
    """
    if cards is not None:
        if name is not None:
            raise click.UsageError(_("either --name, for your own key, or --cards, for the template of a sitting"))
        told = _template(cards, template)
    elif name is None:
        raise click.UsageError(_("give --name, for your own key, or --cards, for the template of a sitting"))
    else:
        told = new_party("officer", given, name, card=card, small_device=small_device)
    tell(told, as_json=given.as_json)
    return 0


def _template(cards: str, template: str) -> Told:
    read = read_cards(cards)
    text = draft_template(read, os.urandom(16), name=template)
    write_new(template, text.encode())
    return Told(
        did=[_("Wrote {path} with {count} parties.").format(path=template, count=len(read))],
        next=[
            _("fill in what is marked FILL IN, and read the rest"),
            _("compare the fingerprints with what their holders read aloud"),
            f"secballot officer draft {template} MANIFEST",
        ],
        who=_("you"),
        facts={"cards": len(read), "template": template},
    )


@officer.command()
@click.argument("draft", type=click.Path())
@click.argument("manifest", type=click.Path())
@json_option
def draft(draft: str, manifest: str, *, as_json: bool) -> int:
    """Check a filled-in DRAFT, show it in plain words with advice, and write the new file MANIFEST."""
    made = manifest_of(read_draft(read_text(draft, MAX_DRAFT_BYTES)))
    body = MANIFEST.encode(made)
    found = advice(made)
    show(manifest_words(made))
    for code, values in found:
        show([_("Consider: {advice}").format(advice=advice_words(code, values))])
    write_new(manifest, body)
    digest = hashlib.sha256(body).hexdigest()
    told = Told(
        did=[
            _("Wrote {path}. If it is founded, this is the sitting's id:").format(path=manifest),
            "  " + grouped(digest),
        ],
        next=[
            _("give the manifest to all officers and to the operator of the board"),
            f"secballot board create DATABASE {manifest}",
            f"secballot officer found {manifest} --cards DIR --board URL",
        ],
        who=_("the operator of the board, then officers, as many as an act needs"),
        facts={"advice": [code for code, _values in found], "manifest": manifest, "sitting": digest},
    )
    tell(told, as_json=as_json)
    return 0


@officer.command()
@click.argument("manifest", type=click.Path())
@click.option("--cards", type=click.Path(), metavar="DIR", help="Compare all keys with the cards in this folder.")
@yes_option
@party_options
def found(given: Given, manifest: str, *, cards: str | None, yes: bool) -> int:
    """Sign the MANIFEST, after it was shown in plain words; the sitting exists when enough officers have.

    With --cards, every key in it has to be on a card of its role, and all parties are shown by name and fingerprint.
    """
    body = read_as(manifest, MAX_ENTRY_BYTES, MANIFEST.decode, _("a manifest"))
    anchor = hashlib.sha256(MANIFEST.encode(body)).digest()
    if given.sitting not in (None, anchor):
        raise RefusalError(_("this manifest is not the one of the sitting named by --sitting"), check="SIT-01")
    home = _home_of(given, anchor)
    show([*manifest_words(body), *_party_words(body, cards)])
    key: SigningKey = home.open_key(given)
    if key.verify_key.encode() not in body.presidium.keys:
        raise PolicyError(_("the manifest does not name this key as an officer's"))
    confirm(_("Found this sitting?"), yes=yes)
    promise = open_board(home, body, anchor).post(sign_entry(key, "manifest", anchor, body))
    home.settle(given)
    tell(
        Told(
            did=[
                _("Signed and posted the manifest, entry {index} of the log. The sitting:").format(index=promise.index),
                "  " + grouped(anchor.hex()),
            ],
            next=[
                f"secballot officer found {manifest} --cards DIR --board URL    " + _("by the other officers"),
                _("give the sitting's id to everybody on another channel than the board: in a letter, on paper, aloud"),
                "secballot status",
            ],
            who=_("officers, as many as an act needs"),
            facts={"index": promise.index, "kind": "manifest", "sitting": anchor.hex()},
        ),
        as_json=given.as_json,
    )
    return 0


def _party_words(manifest: Manifest, cards: str | None) -> list[str]:
    """Return who the parties of a manifest are, by the cards in a folder.

    Raises:
        PolicyError: a key is on no card of its role.
        StoreError, EncodingError: as `read_cards`.
    """
    if cards is None:
        return [_("No key was compared with a card: to see whose they are, give --cards, your own folder of cards.")]
    words = _("{role} {number}: {name}, fingerprint {fingerprint}")
    return [
        words.format(role=card.role, number=number, name=card.name, fingerprint=card.fingerprint())
        for number, card in cards_of(manifest, read_cards(cards))
    ]


def _home_of(given: Given, anchor: bytes) -> Home:
    """Return the officer's home for the sitting of a manifest, which needs the board's URL from now on.

    Raises:
        TransportError: no URL is given.
    """
    home = Home.find("officer", replace(given, sitting=anchor))
    if not any(where.startswith(("http://", "https://")) for where in home.boards):
        raise TransportError(_("founding needs the URL of the board: --board"))
    return home


for _command in (*ACT_COMMANDS, *POLL_COMMANDS):
    officer.add_command(_command)
