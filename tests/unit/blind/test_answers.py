"""Requests and answers as a record checks them: one by one, or all of an entry at once with the same verdict."""

from __future__ import annotations

import hashlib

import pytest

from secballot.blind import (
    BlindPublicKey,
    answer_digest,
    blind_sign,
    check_all_blinded,
    check_all_roots,
    check_blinded,
    check_root,
)
from secballot.errors import EncodingError, VerificationError
from tests.unit.blind.sample_key import BLIND_SIGNATURE, BLINDED, PUBLIC, SECRET, N

P = int(SECRET._p)
REQUESTS = [BLINDED, *(number.to_bytes(384, "big") for number in (2, 3, N - 2))]
ANSWERS = [blind_sign(SECRET, request) for request in REQUESTS]
EXPECTED = [answer_digest(request) for request in REQUESTS]
TINY = BlindPublicKey(65_537 * 65_539, 3)
"""A key of 33 bits, whose encodings have room for numbers beyond the modulus."""


def plus_modulus(data: bytes) -> bytes:
    """Return the number with the modulus added, where both fit; else the modulus itself."""
    number = int.from_bytes(data, "big") + N
    return (number if number < 2**3072 else N).to_bytes(384, "big")


def test_an_answer_stands_for_its_request_by_a_hash() -> None:
    """SHA-256 of the blinded message, 32 bytes."""
    assert answer_digest(BLINDED) == hashlib.sha256(BLINDED).digest()


def test_requests_in_range_pass() -> None:
    """None, one and many; the smallest and the largest."""
    for count in range(len(REQUESTS) + 1):
        check_all_blinded(PUBLIC, REQUESTS[:count])
    check_all_blinded(TINY, [(TINY.n - 2).to_bytes(5, "big"), b"\0\0\0\0\2"])


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("value", [0, 1, N - 1, N, N + 1, 2**3072 - 1, P, N - P])
def test_a_request_out_of_range_is_found_among_others(value: int, position: int) -> None:
    """Wherever it stands, as `check_blinded` finds it."""
    bad = value.to_bytes(384, "big")
    with pytest.raises(VerificationError):
        check_blinded(PUBLIC, bad)
    with pytest.raises(VerificationError):
        check_all_blinded(PUBLIC, [*REQUESTS[:position], bad, *REQUESTS[position + 1 :]])


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("bad", [b"", BLINDED[1:], b"\0" + BLINDED])
def test_a_request_of_another_length_is_found_among_others(bad: bytes, position: int) -> None:
    """Also with the right number in it."""
    with pytest.raises(EncodingError):
        check_all_blinded(PUBLIC, [*REQUESTS[:position], bad, *REQUESTS[position + 1 :]])


def test_two_requests_whose_product_is_no_unit() -> None:
    """Neither half of the modulus hides behind the other."""
    for values in ((P, N // P), (N // P, 2), (2, P)):
        with pytest.raises(VerificationError, match="unit"):
            check_all_blinded(PUBLIC, [value.to_bytes(384, "big") for value in values])


def test_answers_are_checked_by_their_hashes() -> None:
    """None, one and many."""
    for request, answer in zip(REQUESTS, ANSWERS, strict=True):
        check_root(PUBLIC, answer_digest(request), answer)
    for count in range(len(REQUESTS) + 1):
        check_all_roots(PUBLIC, EXPECTED[:count], ANSWERS[:count])


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        bytes(384),
        BLIND_SIGNATURE[:-1] + bytes([BLIND_SIGNATURE[-1] ^ 1]),
        BLIND_SIGNATURE[1:],
        b"\0" + BLIND_SIGNATURE,
        (N - int.from_bytes(BLIND_SIGNATURE, "big")).to_bytes(384, "big"),
        plus_modulus(BLIND_SIGNATURE),
    ],
    ids=["empty", "zero", "changed", "short", "long", "negative", "unreduced"],
)
def test_a_false_answer_is_found_among_others(bad: bytes) -> None:
    """Wherever it stands, as `check_root` finds it."""
    with pytest.raises(VerificationError):
        check_root(PUBLIC, EXPECTED[0], bad)
    for at in range(3):
        requests = [*EXPECTED[1 : 1 + at], EXPECTED[0], *EXPECTED[1 + at :]]
        answers = [*ANSWERS[1 : 1 + at], bad, *ANSWERS[1 + at :]]
        with pytest.raises(VerificationError):
            check_all_roots(PUBLIC, requests, answers)


def test_answers_stand_in_the_order_of_their_requests() -> None:
    """One for each: neither fewer, nor more, nor another's."""
    with pytest.raises(VerificationError):
        check_all_roots(PUBLIC, EXPECTED, [ANSWERS[1], ANSWERS[0], *ANSWERS[2:]])
    for requests, answers in ((EXPECTED, ANSWERS[:-1]), (EXPECTED[:-1], ANSWERS), (EXPECTED, []), ([], ANSWERS)):
        with pytest.raises(VerificationError):
            check_all_roots(PUBLIC, requests, answers)
    with pytest.raises(VerificationError):
        check_root(PUBLIC, EXPECTED[1], ANSWERS[0])


@pytest.mark.parametrize("root", [0, 1, 2, TINY.n - 1, TINY.n, TINY.n + 2, 2**40 - 1])
def test_roots_are_reduced(root: int) -> None:
    """From 1 to n − 1; a number that is congruent to a root is none."""
    expected, answer = answer_digest(pow(root, 3, TINY.n).to_bytes(5, "big")), root.to_bytes(5, "big")
    if 0 < root < TINY.n:
        check_root(TINY, expected, answer)
        check_all_roots(TINY, [expected], [answer])
        return
    with pytest.raises(VerificationError):
        check_root(TINY, expected, answer)
    with pytest.raises(VerificationError):
        check_all_roots(TINY, [expected], [answer])
