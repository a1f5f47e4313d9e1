"""`secballot delegate`: a delegate's own tool, from the 24 words to the counted ballot.

Source: SPEC.md#phrase, SPEC.md#requests, SPEC.md#ballots, SPEC.md#receipts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.errors import StoreError
from secballot.protocol.phrase import ENTROPY_BYTES, Wallet, generate_phrase
from secballot.randomness import random_bytes
from secballot.roles.cards import make_card
from secballot.roles.wallet import DelegateWallet
from secballot_cli.carding import cost_of
from secballot_cli.delegate_asking import explain
from secballot_cli.delegate_checking import check, check_opened, collect
from secballot_cli.delegate_device import get_ready, open_wallet, wallet_option, wallet_path
from secballot_cli.delegate_phrase import ask_phrase, hand_over, phrase_file_option
from secballot_cli.delegate_sending import submit
from secballot_cli.delegate_status import status
from secballot_cli.delegate_voting import cast, open_ballot, vote
from secballot_cli.delegate_watching import watch
from secballot_cli.home import make_private, party_options
from secballot_cli.main import ExitCode
from secballot_cli.messages import _, plural
from secballot_cli.reading import write_new
from secballot_cli.telling import Told, tell

if TYPE_CHECKING:
    from secballot.roles.cards import Card
    from secballot_cli.home import Given


@click.group()
def delegate() -> None:
    """Vote: make a wallet, register, vote, and check that your vote is counted."""


for _command in (vote, cast, open_ballot, submit, check, check_opened, collect, watch, status):
    delegate.add_command(_command)


@delegate.command()
@click.option("--name", required=True, help="What the commission calls you; it is on your card.")
@click.option("--label", metavar="TEXT", help="The label that the commission gave out for this sitting.")
@click.option("--card", type=click.Path(), metavar="FILE", help="Write your card for the commission here.")
@click.option("--small-device", is_flag=True, help="Use 64 MiB of memory instead of 256 for the passphrase.")
@phrase_file_option
@wallet_option
@party_options
def new(
    given: Given,
    *,
    name: str,
    label: str | None,
    card: str | None,
    small_device: bool,
    phrase_file: str | None,
    wallet: str | None,
) -> int:
    """Make a wallet from 24 new words, and your card for the commission.

    The words are shown once, on the terminal. Whoever has them can vote for you; with them and the label you restore
    your wallet on any device.
    """
    path = _free(given, wallet)
    if card is not None and (Path(card).exists() or not Path(card).parent.is_dir()):
        raise StoreError(_("the file for the card is there already, or its folder is not; nothing was made"))
    label = _label(label)
    made = generate_phrase(random_bytes(ENTROPY_BYTES))
    own = _card(made, label, name)
    passphrase = _new_passphrase(given)
    hand_over(made, phrase_file)
    _create(path, given, made, label, passphrase, small_device=small_device)
    told = _tell_card(own, card)
    told.did.insert(0, _("Made your wallet: {path}").format(path=path))
    told.facts["wallet"] = str(path)
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


@delegate.command()
@click.option("--name", required=True, help="What the commission calls you; it is on your card.")
@click.option("--card", type=click.Path(), metavar="FILE", help="Write your card for the commission here.")
@wallet_option
@party_options
def enrol(given: Given, *, name: str, card: str | None, wallet: str | None) -> int:
    """Make your card for the commission again, from the wallet."""
    key = open_wallet(given, wallet).secrets().signing_key().verify_key.encode()
    tell(_tell_card(make_card("delegate", name, key), card), as_json=given.as_json)
    return ExitCode.PASSED


@delegate.command()
@click.option("--label", metavar="TEXT", help="The label that the commission gave out for this sitting.")
@click.option("--small-device", is_flag=True, help="Use 64 MiB of memory instead of 256 for the passphrase.")
@phrase_file_option
@wallet_option
@party_options
def restore(given: Given, *, label: str | None, small_device: bool, phrase_file: str | None, wallet: str | None) -> int:
    """Make the wallet again from the 24 words, on a new device or beside the old one.

    It has the same credentials, and finds your ballots on the board. A second device can vote again: the newest ballot
    counts.
    """
    path = _free(given, wallet)
    label = _label(label)
    phrase = ask_phrase(phrase_file)
    Wallet(phrase, label)
    _create(path, given, phrase, label, _new_passphrase(given), small_device=small_device)
    key = open_wallet(given, wallet).secrets().signing_key().verify_key.encode()
    told = Told(
        did=[_("Restored your wallet: {path}").format(path=path)],
        next=["secballot delegate status --board URL --sitting ID"],
        who=_("you"),
        facts={"key": key.hex(), "wallet": str(path)},
    )
    if given.boards:
        found = get_ready(given, wallet, offline=True).device.recover()
        told.did.append(
            plural(
                "Found {count} ballot of yours on the board.",
                "Found {count} ballots of yours on the board.",
                len(found),
            ).format(count=len(found))
        )
        told.facts["found"] = len(found)
        told.next = ["secballot delegate status"]
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


@delegate.command()
@wallet_option
@party_options
def register(given: Given, *, wallet: str | None) -> int:
    """Ask the registrars for the credentials of all polls at once. Doing it again is harmless.

    Do it soon after registration begins, from the place you would vote from. The request stands on the board under your
    roll key; which ballot is yours does not follow from it.
    """
    ready = get_ready(given, wallet)
    promises = ready.device.register()
    manifest = ready.device.view.state.the_manifest()
    if promises:
        did = [
            plural(
                "Asked for the credential of {count} poll.",
                "Asked for the credentials of {count} polls.",
                manifest.polls,
            ).format(count=manifest.polls)
        ]
    else:
        did = [_("Your request is on the board already; nothing was sent.")]
    told = Told(
        did=did,
        next=["secballot delegate status"],
        who=_("every registrar has to answer"),
        facts={"posted": [promise.index for promise in promises]},
    )
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


def _free(given: Given, wallet: str | None) -> Path:
    """Return where the new wallet goes, before anybody has written 24 words down in vain."""
    path = wallet_path(given, wallet)
    if path.exists():
        words = _("there is a wallet at {path} already; one for another sitting goes elsewhere: --wallet FILE")
        raise StoreError(words.format(path=path))
    if wallet is None:
        make_private(path.parent)
    if not path.parent.is_dir():
        raise StoreError(_("there is no folder {path}").format(path=path.parent))
    return path


def _new_passphrase(given: Given) -> str:
    if given.passphrase_file is None:
        explain(_("A passphrase locks the wallet's file on this device. It is not the 24 words, and can be any text."))
    return given.passphrase(new=True)


def _label(label: str | None) -> str:
    typed: str = label if label is not None else click.prompt(_("The label from the commission's letter"), err=True)
    return typed.strip()


def _card(phrase: str, label: str, name: str) -> Card:
    return make_card("delegate", name, Wallet(phrase, label).signing_key().verify_key.encode())


def _create(
    path: Path, given: Given, phrase: str, label: str, passphrase: str, *, small_device: bool
) -> DelegateWallet:
    return DelegateWallet.create(
        path,
        phrase=phrase,
        label=label,
        sitting_id=given.sitting or b"",
        passphrase=passphrase,
        cost=cost_of(small_device),
    )


def _tell_card(card: Card, file: str | None) -> Told:
    """Write the card if a file is named, and return what to say of it."""
    did = []
    if file is not None:
        write_new(file, card.encode())
        did.append(_("Your card for the commission is {path}.").format(path=file))
    did += [_("Its fingerprint, to be read aloud to the commission:"), "  " + card.fingerprint()]
    first = _("give the card to the commission, and read its fingerprint aloud to them")
    if file is None:
        first = "secballot delegate enrol --name NAME --card FILE"
    return Told(
        did=did,
        next=[
            first,
            _("once registration is open: {command}").format(
                command="secballot delegate register --board URL --sitting ID"
            ),
        ],
        who=_("you, then the commission"),
        facts={"card": file or "", "fingerprint": card.fingerprint(), "key": card.key.hex()},
    )
