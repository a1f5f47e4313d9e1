"""Evidence against a board operator, as one file that a stranger checks without the log.

    {"kind":"split-view","manifest":{…},"notes":["…","…"],"proof":[…],"root":"…"}
    {"kind":"broken-promise","leaf_hash":"…","manifest":{…},"note":"…","promise":{…},"proof":[…]}

A split view is shown by two checkpoints under one log key, and the proof that the larger log has another root at the
size of the smaller one. A broken promise is shown by the promise, a checkpoint under the log key of the same operator,
and the proof that another leaf stands where the promise says.

No quorum is asked for: what an operator signs alone is its word too. The witnesses that cosigned are named beside it;
one that cosigned both sides of a split has failed as well.

The manifest is in the file, and is the sitting's only if its hash is the sitting_id, which comes from outside.

Source: SPEC.md#evidence.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import ConsistencyProof, InclusionProof
from secballot.board.note import ED25519, Note, VerifierKey
from secballot.encoding import MAX_ENTRY_BYTES, CanonicalCodec
from secballot.errors import EncodingError, InvalidSignatureError, Party, PolicyError, RefusalError, VerificationError
from secballot.record.history import LogOperator, good_lines, operator_keys
from secballot.records.fields import Digest, NoteText, Record
from secballot.records.manifest import MANIFEST, Manifest
from secballot.records.promise import PROMISE, Promise
from secballot.signing import VerifyKey, verify

if TYPE_CHECKING:
    from secballot.board.note import SignatureLine
    from secballot.record.history import LogHistory

Hashes = Annotated[tuple[Digest, ...], msgspec.Meta(max_length=64)]


class SplitView(Record, frozen=True):
    """Two checkpoints that no one log can have.

    Attributes:
        kind: `split-view`.
        manifest: body of the sitting's manifest.
        notes: the smaller checkpoint, then the larger one, or two of one size.
        proof: that the larger log has `root` at the size of the smaller (RFC 6962 §2.1.2).
        root: 32 bytes, not the smaller checkpoint's.
    """

    kind: Literal["split-view"]
    manifest: msgspec.Raw
    notes: tuple[NoteText, NoteText]
    proof: Hashes
    root: Digest


class BrokenPromise(Record, frozen=True):
    """A promise, and another leaf in its place.

    Attributes:
        kind: `broken-promise`.
        leaf_hash: of the entry that stands there.
        manifest: body of the sitting's manifest.
        note: a checkpoint above the promised index.
        promise: the promise.
        proof: that the leaf stands there below the checkpoint (RFC 6962 §2.1.1).
    """

    kind: Literal["broken-promise"]
    leaf_hash: Digest
    manifest: msgspec.Raw
    note: NoteText
    promise: msgspec.Raw
    proof: Hashes


Evidence = SplitView | BrokenPromise

MAX_EVIDENCE_BYTES: Final = MAX_ENTRY_BYTES + 100_000
_SPLIT_VIEW: Final = CanonicalCodec(SplitView, max_bytes=MAX_EVIDENCE_BYTES)
_BROKEN_PROMISE: Final = CanonicalCodec(BrokenPromise, max_bytes=MAX_EVIDENCE_BYTES)


@dataclass(frozen=True, slots=True)
class EvidenceFinding:
    """What evidence shows.

    Attributes:
        kind: `split-view` or `broken-promise`.
        sitting_id: hash of the manifest in the file, 32 bytes.
        title: of the sitting.
        culprit: the board.
        operator: 1 for the log's first operator, 2 for the first successor and so on.
        sizes: of the checkpoints.
        index: that was promised; None for a split view.
        witnesses: who cosigned each checkpoint.
    """

    kind: str
    sitting_id: bytes
    title: str
    culprit: Party
    operator: int
    sizes: tuple[int, ...]
    index: int | None
    witnesses: tuple[tuple[str, ...], ...]

    @property
    def failing_witnesses(self) -> tuple[str, ...]:
        """Names of the witnesses that cosigned both sides."""
        first, *others = self.witnesses
        return tuple(name for name in first if others and name in others[0])


def encode_evidence(evidence: Evidence) -> bytes:
    """Return the bytes of an evidence file.

    Raises:
        EncodingError: a part is too long.
    """
    if isinstance(evidence, SplitView):
        return _SPLIT_VIEW.encode(evidence)
    return _BROKEN_PROMISE.encode(evidence)


def decode_evidence(data: bytes) -> Evidence:
    """Return the evidence in a file, none of it verified.

    Raises:
        EncodingError: no canonical evidence.
    """
    try:
        return _SPLIT_VIEW.decode(data)
    except EncodingError:
        return _BROKEN_PROMISE.decode(data)


def split_view(manifest: Manifest, smaller: bytes, larger: bytes, history: LogHistory) -> SplitView | None:
    """Return the evidence that two checkpoints contradict each other, None if one continues the other.

    Lines of other keys than the manifest's are left out of the evidence.

    Args:
        manifest: of the sitting.
        smaller: note of the checkpoint of lesser or equal size.
        larger: note of the other one.
        history: the leaves below the larger one, whose root they have.

    Raises:
        EncodingError: not checkpoints.
        ValueError: the sizes are the other way round, or the leaves are too few.
    """
    first, second = (Checkpoint.decode(Note.decode(note).text) for note in (smaller, larger))
    if not first.tree_size <= second.tree_size <= len(history):
        raise ValueError("the smaller checkpoint comes first, and the leaves of the larger one are needed")
    root = history.root(first.tree_size)
    if root == first.root:
        return None
    proof = ConsistencyProof.prove(first.tree_size, second.tree_size, history.subtree)
    return SplitView(
        kind="split-view",
        manifest=msgspec.Raw(MANIFEST.encode(manifest)),
        notes=(_lean(manifest, smaller), _lean(manifest, larger)),
        proof=proof.hashes,
        root=root,
    )


def broken_promise(manifest: Manifest, promise: Promise, note: bytes, history: LogHistory) -> BrokenPromise | None:
    """Return the evidence that a promise is broken below a checkpoint, None if it is kept, or its place lies beyond.

    Args:
        manifest: of the sitting.
        promise: the promise.
        note: of a checkpoint.
        history: the leaves below it.

    Raises:
        EncodingError: not a checkpoint.
        ValueError: the leaves are too few.
    """
    size = Checkpoint.decode(Note.decode(note).text).tree_size
    if size > len(history):
        raise ValueError("the leaves of the checkpoint are needed")
    if promise.index >= size or history.leaf(promise.index) == promise.leaf_hash:
        return None
    return BrokenPromise(
        kind="broken-promise",
        leaf_hash=history.leaf(promise.index),
        manifest=msgspec.Raw(MANIFEST.encode(manifest)),
        note=_lean(manifest, note),
        promise=msgspec.Raw(PROMISE.encode(promise)),
        proof=InclusionProof.prove(promise.index, size, history.subtree).hashes,
    )


def check_evidence(evidence: Evidence, sitting_id: bytes | None = None) -> EvidenceFinding:
    """Return what evidence shows, once all of it is verified.

    Args:
        evidence: from anybody.
        sitting_id: the sitting that the reader means, None to take the one in the file.

    Raises:
        RefusalError: evidence about another sitting.
        EncodingError: manifest, promise or a note is malformed.
        VerificationError, PolicyError: it does not show what it says.

    Source: SPEC.md#evidence.
    """
    body = bytes(evidence.manifest)
    found = hashlib.sha256(body).digest()
    if sitting_id is not None and sitting_id != found:
        raise RefusalError("the evidence is about another sitting")
    manifest = MANIFEST.decode(body)
    if isinstance(evidence, SplitView):
        return _check_split_view(evidence, manifest, found)
    return _check_broken_promise(evidence, manifest, found)


def _check_split_view(evidence: SplitView, manifest: Manifest, sitting_id: bytes) -> EvidenceFinding:
    one, other = (SignedCheckpoint.open(manifest, text.encode()) for text in evidence.notes)
    common = one.operators & other.operators
    if not common:
        raise PolicyError("the two checkpoints are not signed by one operator of the log")
    if evidence.root == one.checkpoint.root:
        raise VerificationError("the larger log continues the smaller one: there is no contradiction")
    sizes = one.checkpoint.tree_size, other.checkpoint.tree_size
    if sizes[0] > sizes[1]:
        raise VerificationError("the smaller checkpoint comes first")
    ConsistencyProof(*sizes, evidence.proof).verify(evidence.root, other.checkpoint.root)
    return EvidenceFinding(
        kind=evidence.kind,
        sitting_id=sitting_id,
        title=manifest.title,
        culprit=Party("board"),
        operator=min(common),
        sizes=sizes,
        index=None,
        witnesses=(one.witnesses, other.witnesses),
    )


def _check_broken_promise(evidence: BrokenPromise, manifest: Manifest, sitting_id: bytes) -> EvidenceFinding:
    promise = PROMISE.decode(bytes(evidence.promise))
    signed = SignedCheckpoint.open(manifest, evidence.note.encode())
    size = signed.checkpoint.tree_size
    if promise.sitting_id != sitting_id:
        raise VerificationError("the promise was given in another sitting")
    if evidence.leaf_hash == promise.leaf_hash:
        raise VerificationError("the promised entry stands in its place: the promise is kept")
    operators = signed.operators & promised_by(manifest, promise)
    if not operators:
        raise InvalidSignatureError("the operator that signed the checkpoint did not sign the promise")
    InclusionProof(promise.index, size, evidence.proof).verify(evidence.leaf_hash, signed.checkpoint.root)
    return EvidenceFinding(
        kind=evidence.kind,
        sitting_id=sitting_id,
        title=manifest.title,
        culprit=Party("board"),
        operator=min(operators),
        sizes=(size,),
        index=promise.index,
        witnesses=(signed.witnesses,),
    )


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint of the log that an operator signed, with or without witnesses.

    Attributes:
        checkpoint: origin, size and root.
        operators: 1 for the log's first operator, 2 for the first successor and so on; those that signed it.
        witnesses: names of the manifest's witnesses that cosigned it.
        note: the note with its good lines only.
    """

    checkpoint: Checkpoint
    operators: frozenset[int]
    witnesses: tuple[str, ...]
    note: bytes

    @classmethod
    def open(cls, manifest: Manifest, data: bytes) -> SignedCheckpoint:
        """Return what a note shows.

        Raises:
            EncodingError: not a checkpoint without extension lines.
            VerificationError: another log's.
            PolicyError: no operator of this log signed it.
        """
        note = Note.decode(data)
        checkpoint = Checkpoint.decode(note.text)
        checkpoint.check_profile()
        if checkpoint.origin != manifest.log.origin:
            raise VerificationError("the checkpoint belongs to another log")
        operators: set[int] = set()
        good: dict[tuple[str, bytes], SignatureLine] = {}
        for number, keys in enumerate(operator_keys(manifest), 1):
            own = VerifierKey(manifest.log.origin, ED25519, keys.key)
            try:
                lines = good_lines(manifest, LogOperator(keys.key, keys.promise_key, 0, None), note)
            except PolicyError:
                continue
            good |= {line.key: line for line in lines}
            if (own.name, own.key_id) in good:
                operators.add(number)
        if not operators:
            raise PolicyError("the checkpoint is not signed by an operator of the log")
        witnesses = tuple(line.name for line in good.values() if line.name != checkpoint.origin)
        return cls(checkpoint, frozenset(operators), witnesses, Note(note.text, tuple(good.values())).encode())


def _lean(manifest: Manifest, note: bytes) -> str:
    """Return a note for evidence: with many lines of other keys it would be too long, and the board would go free."""
    try:
        return SignedCheckpoint.open(manifest, note).note.decode()
    except (VerificationError, PolicyError):
        return note.decode()


def promised_by(manifest: Manifest, promise: Promise) -> frozenset[int]:
    """Return the numbers of the operators (1 for the first) whose promise key signed a promise."""
    found = set()
    for number, keys in enumerate(operator_keys(manifest), 1):
        with suppress(InvalidSignatureError):
            verify(VerifyKey(keys.promise_key), promise.message(), promise.signature)
            found.add(number)
    return frozenset(found)
