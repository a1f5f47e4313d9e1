"""The libsodium engine: the interface of `_group.pyi` over the library that PyPI's `rbcl` carries.

Only `secballot.group` imports this module, and only where the native engine is missing or not wanted.

What libsodium leaves to its caller is settled here once, so that no operation need think of it:
- Its check of an encoding overlooks bit 255; numbers not below the field's prime are refused before it is asked.
- Its point functions answer an invalid operand with the identity. An `Elements` or `Scalars` exists only after every
  value in it was checked, or as a result of the library, so no operand is ever invalid.
- Multiplication masks bit 255 and takes unreduced scalars; `Scalars` holds reduced ones only.
- Multiplication reports failure if the result is the identity, after writing the identity. Operands being valid, it
  has no other cause, so the report is ignored: a zero scalar takes the same path as any other.

Secrets live in bytearrays that are overwritten when their vector goes; only the library computes with them.
"""

# The cells of a vector are nobody's business but this module's, whose classes and functions work on them together.
# ruff: noqa: SLF001

from __future__ import annotations

import ctypes
import hmac
import operator
import os
from typing import TYPE_CHECKING, ClassVar, NoReturn, Self, SupportsIndex, TypeVar, final

from nacl.bindings import crypto_core_ed25519_is_valid_point as is_valid_edwards_point

from secballot import _libsodium
from secballot._public_scalars import PublicScalars as PublicScalars  # noqa: PLC0414  # part of the interface
from secballot._public_scalars import as_count, checked_ints, ints_encoded, whole
from secballot.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_SIZE = 32
_WIDE = 64
_BITS = 253
_PRIME = 2**255 - 19
_GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def _address(cells: bytearray) -> int:
    """Return where the bytes are; they stay there, since no vector is ever resized."""
    return ctypes.addressof(ctypes.c_char.from_buffer(cells)) if cells else 0


def _wipe(cells: bytearray) -> None:
    """Overwrite the bytes in place."""
    cells[:] = bytes(len(cells))


