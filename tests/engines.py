"""Every engine that can be loaded here, and samples on which all of them are asked the same."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from secballot import group
from secballot.errors import EncodingError
from secballot.group import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def available_engines() -> dict[str, ModuleType]:
    """Return the engines that can be loaded here."""
    engines = {}
    for name in ("native", "libsodium"):
        try:
            engines[name] = group._load_engine(name)
        except group.EngineError:
            continue
    return engines


ENGINES = available_engines()
on_each_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)

GENERATOR = group.BASE.encode()
EDGES = (0, 1, 2, 8, ORDER // 2, ORDER // 2 + 1, 2**252 - 1, 2**252, ORDER - 2, ORDER - 1)

numbers = st.one_of(st.sampled_from(EDGES), st.integers(0, ORDER - 1))
vectors = st.lists(numbers, max_size=4)
pairs_of_vectors = st.one_of(
    st.integers(0, 3).flatmap(lambda n: st.tuples(*[st.lists(numbers, min_size=n, max_size=n)] * 2)),
    st.tuples(st.lists(numbers, min_size=1, max_size=1), vectors),
    st.tuples(vectors, st.lists(numbers, min_size=1, max_size=1)),
)
quickly = settings(max_examples=30, deadline=None)


def blocks(size: int) -> st.SearchStrategy[bytes]:
    """Return byte strings, half of which are up to three whole blocks."""
    whole = st.integers(0, 3).flatmap(lambda n: st.binary(min_size=size * n, max_size=size * n))
    return st.one_of(st.binary(max_size=3 * size), whole)


def multiples(engine: ModuleType, values: list[int]) -> Any:  # noqa: ANN401  (engines are known by name only)
    """Return the elements with these discrete logarithms, by a path of their own: repeated doubling."""
    total = [engine.Elements.identity() for _ in values]
    for bit in reversed(range(ORDER.bit_length())):
        total = [element + element for element in total] if bit < ORDER.bit_length() - 1 else total
        generator = engine.Elements.decode(GENERATOR)
        total = [
            element + generator if value >> bit & 1 else element for element, value in zip(total, values, strict=True)
        ]
    return engine.Elements.concat(total)


def elements(engine: ModuleType, values: list[int]) -> Any:  # noqa: ANN401
    """Return the elements with these discrete logarithms, quickly."""
    return engine.vartime_multiply_base(values)


def paired(left: list[int], right: list[int]) -> list[tuple[int, int]]:
    """Return the pairs that an operator works on."""
    count = len(right) if len(left) == 1 else len(left)
    return list(zip(left * count if len(left) == 1 else left, right * count if len(right) == 1 else right, strict=True))


def outcome(action: Callable[[], Any]) -> object:
    """Return the bytes or value that an action gives, or all that can be told of its refusal."""
    try:
        value = action()
    except EncodingError as refusal:
        return "EncodingError", refusal.message, refusal.offset, refusal.field
    except (TypeError, ValueError, IndexError) as refusal:
        return type(refusal).__name__
    return value.encode() if hasattr(value, "encode") else value


def agreed(action: Callable[[ModuleType], Any]) -> object:
    """Return what every engine answers, after checking that it is one answer."""
    answers = {name: outcome(partial(action, engine)) for name, engine in ENGINES.items()}
    first = next(iter(answers.values()))
    assert all(answer == first for answer in answers.values()), answers
    return first
