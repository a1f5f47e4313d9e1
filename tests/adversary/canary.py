"""A helper with an assertion that does not hold: where it passes, helpers' assertions are not executed."""

from __future__ import annotations


def assert_what_does_not_hold() -> None:
    """Raise AssertionError, unless assertions vanish here."""
    assert not __name__
