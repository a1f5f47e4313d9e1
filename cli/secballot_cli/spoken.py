"""Help pages in the reader's language: commands with their texts looked up when they are asked for.

A command's docstring and its options' helps stand in the source in English, and are messages like all others: each
paragraph is one, its line breaks taken for spaces. Click's own words (`Usage`, `Missing option`) are in a catalogue of
their own, `click`, which it finds by the domain of the process.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import copy
import gettext
from typing import TYPE_CHECKING, Final, TypeVar

import click

from secballot_cli.messages import FOLDER, _, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

CLICK: Final = "click"
"""Name of the catalogue of click's own words."""

_Spoken = TypeVar("_Spoken", bound=click.Command)


def speak_click() -> None:
    """Let click find its own words in the reader's language."""
    gettext.bindtextdomain(CLICK, str(FOLDER))
    gettext.textdomain(CLICK)


def spoken(command: _Spoken) -> _Spoken:
    """Return a copy of a command, and of the commands in it, whose help is in the reader's language."""
    said = copy.copy(command)
    said.help = in_language(command.help)
    said.options_metavar = _("[OPTIONS]")
    said.params = [_spoken_parameter(parameter) for parameter in command.params]
    if isinstance(said, click.Group):
        said.subcommand_metavar = _("COMMAND [ARGS]...")
        said.commands = {name: spoken(held) for name, held in said.commands.items()}
    return said


def _spoken_parameter(parameter: click.Parameter) -> click.Parameter:
    if not isinstance(parameter, click.Option) or parameter.help is None:
        return parameter
    said = copy.copy(parameter)
    said.help = in_language(parameter.help)
    return said


def in_language(text: str | None) -> str | None:
    """Return a text of paragraphs in the reader's language."""
    return None if text is None else "\n\n".join(translated(paragraph) for paragraph in paragraphs(text))


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a text, each as one line."""
    for paragraph in text.split("\n\n"):
        yield " ".join(paragraph.split())
