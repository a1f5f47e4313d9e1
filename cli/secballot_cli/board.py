"""`secballot board`: make, run and publish the log of a sitting.

Source: SPEC.md#board-profile.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import Note, VerifierKey
from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import PolicyError, StoreError
from secballot.net.limits import ServiceLimits
from secballot.records.manifest import MANIFEST
from secballot.roles.board import BoardOperator
from secballot.roles.remote import open_client
from secballot.roles.watching import find_manifest, newest_witnessed
from secballot.store.archive import write_archive
from secballot.store.board import BoardStore
from secballot.store.claim import claimed
from secballot.store.folder import write_folder
from secballot.store.ml_dsa_keyfile import read_ml_dsa_key
from secballot.store.source import DatabaseSource
from secballot_cli.board_copies import mirror
from secballot_cli.board_succession import pending, takeover
from secballot_cli.key import open_key
from secballot_cli.main import ExitCode
from secballot_cli.messages import _, plural
from secballot_cli.passphrase import passphrase_of, passphrase_option
from secballot_cli.proxies import proxy_option
from secballot_cli.reading import read_as, sitting_option, verified_copy
from secballot_cli.render import grouped, showing_progress
from secballot_cli.services_new import board_new
from secballot_cli.serving import listening_options, run_app, server_part
from secballot_cli.telling import Told, json_option, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.net.witness_client import RemoteWitness


@click.group()
def board() -> None:
    """Run a board, or publish its log as static files."""


for _command in (mirror, takeover, pending):
    board.add_command(_command)


def _keys(command: Callable[..., int]) -> Callable[..., int]:
    for name in ("promise-key", "log-key"):
        command = click.option(f"--{name}", type=click.Path(), required=True, metavar="FILE", help="Key file.")(command)
    return passphrase_option(command)


@board.command()
@click.argument("database", type=click.Path())
@click.argument("manifest", type=click.Path())
@_keys
@json_option
def create(
    database: str, manifest: str, *, log_key: str, promise_key: str, passphrase_file: str | None, as_json: bool
) -> int:
    """Make the DATABASE of a new board for the sitting of a MANIFEST (canonical JSON), and print the sitting's id."""
    body = read_as(manifest, MAX_ENTRY_BYTES, MANIFEST.decode, _("a manifest"))
    passphrase = passphrase_of(passphrase_file)
    operator = BoardOperator.create(
        database, body, log_key=open_key(log_key, passphrase), promise_key=open_key(promise_key, passphrase)
    )
    sitting, key = operator.anchor.hex(), operator.keys.log.vkey.encode()
    operator.close()
    facts: dict[str, object] = {"database": database, "key": key, "origin": body.log.origin, "sitting": sitting}
    tell(Told([grouped(sitting)], facts=facts), as_json=as_json)
    return ExitCode.PASSED


@board.command()
@click.argument("database", type=click.Path())
@click.argument("folder", type=click.Path())
@click.option("--archive", type=click.Path(), metavar="FILE", help="Write the same as one zip archive, too.")
@json_option
def publish(database: str, folder: str, *, archive: str | None, as_json: bool) -> int:
    """Bring a FOLDER of static files up to the newest checkpoint of the board in DATABASE.

    Any web server, mirror or memory stick can carry the folder. It may be brought up again and again, also while the
    board runs. A checkpoint that its witnesses have not cosigned is not published.
    """
    with BoardStore.open(database) as store:
        newest = store.latest_checkpoint()
        if newest is None:
            raise StoreError(_("the board has no checkpoint to publish"))
        size = Checkpoint.decode(Note.decode(newest).text).tree_size
        source = DatabaseSource(store)
        if newest_witnessed(find_manifest(source), source, size) is None:
            raise PolicyError(_("the newest checkpoint lacks the quorum of witnesses"), check="LOG-01")
        with showing_progress(_("publishing")) as progress:
            size = write_folder(store, folder, progress)
    if archive is not None:
        write_archive(folder, archive)
    did = [plural("published: {size} entry", "published: {size} entries", size).format(size=size)]
    tell(Told(did, facts={"archive": archive, "folder": folder, "size": size}), as_json=as_json)
    return ExitCode.PASSED


@board.command()
@click.argument("database", type=click.Path())
@sitting_option(required=True)
@_keys
@click.option("--witness", "witnesses", multiple=True, metavar="NAME=URL", help="A witness and its submission prefix.")
@click.option("--publish", "folder", type=click.Path(), metavar="DIR", help="Keep a folder of static files up, too.")
@click.option("--interval", type=click.FloatRange(0.1, 60), default=2.0, show_default=True, help="Of publications, s.")
@click.option("--rate", type=click.FloatRange(1), default=2_000.0, show_default=True, help="Submissions a second.")
@proxy_option
@click.option("--ml-dsa-key", type=click.Path(), metavar="FILE", help="Key file of ML-DSA-44, to sign by it as well.")
@click.option("--witness-ml-dsa", "further", multiple=True, metavar="VKEY", help="Such a key of a witness, to keep.")
@listening_options
def serve(
    database: str,
    *,
    sitting: bytes,
    log_key: str,
    promise_key: str,
    passphrase_file: str | None,
    witnesses: tuple[str, ...],
    folder: str | None,
    interval: float,
    rate: float,
    proxy: str | None,
    ml_dsa_key: str | None,
    further: tuple[str, ...],
    host: str,
    port: int,
    as_json: bool,
) -> int:
    """Serve the published log, take entries, promise them places, and have the log witnessed, until interrupted.

    DATABASE is an SQLite file, or a URL such as postgresql+psycopg://?service=board, without a password: those are kept
    in the file that PGPASSFILE names. TLS is for a proxy in front of it. Only one process serves a database.
    """
    service = server_part("secballot.roles.service").BoardService
    asked = [_witness(text, proxy) for text in witnesses]
    passphrase = passphrase_of(passphrase_file)
    log_signer, promise_signer = open_key(log_key, passphrase), open_key(promise_key, passphrase)
    with claimed(database):
        memory = verified_copy("board", database, sitting)
        operator = BoardOperator.open(database, sitting, memory, log_key=log_signer, promise_key=promise_signer)
        try:
            if ml_dsa_key is not None or further:
                origin, keys = operator.store.origin, [VerifierKey.decode(text) for text in further]
                signer = None if ml_dsa_key is None else read_ml_dsa_key(ml_dsa_key, origin, passphrase)
                operator.keys.use_ml_dsa(signer, keys)
            made = service(operator, asked, folder=None if folder is None else Path(folder))
            limits = ServiceLimits(rate=rate, burst=2 * rate)
            key = operator.keys.log.vkey.encode()
            facts: dict[str, object] = {"key": key, "origin": operator.store.origin, "sitting": sitting.hex()}
            run_app(made.server(limits, interval=interval).app, host, port, facts, as_json=as_json)
            made.close()
        finally:
            operator.close()
    return ExitCode.PASSED


def _witness(text: str, proxy: str | None) -> RemoteWitness:
    name, equals, url = text.partition("=")
    if not equals:
        raise click.BadParameter(_("a witness is given as NAME=URL"), param_hint="--witness")
    client = open_client(url, proxy)
    made: RemoteWitness = server_part("secballot.net.witness_client").RemoteWitness(name, client)
    return made


board.add_command(board_new)
