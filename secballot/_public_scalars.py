"""Public scalars of the libsodium engine, as Python integers: for what everybody may know that is the quickest way.

Only `_sodium` imports this module; `secballot.group` explains the interface.
"""

# The values of a vector are nobody's business but this class's.
# ruff: noqa: SLF001

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, NoReturn, Self, SupportsIndex, final

from secballot.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_SIZE = 32
_SHORT = 16
_WIDE = 64
_ORDER = 2**252 + 27742317777372353535851937790883648493


def whole(data: object, size: int, what: str) -> bytes:
    """Return the data if it is bytes that divide into values of that size."""
    if not isinstance(data, bytes):
        raise TypeError(f"bytes are needed, not {type(data).__name__}")
    if len(data) % size:
        raise EncodingError(f"{len(data)} bytes are not a whole number of {what} encodings of {size} bytes")
    return data


def as_count(n: int) -> int:
    """Return n if it can be a count."""
    if n < 0:
        raise ValueError("a count cannot be negative")
    return n


def checked_ints(values: Sequence[object]) -> list[int]:
    """Return the values if they are integers below the group order."""
    checked = []
    for index, value in enumerate(values):
        if not isinstance(value, int):
            raise TypeError(f"item {index} is not an integer")
        if not 0 <= value < _ORDER:
            raise ValueError(f"integer {index} is not between 0 and the group order")
        checked.append(value)
    return checked


def ints_encoded(values: Sequence[int]) -> bytes:
    """Return the encodings of integers below the group order."""
    return b"".join([value.to_bytes(_SIZE, "little") for value in values])


def _ints_of(data: bytes, size: int) -> list[int]:
    """Return the little-endian integers of so many bytes each."""
    return [int.from_bytes(data[start : start + size], "little") for start in range(0, len(data), size)]


