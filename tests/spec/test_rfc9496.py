"""RFC 9496, ristretto255: the vectors of Appendix A, and a second implementation in integers that judges the engines.

The engines do not offer SQRT_RATIO_M1 by itself, so the vectors of Appendix A.4 are put to the second implementation,
which decodes, encodes and derives elements with nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secballot import group
from secballot.errors import EncodingError
from secballot.group import BASE, Elements, hash_to_element

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "ristretto255"

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235

Point = tuple[int, int]


def absolute(x: int) -> int:
    """Return whichever of x and −x is not negative, that is, even."""
    return -x % P if x % P & 1 else x % P


def sqrt_ratio_m1(u: int, v: int) -> tuple[bool, int]:
    """Return whether u/v is a square, and the root of u/v or of SQRT_M1·u/v (§4.2)."""
    r = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    check = v * r * r % P
    flipped = check == -u % P
    if flipped or check == -u * SQRT_M1 % P:
        r = r * SQRT_M1 % P
    return check == u % P or flipped, absolute(r)


def decoded(data: bytes) -> Point | None:
    """Return the affine point that the bytes stand for, or None (§4.3.1)."""
    s = int.from_bytes(data, "little")
    if s >= P or s & 1:
        return None
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    was_square, inverse_root = sqrt_ratio_m1(1, v * u2 * u2 % P)
    x = absolute(2 * s * inverse_root * u2)
    y = u1 * inverse_root * inverse_root * u2 * v % P
    return None if not was_square or x * y % P & 1 or y == 0 else (x, y)


def encoded(point: Point) -> bytes:
    """Return the one encoding of all points that stand for the same element (§4.3.2)."""
    x, y = point
    t = x * y % P
    u1 = (1 - y * y) % P
    _, inverse_root = sqrt_ratio_m1(1, u1 * t * t % P)
    den1, den2 = inverse_root * u1 % P, inverse_root * t % P
    z_inverse = den1 * den2 * t % P
    den_inverse = den2
    if t * z_inverse % P & 1:
        x, y = y * SQRT_M1 % P, x * SQRT_M1 % P
        den_inverse = den1 * sqrt_ratio_m1(1, (-1 - D) % P)[1] % P
    if x * z_inverse % P & 1:
        y = -y % P
    return absolute(den_inverse * (1 - y)).to_bytes(32, "little")


def mapped(data: bytes) -> Point:
    """Return the point that MAP gives for 32 bytes (§4.3.4)."""
    t = (int.from_bytes(data, "little") & (2**255 - 1)) % P
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio_m1(u, v)
    s, c = (s, -1) if was_square else (-absolute(s * t) % P, r)
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P, (1 - s * s) % P, (1 + s * s) % P
    return w0 * pow(w1, -1, P) % P, w2 * pow(w3, -1, P) % P


def added(a: Point, b: Point) -> Point:
    """Return the sum of two points of the curve −x² + y² = 1 + D·x²·y²."""
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, P) % P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P
    return x, y


def vectors(section: str) -> Iterator[dict[str, str]]:
    """Yield the vectors of a section of Appendix A, which lie in two files."""
    for name in ("rfc9496.json", "rfc9496_rest.json"):
        yield from json.loads((VECTORS / name).read_text(encoding="utf-8")).get(section, [])


MULTIPLES = [bytes.fromhex(str(value)) for value in vectors("A.1_multiples_of_generator")]
BAD = [(vector["reason"], bytes.fromhex(vector["encoding"])) for vector in vectors("A.2_invalid_encodings")]
DERIVATIONS = [(bytes.fromhex(v["input"]), bytes.fromhex(v["output"])) for v in vectors("A.3_element_derivation")]
ROOTS = list(vectors("A.4_sqrt_ratio_m1"))


def test_all_vectors_of_appendix_a_are_here() -> None:
    """A.1 has 16 multiples, A.2 29 encodings, A.3 seven derivations and four with one output, A.4 six ratios."""
    assert [len(MULTIPLES), len({data for _, data in BAD}), len(DERIVATIONS), len(ROOTS)] == [16, 29, 11, 6]


def test_generator_and_order_are_the_published_ones() -> None:
    """The generator is B[1], and the order times it is the identity."""
    last = group.vartime_multiply_base([group.ORDER - 1])

    assert BASE.encode() == MULTIPLES[1]
    assert (last + BASE).is_identity() == [True]


def test_multiples_of_the_generator_by_addition() -> None:
    """A.1: each encoding is the one before it plus the generator."""
    multiple = Elements.identity()
    for expected in MULTIPLES:
        assert multiple.encode() == expected
        multiple = multiple + BASE


def test_multiples_of_the_generator_by_multiplication() -> None:
    """A.1: every way to multiply gives the published encodings, of which the first is the identity's."""
    numbers = range(len(MULTIPLES))
    scalars = group.Scalars.from_ints(numbers)
    table = group.FixedBase(BASE)
    expected = b"".join(MULTIPLES)

    assert (BASE * scalars).encode() == expected
    assert group.multiply_base(scalars).encode() == expected
    assert table.multiply(scalars).encode() == expected
    assert table.multiply_encode(scalars) == expected
    assert group.vartime_multiply_base(numbers).encode() == expected
    assert group.vartime_multiply(BASE, numbers).encode() == expected
    assert [group.vartime_multiscalar_mul([number], BASE).encode() for number in numbers] == MULTIPLES


