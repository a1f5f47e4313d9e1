"""RFC 8032, Ed25519: published vectors, and the edge cases on which libraries differ.

The acceptance rule of `secballot.signing` is written out here a second time, in integers, and every edge case is judged
by both.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from secballot.errors import SecballotError
from secballot.signing import SigningKey, VerifyKey, verify

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "ed25519"
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    """Return the sum of two points of the curve."""
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, P) % P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P
    return x, y


def multiply(scalar: int, point: Point) -> Point:
    """Return the multiple of a point."""
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


@cache
def decode(data: bytes) -> Point | None:
    """Return the point that the bytes encode canonically, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else P - x), y


@cache
def is_strict(data: bytes) -> bool:
    """Tell whether the bytes are a canonical point of the prime-order subgroup other than the identity."""
    point = decode(data)
    return point is not None and point != IDENTITY and multiply(L, point) == IDENTITY


def accepts(key: bytes, message: bytes, signature: bytes) -> bool:
    """Judge a signature by the equations of SPEC.md#signatures."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L or not (is_strict(key) and is_strict(r)):
        return False
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    base = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    a = decode(key)
    assert base is not None
    assert a is not None
    expected = add(multiply(s, base), multiply(k, (P - a[0], a[1])))
    return expected == decode(r)


def library_accepts(key: bytes, message: bytes, signature: bytes) -> bool:
    """Judge a signature by the library, where only our own errors count as a refusal."""
    try:
        verify(VerifyKey(key), message, signature)
    except SecballotError:
        return False
    return True


def wycheproof() -> list[Any]:
    """Return every test as key, message, signature, expectation."""
    groups = json.loads((VECTORS / "wycheproof_ed25519.json").read_text())["testGroups"]
    return [
        pytest.param(
            bytes.fromhex(group["publicKey"]["pk"]),
            bytes.fromhex(test["msg"]),
            bytes.fromhex(test["sig"]),
            test["result"] == "valid",
            id=str(test["tcId"]),
        )
        for group in groups
        for test in group["tests"]
    ]


@pytest.mark.parametrize(("key", "message", "signature", "valid"), wycheproof())
def test_wycheproof(key: bytes, message: bytes, signature: bytes, *, valid: bool) -> None:
    """Every case is settled as published."""
    assert library_accepts(key, message, signature) is valid


def test_signatures_of_the_reference_implementation_are_reproduced() -> None:
    """Keys, and signatures byte for byte; the first lines are TEST 1 to 3 of RFC 8032 §7.1."""
    lines = (VECTORS / "sign.input.head256").read_text().splitlines()
    assert len(lines) == 256
    for line in lines:
        secret, public, message, signed, _ = line.split(":")
        key = SigningKey.from_seed(bytes.fromhex(secret)[:32])
        assert key.verify_key.encode().hex() == public
        assert (key.sign(bytes.fromhex(message)).hex() + message) == signed
        verify(VerifyKey(bytes.fromhex(public)), bytes.fromhex(message), bytes.fromhex(signed)[:64])


def edge_cases() -> list[tuple[bytes, bytes, bytes, frozenset[str]]]:
    """Return the matrix of edge cases: key, message, signature, flags."""
    return [
        (bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]), frozenset(case["flags"] or ()))
        for case in json.loads((VECTORS / "cctv_ed25519vectors.json").read_text())
    ]


@pytest.mark.attack("EN-05")
def test_edge_cases_are_judged_as_the_equations_say() -> None:
    """Library and equations agree on each of the 914 cases."""
    cases = edge_cases()
    assert len(cases) == 914
    for key, message, signature, flags in cases:
        assert library_accepts(key, message, signature) is accepts(key, message, signature), (key.hex(), flags)


def test_edge_cases_with_any_flag_of_low_order_or_spelling_are_refused() -> None:
    """Accepted are only the cases without low order, mixed order or a second spelling, anywhere."""
    verdicts = {flags: set() for *_, flags in edge_cases()}  # type: dict[frozenset[str], set[bool]]
    for key, message, signature, flags in edge_cases():
        verdicts[flags].add(library_accepts(key, message, signature))
    accepted = {flags for flags, verdict in verdicts.items() if True in verdict}
    assert accepted == {frozenset()}
    assert verdicts[frozenset()] == {True}


def encode(point: Point) -> bytes:
    """Return the 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


@pytest.mark.parametrize("torsion", range(8))
def test_a_commitment_shifted_by_a_point_of_small_order_is_refused(torsion: int) -> None:
    """Made with the secret scalar, such signatures are right up to the cofactor; only the unshifted one counts."""
    base = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    eighth = decode(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
    assert base is not None
    assert eighth is not None
    for nonce in (0, 77):
        a = 2**200 + 12345
        key = encode(multiply(a, base))
        r = encode(add(multiply(nonce, base), multiply(torsion, eighth)))
        k = int.from_bytes(hashlib.sha512(r + key + b"m").digest(), "little") % L
        signature = r + ((nonce + k * a) % L).to_bytes(32, "little")
        assert library_accepts(key, b"m", signature) is accepts(key, b"m", signature) is (nonce == 77 and torsion == 0)
