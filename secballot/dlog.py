"""Bounded discrete logarithms: the count m of an opened tally, from m·G with 0 ≤ m ≤ bound.

Shanks's baby steps and giant steps. The bound is what the counted ballots could give at most, so a search always ends;
its cost grows with the square root of the bound until the table is full, and linearly from there on. Everything here is
public and takes variable time.

Source: SPEC.md#counts; Shanks, "Class number, a theory of factorization, and genera", 1971.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from secballot.errors import VerificationError
from secballot.group import ENCODED_BYTES, Elements, vartime_multiply_base

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BABY_STEPS: Final = 2**17
"""Most entries of the table, some 25 MB; beyond a bound of 2^34 a search takes more steps instead."""

_GIANTS_AT_ONCE: Final = 1024

_TABLES_KEPT: Final = MAX_BABY_STEPS.bit_length()
"""All that there are: together they are twice as large as the largest."""


class BoundedLog:
    """A solver of m·G for all m up to a bound; tables are shared between solvers of like bounds.

    Attributes:
        bound: the largest logarithm that is found.
    """

    def __init__(self, bound: int) -> None:
        """Prepare the table.

        Args:
            bound: largest count, 0 or more.

        Raises:
            ValueError: it is negative.
        """
        if bound < 0:
            raise ValueError("a count is at least zero")
        self.bound = bound
        steps = 1
        while steps * steps <= bound and steps < MAX_BABY_STEPS:
            steps *= 2
        self._steps = steps
        self._table = _baby_steps(steps)

    def solve(self, element: Elements) -> int:
        """Return m with m·G = element, 0..bound.

        Args:
            element: one element.

        Raises:
            VerificationError: there is no such m.
            ValueError: there is not exactly one element.

        Source: SPEC.md#counts.
        """
        if len(element) != 1:
            raise ValueError(f"{len(element)} elements where one is solved")
        # m = i + j·steps:  2·i·G = 2·(element − j·steps·G), since encodings of doubles are the cheap ones
        last = self.bound // self._steps
        for first in range(0, last + 1, _GIANTS_AT_ONCE):
            giants = range(first, min(first + _GIANTS_AT_ONCE, last + 1))
            candidates = (element - _multiples(self._steps, giants)).encode_doubles()
            for position, j in enumerate(giants):
                start = position * ENCODED_BYTES
                i = self._table.get(candidates[start : start + ENCODED_BYTES])
                if i is not None and i + j * self._steps <= self.bound:
                    return i + j * self._steps
        raise VerificationError(f"the element is no multiple of the base from 0 to {self.bound}")

    def solve_all(self, elements: Elements) -> list[int]:
        """Return the logarithm of every element, as `solve`.

        Raises:
            VerificationError: one has none.
        """
        return [self.solve(elements[position]) for position in range(len(elements))]


def _multiples(factor: int, numbers: range) -> Elements:
    """Return j·factor·G for consecutive j, mostly by additions."""
    row = vartime_multiply_base([numbers.start * factor])
    while len(row) < len(numbers):
        # Double the row: what comes next is what is there, moved on by the row's length.
        row = Elements.concat([row, row + vartime_multiply_base([len(row) * factor])])
    return row[: len(numbers)]


@lru_cache(maxsize=_TABLES_KEPT)
def _baby_steps(count: int) -> Mapping[bytes, int]:
    """Return i by the encoding of 2·i·G for i below the count, a power of two."""
    encoded = _multiples(1, range(count)).encode_doubles()
    return {encoded[i * ENCODED_BYTES : (i + 1) * ENCODED_BYTES]: i for i in range(count)}
