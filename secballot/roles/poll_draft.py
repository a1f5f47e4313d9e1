"""A poll as people write it down in the middle of a debate: a few lines of TOML, or nothing but options.

    minutes = 30
    [[contests]]
    title = "Resolution 4"
    rules = "resolution"
    documents = ["resolution-4.txt"]

Whatever is left out follows from the rule set: a resolution has the options for, against and abstain, of which a ballot
takes one; of an election a ballot takes up to as many options as there are seats.

Source: SPEC.md#opening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from secballot.errors import EncodingError, RefusalError
from secballot.records.opening import Contest, Option
from secballot.roles.toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.manifest import Manifest

MAX_POLL_BYTES: Final = 1_000_000
ADOPT_OPTIONS: Final = ("for", "against", "abstain")


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is not known is refused, since it may be a mistyped name."""


class DraftContest(_Strict, frozen=True):
    """One question.

    Attributes:
        title: what is read first.
        rules: name of a rule set of the manifest.
        text: the question itself, may be empty.
        options: labels; empty for the usual ones of a resolution.
        choose: least and most of what one ballot gives to all options together; empty for what the rules suggest.
        maximum: most that one ballot gives to one option.
        documents: files of long texts, which are posted first.
    """

    title: str
    rules: str
    text: str = ""
    options: tuple[str, ...] = ()
    choose: tuple[int, ...] = ()
    maximum: int = 1
    documents: tuple[str, ...] = ()


class DraftPoll(_Strict, frozen=True):
    """A poll to be opened.

    Attributes:
        contests: its questions.
        minutes: for which it is open, and so many
        seconds: more; together at least one second.
        poll: its number, 0 for the next one.
    """

    contests: Annotated[tuple[DraftContest, ...], msgspec.Meta(min_length=1)]
    minutes: Annotated[int, msgspec.Meta(ge=0, le=525_600)] = 0
    seconds: Annotated[int, msgspec.Meta(ge=0, le=31_536_000)] = 0
    poll: Annotated[int, msgspec.Meta(ge=0)] = 0

    def open_seconds(self) -> int:
        """Return for how many seconds the poll is open."""
        return 60 * self.minutes + self.seconds


def read_poll(text: str) -> DraftPoll:
    """Return what a poll's file says.

    Raises:
        EncodingError: not TOML, or a name is unknown, missing or of the wrong kind.
    """
    try:
        draft = msgspec.convert(read_toml(text), DraftPoll)
    except EncodingError as error:
        raise EncodingError(f"the poll's file is not TOML: {error.message}") from error
    except msgspec.ValidationError as error:
        raise EncodingError(f"the poll's file: {error}") from error
    if draft.open_seconds() == 0:
        raise EncodingError("the poll's file does not say for how many minutes the poll is open", field="minutes")
    return draft


def contest_of(draft: DraftContest, manifest: Manifest, document: Callable[[str], bytes]) -> Contest:
    """Return the contest that a draft describes.

    Args:
        draft: the question.
        manifest: names the rule sets.
        document: returns the SHA-256 of a document by its file name.

    Raises:
        RefusalError: the manifest has no such rule set, or the draft lacks options.
        EncodingError: a text is empty, too long or deceptive, or a number is out of range.
    """
    rule = manifest.rule_set(draft.rules)
    if rule is None:
        known = ", ".join(held.name for held in manifest.rules)
        raise RefusalError(f"there are no rules {draft.rules!r}; the manifest has: {known}")
    labels = draft.options or (ADOPT_OPTIONS if rule.decision == "adopt" else ())
    if not labels:
        raise RefusalError(f"{draft.title}: an election needs its options")
    choose = draft.choose or ((1, 1) if rule.decision == "adopt" else (0, min(rule.seats, len(labels) * draft.maximum)))
    if len(choose) != 2:  # noqa: PLR2004  # least and most
        raise RefusalError(f"{draft.title}: choose is two numbers, least and most")
    try:
        return Contest(
            documents=tuple(map(document, draft.documents)),
            options=tuple(Option(label, draft.maximum) for label in labels),
            rules=draft.rules,
            sum_maximum=choose[1],
            sum_minimum=choose[0],
            text=draft.text,
            title=draft.title,
        )
    except ValueError as error:
        raise EncodingError(f"{draft.title}: {error}") from error
