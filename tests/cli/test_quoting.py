"""Texts of a record on a terminal: marked line by line, broken where the terminal would break them, and harmless."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.records.opening import Contest, Option
from secballot.roles.choosing import Question
from secballot_cli import quoting
from secballot_cli.delegate_asking import show_choices, show_question
from secballot_cli.plain import SHOWN_LINES, KnownDocument, contest_words
from secballot_cli.quoting import MARGIN, marked, terminal_width

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST = bytes(range(32))
OWN = "Seal a ballot that says so? [y/N]: y"
"""A line of the program's own, for a text to imitate."""


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make the terminal 40 columns wide, and return that."""
    monkeypatch.setattr(quoting, "terminal_width", lambda: 40)
    return 40


def columns(line: str) -> int:
    """Return how many columns a line takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "FW" else 1 for character in line)


def motion(text: str = "", title: str = "Motion", label: str = "for", documents: tuple[bytes, ...] = ()) -> Contest:
    """Return a contest with these texts."""
    options = (Option(label, 1), Option("against", 1))
    return Contest(documents, options, "resolution", sum_maximum=1, sum_minimum=1, text=text, title=title)


def padded(text: str, at: int, width: int) -> str:
    """Return a text that begins a row of the terminal, if it begins in column `at` and nobody breaks it before."""
    return " " * (width - at) + text


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    st.integers(1, 100),
)
def test_every_line_fits_and_is_marked(text: str, before: str, width: int) -> None:
    """Whatever the text: no line is longer than the terminal is wide, all but the first are marked, nothing is lost."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(quoting, "terminal_width", lambda: width)
        lines = marked(text, before)
    assert lines[0].startswith(before)
    assert all(line.startswith(MARGIN) for line in lines[1:])
    room = max(20, width) - 1
    assert all(columns(line) <= room for line in lines[1:])
    assert columns(lines[0]) <= max(room, len(before))
    assert all(line.isprintable() for line in lines)
    shown = lines[0].removeprefix(before) + "".join(line.removeprefix(MARGIN) for line in lines[1:])
    expected = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.replace("\n", ""))
    assert shown == expected


def test_lines_stay_lines() -> None:
    """A line feed begins a marked line, an empty one too; every other way to begin one is replaced."""
    assert marked("a\n\nb") == ["  | a", "  | ", "  | b"]
    assert marked("") == ["  | "]
    assert marked("a\rb\x0bc\x85d\u2028e\x1b[2Jf\u202eg\x07h\tz") == ["  | a�b�c�d�e�[2Jf�g�h�z"]


def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the one that questions go to, else of the other; and what the environment says where there is none."""
    sizes = {2: os.terminal_size((33, 9)), 1: os.terminal_size((44, 9))}

    def size(stream: int) -> os.terminal_size:
        if stream not in sizes:
            raise OSError("no terminal")
        return sizes[stream]

    monkeypatch.setattr(os, "get_terminal_size", size)
    assert terminal_width() == 33
    sizes[2] = os.terminal_size((0, 0))
    assert terminal_width() == 44
    sizes.clear()
    monkeypatch.setenv("COLUMNS", "55")
    assert terminal_width() == 55


def delegate_lines(contest: Contest, *documents: str) -> list[str]:
    """Show a delegate a question, and return the lines."""
    question = Question(1, contest, documents)
    show_question(question, 1)
    show_choices([question], [(1, 0)])
    return []


def officer_lines(contest: Contest, *documents: str) -> list[str]:
    """Return what an officer is shown of a question."""
    known = dict(zip(contest.documents, (KnownDocument(text) for text in documents), strict=True))
    return contest_words(contest, 1, known)


@pytest.mark.parametrize("show", [delegate_lines, officer_lines])
@pytest.mark.parametrize("field", ["text", "title", "label", "document"])
def test_no_text_passes_for_the_programs_own(
    field: str, show: Callable[..., list[str]], narrow: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A text, a title, a label or a document that imitates a question never has it at the beginning of a row."""
    for at in range(narrow + 1):
        text = padded(OWN, at, narrow)
        several = f"{text}\n{OWN}\n" if field in {"text", "document"} else text
        contest = {
            "text": lambda: motion(text=several),  # noqa: B023  # called at once
            "title": lambda: motion(title=text),  # noqa: B023
            "label": lambda: motion(label=text),  # noqa: B023
            "document": lambda: motion(documents=(DIGEST,)),
        }[field]()
        lines = show(contest, *([several] if field == "document" else []))
        lines += capsys.readouterr().err.splitlines()
        assert any("Seal" in line or "ballot" in line for line in lines)
        for line in lines:
            rows = [line[start : start + narrow] for start in range(0, len(line), narrow)]
            assert not any(row.lstrip().startswith(OWN[:4]) for row in rows), (at, lines)


def test_a_document_is_shown_to_its_signers() -> None:
    """Its hash, its first lines, how many more there are, and the signer's own files that are the same."""
    short, long = "One.\nTwo.\n", "\n".join(f"Line {number}." for number in range(1, SHOWN_LINES + 4))
    other = bytes(32)
    contest = motion(documents=(DIGEST, other))
    known = {DIGEST: KnownDocument(short, ("motion.txt",)), other: KnownDocument(long)}
    words = contest_words(contest, 1, known)
    at = next(number for number, line in enumerate(words) if line.startswith("  document 0001 0203"))
    assert words[at + 1 : at + 4] == ["  This file of yours is the document: motion.txt", "  | One.", "  | Two."]
    assert f"  | Line {SHOWN_LINES}." in words
    assert f"  | Line {SHOWN_LINES + 1}." not in words
    assert "  … and 3 more lines" in words
    assert any("--document FILE" in line for line in words)


def test_a_document_that_is_not_there_is_said() -> None:
    """Nothing is shown as if it were the text."""
    for known in ({}, {DIGEST: KnownDocument(None)}):
        words = contest_words(motion(documents=(DIGEST,)), 1, known)
        assert "  The log does not hold its text." in words
        assert not any(line.startswith(MARGIN) for line in words)
