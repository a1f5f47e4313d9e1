"""`secballot evidence`: check, as a stranger, what somebody holds against a board.

Source: SPEC.md#evidence.
"""

from __future__ import annotations

import click

from secballot.board.merkle import leaf_hash
from secballot.errors import PolicyError, VerificationError
from secballot.record.history import LogHistory
from secballot.records.promise import PROMISE
from secballot.roles.evidence import (
    MAX_EVIDENCE_BYTES,
    EvidenceFinding,
    broken_promise,
    check_evidence,
    decode_evidence,
    encode_evidence,
)
from secballot.roles.remote import open_source
from secballot.roles.watching import find_manifest, newest_witnessed
from secballot_cli.main import ExitCode
from secballot_cli.reading import read_input, sitting_option, write_new
from secballot_cli.render import grouped, plain


@click.group()
def evidence() -> None:
    """Check, or collect, what shows a fault of a board to strangers."""


@evidence.command()
@click.argument("file", type=click.Path())
@sitting_option(required=False)
def check(file: str, sitting: bytes | None) -> int:
    """Check an evidence file; nothing else is needed, and nobody is asked.

    Exit codes: 0 the evidence holds, 1 it shows nothing, 3 it cannot be read, 5 it is about another sitting.
    """
    finding = check_evidence(decode_evidence(read_input(file, MAX_EVIDENCE_BYTES)), sitting)
    _say(finding, anchored=sitting is not None)
    return ExitCode.PASSED


@evidence.command()
@click.argument("file", type=click.Path(), metavar="PROMISE")
@click.argument("out", type=click.Path())
@click.option("--board", metavar="WHERE", required=True, help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@click.option("--proxy", metavar="URL", help="A proxy for all requests.")
def promise(file: str, out: str, board: str, sitting: bytes, proxy: str | None) -> int:
    """Compare a promise with the log, and write the evidence if it is broken.

    Exit codes: 0 the promise is kept, or its place is not reached yet, 1 it is broken, and the evidence is written.
    """
    given, source = PROMISE.decode(read_input(file, PROMISE.max_bytes)), open_source(board, proxy)
    manifest = find_manifest(source, sitting)
    seen = newest_witnessed(manifest, source)
    if seen is None:
        raise PolicyError("no checkpoint at hand satisfies the witness quorum", check="LOG-01")
    size = seen.checkpoint.tree_size
    history = LogHistory()
    for entry in source.entries(0, size):
        history.append(leaf_hash(entry))
    if history.root(size) != seen.checkpoint.root:
        raise VerificationError("the entries are not those that the witnessed checkpoint commits to", check="LOG-02")
    found = broken_promise(manifest, given, seen.note, history)
    if found is None:
        kept = (
            "is kept" if given.index < size else f"is open: the log has {size} entries, it is for index {given.index}"
        )
        click.echo(f"The promise {kept}.")
        return ExitCode.PASSED
    finding = check_evidence(found, sitting)
    write_new(out, encode_evidence(found))
    _say(finding, anchored=True)
    click.echo(f"Evidence written: {out}")
    return ExitCode.FAILED


def _say(finding: EvidenceFinding, *, anchored: bool) -> None:
    who = "the log's first operator" if finding.operator == 1 else f"successor {finding.operator - 1}"
    click.echo(f"Sitting: {plain(finding.title)}")
    click.echo(f"  {grouped(finding.sitting_id.hex())}")
    if not anchored:
        click.echo("  (taken from the file: compare it with the id that you know)")
    if finding.index is None:
        click.echo(
            f"The evidence holds: {who} signed two views of the log, "
            f"of {finding.sizes[0]} and {finding.sizes[1]} entries."
        )
        if finding.failing_witnesses:
            click.echo(f"Witnesses that cosigned both: {', '.join(finding.failing_witnesses)}")
    else:
        click.echo(f"The evidence holds: {who} promised index {finding.index} to one entry, and gave it to another.")
