"""Both engines: the group laws against integers, what they refuse, what they hide, and that they agree.

Elements are made as multiples of the generator, so that integers modulo the group order say what every operation must
give. Where no native engine is built, the libsodium engine is tested alone.
"""

from __future__ import annotations

import copy
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secballot import group
from secballot.group import ORDER
from tests.engines import (
    EDGES,
    ENGINES,
    GENERATOR,
    agreed,
    blocks,
    elements,
    multiples,
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


def test_the_engine_in_use_is_among_those_tested() -> None:
    """An empty list of engines would pass every test below."""
    assert group.engine_name() in ENGINES


@on_each_engine
class TestLaws:
    """What the operations give, said in integers."""

    def test_multiplication_is_repeated_addition(self, engine: ModuleType) -> None:
        """The quick way to make elements, on which the tests below rest, agrees with doubling and adding."""
        values = [*EDGES, 123456789 << 200]
        assert elements(engine, values) == multiples(engine, values)

    @quickly
    @given(operands=pairs_of_vectors)
    def test_element_operators(self, engine: ModuleType, operands: tuple[list[int], list[int]]) -> None:
        """Sum, difference and multiple of elements are those of the logarithms; length one is repeated."""
        left, right = operands
        a, b = elements(engine, left), elements(engine, right)
        scalars = engine.Scalars.from_ints(right)
        expected = paired(left, right)

        assert a + b == elements(engine, [(x + y) % ORDER for x, y in expected])
        assert a - b == elements(engine, [(x - y) % ORDER for x, y in expected])
        assert a * scalars == elements(engine, [x * y % ORDER for x, y in expected])
        assert engine.vartime_multiply(a, right) == a * scalars

    @quickly
    @given(operands=pairs_of_vectors)
    def test_scalar_operators(self, engine: ModuleType, operands: tuple[list[int], list[int]]) -> None:
        """Scalars are integers modulo the group order."""
        left, right = operands
        a, b = engine.Scalars.from_ints(left), engine.Scalars.from_ints(right)
        expected = paired(left, right)

        assert (a + b).to_ints() == [(x + y) % ORDER for x, y in expected]
        assert (a - b).to_ints() == [(x - y) % ORDER for x, y in expected]
        assert (a * b).to_ints() == [x * y % ORDER for x, y in expected]

    @quickly
    @given(values=vectors)
    def test_unary_operations_and_sums(self, engine: ModuleType, values: list[int]) -> None:
        """Negation, sums and the identity, also of nothing at all."""
        points, scalars = elements(engine, values), engine.Scalars.from_ints(values)
        negated = [-value % ORDER for value in values]

        assert -points == elements(engine, negated)
        assert (-scalars).to_ints() == negated
        assert points.sum() == elements(engine, [sum(values) % ORDER])
        assert scalars.sum().to_ints() == [sum(values) % ORDER]
        assert points.is_identity() == [value == 0 for value in values]

    @quickly
    @given(base=numbers, values=vectors)
    def test_fixed_bases(self, engine: ModuleType, base: int, values: list[int]) -> None:
        """A table multiplies like the operator, for every base, the identity and the generator among them."""
        element, scalars = elements(engine, [base]), engine.Scalars.from_ints(values)
        table = engine.FixedBase(element)

        assert table.multiply(scalars) == element * scalars
        assert table.multiply_encode(scalars) == (element * scalars).encode()
        assert engine.multiply_base(scalars) == engine.Elements.decode(GENERATOR) * scalars

    @quickly
    @given(values=vectors)
    def test_encodings_of_doubles(self, engine: ModuleType, values: list[int]) -> None:
        """What is encoded is twice the element, the identity included."""
        points = elements(engine, values)

        assert points.encode_doubles() == (points + points).encode()

    @quickly
    @given(operands=pairs_of_vectors, bits=st.sampled_from([1, 2, 7, 8, 9, 252, 253]))
    def test_short_multiples(self, engine: ModuleType, operands: tuple[list[int], list[int]], bits: int) -> None:
        """Scalars of few bits multiply like any others, and longer ones are refused."""
        points, values = elements(engine, operands[0]), operands[1]
        short = engine.Scalars.from_ints([value & ((1 << bits) - 1) for value in values])

        assert points.multiply_short(short, bits) == points * short
        if len(points) and any(value >> bits for value in values):
            with pytest.raises(ValueError, match=f"a scalar has more than {bits} bits"):
                points.multiply_short(engine.Scalars.from_ints(values), bits)

    @quickly
    @given(terms=st.lists(st.tuples(numbers, numbers), max_size=6))
    @example(terms=[])
    @example(terms=[(0, 5), (5, 0), (ORDER - 1, 1), (1, 1)])
    def test_multiscalar_multiplication(self, engine: ModuleType, terms: list[tuple[int, int]]) -> None:
        """The sum of multiples is that of the products; of no terms it is the identity."""
        points = elements(engine, [logarithm for _, logarithm in terms])
        result = engine.vartime_multiscalar_mul([scalar for scalar, _ in terms], points)

        assert result == elements(engine, [sum(scalar * logarithm for scalar, logarithm in terms) % ORDER])

    def test_multiscalar_multiplication_of_many_terms(self, engine: ModuleType) -> None:
        """Long vectors take another algorithm in the native engine; the answer is the same."""
        logarithms = [pow(3, n, ORDER) for n in range(600)]
        scalars = [pow(5, n, ORDER) for n in range(600)]
        expected = sum(a * b for a, b in zip(logarithms, scalars, strict=True)) % ORDER

        assert engine.vartime_multiscalar_mul(scalars, elements(engine, logarithms)) == elements(engine, [expected])

    @quickly
    @given(values=st.lists(numbers, min_size=1, max_size=5), data=st.data())
    def test_selection(self, engine: ModuleType, values: list[int], data: st.DataObject) -> None:
        """Subscripts, slices, take and concat select as lists do."""
        points, scalars = elements(engine, values), engine.Scalars.from_ints(values)
        index = data.draw(st.integers(-len(values), len(values) - 1))
        window = data.draw(st.slices(len(values)))
        indices = data.draw(st.lists(st.integers(-len(values), len(values) - 1), max_size=7))

        assert len(points) == len(scalars) == len(values)
        assert points[index] == elements(engine, [values[index]])
        assert scalars[index].to_ints() == [values[index]]
        assert points[window] == elements(engine, values[window])
        assert scalars[window].to_ints() == values[window]
        assert points.take(indices) == elements(engine, [values[i] for i in indices])
        assert scalars.take(indices).to_ints() == [values[i] for i in indices]
        assert engine.Elements.concat([points, points[:0], points[:1]]) == elements(engine, values + values[:1])
        assert engine.Scalars.concat([scalars, scalars[:0], scalars[:1]]).to_ints() == values + values[:1]

    def test_equality_is_of_all_values_and_of_the_length(self, engine: ModuleType) -> None:
        """One different element, or one more, makes a vector another one; another type is never equal."""
        points = elements(engine, [1, 2, 3])

        assert points == elements(engine, [1, 2, 3])
        assert points != elements(engine, [1, 2, 4])
        assert points != points[:2]
        assert points != points.encode()
        assert engine.Elements.concat([]) == engine.Elements.identity(0)

    def test_wide_bytes_are_reduced(self, engine: ModuleType) -> None:
        """64 bytes give the integer modulo the group order, as `reduce_wide` does for public data."""
        samples = [bytes(64), b"\xff" * 64, ORDER.to_bytes(64, "little"), (ORDER * 5 + 7).to_bytes(64, "little")]

        assert engine.Scalars.from_wide(b"".join(samples)).to_ints() == [group.reduce_wide(data) for data in samples]

    @pytest.mark.attack("OP-07")
    def test_random_scalars_are_the_operating_systems_bytes(
        self, engine: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each scalar takes 64 bytes of `os.urandom`; two draws differ."""
        assert len(set(engine.Scalars.random(20).to_ints())) == 20

        monkeypatch.setattr(os, "urandom", lambda size: bytes(range(256))[:size])
        expected = [group.reduce_wide(bytes(range(64))), group.reduce_wide(bytes(range(64, 128)))]
        assert engine.Scalars.random(2).to_ints() == expected
        assert engine.Scalars.random().to_ints() == expected[:1]


@on_each_engine
class TestSecrecy:
    """Scalars show nothing by accident, and no vector leaves the process unasked."""

    def test_representations_show_the_count_only(self, engine: ModuleType) -> None:
        """Neither repr nor str nor format holds a digit of a value."""
        scalars = engine.Scalars.from_ints([77777777, 1])

        assert {repr(scalars), str(scalars), f"{scalars}"} == {"<redacted Scalars of 2>"}
        assert repr(elements(engine, [5, 6, 7])) == "<Elements of 3>"

    @pytest.mark.parametrize("action", [copy.copy, copy.deepcopy, pickle.dumps, lambda x: pickle.dumps(x, 0)])
    def test_copies_are_refused(self, engine: ModuleType, action: Callable[[object], object]) -> None:
        """Nothing of the group is copied or pickled, not even inside something else."""
        scalars, points = engine.Scalars.from_ints([3]), elements(engine, [3])
        for value in (scalars, points, engine.FixedBase(points)):
            with pytest.raises(TypeError):
                action(value)
        with pytest.raises(TypeError):
            pickle.dumps({"secret": scalars})

    def test_scalars_are_compared_by_name_only(self, engine: ModuleType) -> None:
        """`==` and hashing are refused, since neither says how long it takes; `equals` does not."""
        a, b = engine.Scalars.from_ints([1, 2]), engine.Scalars.from_ints([1, 3])

        assert a.equals(engine.Scalars.from_ints([1, 2]))
        assert not a.equals(b)
        assert not a.equals(a[:1])
        for action in (lambda: a == a[:], lambda: a != b, lambda: a < b, lambda: hash(a), lambda: a in [b, b]):
            with pytest.raises(TypeError):
                action()

    def test_elements_cannot_be_hashed_or_made_without_a_check(self, engine: ModuleType) -> None:
        """There is no way to an element or a scalar but the checked ones."""
        with pytest.raises(TypeError):
            hash(elements(engine, [1]))
        for kind in (engine.Elements, engine.Scalars):
            with pytest.raises(TypeError):
                kind()
            with pytest.raises((AttributeError, TypeError)):
                kind.decode(b"").value = b""

    def test_values_cannot_be_given_attributes(self, engine: ModuleType) -> None:
        """Vectors are immutable: nothing is hung on them."""
        with pytest.raises(AttributeError):
            elements(engine, [1]).label = "mine"


def test_scalars_of_libsodium_are_overwritten_when_they_go() -> None:
    """The memory that a vector of scalars leaves behind holds zeroes."""
    scalars = ENGINES["libsodium"].Scalars.random(2)
    memory = scalars._cells
    assert any(memory)

    del scalars

    assert memory == bytes(64)


class TestAgreement:
    """Every engine gives the same bytes, and refuses the same with the same words and position."""

    @given(data=blocks(32))
    def test_any_bytes_as_elements(self, data: bytes) -> None:
        """Decoding gives a value that encodes to the same bytes, or EncodingError."""
        for answer in (
            agreed(lambda engine: engine.Elements.decode(data)),
            agreed(lambda engine: engine.Elements.decode(data, allow_identity=True)),
        ):
            assert answer == data or (isinstance(answer, tuple) and answer[0] == "EncodingError")

    @given(
        changes=st.lists(
            st.tuples(st.sampled_from([1, 2, 3]), st.integers(0, 255), st.booleans()), min_size=1, max_size=4
        )
    )
    def test_elements_with_flipped_bits(self, changes: list[tuple[int, int, bool]]) -> None:
        """Near misses are judged alike, wherever in the vector they are."""
        encodings = []
        for logarithm, bit, flip in changes:
            number = int.from_bytes(group.vartime_multiply_base([logarithm]).encode(), "little") ^ (flip << bit)
            encodings.append(number.to_bytes(32, "little"))

        answer = agreed(lambda engine: engine.Elements.decode(b"".join(encodings)))

        if not any(flip for _, _, flip in changes):
            assert answer == b"".join(encodings)

    @given(values=st.lists(st.one_of(numbers, st.integers(0, 2**256 - 1)), max_size=3))
    @example(values=[ORDER])
    @example(values=[5, ORDER + 5])
    @example(values=[7 | 1 << 255])
    def test_any_numbers_as_scalars(self, values: list[int]) -> None:
        """Scalars are taken below the group order only; the first that is not is named."""
        data = b"".join(value.to_bytes(32, "little") for value in values)
        answer = agreed(lambda engine: engine.Scalars.decode(data))

        wrong = [index for index, value in enumerate(values) if value >= ORDER]
        if wrong:
            assert answer == ("EncodingError", f"scalar {wrong[0]} is not below the group order", wrong[0], "")
        else:
            assert answer == data

    @given(data=blocks(64))
    @example(data=bytes(range(128)))
    def test_wide_and_uniform_bytes(self, data: bytes) -> None:
        """Reduction and the map to elements take whole blocks of 64 bytes only."""
        for answer in (
            agreed(lambda engine: engine.Scalars.from_wide(data)),
            agreed(lambda engine: engine.hash_to_element(data)),
        ):
            assert isinstance(answer, bytes) == (len(data) % 64 == 0)

    @pytest.mark.parametrize("values", [[-1], [ORDER], [0, 2**256], [1, 2, ORDER], [-(2**300)]])
    def test_integers_out_of_range(self, values: list[int]) -> None:
        """Integers are not reduced in silence, whichever way they come in."""
        assert agreed(lambda engine: engine.Scalars.from_ints(values)) == "ValueError"
        assert agreed(lambda engine: engine.vartime_multiply_base(values)) == "ValueError"
        assert agreed(lambda engine: engine.vartime_multiply(engine.Elements.identity(), values)) == "ValueError"
        many = len(values)
        refused = agreed(lambda engine: engine.vartime_multiscalar_mul(values, engine.Elements.identity(many)))
        assert refused == "ValueError"

    @pytest.mark.parametrize(
        "action",
        [
            lambda engine: engine.Elements.identity(2) + engine.Elements.identity(3),
            lambda engine: engine.Elements.identity(2) - engine.Elements.identity(0),
            lambda engine: engine.Elements.identity(2) * engine.Scalars.random(3),
            lambda engine: engine.Scalars.random(2) + engine.Scalars.random(3),
            lambda engine: engine.Scalars.random(2) - engine.Scalars.random(3),
            lambda engine: engine.Scalars.random(0) * engine.Scalars.random(2),
            lambda engine: engine.vartime_multiply(engine.Elements.identity(2), [1, 2, 3]),
            lambda engine: engine.vartime_multiscalar_mul([1], engine.Elements.identity(2)),
            lambda engine: engine.vartime_multiscalar_mul([1, 2], engine.Elements.identity(1)),
            lambda engine: engine.FixedBase(engine.Elements.identity(2)),
            lambda engine: engine.FixedBase(engine.Elements.identity(0)),
            lambda engine: engine.Elements.identity(-1),
            lambda engine: engine.Scalars.random(-1),
            lambda engine: engine.Elements.identity(2).multiply_short(engine.Scalars.from_ints([1, 1, 1]), 1),
            lambda engine: engine.Elements.identity(2).multiply_short(engine.Scalars.from_ints([1, 2]), 1),
            lambda engine: engine.Elements.identity().multiply_short(engine.Scalars.from_ints([0]), 0),
            lambda engine: engine.Elements.identity().multiply_short(engine.Scalars.from_ints([0]), -1),
            lambda engine: engine.Elements.identity().multiply_short(engine.Scalars.from_ints([0]), 254),
        ],
    )
    def test_lengths_that_do_not_fit(self, action: Callable[[ModuleType], Any]) -> None:
        """Vectors of different lengths are never cut or padded."""
        assert agreed(action) == "ValueError"

    @pytest.mark.parametrize("index", [2, -3, 2**80, -(2**80)])
    def test_positions_that_are_not_there(self, index: int) -> None:
        """There is no element behind the last or before the first."""
        assert agreed(lambda engine: engine.Elements.identity(2)[index]) == "IndexError"
        assert agreed(lambda engine: engine.Scalars.random(2)[index]) == "IndexError"
        assert agreed(lambda engine: engine.Elements.identity(2).take([0, index])) == "IndexError"

    @pytest.mark.parametrize(
        "action",
        [
            lambda engine: engine.Elements.decode(bytearray(32), allow_identity=True),
            lambda engine: engine.Elements.decode(memoryview(bytes(32)), allow_identity=True),
            lambda engine: engine.Elements.decode("0" * 32),
            lambda engine: engine.Elements.decode(bytes(32), True),
            lambda engine: engine.Scalars.decode(32),
            lambda engine: engine.Scalars.from_wide(None),
            lambda engine: engine.hash_to_element([1] * 64),
            lambda engine: engine.Scalars.from_ints([1.0]),
            lambda engine: engine.Scalars.from_ints(["1"]),
            lambda engine: engine.Scalars.from_ints(7),
            lambda engine: engine.Scalars.random(1).equals(b""),
            lambda engine: engine.Scalars.random(1) + 1,
            lambda engine: 1 + engine.Scalars.random(1),
            lambda engine: engine.Scalars.random(1) * engine.Elements.identity(),
            lambda engine: engine.Elements.identity() * 2,
            lambda engine: engine.Elements.identity() + engine.Scalars.random(1),
            lambda engine: engine.Elements.identity()["0"],
            lambda engine: engine.Elements.identity().take(["0"]),
            lambda engine: engine.Elements.concat([engine.Scalars.random(1)]),
            lambda engine: engine.Scalars.concat([engine.Elements.identity()]),
            lambda engine: engine.FixedBase(engine.Scalars.random(1)),
            lambda engine: engine.FixedBase(engine.Elements.identity()).multiply([1]),
            lambda engine: engine.Elements.identity().multiply_short([1], 1),
            lambda engine: engine.Elements.identity().multiply_short(engine.Scalars.from_ints([1]), 1.5),
            lambda engine: engine.Elements.identity().multiply_short(engine.Scalars.from_ints([1]), None),
            lambda engine: engine.Elements.identity().multiply_short(engine.Scalars.random(1)),
            lambda engine: engine.multiply_base([1]),
            lambda engine: engine.multiply_base(engine.Elements.identity()),
            lambda engine: engine.Elements.identity() - engine.Scalars.random(1),
            lambda engine: engine.vartime_multiply(engine.Scalars.random(1), [1]),
            lambda engine: engine.vartime_multiscalar_mul([1], engine.Scalars.random(1)),
        ],
    )
    def test_arguments_of_another_type(self, action: Callable[[ModuleType], Any]) -> None:
        """Numbers, strings and the other kind of vector are not taken for what they are not."""
        assert agreed(action) == "TypeError"
