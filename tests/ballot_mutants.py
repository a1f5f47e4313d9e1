"""Ballots with one fault, or several, of every kind that BAL-01 to BAL-13 name.

Challenges and responses of the contests are not under the ballot's challenge, so anybody can spoil them on the way;
whoever changes more than that needs the credential's owner to sign it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from secballot.group import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from secballot.records.ballot import Ballot, BallotContest
    from tests.stages import Stream

NOT_CANONICAL = b"\xff" * 32
"""Neither a scalar nor an element."""

SIGNED_ANEW = "BAL-11"
"""A fault in what the challenge is over: only the credential's owner can make it the first that is found."""


def plus_one(scalar: bytes) -> bytes:
    """Return the next scalar."""
    return ((int.from_bytes(scalar, "little") + 1) % ORDER).to_bytes(32, "little")


def _contest(ballot: Ballot, change: Callable[[BallotContest], dict[str, bytes]]) -> Ballot:
    first, *rest = ballot.contests
    return msgspec.structs.replace(ballot, contests=(msgspec.structs.replace(first, **change(first)), *rest))


def _flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


MUTATIONS: dict[str, Callable[[Ballot], Ballot]] = {
    "BAL-13": lambda b: _contest(b, lambda c: {"responses": c.responses[:-32] + plus_one(c.responses[-32:])}),
    "BAL-12": lambda b: _contest(b, lambda c: {"challenges": plus_one(c.challenges[:32]) + c.challenges[32:]}),
    "BAL-11": lambda b: _contest(b, lambda c: {"ciphertexts": NOT_CANONICAL + c.ciphertexts[32:]}),
    "BAL-10": lambda b: _contest(b, lambda c: {"responses": NOT_CANONICAL + c.responses[32:]}),
    "BAL-09": lambda b: msgspec.structs.replace(b, response=plus_one(b.response)),
    "BAL-08": lambda b: msgspec.structs.replace(b, signatures=_flip(b.signatures)),
    "BAL-07": lambda b: msgspec.structs.replace(b, commitment=bytes(32)),
    "BAL-06": lambda b: _contest(b, lambda c: {"commitments": c.commitments[:-64]}),
    "BAL-04": lambda b: msgspec.structs.replace(b, randomizers=_flip(b.randomizers)),
    "BAL-03": lambda b: msgspec.structs.replace(b, previous=_flip(b.previous)),
    "BAL-01": lambda b: msgspec.structs.replace(b, ctx=_flip(b.ctx)),
}
"""By the check that a ballot fails which has this fault alone, latest first; BAL-04 asks for a head."""


def mutant(stream: Stream, who: int, ballot: Ballot, faults: Collection[str]) -> Ballot:
    """Return a delegate's ballot with these faults."""
    if SIGNED_ANEW in faults:
        ballot = stream.resign(who, MUTATIONS[SIGNED_ANEW](ballot))
    for check, mutate in MUTATIONS.items():
        if check in faults and check != SIGNED_ANEW:
            ballot = mutate(ballot)
    return ballot
