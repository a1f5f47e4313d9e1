"""`secballot witness`: a C2SP witness as a service.

Source: SPEC.md#witnesses; C2SP tlog-witness.
"""

from __future__ import annotations

from typing import Final

import click

from secballot.board.note import ED25519, VerifierKey
from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import StoreError
from secballot.records.manifest import MANIFEST
from secballot.roles.contradictions import ContradictionBook, proved_evidence, settle
from secballot.roles.evidence import encode_evidence
from secballot.roles.remote import open_source
from secballot.roles.succession import take_up
from secballot.roles.view import WitnessedView
from secballot.roles.witness import WitnessRole
from secballot.store.journal import Journal
from secballot.store.ml_dsa_keyfile import read_ml_dsa_key
from secballot_cli.key import open_key
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.passphrase import passphrase_of, passphrase_option
from secballot_cli.proxies import proxy_option
from secballot_cli.reading import read_as, read_input, sitting_option, write_new
from secballot_cli.services_new import witness_new
from secballot_cli.serving import listening_options, run_app, server_part
from secballot_cli.telling import Told, json_option, tell

_MAX_HANDOVER: Final = 1_000_000


@click.group()
def witness() -> None:
    """Run a witness: it cosigns a log's checkpoints, each only as growth of the one before."""


@witness.command()
@click.argument("journal", type=click.Path())
@click.option("--name", required=True, help="Key name, as the manifest has it.")
@click.option("--key", "key_file", type=click.Path(), required=True, metavar="FILE", help="Key file.")
@passphrase_option
@json_option
def create(journal: str, name: str, key_file: str, *, passphrase_file: str | None, as_json: bool) -> int:
    """Make the JOURNAL (a file, or a database's URL) of a new witness.

    A journal that is lost cannot be made again: the witness is over then.
    """
    key = open_key(key_file, passphrase_of(passphrase_file))
    with Journal.create(journal) as made:
        vkey = WitnessRole(name, key, made).vkey.encode()
    tell(Told([vkey], facts={"journal": journal, "key": vkey}), as_json=as_json)
    return ExitCode.PASSED


