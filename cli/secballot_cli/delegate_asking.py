"""What a delegate is asked at the terminal: the official texts, the choices, the tag, and cast or open.

Questions go to standard error, so that standard output stays what programs read. Texts of the record are printed as
plain text, each line marked: they cannot move the cursor, hide anything, or pass for a question of the program.

Source: SPEC.md#opening, SPEC.md#ballot-form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from secballot.errors import EncodingError, RefusalError
from secballot.protocol.casting import check_tag
from secballot.roles.choosing import NOTHING, read_answer
from secballot_cli.answering import agreed
from secballot_cli.messages import _, plural
from secballot_cli.quoting import MARGIN, marked
from secballot_cli.telling import moment, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.record.state import PollState
    from secballot.roles.choosing import Question
    from secballot.roles.delegate import Choices

_SHOWN_AT_ONCE: Final = 40
"""Lines of a document that are printed without asking."""

_WIDTH: Final = 80


def say(text: str = "") -> None:
    """Print a text for a person, beside what programs read."""
    click.echo(printable(text), err=True)


def show(text: str, before: str = MARGIN) -> None:
    """Print a text of the record, every line of it marked, beside what programs read."""
    for line in marked(text, before):
        say(line)


def explain(text: str) -> None:
    """Print a paragraph of this program's own, broken between words."""
    click.echo(click.wrap_text(printable(text), _WIDTH), err=True)


def show_poll(poll: PollState, asked: Sequence[Question]) -> None:
    """Say which poll this is, until when, and what it asks."""
    say(_("Poll {number}, open until {time}.").format(number=poll.number, time=moment(poll.closes_at)))
    explain(
        plural("It asks you {count} question.", "It asks you {count} questions.", len(asked)).format(count=len(asked))
        + " "
        + _("All texts are the official ones: they were compared with the hashes that every ballot is bound to.")
    )


def show_question(question: Question, of: int) -> None:
    """Print one contest: title, text, documents, options and limits."""
    contest = question.contest
    say()
    show(contest.title, _("Question {number} of {of}: {title}").format(number=question.number, of=of, title=""))
    if contest.text:
        show(contest.text)
    for number, text in enumerate(question.documents, 1):
        lines = text.count("\n") + 1
        say()
        say(_("Document {number} of {of}:").format(number=number, of=len(question.documents)))
        if lines <= _SHOWN_AT_ONCE or agreed(_("It has {lines} lines. Show it now?").format(lines=lines), default=True):
            show(text.removesuffix("\n"))
    say()
    for number, option in enumerate(contest.options, 1):
        most = "" if option.maximum == 1 else "   " + _("(up to {most})").format(most=option.maximum)
        show(option.label + most, f"  {number:3}. ")


def limits(question: Question) -> str:
    """Return in words how a contest may be answered."""
    contest = question.contest
    if question.single:
        return _("Choose one: its number.")
    bounds = _("from {least} to {most}").format(least=contest.sum_minimum, most=contest.sum_maximum)
    if contest.sum_minimum == contest.sum_maximum:
        bounds = str(contest.sum_minimum)
    nothing = " " + _("Write {word} for nothing at all.").format(word=NOTHING) if not contest.sum_minimum else ""
    if question.scored:
        words = _("Give points, {bounds} in all: numbers of options with points, as in 2=3 5=1.").format(bounds=bounds)
        return words + nothing
    return _("Choose {bounds}: numbers of options, as in 1 4 7.").format(bounds=bounds) + nothing


def ask_choices(asked: Sequence[Question], check: Callable[[int, tuple[int, ...]], None]) -> Choices:
    """Return the choices that a person makes, contest by contest, shown back and confirmed.

    Args:
        asked: the contests open to the delegate.
        check: raises RefusalError if the contest at this position may not be answered so.

    Raises:
        RefusalError: the person does not confirm them.
    """
    choices = []
    for at, question in enumerate(asked):
        show_question(question, len(asked))
        choices.append(_ask_one(question, lambda values, at=at: check(at, values)))  # type: ignore[misc]  # mypy#5710
    say()
    say(_("You choose:"))
    show_choices(asked, choices)
    if not agreed(_("Seal a ballot that says so?")):
        raise RefusalError(_("nothing was sealed, as you said"))
    return tuple(choices)


def _ask_one(question: Question, check: Callable[[tuple[int, ...]], None]) -> tuple[int, ...]:
    while True:
        say(limits(question))
        answer: str = click.prompt(_("Your choice"), err=True)
        try:
            values = read_answer(question.contest, answer)
            check(values)
        except EncodingError:
            say(_("That is not understood."))
        except RefusalError:
            say(_("That is more, or less, than this question takes."))
        else:
            return values


def chosen_words(question: Question, values: Sequence[int]) -> list[str]:
    """Return what values of options say, in words."""
    labels = zip(question.contest.options, values, strict=True)
    if question.scored:
        return [f"{option.label}: {value}" for option, value in labels if value] or [_("nothing at all")]
    return [option.label for option, value in labels if value] or [_("nothing at all")]


def show_choices(asked: Sequence[Question], choices: Sequence[Sequence[int]]) -> None:
    """Print choices in words, for a person to compare with what they want."""
    for question, values in zip(asked, choices, strict=True):
        show(question.contest.title)
        for words in chosen_words(question, values):
            show(words, "    -> ")


def ask_tag(is_known: Callable[[str], bool]) -> str:
    """Return the tag that a person makes up, ten dice digits; never one that this program makes up.

    Args:
        is_known: whether a ballot of this poll on the log has this tag already.
    """
    say()
    explain(
        _(
            "Now a tag for this ballot: throw a die ten times and type the ten digits, 1 to 6. The tag is public and no"
            " PIN: it stands on the board beside your ballot, so that nobody can show you somebody else's ballot as"
            " yours. Keep it beside your tracker. This program does not make it up, and does not keep it."
        )
    )
    while True:
        typed: str = click.prompt(_("Ten digits"), err=True)
        tag = "".join(typed.split())
        try:
            check_tag(tag)
        except RefusalError:
            explain(_("A tag is exactly ten digits from 1 to 6, and no pattern that others may make up, too."))
            continue
        if not is_known(tag):
            return tag
        explain(
            _(
                "A ballot on the board has this very tag already. If it is not an older one of yours: throw again."
                " Should it happen twice, suspect this device."
            )
        )


def ask_way() -> str:
    """Return what is to be done with the sealed ballot: `cast`, `open` or `later`."""
    say()
    explain(
        _(
            "cast: this is your vote, send it. open: this is a test, show what is inside; it can then never be cast."
            " later: keep it sealed. This device cannot know which you will take: open some now and then, and a"
            " dishonest device is caught."
        )
    )
    ways = {"cast": "cast", "open": "open", "later": "later", "c": "cast", "o": "open", "l": "later"}
    chosen: str = click.prompt(
        _("cast, open or later"), type=click.Choice(sorted(ways), case_sensitive=False), show_choices=False, err=True
    )
    return ways[chosen.lower()]
