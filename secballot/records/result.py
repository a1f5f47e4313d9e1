"""The result of a poll, signed by the presidium and recomputed by everyone.

Source: SPEC.md#result, SPEC.md#rules.
"""

from __future__ import annotations

from typing import Final, Literal

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
    """The body of a `result` entry.

    Attributes:
        contests: every contest's, in order.
        ctx: of the poll.
        page: SHA-256 of the page for people that its signers publish with it; `NO_PAGE` if there is none.
        tally_id: of the tally.
    """

    contests: tuple[ContestResult, ...]
    ctx: Digest
    page: Digest
    tally_id: Bytes64


NO_PAGE: Final = bytes(32)

RESULT = CanonicalCodec(Result)
