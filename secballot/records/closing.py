"""How a poll ends: closing, lapse, objection, annulment; and how the sitting ends.

Source: SPEC.md#closing, SPEC.md#lapse, SPEC.md#objection, SPEC.md#annulment, SPEC.md#adjournment.
"""

from __future__ import annotations

from secballot.encoding import CanonicalCodec
from secballot.records.ballot import Ballot
from secballot.records.fields import Digest, NoteText, Record, check_text, require
from secballot.records.promise import Promise


class Closing(Record, frozen=True):
    """Ends the voting: one checkpoint cosigned after closes_at, one over the opening cosigned early enough."""

    checkpoint: NoteText
    ctx: Digest
    opening_checkpoint: NoteText


class Lapse(Record, frozen=True):
    """Ends a poll that nobody closed in time; it is never decrypted."""

    checkpoint: NoteText
    ctx: Digest


class Objection(Record, frozen=True):
    """Shows that the board promised a place to a ballot and gave it to another entry."""

    ballot: Ballot
    ctx: Digest
    promise: Promise


class Annulment(Record, frozen=True):
    """Voids a poll for good, with the reason."""

    ctx: Digest
    reason: str

    def __post_init__(self) -> None:
        """Refuse an empty or deceptive reason."""
        require(bool(self.reason), "reason is empty")
        check_text(self.reason, max_bytes=2_000, newlines=True, field="reason")


class Adjournment(Record, frozen=True):
    """Ends the sitting."""

    checkpoint: NoteText


CLOSING = CanonicalCodec(Closing)
LAPSE = CanonicalCodec(Lapse)
OBJECTION = CanonicalCodec(Objection)
ANNULMENT = CanonicalCodec(Annulment)
ADJOURNMENT = CanonicalCodec(Adjournment)
