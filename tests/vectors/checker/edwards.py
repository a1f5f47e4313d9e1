"""Points of edwards25519 in extended coordinates, with multiplication of one or several points by scalars."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
D2 = 2 * D % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
WINDOW = 4


class Point(NamedTuple):
    """A point (x/z, y/z) with t = x·y/z."""

    x: int
    y: int
    z: int
    t: int


IDENTITY = Point(0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    """Return p + q (complete formulas for a = −1)."""
    a = (p.y - p.x) * (q.y - q.x) % P
    b = (p.y + p.x) * (q.y + q.x) % P
    c = p.t * D2 % P * q.t % P
    d = 2 * p.z * q.z % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return Point(e * f % P, g * h % P, f * g % P, e * h % P)


def double(p: Point) -> Point:
    """Return p + p."""
    a = p.x * p.x % P
    b = p.y * p.y % P
    c = 2 * p.z * p.z % P
    s = p.x + p.y
    h = a + b
    e = h - s * s % P
    g = a - b
    f = c + g
    return Point(e * f % P, g * h % P, f * g % P, e * h % P)


def negate(p: Point) -> Point:
    """Return −p."""
    return Point(-p.x % P, p.y, p.z, -p.t % P)


def subtract(p: Point, q: Point) -> Point:
    """Return p − q."""
    return add(p, negate(q))


def _table(p: Point) -> list[Point]:
    """Return 0·p … 15·p."""
    row = [IDENTITY, p]
    while len(row) < 1 << WINDOW:
        row.append(add(row[-1], p))
    return row


@lru_cache(maxsize=64)
def _cached_table(p: Point) -> list[Point]:
    return _table(p)


def combine(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    """Return Σ scalar·point (Straus, windows of four bits)."""
    rows = [(scalar % ORDER, _cached_table(point)) for scalar, point in zip(scalars, points, strict=True)]
    top = max((scalar.bit_length() for scalar, _ in rows), default=0)
    total = IDENTITY
    for shift in range((top + WINDOW - 1) // WINDOW * WINDOW - WINDOW, -1, -WINDOW):
        total = double(double(double(double(total))))
        for scalar, row in rows:
            digit = scalar >> shift & 15
            if digit:
                total = add(total, row[digit])
    return total


def multiply(scalar: int, point: Point) -> Point:
    """Return scalar·point for a point of prime order (the scalar is reduced modulo ℓ)."""
    return combine([scalar], [point])


def times_order(point: Point) -> Point:
    """Return ℓ·point for any point of the curve."""
    total = IDENTITY
    for bit in f"{ORDER:b}":
        total = double(total)
        if bit == "1":
            total = add(total, point)
    return total


def same_point(p: Point, q: Point) -> bool:
    """Tell whether two representations are one point of the curve."""
    return (p.x * q.z - q.x * p.z) % P == 0 and (p.y * q.z - q.y * p.z) % P == 0


def compress(p: Point) -> bytes:
    """Return the canonical 32-byte encoding of RFC 8032."""
    inverse = pow(p.z, -1, P)
    x, y = p.x * inverse % P, p.y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompress(data: bytes) -> Point | None:
    """Return the point of a canonical 32-byte encoding, or None."""
    if len(data) != 32:
        return None
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * SQRT_M1 % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return Point(x, y, 1, x * y % P)


def _base_point() -> Point:
    y = 4 * pow(5, -1, P) % P
    point = decompress(y.to_bytes(32, "little"))
    if point is None:
        raise ArithmeticError("the base point is on the curve")
    return point


BASE = _base_point()


@lru_cache(maxsize=1)
def _base_rows() -> list[list[Point]]:
    rows, step = [], BASE
    for _ in range(64):
        rows.append(_table(step))
        for _ in range(WINDOW):
            step = double(step)
    return rows


def multiply_base(scalar: int) -> Point:
    """Return scalar·B."""
    total, scalar = IDENTITY, scalar % ORDER
    for row in _base_rows():
        total = add(total, row[scalar & 15])
        scalar >>= WINDOW
    return total
