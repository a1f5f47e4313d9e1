"""What a fuzz target is, and what it says of a reader that changes what it reads."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class BrokenInvariantError(Exception):
    """What was read is not what stood there."""


@dataclass(frozen=True)
class Target:
    """One way in.

    Attributes:
        run: takes any bytes.
        seeds: returns what is good there, to begin with.
        seconds: of processor time that anything up to 64 KiB may take.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    seconds: float = 0.1


def same(again: bytes, data: bytes) -> None:
    """Check that what was written again is what was read.

    Raises:
        BrokenInvariantError: it is not.
    """
    if again != data:
        raise BrokenInvariantError(f"read {data[:200]!r}, wrote {again[:200]!r}")


class _Scratch:
    """A folder that goes with its object."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        weakref.finalize(self, shutil.rmtree, self.folder)


_SCRATCH = cache(_Scratch)


def scratch() -> Path:
    """Return a folder for this process, removed at its end."""
    return _SCRATCH().folder


def holding(name: str, data: bytes) -> Path:
    """Return the file of this name with these bytes, which only its owner reads; the one before is gone."""
    path = scratch() / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
    return path
