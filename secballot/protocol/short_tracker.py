"""Trackers as people copy them: 125 bits in five groups of five, as in `7ZQ3M-0HK5T-V2XRA-9CD8P-W4N6J`.

The digits are Crockford's base 32, which has no I, L, O and U. Case, spaces and hyphens are forgiven, and so are the
letters that are taken for digits. The first 125 bits of the tracker are all that is shown: enough that nobody finds a
second ballot for a given one. Programs compare whole trackers wherever they have them.

Source: SPEC.md#short-trackers.
"""

from __future__ import annotations

from typing import Final

from secballot.errors import EncodingError

DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32."""

GROUPS: Final = 5
GROUP: Final = 5
BITS: Final = 125
"""Bits of a tracker that the short form holds, from its first."""

_TRACKER_BITS: Final = 256
_DIGIT_BITS: Final = 5
_CONFUSED: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS: Final = str.maketrans("", "", " \t\r\n-\N{NO-BREAK SPACE}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}")


def short_tracker(tracker: bytes) -> str:
    """Return the short form of a tracker, 29 characters.

    Args:
        tracker: 32 bytes.

    Raises:
        ValueError: another length.

    Source: SPEC.md#short-trackers.
    """
    if len(tracker) * 8 != _TRACKER_BITS:
        raise ValueError("a tracker has 32 bytes")
    bits = int.from_bytes(tracker, "big") >> (_TRACKER_BITS - BITS)
    digits = "".join(DIGITS[bits >> shift & 31] for shift in range(BITS - _DIGIT_BITS, -1, -_DIGIT_BITS))
    return "-".join(digits[at : at + GROUP] for at in range(0, GROUPS * GROUP, GROUP))


def read_short_tracker(text: str) -> str:
    """Return the one short form that a person may have meant.

    Args:
        text: 25 digits in any case and grouping, O for 0, I or L for 1.

    Raises:
        EncodingError: too few or too many digits, or one that does not exist; `offset` is the group, from 0.

    Source: SPEC.md#short-trackers.
    """
    digits = text.translate(_SEPARATORS).upper().translate(_CONFUSED)
    for at, digit in enumerate(digits):
        if digit not in DIGITS:
            raise EncodingError(
                f"group {at // GROUP + 1} of the tracker has a character that no tracker has",
                field="tracker",
                offset=at // GROUP,
            )
    if len(digits) != GROUPS * GROUP:
        raise EncodingError(f"the tracker has {len(digits)} digits instead of {GROUPS * GROUP}", field="tracker")
    return "-".join(digits[at : at + GROUP] for at in range(0, GROUPS * GROUP, GROUP))
