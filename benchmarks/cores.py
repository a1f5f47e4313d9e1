"""Which processor cores a measurement runs on, where the system lets us choose."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def available() -> list[int]:
    """Return the cores that this process may run on; all there are, where the system does not say."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(0))


@contextmanager
def pinned(core: int | None = None) -> Iterator[None]:
    """Stay on one core, the last available unless another is named: nothing then runs in parallel."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before) if core is None else core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
