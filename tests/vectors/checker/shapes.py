"""Shapes of JSON values: each turns a canonical value into what it means, or raises ShapeError."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .canonical import LARGEST, Value, decode_base64
from .plain_text import is_text

if TYPE_CHECKING:
    from collections.abc import Callable


class ShapeError(Exception):
    """A value has not the shape its kind asks for."""


def integer(low: int = 0, high: int = LARGEST) -> Callable[[Value], Any]:
    """Return the shape of an integer in low..high."""

    def read(value: Value) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ShapeError("integer")
        return value

    return read


number = integer()
index = integer(1)


def boolean(value: Value) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ShapeError("boolean")
    return value


def string(value: Value) -> str:
    """Return any string."""
    if not isinstance(value, str):
        raise ShapeError("string")
    return value


def blob(size: int | None = None) -> Callable[[Value], Any]:
    """Return the shape of base64 of `size` bytes, or of any number of them."""

    def read(value: Value) -> bytes:
        data = decode_base64(string(value))
        if data is None or (size is not None and len(data) != size):
            raise ShapeError("base64")
        return data

    return read


def text(most: int | None = None, least: int = 1, *, lines: bool = False) -> Callable[[Value], Any]:
    """Return the shape of text of least..most bytes of UTF-8 (any number if `most` is None)."""

    def read(value: Value) -> str:
        content = string(value)
        if not is_text(content, lines=lines):
            raise ShapeError("text")
        if most is not None and not least <= len(content.encode()) <= most:
            raise ShapeError("size of text")
        return content

    return read


def one_of(*names: str) -> Callable[[Value], Any]:
    """Return the shape of a string out of a list."""

    def read(value: Value) -> str:
        if value not in names:
            raise ShapeError("name")
        return string(value)

    return read


def pattern(expression: str) -> Callable[[Value], Any]:
    """Return the shape of a string that matches an expression as a whole."""

    def read(value: Value) -> str:
        if re.fullmatch(expression, string(value), re.ASCII) is None:
            raise ShapeError("pattern")
        return string(value)

    return read


def array(item: Callable[[Value], Any], low: int = 0, high: int = LARGEST) -> Callable[[Value], Any]:
    """Return the shape of a list of low..high items."""

    def read(value: Value) -> list[Any]:
        if not isinstance(value, list) or not low <= len(value) <= high:
            raise ShapeError("array")
        return [item(member) for member in value]

    return read


def record(**fields: Callable[[Value], Any]) -> Callable[[Value], Any]:
    """Return the shape of an object with exactly these fields."""

    def read(value: Value) -> dict[str, Any]:
        if not isinstance(value, dict) or value.keys() != fields.keys():
            raise ShapeError("fields")
        return {name: shape(value[name]) for name, shape in fields.items()}

    return read


def both(shape: Callable[[Value], Any], holds: Callable[[Any], bool]) -> Callable[[Value], Any]:
    """Return a shape that a condition on the value must meet as well."""

    def read(value: Value) -> object:
        result = shape(value)
        if not holds(result):
            raise ShapeError("condition")
        return result

    return read


def strictly_increasing(values: list[Any]) -> bool:
    """Tell whether every value is above the one before."""
    return all(a < b for a, b in pairwise(values))


def distinct(values: list[Any]) -> bool:
    """Tell whether no value stands twice."""
    return len(set(values)) == len(values)
