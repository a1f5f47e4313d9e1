"""The group of the suite: ristretto255, as vectors of elements and of secret scalars.

Two engines give the same answers, and refuse the same, on every input: `native`, the compiled `secballot._group`,
and `libsodium`, where that is missing. The environment variable `SECBALLOT_ENGINE` (`native` or `libsodium`) refuses
any other engine than the one it names. No other module imports an engine.

Everything is a vector; a single value is a vector of length one. Operators work position by position and repeat a
vector of length one for the other operand; any other difference in length is a ValueError.

- `Elements` are public. `decode` takes canonical encodings only and refuses the identity unless told otherwise;
  EncodingError.offset is the index of the first element at fault. `E + E`, `E - E`, `-E`, `E * Scalars` (constant
  time), `E == E`, `sum`, `take`, `concat`, `is_identity`, `encode`. `multiply_short` is `E * Scalars` for scalars
  below a public power of two; `encode_doubles` gives the encodings of E + E, many for little more than one's price.
- `Scalars` are secret: constant-time arithmetic, no `==` (use `equals`), nothing in repr, wiped when dropped, and
  only `encode` and `to_ints` reveal them. They come from `decode` (canonical), `from_wide` (64 bytes each, reduced),
  `random`, or `from_ints` (public or small integers).
- `PublicScalars` are public: arithmetic in whatever time, `==`, nothing wiped. They come from `decode`, `from_ints`,
  `from_wide`, or `from_short` (16 bytes each). Three operations look at vectors as rows of one length: `gather` takes
  the scalars at some places of every row, `scatter` adds the scalars of every row up, each at its place, and
  `side_by_side` puts rows of several vectors one behind the other.
- `FixedBase(element)` multiplies one element by many scalars in constant time; `multiply_base` does so for `BASE`.
- Functions named `vartime_…` take public data only, scalars as `PublicScalars` or integers.
- `vartime_prime_order` speaks of edwards25519, the curve of Ed25519: which encodings of points are those of keys.

All vectors refuse to be pickled and copied: worker processes are given bytes.

Source: SPEC.md#group-and-transcript; RFC 9496.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

from secballot.errors import EncodingError, SecballotError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "BASE",
    "ENCODED_BYTES",
    "ENGINE_VARIABLE",
    "HALF",
    "ORDER",
    "WIDE_BYTES",
    "Elements",
    "EngineError",
    "FixedBase",
    "PublicScalars",
    "Scalars",
    "engine_name",
    "engine_reason",
    "hash_to_element",
    "multiply_base",
    "reduce_wide",
    "vartime_multiply",
    "vartime_multiply_base",
    "vartime_multiscalar_mul",
    "vartime_prime_order",
]

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Number of elements of the group, a prime; Source: RFC 9496 §4."""

HALF = (ORDER + 1) // 2
"""The inverse of 2 modulo the group order: with halves of scalars, `Elements.encode_doubles` encodes what is meant."""

ENCODED_BYTES = 32
"""Bytes of an encoded element and of an encoded scalar."""

WIDE_BYTES = 64
"""Bytes that are reduced to a scalar or mapped to an element."""

ENGINE_VARIABLE = "SECBALLOT_ENGINE"
"""Name of the environment variable that refuses any engine but one."""

_MODULES = {"native": "secballot._group", "libsodium": "secballot._sodium"}


class EngineError(SecballotError, ImportError):
    """No engine can be loaded, or not the one that `SECBALLOT_ENGINE` names."""


def _load_engine(name: str) -> ModuleType:
    """Return the module of an engine.

    Raises:
        EngineError: it is not installed, or its library cannot be loaded here.
    """
    try:
        return importlib.import_module(_MODULES[name])
    except (ImportError, OSError, RuntimeError) as error:
        # Reports print the reason as one line.
        raise EngineError(f"the {name} engine cannot be loaded: {' '.join(str(error).split())}") from error


def _choose_engine(asked: str | None) -> tuple[str, str, ModuleType]:
    """Return name, reason for not being native, and module of the engine to use.

    Args:
        asked: the value of `SECBALLOT_ENGINE`, None if it is not set.

    Raises:
        EngineError: the variable names no engine, or the engine asked for, or every engine, is missing.
    """
    if asked is not None:
        if asked not in _MODULES:
            raise EngineError(f"{ENGINE_VARIABLE} is {asked!r}; it must be one of {', '.join(_MODULES)}, or not set")
        reason = "" if asked == "native" else f"{ENGINE_VARIABLE} asks for {asked}"
        return asked, reason, _load_engine(asked)
    try:
        return "native", "", _load_engine("native")
    except EngineError as missing:
        try:
            return "libsodium", missing.message, _load_engine("libsodium")
        except EngineError as error:
            raise EngineError(f"{missing.message}; {error.message}") from error


_NAME, _REASON, _ENGINE = _choose_engine(os.environ.get(ENGINE_VARIABLE))

if TYPE_CHECKING:
    from secballot._group import (
        Elements,
        FixedBase,
        PublicScalars,
        Scalars,
        hash_to_element,
        multiply_base,
        vartime_multiply,
        vartime_multiply_base,
        vartime_multiscalar_mul,
        vartime_prime_order,
    )
else:
    Elements = _ENGINE.Elements
    FixedBase = _ENGINE.FixedBase
    PublicScalars = _ENGINE.PublicScalars
    Scalars = _ENGINE.Scalars
    hash_to_element = _ENGINE.hash_to_element
    multiply_base = _ENGINE.multiply_base
    vartime_multiply = _ENGINE.vartime_multiply
    vartime_multiply_base = _ENGINE.vartime_multiply_base
    vartime_multiscalar_mul = _ENGINE.vartime_multiscalar_mul
    vartime_prime_order = _ENGINE.vartime_prime_order

BASE: Elements = Elements.decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))
"""The generator of RFC 9496 §4, a vector of length one."""


def engine_name() -> str:
    """Return which engine does the arithmetic: `native` or `libsodium`."""
    return _NAME


def engine_reason() -> str:
    """Return in one line why the engine is not `native`; empty if it is."""
    return _REASON


def reduce_wide(data: bytes) -> int:
    """Return a public integer modulo the group order.

    Args:
        data: 64 bytes, little-endian, such as a SHA-512 digest; uniform bytes give a scalar that is uniform but
            for a bias below 2**-252.

    Raises:
        EncodingError: there are not 64 bytes.

    Source: RFC 9496 §4.4.
    """
    if len(data) != WIDE_BYTES:
        raise EncodingError(f"{len(data)} bytes instead of the {WIDE_BYTES} that are reduced to a scalar")
    return int.from_bytes(data, "little") % ORDER
