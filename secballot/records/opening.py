"""The opening of a poll: its contests, options, limits and closing time. Its hash is the poll's ctx.

Source: SPEC.md#opening.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Digest, Index, Record, Uint, check_text, require


class Option(Record, frozen=True):
    """One option: its label, and the largest value a ballot may give it."""

    label: str
    maximum: Annotated[int, msgspec.Meta(ge=1, le=100)]

    def __post_init__(self) -> None:
        """Refuse an empty or deceptive label."""
        require(bool(self.label), "label is empty")
        check_text(self.label, max_bytes=300, field="label")


class Contest(Record, frozen=True):
    """One question: its texts, options, limits of the sum over options, and the rule set that decides it."""

    documents: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=8)]
    options: Annotated[tuple[Option, ...], msgspec.Meta(min_length=1, max_length=200)]
    rules: str
    sum_maximum: Uint
    sum_minimum: Uint
    text: str
    title: str

    def __post_init__(self) -> None:
        """Refuse deceptive texts and two options with one label."""
        require(bool(self.title), "title is empty")
        check_text(self.title, max_bytes=300, field="title")
        check_text(self.text, max_bytes=20_000, newlines=True, field="text")
        require(len({option.label for option in self.options}) == len(self.options), "labels are not distinct")


class Opening(Record, frozen=True):
    """The body of an `opening` entry; its SHA-256 is ctx."""

    closes_at: Uint
    contests: Annotated[tuple[Contest, ...], msgspec.Meta(min_length=1, max_length=100)]
    convening: Digest
    poll: Index


class Extension(Record, frozen=True):
    """Moves the closing time of an open poll to a later one, once."""

    closes_at: Uint
    ctx: Digest


OPENING = CanonicalCodec(Opening)
EXTENSION = CanonicalCodec(Extension)
