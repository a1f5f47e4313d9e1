"""The messages of the key ceremony, one type per round, and its restart.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes32, Bytes64, Index, Record, Variable, require

Indices = Annotated[tuple[Index, ...], msgspec.Meta(min_length=1)]


class CeremonyCommit(Record, frozen=True):
    """Round 0: the hash that fixes a trustee's round 1 before it sees anybody else's."""

    commitment: Bytes64
    session: Index


class CeremonyReveal(Record, frozen=True):
    """Round 1: Feldman commitments C_0..C_{t−1} (32·t bytes), encryption key E, and proofs (c ‖ z) for C_0 and E."""

    commitments: Variable
    encryption_key: Bytes32
    nonce: Bytes32
    proof_encryption: Bytes64
    proof_secret: Bytes64
    session: Index


class CeremonyShares(Record, frozen=True):
    """Round 2: for each participant in order an ephemeral key (32 bytes) and a sealed share (48 bytes)."""

    ephemerals: Variable
    sealed: Variable
    session: Index


class CeremonyConfirm(Record, frozen=True):
    """Round 3: the trustee saw this transcript, and its share fits every dealer's commitments."""

    session: Index
    transcript: Bytes64


class CeremonyComplain(Record, frozen=True):
    """Round 3: the dealer's share is bad; opens its Diffie–Hellman point (32 bytes) with an equality proof (c ‖ z)."""

    dealer: Index
    point: Bytes32
    proof: Bytes64
    session: Index


class CeremonyRestart(Record, frozen=True):
    """Ends a session because trustees are silent, blaming nobody, and names who goes on."""

    participants: Indices
    round: Annotated[int, msgspec.Meta(ge=0, le=3)]
    session: Index
    silent: Indices

    def __post_init__(self) -> None:
        """Refuse lists that are not strictly increasing."""
        for indices in (self.participants, self.silent):
            require(all(low < high for low, high in pairwise(indices)), "indices are not increasing")


CEREMONY_COMMIT = CanonicalCodec(CeremonyCommit)
CEREMONY_REVEAL = CanonicalCodec(CeremonyReveal)
CEREMONY_SHARES = CanonicalCodec(CeremonyShares)
CEREMONY_CONFIRM = CanonicalCodec(CeremonyConfirm)
CEREMONY_COMPLAIN = CanonicalCodec(CeremonyComplain)
CEREMONY_RESTART = CanonicalCodec(CeremonyRestart)
