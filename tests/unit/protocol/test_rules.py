"""Rules: outcomes against a reference that counts ballots one by one, and the slack against every further ballot."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.protocol.rules import UNOPENED, Turnout, at_floor, decide, slack_matters
from secballot.records.manifest import Majority, Quorum, RuleSet
from secballot.records.result import ContestResult
from tests.strategies import rule_sets, turnouts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEIGHTS = {1: 1, 2: 3}
EVERYONE = Turnout(counted={1: 10}, roll={1: 10}, registered={1: 10})


def rule(
    decision: str = "adopt",
    *,
    base: str = "cast",
    share: tuple[int, int] = (1, 2),
    strict: bool = True,
    quorum: tuple[int, int] = (0, 1),
    of: tuple[str, str] = ("count", "roll"),
    seats: int = 0,
    eligible: tuple[int, ...] = (1,),
) -> RuleSet:
    """Return a rule set, open to class 1 unless said otherwise."""
    content = {
        "decision": decision,
        "eligible": list(eligible),
        "majority": {"base": base, "numerator": share[0], "denominator": share[1], "strict": strict},
        "minimum_duration": 0,
        "name": "rule",
        "quorum": {"base": of[1], "measure": of[0], "numerator": quorum[0], "denominator": quorum[1]},
        "seats": seats,
    }
    return msgspec.convert(content, RuleSet)


def delegates(rule_set: RuleSet, number: Mapping[int, int], *, by_weight: bool) -> int:
    """Count the eligible delegates one by one."""
    return sum(WEIGHTS[c] if by_weight else 1 for c in rule_set.eligible for _ in range(number[c]))


def majority_holds(
    majority: Majority, option: int, maximum: int, counts: Sequence[int], *, cast: int, roll: int
) -> bool:
    """Compare with the exact fraction of the base."""
    base = {"cast": maximum * cast, "roll": maximum * roll, "decided": sum(counts[:2])}[majority.base]
    needed = Fraction(majority.numerator, majority.denominator) * base
    return counts[option] > needed or (not majority.strict and 0 < counts[option] == needed)


def quorum_holds(quorum: Quorum, rule_set: RuleSet, turnout: Turnout) -> bool:
    """Compare with the exact fraction of the base."""
    by_weight = quorum.measure == "weight"
    base = {"roll": turnout.roll, "registered": turnout.registered}[quorum.base]
    needed = Fraction(quorum.numerator, quorum.denominator) * delegates(rule_set, base, by_weight=by_weight)
    return delegates(rule_set, turnout.counted, by_weight=by_weight) >= needed


def reference(rule_set: RuleSet, maxima: Sequence[int], counts: Sequence[int], turnout: Turnout) -> ContestResult:
    """Decide with fractions, filling the seats from the top, level by level."""
    elected: set[int] = set()
    tied: set[int] = set()
    cast = delegates(rule_set, turnout.counted, by_weight=True)
    roll = delegates(rule_set, turnout.roll, by_weight=True)
    holds = [majority_holds(rule_set.majority, i, x, counts, cast=cast, roll=roll) for i, x in enumerate(maxima)]
    if not quorum_holds(rule_set.quorum, rule_set, turnout):
        outcome = "inquorate"
    elif rule_set.decision == "adopt":
        outcome = "adopted" if holds[0] else "rejected"
    else:
        outcome = "elected"
        for level in sorted(set(counts), reverse=True):
            level_with = {i + 1 for i, count in enumerate(counts) if count == level and holds[i]}
            if len(elected) + len(level_with) > rule_set.seats:
                tied = level_with if len(elected) < rule_set.seats else set()
                break
            elected |= level_with
    content = {"counts": counts, "elected": sorted(elected), "outcome": outcome, "tied": sorted(tied)}
    return msgspec.convert(content, ContestResult)


@st.composite
def contests(draw: st.DrawFn) -> tuple[RuleSet, list[int], list[int], Turnout]:
    """Return a rule set, maxima, a turnout, and counts that its ballots could give."""
    decision = draw(st.sampled_from(["adopt", "elect"]))
    rule_set, turnout = draw(rule_sets(decision)), draw(turnouts())
    size = draw(st.integers(2 if decision == "adopt" else 1, 3))
    maxima = [1] * size if decision == "adopt" else draw(st.lists(st.integers(1, 2), min_size=size, max_size=size))
    counts = [0] * size
    for index in rule_set.eligible:
        for _ in range(turnout.counted[index]):
            ballot = [draw(st.integers(0, maximum)) for maximum in maxima]
            counts = [count + WEIGHTS[index] * value for count, value in zip(counts, ballot, strict=True)]
    return rule_set, maxima, counts, turnout


@pytest.mark.attack("TL-13")
@given(contests())
@settings(max_examples=400, deadline=None)
def test_outcomes_are_those_of_the_reference(contest: tuple[RuleSet, list[int], list[int], Turnout]) -> None:
    """Every rule set, turnout and count of small contests."""
    rule_set, maxima, counts, turnout = contest

    assert decide(rule_set, maxima, counts, turnout, WEIGHTS) == reference(rule_set, maxima, counts, turnout)


@pytest.mark.attack("TL-13")
@pytest.mark.parametrize("seats", [1, 2, 3, 4])
@pytest.mark.parametrize("base", ["cast", "roll"])
def test_every_small_election_is_decided_as_by_the_reference(seats: int, base: str) -> None:
    """Exhaustive over all counts of three options, five ballots of six, an absolute and a simple majority."""
    turnout = Turnout(counted={1: 5, 2: 0}, roll={1: 6, 2: 0}, registered={1: 5, 2: 0})
    for share, strict in (((1, 2), True), ((1, 2), False), ((0, 1), False)):
        rule_set = rule("elect", base=base, share=share, strict=strict, seats=seats)
        for counts in product(range(6), repeat=3):
            result = decide(rule_set, [1, 1, 1], counts, turnout, WEIGHTS)
            assert result == reference(rule_set, [1, 1, 1], counts, turnout)
            assert len(result.elected) <= seats
            assert not set(result.elected) & set(result.tied)
            assert not result.tied or len(result.elected) + len(result.tied) > seats


@pytest.mark.parametrize(
    ("chosen", "counts", "outcome"),
    [
        (rule(), [5, 5, 0], "rejected"),
        (rule(), [6, 4, 0], "adopted"),
        (rule(strict=False), [5, 5, 0], "adopted"),
        (rule(), [5, 0, 5], "rejected"),
        (rule(base="decided"), [5, 0, 5], "adopted"),
        (rule(base="decided"), [1, 0, 9], "adopted"),
        (rule(base="decided"), [3, 4, 3], "rejected"),
        (rule(base="decided", share=(2, 3), strict=False), [3, 2, 5], "rejected"),
        (rule(base="decided", share=(2, 3), strict=False), [4, 2, 4], "adopted"),
        (rule(share=(2, 3), strict=False), [7, 3, 0], "adopted"),
        (rule(share=(2, 3), strict=False), [6, 4, 0], "rejected"),
        (rule(share=(0, 1), strict=False), [0, 10, 0], "rejected"),
        (rule(share=(0, 1), strict=False), [1, 9, 0], "adopted"),
        (rule(share=(1, 1), strict=False), [10, 0, 0], "adopted"),
        (rule(share=(1, 1)), [10, 0, 0], "rejected"),
    ],
)
def test_majorities_mean_what_they_say(chosen: RuleSet, counts: list[int], outcome: str) -> None:
    """Simple, absolute, two-thirds, unanimous; of the cast and of those decided; zero votes never carry."""
    assert decide(chosen, [1, 1, 1], counts, EVERYONE, {1: 1}).outcome == outcome


@pytest.mark.parametrize(("counted", "quorate"), [(4, False), (5, True), (6, True)])
def test_a_quorum_is_at_least_its_share(counted: int, quorate: bool) -> None:
    """Half of ten is five; without quorum the counts stand and nothing is decided."""
    turnout = Turnout(counted={1: counted}, roll={1: 10}, registered={1: counted})
    result = decide(rule(quorum=(1, 2)), [1, 1], [counted, 0], turnout, {1: 1})

    assert result.outcome == ("adopted" if quorate else "inquorate")
    assert result.counts == (counted, 0)


@pytest.mark.parametrize(
    ("measure", "base", "counted", "quorate"),
    [
        ("count", "roll", {1: 4, 2: 0}, True),
        ("count", "roll", {1: 3, 2: 0}, False),
        ("weight", "roll", {1: 4, 2: 0}, False),
        ("weight", "roll", {2: 2}, True),
        ("weight", "roll", {1: 5}, False),
        ("weight", "roll", {1: 6}, True),
        ("count", "roll", {2: 2}, False),
        ("count", "registered", {1: 2}, True),
        ("count", "registered", {1: 1}, False),
        ("weight", "registered", {1: 2}, False),
        ("weight", "registered", {2: 1}, True),
    ],
)
def test_a_quorum_is_of_heads_or_of_weights(measure: str, base: str, counted: dict[int, int], quorate: bool) -> None:
    """Half of 8 delegates or of their weight 12, or of the 4 with weight 6 who registered."""
    turnout = Turnout(counted=counted, roll={1: 6, 2: 2}, registered={1: 3, 2: 1})
    chosen = rule(quorum=(1, 2), of=(measure, base), eligible=(1, 2))
    cast = sum(WEIGHTS[index] * number for index, number in counted.items())

    assert decide(chosen, [1, 1], [cast, 0], turnout, WEIGHTS).outcome == ("adopted" if quorate else "inquorate")


@pytest.mark.attack("TL-13")
@pytest.mark.parametrize(
    ("seats", "counts", "elected", "tied"),
    [
        (2, [9, 5, 5, 1], (1,), (2, 3)),
        (3, [9, 5, 5, 1], (1, 2, 3), ()),
        (1, [5, 5, 1, 1], (), (1, 2)),
        (4, [1, 0, 2, 0], (1, 3), ()),
        (2, [0, 0, 0, 0], (), ()),
        (1, [1, 2, 3, 4], (4,), ()),
    ],
)
def test_ties_are_left_open_and_said_so(
    seats: int, counts: list[int], elected: tuple[int, ...], tied: tuple[int, ...]
) -> None:
    """Those level at the last seat are elected together or not at all; nobody is elected with no votes."""
    result = decide(rule("elect", share=(0, 1), strict=False, seats=seats), [1] * 4, counts, EVERYONE, {1: 1})

    assert (result.outcome, result.elected, result.tied) == ("elected", elected, tied)


def test_only_eligible_classes_count() -> None:
    """Ballots, roll and registrations of other classes change nothing."""
    loud = Turnout(counted={1: 10, 2: 900}, roll={1: 10, 2: 900}, registered={1: 10, 2: 900})

    for chosen in (rule(quorum=(1, 1)), rule(base="roll")):
        assert decide(chosen, [1, 1], [6, 4], loud, WEIGHTS) == decide(chosen, [1, 1], [6, 4], EVERYONE, WEIGHTS)


def test_counts_without_their_options_decide_nothing() -> None:
    """A missing count is a bug of the caller, never a zero."""
    with pytest.raises(ValueError, match="decide nothing"):
        decide(rule(), [1, 1], [1], EVERYONE, {1: 1})
    with pytest.raises(ValueError, match="decide nothing"):
        decide(rule(), [1], [1], EVERYONE, {1: 1})
    assert ContestResult(counts=(), elected=(), outcome="unopened", tied=()) == UNOPENED


@pytest.mark.attack("SB-07")
@given(st.integers(1, 4), st.dictionaries(st.integers(1, 4), st.integers(0, 6)), st.sets(st.integers(1, 4)))
def test_the_floor_holds_for_all_and_for_each_weight(minimum: int, counted: dict[int, int], eligible: set[int]) -> None:
    """Against ballots sorted one by one into their weight groups; classes 1 and 3 weigh the same."""
    weights = {1: 1, 2: 3, 3: 1, 4: 5}
    groups = Counter(weights[c] for c in counted if c in eligible for _ in range(counted[c]))
    expected = groups.total() >= minimum and all(number >= minimum for number in groups.values())

    assert at_floor(minimum, eligible, counted, weights) == expected


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ({}, False),
        ({1: 2}, False),
        ({1: 3}, True),
        ({1: 2, 3: 1}, True),
        ({1: 1, 3: 1}, False),
        ({1: 3, 2: 3}, True),
        ({1: 3, 2: 2}, False),
        ({1: 2, 2: 3}, False),
        ({1: 3, 2: 0}, True),
        ({4: 9}, False),
        ({1: 3, 4: 1}, True),
    ],
)
def test_the_floor_is_reached_exactly(counted: dict[int, int], expected: bool) -> None:
    """Three ballots are three; classes 1 and 3 weigh the same and count together, class 4 is not eligible."""
    assert at_floor(3, {1, 2, 3}, counted, {1: "one", 2: "two", 3: "one", 4: "four"}) is expected


def test_without_ballots_a_floor_of_nothing_is_not_asked_for() -> None:
    """The smallest minimum is one ballot, which none do not reach."""
    assert not at_floor(1, {1}, {}, {})
    assert not at_floor(1, {1}, {1: 0}, {1: 1})
    assert at_floor(1, {1}, {1: 1}, {1: 1})


def outcomes_in_reach(
    contest: tuple[RuleSet, list[int], list[int], Turnout], slack: Mapping[int, int]
) -> set[tuple[object, ...]]:
    """Add every further ballot in every way, one after the other, and collect all outcomes."""
    rule_set, maxima, counts, turnout = contest
    states = {((0, 0), tuple(counts))}
    outcomes: set[tuple[object, ...]] = set()
    while states:
        following = set()
        for extra, reached in states:
            counted = {c: turnout.counted[c] + extra[c - 1] for c in (1, 2)}
            result = reference(rule_set, maxima, reached, Turnout(counted, turnout.roll, turnout.registered))
            outcomes.add((result.outcome, result.elected, result.tied))
            for c in (1, 2):
                if extra[c - 1] == slack[c]:
                    continue
                more = (extra[0] + (c == 1), extra[1] + (c == 2))
                for ballot in product(*(range(maximum + 1) for maximum in maxima)):
                    weighted = WEIGHTS[c] if c in rule_set.eligible else 0
                    following.add((more, tuple(x + weighted * v for x, v in zip(reached, ballot, strict=True))))
        states = following
    return outcomes


@given(contests(), st.integers(0, 2), st.integers(0, 1))
@settings(max_examples=150, deadline=None)
def test_the_slack_matters_exactly_if_some_further_ballots_change_the_outcome(
    contest: tuple[RuleSet, list[int], list[int], Turnout], first: int, second: int
) -> None:
    """Against every set of further ballots with every content."""
    rule_set, maxima, counts, turnout = contest
    slack = {1: first, 2: second}
    changes = len(outcomes_in_reach(contest, slack)) > 1

    assert slack_matters(rule_set, maxima, counts, turnout, WEIGHTS, slack=slack) == changes


def test_slack_of_a_landslide_does_not_matter() -> None:
    """Nine to one stands against seven further ballots and not against eight; other classes' slack is nothing."""
    for slack, matters in (({}, False), ({1: 7}, False), ({1: 8}, True), ({2: 99}, False)):
        assert slack_matters(rule(), [1, 1], [9, 1], EVERYONE, WEIGHTS, slack=slack) == matters


