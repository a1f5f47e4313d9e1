"""`secballot witness`: a C2SP witness as a service.

Source: SPEC.md#witnesses; C2SP tlog-witness.
"""

from __future__ import annotations

import click

from secballot.board.note import ED25519, VerifierKey
from secballot.errors import EncodingError
from secballot.roles.witness import WitnessRole
from secballot.store.journal import Journal
from secballot_cli.key import open_key, passphrase_of, passphrase_option
from secballot_cli.main import ExitCode
from secballot_cli.serving import listening_options, run_app, server_part


@click.group()
def witness() -> None:
    """Run a witness: it cosigns a log's checkpoints, each only as growth of the one before."""


@witness.command()
@click.argument("journal", type=click.Path())
@click.option("--name", required=True, help="Key name, as the manifest has it.")
@click.option("--key", "key_file", type=click.Path(), required=True, metavar="FILE", help="Key file.")
@passphrase_option
def create(journal: str, name: str, key_file: str, passphrase_file: str | None) -> int:
    """Make the JOURNAL of a new witness. A journal that is lost cannot be made again: the witness is over then."""
    made = WitnessRole.create(journal, name, open_key(key_file, passphrase_of(passphrase_file)))
    click.echo(made.vkey.encode())
    return ExitCode.PASSED


@witness.command()
@click.argument("journal", type=click.Path())
@click.option("--name", required=True, help="Key name, as the manifest has it.")
@click.option("--key", "key_file", type=click.Path(), required=True, metavar="FILE", help="Key file.")
@click.option("--log", "logs", multiple=True, required=True, metavar="VKEY", help="Verifier key: name+id+base64.")
@passphrase_option
def follow(journal: str, name: str, key_file: str, logs: tuple[str, ...], passphrase_file: str | None) -> int:
    """Follow logs from their beginning; a log that is followed already keeps its state and gains the key."""
    vkeys = [VerifierKey.decode(text) for text in logs]
    if any(vkey.kind != ED25519 for vkey in vkeys):
        raise EncodingError("a log's key here is of type 0x01, Ed25519")
    role = WitnessRole.open(journal, name, open_key(key_file, passphrase_of(passphrase_file)))
    for vkey in vkeys:
        role.follow(vkey.name, vkey.key)
        click.echo(f"following {vkey.name} from size {role.state(vkey.name).tree_size}")
    return ExitCode.PASSED


@witness.command()
@click.argument("journal", type=click.Path())
@click.option("--name", required=True, help="Key name, as the manifest has it.")
@click.option("--key", "key_file", type=click.Path(), required=True, metavar="FILE", help="Key file.")
@listening_options
@passphrase_option
def serve(journal: str, name: str, key_file: str, *, host: str, port: int, passphrase_file: str | None) -> int:
    """Answer add-checkpoint requests and monitors over HTTP until interrupted."""
    app = server_part("secballot.net.witness_server").witness_app
    service = server_part("secballot.roles.witness_service").WitnessService
    key = open_key(key_file, passphrase_of(passphrase_file))
    with Journal.open(journal) as kept:
        run_app(app(service(name, key, kept)), host, port)
    return ExitCode.PASSED
