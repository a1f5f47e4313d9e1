"""Rates: what everybody may do, what one key may do, and how much is remembered of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.net.limits import Bucket, KeyedBuckets, retry_seconds


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    """After the burst, one token comes back every 1/rate seconds."""
    bucket = Bucket(rate=2, burst=3)
    for _ in range(3):
        assert bucket.wait(100) == 0
        bucket.take(100)
    assert bucket.wait(100) == pytest.approx(0.5)
    assert bucket.wait(100.5) == 0
    assert bucket.wait(1_000_000) == 0


@given(st.lists(st.floats(0, 10), max_size=50), st.floats(0.1, 10), st.integers(1, 10))
def test_no_schedule_gets_more_than_burst_and_rate(gaps: list[float], rate: float, burst: int) -> None:
    """Whoever takes only when there is no wait, never gets more than burst + rate · time."""
    bucket, now, taken = Bucket(rate, burst), 0.0, 0
    for gap in gaps:
        now += gap
        if bucket.wait(now) == 0:
            bucket.take(now)
            taken += 1
    assert taken <= burst + rate * now + 1e-6


def test_keys_are_limited_apart() -> None:
    """What one key has used, another has not."""
    buckets = KeyedBuckets(rate=1, burst=1, keys=10)
    buckets.take(b"one", 0)
    assert buckets.wait(b"one", 0) == 1
    assert buckets.wait(b"two", 0) == 0


def test_memory_for_keys_is_bounded() -> None:
    """The key that has taken nothing for longest is forgotten, and asking remembers nobody."""
    buckets = KeyedBuckets(rate=0.001, burst=1, keys=3)
    for number in range(3):
        buckets.take(b"%d" % number, 0)
    buckets.take(b"0", 1)
    buckets.take(b"3", 1)
    buckets.wait(b"4", 1)
    assert len(buckets) == 3
    assert buckets.wait(b"1", 1) == 0
    assert buckets.wait(b"0", 1) > 0


@pytest.mark.parametrize(("wait", "seconds"), [(0.0, 1), (0.2, 1), (1.5, 2), (1e9, 3_600)])
def test_waits_are_whole_seconds(wait: float, seconds: int) -> None:
    """A client is asked to wait at least a second and at most an hour."""
    assert retry_seconds(wait) == seconds