@witness.command()
@click.argument("journal", type=click.Path())
@click.option("--name", required=True, help="Key name, as the manifest has it.")
@click.option("--key", "key_file", type=click.Path(), required=True, metavar="FILE", help="Key file.")
@click.option("--log", "logs", multiple=True, metavar="VKEY", help="Verifier key of any log: name+id+base64.")
@click.option("--origin", metavar="TEXT", help="Origin of the log of all --log, if it is not their name.")
@click.option("--manifest", type=click.Path(), metavar="FILE", help="Follow a sitting's log by its manifest.")
@passphrase_option
@json_option
def follow(
    journal: str,
    name: str,
    key_file: str,
    logs: tuple[str, ...],
    *,
    origin: str | None,
    manifest: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> int:
    """Follow logs from their beginning; a log that is followed already keeps its state and gains the key.

    With the manifest (canonical JSON), the witness can accuse the log if it shows two views, and can take up the key of
    a successor once the log has been handed over.
    """
    vkeys = [VerifierKey.decode(text) for text in logs]
    if not vkeys and manifest is None:
        raise click.UsageError(_("nothing to follow: give --log or --manifest"))
    key = open_key(key_file, passphrase_of(passphrase_file))
    origins = [origin or vkey.name for vkey in vkeys]
    with Journal.open(journal) as kept:
        role = WitnessRole(name, key, kept)
        for followed, vkey in zip(origins, vkeys, strict=True):
            role.follow_key(followed, vkey)
        if manifest is not None:
            body = read_as(manifest, MAX_ENTRY_BYTES, MANIFEST.decode, _("a manifest"))
            role.follow_sitting(body)
            origins.append(body.log.origin)
        sizes = {followed: role.state(followed).tree_size for followed in origins}
    words = _("following {origin} from size {size}")
    did = [words.format(origin=followed, size=size) for followed, size in sizes.items()]
    tell(Told(did, facts={"sizes": sizes}), as_json=as_json)
    return ExitCode.PASSED


@witness.command()
@click.argument("journal", type=click.Path())
@click.option("--name", required=True, help="Key name, as the manifest has it.")
@click.option("--key", "key_file", type=click.Path(), required=True, metavar="FILE", help="Key file.")
@click.option("--ml-dsa-key", type=click.Path(), metavar="FILE", help="Key file of ML-DSA-44, to cosign by it as well.")
@listening_options
@passphrase_option
def serve(
    journal: str,
    name: str,
    key_file: str,
    *,
    ml_dsa_key: str | None,
    host: str,
    port: int,
    passphrase_file: str | None,
    as_json: bool,
) -> int:
    """Answer add-checkpoint requests and monitors over HTTP until interrupted."""
    app = server_part("secballot.net.witness_server").witness_app
    service = server_part("secballot.roles.witness_service").WitnessService
    passphrase = passphrase_of(passphrase_file)
    key = open_key(key_file, passphrase)
    second = None if ml_dsa_key is None else read_ml_dsa_key(ml_dsa_key, name, passphrase)
    with Journal.open(journal) as kept:
        facts: dict[str, object] = {"key": WitnessRole(name, key, kept).vkey.encode(), "name": name}
        run_app(app(service(name, key, kept, ml_dsa=second)), host, port, facts, as_json=as_json)
    return ExitCode.PASSED


@witness.command()
@click.argument("journal", type=click.Path())
@click.option("--name", required=True, help="Key name, as the manifest has it.")
@click.option("--key", "key_file", type=click.Path(), required=True, metavar="FILE", help="Key file.")
@click.option("--board", metavar="WHERE", required=True, help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@click.option("--handover", multiple=True, type=click.Path(), metavar="FILE", help="Its entries, one a line.")
@proxy_option
@json_option
@passphrase_option
def takeup(
    journal: str,
    name: str,
    key_file: str,
    *,
    board: str,
    sitting: bytes,
    handover: tuple[str, ...],
    proxy: str | None,
    as_json: bool,
    passphrase_file: str | None,
) -> int:
    """Follow the successor of a log that was handed over, and its first operator no more; also while it serves.

    The log is replayed up to its newest witnessed checkpoint. The handover's entries come behind that, so they are
    given by files, until enough witnesses have taken up the successor for a checkpoint over them.

    Exit codes: 0 the successor is followed, 5 no handover is complete, or this witness has cosigned something else.
    """
    entries = [line for file in handover for line in read_input(file, _MAX_HANDOVER).split(b"\n")]
    view = WitnessedView(open_source(board, proxy), sitting)
    view.refresh()
    key = open_key(key_file, passphrase_of(passphrase_file))
    with Journal.open(journal) as kept:
        role = WitnessRole(name, key, kept)
        operator = take_up(role, view, entries)
        origin = view.state.the_manifest().log.origin
        size = role.state(origin).tree_size
    vkey = VerifierKey(origin, ED25519, operator.key).encode()
    words = _("following {origin} from size {size} by the key of successor {number}:")
    did = [words.format(origin=origin, size=size, number=view.state.handovers), f"  {vkey}"]
    facts: dict[str, object] = {"key": vkey, "origin": origin, "size": size, "successor": view.state.handovers}
    tell(Told(did, facts=facts), as_json=as_json)
    return ExitCode.PASSED


@witness.command()
@click.argument("journal", type=click.Path())
@click.argument("out", type=click.Path())
@click.option("--manifest", type=click.Path(), required=True, metavar="FILE", help="Of the sitting (canonical JSON).")
@click.option("--board", metavar="WHERE", help="Folder, zip archive, database or URL of the larger of two views.")
@proxy_option
@json_option
def evidence(journal: str, out: str, *, manifest: str, board: str | None, proxy: str | None, as_json: bool) -> int:
    """Write what the witness keeps against a sitting's log into the new file OUT, if that shows two views.

    Two roots for one size, and a request whose own proof convicts it, need nothing else. What is open takes the entries
    below the larger checkpoint: give --board.

    Exit codes: 0 nothing is kept against the log, 1 the evidence is written, 3 what is kept is open.
    """
    body = read_as(manifest, MAX_ENTRY_BYTES, MANIFEST.decode, _("a manifest"))
    with Journal.open(journal) as kept:
        contradictions = ContradictionBook(kept).kept(body.log.origin)
    source = None if board is None else open_source(board, proxy)
    undecided = 0
    for found in contradictions:
        try:
            shown = proved_evidence(body, found) or (None if source is None else settle(body, found, source))
        except StoreError:
            undecided += 1
            continue
        if shown is not None:
            write_new(out, encode_evidence(shown))
            did = [_("The log has shown two views. Evidence written: {path}").format(path=out)]
            tell(Told(did, facts={"open": undecided, "written": out}), as_json=as_json)
            return ExitCode.FAILED
        undecided += source is None and not found.proved
    if undecided:
        words = _("open: {count} refused checkpoints have to be compared with the log that they are of")
        raise StoreError(words.format(count=undecided))
    tell(Told([_("Nothing is kept against this log.")], facts={"open": 0, "written": None}), as_json=as_json)
    return ExitCode.PASSED


witness.add_command(witness_new)
