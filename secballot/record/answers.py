"""What the answers of one issue are compared with, all of one key together.

Source: SPEC.md#issues.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from secballot.blind import ANSWER_DIGEST_BYTES, MODULUS_BYTES, check_all_roots
from secballot.errors import VerificationError
from secballot.record.statements import Answered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from secballot.blind import BlindPublicKey
    from secballot.record.rolls import OpenRequest
    from secballot.record.statements import Statement


class Compared(NamedTuple):
    """Blind signatures under one key, and what they are compared with, in one order.

    Attributes:
        expected: digests, 32 bytes each.
        signatures: of 384 bytes each.
    """

    expected: list[bytes]
    signatures: list[bytes]


def compared(
    answers: Iterable[tuple[OpenRequest, bytes]], registrar: int, registrars: int
) -> dict[tuple[int, int], Compared]:
    """Return what is compared under a registrar's keys, by poll and class of the key.

    Args:
        answers: each request with the blind signatures that answer it, whatever their size.
        registrar: its manifest index.
        registrars: how many there are.
    """
    together: dict[tuple[int, int], Compared] = defaultdict(lambda: Compared([], []))
    step = ANSWER_DIGEST_BYTES * registrars
    for request, signatures in answers:
        own = ANSWER_DIGEST_BYTES * (registrar - 1)
        for at in range(request.polls):
            expected, values = together[request.first_poll + at, request.class_index]
            expected.append(request.expected[own : own + ANSWER_DIGEST_BYTES])
            values.append(signatures[MODULUS_BYTES * at : MODULUS_BYTES * (at + 1)])
            own += step
    return together


def statement_on(key: BlindPublicKey, own: Compared) -> Answered:
    """Return the statement that all of these answers are right."""
    return Answered(key.encode(), b"".join(own.expected), b"".join(own.signatures))


def all_hold(
    keys: Mapping[tuple[int, int], Mapping[int, BlindPublicKey]],
    registrar: int,
    together: Mapping[tuple[int, int], Compared],
    proven: AbstractSet[Statement],
) -> bool:
    """Tell whether every answer is right; if not, one by one they tell which is wrong, and how.

    Args:
        keys: registrar's index to key, for each poll and class.
        registrar: its manifest index.
        together: from `compared`.
        proven: statements that were verified ahead.
    """
    try:
        for place, own in together.items():
            key = keys[place][registrar]
            if not (proven and statement_on(key, own) in proven):
                check_all_roots(key, own.expected, own.signatures)
    except VerificationError:
        return False
    return True