def test_blank_ballots_can_cost_the_only_candidate_the_majority() -> None:
    """Six of ten stand against one further ballot, not against two, though there is nobody else to vote for."""
    chosen = rule("elect", seats=1)

    for slack, matters in ((1, False), (2, True)):
        assert slack_matters(chosen, [1], [6], EVERYONE, WEIGHTS, slack={1: slack}) == matters


def test_slack_of_one_class_is_no_slack_of_another() -> None:
    """Eight of the ten needed came: the ninth changes nothing, whatever its class, and the tenth does."""
    chosen = rule(quorum=(1, 2), eligible=(1, 2))
    turnout = Turnout(counted={1: 8}, roll={1: 10, 2: 10}, registered={})

    for slack, matters in (({2: 1}, False), ({1: 1}, False), ({2: 2}, True), ({1: 2}, True), ({1: 1, 2: 1}, True)):
        assert slack_matters(chosen, [1, 1], [8, 0], turnout, {1: 1, 2: 1}, slack=slack) == matters


def test_a_further_ballot_gives_each_option_as_much_as_it_may() -> None:
    """Twice as much where two are allowed: 10 to 8 may become a tie, 10 to 7 may not."""
    chosen = rule("elect", share=(0, 1), strict=False, seats=1)

    for second, matters in ((8, True), (7, False)):
        assert slack_matters(chosen, [2, 2], [10, second], EVERYONE, {1: 1}, slack={1: 1}) == matters


def test_slack_is_judged_by_weights() -> None:
    """Two of the weight 7 that was cast are no majority, though they would be one of three heads."""
    turnout = Turnout(counted={1: 1, 2: 2}, roll={1: 9, 2: 9}, registered={})

    assert not slack_matters(rule(eligible=(1, 2)), [1, 1], [2, 5], turnout, WEIGHTS, slack={1: 1})
    assert slack_matters(rule(eligible=(1, 2)), [1, 1], [2, 5], turnout, WEIGHTS, slack={1: 4})
