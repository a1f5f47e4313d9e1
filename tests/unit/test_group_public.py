"""Public scalars: what both engines give, said in Python integers, and what both refuse."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.group import ORDER
from tests.engines import (
    EDGES,
    ENGINES,
    agreed,
    blocks,
    elements,
    numbers,
    on_each_engine,
    paired,
    pairs_of_vectors,
    quickly,
    vectors,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def public(engine: ModuleType, values: list[int]) -> Any:  # noqa: ANN401  (engines are known by name only)
    """Return the scalars that these integers are."""
    return engine.PublicScalars.from_ints(values)


@on_each_engine
class TestLaws:
    """What the operations give, said in integers."""

    @quickly
    @given(operands=pairs_of_vectors)
    def test_operators(self, engine: ModuleType, operands: tuple[list[int], list[int]]) -> None:
        """Public scalars are integers modulo the group order; length one is repeated."""
        a, b = public(engine, operands[0]), public(engine, operands[1])
        expected = paired(*operands)

        assert (a + b).to_ints() == [(x + y) % ORDER for x, y in expected]
        assert (a - b).to_ints() == [(x - y) % ORDER for x, y in expected]
        assert (a * b).to_ints() == [x * y % ORDER for x, y in expected]
        assert (-a).to_ints() == [-x % ORDER for x in operands[0]]

    @quickly
    @given(values=vectors, more=vectors)
    def test_vectors(self, engine: ModuleType, values: list[int], more: list[int]) -> None:
        """They are joined, cut, repeated, added up and compared like lists."""
        vector = public(engine, values)

        assert len(vector) == len(values)
        assert engine.PublicScalars.concat([vector, public(engine, more)]).to_ints() == values + more
        assert vector[::2].to_ints() == values[::2]
        assert [vector[at].to_ints() for at in range(-len(values), 0)] == [[value] for value in values]
        assert vector.take(reversed(range(len(values)))).to_ints() == values[::-1]
        assert vector.repeat(3).to_ints() == values * 3
        assert vector.sum().to_ints() == [sum(values) % ORDER]
        assert vector.distinct() == (len(set(values)) == len(values))
        assert vector == public(engine, values)
        assert (vector == public(engine, more)) == (values == more)

    @quickly
    @given(data=st.data())
    def test_rows(self, engine: ModuleType, data: st.DataObject) -> None:
        """To gather is to take places of every row; to scatter is to add every value at its place."""
        width, rows = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3))
        values = data.draw(st.lists(numbers, min_size=width * rows, max_size=width * rows))
        table = [values[start : start + width] for start in range(0, len(values), width)]
        places = data.draw(st.lists(st.integers(0, width - 1), max_size=5))
        assert public(engine, values).gather(places, width).to_ints() == [row[at] for row in table for at in places]

        sums = data.draw(st.integers(1, 4))
        into = data.draw(st.lists(st.integers(0, sums - 1), min_size=width, max_size=width))
        expected = [
            sum(value for value, at in zip(row, into, strict=True) if at == place) % ORDER
            for row in table
            for place in range(sums)
        ]
        assert public(engine, values).scatter(into, sums).to_ints() == expected

    @quickly
    @given(widths=st.lists(st.integers(0, 3), max_size=3), rows=st.integers(0, 3))
    def test_rows_side_by_side(self, engine: ModuleType, widths: list[int], rows: int) -> None:
        """Row by row, the rows of all vectors in their order."""
        tables = [[list(range(10 * at, 10 * at + width))] * rows for at, width in enumerate(widths)]
        parts = [public(engine, [value for row in table for value in row]) for table in tables]
        expected = [value for number in range(rows) for table in tables for value in table[number]]
        assert engine.PublicScalars.side_by_side(parts, rows).to_ints() == expected

    @quickly
    @given(values=vectors)
    def test_products_are_those_of_the_integers(self, engine: ModuleType, values: list[int]) -> None:
        """Whatever takes public data takes it in either form."""
        vector, points = public(engine, values), elements(engine, [5] * len(values))

        assert engine.vartime_multiply_base(vector) == engine.vartime_multiply_base(values)
        assert engine.vartime_multiply(points, vector) == engine.vartime_multiply(points, values)
        assert engine.vartime_multiscalar_mul(vector, points) == engine.vartime_multiscalar_mul(values, points)

    def test_bytes(self, engine: ModuleType) -> None:
        """All encodings are little-endian; those of 16 bytes are smaller than the order, those of 64 are reduced."""
        encoded = b"".join(value.to_bytes(32, "little") for value in EDGES)
        assert engine.PublicScalars.decode(encoded).to_ints() == list(EDGES)
        assert engine.PublicScalars.decode(encoded).encode() == encoded
        assert engine.PublicScalars.from_short(b"\xff" * 16 + b"\1" + bytes(15)).to_ints() == [2**128 - 1, 1]
        assert engine.PublicScalars.from_wide(b"\xff" * 64).to_ints() == [(2**512 - 1) % ORDER]

    def test_nobody_copies_them(self, engine: ModuleType) -> None:
        """Processes are given bytes."""
        vector = public(engine, [1])
        assert repr(vector) == "<PublicScalars of 1>"
        for action in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                action(vector)
        with pytest.raises(TypeError):
            engine.PublicScalars()


@quickly
@given(data=blocks(32))
def test_encodings_that_are_refused(data: bytes) -> None:
    """Both engines take the same encodings, and name the same scalar at fault: those of `Scalars`."""
    assert agreed(lambda engine: engine.PublicScalars.decode(data)) == agreed(
        lambda engine: engine.Scalars.decode(data)
    )


@quickly
@given(data=blocks(16))
def test_short_and_wide_bytes(data: bytes) -> None:
    """Whole blocks only."""
    assert isinstance(agreed(lambda engine: engine.PublicScalars.from_short(data)), bytes) == (len(data) % 16 == 0)
    assert isinstance(agreed(lambda engine: engine.PublicScalars.from_wide(data)), bytes) == (len(data) % 64 == 0)


@pytest.mark.parametrize("value", [ORDER, 2**256 - 1])
def test_the_first_scalar_at_fault_is_named(value: int) -> None:
    """A scalar has one encoding."""
    data = bytes(32) + value.to_bytes(32, "little")
    assert agreed(lambda engine: engine.PublicScalars.decode(data)) == (
        "EncodingError",
        "scalar 1 is not below the group order",
        1,
        "",
    )


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (lambda engine: public(engine, [1, 2]) + public(engine, [1, 2, 3]), "ValueError"),
        (lambda engine: public(engine, [1, 2]) - public(engine, []), "ValueError"),
        (lambda engine: public(engine, []) * public(engine, [1, 2]), "ValueError"),
        (lambda engine: public(engine, [1, 2, 3]).gather([0], 2), "ValueError"),
        (lambda engine: public(engine, [1]).gather([], 0), "ValueError"),
        (lambda engine: public(engine, [1]).gather([0], -1), "ValueError"),
        (lambda engine: public(engine, [1, 2]).gather([2], 2), "IndexError"),
        (lambda engine: public(engine, [1, 2, 3]).scatter([0, 0], 1), "ValueError"),
        (lambda engine: public(engine, []).scatter([], 2), "ValueError"),
        (lambda engine: public(engine, [1]).scatter([0], -2), "ValueError"),
        (lambda engine: public(engine, [1]).scatter([0], 0), "IndexError"),
        (lambda engine: public(engine, [1, 2]).scatter([0, 2], 2), "IndexError"),
        (lambda engine: public(engine, [1]).repeat(-1), "ValueError"),
        (lambda engine: engine.PublicScalars.side_by_side([public(engine, [1, 2, 3])], 2), "ValueError"),
        (lambda engine: engine.PublicScalars.side_by_side([public(engine, [1])], 0), "ValueError"),
        (lambda engine: engine.PublicScalars.side_by_side([public(engine, [1])], -1), "ValueError"),
        (lambda engine: public(engine, [ORDER]), "ValueError"),
        (lambda engine: public(engine, [-1]), "ValueError"),
        (lambda engine: public(engine, [1])[1], "IndexError"),
        (lambda engine: public(engine, [1]).take([-2]), "IndexError"),
        (lambda engine: engine.vartime_multiscalar_mul(public(engine, [1]), engine.Elements.identity(2)), "ValueError"),
        (lambda engine: public(engine, [1]) + 1, "TypeError"),
        (lambda engine: public(engine, [1]) * engine.Scalars.random(), "TypeError"),
        (lambda engine: engine.Scalars.random() * public(engine, [1]), "TypeError"),
        (lambda engine: engine.Elements.identity() * public(engine, [1]), "TypeError"),
        (lambda engine: engine.multiply_base(public(engine, [1])), "TypeError"),
        (lambda engine: engine.PublicScalars.concat([engine.Scalars.random()]), "TypeError"),
        (lambda engine: engine.PublicScalars.from_ints(["1"]), "TypeError"),
        (lambda engine: engine.PublicScalars.decode(bytearray(32)), "TypeError"),
    ],
)
def test_what_is_refused(action: Callable[[ModuleType], Any], error: str) -> None:
    """Lengths, places and types that do not fit; and neither kind of scalar is taken for the other."""
    assert agreed(action) == error


def test_all_engines_were_asked() -> None:
    """An empty list of engines would pass every test above."""
    assert ENGINES
