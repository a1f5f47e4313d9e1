"""The manifest: who takes part in a sitting, by which rules, under which limits.

Ranges of single fields are enforced here while decoding; what the fields must be together (the quorum rule, distinct
keys) is `protocol.admissibility`'s, since it is judged with a check id.

Source: SPEC.md#manifest.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes32, Index, Record, RuleName, Seconds, Uint, WitnessName, check_text

Keys = Annotated[tuple[Bytes32, ...], msgspec.Meta(min_length=1, max_length=15)]
Denominator = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
PositiveSeconds = Annotated[int, msgspec.Meta(ge=1, le=31_536_000)]
SmallCount = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class DelegateClass(Record, frozen=True):
    """One class of delegates: a name, at most so many seats, and the weight of each vote."""

    name: str
    seats: SmallCount
    weight: Annotated[int, msgspec.Meta(ge=1, le=1_000)]

    def __post_init__(self) -> None:
        """Refuse an empty or deceptive name."""
        _check_label(self.name, 100, "name")


class Limits(Record, frozen=True):
    """How much one credential may ask of the board."""

    ballots_per_credential: Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class LogKeys(Record, frozen=True):
    """The log's origin, its checkpoint key, its promise key, and the delay it promises in seconds."""

    key: Bytes32
    maximum_delay: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    origin: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9.-]+(/[a-z0-9.-]+)*/[0-9a-f]{32}\Z", max_length=200)]
    promise_key: Bytes32


class Presidium(Record, frozen=True):
    """The officer's keys, of which `threshold` sign each act."""

    keys: Keys
    threshold: Index


class Majority(Record, frozen=True):
    """The share of the base that an option needs: at least, or if strict more than, numerator / denominator."""

    base: Literal["cast", "decided", "roll"]
    denominator: Denominator
    numerator: Uint
    strict: bool


class Quorum(Record, frozen=True):
    """The share of the roll, or of those registered, that must take part: at least numerator / denominator."""

    base: Literal["registered", "roll"]
    denominator: Denominator
    measure: Literal["count", "weight"]
    numerator: Uint


class RuleSet(Record, frozen=True):
    """How a contest is decided, who may vote in it, and how long its poll stays open at least (seconds)."""

    decision: Literal["adopt", "elect"]
    eligible: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=16)]
    majority: Majority
    minimum_duration: Seconds
    name: RuleName
    quorum: Quorum
    seats: Annotated[int, msgspec.Meta(ge=0, le=1_000)]


class Successor(Record, frozen=True):
    """Keys of an operator to whom the log can be handed over."""

    key: Bytes32
    promise_key: Bytes32


class Trustees(Record, frozen=True):
    """Trustee keys in index order, how many must convene, and how many are needed to decrypt."""

    keys: Annotated[tuple[Bytes32, ...], msgspec.Meta(min_length=1, max_length=31)]
    minimum: Index
    threshold: Index


class Witness(Record, frozen=True):
    """One witness: its C2SP key name and Ed25519 key."""

    key: Bytes32
    name: WitnessName


class Witnesses(Record, frozen=True):
    """The witnesses in order, and how many cosignatures a checkpoint needs."""

    quorum: Index
    witnesses: Annotated[tuple[Witness, ...], msgspec.Meta(min_length=1, max_length=32)]


class Manifest(Record, frozen=True):
    """The body of a `manifest` entry; its SHA-256 is the sitting_id."""

    ceremony_sessions: Annotated[int, msgspec.Meta(ge=1, le=32)]
    classes: Annotated[tuple[DelegateClass, ...], msgspec.Meta(min_length=1, max_length=16)]
    commission: Keys
    decryption_period: PositiveSeconds
    dishonest_witnesses: Uint
    extension_limit: Seconds
    grace: PositiveSeconds
    limits: Limits
    log: LogKeys
    minimum_ballots: SmallCount
    objection_period: Seconds
    polls: Annotated[int, msgspec.Meta(ge=1, le=200)]
    presidium: Presidium
    registrars: Keys
    rules: Annotated[tuple[RuleSet, ...], msgspec.Meta(min_length=1, max_length=32)]
    successors: Annotated[tuple[Successor, ...], msgspec.Meta(max_length=4)]
    suite: Literal["secballot/v1"]
    title: str
    trustees: Trustees
    witnesses: Witnesses

    def __post_init__(self) -> None:
        """Refuse an empty or deceptive title."""
        _check_label(self.title, 300, "title")

    def rule_set(self, name: str) -> RuleSet | None:
        """Return the rule set of this name, or None."""
        return next((rule for rule in self.rules if rule.name == name), None)


def _check_label(text: str, max_bytes: int, field: str) -> None:
    if not text:
        raise ValueError(f"{field} is empty")
    check_text(text, max_bytes=max_bytes, field=field)


MANIFEST = CanonicalCodec(Manifest)