@final
class PublicScalars:
    """An immutable vector of public integers modulo the group order; see `secballot.group`."""

    __slots__ = ("_values",)
    __hash__ = None  # type: ignore[assignment]

    _values: list[int]

    def __new__(cls) -> Self:
        raise TypeError(f"make {cls.__name__} with decode()")

    @classmethod
    def _holding(cls, values: list[int]) -> Self:
        """Return a vector of values that are known to be below the group order."""
        vector = object.__new__(cls)
        vector._values = values
        return vector

    @staticmethod
    def decode(data: bytes) -> PublicScalars:
        """Decode canonical 32-byte little-endian encodings; EncodingError.offset is the first index at fault."""
        values = _ints_of(whole(data, _SIZE, "scalar"), _SIZE)
        for index, value in enumerate(values):
            if value >= _ORDER:
                raise EncodingError(f"scalar {index} is not below the group order", offset=index)
        return PublicScalars._holding(values)

    @staticmethod
    def from_short(data: bytes) -> PublicScalars:
        """Return little-endian integers of 16 bytes each."""
        return PublicScalars._holding(_ints_of(whole(data, _SHORT, "short scalar"), _SHORT))

    @staticmethod
    def from_wide(data: bytes) -> PublicScalars:
        """Reduce little-endian integers of 64 bytes each modulo the group order."""
        values = _ints_of(whole(data, _WIDE, "wide scalar"), _WIDE)
        return PublicScalars._holding([value % _ORDER for value in values])

    @staticmethod
    def from_ints(values: Sequence[int]) -> PublicScalars:
        """Return the scalars that integers below the group order are."""
        return PublicScalars._holding(checked_ints(values))

    @staticmethod
    def concat(parts: Sequence[PublicScalars]) -> PublicScalars:
        """Join vectors in order."""
        if not all(isinstance(part, PublicScalars) for part in parts):
            raise TypeError("all parts must be PublicScalars")
        return PublicScalars._holding([value for part in parts for value in part._values])

    @staticmethod
    def side_by_side(parts: Sequence[PublicScalars], rows: int) -> PublicScalars:
        """Join vectors row by row: each has so many rows, and those of one number are put one behind the other."""
        for part in parts:
            if len(part) % rows if as_count(rows) else len(part):
                raise ValueError(f"vectors of lengths {len(part)} and {rows} do not match")
        widths = [len(part) // rows if rows else 0 for part in parts]
        return PublicScalars._holding(
            [
                value
                for row in range(rows)
                for part, width in zip(parts, widths, strict=True)
                for value in part._values[row * width : (row + 1) * width]
            ]
        )

    def encode(self) -> bytes:
        """Return the canonical encodings, 32 bytes little-endian each."""
        return ints_encoded(self._values)

    def to_ints(self) -> list[int]:
        """Return the scalars as integers."""
        return list(self._values)

    def take(self, indices: Iterable[int]) -> PublicScalars:
        """Return the scalars at these indices, in this order; an index may repeat."""
        return PublicScalars._holding([self._values[index] for index in indices])

    def repeat(self, times: int) -> PublicScalars:
        """Return the vector so many times, one behind the other."""
        return PublicScalars._holding(self._values * as_count(times))

    def gather(self, places: Sequence[int], width: int) -> PublicScalars:
        """Return of every row of so many scalars those at these places, in this order; a place may repeat."""
        places = _places(places, width)
        return PublicScalars._holding([row[place] for row in self._rows(width) for place in places])

    def scatter(self, places: Sequence[int], width: int) -> PublicScalars:
        """Return for every row of as many scalars as places so many sums: each scalar is added at its place."""
        places = _places(places, width)
        sums: list[int] = []
        for row in self._rows(len(places)):
            own = [0] * width
            for place, value in zip(places, row, strict=True):
                own[place] += value
            sums += own
        return PublicScalars._holding([value % _ORDER for value in sums])

    def sum(self) -> PublicScalars:
        """Return the sum of all scalars as a vector of length one; zero for an empty vector."""
        return PublicScalars._holding([sum(self._values) % _ORDER])

    def distinct(self) -> bool:
        """Tell whether no two of the scalars are equal."""
        return len(set(self._values)) == len(self._values)

    def _rows(self, width: int) -> list[list[int]]:
        if not width or len(self._values) % width:
            raise ValueError(f"vectors of lengths {len(self._values)} and {width} do not match")
        return [self._values[start : start + width] for start in range(0, len(self._values), width)]

    def _with(self, function: Callable[[int, int], int], other: PublicScalars) -> PublicScalars:
        """Return function(left, right) modulo the group order for each pair; a vector of length one is repeated."""
        left, right = self._values, other._values
        if len(left) != len(right) and 1 not in {len(left), len(right)}:
            raise ValueError(f"vectors of lengths {len(left)} and {len(right)} do not match")
        if len(left) != len(right):
            left, right = (left * len(right), right) if len(left) == 1 else (left, right * len(left))
        return PublicScalars._holding([value % _ORDER for value in map(function, left, right)])

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: SupportsIndex | slice) -> PublicScalars:
        return PublicScalars._holding(self._values[key] if isinstance(key, slice) else [self._values[key]])

    def __add__(self, other: PublicScalars) -> PublicScalars:
        return self._with(operator.add, other) if isinstance(other, PublicScalars) else NotImplemented

    def __sub__(self, other: PublicScalars) -> PublicScalars:
        return self._with(operator.sub, other) if isinstance(other, PublicScalars) else NotImplemented

    def __mul__(self, other: PublicScalars) -> PublicScalars:
        return self._with(operator.mul, other) if isinstance(other, PublicScalars) else NotImplemented

    def __neg__(self) -> PublicScalars:
        return PublicScalars._holding([-value % _ORDER for value in self._values])

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, PublicScalars) else NotImplemented

    def __repr__(self) -> str:
        return f"<PublicScalars of {len(self)}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("PublicScalars cannot be copied or pickled")


def _places(places: Sequence[int], width: int) -> list[int]:
    """Return positions in rows of this width, counted from their beginning."""
    everywhere = range(as_count(width))
    return [everywhere[place] for place in places]
