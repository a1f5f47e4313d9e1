"""`secballot conformance`: hold this verifier to a kit of golden and forged records.

Source: SPEC.md#conformance-kit.
"""

from __future__ import annotations

import json

import click

from secballot.audit.conformance import KitFolder
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.render import plain, showing_progress


@click.command()
@click.argument("folder", type=click.Path(), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print every case with its differences as JSON.")
def conformance(folder: str, *, as_json: bool) -> int:
    """Audit every record of the conformance kit in DIR, and compare with what the kit expects.

    Exit codes: 0 this verifier finds what the kit says, 1 it does not, 3 the kit cannot be read.
    """
    kit = KitFolder(folder)
    names = kit.names()
    results = []
    with showing_progress(_("checking")) as progress:
        for done, name in enumerate(names, 1):
            results.append(kit.run(name))
            progress(done, len(names))
    failed = [result for result in results if result.differences]
    if as_json:
        cases = [{"differences": list(r.differences), "name": r.name, "what": r.what} for r in results]
        found = {"cases": cases, "failed": len(failed), "suite": kit.kit.suite, "version": kit.kit.version}
        click.echo(json.dumps(found, indent=2, sort_keys=True))
    else:
        for result in failed:
            click.echo(f"{result.name}: {plain(result.what)}")
            for difference in result.differences:
                click.echo(f"    {plain(difference)}")
        words = _("kit {version} of {suite}: {count} records, {failed} failed")
        version, suite = plain(kit.kit.version), plain(kit.kit.suite)
        click.echo(words.format(version=version, suite=suite, count=len(names), failed=len(failed)))
    return ExitCode.FAILED if failed else ExitCode.PASSED
