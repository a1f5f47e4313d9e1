"""Bounded logarithms: every count up to the bound is found, nothing above it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot import dlog
from secballot.dlog import BoundedLog
from secballot.errors import VerificationError
from secballot.group import ORDER, Elements, vartime_multiply_base


@pytest.mark.attack("TL-04")
@pytest.mark.parametrize("bound", [0, 1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 100])
def test_every_count_is_found_and_the_next_is_not(bound: int) -> None:
    """All of 0..bound, in one batch; bound + 1 and −1 have no answer even where the table would reach them."""
    solver = BoundedLog(bound)

    assert solver.solve_all(vartime_multiply_base(range(bound + 1))) == list(range(bound + 1))
    for outside in (bound + 1, ORDER - 1):
        with pytest.raises(VerificationError):
            solver.solve(vartime_multiply_base([outside]))


@given(st.integers(0, 2_000_000), st.data())
@settings(deadline=None, max_examples=20)
def test_counts_of_large_assemblies_are_found(bound: int, data: st.DataObject) -> None:
    """Any count under any bound, and the bound itself."""
    count = data.draw(st.integers(0, bound))
    solver = BoundedLog(bound)

    assert solver.solve(vartime_multiply_base([count])) == count
    assert solver.solve(vartime_multiply_base([bound])) == bound


def test_a_nation_is_counted() -> None:
    """A thousand million votes, all for one option or nearly, and the table is made once."""
    bound = 10**9
    counts = [bound, bound - 1, 123_456_789, 0]

    assert BoundedLog(bound).solve_all(vartime_multiply_base(counts)) == counts
    assert BoundedLog(bound)._table is BoundedLog(bound + 1)._table


def test_a_full_table_only_costs_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the largest table there are more giant steps, over several rows of them."""
    monkeypatch.setattr(dlog, "MAX_BABY_STEPS", 4)
    solver = BoundedLog(20_000)

    for count in (0, 3, 4, 4095, 4096, 4099, 19_999, 20_000):
        assert solver.solve(vartime_multiply_base([count])) == count
    with pytest.raises(VerificationError):
        solver.solve(vartime_multiply_base([20_001]))


@pytest.mark.attack("TL-04")
def test_an_element_that_is_no_count_ends_the_search() -> None:
    """A random element has no logarithm in reach, and the search says so."""
    with pytest.raises(VerificationError):
        BoundedLog(1000).solve(vartime_multiply_base([ORDER // 3]))


def test_arguments_that_mean_nothing_are_refused() -> None:
    """A negative bound, and a vector where one element is asked about."""
    with pytest.raises(ValueError, match="at least zero"):
        BoundedLog(-1)
    with pytest.raises(ValueError, match="2 elements"):
        BoundedLog(1).solve(Elements.identity(2))
    assert BoundedLog(1).solve_all(Elements.identity(0)) == []
