"""Comparing what several places show of one log: folders, archives, databases, boards, and single checkpoints.

A board that shows each reader another log is found out as soon as two of them compare. What the operator signs alone is
its word, so checkpoints are compared with and without a quorum; a place is trusted for nothing but the bytes it gives.

Two checkpoints are compared by the entries below the larger one, where some place has them, and without any if they are
of one size. Checkpoints of two operators accuse neither: what each has signed is then compared apart.

Source: SPEC.md#evidence, SPEC.md#handover.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from secballot.board.merkle import leaf_hash
from secballot.errors import (
    EncodingError,
    InvalidSignatureError,
    PolicyError,
    StoreError,
    TransportError,
    VerificationError,
)
from secballot.record.history import LogHistory, LogOperator, open_witnessed, operator_keys
from secballot.records.manifest import MANIFEST
from secballot.roles.evidence import (
    BrokenPromise,
    SignedCheckpoint,
    SplitView,
    broken_promise,
    promised_by,
    split_view,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from secballot.board.reader import LogSource
    from secballot.record.history import WitnessedCheckpoint
    from secballot.records.manifest import Manifest
    from secballot.records.promise import Promise


class Shown:
    """What one place shows of a log.

    Attributes:
        checkpoints: those that an operator signed, the smallest first.
        history: leaf hashes of the entries at hand, from the first without a gap.
        held: the checkpoints whose entries are at hand.
    """

    def __init__(self, checkpoints: Iterable[SignedCheckpoint], history: LogHistory | None = None) -> None:
        """Hold checkpoints, and the entries' leaf hashes if there are any."""
        self.checkpoints = sorted(checkpoints, key=_size)
        self.history = LogHistory() if history is None else history
        self.held = [signed for signed in self.checkpoints if self.holds(signed)]

    @classmethod
    def of_notes(cls, manifest: Manifest, notes: Iterable[bytes], history: LogHistory | None = None) -> Shown:
        """Return what notes show; what is no checkpoint by an operator of this log is left out."""
        return cls(_signed(manifest, notes), history)

    @classmethod
    def of_source(cls, manifest: Manifest, source: LogSource) -> Shown:
        """Return what a place shows; entries that it cannot give are as good as not there.

        Raises:
            StoreError, TransportError: its checkpoints cannot be read.
        """
        signed, history = _signed(manifest, source.checkpoint_notes()), LogHistory()
        try:
            for entry in source.entries(0, min(max(map(_size, signed), default=0), source.size())):
                history.append(leaf_hash(entry))
        except (StoreError, TransportError):
            pass  # whatever was read is compared
        return cls(signed, history)

    @property
    def vouched(self) -> int:
        """Up to which size an operator has signed the entries at hand."""
        return _size(self.held[-1]) if self.held else 0

    def witnessed(self, manifest: Manifest) -> WitnessedCheckpoint | None:
        """Return the newest checkpoint under a quorum whose entries are at hand, None if there is none."""
        for signed in reversed(self.held):
            for number in signed.operators:
                keys = operator_keys(manifest)[number - 1]
                try:
                    return open_witnessed(manifest, [LogOperator(keys.key, keys.promise_key, 0, None)], signed.note)
                except PolicyError:
                    continue
        return None

    def covers(self, signed: SignedCheckpoint) -> bool:
        """Tell whether the entries at hand reach as far as a checkpoint."""
        return _size(signed) <= len(self.history)

    def holds(self, signed: SignedCheckpoint) -> bool:
        """Tell whether the entries at hand are those below a checkpoint."""
        return self.covers(signed) and self.history.root(_size(signed)) == signed.checkpoint.root

    def of_size(self, size: int) -> list[SignedCheckpoint]:
        """Return the checkpoints of a size."""
        first = bisect_left(self.checkpoints, size, key=_size)
        return self.checkpoints[first : bisect_right(self.checkpoints, size, lo=first, key=_size)]

    def above(self, signed: SignedCheckpoint) -> SignedCheckpoint | None:
        """Return the next larger checkpoint by an operator of this one whose entries are at hand."""
        first = bisect_right(self.held, _size(signed), key=_size)
        larger = (self.held[at] for at in range(first, len(self.held)))
        return next((one for one in larger if one.operators & signed.operators), None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing places.

    Attributes:
        evidence: that an operator showed two views, None if none was found.
        differs: whether some place shows what does not continue, and is not continued by, what another shows.
        apart: places (their numbers, from 0) that could be compared neither with the first nor with one that was.
    """

    evidence: SplitView | None
    differs: bool
    apart: tuple[int, ...]


def compare_places(manifest: Manifest, places: Sequence[Shown]) -> Comparison:
    """Compare every checkpoint of every place with every place, its own included.

    Args:
        manifest: of the sitting.
        places: at least one.

    Source: SPEC.md#evidence.
    """
    differs, evidence = False, None
    for place in places:
        for signed in place.checkpoints:
            for other in places:
                evidence = evidence or find_split(manifest, signed, other)
                differs = differs or (_size(signed) <= other.vouched and not other.holds(signed))
    return Comparison(evidence, differs or evidence is not None, _apart(places))


def _apart(places: Sequence[Shown]) -> tuple[int, ...]:
    joined, new = {0}, {0}
    while new:
        others = set(range(len(places))) - joined
        new = {at for at in others if any(_comparable(places[at], places[known]) for known in joined)}
        joined |= new
    return tuple(at for at in range(len(places)) if at not in joined)


def _comparable(one: Shown, other: Shown) -> bool:
    """Tell whether the newest checkpoint of one of two places can be compared with the other."""
    for place, reader in ((one, other), (other, one)):
        newest = place.checkpoints[-1:]
        if any(reader.covers(signed) or reader.of_size(_size(signed)) for signed in newest):
            return True
    return False


def find_split(manifest: Manifest, signed: SignedCheckpoint, other: Shown) -> SplitView | None:
    """Return the evidence that the operator of a checkpoint has signed, elsewhere, what does not continue it.

    Args:
        manifest: of the sitting.
        signed: the checkpoint.
        other: what a place shows; only checkpoints of at least this size count there.
    """
    for twin in other.of_size(_size(signed)):
        if twin.checkpoint != signed.checkpoint and twin.operators & signed.operators:
            return SplitView(
                kind="split-view",
                manifest=msgspec.Raw(MANIFEST.encode(manifest)),
                notes=(signed.note.decode(), twin.note.decode()),
                proof=(),
                root=twin.checkpoint.root,
            )
    # Whatever continues one checkpoint of these entries continues all that are smaller: one is enough.
    larger = other.above(signed)
    return None if larger is None else split_view(manifest, signed.note, larger.note, other.history)


class PromiseState(Enum):
    """What a log shows of a promise."""

    KEPT = "kept"
    """The promised entry stands in its place."""
    OPEN = "open"
    """The log has not come to its place yet."""
    BROKEN = "broken"
    """Another entry stands there under a checkpoint of the operator that promised."""
    VOID = "void"
    """Another entry stands there, by another operator: the log was handed over before that place was filled."""


@dataclass(frozen=True, slots=True)
class PromiseJudgement:
    """What a log shows of a promise, with the evidence if it is broken."""

    state: PromiseState
    evidence: BrokenPromise | None = None


def judge_promise(manifest: Manifest, promise: Promise, shown: Shown) -> PromiseJudgement:
    """Return what a place of the log shows of a promise.

    Args:
        manifest: of the sitting.
        promise: from a board, or from a drop box.
        shown: the place; counted are entries below a checkpoint that an operator signed.

    Raises:
        VerificationError: it is no promise of an operator of this log.

    Source: SPEC.md#promise, SPEC.md#evidence.
    """
    if promise.sitting_id != hashlib.sha256(MANIFEST.encode(manifest)).digest():
        raise VerificationError("the promise was given in another sitting")
    operators = promised_by(manifest, promise)
    if not operators:
        raise InvalidSignatureError("the promise is signed by no promise key of the manifest")
    if promise.index >= shown.vouched:
        return PromiseJudgement(PromiseState.OPEN)
    if shown.history.leaf(promise.index) == promise.leaf_hash:
        return PromiseJudgement(PromiseState.KEPT)
    for signed in shown.held:
        if _size(signed) > promise.index and signed.operators & operators:
            found = broken_promise(manifest, promise, signed.note, shown.history)
            return PromiseJudgement(PromiseState.BROKEN, found)
    return PromiseJudgement(PromiseState.VOID)


def _size(signed: SignedCheckpoint) -> int:
    return signed.checkpoint.tree_size


def _signed(manifest: Manifest, notes: Iterable[bytes]) -> list[SignedCheckpoint]:
    found: dict[bytes, SignedCheckpoint] = {}
    for note in notes:
        try:
            signed = SignedCheckpoint.open(manifest, note)
        except (EncodingError, VerificationError, PolicyError):
            continue
        found[signed.note] = signed
    return list(found.values())
