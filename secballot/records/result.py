"""The result of a poll, signed by the presidium and recomputed by everyone.

Source: SPEC.md#result, SPEC.md#rules.
"""

from __future__ import annotations

from typing import Literal

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes64, Digest, Index, Record, Uint

Outcome = Literal["adopted", "elected", "inquorate", "rejected", "unopened"]
Options = tuple[Index, ...]


class ContestResult(Record, frozen=True):
    """Counts per option (none if unopened), who is elected, who is tied, and the outcome by the contest's rules."""

    counts: tuple[Uint, ...]
    elected: Options
    outcome: Outcome
    tied: Options


class Result(Record, frozen=True):
    """The body of a `result` entry."""

    contests: tuple[ContestResult, ...]
    ctx: Digest
    tally_id: Bytes64


RESULT = CanonicalCodec(Result)
