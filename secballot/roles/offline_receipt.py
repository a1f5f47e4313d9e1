"""Receipts that need no board: with the ballot's entry and the manifest beside them, checkable for ever.

    {"entry":{…},"manifest":{…},"receipt":{…}}

Such a file shows that the very ballot with your tag stood in the log, at its place, under a checkpoint that a quorum of
the sitting's witnesses signed. It cannot show what came after: whether a later ballot of the credential replaced this
one, and whether it was counted. The finding says so.

Source: SPEC.md#receipts.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.board.inclusion import TlogProof
from secballot.board.merkle import InclusionProof, leaf_hash
from secballot.encoding import MAX_ENTRY_BYTES, CanonicalCodec
from secballot.errors import PolicyError, RefusalError
from secballot.record.history import LogOperator, WitnessedCheckpoint, open_witnessed, operator_keys
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.records.fields import Record
from secballot.records.manifest import MANIFEST, Manifest
from secballot.roles.receipt import RECEIPT, Receipt

if TYPE_CHECKING:
    from secballot.roles.view import WitnessedView

MISSING: Final = (
    "whether every proof of the ballot was accepted",
    "whether a later ballot of the same credential counts instead",
    "whether the poll was closed over it, and what the result is",
)
"""What no receipt shows without the rest of the log."""


class OfflineReceipt(Record, frozen=True):
    """A receipt with all that its check needs.

    Attributes:
        entry: the ballot's entry, as it stands in the log.
        manifest: body of the sitting's manifest.
        receipt: the receipt.
    """

    entry: msgspec.Raw
    manifest: msgspec.Raw
    receipt: msgspec.Raw


OFFLINE_RECEIPT: Final = CanonicalCodec(OfflineReceipt, max_bytes=2 * MAX_ENTRY_BYTES + RECEIPT.max_bytes + 100)


@dataclass(frozen=True, slots=True)
class OfflineFinding:
    """What a receipt shows by itself.

    Attributes:
        number: the ballot says it is number k of its credential, from 1.
        poll: its poll number.
        index: of its entry.
        checkpoint: under which it stands, with the witnesses that signed it, and when.
        missing: what could not be checked, in words.
    """

    number: int
    poll: int
    index: int
    checkpoint: WitnessedCheckpoint
    missing: tuple[str, ...] = MISSING


def pack_receipt(receipt: Receipt, view: WitnessedView) -> OfflineReceipt:
    """Return the receipt with entry and manifest beside it.

    Args:
        receipt: checked by the caller.
        view: a replay of the log.

    Raises:
        StoreError: the entry cannot be read.
        PhaseError: there is no manifest.
    """
    return OfflineReceipt(
        entry=msgspec.Raw(view.entry(receipt.index)),
        manifest=msgspec.Raw(MANIFEST.encode(view.state.the_manifest())),
        receipt=msgspec.Raw(RECEIPT.encode(receipt)),
    )


def check_offline(packed: OfflineReceipt, sitting_id: bytes, tag: str) -> OfflineFinding:
    """Check a receipt by itself, with the tag that the delegate remembers.

    Args:
        packed: from anybody.
        sitting_id: of the sitting, 32 bytes, from outside.
        tag: what the delegate typed in; never shown to them beforehand.

    Raises:
        RefusalError: another sitting's, another ballot than the receipt says, or another tag.
        EncodingError, VerificationError, PolicyError: a part is malformed, or the tlog-proof does not hold.

    Source: SPEC.md#receipts.
    """
    manifest_bytes, data = bytes(packed.manifest), bytes(packed.entry)
    receipt, body = RECEIPT.decode(bytes(packed.receipt)), decode_entry(data).body
    if hashlib.sha256(manifest_bytes).digest() != sitting_id or receipt.sitting_id != sitting_id:
        raise RefusalError("the receipt belongs to another sitting")
    if not isinstance(body, Ballot) or body.tracker() != receipt.tracker:
        raise RefusalError("the entry in the file is not the ballot of the receipt")
    if not hmac.compare_digest(body.tag.encode(), tag.encode(errors="replace")):
        raise RefusalError("the ballot does not carry your tag: it is not the one you cast")
    proof = TlogProof.decode(receipt.proof.encode())
    if proof.index != receipt.index:
        raise RefusalError("the receipt's proof is about another entry")
    opened = _opened(MANIFEST.decode(manifest_bytes), proof.checkpoint)
    InclusionProof(proof.index, opened.checkpoint.tree_size, proof.hashes).verify(
        leaf_hash(data), opened.checkpoint.root
    )
    return OfflineFinding(body.sequence + 1, receipt.poll, receipt.index, opened)


def _opened(manifest: Manifest, note: bytes) -> WitnessedCheckpoint:
    """Return a witnessed checkpoint of the log, by whichever operator: which one is in force, only the log shows."""
    failure: PolicyError | None = None
    for keys in operator_keys(manifest):
        try:
            return open_witnessed(manifest, [LogOperator(keys.key, keys.promise_key, 0, None)], note)
        except PolicyError as error:
            failure = failure or error
    raise failure or PolicyError("the manifest names no operator")
