"""Where the time of an audit goes: seconds and items of each part of the record.

The audit reads no clock of its own; whoever runs it hands one in. Every moment between start and report is charged to
exactly one part, so the parts add up to the whole.

Source: SPEC.md#data-flow.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from secballot.audit.report import TimingLine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Clock = Callable[[], float]


class Part(StrEnum):
    """The parts of a record, in the order in which they come."""

    SETUP = "setup"
    REGISTRATION = "registration"
    BALLOTS = "ballots"
    LOG = "log"


_KINDS: Final[Mapping[Part, tuple[str, ...]]] = {
    Part.SETUP: (
        "manifest",
        "ceremony-commit",
        "ceremony-complain",
        "ceremony-confirm",
        "ceremony-restart",
        "ceremony-reveal",
        "ceremony-shares",
    ),
    Part.REGISTRATION: (
        "roll",
        "registrar-key",
        "registration",
        "credential-request",
        "credential-issue",
        "registration-close",
        "consent",
        "convening",
    ),
    Part.BALLOTS: (
        "document",
        "opening",
        "extension",
        "ballot",
        "closing",
        "lapse",
        "objection",
        "annul",
        "decryption",
        "result",
        "adjournment",
    ),
    Part.LOG: ("handover", ""),
}

PARTS: Final[Mapping[str, Part]] = {kind: part for part, kinds in _KINDS.items() for kind in kinds}
"""For every kind of entry, and for bytes that are none, the part that it belongs to."""


class Stopwatch:
    """Seconds and items of every part; without a clock it reports nothing."""

    def __init__(self, clock: Clock | None) -> None:
        """Start now.

        Args:
            clock: returns seconds from any fixed moment on, such as `time.perf_counter`; None to measure nothing.
        """
        self._clock = clock
        self._last = clock() if clock is not None else 0.0
        self._seconds: Counter[Part] = Counter()
        self._items: Counter[Part] = Counter()

    def charge(self, part: Part, items: int = 1) -> None:
        """Charge the time since the last charge to a part, and count its items."""
        self._items[part] += items
        if self._clock is not None:
            now = self._clock()
            self._seconds[part] += now - self._last  # type: ignore[assignment]  # a Counter of seconds
            self._last = now

    def count_anew(self) -> None:
        """Forget the items: the log is replayed again from its beginning. The time was spent all the same."""
        self._items.clear()

    def items(self) -> Mapping[Part, int]:
        """Return the items counted so far."""
        return +self._items

    def take_over(self, items: Mapping[Part, int]) -> None:
        """Count items of entries that were replayed before."""
        self._items.update(items)

    def lines(self) -> tuple[TimingLine, ...]:
        """Return one line per part, none without a clock."""
        if self._clock is None:
            return ()
        return tuple(TimingLine(part.value, round(float(self._seconds[part]), 6), self._items[part]) for part in Part)
