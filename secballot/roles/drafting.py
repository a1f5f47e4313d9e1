"""From cards to a manifest: a commented template that people fill in, checked before anybody signs it.

What the record refuses is refused here already, with the check's id; what is allowed and unwise is said as advice.

Source: SPEC.md#manifest, SPEC.md#registration-act.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from secballot.errors import EncodingError
from secballot.record.setup import check_manifest
from secballot.records.manifest import (
    MANIFEST,
    DelegateClass,
    Limits,
    LogKeys,
    Majority,
    Manifest,
    Presidium,
    Quorum,
    RuleSet,
    Successor,
    Trustees,
    Witness,
    Witnesses,
)
from secballot.roles.toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

Digits = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Fraction = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,7}/[0-9]{1,7}\Z")]

MAX_DRAFT_BYTES: Final = 200_000
HOUR: Final = 3_600
_LOW_FLOOR: Final = 5
_MANY_KEYS: Final = 60


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a draft: what is not known is refused, since it may be a mistyped name."""


class Person(_Strict, frozen=True):
    """A party of one key, by name."""

    name: str
    key: Digits


class Operator(_Strict, frozen=True):
    """A board: where it is, and its two keys."""

    name: str
    key: Digits
    promise_key: Digits


class DraftQuorum(_Strict, frozen=True):
    """Who must take part: a fraction of `of`, by number or by weight."""

    share: Fraction
    of: Literal["registered", "roll"]
    by: Literal["count", "weight"]


class DraftMajority(_Strict, frozen=True):
    """Which part of `of` an option needs: at least the share, or more than it."""

    share: Fraction
    of: Literal["cast", "decided", "roll"]
    more_than: bool


class DraftRules(_Strict, frozen=True):
    """One rule set."""

    name: str
    decision: Literal["adopt", "elect"]
    classes: tuple[str, ...]
    open_at_least: int
    quorum: DraftQuorum
    majority: DraftMajority
    seats: int = 0


class DraftClass(_Strict, frozen=True):
    """One class of delegates."""

    name: str
    seats: int
    weight: int


class Periods(_Strict, frozen=True):
    """Every period, in seconds."""

    grace: int
    objection: int
    decryption: int
    extension: int
    promise: int


class DraftLimits(_Strict, frozen=True):
    """Every limit."""

    polls: int
    ceremony_sessions: int
    ballots_per_credential: int
    smallest_group: int


class Needed(_Strict, frozen=True):
    """How many of each party are needed."""

    presidium: int
    trustees_to_decrypt: int
    trustees_to_convene: int
    witnesses: int
    dishonest_witnesses: int


class Draft(_Strict, frozen=True):
    """What the template holds once it is filled in."""

    title: str
    origin: str
    needed: Needed
    limits: DraftLimits
    seconds: Periods
    classes: tuple[DraftClass, ...]
    rules: tuple[DraftRules, ...]
    presidium: tuple[Person, ...]
    commission: tuple[Person, ...]
    registrars: tuple[Person, ...]
    trustees: tuple[Person, ...]
    witnesses: tuple[Person, ...]
    board: Operator
    successors: tuple[Operator, ...] = ()


def read_draft(text: str) -> Draft:
    """Return what a filled-in template says.

    Raises:
        EncodingError: not TOML, or a name is unknown, missing or of the wrong kind; `field` says which.
    """
    try:
        return msgspec.convert(read_toml(text), Draft)
    except EncodingError as error:
        raise EncodingError(f"the draft is not TOML: {error.message}") from error
    except msgspec.ValidationError as error:
        raise EncodingError(f"the draft: {error}") from error


def manifest_of(draft: Draft) -> Manifest:
    """Return the manifest of a draft, admissible as the record demands it.

    Raises:
        EncodingError: a field is out of its range, or a class is unknown.
        RecordError: the parameters do not go together (SIT-02).
        VerificationError: two keys are the same, or one is not acceptable (SIT-03).

    Source: SPEC.md#manifest.
    """
    try:
        manifest = _manifest(draft)
    except ValueError as error:
        raise EncodingError(f"the draft: {error}") from error
    body = MANIFEST.encode(manifest)
    check_manifest(manifest, hashlib.sha256(body).digest(), None)
    return manifest


