"""Seconds of small pieces of work, measured in turn, so that what disturbs one disturbs all."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Work = tuple[Callable[[], object], int]
"""What is done, and how many items that is."""


class Haste:
    """Whether figures matter, or only that everything runs.

    Attributes:
        in_haste: one round of everything is enough.
    """

    in_haste = False


def seconds(works: Mapping[str, Work], rounds: int = 15) -> dict[str, float]:
    """Return the least seconds that one item of each piece of work has taken.

    Args:
        works: by name, what is done, and how many items that is.
        rounds: how often each is done, one after the other in every round; a first round is not counted.
    """
    least = dict.fromkeys(works, float("inf"))
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(2 if Haste.in_haste else rounds + 1):
            for name, (work, items) in works.items():
                began = time.perf_counter()
                work()
                taken = (time.perf_counter() - began) / items
                if number:
                    least[name] = min(least[name], taken)
    finally:
        if collecting:
            gc.enable()
    return least
