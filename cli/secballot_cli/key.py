"""`secballot key`: key files under a passphrase.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import click

from secballot.board.note import ED25519, ED25519_COSIGNATURE, VerifierKey
from secballot.signing import SigningKey
from secballot.store.keyfile import read_key, read_public_key, write_key
from secballot.store.ml_dsa_keyfile import create_ml_dsa_key, read_ml_dsa_vkey
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
    """Make and show key files: one key each, under a passphrase."""


_ml_dsa_option = click.option(
    "--ml-dsa", is_flag=True, help="A key of ML-DSA-44, by which logs and witnesses may sign as well."
)


@key.command()
@click.argument("file", type=click.Path())
@_ml_dsa_option
@passphrase_option
def create(file: str, *, ml_dsa: bool, passphrase_file: str | None) -> int:
    """Make a new key, Ed25519 unless told otherwise, write it into a new FILE, and print its public half."""
    if ml_dsa:
        click.echo(create_ml_dsa_key(file, passphrase_of(passphrase_file, new=True)).hex())
        return 0
    made = SigningKey.generate()
    write_key(file, made, passphrase_of(passphrase_file, new=True))
    click.echo(made.verify_key.encode().hex())
    return 0


@key.command()
@click.argument("file", type=click.Path())
@click.option("--log", metavar="ORIGIN", help="Print the verifier key of a log with this origin.")
@click.option("--witness", metavar="NAME", help="Print the verifier key of a witness with this name.")
@_ml_dsa_option
def show(file: str, log: str | None, witness: str | None, *, ml_dsa: bool) -> int:
    """Print the public half of the key in FILE, which takes no passphrase."""
    if ml_dsa:
        names = [name for name in (log, witness) if name is not None]
        if not names:
            raise click.UsageError("an ML-DSA key is shown under the name of a log or a witness")
        for name in names:
            click.echo(read_ml_dsa_vkey(file, name).encode())
        return 0
    public = read_public_key(file)
    if log is None and witness is None:
        click.echo(public.hex())
    if log is not None:
        click.echo(VerifierKey(log, ED25519, public).encode())
    if witness is not None:
        click.echo(VerifierKey(witness, ED25519_COSIGNATURE, public).encode())
    return 0
