"""Opened ballots: another device recomputes every byte but z, and catches a device that lies."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.errors import EncodingError, VerificationError
from secballot.group import Scalars, multiply_base
from secballot.protocol.opened import OpenedBallot, check_opened, check_opened_by_short, recompute
from secballot.protocol.short_tracker import short_tracker
from tests.sealed_ballots import ONE_OF_THREE, SCORES, TAGS, make_context, seal_sample

CONTEXT = make_context(ONE_OF_THREE, SCORES)
CHOICES = ((0, 1, 0), (2, 1))


def open_sample(choices: tuple[tuple[int, ...], ...] = CHOICES) -> tuple[OpenedBallot, bytes]:
    """Return an opened ballot, and the tracker that was shown before."""
    sealed = seal_sample(CONTEXT, choices)
    return sealed.open(), sealed.tracker


def test_another_device_recomputes_the_ballot_and_its_tracker() -> None:
    """From what is shown, carried as bytes, every byte but z comes out again."""
    opened, shown = open_sample()
    again = OpenedBallot.decode(opened.encode())
    assert again == opened
    check_opened(make_context(ONE_OF_THREE, SCORES), again, shown)
    assert recompute(CONTEXT, again) == seal_sample(CONTEXT, CHOICES).cast().without_response()


LIES: dict[str, dict[str, object]] = {
    "other choices": {"choices": ((1, 0, 0), (2, 1))},
    "choices that no ballot may hold": {"choices": ((1, 1, 0), (2, 1))},
    "a contest less": {"choices": ((0, 1, 0),)},
    "an option more": {"choices": ((0, 1, 0, 0), (2, 1))},
    "another seed": {"seed": bytes(32)},
    "another T": {"commitment": multiply_base(Scalars.from_ints([5])).encode()},
    "a T that is no element": {"commitment": bytes([255]) * 32},
    "another tag": {"tag": TAGS[1]},
    "another sequence": {"sequence": 1},
    "another previous": {"previous": bytes([1]) * 32},
    "another class": {"class_index": 2},
    "a class that does not exist": {"class_index": 9},
    "another credential": {"credential": multiply_base(Scalars.from_ints([5])).encode()},
    "other signatures": {"signatures": bytes(768)},
    "too few signatures": {"signatures": b""},
    "another poll": {"ctx": bytes(32)},
}


@pytest.mark.attack("BA-14")
@pytest.mark.parametrize("lie", LIES)
def test_a_lying_device_is_caught(lie: str) -> None:
    """Whatever differs from what was sealed, the tracker does not fit."""
    opened, shown = open_sample()
    check_opened_by_short(CONTEXT, opened, short_tracker(shown))
    lying = msgspec.structs.replace(opened, **LIES[lie])
    with pytest.raises(VerificationError):
        check_opened(CONTEXT, lying, shown)
    with pytest.raises(VerificationError):
        check_opened_by_short(CONTEXT, lying, short_tracker(shown))


@pytest.mark.attack("BA-14")
def test_an_opening_for_another_tracker_or_poll_is_refused() -> None:
    """The tracker that counts is the one that was shown, and the poll the one that the checker reads itself."""
    opened, shown = open_sample()
    _, other = open_sample(((1, 0, 0), (2, 1)))
    for expected in (other, b"", shown[:-1]):
        with pytest.raises(VerificationError):
            check_opened(CONTEXT, opened, expected)
    swapped = make_context(ONE_OF_THREE, SCORES, sitting=b"another")
    with pytest.raises(VerificationError):
        check_opened(swapped, opened, shown)


@pytest.mark.attack("BA-14")
def test_an_opened_ballot_of_another_poll_is_refused_by_name() -> None:
    """A ballot whose header names one poll and whose challenge another has a tracker, but could never be cast."""
    opened, _ = open_sample()
    with pytest.raises(VerificationError, match="another poll"):
        recompute(CONTEXT, msgspec.structs.replace(opened, ctx=bytes(32)))


@pytest.mark.attack("BA-14")
def test_a_device_that_encrypts_something_else_is_caught() -> None:
    """It shows the tracker of a ballot for one choice and opens it as another, with every other value right."""
    _, shown = open_sample(((1, 0, 0), (2, 1)))
    opened, _ = open_sample()
    with pytest.raises(VerificationError):
        check_opened(CONTEXT, opened, shown)


def test_opened_ballots_keep_choices_out_of_texts() -> None:
    """Neither repr nor str of what is shown to the delegate goes into a log by accident."""
    opened, _ = open_sample()
    assert repr(opened) == str(opened) == "OpenedBallot(<redacted>)"
    assert opened.__rich_repr__() == []


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.builds(lambda at, bit: (at, bit), st.integers(0, 2000), st.integers(0, 7)))
def test_any_bytes_are_an_opened_ballot_or_an_encoding_error(change: bytes | tuple[int, int]) -> None:
    """Random bytes, or a good encoding with one bit turned: an error of ours, or the same bytes again."""
    data = change if isinstance(change, bytes) else bytearray(OPENED)
    if isinstance(change, tuple):
        data[change[0] % len(data)] ^= 1 << change[1]  # type: ignore[index]
    try:
        opened = OpenedBallot.decode(bytes(data))
    except EncodingError:
        return
    assert opened.encode() == bytes(data)
    with pytest.raises(VerificationError):
        check_opened(CONTEXT, opened, SHOWN)


OPENED_BALLOT, SHOWN = open_sample()
OPENED = OPENED_BALLOT.encode()
