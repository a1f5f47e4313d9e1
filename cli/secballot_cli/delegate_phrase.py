"""The 24 words: shown once, typed back in part, and typed in again on a new device.

They go to the terminal or to a file that only its owner can read, never into a pipe, a log or the command line.
"""

from __future__ import annotations

import difflib
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import RefusalError, StoreError
from secballot.protocol.phrase import WORDS, phrase_words
from secballot.store.folder import read_file
from secballot.store.syncing import sync_folder
from secballot_cli.delegate_asking import explain
from secballot_cli.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED_BACK: Final = 4
"""Words that are asked back."""

_COLUMNS: Final = 4
_SUGGESTIONS: Final = 3
_PREFIX: Final = 4
_MAX_BYTES: Final = 1_000
_CLEAR: Final = "\x1b[2J\x1b[3J\x1b[H"
"""Clears a terminal and what can be scrolled back to."""


def phrase_file_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option of machines on which nobody types."""
    return click.option(
        "--phrase-file",
        type=click.Path(),
        metavar="FILE",
        help="The 24 words are in this file of mode 0600, instead of on the terminal.",
    )(command)


def hand_over(phrase: str, file: str | None) -> None:
    """Give a new phrase to its owner: on the terminal, until some words are typed back, or in a new file.

    Raises:
        RefusalError: there is no terminal to show it on, and no file is named.
        StoreError: the file is there already, or cannot be written.
    """
    if file is not None:
        _write_private(Path(file), phrase)
        return
    if not sys.stderr.isatty() or not sys.stdin.isatty():
        raise RefusalError(_("the words are shown on a terminal only: run this on one, or name a new --phrase-file"))
    words = phrase.split()
    while True:
        try:
            _show(words)
            click.prompt(_("Press Enter once they are on paper"), default="", show_default=False, err=True)
        finally:
            # Interrupted or not, the words do not stay on the screen.
            click.echo(_CLEAR, err=True, nl=False)
        if _typed_back(words):
            return
        explain(_("That is not what was shown. The words are shown again; compare your paper with them."))


def ask_phrase(file: str | None) -> str:
    """Return the phrase that its owner types in, or that a file holds.

    Every word is looked up at once; its first letters are enough where they tell it from all others.

    Raises:
        StoreError: the file cannot be read, or others than its owner may read it.
    """
    if file is not None:
        return _read_private(Path(file))
    explain(_("Type the {count} words of your paper, one at a time or all at once.").format(count=WORDS))
    words: list[str] = []
    try:
        while len(words) < WORDS:
            typed: str = click.prompt(_("Word {number}").format(number=len(words) + 1), err=True)
            words += _understood(typed, WORDS - len(words))
    finally:
        if sys.stderr.isatty():
            click.echo(_CLEAR, err=True, nl=False)
    return " ".join(words)


def _understood(typed: str, left: int) -> list[str]:
    """Return the words that were typed, or none, and say what is wrong with them."""
    found = [(word, _meant(word)) for word in typed.lower().split()]
    for word, meant in found:
        if len(meant) != 1:
            near = difflib.get_close_matches(word, meant or phrase_words(), _SUGGESTIONS)
            explain(_("No word of the list is written so.") + (f" {', '.join(near)}?" if near else ""))
            return []
    if len(found) > left:
        explain(_("Those are more words than are left."))
        return []
    return [meant[0] for _word, meant in found]


def _meant(typed: str) -> list[str]:
    """Return the words that a typed one may stand for."""
    if typed in phrase_words():
        return [typed]
    return [word for word in phrase_words() if len(typed) >= _PREFIX and word.startswith(typed)]


def _show(words: list[str]) -> None:
    explain(
        _(
            "These {count} words are your vote: whoever has them can vote for you, and see how you voted. Write them on"
            " paper, in this order. They are shown only now; no copy can be had later."
        ).format(count=len(words))
    )
    rows = len(words) // _COLUMNS
    for row in range(rows):
        cells = [f"{at + 1:2}. {words[at]:<10}" for at in range(row, len(words), rows)]
        click.echo("  " + "".join(cells).rstrip(), err=True)


def _typed_back(words: list[str]) -> bool:
    places = sorted(secrets.SystemRandom().sample(range(len(words)), ASKED_BACK))
    for at in places:
        typed = click.prompt(_("From your paper, word {number}").format(number=at + 1), err=True)
        if typed.strip().lower() != words[at]:
            return False
    return True


def _write_private(path: Path, phrase: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(phrase + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(_("the file for the phrase is there already, or cannot be written")) from error


def _read_private(path: Path) -> str:
    data = read_file(path, _MAX_BYTES)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise StoreError(_("others than its owner may read the file of the phrase; it should have mode 0600"))
    return data.decode("ascii", errors="replace")
