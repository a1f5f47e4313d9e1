"""The group ristretto255 (RFC 9496) over the points of `edwards`."""

from __future__ import annotations

from .edwards import BASE, ORDER, SQRT_M1, D, P, Point, add

INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P
GENERATOR = BASE
ELEMENT_SIZE = 32


def _magnitude(x: int) -> int:
    x %= P
    return P - x if x & 1 else x


def sqrt_ratio_m1(u: int, v: int) -> tuple[bool, int]:
    """Return (u/v is a square, √(u/v) or √(√−1·u/v), non-negative) as RFC 9496 §3.1 states it."""
    u, v = u % P, v % P
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped, flipped_i = check == u, check == -u % P, check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    return correct or flipped, _magnitude(r)


def decode(data: bytes, *, identity_allowed: bool = False) -> Point | None:
    """Return the element of a canonical encoding, or None (also for the identity unless it is allowed)."""
    if len(data) != ELEMENT_SIZE:
        return None
    s = int.from_bytes(data, "little")
    if s >= P or s & 1 or (s == 0 and not identity_allowed):
        return None
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    u2_sqr = u2 * u2 % P
    v = (-(D * u1 * u1) - u2_sqr) % P
    square, inverse = sqrt_ratio_m1(1, v * u2_sqr)
    den_x = inverse * u2 % P
    den_y = inverse * den_x * v % P
    x = _magnitude(2 * s * den_x)
    y = u1 * den_y % P
    t = x * y % P
    if not square or t & 1 or y == 0:
        return None
    return Point(x, y, 1, t)


def encode(p: Point) -> bytes:
    """Return the canonical 32 bytes of an element."""
    u1 = (p.z + p.y) * (p.z - p.y) % P
    u2 = p.x * p.y % P
    _, inverse = sqrt_ratio_m1(1, u1 * u2 * u2)
    den1, den2 = inverse * u1 % P, inverse * u2 % P
    z_inv = den1 * den2 * p.t % P
    if p.t * z_inv % P & 1:
        x, y, den = p.y * SQRT_M1 % P, p.x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, den = p.x, p.y, den2
    if x * z_inv % P & 1:
        y = -y % P
    return _magnitude(den * (p.z - y)).to_bytes(ELEMENT_SIZE, "little")


def equal(p: Point, q: Point) -> bool:
    """Tell whether two points represent one element."""
    return (p.x * q.y - p.y * q.x) % P == 0 or (p.y * q.y - p.x * q.x) % P == 0


def is_identity(p: Point) -> bool:
    """Tell whether a point represents the identity element."""
    return p.x % P == 0 or p.y % P == 0


def scalar(data: bytes) -> int | None:
    """Return the scalar of 32 little-endian bytes below ℓ, or None."""
    number = int.from_bytes(data, "little")
    return number if len(data) == ELEMENT_SIZE and number < ORDER else None


def _map(t: int) -> Point:
    r = SQRT_M1 * t * t % P
    u = (r + 1) * ONE_MINUS_D_SQ % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio_m1(u, v)
    c = P - 1
    if not square:
        s, c = -_magnitude(s * t) % P, r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
    w0, w1, w2, w3 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P, (1 - s * s) % P, (1 + s * s) % P
    return Point(w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)


def derive(data: bytes) -> Point:
    """Return the element RFC 9496 §4.3.4 derives from 64 uniform bytes."""
    mask = (1 << 255) - 1
    first, second = (int.from_bytes(part, "little") & mask for part in (data[:32], data[32:64]))
    return add(_map(first), _map(second))
