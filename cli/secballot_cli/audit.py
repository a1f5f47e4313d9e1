"""`secballot audit`: check everything that a published record shows, from the record alone.

Source: SPEC.md#checks.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final

import click

from secballot.audit.report import Verdict
from secballot.audit.verifier import audit_log
from secballot.roles.remote import open_source
from secballot.roles.watching import find_manifest, newest_witnessed
from secballot.store.verified import VerifiedState
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.reading import sitting_option, watch, watching_options
from secballot_cli.render import report_text, showing_progress
from secballot_cli.working import asked, at_work, tell_stalled, working_options

_CODES: Final = {
    Verdict.STANDS: ExitCode.PASSED,
    Verdict.FAILS: ExitCode.FAILED,
    Verdict.UNCHECKED: ExitCode.UNCHECKED,
}


@click.command()
@click.argument("path", type=click.Path(), metavar="WHERE")
@sitting_option(required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON with sorted keys.")
@click.option(
    "--verified",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Keep in this file, under a key beside it, what was verified, and verify only what is new the next time. "
    "Entries verified before are not read again: what is confirmed is the log, not this copy of it.",
)
@working_options
@watching_options
def audit(
    path: str,
    *,
    sitting: bytes | None,
    as_json: bool,
    verified: str | None,
    workers: int | None,
    threads: int | None,
    dask: str | None,
    mirror: tuple[str, ...],
    state: str | None,
    evidence: str | None,
    proxy: str | None,
) -> int:
    """Check a whole published record, and say what it shows.

    WHERE is the folder of a published log, a zip archive of it, its URL, or the database of a board. Everything below
    the newest checkpoint that satisfies the witness quorum is replayed and checked. Then the log is compared with the
    last one seen of this sitting, and with the mirrors given.

    Exit codes: 0 no check failed, 1 a check failed, 2 wrong usage, 3 it could not be checked, 4 a bug in this program,
    130 interrupted.
    """
    working = asked(workers, threads, dask)
    source = open_source(path, proxy)
    kept = VerifiedState(verified, "audit", sitting or b"") if verified is not None else None
    with at_work(working, source) as executor, showing_progress(_("replaying")) as progress:
        audited = audit_log(
            source,
            anchor=sitting,
            progress=progress,
            clock=time.perf_counter,
            executor=executor,
            stalled=tell_stalled,
            verified=kept.recall() if kept is not None else None,
            keep=kept.keep if kept is not None else None,
        )
    report, history = audited.report, audited.history
    _print(report.to_json().decode() if as_json else report_text(report))
    if report.sitting is not None and report.log.root and report.verdict is not Verdict.UNCHECKED:
        manifest = find_manifest(source, bytes.fromhex(report.sitting.sitting_id))
        seen = newest_witnessed(manifest, source, report.log.size)
        # A source that has changed while it was read shows nothing any more.
        if seen is not None and history.root(report.log.size) == seen.checkpoint.root:
            watch(manifest, seen, history, mirrors=mirror, state=state, evidence=evidence, proxy=proxy)
    return _CODES[report.verdict]


def _print(text: str) -> None:
    """Print, and keep the verdict's exit code if the reader of a pipe has gone."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
