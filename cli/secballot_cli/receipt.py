"""`secballot receipt`: is my ballot on the board, is it the last one, is it counted?

Source: SPEC.md#receipts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from secballot.errors import EncodingError, RefusalError
from secballot.roles.offline_receipt import OFFLINE_RECEIPT, check_offline, pack_receipt
from secballot.roles.receipt import RECEIPT, check_receipt
from secballot.roles.remote import open_source
from secballot.roles.view import WitnessedView
from secballot_cli.main import ExitCode
from secballot_cli.messages import _, plural
from secballot_cli.reading import read_as, read_input, sitting_option, watch, watching_options, write_new
from secballot_cli.render import grouped
from secballot_cli.telling import Told, json_option, moment, tell
from secballot_cli.templates import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.roles.offline_receipt import OfflineFinding, OfflineReceipt
    from secballot.roles.receipt import Receipt, ReceiptFinding

_LAST_MOMENT: Final = 253_402_300_799
"""The last second of the year 9999."""

_TAG_HELP: Final = "The ten digits you made up for this ballot; asked for if not given."


@click.group()
def receipt() -> None:
    """Check that your ballot is on the board, is your last one, and is counted."""


@receipt.command()
@click.argument("file", type=click.Path(), metavar="RECEIPT")
@click.option("--board", metavar="WHERE", help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@click.option("--tag", metavar="DIGITS", help=_TAG_HELP)
@watching_options
@json_option
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
    as_json: bool,
) -> int:
    """Check one receipt with the tag that you remember.

    With a board, the whole answer is given: which ballot of how many it is, whether it is counted, and under which
    root. Without one, only a packed receipt can be checked, and what it cannot show is listed.

    Exit codes: 0 the ballot is your last one and stands as it should, 1 the receipt is false, 3 it could not be
    checked, or not all of it, 5 it is not your ballot, or does not count.
    """
    bare, packed = _read(file)
    if board is None and packed is None:
        raise click.UsageError(_("a receipt that is not packed is checked against a board: give --board"))
    tag = tag if tag is not None else _ask_tag()
    if board is None and packed is not None:
        tell(_told_offline(check_offline(packed, sitting, tag)), as_json=as_json)
        return ExitCode.UNCHECKED
    view = WitnessedView(open_source(board or "", proxy), sitting)
    seen = view.refresh()
    history, manifest = view.state.history, view.state.the_manifest()
    watch(manifest, seen, history, mirrors=mirror, state=state, evidence=evidence, proxy=proxy)
    tell(_told(check_receipt(bare, view, tag)), as_json=as_json)
    return ExitCode.PASSED


@receipt.command()
@click.argument("file", type=click.Path(), metavar="RECEIPT")
@click.argument("out", type=click.Path())
@click.option("--board", metavar="WHERE", required=True, help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@click.option("--tag", metavar="DIGITS", help=_TAG_HELP)
@watching_options
@json_option
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
    as_json: bool,
) -> int:
    """Check a receipt, and write it with all that is needed to check it years later without any board."""
    bare, _packed = _read(file)
    tag = tag if tag is not None else _ask_tag()
    view = WitnessedView(open_source(board, proxy), sitting)
    seen = view.refresh()
    history, manifest = view.state.history, view.state.the_manifest()
    watch(manifest, seen, history, mirrors=mirror, state=state, evidence=evidence, proxy=proxy)
    finding = check_receipt(bare, view, tag)
    write_new(out, OFFLINE_RECEIPT.encode(pack_receipt(bare, view)))
    facts = {**_facts(finding), "written": out}
    tell(Told([_("Written: {path}").format(path=out)], facts=facts), as_json=as_json)
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
        return read_as(file, RECEIPT.max_bytes, RECEIPT.decode, _("a receipt")), None
    return RECEIPT.decode(bytes(packed.receipt)), packed


def _ask_tag() -> str:
    typed: str = click.prompt(_("The tag of your ballot, ten digits 1-6"), err=True)
    return typed


def _told(finding: ReceiptFinding) -> Told:
    """Return what to say of a receipt that the log bears out.

    Raises:
        RefusalError: a later ballot counts.
    """
    if finding.number != finding.of:
        number, of = finding.number, finding.of
        raise RefusalError(_("ballot {number} of {of}: a later one counts").format(number=number, of=of))
    words = (
        _("This ballot, with your tag, is number {number} of {of} from its credential; it is counted.")
        if finding.counted
        else _("This ballot, with your tag, is number {number} of {of} from its credential; it is not counted so far.")
    )
    did = [words.format(number=finding.number, of=finding.of)]
    return Told(did + _root_words(finding.tree_size, finding.root, finding.witnesses), facts=_facts(finding))


def _facts(finding: ReceiptFinding) -> dict[str, object]:
    return {
        "counted": finding.counted,
        "number": finding.number,
        "of": finding.of,
        "offline": False,
        "root": finding.root.hex(),
        "status": finding.status,
        "tree_size": finding.tree_size,
        "witnesses": list(finding.witnesses),
    }


def _told_offline(finding: OfflineFinding) -> Told:
    """Return what to say of a receipt that was checked by itself."""
    opened = finding.checkpoint
    size, root = opened.checkpoint.tree_size, opened.checkpoint.root
    number, poll = finding.number, finding.poll
    words = _("This ballot, with your tag, calls itself number {number} of its credential in poll {poll}.")
    times = [min(time, _LAST_MOMENT) for time in opened.times]
    did = [
        words.format(number=number, poll=poll),
        _("It is entry {index} of the log.").format(index=finding.index),
        *_root_words(size, root, opened.names),
        *(f"  {name}: {moment(time)}" for name, time in zip(opened.names, times, strict=True)),
        _("Not checked, since that takes the log:"),
        *("  - " + said(missing) for missing in finding.missing),
    ]
    facts: dict[str, object] = {
        "index": finding.index,
        "missing": list(finding.missing),
        "number": number,
        "offline": True,
        "poll": poll,
        "root": root.hex(),
        "tree_size": size,
        "witnesses": list(opened.names),
    }
    return Told(did, facts=facts)


def _root_words(size: int, root: bytes, witnesses: Sequence[str]) -> list[str]:
    words = plural(
        "The log had {size} entry then, with the root", "The log had {size} entries then, with the root", size
    )
    return [
        words.format(size=size),
        "  " + grouped(root.hex()),
        _("Witnesses that signed it: {names}").format(names=", ".join(witnesses)),
    ]