def test_multiples_of_the_generator_are_decoded() -> None:
    """A.1: what is published as an encoding is taken, the identity only where it is allowed."""
    assert Elements.decode(b"".join(MULTIPLES), allow_identity=True).encode() == b"".join(MULTIPLES)
    with pytest.raises(EncodingError) as refusal:
        Elements.decode(b"".join(MULTIPLES))
    assert refusal.value.offset == 0


@pytest.mark.attack("EN-01")
@pytest.mark.parametrize(("reason", "data"), BAD, ids=[f"{reason}-{data.hex()[:6]}" for reason, data in BAD])
def test_bad_encodings_are_refused_wherever_they_stand(reason: str, data: bytes) -> None:
    """A.2: each is refused alone, and behind good ones with its index."""
    for before in (b"", MULTIPLES[1] + MULTIPLES[2]):
        with pytest.raises(EncodingError) as refusal:
            Elements.decode(before + data + MULTIPLES[3], allow_identity=True)
        assert refusal.value.offset == len(before) // 32, reason


def test_published_bad_element_of_frost_is_refused() -> None:
    """The FROST suite's own sample of an invalid element is one here."""
    text = (VECTORS / "frost_invalid_element.json").read_text(encoding="utf-8")
    with pytest.raises(EncodingError):
        Elements.decode(bytes.fromhex(json.loads(text)["elements"]["invalid_element"]))


def test_elements_are_derived_from_uniform_bytes() -> None:
    """A.3: one by one and as one vector; four of the inputs have the same element."""
    together = hash_to_element(b"".join(data for data, _ in DERIVATIONS)).encode()

    assert together == b"".join(output for _, output in DERIVATIONS)
    assert [hash_to_element(data).encode() for data, _ in DERIVATIONS] == [output for _, output in DERIVATIONS]


def test_roots_of_ratios_in_the_second_implementation() -> None:
    """A.4: the vectors that only the second implementation can be asked."""
    for vector in ROOTS:
        u, v, r = (int.from_bytes(bytes.fromhex(vector[name]), "little") for name in "uvr")
        was_square, root = sqrt_ratio_m1(u, v)
        assert (str(was_square), root) == (str(vector["was_square"]), r)


def test_second_implementation_meets_the_vectors() -> None:
    """A judge that were wrong about A.1 to A.3 could acquit anything."""
    base = decoded(MULTIPLES[1])
    assert base is not None
    multiple: Point = (0, 1)
    for expected in MULTIPLES:
        assert encoded(multiple) == expected
        multiple = added(multiple, base)
    assert [decoded(data) for _, data in BAD] == [None] * len(BAD)
    for data, expected in DERIVATIONS:
        assert encoded(added(mapped(data[:32]), mapped(data[32:]))) == expected


small_changes = st.builds(
    lambda base, bit: (int.from_bytes(base, "little") ^ 1 << bit).to_bytes(32, "little"),
    st.sampled_from(MULTIPLES),
    st.integers(0, 255),
)
near_the_prime = st.integers(P - 40, P + 40).map(lambda s: s.to_bytes(32, "little"))
even_numbers = st.integers(0, (P - 1) // 2).map(lambda half: (2 * half).to_bytes(32, "little"))


@given(data=st.one_of(st.binary(min_size=32, max_size=32), small_changes, near_the_prime, even_numbers))
@example(data=bytes(32))
@example(data=b"\xff" * 32)
@example(data=MULTIPLES[1][:31] + bytes([MULTIPLES[1][31] | 0x80]))
def test_decoding_agrees_with_the_second_implementation(data: bytes) -> None:
    """Any 32 bytes are taken by both or by neither, and what is taken encodes to the same bytes again."""
    point = decoded(data)
    if point is None:
        with pytest.raises(EncodingError):
            Elements.decode(data, allow_identity=True)
    else:
        assert Elements.decode(data, allow_identity=True).encode() == data == encoded(point)


@given(data=st.binary(min_size=64, max_size=64))
@example(data=bytes(64))
@example(data=b"\xff" * 64)
def test_derivation_agrees_with_the_second_implementation(data: bytes) -> None:
    """Any 64 bytes give the same element in both."""
    assert hash_to_element(data).encode() == encoded(added(mapped(data[:32]), mapped(data[32:])))


@given(first=st.binary(min_size=64, max_size=64), second=st.binary(min_size=64, max_size=64))
def test_addition_agrees_with_the_second_implementation(first: bytes, second: bytes) -> None:
    """The sum and difference of two elements are those of the points that stand for them."""
    left, right = hash_to_element(first), hash_to_element(second)
    a, b = decoded(left.encode()), decoded(right.encode())
    assert a is not None
    assert b is not None

    assert (left + right).encode() == encoded(added(a, b))
    assert (left - right).encode() == encoded(added(a, (-b[0] % P, b[1])))
