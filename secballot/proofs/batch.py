"""Many equations Σ s_i·P_i = O checked with one multi-scalar multiplication, and the culprits found if one is false.

Every equation gets a weight of 128 fresh random bits, drawn after all claims are fixed; the weighted sum of true
equations is the identity, and a sum with a false one is so with probability 2^−128. With constant or foreseeable
weights two errors could be made to cancel. So a source of randomness that gives zero, gives a weight twice, or gives
too little is refused.

- A block that fails is halved until single claims are left.
- A claim is reported as invalid only after one of its equations was found false by itself, without weights: no error
  of the batch can exclude anybody's ballot.
- The verdicts are those of single verification, whatever the order of the claims and however they are cut into blocks.

Claims of one form come as one vector, so that the engine folds the equations of all of them at once.

Source: SPEC.md#membership; Bellare, Garay and Rabin, EUROCRYPT '98 (small exponents test).
"""

from __future__ import annotations

import os
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from secballot.errors import ProtocolError
from secballot.group import BASE, Elements, PublicScalars, vartime_multiscalar_mul
from secballot.randomness import random_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WEIGHT_BYTES: Final = 16
"""Bytes of randomness in the weight of one equation."""

_ZERO: Final = PublicScalars.from_ints([0])


class Folded(NamedTuple):
    """A weighted sum of equations, which is the identity if all of them hold.

    Attributes:
        elements: those that the sum is over, G and Y excepted.
        coefficients: one for each of them.
        base: coefficient of G, one scalar.
        key: coefficient of Y, one scalar.
    """

    elements: Elements
    coefficients: PublicScalars
    base: PublicScalars
    key: PublicScalars


class Claims(Protocol):
    """A vector of claims of one form: sets of equations over decoded elements, G and the key Y.

    The equations of a claim hold together or not; every claim has elements of its own.
    """

    @property
    def equations(self) -> int:
        """Return how many equations each of the claims has, at least one."""
        ...

    def __len__(self) -> int:
        """Return the number of claims."""
        ...

    def __getitem__(self, key: slice) -> Self:
        """Return some of the claims."""
        ...

    def fold(self, weights: PublicScalars) -> Folded:
        """Return the weighted sum of all equations of all claims.

        Args:
            weights: one per equation, claim by claim.
        """
        ...