class _Vector:
    """Values of 32 bytes each, side by side; made by the functions of this module only."""

    __slots__ = ("_at", "_cells")

    _at: int
    _cells: bytearray
    _plus: ClassVar[Callable[..., int]]
    _minus: ClassVar[Callable[..., int]]

    def __new__(cls) -> Self:
        raise TypeError(f"make {cls.__name__} with decode()")

    @classmethod
    def _blank(cls, count: int) -> Self:
        """Return so many zero values, to be written by the library before anyone else sees them."""
        vector = object.__new__(cls)
        vector._cells = bytearray(_SIZE * count)
        vector._at = _address(vector._cells)
        return vector

    @classmethod
    def _holding(cls, data: bytes | bytearray) -> Self:
        """Return a vector of values that are known to be valid."""
        vector = cls._blank(len(data) // _SIZE)
        vector._cells[:] = data
        return vector

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Join vectors in order."""
        if not all(type(part) is cls for part in parts):
            raise TypeError(f"all parts must be {cls.__name__}")
        vector = cls._blank(sum(map(len, parts)))
        start = 0
        for part in parts:
            end = start + len(part._cells)
            vector._cells[start:end] = part._cells
            start = end
        return vector

    def _where(self) -> range:
        """Return the address of each value."""
        return range(self._at, self._at + len(self._cells), _SIZE)

    def take(self, indices: Iterable[int]) -> Self:
        """Return the values at these indices, in this order; an index may repeat."""
        everywhere = range(len(self))
        positions = [everywhere[index] for index in indices]
        vector = self._blank(len(positions))
        values = memoryview(self._cells)
        for index, position in enumerate(positions):
            vector._cells[_SIZE * index : _SIZE * (index + 1)] = values[_SIZE * position : _SIZE * (position + 1)]
        return vector

    def sum(self) -> Self:
        """Return the sum of all values as a vector of length one; the neutral value for an empty vector."""
        total = self._blank(1)
        for where in self._where():
            self._plus(total._at, total._at, where)
        return total

    def __len__(self) -> int:
        return len(self._cells) // _SIZE

    def __add__(self, other: Self) -> Self:
        return _combined(self._plus, self, other, type(self)) if type(other) is type(self) else NotImplemented

    def __sub__(self, other: Self) -> Self:
        return _combined(self._minus, self, other, type(self)) if type(other) is type(self) else NotImplemented

    def __getitem__(self, key: SupportsIndex | slice) -> Self:
        everywhere = range(len(self))
        return self.take(everywhere[key] if isinstance(key, slice) else [everywhere[key]])

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")


_Result = TypeVar("_Result", bound=_Vector)


def _mapped(function: Callable[..., int], values: _Vector, result: type[_Result]) -> _Result:
    """Return function(value) for each value."""
    out = result._blank(len(values))
    for target, value in zip(out._where(), values._where(), strict=True):
        function(target, value)
    return out


def _combined(function: Callable[..., int], left: _Vector, right: _Vector, result: type[_Result]) -> _Result:
    """Return function(left, right) for each pair; a vector of length one is repeated for the other."""
    lengths = (len(left), len(right))
    if lengths[0] != lengths[1] and 1 not in lengths:
        raise ValueError(f"vectors of lengths {lengths[0]} and {lengths[1]} do not match")
    count = lengths[1] if lengths[0] == 1 else lengths[0]
    out = result._blank(count)
    left_step, right_step = (_SIZE if length != 1 else 0 for length in lengths)
    for index, target in enumerate(out._where()):
        function(target, left._at + left_step * index, right._at + right_step * index)
    return out


@final
class Elements(_Vector):
    """An immutable vector of ristretto255 elements; see `secballot.group`."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    _plus = _libsodium.point_add
    _minus = _libsodium.point_sub

    @staticmethod
    def decode(data: bytes, *, allow_identity: bool = False) -> Elements:
        """Decode canonical 32-byte encodings (RFC 9496 §4.3.1); EncodingError.offset is the first index at fault."""
        vector = Elements._holding(whole(data, _SIZE, "element"))
        for index, where in enumerate(vector._where()):
            number = int.from_bytes(data[_SIZE * index : _SIZE * (index + 1)], "little")
            if number >= _PRIME or _libsodium.is_valid_point(where) != 1:
                raise EncodingError(f"element {index} is not a canonical ristretto255 encoding", offset=index)
            if not (number or allow_identity):
                raise EncodingError(f"element {index} is the identity", offset=index)
        return vector

    @staticmethod
    def identity(n: int = 1) -> Elements:
        """Return n copies of the identity."""
        return Elements._blank(as_count(n))

    def encode(self) -> bytes:
        """Return the canonical encodings, 32 bytes each."""
        return bytes(self._cells)

    def encode_doubles(self) -> bytes:
        """Return the encodings of twice each element, 32 bytes each."""
        return (self + self).encode()

    def multiply_short(self, scalars: Scalars, bits: int) -> Elements:
        """Return element times scalar, position by position, for scalars below 2^bits; 1 to 253 bits."""
        if not isinstance(scalars, Scalars):
            raise TypeError("secret scalars are Scalars")
        products = self * scalars
        if not 1 <= operator.index(bits) <= _BITS:
            raise ValueError("a scalar has 1 to 253 bits")
        if len(products) and scalars._longest() > bits:
            raise ValueError(f"a scalar has more than {bits} bits")
        return products

    def is_identity(self) -> list[bool]:
        """Tell for each element whether it is the identity."""
        return [not any(self._cells[start : start + _SIZE]) for start in range(0, len(self._cells), _SIZE)]

    def __neg__(self) -> Elements:
        return _combined(_libsodium.point_sub, Elements.identity(), self, Elements)

    def __mul__(self, scalars: Scalars) -> Elements:
        # The library takes the scalar first.
        return (
            _combined(_libsodium.point_multiply, scalars, self, Elements)
            if isinstance(scalars, Scalars)
            else NotImplemented
        )

    def __eq__(self, other: object) -> bool:
        return self._cells == other._cells if isinstance(other, Elements) else NotImplemented

    def __repr__(self) -> str:
        return f"<Elements of {len(self)}>"


@final
class Scalars(_Vector):
    """An immutable vector of secret integers modulo the group order; see `secballot.group`."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    _plus = _libsodium.scalar_add
    _minus = _libsodium.scalar_sub

    def __del__(self) -> None:
        self._cells[:] = bytes(len(self._cells))  # not _wipe: it may be gone when the program ends

    @staticmethod
    def decode(data: bytes) -> Scalars:
        """Decode canonical 32-byte little-endian encodings; EncodingError.offset is the first index at fault."""
        vector = Scalars._holding(whole(data, _SIZE, "scalar"))
        reduced, padded = Scalars._blank(1), bytearray(_WIDE)
        try:
            for index in range(len(vector)):
                encoding = memoryview(vector._cells)[_SIZE * index : _SIZE * (index + 1)]
                padded[:_SIZE] = encoding
                _libsodium.scalar_reduce(reduced._at, _address(padded))
                if not hmac.compare_digest(reduced._cells, encoding):
                    raise EncodingError(f"scalar {index} is not below the group order", offset=index)
        finally:
            _wipe(padded)
        return vector

    @staticmethod
    def from_wide(data: bytes) -> Scalars:
        """Reduce little-endian integers of 64 bytes each modulo the group order."""
        wide = bytearray(whole(data, _WIDE, "wide scalar"))
        vector = Scalars._blank(len(wide) // _WIDE)
        start = _address(wide)
        for index, target in enumerate(vector._where()):
            _libsodium.scalar_reduce(target, start + _WIDE * index)
        _wipe(wide)
        return vector

    @staticmethod
    def from_ints(values: Sequence[int]) -> Scalars:
        """Return scalars of integers below the group order that are public or small: this takes variable time."""
        return Scalars._holding(ints_encoded(checked_ints(values)))

    @staticmethod
    def random(n: int = 1) -> Scalars:
        """Return n scalars, each uniform, from 64 bytes of the operating system's randomness."""
        return Scalars.from_wide(os.urandom(_WIDE * as_count(n)))

    def encode(self) -> bytes:
        """Reveal the canonical encodings, 32 bytes little-endian each."""
        return bytes(self._cells)

    def to_ints(self) -> list[int]:
        """Reveal the scalars as integers."""
        values = memoryview(self._cells)
        return [int.from_bytes(values[start : start + _SIZE], "little") for start in range(0, len(values), _SIZE)]

    def _longest(self) -> int:
        """Return the number of bits of all scalars taken together; which of them has how many shows nowhere."""
        together = 0
        values = memoryview(self._cells)
        for start in range(0, len(values), _SIZE):
            together |= int.from_bytes(values[start : start + _SIZE], "little")
        return together.bit_length()

    def equals(self, other: Scalars) -> bool:
        """Tell in constant time whether both vectors hold the same scalars; lengths are public."""
        if not isinstance(other, Scalars):
            raise TypeError("Scalars are compared with Scalars only")
        return hmac.compare_digest(self._cells, other._cells)

    def __neg__(self) -> Scalars:
        return _mapped(_libsodium.scalar_negate, self, Scalars)

    def __mul__(self, other: Scalars) -> Scalars:
        return _combined(_libsodium.scalar_mul, self, other, Scalars) if isinstance(other, Scalars) else NotImplemented

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("compare Scalars with equals()")

    def __repr__(self) -> str:
        return f"<redacted Scalars of {len(self)}>"


@final
class FixedBase:
    """One element, for constant-time multiplication; libsodium has a table for the generator only."""

    __slots__ = ("_element",)

    def __init__(self, element: Elements) -> None:
        if not isinstance(element, Elements):
            raise TypeError("a base is Elements")
        if len(element) != 1:
            raise ValueError(f"vectors of lengths {len(element)} and 1 do not match")
        self._element = element

    def multiply(self, scalars: Scalars) -> Elements:
        """Return scalar times the base, for each scalar, in constant time."""
        return multiply_base(scalars) if self._element.encode() == _GENERATOR else self._element * scalars

    def multiply_encode(self, scalars: Scalars) -> bytes:
        """Return the encodings of multiply(scalars), 32 bytes each."""
        return self.multiply(scalars).encode()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("FixedBase cannot be copied or pickled")


def hash_to_element(data: bytes) -> Elements:
    """Map uniform bytes, 64 for each element, to elements whose discrete logarithms nobody knows (RFC 9496 §4.3.4)."""
    data = whole(data, _WIDE, "uniform")
    vector = Elements._blank(len(data) // _WIDE)
    for index, target in enumerate(vector._where()):
        _libsodium.point_from_hash(target, data[_WIDE * index : _WIDE * (index + 1)])
    return vector


def multiply_base(scalars: Scalars) -> Elements:
    """Return scalar times the generator, for each scalar, in constant time."""
    if not isinstance(scalars, Scalars):
        raise TypeError("secret scalars are Scalars")
    return _mapped(_libsodium.base_multiply, scalars, Elements)


def vartime_multiscalar_mul(scalars: PublicScalars | Sequence[int], elements: Elements) -> Elements:
    """Return the sum of scalar times element, as many of each, as a vector of length one; public data only."""
    if len(scalars) != len(elements):
        raise ValueError(f"vectors of lengths {len(scalars)} and {len(elements)} do not match")
    return vartime_multiply(elements, scalars).sum()


def vartime_multiply_base(scalars: PublicScalars | Sequence[int]) -> Elements:
    """Return scalar times the generator, for each scalar; public data only."""
    return multiply_base(_read(scalars))


def vartime_multiply(elements: Elements, scalars: PublicScalars | Sequence[int]) -> Elements:
    """Return element times scalar, position by position, lengths as for operators; public data only."""
    if not isinstance(elements, Elements):
        raise TypeError("Elements are needed")
    return elements * _read(scalars)


def _read(scalars: PublicScalars | Sequence[int]) -> Scalars:
    """Return public scalars as the library takes them."""
    if isinstance(scalars, PublicScalars):
        return Scalars._holding(scalars.encode())
    return Scalars.from_ints(scalars)


def vartime_prime_order(data: bytes) -> list[bool]:
    """Tell for each 32 bytes whether they are the canonical encoding of a point of edwards25519 of prime order."""
    # PyNaCl's library, whose release `secballot.signing` insists on: rbcl's has CVE-2025-69277 and errs here.
    data = whole(data, _SIZE, "point")
    return [is_valid_edwards_point(data[start : start + _SIZE]) for start in range(0, len(data), _SIZE)]
