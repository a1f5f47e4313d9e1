"""The result of a poll, signed by the presidium and recomputed by everyone.

Source: SPEC.md#result, SPEC.md#rules.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes64, Digest, Index, Record, Uint

Outcome = Literal["adopted", "elected", "inquorate", "rejected", "unopened"]
Options = Annotated[tuple[Index, ...], msgspec.Meta(max_length=200)]


class ContestResult(Record, frozen=True):
    """Counts per option (none if unopened), who is elected, who is tied, and the outcome by the contest's rules."""

    counts: Annotated[tuple[Uint, ...], msgspec.Meta(max_length=200)]
    elected: Options
    outcome: Outcome
    tied: Options


class Result(Record, frozen=True):
    """The body of a `result` entry."""

    contests: Annotated[tuple[ContestResult, ...], msgspec.Meta(min_length=1, max_length=100)]
    ctx: Digest
    tally_id: Bytes64


RESULT = CanonicalCodec(Result)
