"""The functions of libsodium that the engine `_sodium` calls, from the library that PyPI's `rbcl` carries.

`rbcl` writes the library to the temporary folder to load it, and leaves it there; it is removed after loading.
"""

from __future__ import annotations

import contextlib
import ctypes
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import rbcl

if TYPE_CHECKING:
    from collections.abc import Callable

_library: ctypes.CDLL = rbcl._sodium  # noqa: SLF001  # rbcl's own wrappers copy every operand


def _remove_library_file() -> None:
    """Remove the library file that loading left in the temporary folder; it stays mapped into this process."""
    path = Path(_library._name)  # noqa: SLF001  # where it was loaded from
    # Were a later rbcl to load a library of the system, that file must stay.
    if path.parent == Path(tempfile.gettempdir()):
        with contextlib.suppress(OSError):  # Windows keeps the file of a loaded library.
            path.unlink(missing_ok=True)


_remove_library_file()


def _function(name: str, pointers: int) -> Callable[..., int]:
    """Return the library's function of that name, which takes so many pointers; the first is to the result."""
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * pointers)
    return prototype((name, _library))


is_valid_point = _function("crypto_core_ristretto255_is_valid_point", 1)
point_add = _function("crypto_core_ristretto255_add", 3)
point_sub = _function("crypto_core_ristretto255_sub", 3)
point_from_hash = _function("crypto_core_ristretto255_from_hash", 2)
point_multiply = _function("crypto_scalarmult_ristretto255", 3)
base_multiply = _function("crypto_scalarmult_ristretto255_base", 2)
scalar_reduce = _function("crypto_core_ristretto255_scalar_reduce", 2)
scalar_add = _function("crypto_core_ristretto255_scalar_add", 3)
scalar_sub = _function("crypto_core_ristretto255_scalar_sub", 3)
scalar_mul = _function("crypto_core_ristretto255_scalar_mul", 3)
scalar_negate = _function("crypto_core_ristretto255_scalar_negate", 2)
