"""One trustee's partial decryption of one contest.

Source: SPEC.md#partial-decryption.
"""

from __future__ import annotations

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes64, Digest, Index, Record, Variable


class Decryption(Record, frozen=True):
    """Per option a decryption factor D (32 bytes, identity allowed) and an equality proof (c ‖ z, 64 bytes)."""

    contest: Index
    ctx: Digest
    factors: Variable
    proofs: Variable
    tally_id: Bytes64


DECRYPTION = CanonicalCodec(Decryption)
