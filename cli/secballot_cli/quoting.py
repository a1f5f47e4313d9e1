"""Texts of a record on a terminal: each line of them is marked, so that none passes for one of the program's own.

    Question 1: A declaration
      | The congress declares:
      | Question 2: this line is the text's, and says so

A line that is longer than the terminal is wide would go on in its first column, where the program's own lines begin. So
it is broken here, and goes on behind the mark. Characters that could move the cursor are replaced before: records hold
none (SPEC.md#text), and what else is shown may.

Source: SPEC.md#opening.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from typing import TYPE_CHECKING, Final

from secballot_cli.telling import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN: Final = "  | "
"""What stands before every line of a text that is not the program's."""

_LEAST: Final = 20
"""Columns that are counted on, however narrow a terminal says it is."""

_WIDE: Final = ("F", "W")


def marked(text: str, before: str = MARGIN) -> list[str]:
    """Return a text of somebody else as lines that fit the terminal and are marked.

    Args:
        text: theirs; line feeds end its lines.
        before: words of the program's own that the first line goes on, in place of the mark.
    """
    columns = max(_LEAST, terminal_width()) - 1
    lines: list[str] = []
    for line in printable(text).split("\n"):
        for piece in _pieces(line, columns, _width(MARGIN if lines else before)):
            lines.append((MARGIN if lines else before) + piece)
    return lines


def terminal_width() -> int:
    """Return how many columns the terminal has that people read on, 80 where there is none."""
    for stream in (2, 1):
        try:
            columns = os.get_terminal_size(stream).columns
        except OSError:
            continue
        if columns > 0:
            return columns
    return shutil.get_terminal_size().columns


def _pieces(line: str, columns: int, taken: int) -> Iterator[str]:
    """Yield a line in pieces that fit: the first one behind what is taken, the others behind the mark."""
    start, room = 0, columns - taken
    for at, character in enumerate(line):
        needed = _width(character)
        if needed > room and (at > start or taken != len(MARGIN)):
            yield line[start:at]
            start, room, taken = at, columns - len(MARGIN), len(MARGIN)
        room -= needed
    yield line[start:]


def _width(text: str) -> int:
    """Return the columns that a text takes at most: letters of East Asia take two."""
    return sum(2 if unicodedata.east_asian_width(character) in _WIDE else 1 for character in text)
