"""How much a service takes: sizes, numbers and rates, from everybody together and from any one.

Clients are not told apart by address: most come through proxies and anonymity networks, and an address is something
that a board should not know. What limits one client is what it can prove to own, see `KeyedBuckets`.

Source: SPEC.md#board-profile.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from secballot.encoding import MAX_ENTRY_BYTES

MAX_RETRY_SECONDS: Final = 3_600
"""The longest that a client is asked to wait."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What a board service takes.

    Attributes:
        entry_bytes: most bytes of one submission.
        waiting: most submissions that wait for their batch.
        waiting_bytes: most bytes of these together.
        batch: most submissions of one batch.
        window: seconds that an idle service collects before it writes a batch.
        rate: submissions a second from everybody.
        burst: submissions at once from everybody.
        key_rate: accepted submissions a second by one key.
        key_burst: accepted submissions at once by one key.
        keys: most keys that are remembered.
        body_seconds: longest time that sending one submission may take.
    """

    entry_bytes: int = MAX_ENTRY_BYTES
    waiting: int = 4_096
    waiting_bytes: int = 64_000_000
    batch: int = 512
    window: float = 0.01
    rate: float = 2_000.0
    burst: float = 4_000.0
    key_rate: float = 0.2
    key_burst: float = 10.0
    keys: int = 100_000
    body_seconds: float = 20.0


class Bucket:
    """Tokens that come back at a steady rate."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        """Begin full.

        Args:
            rate: tokens a second, above 0.
            burst: most tokens, at least 1.
        """
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, -math.inf

    def wait(self, now: float) -> float:
        """Return in how many seconds there will be a token; 0 if there is one now."""
        return max(0.0, (1.0 - self._filled(now)) / self._rate)

    def take(self, now: float) -> None:
        """Take a token, even if none is left: then the next comes later."""
        self._tokens, self._at = self._filled(now) - 1.0, now

    def _filled(self, now: float) -> float:
        if self._at == -math.inf:
            return self._burst
        return min(self._burst, self._tokens + (now - self._at) * self._rate)


class KeyedBuckets:
    """One bucket for each key that has taken a token lately, in bounded memory."""

    def __init__(self, rate: float, burst: float, keys: int) -> None:
        """Remember at most this many keys; the one that has taken nothing for longest is forgotten first."""
        self._rate, self._burst, self._keys = rate, burst, keys
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._buckets)

    def wait(self, key: bytes, now: float) -> float:
        """Return in how many seconds this key will have a token; 0 if it has one now."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else bucket.wait(now)

    def take(self, key: bytes, now: float) -> None:
        """Take a token of this key."""
        bucket = self._buckets.pop(key, None) or Bucket(self._rate, self._burst)
        bucket.take(now)
        self._buckets[key] = bucket
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)


def retry_seconds(wait: float) -> int:
    """Return whole seconds for a Retry-After header, at least 1."""
    return max(1, min(MAX_RETRY_SECONDS, math.ceil(wait)))
