"""`secballot demo`: a whole sitting in one process, from the ceremony to the audit of what was published.

Source: SPEC.md#an-example-sitting.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.audit.verifier import audit
from secballot.roles.result_page import result_page
from secballot.store.archive import write_archive
from secballot.store.source import open_source
from secballot_cli.demo_input import DemoInputError, congress_folder, read_scenario
from secballot_cli.demo_output import Performance, performance_json, performance_text, plain_report, showing_steps
from secballot_cli.demo_preflib import PrefLibError, approval_scenario, read_preflib
from secballot_cli.demo_run import DemoSitting, RegistrarKeys, check_receipts, write_receipts
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.render import grouped

if TYPE_CHECKING:
    from secballot_cli.demo_input import Scenario
    from secballot_cli.demo_run import Progress


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where to write; a new or empty folder.  [default: a temporary one]"
)
@click.option(
    "--ballots",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.cat",
    help="Vote the approval ballots of a PrefLib categorical file instead of the invented ones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def demo(out: Path | None, ballots: Path | None, as_json: bool) -> int:
    """Run a whole sitting, from ceremony to audit, in one process.

    All parties act for themselves, on a simulated clock, and share nothing but the board: three presidium keys, two
    commission members, three registrars, five trustees of whom one stays away, four witnesses, and 78 delegates whose
    votes are invented. Written are the published board, the pages of the results, every delegate's receipts and the
    audit report, and nothing that anybody has to keep secret.

    Exit codes: 0 the audit passes and the counts are those of the choices cast, 1 one of these fails, 2 wrong usage,
    3 something cannot be written or read, 4 a bug in this program, 130 interrupted.
    """
    began = time.monotonic()
    try:
        scenario = read_scenario(congress_folder()) if ballots is None else approval_scenario(read_preflib(ballots))
    except (DemoInputError, PrefLibError) as error:
        raise click.BadParameter(error.message, param_hint="--ballots" if ballots else None) from error
    folder = _new_folder(out)
    with showing_steps() as progress:
        performance = perform(scenario, folder, progress, began)
    text = json.dumps(performance_json(performance), indent=2) + "\n" if as_json else performance_text(performance)
    click.echo(text, nl=False)
    return ExitCode.PASSED if performance.good else ExitCode.FAILED


def perform(scenario: Scenario, out: Path, progress: Progress, began: float | None = None) -> Performance:
    """Play a scenario, write what is public into an empty folder, audit that, and return what came of it.

    Args:
        scenario: what to play.
        out: an empty folder.
        progress: is told how far it is.
        began: when the caller began, by the monotonic clock; now, if not given.

    Raises:
        SecballotError: a party refuses, a receipt does not check out, or a file cannot be written or read.
    """
    began = time.monotonic() if began is None else began
    plan = scenario.plan
    keys = RegistrarKeys(plan.registrars * plan.polls * len(plan.classes))
    with tempfile.TemporaryDirectory(prefix="secballot-demo-secrets-") as private, keys:
        sitting = DemoSitting(scenario, Path(private), progress, keys)
        receipts = sitting.play()
        sitting.board.publish(out / "board")
        write_archive(out / "board", out / "board.zip")
        (out / "pages").mkdir()
        for number, poll in sorted(sitting.board.record.state.polls.items()):
            (out / "pages" / f"poll-{number}.html").write_bytes(result_page(sitting.board.record.state, poll))
        sitting_id = sitting.rehearsal.sitting_id
        sitting.board.close()
    write_receipts(out / "receipts", receipts)
    (out / "sitting_id.txt").write_text(f"{grouped(sitting_id.hex())}\n", encoding="ascii")
    progress.step(_("receipts checked against the published folder"))
    check_receipts(out / "board", sitting_id, receipts)
    progress.step(_("audit of the published folder"))
    report = audit(open_source(out / "board"), anchor=sitting_id, progress=progress.advance)
    (out / "audit.json").write_bytes(report.to_json())
    (out / "audit.txt").write_text(plain_report(report), encoding="utf-8")
    return Performance(scenario, sitting_id, report, receipts, out, time.monotonic() - began)


def _new_folder(out: Path | None) -> Path:
    """Return an empty folder: the one asked for, or a new temporary one.

    Raises:
        click.BadParameter: there is something in it, or it cannot be made.
    """
    if out is None:
        return Path(tempfile.mkdtemp(prefix="secballot-demo-"))
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise click.BadParameter(_("{path} is not empty").format(path=out), param_hint="--out")
    except OSError as error:
        raise click.BadParameter(
            _("{path} cannot be made into a folder").format(path=out), param_hint="--out"
        ) from error
    return out
