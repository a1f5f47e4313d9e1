"""Receipts: that and where a ballot is on the board, never what it says.

A receipt is checked with the tag that the delegate remembers. The answer is not "included" but: this ballot, with
your tag, is number k of k from its credential, is counted, under a root that a witness quorum signed.

Source: SPEC.md#ballot-form, SPEC.md#receipts.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from secballot.board.inclusion import TlogProof
from secballot.board.merkle import InclusionProof, leaf_hash
from secballot.encoding import CanonicalCodec
from secballot.errors import RefusalError
from secballot.record.history import open_witnessed
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.records.fields import Digest, Index, Record, Tag, Uint

if TYPE_CHECKING:
    from secballot.record.state import PollState
    from secballot.roles.view import WitnessedView


class Receipt(Record, frozen=True):
    """One ballot's receipt.

    Attributes:
        index: of the ballot's entry in the log.
        poll: its poll number.
        proof: a tlog-proof of the entry under a witnessed checkpoint.
        sitting_id: the sitting.
        tag: the ten digits in the ballot.
        tracker: of the ballot, 32 bytes.
    """

    index: Uint
    poll: Index
    proof: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]
    sitting_id: Digest
    tag: Tag
    tracker: Digest


RECEIPT: Final = CanonicalCodec(Receipt, max_bytes=200_000)


@dataclass(frozen=True, slots=True)
class ReceiptFinding:
    """What a receipt check found.

    Attributes:
        number: this ballot is number k of its credential, from 1.
        of: how many accepted ballots the credential has.
        counted: whether the poll is closed and this ballot is in its tally.
        status: status of the poll.
        root: of the checkpoint checked, 32 bytes.
        tree_size: of that checkpoint.
        witnesses: names of those who cosigned it.
    """

    number: int
    of: int
    counted: bool
    status: str
    root: bytes
    tree_size: int
    witnesses: tuple[str, ...]


def make_receipt(view: WitnessedView, poll: PollState, index: int) -> Receipt:
    """Return the receipt of the ballot at this index, under the view's newest checkpoint.

    Raises:
        RefusalError: nothing is witnessed yet, or the entry is no ballot of this poll.
    """
    body = decode_entry(view.entry(index)).body
    if view.checkpoint is None or not isinstance(body, Ballot) or body.ctx != poll.ctx:
        raise RefusalError("no witnessed ballot of this poll stands at this index")
    size = view.checkpoint.checkpoint.tree_size
    proof = InclusionProof.prove(index, size, view.state.history.subtree)
    encoded = TlogProof(index, proof.hashes, view.checkpoint.note).encode().decode()
    return Receipt(
        index=index, poll=poll.number, proof=encoded, sitting_id=view.anchor, tag=body.tag, tracker=body.tracker()
    )


def check_receipt(receipt: Receipt, view: WitnessedView, tag: str) -> ReceiptFinding:
    """Check a receipt against the log, with the tag that the delegate remembers.

    Args:
        receipt: the receipt.
        view: a replay of the log, refreshed by the caller.
        tag: what the delegate typed in; never shown to them beforehand.

    Raises:
        RefusalError: another sitting's receipt, the tag is not the one in the ballot, the log's entry there is not this
            ballot, it was not accepted, or it is superseded.
        EncodingError, VerificationError, PolicyError: the tlog-proof does not hold.

    Source: SPEC.md#receipts.
    """
    if receipt.sitting_id != view.anchor:
        raise RefusalError("the receipt belongs to another sitting")
    data = view.entry(receipt.index)
    body = decode_entry(data).body
    if not isinstance(body, Ballot) or body.tracker() != receipt.tracker:
        raise RefusalError("the log holds another entry where the receipt says the ballot is")
    if not hmac.compare_digest(body.tag.encode(), tag.encode(errors="replace")):
        raise RefusalError("the ballot does not carry your tag: it is not the one you cast")
    manifest = view.state.the_manifest()
    proof = TlogProof.decode(receipt.proof.encode())
    opened = open_witnessed(manifest, view.state.operators, proof.checkpoint)
    inclusion = InclusionProof(proof.index, opened.checkpoint.tree_size, proof.hashes)
    if proof.index != receipt.index:
        raise RefusalError("the receipt's proof is about another entry")
    inclusion.verify(leaf_hash(data), opened.checkpoint.root)
    poll = view.state.by_ctx.get(body.ctx)
    head = poll.heads.get(body.credential) if poll is not None else None
    if poll is not None and poll.number != receipt.poll:
        raise RefusalError("the receipt names another poll than the ballot")
    if poll is None or head is None or not _accepted(view, receipt.index):
        raise RefusalError("the ballot is on the log and was not accepted: it counts for nothing")
    if head.index != receipt.index:
        raise RefusalError(
            f"a later ballot of the same credential counts: number {head.sequence + 1} of {head.sequence + 1}"
        )
    return ReceiptFinding(
        number=body.sequence + 1,
        of=head.sequence + 1,
        counted=poll.status == "closed",
        status=poll.status,
        root=opened.checkpoint.root,
        tree_size=opened.checkpoint.tree_size,
        witnesses=opened.names,
    )


def _accepted(view: WitnessedView, index: int) -> bool:
    return view.judgements[index].outcome.stands
