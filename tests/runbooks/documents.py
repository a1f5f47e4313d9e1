"""Every command that the documents name, and which of them a story has run."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

PAGES: Final = {
    path.relative_to(ROOT / "docs").with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs").rglob("*.md"))
}
"""The text of every document, by its name below `docs/`."""

_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"`(secballot [^`]+)`")
_DATA: Final = frozenset({"json", "toml"})
"""Languages of blocks that are read by commands, and are none."""


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a page in a language."""
    return [text for _indent, found, text in _FENCE.findall(PAGES[page]) if found == language]


def commands(page: str) -> list[str]:
    """Return every line of a page that is a command, as it stands there."""
    lines = []
    for indent, language, text in _FENCE.findall(PAGES[page]):
        if language not in _DATA:
            lines += [line.removeprefix(indent) for line in text.splitlines() if line.strip()]
    return lines


def named(page: str) -> set[tuple[str, ...]]:
    """Return the commands that sentences of a page name: their words before the first argument or option."""
    found = set()
    for text in _INLINE.findall(PAGES[page]):
        words = shlex.split(text)[1:]
        found.add(tuple(word for word in words[:3] if re.fullmatch(r"[a-z][a-z-]*", word)))
    return found


@dataclass
class Ledger:
    """What was run of the documents.

    Attributes:
        done: pages and lines.
    """

    done: set[tuple[str, str]] = field(default_factory=set)

    def note(self, page: str, line: str) -> str:
        """Note that a line of a page is run, and return it."""
        assert line in commands(page), f"{page} says no such thing: {line}"
        self.done.add((page, line))
        return line

    def take(self, page: str, line: str) -> list[str]:
        """Note that a line of a page is run, and return its words behind `secballot`."""
        self.note(page, line)
        name, *words = shlex.split(line)
        assert name == "secballot", line
        return words

    def left(self) -> set[tuple[str, str]]:
        """Return what no story has run."""
        return {(page, line) for page in PAGES for line in commands(page)} - self.done
