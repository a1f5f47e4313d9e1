"""`secballot key`: key files under a passphrase.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import click

from secballot.board.note import ED25519, ED25519_COSIGNATURE, VerifierKey
from secballot.signing import SigningKey
from secballot.store.keyfile import read_key, read_public_key, write_key
from secballot.store.ml_dsa_keyfile import create_ml_dsa_key, read_ml_dsa_vkey
from secballot_cli.messages import _
from secballot_cli.passphrase import passphrase_of, passphrase_option
from secballot_cli.telling import Told, json_option, tell

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
@json_option
def create(file: str, *, ml_dsa: bool, passphrase_file: str | None, as_json: bool) -> int:
    """Make a new key, Ed25519 unless told otherwise, write it into a new FILE, and print its public half."""
    passphrase = passphrase_of(passphrase_file, new=True)
    if ml_dsa:
        public = create_ml_dsa_key(file, passphrase)
    else:
        made = SigningKey.generate()
        write_key(file, made, passphrase)
        public = made.verify_key.encode()
    facts: dict[str, object] = {"file": file, "key": public.hex(), "type": "ml-dsa-44" if ml_dsa else "ed25519"}
    tell(Told([public.hex()], facts=facts), as_json=as_json)
    return 0


@key.command()
@click.argument("file", type=click.Path())
@click.option("--log", metavar="ORIGIN", help="Print the verifier key of a log with this origin.")
@click.option("--witness", metavar="NAME", help="Print the verifier key of a witness with this name.")
@_ml_dsa_option
@json_option
def show(file: str, log: str | None, witness: str | None, *, ml_dsa: bool, as_json: bool) -> int:
    """Print the public half of the key in FILE, which takes no passphrase."""
    names = {"log": log, "witness": witness}
    if ml_dsa:
        if log is None and witness is None:
            raise click.UsageError(_("an ML-DSA key is shown under the name of a log or a witness"))
        vkeys = {use: read_ml_dsa_vkey(file, name) for use, name in names.items() if name is not None}
        public = next(iter(vkeys.values())).key
    else:
        public = read_public_key(file)
        types = {"log": ED25519, "witness": ED25519_COSIGNATURE}
        vkeys = {use: VerifierKey(name, types[use], public) for use, name in names.items() if name is not None}
    shown = {use: vkey.encode() for use, vkey in vkeys.items()}
    facts: dict[str, object] = {
        "key": public.hex(),
        "log": shown.get("log"),
        "type": "ml-dsa-44" if ml_dsa else "ed25519",
        "witness": shown.get("witness"),
    }
    tell(Told(list(shown.values()) or [public.hex()], facts=facts), as_json=as_json)
    return 0
