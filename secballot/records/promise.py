"""The board's promise of a place in the log, and the handover of the log to a successor.

Source: SPEC.md#promise, SPEC.md#handover.
"""

from __future__ import annotations

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes32, Bytes64, Digest, Index, Record, Uint
from secballot.transcript import digest


class Promise(Record, frozen=True):
    """The board's signed word that the entry with this leaf hash stands at this index.

    Attributes:
        index: position in the log, from 0.
        leaf_hash: of the entry promised.
        maximum_delay: seconds until a checkpoint covers it.
        signature: by the promise key, over `Promise.message`.
        sitting_id: of the sitting.
        time: when the promise was made, seconds since the epoch.
    """

    index: Uint
    leaf_hash: Digest
    maximum_delay: Uint
    signature: Bytes64
    sitting_id: Digest
    time: Uint

    def message(self) -> bytes:
        """Return the 64 bytes that the promise key signs."""
        return digest("promise", self.sitting_id, self.leaf_hash, self.index, self.time, self.maximum_delay)


class Handover(Record, frozen=True):
    """Passes the log, at this size and root, to the successor with this number."""

    root: Bytes32
    size: Uint
    successor: Index


PROMISE = CanonicalCodec(Promise)
HANDOVER = CanonicalCodec(Handover)
