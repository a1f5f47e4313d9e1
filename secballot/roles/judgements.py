"""The outcome of every entry of a log, two bytes each: nearly all of them are alike.

Source: SPEC.md#outcomes.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from secballot.audit.resuming import SavedJudgement, restored_judgements, saved_judgements
from secballot.record import Judgement, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

SavedJudgements = tuple[bytes, tuple[tuple[str, str], ...], tuple[SavedJudgement, ...]]
"""Number of the sort of each entry, 2 bytes little-endian; the sorts, kind and outcome; what more is said of some."""


class Judgements(Sequence[Judgement]):
    """The judgements of a log from its first entry on, in order."""

    def __init__(self) -> None:
        """Begin with none."""
        self._sorts: list[tuple[str, Outcome]] = []
        self._numbers: dict[tuple[str, Outcome], int] = {}
        self._sort_of = array("H")
        self._told: dict[int, Judgement] = {}

    def append(self, judgement: Judgement) -> None:
        """Add the judgement of the next entry."""
        sort = (judgement.kind, judgement.outcome)
        number = self._numbers.setdefault(sort, len(self._sorts))
        if number == len(self._sorts):
            self._sorts.append(sort)
        if judgement.check is not None or judgement.culprit is not None or judgement.reason:
            self._told[len(self._sort_of)] = judgement
        self._sort_of.append(number)

    def packed(self) -> SavedJudgements:
        """Return them as plain values."""
        column = self._sort_of
        if sys.byteorder == "big":
            column = array("H", column)
            column.byteswap()
        sorts = tuple((kind, outcome.value) for kind, outcome in self._sorts)
        return column.tobytes(), sorts, saved_judgements(self._told.values())

    @classmethod
    def unpacked(cls, values: SavedJudgements) -> Judgements:
        """Return the judgements that `packed` wrote.

        Raises:
            ValueError: an outcome is none.
        """
        numbers, sorts, told = values
        judgements = cls()
        judgements._sorts = [(kind, Outcome(outcome)) for kind, outcome in sorts]
        judgements._numbers = {sort: number for number, sort in enumerate(judgements._sorts)}
        judgements._sort_of.frombytes(numbers)
        if sys.byteorder == "big":
            judgements._sort_of.byteswap()
        judgements._told = {judgement.index: judgement for judgement in restored_judgements(told)}
        return judgements

    @overload
    def __getitem__(self, index: int) -> Judgement: ...
    @overload
    def __getitem__(self, index: slice) -> list[Judgement]: ...
    def __getitem__(self, index: int | slice) -> Judgement | list[Judgement]:
        """Return the judgement at an index, or those of a slice."""
        everywhere = range(len(self._sort_of))
        if isinstance(index, slice):
            return [self._at(place) for place in everywhere[index]]
        return self._at(everywhere[index])

    def _at(self, place: int) -> Judgement:
        told = self._told.get(place)
        if told is not None:
            return told
        kind, outcome = self._sorts[self._sort_of[place]]
        return Judgement(place, kind, outcome)

    def __iter__(self) -> Iterator[Judgement]:
        """Yield them in order."""
        return map(self._at, range(len(self._sort_of)))

    def __len__(self) -> int:
        """Return how many entries were judged."""
        return len(self._sort_of)

    def __eq__(self, other: object) -> bool:
        """Tell whether another sequence has the same judgements."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_is_same, self, other))

    __hash__ = None  # type: ignore[assignment]  # it grows


def _is_same(one: object, other: object) -> bool:
    return one == other
