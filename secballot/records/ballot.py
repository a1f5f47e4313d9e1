"""A sealed ballot: one string per kind of value and contest, the same length for every choice.

Source: SPEC.md#ballot-form.
"""

from __future__ import annotations

import hashlib

import msgspec

from secballot.encoding import CanonicalCodec, Uint
from secballot.records.fields import Bytes32, Digest, Index, Record, Tag, Variable


class BallotContest(Record, frozen=True):
    """One contest's ciphertexts and proofs; sizes follow from the opening.

    Attributes:
        challenges: 32 bytes each, all but the last branch of every disjunction.
        ciphertexts: 64 bytes (α ‖ β) per option.
        commitments: 64 bytes (A ‖ B) per branch, options first, then the sum.
        responses: 32 bytes per branch, options first, then the sum.
    """

    challenges: Variable
    ciphertexts: Variable
    commitments: Variable
    responses: Variable


class BallotWithoutResponse(Record, frozen=True):
    """All of a ballot that its credential's response z signs; the hash of its entry is the tracker."""

    class_index: Index = msgspec.field(name="class")
    commitment: Bytes32
    contests: tuple[BallotContest, ...]
    credential: Bytes32
    ctx: Digest
    previous: Digest
    randomizers: Variable
    sequence: Uint
    signatures: Variable
    tag: Tag


class Ballot(BallotWithoutResponse, frozen=True):
    """The body of a `ballot` entry."""

    response: Bytes32 = msgspec.field()

    def without_response(self) -> BallotWithoutResponse:
        """Return the part that the tracker covers."""
        return BallotWithoutResponse(**{name: getattr(self, name) for name in BallotWithoutResponse.__struct_fields__})

    def tracker(self) -> bytes:
        """Return the tracker, 32 bytes (SPEC.md#ballot-form)."""
        return tracker(self.without_response())


BALLOT = CanonicalCodec(Ballot)
BALLOT_WITHOUT_RESPONSE = CanonicalCodec(BallotWithoutResponse)


def tracker(ballot: BallotWithoutResponse) -> bytes:
    """Return the SHA-256 of the ballot's entry without its response: known before casting.

    Source: SPEC.md#ballot-form.
    """
    body = BALLOT_WITHOUT_RESPONSE.encode(ballot)
    return hashlib.sha256(b'{"body":' + body + b',"kind":"ballot"}').digest()
