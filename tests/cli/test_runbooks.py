"""The runbooks: every command in them is one that the program takes, with these options, and every page is linked."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

import click
import pytest

from secballot_cli.main import COMMANDS, commands

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
SITTING: Final = "00" * 32
FILLED: Final = {"SITTING": SITTING, "KEY": SITTING}
BLOCK: Final = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE: Final = re.compile(r"`(secballot [^`]+)`")
NAMED: Final = re.compile(r"\[[^\]]*\]\(([^)#]+)")


def lines(page: Path) -> list[list[str]]:
    """Return the words of every command line in a page's shell blocks."""
    text = page.read_text(encoding="utf-8")
    return [shlex.split(line) for _indent, block in BLOCK.findall(text) for line in block.splitlines() if line.strip()]


def parse(words: list[str]) -> click.Context:
    """Return the context of the command that a line calls, its parameters read as the program reads them.

    Raises:
        click.ClickException: the program would not take it.
    """
    assert words[0] == "secballot", words
    command: click.Command = commands
    arguments = [FILLED.get(word, word) for word in words[1:]]
    while isinstance(command, click.Group):
        name, *arguments = arguments
        found = command.get_command(click.Context(command), name)
        if found is None:
            raise click.UsageError(f"no command {name}")
        command = found
    return command.make_context(words[-1], arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_runbook_is_one(page: Path) -> None:
    """Names, arguments, options and their values are read by the program's own parser."""
    for words in lines(page):
        parse(words)


def test_commands_in_sentences_exist() -> None:
    """What a sentence calls by name is a command, too."""
    for page in (*PAGES, ROOT / "docs" / "threat-model.md"):
        for text in INLINE.findall(page.read_text(encoding="utf-8")):
            group: click.Command = commands
            for word in shlex.split(text)[1:]:
                if not isinstance(group, click.Group) or word.startswith("-"):
                    break
                found = group.get_command(click.Context(group), word)
                assert found is not None, (page.name, text)
                group = found


def test_a_line_that_is_no_command_is_found() -> None:
    """The parser refuses what the program refuses."""
    for line in ("secballot officer frobnicate", "secballot officer close one", "secballot status --sitting 12"):
        with pytest.raises(click.ClickException):
            parse(shlex.split(line))


def test_every_link_of_the_documents_leads_somewhere() -> None:
    """Links to other pages are to files that are there."""
    for page in (*PAGES, ROOT / "docs" / "threat-model.md"):
        for target in NAMED.findall(page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), (page.name, target)
    assert "status" in COMMANDS
