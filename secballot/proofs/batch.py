"""Many equations Σ s_i·P_i = O checked with one multi-scalar multiplication, and the culprits found if one is false.

Every equation gets a weight of 128 fresh random bits, drawn after all claims are fixed; the weighted sum of true
equations is the identity, and a sum with a false one is so with probability 2^−128. With constant or foreseeable
weights two errors could be made to cancel. So a source of randomness that gives zero, gives a weight twice, or gives
too little is refused.

- A block that fails is halved until single claims are left.
- A claim is reported as invalid only after one of its equations was found false by itself, without weights: no error
  of the batch can exclude anybody's ballot.
- The verdicts are those of single verification, whatever the order of the claims and however they are cut into blocks.

Source: SPEC.md#membership; Bellare, Garay and Rabin, EUROCRYPT '98 (small exponents test).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol

from secballot.errors import ProtocolError
from secballot.group import BASE, ORDER, Elements, vartime_multiscalar_mul
from secballot.randomness import random_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WEIGHT_BYTES: Final = 16
"""Bytes of randomness in the weight of one equation."""


class Claim(Protocol):
    """A set of equations over decoded elements, the base G and the key Y, that hold together or not."""

    @property
    def elements(self) -> Elements:
        """Return the claim's own elements."""
        ...

    @property
    def equations(self) -> int:
        """Return how many equations the claim has, at least one."""
        ...

    def fold(self, weights: Sequence[int]) -> tuple[list[int], int, int]:
        """Return the weighted sum of the equations as coefficients of the elements, of G and of Y.

        Args:
            weights: one per equation, 0..ℓ−1.
        """
        ...


def find_invalid(claims: Sequence[Claim], key: Elements, draw: Callable[[int], bytes] = os.urandom) -> list[int]:
    """Return the positions of the claims that have a false equation, in increasing order; none if all hold.

    Args:
        claims: all fixed before the call; checked as one block.
        key: the joint key Y, one element.
        draw: gives so many bytes that nobody could foresee.

    Raises:
        ProtocolError: `draw` gave too few bytes, or a weight that is zero or repeated.
        ValueError: a claim has no equation, which anything would satisfy; or `key` is no single element.

    Source: SPEC.md#membership.
    """
    if len(key) != 1:
        raise ValueError(f"{len(key)} keys where there is one")
    if any(claim.equations < 1 for claim in claims):
        raise ValueError("a claim without equations would always hold")
    # (0) the blocks still to judge, and whether each is known to fail as a whole
    invalid: list[int] = []
    waiting = [(range(len(claims)), False)] if claims else []
    while waiting:
        block, known_to_fail = waiting.pop()
        if not known_to_fail and _all_hold([claims[position] for position in block], key, draw):
            continue
        # (1) one claim left: its equations decide, each by itself
        if len(block) == 1:
            if first_false_equation(claims[block.start], key, draw) is not None:
                invalid.append(block.start)
            continue
        # (2) halves; if the first is good, the fault is in the second, which need not be checked as a whole
        left, right = block[: len(block) // 2], block[len(block) // 2 :]
        left_holds = _all_hold([claims[position] for position in left], key, draw)
        waiting.append((right, left_holds))
        if not left_holds:
            waiting.append((left, True))
    return sorted(invalid)


def first_false_equation(claim: Claim, key: Elements, draw: Callable[[int], bytes] = os.urandom) -> int | None:
    """Return the number of the claim's first equation that does not hold, from 0; None if all hold.

    Weighted sums only lead to the equation; that it is false is then seen from it alone, exactly and without weights.

    Args:
        claim: with at least one equation.
        key: the joint key Y, one element.
        draw: as in `find_invalid`.

    Raises:
        ProtocolError: as in `find_invalid`.
        ValueError: the claim has no equation.

    Source: SPEC.md#membership.
    """
    if claim.equations < 1:
        raise ValueError("a claim without equations would always hold")
    equations = range(claim.equations)
    if _part_holds(claim, equations, key, draw):
        return None
    while len(equations) > 1:
        left, right = equations[: len(equations) // 2], equations[len(equations) // 2 :]
        equations = right if _part_holds(claim, left, key, draw) else left
    alone = [int(equation == equations.start) for equation in range(claim.equations)]
    return None if _sums_to_identity([claim], [alone], key) else equations.start


def _part_holds(claim: Claim, equations: range, key: Elements, draw: Callable[[int], bytes]) -> bool:
    """Return whether the sum of some of a claim's equations under fresh weights is the identity."""
    fresh = _draw_weights(len(equations), draw)
    weights = [0] * equations.start + fresh + [0] * (claim.equations - equations.stop)
    return _sums_to_identity([claim], [weights], key)


def _all_hold(claims: Sequence[Claim], key: Elements, draw: Callable[[int], bytes]) -> bool:
    """Return whether the sum of all equations under fresh weights is the identity."""
    weights = _draw_weights(sum(claim.equations for claim in claims), draw)
    shares = []
    start = 0
    for claim in claims:
        shares.append(weights[start : start + claim.equations])
        start += claim.equations
    return _sums_to_identity(claims, shares, key)


def _sums_to_identity(claims: Sequence[Claim], weights: Sequence[Sequence[int]], key: Elements) -> bool:
    """Return whether the weighted equations add up to the identity.

    Raises:
        ValueError: a claim gave other numbers of coefficients than it has elements.
    """
    coefficients: list[int] = []
    base_coefficient = key_coefficient = 0
    for claim, shares in zip(claims, weights, strict=True):
        own, base, of_key = claim.fold(shares)
        if len(own) != len(claim.elements):
            raise ValueError(f"{len(own)} coefficients for {len(claim.elements)} elements")
        coefficients += own
        base_coefficient += base
        key_coefficient += of_key
    coefficients += (base_coefficient % ORDER, key_coefficient % ORDER)
    elements = Elements.concat([*(claim.elements for claim in claims), BASE, key])
    # A single equation leaves most coefficients zero, and they cost as much as others.
    if 0 in coefficients:
        used = [position for position, coefficient in enumerate(coefficients) if coefficient]
        coefficients = [coefficients[position] for position in used]
        elements = elements.take(used)
    return vartime_multiscalar_mul(coefficients, elements).is_identity()[0]


def _draw_weights(count: int, draw: Callable[[int], bytes]) -> list[int]:
    """Return so many different weights, each 1..2^128−1.

    Raises:
        ProtocolError: the source gave too few bytes, or a weight that is zero or repeated.
    """
    # One more than needed, so that a source that repeats itself shows even if there is one equation.
    data = random_bytes(WEIGHT_BYTES * (count + 1), draw)
    weights = [
        int.from_bytes(data[start : start + WEIGHT_BYTES], "little") for start in range(0, len(data), WEIGHT_BYTES)
    ]
    if 0 in weights or len(set(weights)) != len(weights):
        raise ProtocolError("the source of randomness is broken: it gives zero, or a value twice")
    return weights[:count]
