"""Shares and commitments: any t shares give the secret, fewer do not, and no index is a second name of another."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.errors import InvalidShareError, ProtocolError
from secballot.group import ORDER, Elements, Scalars, multiply_base, vartime_multiply_base
from secballot.sharing import MAX_INDEX, check_share, commit, evaluate, evaluate_commitments, lagrange_at_zero
from tests.strategies import scalars, threshold_and_trustees

polynomials = st.lists(scalars, min_size=1, max_size=5)
indices = st.integers(1, MAX_INDEX)
NO_INDEX = [0, -1, MAX_INDEX + 1, ORDER, ORDER + 1, True, "1", 1.0, None]


def combined(shares: dict[int, int]) -> int:
    """Interpolate the shares at zero."""
    return sum(c * shares[i] for i, c in zip(shares, lagrange_at_zero(list(shares)), strict=True)) % ORDER


@given(polynomials, indices)
def test_a_share_is_the_polynomial_at_the_index(coefficients: list[int], index: int) -> None:
    """Horner's rule agrees with the definition."""
    expected = sum(f * index**k for k, f in enumerate(coefficients)) % ORDER

    assert evaluate(Scalars.from_ints(coefficients), index).to_ints() == [expected]


@given(threshold_and_trustees(), st.data())
@settings(deadline=None)
def test_every_threshold_subset_gives_the_secret_and_no_smaller_one_does(
    group: tuple[int, list[int]], data: st.DataObject
) -> None:
    """Any t shares interpolate to f(0); t − 1 of them give something else unless the polynomial is of lower degree."""
    threshold, trustees = group
    coefficients = data.draw(st.lists(scalars, min_size=threshold - 1, max_size=threshold - 1))
    coefficients.append(data.draw(scalars.filter(bool)))
    polynomial = Scalars.from_ints(coefficients)
    shares = {index: evaluate(polynomial, index).to_ints()[0] for index in trustees}

    for subset in combinations(trustees, threshold):
        assert combined({index: shares[index] for index in subset}) == coefficients[0]
    for subset in combinations(trustees, threshold - 1):
        if subset:
            assert combined({index: shares[index] for index in subset}) != coefficients[0]


@given(polynomials, indices)
@settings(deadline=None)
def test_committing_and_evaluating_commute(coefficients: list[int], index: int) -> None:
    """f(i)·G from the shares is f(i)·G from the commitments, and the share passes its check."""
    polynomial = Scalars.from_ints(coefficients)
    commitments = commit(polynomial)
    share = evaluate(polynomial, index)

    assert commitments == vartime_multiply_base(coefficients)
    assert multiply_base(share) == evaluate_commitments(commitments, index)
    check_share(share, commitments, index)


@given(polynomials, indices, st.data())
@settings(deadline=None)
def test_a_share_with_anything_changed_is_refused(coefficients: list[int], index: int, data: st.DataObject) -> None:
    """Another share, or one commitment changed, does not fit."""
    polynomial = Scalars.from_ints(coefficients)
    commitments = commit(polynomial)
    share = evaluate(polynomial, index)
    shift = Scalars.from_ints([data.draw(scalars.filter(bool))])
    position = data.draw(st.integers(0, len(coefficients) - 1))
    moved = [multiply_base(shift) if k == position else Elements.identity() for k in range(len(coefficients))]

    with pytest.raises(InvalidShareError):
        check_share(share + shift, commitments, index)
    with pytest.raises(InvalidShareError):
        check_share(share, commitments + Elements.concat(moved), index)


def test_a_share_of_another_index_is_refused() -> None:
    """Shares are not exchanged between receivers."""
    polynomial = Scalars.random(3)

    with pytest.raises(InvalidShareError):
        check_share(evaluate(polynomial, 2), commit(polynomial), 3)


@given(st.lists(indices, min_size=1, max_size=6, unique=True))
def test_the_coefficients_of_a_constant_sum_to_one(chosen: list[int]) -> None:
    """Interpolating the polynomial 1 gives 1, and the order of the indices only orders the coefficients."""
    coefficients = lagrange_at_zero(chosen)

    assert sum(coefficients) % ORDER == 1
    assert lagrange_at_zero(chosen[::-1]) == coefficients[::-1]


@pytest.mark.attack("DK-06", "TL-05")
@pytest.mark.parametrize("index", NO_INDEX, ids=repr)
def test_what_is_no_index_has_no_share(index: int) -> None:
    """Zero and ℓ would give the secret, True and 1.0 would be the first trustee again."""
    polynomial = Scalars.random(2)

    with pytest.raises(ProtocolError):
        evaluate(polynomial, index)
    with pytest.raises(ProtocolError):
        evaluate_commitments(commit(polynomial), index)
    with pytest.raises(ProtocolError):
        check_share(Scalars.random(), commit(polynomial), index)
    with pytest.raises(ProtocolError):
        lagrange_at_zero([1, index] if index != 1 else [2, index])


@pytest.mark.attack("TL-05")
@pytest.mark.parametrize("chosen", [[], [1, 1], [1, 2, 1]], ids=repr)
def test_shares_are_combined_at_different_indices(chosen: list[int]) -> None:
    """An index that occurs twice, or none at all, has no coefficients."""
    with pytest.raises(ProtocolError):
        lagrange_at_zero(chosen)


def test_an_empty_polynomial_is_refused() -> None:
    """There is no share of nothing, and a check of it must not pass."""
    with pytest.raises(ValueError, match="at least one"):
        evaluate(Scalars.from_ints([]), 1)
    with pytest.raises(ValueError, match="at least one"):
        check_share(Scalars.from_ints([0]), Elements.identity(0), 1)
    with pytest.raises(ValueError, match="2 shares"):
        check_share(Scalars.random(2), commit(Scalars.random(2)), 1)


def test_the_error_about_a_share_does_not_hold_it() -> None:
    """Messages carry no secret."""
    share = Scalars.from_ints([123456789])

    with pytest.raises(InvalidShareError) as caught:
        check_share(share, commit(Scalars.random(2)), 1)
    assert "123456789" not in str(caught.value)
    assert share.encode().hex() not in repr(caught.value)