def _manifest(draft: Draft) -> Manifest:
    needed, limits, seconds = draft.needed, draft.limits, draft.seconds
    names = [held.name for held in draft.classes]
    return Manifest(
        ceremony_sessions=limits.ceremony_sessions,
        classes=tuple(DelegateClass(held.name, held.seats, held.weight) for held in draft.classes),
        commission=_keys(draft.commission),
        decryption_period=seconds.decryption,
        dishonest_witnesses=needed.dishonest_witnesses,
        extension_limit=seconds.extension,
        grace=seconds.grace,
        limits=Limits(limits.ballots_per_credential),
        log=LogKeys(
            bytes.fromhex(draft.board.key), seconds.promise, draft.origin, bytes.fromhex(draft.board.promise_key)
        ),
        minimum_ballots=limits.smallest_group,
        objection_period=seconds.objection,
        polls=limits.polls,
        presidium=Presidium(_keys(draft.presidium), needed.presidium),
        registrars=_keys(draft.registrars),
        rules=tuple(_rule_set(rules, names) for rules in draft.rules),
        successors=tuple(
            Successor(bytes.fromhex(held.key), bytes.fromhex(held.promise_key)) for held in draft.successors
        ),
        suite="secballot/v1",
        title=draft.title,
        trustees=Trustees(_keys(draft.trustees), needed.trustees_to_convene, needed.trustees_to_decrypt),
        witnesses=Witnesses(
            needed.witnesses, tuple(Witness(bytes.fromhex(held.key), held.name) for held in draft.witnesses)
        ),
    )


def _keys(people: Sequence[Person]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(person.key) for person in people)


def _rule_set(rules: DraftRules, names: Sequence[str]) -> RuleSet:
    unknown = [name for name in rules.classes if name not in names]
    if unknown:
        raise EncodingError(f"rules {rules.name}: there is no class {unknown[0]!r}", field="classes")
    quorum, majority = _fraction(rules.quorum.share), _fraction(rules.majority.share)
    return RuleSet(
        decision=rules.decision,
        eligible=tuple(sorted({names.index(name) + 1 for name in rules.classes})),
        majority=Majority(rules.majority.of, majority[1], majority[0], rules.majority.more_than),
        minimum_duration=rules.open_at_least,
        name=rules.name,
        quorum=Quorum(rules.quorum.of, quorum[1], rules.quorum.by, quorum[0]),
        seats=rules.seats,
    )


def _fraction(text: str) -> tuple[int, int]:
    numerator, _slash, denominator = text.partition("/")
    return int(numerator), int(denominator)


def advice(manifest: Manifest) -> list[tuple[str, dict[str, object]]]:
    """Return what is allowed and unwise in a manifest: a code for each piece of advice, with the values it names."""
    trustees, witnesses = manifest.trustees, manifest.witnesses
    found: list[tuple[str, dict[str, object]]] = []
    groups: dict[int, int] = defaultdict(int)
    for held in manifest.classes:
        groups[held.weight] += held.seats
        if held.seats < 2 * manifest.minimum_ballots:
            values = {"name": held.name, "seats": held.seats, "floor": manifest.minimum_ballots}
            found.append(("class-near-floor", values))
    found += [
        ("weight-group-too-small", {"weight": weight, "seats": seats, "needed": 2 * manifest.minimum_ballots})
        for weight, seats in sorted(groups.items())
        if seats < 2 * manifest.minimum_ballots
    ]
    rules = {
        "floor-low": manifest.minimum_ballots < _LOW_FLOOR,
        "one-officer-decides": manifest.presidium.threshold == 1,
        "every-officer-needed": manifest.presidium.threshold == len(manifest.presidium.keys) > 1,
        "one-commission-member": len(manifest.commission) == 1,
        "one-registrar": len(manifest.registrars) == 1,
        "one-trustee": len(trustees.keys) == 1,
        "few-trustees-decrypt": 2 * trustees.threshold <= len(trustees.keys) and len(trustees.keys) > 1,
        "every-trustee-needed": trustees.threshold == len(trustees.keys) > 1,
        "every-witness-needed": witnesses.quorum == len(witnesses.witnesses) > 1,
        "no-dishonest-witness": manifest.dishonest_witnesses == 0,
        "no-objection-period": manifest.objection_period < HOUR,
        "short-grace": manifest.grace < HOUR,
        "no-successor": not manifest.successors,
        "many-registrar-keys": manifest.polls * len(manifest.classes) > _MANY_KEYS,
    }
    return found + [(code, {}) for code, holds in rules.items() if holds]
