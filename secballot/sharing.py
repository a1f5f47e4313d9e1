"""Shamir's shares and Feldman's commitments: polynomials over the scalars, evaluated at trustee indices.

`threshold` t is the number of shares **needed**: a polynomial has t coefficients f_0..f_{t−1} and f_0 is the secret.
A trustee's index is its 1-based position in the manifest. Index 0 (and any multiple of ℓ) would be the secret itself
and two equal indices would be one share, so no function here takes them.

Source: SPEC.md#ceremony; Shamir, CACM 1979; Feldman, FOCS '87; RFC 9591 Appendix C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.errors import InvalidShareError, ProtocolError
from secballot.group import ORDER, Scalars, multiply_base, vartime_multiscalar_mul

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.group import Elements

MAX_INDEX: Final = 2**16
"""Largest index of a share, far above the trustees of any manifest and far below ℓ."""


def evaluate(coefficients: Scalars, index: int) -> Scalars:
    """Return the share f(index) = Σ f_k·index^k of a secret polynomial, a vector of length one.

    Args:
        coefficients: f_0..f_{t−1}, at least one.
        index: whose share it is, 1..65,536.

    Raises:
        ProtocolError: the index is none, so its share could be the secret.
        ValueError: there is no coefficient.

    Source: SPEC.md#ceremony; RFC 9591 Appendix C.1.
    """
    _check_index(index)
    _require_nonempty(len(coefficients))
    point = Scalars.from_ints([index])
    share = coefficients[len(coefficients) - 1]
    for position in range(len(coefficients) - 2, -1, -1):
        share = share * point + coefficients[position]
    return share


def commit(coefficients: Scalars) -> Elements:
    """Return Feldman's commitments C_k = f_k·G, one per coefficient.

    Source: SPEC.md#ceremony; RFC 9591 Appendix C.2.
    """
    return multiply_base(coefficients)


def evaluate_commitments(commitments: Elements, index: int) -> Elements:
    """Return f(index)·G = Σ index^k·C_k, in variable time, a vector of length one; may be the identity.

    Args:
        commitments: C_0..C_{t−1}, at least one; their number is the caller's to check, for a longer vector passes
            every check of a share and needs more than t shares.
        index: whose public share it is, 1..65,536.

    Raises:
        ProtocolError: the index is none.
        ValueError: there is no commitment.

    Source: SPEC.md#ceremony; RFC 9591 Appendix C.2.
    """
    _check_index(index)
    _require_nonempty(len(commitments))
    powers = [pow(index, exponent, ORDER) for exponent in range(len(commitments))]
    return vartime_multiscalar_mul(powers, commitments)


def check_share(share: Scalars, commitments: Elements, index: int) -> None:
    """Check that a share lies on the committed polynomial.

    Args:
        share: f(index), one secret scalar.
        commitments: the dealer's, exactly t.
        index: the receiver's, 1..65,536.

    Raises:
        InvalidShareError: f(index)·G is not Σ index^k·C_k.
        ProtocolError: the index is none.
        ValueError: there is not exactly one share, or no commitment.

    Source: SPEC.md#ceremony; RFC 9591 Appendix C.2.
    """
    if len(share) != 1:
        raise ValueError(f"{len(share)} shares where one is checked")
    # f(i)·G = Σ i^k·C_k
    if multiply_base(share) != evaluate_commitments(commitments, index):
        raise InvalidShareError(f"the share for index {index} does not fit its dealer's commitments")


def lagrange_at_zero(indices: Sequence[int]) -> list[int]:
    """Return λ_i with f(0) = Σ λ_i·f(i) for every polynomial with as many coefficients as there are indices.

    Args:
        indices: different indices, each 1..65,536, at least one.

    Returns:
        λ_i = Π_{j≠i} j/(j−i) mod ℓ, in the order of the indices.

    Raises:
        ProtocolError: an index is none or occurs twice, or there are none.

    Source: SPEC.md#counts; RFC 9591 §4.2.
    """
    for index in indices:
        _check_index(index)
    if not indices or len(set(indices)) != len(indices):
        raise ProtocolError("shares are combined at different indices, at least one")
    coefficients = []
    for i in indices:
        numerator = denominator = 1
        for j in indices:
            if j != i:
                numerator = numerator * j % ORDER
                denominator = denominator * (j - i) % ORDER
        coefficients.append(numerator * pow(denominator, -1, ORDER) % ORDER)
    return coefficients


def _check_index(index: int) -> None:
    """Refuse what is no index of a trustee.

    Raises:
        ProtocolError: it is no integer, or is outside 1..65,536.
    """
    # True is an int and equals 1: it would be a second name of the first trustee.
    if type(index) is not int or not 1 <= index <= MAX_INDEX:
        raise ProtocolError("a share's index is an integer in 1..65,536")


def _require_nonempty(count: int) -> None:
    """Refuse an empty polynomial.

    Raises:
        ValueError: it has no coefficient.
    """
    if not count:
        raise ValueError("a polynomial has at least one coefficient")
