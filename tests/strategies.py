"""Strategies that tests of several parts share: scalars, trustee subsets, turnouts and rule sets."""

from __future__ import annotations

from hypothesis import strategies as st

from secballot.group import ORDER
from secballot.protocol.rules import Turnout
from secballot.records.manifest import Majority, Quorum, RuleSet

scalars = st.integers(0, ORDER - 1) | st.sampled_from([0, 1, 2, ORDER - 2, ORDER - 1])
"""Integers below the group order, its ends among them."""

nonzero_scalars = scalars.filter(bool)
"""As `scalars`, without zero."""


@st.composite
def threshold_and_trustees(draw: st.DrawFn, most: int = 5) -> tuple[int, list[int]]:
    """Return a threshold t and the indices of at least t trustees, increasing."""
    trustees = draw(st.lists(st.integers(1, 2 * most), min_size=1, max_size=most, unique=True))
    return draw(st.integers(1, len(trustees))), sorted(trustees)


@st.composite
def turnouts(draw: st.DrawFn, classes: int = 2, most: int = 3) -> Turnout:
    """Return a turnout in which nobody votes without a credential and nobody registers without being on the roll."""
    roll = {index: draw(st.integers(0, most)) for index in range(1, classes + 1)}
    registered = {index: draw(st.integers(0, number)) for index, number in roll.items()}
    counted = {index: draw(st.integers(0, number)) for index, number in registered.items()}
    return Turnout(counted=counted, roll=roll, registered=registered)


@st.composite
def rule_sets(draw: st.DrawFn, decision: str, classes: int = 2) -> RuleSet:
    """Return a rule set of that decision, with small fractions."""
    denominator, share = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    bases = ["cast", "roll", "decided"] if decision == "adopt" else ["cast", "roll"]
    eligible = draw(st.sets(st.integers(1, classes), min_size=1))
    return RuleSet(
        decision="adopt" if decision == "adopt" else "elect",
        eligible=tuple(sorted(eligible)),
        majority=Majority(
            base=draw(st.sampled_from(bases)),
            denominator=denominator,
            numerator=draw(st.integers(0, denominator)),
            strict=draw(st.booleans()),
        ),
        minimum_duration=0,
        name="drawn",
        quorum=Quorum(
            base=draw(st.sampled_from(["roll", "registered"])),
            denominator=share,
            measure=draw(st.sampled_from(["count", "weight"])),
            numerator=draw(st.integers(0, share)),
        ),
        seats=draw(st.integers(1, 3)) if decision == "elect" else 0,
    )
