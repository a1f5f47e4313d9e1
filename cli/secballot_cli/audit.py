"""`secballot audit`: check everything that a published record shows, from the record alone.

Source: SPEC.md#checks.
"""

from __future__ import annotations

import os
import sys
from typing import Final

import click

from secballot.audit.report import Verdict
from secballot.audit.verifier import audit as run_audit
from secballot.store.source import open_source
from secballot_cli.main import ExitCode
from secballot_cli.render import report_text, showing_progress

_SITTING_DIGITS: Final = 64

_CODES: Final = {
    Verdict.STANDS: ExitCode.PASSED,
    Verdict.FAILS: ExitCode.FAILED,
    Verdict.UNCHECKED: ExitCode.UNCHECKED,
}


def sitting_id(text: str) -> bytes:
    """Return the 32 bytes that 64 hexadecimal digits say, in groups or not.

    Raises:
        click.BadParameter: something else than these digits.
    """
    digits = "".join(text.split())
    try:
        if len(digits) == _SITTING_DIGITS:
            return bytes.fromhex(digits)
    except ValueError:
        pass  # the complaint is the same
    raise click.BadParameter(f"a sitting is named by {_SITTING_DIGITS} hexadecimal digits")


@click.command()
@click.argument("path", type=click.Path())
@click.option("--sitting", type=sitting_id, metavar="ID", help="The sitting's id, from outside: 64 hexadecimal digits.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON with sorted keys.")
def audit(path: str, sitting: bytes | None, as_json: bool) -> int:
    """Check a whole published record, and say what it shows.

    PATH is the folder of a published log, or the database of a board. Everything below the newest checkpoint that
    satisfies the witness quorum is replayed and checked.

    Exit codes: 0 no check failed, 1 a check failed, 2 wrong usage, 3 it could not be checked, 4 a bug in this program,
    130 interrupted.
    """
    source = open_source(path)
    with showing_progress("replaying") as progress:
        report = run_audit(source, anchor=sitting, progress=progress)
    _print(report.to_json().decode() if as_json else report_text(report))
    return _CODES[report.verdict]


def _print(text: str) -> None:
    """Print, and keep the verdict's exit code if the reader of a pipe has gone."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
