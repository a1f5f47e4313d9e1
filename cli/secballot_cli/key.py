"""`secballot key`: key files under a passphrase.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import click

from secballot.board.note import ED25519, ED25519_COSIGNATURE, VerifierKey
from secballot.signing import SigningKey
from secballot.store.keyfile import read_key, read_public_key, write_key
from secballot_cli.passphrase import passphrase_of, passphrase_option

__all__ = ["key", "open_key", "passphrase_of", "passphrase_option"]


def open_key(path: str, passphrase: str) -> SigningKey:
    """Return the key in a file.

    Raises:
        StoreError, EncodingError: as `store.keyfile.read_key`.
    """
    return read_key(path, passphrase)


@click.group()
def key() -> None:
    """Make and show key files: one Ed25519 key each, under a passphrase."""


@key.command()
@click.argument("file", type=click.Path())
@passphrase_option
def create(file: str, passphrase_file: str | None) -> int:
    """Make a new key, write it into a new FILE, and print its public half."""
    made = SigningKey.generate()
    write_key(file, made, passphrase_of(passphrase_file, new=True))
    click.echo(made.verify_key.encode().hex())
    return 0


@key.command()
@click.argument("file", type=click.Path())
@click.option("--log", metavar="ORIGIN", help="Print the verifier key of a log with this origin.")
@click.option("--witness", metavar="NAME", help="Print the verifier key of a witness with this name.")
def show(file: str, log: str | None, witness: str | None) -> int:
    """Print the public half of the key in FILE, which takes no passphrase."""
    public = read_public_key(file)
    if log is None and witness is None:
        click.echo(public.hex())
    if log is not None:
        click.echo(VerifierKey(log, ED25519, public).encode())
    if witness is not None:
        click.echo(VerifierKey(witness, ED25519_COSIGNATURE, public).encode())
    return 0
