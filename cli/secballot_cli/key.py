"""`secballot key`: key files under a passphrase.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secballot.board.note import ED25519, ED25519_COSIGNATURE, VerifierKey
from secballot.errors import EncodingError
from secballot.signing import SigningKey
from secballot.store.folder import read_file
from secballot.store.keyfile import read_key, read_public_key, write_key

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_PASSPHRASE_BYTES: Final = 10_000


def passphrase_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option that says where the passphrase comes from."""
    return click.option(
        "--passphrase-file",
        type=click.Path(),
        metavar="FILE",
        help="Its first line is the passphrase; else SECBALLOT_PASSPHRASE, else it is asked for.",
    )(command)


def passphrase_of(file: str | None, *, new: bool = False) -> str:
    """Return the passphrase of key files, from a file, the environment, or the keyboard.

    Raises:
        StoreError: the file cannot be read.
        EncodingError: it is not UTF-8.
    """
    if file is not None:
        try:
            return read_file(Path(file), _MAX_PASSPHRASE_BYTES).decode().split("\n")[0].removesuffix("\r")
        except UnicodeDecodeError as error:
            error.object = b""  # the cause would carry the passphrase
            raise EncodingError("the passphrase is not UTF-8") from None
    if given := os.environ.get("SECBALLOT_PASSPHRASE"):
        return given
    asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
    return asked


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
