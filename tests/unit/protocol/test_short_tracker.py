"""Short trackers: what people copy, and what they may get wrong without harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.errors import EncodingError
from secballot.protocol.short_tracker import DIGITS, read_short_tracker, short_tracker

ZERO, ONES = "00000-00000-00000-00000-00000", "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ"


def test_known_trackers() -> None:
    """The digits are those of Crockford's base 32, most significant first; the last 131 bits are not shown."""
    assert short_tracker(bytes(32)) == ZERO
    assert short_tracker(b"\xff" * 32) == ONES
    assert short_tracker(b"\x08" + bytes(31)) == "10000-00000-00000-00000-00000"
    assert short_tracker(bytes(15) + b"\x08" + bytes(16)) == "00000-00000-00000-00000-00001"
    assert short_tracker(bytes(15) + b"\x07" + b"\xff" * 16) == ZERO
    with pytest.raises(ValueError, match="32 bytes"):
        short_tracker(bytes(31))


@given(st.binary(min_size=32, max_size=32))
def test_each_of_the_125_bits_is_shown(tracker: bytes) -> None:
    """Read as a number, the digits are the first 125 bits; and they are read back as they are."""
    text = short_tracker(tracker)
    value = 0
    for digit in text.replace("-", ""):
        value = value * 32 + DIGITS.index(digit)
    assert value == int.from_bytes(tracker, "big") >> 131
    assert read_short_tracker(text) == text


@given(st.text(alphabet="0123456789oOiIlLabcXYZ", min_size=25, max_size=25), st.data())
def test_usual_slips_are_forgiven(digits: str, data: st.DataObject) -> None:
    """Case, O for 0, I and L for 1, spaces and hyphens anywhere."""
    meant = "".join({"O": "0", "I": "1", "L": "1"}.get(digit, digit) for digit in digits.upper())
    gaps = data.draw(st.lists(st.sampled_from(["", " ", "-", " - ", "\n"]), min_size=25, max_size=25))
    typed = "".join(gap + digit for gap, digit in zip(gaps, digits, strict=True))
    assert read_short_tracker(typed).replace("-", "") == meant


@pytest.mark.parametrize(("text", "words"), [("", "0 digits"), (ZERO[:-1], "24"), (ZERO + "0", "26")])
def test_a_missing_digit_is_said(text: str, words: str) -> None:
    """Not taken for a shorter tracker."""
    with pytest.raises(EncodingError, match=words):
        read_short_tracker(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but our own error comes out, and what is accepted is canonical."""
    try:
        read = read_short_tracker(text)
    except EncodingError:
        return
    assert read_short_tracker(read) == read


def test_the_group_that_is_wrong_is_named() -> None:
    """U is no digit."""
    with pytest.raises(EncodingError, match="group 3"):
        read_short_tracker("00000-00000-00U00-00000-00000")
