"""What counts mean by the rules of the manifest: quorum, majority, who is elected, and what stays closed.

Pure functions of integers, compared by multiplication and never by division, so that every program computes the same
outcome. Classes, options and seats are as the manifest and the opening number them, from 1.

Source: SPEC.md#rules, SPEC.md#privacy-floor.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.records.result import ContestResult

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping, Sequence

    from secballot.records.manifest import RuleSet

UNOPENED: Final = ContestResult(counts=(), elected=(), outcome="unopened", tied=())
"""The result of a contest below the privacy floor."""


@dataclass(frozen=True, slots=True)
class Turnout:
    """How many delegates could take part and did, by class; a class left out has none.

    Attributes:
        counted: counted ballots.
        roll: keys on the roll of the poll's registration.
        registered: of those, keys whose request covers the poll and was answered by every registrar.
    """

    counted: Mapping[int, int]
    roll: Mapping[int, int]
    registered: Mapping[int, int]


def at_floor(
    minimum: int, eligible: Collection[int], counted: Mapping[int, int], groups: Mapping[int, Hashable]
) -> bool:
    """Return whether a contest has so many counted ballots that it may be opened (TAL-02).

    They number at least the minimum, and so do those of each group of classes that cast any: weighted counts, and the
    counts of contests side by side, can be taken apart into such groups.

    Args:
        minimum: `minimum_ballots` of the manifest, at least 1.
        eligible: the classes that the contest is open to.
        counted: counted ballots by class.
        groups: by class, what stands for its group: equal for classes of equal weight and equal contests.

    Source: SPEC.md#privacy-floor.
    """
    totals: dict[Hashable, int] = {}
    for index, ballots in counted.items():
        if index in eligible:
            totals[groups[index]] = totals.get(groups[index], 0) + ballots
    return sum(totals.values()) >= minimum and all(not ballots or ballots >= minimum for ballots in totals.values())


def decide(
    rule: RuleSet, maxima: Sequence[int], counts: Sequence[int], turnout: Turnout, weights: Mapping[int, int]
) -> ContestResult:
    """Return the outcome of an opened contest.

    Args:
        rule: the contest's rule set.
        maxima: largest value of each option in one ballot.
        counts: what was counted for each option, weights included.
        turnout: of the poll, by class.
        weights: weight by class.

    Raises:
        ValueError: there is not one count per option, or `adopt` with fewer than two options; a bug of the caller.

    Source: SPEC.md#rules.
    """
    if len(counts) != len(maxima) or (rule.decision == "adopt" and len(counts) <= 1):
        raise ValueError(f"{len(counts)} counts for {len(maxima)} options decide nothing")
    opened = tuple(counts)
    if not _has_quorum(rule, turnout, weights):
        return ContestResult(counts=opened, elected=(), outcome="inquorate", tied=())
    cast = _total(rule.eligible, turnout.counted, weights)
    roll = _total(rule.eligible, turnout.roll, weights)
    majorities = [
        _has_majority(rule, counts, position, maximum, cast=cast, roll=roll) for position, maximum in enumerate(maxima)
    ]
    if rule.decision == "adopt":
        return ContestResult(counts=opened, elected=(), outcome="adopted" if majorities[0] else "rejected", tied=())
    elected, tied = _elect(rule.seats, counts, majorities)
    return ContestResult(counts=opened, elected=elected, outcome="elected", tied=tied)


def slack_matters(
    rule: RuleSet,
    maxima: Sequence[int],
    counts: Sequence[int],
    turnout: Turnout,
    weights: Mapping[int, int],
    *,
    slack: Mapping[int, int],
) -> bool:
    """Return whether up to so many further ballots of each class could have given another outcome.

    Outcome means its name and who is elected or tied. A further ballot may hold any value in 0..maximum for every
    option; limits on its sum are left aside, so that the answer may be True where they would forbid the change, and is
    never False where a change is possible.

    One option at a time is enough: its standing only improves with its own count and only worsens with the others',
    so the two ballots that matter are everything for it, and everything for all the rest.

    Args:
        rule: the contest's rule set.
        maxima: largest value of each option in one ballot.
        counts: what was counted for each option.
        turnout: of the poll, by class.
        weights: weight by class.
        slack: further ballots by class; a class left out has none.

    Raises:
        ValueError: as `decide`.

    Source: SPEC.md#rules.
    """
    before = decide(rule, maxima, counts, turnout, weights)
    added = sum(weights[index] * ballots for index, ballots in slack.items() if index in rule.eligible)
    if not added:
        return False
    counted = {index: turnout.counted.get(index, 0) + slack.get(index, 0) for index in rule.eligible}
    fuller = Turnout(counted, turnout.roll, turnout.registered)
    for favoured in range(len(maxima)):
        for supported in (True, False):
            changed = [
                count + added * maximum * ((position == favoured) == supported)
                for position, (count, maximum) in enumerate(zip(counts, maxima, strict=True))
            ]
            after = decide(rule, maxima, changed, fuller, weights)
            if (before.outcome, before.elected, before.tied) != (after.outcome, after.elected, after.tied):
                return True
    return False


def _total(eligible: Collection[int], delegates: Mapping[int, int], weights: Mapping[int, int] | None = None) -> int:
    """Return how many delegates of the eligible classes there are, or the sum of their weights."""
    return sum(
        number * (1 if weights is None else weights[index]) for index, number in delegates.items() if index in eligible
    )


def _has_quorum(rule: RuleSet, turnout: Turnout, weights: Mapping[int, int]) -> bool:
    """Return whether enough took part: participants·denominator ≥ numerator·base."""
    quorum = rule.quorum
    measure = weights if quorum.measure == "weight" else None
    base = turnout.roll if quorum.base == "roll" else turnout.registered
    participants = _total(rule.eligible, turnout.counted, measure)
    return participants * quorum.denominator >= quorum.numerator * _total(rule.eligible, base, measure)


def _has_majority(rule: RuleSet, counts: Sequence[int], position: int, maximum: int, *, cast: int, roll: int) -> bool:
    """Return whether an option has the majority: x > 0 and x·denominator ≥ (if strict: >) numerator·base."""
    majority = rule.majority
    if majority.base == "decided":
        base = counts[0] + counts[1]
    else:
        base = maximum * (cast if majority.base == "cast" else roll)
    has, needs = counts[position] * majority.denominator, majority.numerator * base
    return counts[position] > 0 and (has > needs if majority.strict else has >= needs)


def _elect(seats: int, counts: Sequence[int], majorities: Sequence[bool]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the numbers, from 1 and increasing, of the options that are elected and of those that are tied.

    Those without majority are no candidates. An option is elected if there are seats for everyone who has as much or
    more, and tied if there is a seat left below those who have more, but not for all who have the same.
    """
    placed = list(zip(counts, majorities, strict=True))
    candidates = sorted(count for count, majority in placed if majority)
    elected: list[int] = []
    tied: list[int] = []
    for option, (count, majority) in enumerate(placed, 1):
        above = len(candidates) - bisect_right(candidates, count)
        with_level = len(candidates) - bisect_left(candidates, count)
        if majority and above < seats:
            (elected if with_level <= seats else tied).append(option)
    return tuple(elected), tuple(tied)
