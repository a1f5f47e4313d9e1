"""What the answers of one issue are compared with, all of one key together.

Source: SPEC.md#issues.
"""

from __future__ import annotations

import hashlib

import pytest

from secballot.blind import ANSWER_DIGEST_BYTES, MODULUS_BYTES
from secballot.record.answers import Compared, compared
from secballot.record.rolls import OpenRequest

ASKED = {"Anna": (1, range(1, 5)), "Bert": (1, range(3, 5)), "Cleo": (2, range(2, 5))}
"""Class and polls of requests."""


def digest(name: str, poll: int, registrar: int) -> bytes:
    """Return what a registrar's answer for a poll is compared with."""
    return hashlib.sha256(f"{name} {poll} {registrar}".encode()).digest()


def signature(name: str, poll: int) -> bytes:
    """Return an answer for a poll."""
    return hashlib.sha256(f"{name} {poll}".encode()).digest() * (MODULUS_BYTES // ANSWER_DIGEST_BYTES)


@pytest.mark.parametrize(("registrar", "registrars"), [(1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (3, 3)])
def test_each_answer_stands_beside_what_its_poll_and_registrar_expect(registrar: int, registrars: int) -> None:
    """Whatever polls a request covers; those of one poll and class together, in the order of the requests."""
    answers = []
    for name, (class_index, polls) in ASKED.items():
        expected = b"".join(digest(name, poll, one) for poll in polls for one in range(1, registrars + 1))
        asked = OpenRequest(class_index, polls.start, len(polls), 0, expected)
        answers.append((asked, b"".join(signature(name, poll) for poll in polls)))

    def together(poll: int, *names: str) -> Compared:
        return Compared([digest(name, poll, registrar) for name in names], [signature(name, poll) for name in names])

    assert compared(answers, registrar, registrars) == {
        (1, 1): together(1, "Anna"),
        (2, 1): together(2, "Anna"),
        (3, 1): together(3, "Anna", "Bert"),
        (4, 1): together(4, "Anna", "Bert"),
        (2, 2): together(2, "Cleo"),
        (3, 2): together(3, "Cleo"),
        (4, 2): together(4, "Cleo"),
    }
