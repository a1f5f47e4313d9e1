"""A clock and a witness that can be made to fail, for boards that run as a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from secballot.errors import TransportError
from tests.small_sitting import (
    NOW,
    key,
)

if TYPE_CHECKING:
    import threading

    from secballot.roles.witness import WitnessRole

KEYS = {"log_key": key("log"), "promise_key": key("promise")}
NAMES = ("w1.example", "w2.example", "w3.example")


@dataclass
class Clock:
    """Simulated seconds since the epoch."""

    now: int = NOW

    def __call__(self) -> float:
        """Return the time."""
        return float(self.now)


@dataclass
class DeadWitness:
    """A witness that does not answer, or not before it is let."""

    name: str
    asked: int = 0
    let: threading.Event | None = None
    then: WitnessRole | None = None
    error: TransportError = field(default_factory=lambda: TransportError("nobody there"))

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Wait, and answer or not."""
        self.asked += 1
        if self.let is not None and self.then is not None:
            self.let.wait(5)
            return self.then.add_checkpoint(body, now=now)
        raise self.error