def find_invalid(groups: Sequence[Claims], key: Elements, draw: Callable[[int], bytes] = os.urandom) -> list[int]:
    """Return the positions of the claims that have a false equation, in increasing order; none if all hold.

    Args:
        groups: the claims, each form for itself, all fixed before the call; checked as one block, and numbered through
            from the first of the first group to the last of the last one.
        key: the joint key Y, one element.
        draw: gives so many bytes that nobody could foresee.

    Raises:
        ProtocolError: `draw` gave too few bytes, or a weight that is zero or repeated.
        ValueError: a claim has no equation, which anything would satisfy; or `key` is no single element.

    Source: SPEC.md#membership.
    """
    if len(key) != 1:
        raise ValueError(f"{len(key)} keys where there is one")
    for claims in groups:
        _require_equations(claims)
    # (0) the blocks still to judge, and whether each is known to fail as a whole
    total = sum(map(len, groups))
    invalid: list[int] = []
    waiting = [(range(total), False)] if total else []
    while waiting:
        block, known_to_fail = waiting.pop()
        if not known_to_fail and _all_hold(_part(groups, block), key, draw):
            continue
        # (1) one claim left: its equations decide, each by itself
        if len(block) == 1:
            (claim,) = _part(groups, block)
            if first_false_equation(claim, key, draw) is not None:
                invalid.append(block.start)
            continue
        # (2) halves; if the first is good, the fault is in the second, which need not be checked as a whole
        left, right = block[: len(block) // 2], block[len(block) // 2 :]
        left_holds = _all_hold(_part(groups, left), key, draw)
        waiting.append((right, left_holds))
        if not left_holds:
            waiting.append((left, True))
    return sorted(invalid)


def first_false_equation(claim: Claims, key: Elements, draw: Callable[[int], bytes] = os.urandom) -> int | None:
    """Return the number of the claim's first equation that does not hold, from 0; None if all hold.

    Weighted sums only lead to the equation; that it is false is then seen from it alone, exactly and without weights.

    Args:
        claim: one, with at least one equation.
        key: the joint key Y, one element.
        draw: as in `find_invalid`.

    Raises:
        ProtocolError: as in `find_invalid`.
        ValueError: the claim has no equation, or is not a single one.

    Source: SPEC.md#membership.
    """
    if len(claim) != 1:
        raise ValueError(f"{len(claim)} claims where there is one")
    _require_equations(claim)
    equations = range(claim.equations)
    if _part_holds(claim, equations, key, draw):
        return None
    while len(equations) > 1:
        left, right = equations[: len(equations) // 2], equations[len(equations) // 2 :]
        equations = right if _part_holds(claim, left, key, draw) else left
    alone = PublicScalars.from_ints([int(equation == equations.start) for equation in range(claim.equations)])
    return None if _is_identity([_needed(claim.fold(alone))], key) else equations.start


def _require_equations(claims: Claims) -> None:
    """Refuse claims that hold whatever was posted.

    Raises:
        ValueError: they have no equation.
    """
    if claims.equations < 1:
        raise ValueError("a claim without equations would always hold")


def _part(groups: Sequence[Claims], block: range) -> list[Claims]:
    """Return the claims at these positions, still form by form."""
    parts = []
    stop = 0
    for claims in groups:
        start, stop = stop, stop + len(claims)
        inside = range(max(block.start, start) - start, min(block.stop, stop) - start)
        if inside:
            parts.append(claims if len(inside) == len(claims) else claims[inside.start : inside.stop])
    return parts


def _part_holds(claim: Claims, equations: range, key: Elements, draw: Callable[[int], bytes]) -> bool:
    """Return whether the sum of some of a claim's equations under fresh weights is the identity."""
    before, after = _ZERO.repeat(equations.start), _ZERO.repeat(claim.equations - equations.stop)
    weights = PublicScalars.concat([before, _draw_weights(len(equations), draw), after])
    # Equations left out leave most coefficients zero, and they cost as much as others.
    return _is_identity([_needed(claim.fold(weights))], key)


def _all_hold(groups: Sequence[Claims], key: Elements, draw: Callable[[int], bytes]) -> bool:
    """Return whether the sum of all equations under fresh weights is the identity."""
    counts = [len(claims) * claims.equations for claims in groups]
    weights = _draw_weights(sum(counts), draw)
    ends = accumulate(counts)
    return _is_identity(
        [claims.fold(weights[end - count : end]) for claims, count, end in zip(groups, counts, ends, strict=True)],
        key,
    )


def _needed(folded: Folded) -> Folded:
    """Return the same sum without the elements whose coefficients are zero."""
    _require_coefficients(folded)
    used = [position for position, coefficient in enumerate(folded.coefficients.to_ints()) if coefficient]
    return folded._replace(elements=folded.elements.take(used), coefficients=folded.coefficients.take(used))


def _is_identity(sums: Sequence[Folded], key: Elements) -> bool:
    """Return whether weighted sums add up to the identity.

    Raises:
        ValueError: one has other numbers of coefficients than elements.
    """
    for folded in sums:
        _require_coefficients(folded)
    base = PublicScalars.concat([folded.base for folded in sums]).sum()
    of_key = PublicScalars.concat([folded.key for folded in sums]).sum()
    coefficients = PublicScalars.concat([*(folded.coefficients for folded in sums), base, of_key])
    elements = Elements.concat([*(folded.elements for folded in sums), BASE, key])
    return vartime_multiscalar_mul(coefficients, elements).is_identity()[0]


def _require_coefficients(folded: Folded) -> None:
    """Refuse a sum that leaves an element or a coefficient out.

    Raises:
        ValueError: there is not one coefficient for each element.
    """
    if len(folded.coefficients) != len(folded.elements):
        raise ValueError(f"{len(folded.coefficients)} coefficients for {len(folded.elements)} elements")


def _draw_weights(count: int, draw: Callable[[int], bytes]) -> PublicScalars:
    """Return so many different weights, each 1..2^128−1.

    Raises:
        ProtocolError: the source gave too few bytes, or a weight that is zero or repeated.
    """
    # One more than needed, so that a source that repeats itself shows even if there is one equation.
    weights = PublicScalars.from_short(random_bytes(WEIGHT_BYTES * (count + 1), draw))
    if not PublicScalars.concat([weights, _ZERO]).distinct():
        raise ProtocolError("the source of randomness is broken: it gives zero, or a value twice")
    return weights[:count]
