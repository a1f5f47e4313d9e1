"""What the machine says of one entry, and of the whole record.

Three outcomes are never mixed: an entry has no effect, or it is a fault of somebody who is named, or the record fails.
A bad ballot is excluded with its reason and the vote goes on.

Source: SPEC.md#outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from secballot.errors import CheckId, Party, PhaseError
from secballot.records.entry import Entry


class Outcome(StrEnum):
    """What an entry did."""

    EFFECT = "effect"
    COLLECTED = "collected"
    ACCEPTED = "accepted"
    EXCLUDED = "excluded"
    NO_EFFECT = "no effect"
    FAULT = "fault"

    @property
    def stands(self) -> bool:
        """Tell whether the entry changed the state as its author meant it to."""
        return self in {Outcome.EFFECT, Outcome.COLLECTED, Outcome.ACCEPTED}


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one entry.

    Attributes:
        index: position in the log, from 0.
        kind: kind of entry; empty if the bytes are no entry.
        outcome: what it did.
        check: the first check it failed; None if it stands.
        culprit: who is named: the one at fault, for a complaint that is upheld the dealer; None where nobody is.
        reason: one line for people; empty if the entry stands and nobody is named.
    """

    index: int
    kind: str
    outcome: Outcome
    check: CheckId | None = None
    culprit: Party | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the record as a whole fails.

    Attributes:
        check: the check that says so.
        index: the entry at which it shows, or None.
        reason: one line for people.
        evidence: publishable bytes, for instance the contradicting checkpoint.
    """

    check: CheckId
    index: int | None
    reason: str
    evidence: bytes = b""


Commit = Callable[[], None]
"""Applies what a rule found to the state; runs only after the whole entry is judged, and cannot fail."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The commit of an entry that takes effect and, with that, names somebody.

    Attributes:
        apply: the commit.
        check: the check that the entry shows to have failed.
        culprit: who is named; `NOBODY` where the evidence points at no single party.
        reason: one line for people.
    """

    apply: Commit
    check: CheckId
    culprit: Party
    reason: str

    def __call__(self) -> None:
        """Apply it."""
        self.apply()


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where an entry stands: its index in the log and its leaf hash."""

    index: int
    leaf: bytes


class Act(msgspec.Struct, frozen=True, gc=False):
    """One entry whose signature holds, as its rule sees it.

    Attributes:
        entry: kind, body, signer.
        at: where it stands.
        party: who signed it; `NOBODY` for unsigned kinds and the manifest; for a roll key the party `delegate`.
    """

    entry: Entry
    at: Position
    party: Party


def repetition() -> PhaseError:
    """Return the refusal of an entry whose slot holds the same content already (ENT-06)."""
    return PhaseError("repeats an entry that took effect", check="ENT-06")


def out_of_phase(reason: str) -> PhaseError:
    """Return the refusal of an entry that comes too early, too late, or for a filled slot (ENT-06)."""
    return PhaseError(reason, check="ENT-06")
