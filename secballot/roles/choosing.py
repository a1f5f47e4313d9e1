"""What a delegate is asked, and what they answer: the official texts, and choices as people write them.

A contest is answered by the numbers of options, as in `1` or `2 5 7`, with a value where an option takes more than one,
as in `2=3 5=1`, or by `none` for nothing at all. A file of choices says the same by labels, one table for a contest::

    [[contests]]
    title = "A declaration"
    choose = ["For"]

    [[contests]]
    title = "A council"
    values = { "Anna" = 3, "Boris" = 1 }

Limits are checked where ballots are sealed (`protocol.casting.check_choices`). No message repeats what was chosen.

Source: SPEC.md#opening, SPEC.md#documents.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from secballot.errors import EncodingError, RefusalError, StoreError
from secballot.records.document import Document
from secballot.records.entry import decode_entry
from secballot.records.opening import OPENING
from secballot.roles.toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.record.state import PollState
    from secballot.records.opening import Contest
    from secballot.roles.delegate import Choices
    from secballot.roles.view import WitnessedView

MAX_CHOICES_BYTES: Final = 1_000_000
"""Most bytes of a file of choices."""

NOTHING: Final = "none"
"""What is written to choose nothing at all."""

_PART: Final = re.compile(r"([0-9]{1,3})(?:=([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Question:
    """One contest that is open to the delegate.

    Attributes:
        number: of the contest in the poll, from 1.
        contest: its texts, options and limits.
        documents: full texts of the documents it names, in its order, each compared with its hash.
    """

    number: int
    contest: Contest
    documents: tuple[str, ...]

    @property
    def single(self) -> bool:
        """Whether exactly one option is to be chosen, with no value."""
        limits = (self.contest.sum_minimum, self.contest.sum_maximum)
        return limits == (1, 1)

    @property
    def scored(self) -> bool:
        """Whether some option may be given more than one."""
        return any(option.maximum > 1 for option in self.contest.options)


def questions(view: WitnessedView, poll: PollState, class_index: int) -> list[Question]:
    """Return the contests of a poll that are open to a class, with their official texts.

    The texts are those of the opening, whose hash every ballot of the poll is bound to, and documents whose hashes the
    opening names.

    Args:
        view: a replay of the log, refreshed by the caller.
        poll: as the view has it.
        class_index: the class.

    Raises:
        StoreError: a document cannot be put together from the log.
    """
    if hashlib.sha256(OPENING.encode(poll.opening)).digest() != poll.ctx:
        raise StoreError("the opening is not the one that ballots of this poll are bound to")
    found = []
    for number, (contest, shape) in enumerate(zip(poll.opening.contests, poll.context.contests, strict=True), 1):
        if class_index not in shape.eligible:
            continue
        texts = tuple(document_text(view, wanted) for wanted in contest.documents)
        found.append(Question(number, contest, texts))
    return found


def document_text(view: WitnessedView, wanted: bytes) -> str:
    """Return the text of a document on the log, compared with its hash.

    Args:
        view: a replay of the log.
        wanted: SHA-256 of the text in UTF-8, 32 bytes.

    Raises:
        StoreError: the log does not hold all of it, or an entry cannot be read.
    """
    chunks: dict[bytes, list[str]] = {}
    for judgement in view.judgements:
        if judgement.kind != "document" or not judgement.outcome.stands:
            continue
        entry = decode_entry(view.entry(judgement.index))
        if not isinstance(entry.body, Document) or entry.body.document != wanted:
            continue
        if entry.body.chunk == 1:
            chunks[entry.signer] = []
        chunks.setdefault(entry.signer, []).append(entry.body.data)
        text = "".join(chunks[entry.signer])
        if entry.body.chunk == entry.body.chunks and hashlib.sha256(text.encode()).digest() == wanted:
            return text
    raise StoreError("a document that the opening names cannot be put together from the log")


def read_answer(contest: Contest, answer: str) -> tuple[int, ...]:
    """Return the value of every option that a written answer gives.

    Args:
        contest: the contest.
        answer: numbers of options with values where they differ from 1, or `none`.

    Raises:
        EncodingError: it is written in another way, or names an option twice or one that does not exist.
    """
    values = [0] * len(contest.options)
    parts = answer.replace(",", " ").replace(";", " ").split()
    if [part.lower() for part in parts] == [NOTHING]:
        return tuple(values)
    if not parts:
        raise EncodingError(f"write numbers of options, or {NOTHING}")
    seen: set[int] = set()
    for part in parts:
        matched = _PART.fullmatch(part)
        number = int(matched[1]) if matched is not None else 0
        if matched is None or not 1 <= number <= len(values):
            raise EncodingError(f"options have the numbers 1 to {len(values)}: write these, with values as in 2=3")
        if number in seen:
            raise EncodingError("an option is named twice")
        seen.add(number)
        values[number - 1] = 1 if matched[2] is None else int(matched[2])
    return tuple(values)


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    choose: tuple[str, ...] = ()
    values: dict[str, Annotated[int, msgspec.Meta(ge=0, le=100)]] = {}  # msgspec copies it


class _ChoicesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    contests: Annotated[tuple[_Answer, ...], msgspec.Meta(min_length=1)]


def read_choices(text: str, asked: Sequence[Question]) -> Choices:
    """Return the choices that a file makes, for the contests asked, in their order.

    Args:
        text: TOML.
        asked: the contests open to the delegate; the file answers each once, by its title, in any order.

    Raises:
        EncodingError: no such file.
        RefusalError: a contest is not answered, or answered twice; a label or title is not the poll's.
    """
    try:
        given = msgspec.convert(read_toml(text), _ChoicesFile)
    except (EncodingError, msgspec.ValidationError):
        # The parsers quote what they read, and that is a vote.
        raise EncodingError(
            "no file of choices: TOML with a table [[contests]] for each contest, with title, and choose or values"
        ) from None
    titles = [question.contest.title for question in asked]
    if len(set(titles)) != len(titles):
        if [answer.title for answer in given.contests] != titles:
            raise RefusalError("two contests of this poll have one title: answer all contests, in the poll's order")
        return tuple(_valued(question, answer) for question, answer in zip(asked, given.contests, strict=True))
    answers = {answer.title: answer for answer in given.contests}
    if len(answers) != len(given.contests) or set(answers) != set(titles):
        raise RefusalError(
            "the file must answer exactly the contests that are open to you, each once, with their titles as they are"
        )
    return tuple(_valued(question, answers[question.contest.title]) for question in asked)


def _valued(question: Question, answer: _Answer) -> tuple[int, ...]:
    labels = [option.label for option in question.contest.options]
    chosen = [*answer.choose, *answer.values]
    if len(set(chosen)) != len(chosen) or not set(chosen) <= set(labels):
        raise RefusalError(f"contest {question.number}: a label is not one of its options, or is named twice")
    return tuple(1 if label in answer.choose else answer.values.get(label, 0) for label in labels)
