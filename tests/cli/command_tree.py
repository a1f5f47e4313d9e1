"""Every command of the program, with the words that call it, and what docs/json.md says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from secballot_cli.main import commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "json.md"
ROW: Final = re.compile(r"^\| `([a-z -]+)` \| (.*) \|$", re.MULTILINE)


def tree(command: click.Command = commands, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every group and command of the program, outermost first, each with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, (*words, name)
            yield from tree(found, *words, name)


def leaves() -> dict[str, click.Command]:
    """Return every command that is no group, under the words that call it."""
    return {" ".join(words): command for words, command in tree() if not isinstance(command, click.Group)}


def documented() -> dict[str, str]:
    """Return what docs/json.md says of every command."""
    return dict(ROW.findall(DOCUMENT.read_text(encoding="utf-8")))


def check_documented(words: Sequence[str], facts: dict[str, Any]) -> None:
    """Compare the keys of an object with those in the document, for the command that a line calls."""
    rows = documented()
    said = next(row for end in range(len(words), 0, -1) if (row := rows.get(" ".join(words[:end]))) is not None)
    other = re.fullmatch(r"as `([a-z -]+)`", said)
    forms = [re.sub(r"\([^)]*\)", "", form) for form in (said if other is None else rows[other[1]]).split(";")]
    assert set(facts) in [set(re.findall(r"`([a-z_]+)`", form)) for form in forms], (words, sorted(facts))
