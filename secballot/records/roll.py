"""The roll and the act that freezes it: who may vote, by pseudonymous key.

Source: SPEC.md#roll, SPEC.md#registration-act.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes32, Index, Record, require

MAX_CHUNKS = 1_000


class RollChunk(Record, frozen=True):
    """One chunk of the roll: keys of one class, in increasing order, so that their order tells nothing."""

    chunk: Index
    chunks: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHUNKS)]
    # "class" is a Python keyword; the wire name is SPEC's.
    class_index: Index = msgspec.field(name="class")
    keys: Annotated[tuple[Bytes32, ...], msgspec.Meta(min_length=1, max_length=1_300)]
    registration: Index

    def __post_init__(self) -> None:
        """Refuse a chunk number beyond the count and keys out of order."""
        require(self.chunk <= self.chunks, "chunk number exceeds the number of chunks")
        require(
            all(low < high for low, high in pairwise(self.keys)),
            "keys are not strictly increasing",
        )


class Registration(Record, frozen=True):
    """Freezes the roll and registrar keys of one registration, for the polls from `first_poll` on."""

    first_poll: Index
    registration: Index


class RegistrationClose(Record, frozen=True):
    """Ends the requests of a registration."""

    registration: Index


ROLL_CHUNK = CanonicalCodec(RollChunk)
REGISTRATION = CanonicalCodec(Registration)
REGISTRATION_CLOSE = CanonicalCodec(RegistrationClose)
