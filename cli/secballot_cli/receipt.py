"""`secballot receipt`: is my ballot on the board, is it the last one, is it counted?

Source: SPEC.md#receipts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from secballot.errors import EncodingError, RefusalError
from secballot.roles.offline_receipt import OFFLINE_RECEIPT, check_offline, pack_receipt
from secballot.roles.receipt import RECEIPT, check_receipt
from secballot.roles.remote import open_source
from secballot.roles.view import WitnessedView
from secballot_cli.main import ExitCode
from secballot_cli.reading import read_input, sitting_option, watch, watching_options, write_new
from secballot_cli.render import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.roles.offline_receipt import OfflineFinding, OfflineReceipt
    from secballot.roles.receipt import Receipt, ReceiptFinding

_TAG_HELP = "The ten digits you made up for this ballot; asked for if not given."


@click.group()
def receipt() -> None:
    """Check that your ballot is on the board, is your last one, and is counted."""


@receipt.command()
@click.argument("file", type=click.Path(), metavar="RECEIPT")
@click.option("--board", metavar="WHERE", help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@click.option("--tag", metavar="DIGITS", help=_TAG_HELP)
@watching_options
def check(
    file: str,
    *,
    board: str | None,
    sitting: bytes,
    tag: str | None,
    mirror: tuple[str, ...],
    state: str | None,
    evidence: str | None,
    proxy: str | None,
) -> int:
    """Check one receipt with the tag that you remember.

    With a board, the whole answer is given: which ballot of how many it is, whether it is counted, and under which
    root. Without one, only a packed receipt can be checked, and what it cannot show is listed.

    Exit codes: 0 the ballot is your last one and stands as it should, 1 the receipt is false, 3 it could not be
    checked, or not all of it, 5 it is not your ballot, or does not count.
    """
    bare, packed = _read(file)
    if board is None and packed is None:
        raise click.UsageError("a receipt that is not packed is checked against a board: give --board")
    tag = tag if tag is not None else click.prompt("The tag of your ballot, ten digits 1-6")
    if board is None and packed is not None:
        _say_offline(check_offline(packed, sitting, tag))
        return ExitCode.UNCHECKED
    view = WitnessedView(open_source(board or "", proxy), sitting)
    seen = view.refresh()
    history, manifest = view.state.history, view.state.the_manifest()
    watch(manifest, seen, history, mirrors=mirror, state=state, evidence=evidence, proxy=proxy)
    _say(check_receipt(bare, view, tag))
    return ExitCode.PASSED


@receipt.command()
@click.argument("file", type=click.Path(), metavar="RECEIPT")
@click.argument("out", type=click.Path())
@click.option("--board", metavar="WHERE", required=True, help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@click.option("--tag", metavar="DIGITS", help=_TAG_HELP)
@watching_options
def pack(
    file: str,
    out: str,
    *,
    board: str,
    sitting: bytes,
    tag: str | None,
    mirror: tuple[str, ...],
    state: str | None,
    evidence: str | None,
    proxy: str | None,
) -> int:
    """Check a receipt, and write it with all that is needed to check it years later without any board."""
    bare, _ = _read(file)
    tag = tag if tag is not None else click.prompt("The tag of your ballot, ten digits 1-6")
    view = WitnessedView(open_source(board, proxy), sitting)
    seen = view.refresh()
    history, manifest = view.state.history, view.state.the_manifest()
    watch(manifest, seen, history, mirrors=mirror, state=state, evidence=evidence, proxy=proxy)
    check_receipt(bare, view, tag)
    write_new(out, OFFLINE_RECEIPT.encode(pack_receipt(bare, view)))
    click.echo(f"written: {out}")
    return ExitCode.PASSED


def _read(file: str) -> tuple[Receipt, OfflineReceipt | None]:
    """Return the receipt in a file, and the packed one if it is that.

    Raises:
        EncodingError: neither.
        StoreError: the file cannot be read.
    """
    data = read_input(file, OFFLINE_RECEIPT.max_bytes)
    try:
        packed = OFFLINE_RECEIPT.decode(data)
    except EncodingError:
        return RECEIPT.decode(data), None
    return RECEIPT.decode(bytes(packed.receipt)), packed


def _say(finding: ReceiptFinding) -> None:
    if finding.number != finding.of:
        raise RefusalError(f"ballot {finding.number} of {finding.of}: a later one counts")
    counted = "it is counted" if finding.counted else f"it is not counted so far (the poll is {finding.status})"
    click.echo(
        f"This ballot, with your tag, is number {finding.number} of {finding.of} from its credential; {counted}."
    )
    _say_root(finding.tree_size, finding.root, finding.witnesses)


def _say_offline(finding: OfflineFinding) -> None:
    opened = finding.checkpoint
    click.echo(
        f"This ballot, with your tag, calls itself number {finding.number} of its credential in poll {finding.poll}."
    )
    click.echo(f"It is entry {finding.index} of the log.")
    _say_root(opened.checkpoint.tree_size, opened.checkpoint.root, opened.names)
    for name, time in zip(opened.names, opened.times, strict=True):
        click.echo(f"  {name}: {datetime.fromtimestamp(min(time, 253_402_300_799), UTC):%Y-%m-%d %H:%M:%S} UTC")
    click.echo("Not checked, since that takes the log:")
    for words in finding.missing:
        click.echo(f"  - {words}")


def _say_root(size: int, root: bytes, witnesses: Sequence[str]) -> None:
    click.echo(f"The log had {size} entries then, with the root")
    click.echo(f"  {grouped(root.hex())}")
    click.echo(f"Witnesses that signed it: {', '.join(witnesses)}")
