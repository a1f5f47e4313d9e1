"""Which encodings of points of edwards25519 are those of keys: every engine and PyNaCl say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nacl import bindings

from secballot import signing
from secballot.errors import EncodingError, InvalidSignatureError
from secballot.signing import SigningKey, VerifyKey, check_verify_keys
from tests.engines import ENGINES, agreed, on_each_engine, quickly
from tests.vectors.checker.edwards import ORDER, P, add, compress, decompress, multiply

if TYPE_CHECKING:
    from types import ModuleType

SIGN = 1 << 255
EIGHTH = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
"""A point of order 8; its multiples are all points of small order."""

KEYS = [SigningKey.from_seed(bytes([number]) * 32).verify_key.encode() for number in range(1, 9)]


def small() -> list[bytes]:
    """Return the eight points whose order divides 8."""
    point = decompress(EIGHTH)
    assert point is not None
    return [compress(multiply(number, point)) for number in range(8)]


def shifted(key: bytes) -> list[bytes]:
    """Return a key plus every point of small order but the identity."""
    point = decompress(key)
    assert point is not None
    torsion = [decompress(encoded) for encoded in small()]
    return [compress(add(point, one)) for one in torsion[1:] if one is not None]


def spellings() -> list[bytes]:
    """Return every small y and every y that two numbers below 2^255 spell, under both signs."""
    numbers = [*range(100), *range(P, 2**255)]
    return [(y | sign).to_bytes(32, "little") for y in numbers for sign in (0, SIGN)]


def verdicts(engine: ModuleType, points: list[bytes]) -> list[bool]:
    """Return what an engine says of these points, after comparing it with libsodium's own check."""
    found = engine.vartime_prime_order(b"".join(points))
    assert found == [bool(bindings.crypto_core_ed25519_is_valid_point(point)) for point in points]
    assert isinstance(found, list)
    return found


@on_each_engine
class TestVerdicts:
    """One engine, and libsodium's check as PyNaCl has it."""

    def test_keys_are_accepted(self, engine: ModuleType) -> None:
        """Points of prime order, and their opposites."""
        opposite = [(int.from_bytes(key, "little") ^ SIGN).to_bytes(32, "little") for key in KEYS]
        assert all(verdicts(engine, KEYS + opposite))

    def test_points_of_small_order_are_refused(self, engine: ModuleType) -> None:
        """The identity, and the seven others."""
        assert len(set(small())) == 8
        assert not any(verdicts(engine, small()))

    def test_points_of_mixed_order_are_refused(self, engine: ModuleType) -> None:
        """A key plus any point of small order is on the curve and outside the subgroup; eight times it is inside."""
        mixed = [point for key in KEYS for point in shifted(key)]
        assert len(set(mixed)) == 7 * len(KEYS)
        assert not any(verdicts(engine, mixed))
        assert not any(verdicts(engine, list(signing._MIXED_ORDER_POINTS)))

    def test_only_one_spelling_is_accepted(self, engine: ModuleType) -> None:
        """A y that is not reduced, and a sign where x is zero, spell points that have another encoding."""
        found = dict(zip(spellings(), verdicts(engine, spellings()), strict=True))
        assert not any(found[spelling] for spelling in spellings() if int.from_bytes(spelling, "little") % SIGN >= P)
        assert any(found.values())
        minus_one = [(P - 1).to_bytes(32, "little"), (P - 1 | SIGN).to_bytes(32, "little")]
        assert not any(verdicts(engine, [(1 | SIGN).to_bytes(32, "little"), *minus_one]))

    def test_each_is_judged_by_itself(self, engine: ModuleType) -> None:
        """Neighbours change nothing, wherever they are; of no points nothing is said."""
        bad = [small()[0], small()[1], shifted(KEYS[0])[0], b"\xff" * 32, (2).to_bytes(32, "little")]
        mingled = [point for pair in zip(KEYS, bad, strict=False) for point in pair]
        assert verdicts(engine, mingled) == [True, False] * len(bad)
        assert verdicts(engine, []) == []

    @quickly
    @given(st.lists(st.binary(min_size=32, max_size=32), max_size=8))
    def test_of_any_bytes_libsodium_says_the_same(self, engine: ModuleType, points: list[bytes]) -> None:
        """Half of all y are on the curve, and one in eight of these in the subgroup."""
        verdicts(engine, points)

    @pytest.mark.parametrize("size", [1, 31, 33, 63])
    def test_bytes_that_are_left_over_are_malformed(self, engine: ModuleType, size: int) -> None:
        """A point has 32 bytes."""
        with pytest.raises(EncodingError, match="point"):
            engine.vartime_prime_order(bytes(size))


@quickly
@given(st.binary(max_size=100))
@example(b"")
def test_engines_agree(data: bytes) -> None:
    """On any bytes, and on how they refuse what is left over."""
    assert ENGINES
    agreed(lambda engine: engine.vartime_prime_order(data))


def test_many_keys_are_checked_as_one_by_one() -> None:
    """`check_verify_keys` accepts exactly if `VerifyKey` accepts each."""
    check_verify_keys(KEYS)
    check_verify_keys([])
    for bad in [*small(), *shifted(KEYS[0]), b"\xff" * 32, ORDER.to_bytes(32, "little")]:
        with pytest.raises(InvalidSignatureError):
            VerifyKey(bad)
        for place in (0, 3, len(KEYS)):
            with pytest.raises(InvalidSignatureError):
                check_verify_keys([*KEYS[:place], bad, *KEYS[place:]])
    with pytest.raises(EncodingError):
        check_verify_keys([KEYS[0], KEYS[1][:31], KEYS[2] + b"\0"])


def test_the_module_refuses_an_engine_that_accepts_mixed_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that errs stops the import, as a library does."""
    monkeypatch.setattr(signing, "vartime_prime_order", lambda data: [True] * (len(data) // 32))
    with pytest.raises(ImportError, match="prime-order"):
        signing._check_library()
