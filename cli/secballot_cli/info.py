"""`secballot info`: which engine does the arithmetic, why, and the versions of everything that matters.

Source: SPEC.md#group-and-transcript.
"""

from __future__ import annotations

import json
import platform
from importlib import metadata

import click

import secballot
from secballot.group import engine_name, engine_reason
from secballot_cli.messages import _

_PACKAGES = ("click", "cryptography", "gmpy2", "mnemonic", "msgspec", "pynacl", "rbcl", "rich", "SQLAlchemy")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON with sorted keys.")
def info(as_json: bool) -> None:
    """Say which engine does the group arithmetic, why, and all versions."""
    facts = {
        "engine": engine_name(),
        "engine_reason": engine_reason(),
        "packages": {name.lower(): version for name in _PACKAGES if (version := _version(name))},
        "platform": platform.platform(),
        "python": platform.python_version(),
        "secballot": secballot.__version__,
        "suite": "secballot/v1",
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2, sort_keys=True))
        return
    why = f" ({facts['engine_reason']})" if facts["engine_reason"] else ""
    click.echo(_("secballot {version}, suite {suite}").format(version=facts["secballot"], suite=facts["suite"]))
    click.echo(_("engine: {name}").format(name=f"{facts['engine']}{why}"))
    click.echo(_("Python {version} on {platform}").format(version=facts["python"], platform=facts["platform"]))
    for name in _PACKAGES:
        click.echo(f"  {name.lower()} {_version(name) or _('not installed')}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
