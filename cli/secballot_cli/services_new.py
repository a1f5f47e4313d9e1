"""`secballot board new` and `secballot witness new`: keys and card of a service, before there is a sitting.

Source: SPEC.md#board-profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from secballot.roles.cards import make_card
from secballot.signing import SigningKey
from secballot.store.keyfile import write_key
from secballot_cli.carding import cost_of, give_card, new_options
from secballot_cli.home import Home, party_options
from secballot_cli.telling import tell

if TYPE_CHECKING:
    from secballot_cli.home import Given


@click.command("new")
@click.option("--url", required=True, help="Where it will answer, for the card.")
@new_options
@party_options
def board_new(given: Given, *, name: str, url: str, card: str | None, small_device: bool) -> int:
    """Make the two keys of a board for a new sitting, and its public card; --name is its host name.

    The card's holder runs the log; cards of further boards make them its successors.
    """
    log_key, promise_key = SigningKey.generate(), SigningKey.generate()
    made = make_card("board", name, log_key.verify_key.encode(), promise_key=promise_key.verify_key.encode(), url=url)
    home = Home.create("board", given.base)
    passphrase, cost = given.passphrase(new=True), cost_of(small_device)
    # The log key comes last: a home that has it is whole.
    write_key(home.folder / "promise.key", promise_key, passphrase, cost)
    write_key(home.key_file, log_key, passphrase, cost)
    told = give_card(home, made, card)
    folder = home.folder
    told.next.append(
        f"secballot board create DATABASE MANIFEST --log-key {folder}/key --promise-key {folder}/promise.key"
    )
    told.facts |= {"log_key": str(home.key_file), "promise_key": str(folder / "promise.key")}
    tell(told, as_json=given.as_json)
    return 0


@click.command("new")
@click.option("--url", required=True, help="Where it will answer, for the card.")
@new_options
@party_options
def witness_new(given: Given, *, name: str, url: str, card: str | None, small_device: bool) -> int:
    """Make the key of a witness for a new sitting, and its public card; --name is its C2SP key name."""
    key = SigningKey.generate()
    made = make_card("witness", name, key.verify_key.encode(), url=url)
    home = Home.create("witness", given.base)
    write_key(home.key_file, key, given.passphrase(new=True), cost_of(small_device))
    told = give_card(home, made, card)
    options = f"{home.journal_file} --name {name} --key {home.key_file}"
    told.next += [
        f"secballot witness create {options}",
        f"secballot witness follow {options} --manifest MANIFEST",
        f"secballot witness serve {options}",
    ]
    told.facts |= {"journal": str(home.journal_file), "key_file": str(home.key_file)}
    tell(told, as_json=given.as_json)
    return 0
