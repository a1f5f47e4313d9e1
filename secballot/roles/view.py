"""A party's own view of the log: witnessed, replayed by its own machine, and never rolled back.

Every party acts only on a prefix that lies under a quorum-cosigned checkpoint consistent with every checkpoint it has
seen. This class is that rule: it replays each entry once, and refuses a checkpoint that its own leaves contradict.

Source: SPEC.md#data-flow, SPEC.md#parties-and-trust.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from secballot.audit.replay import replay
from secballot.board.checkpoint import Checkpoint
from secballot.board.log import readings
from secballot.board.merkle import Frontier, leaf_hash
from secballot.board.note import Note
from secballot.errors import (
    EncodingError,
    InconsistentLogError,
    PolicyError,
    RefusalError,
    StoreError,
    TransportError,
    VerificationError,
)
from secballot.record import Outcome, SittingRecord
from secballot.record.history import LogHistory, LogOperator, WitnessedCheckpoint, open_witnessed
from secballot.record.saving import restored, saved
from secballot.record.sums import MANY_WAITING
from secballot.records.entry import decode_entry
from secballot.records.manifest import Manifest
from secballot.roles.judgements import Judgements, SavedJudgements
from secballot.roles.stretch import Stretch

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from secballot.board.reader import LogSource
    from secballot.record import Judgement
    from secballot.record.state import SittingState
    from secballot.store.verified import VerifiedState

ANCHOR_BYTES = 32
_SEARCHED_ENTRIES = 1_000
_HANDOVER = b'"kind":"handover"'

_KEPT_AFTER = 1_000
"""New entries after which what was verified is kept: fewer are verified again in a moment."""

_KEPT_SHARE = 8
"""And what part of all entries they are at least, since all that was verified is written anew."""


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


class _SavedView(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    record: bytes
    judgements: SavedJudgements
    seen: tuple[bytes, ...]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_SavedView, strict=True)


class WitnessedView:
    """What one party knows of the sitting, all of it verified by itself.

    Attributes:
        anchor: the sitting_id, 32 bytes, from outside the board.
        record: the machine, replayed up to `checkpoint`.
        checkpoint: the newest quorum checkpoint that this view accepted, or None before the first.
        judgements: outcome of every entry replayed.
        seen: every checkpoint accepted; a note kept here still shows its time when the board has a later one.
        progress: is told while a log is replayed how many entries are judged, and of how many.
    """

    def __init__(
        self,
        source: LogSource,
        anchor: bytes,
        *,
        memory: VerifiedState | None = None,
        executor: Executor | None = None,
    ) -> None:
        """Begin with nothing seen.

        Args:
            source: where entries and checkpoints are read; trusted for nothing.
            anchor: the sitting_id.
            memory: where this reader keeps what it verified of a long log, so that it goes on from there the next time,
                and refuses a log that is another one than before. It is read by the first `refresh`.
            executor: verifies proofs and signatures ahead (`roles.workers`); None does it here.

        Raises:
            RefusalError: the anchor is not 32 bytes; no party starts without it.
        """
        if len(anchor) != ANCHOR_BYTES:
            raise RefusalError("the trust anchor is the sitting_id, 32 bytes, from a channel other than the board")
        self.anchor = anchor
        self.checkpoint: WitnessedCheckpoint | None = None
        self.judgements = Judgements()
        self.seen: list[WitnessedCheckpoint] = []
        self.progress: Callable[[int, int], None] = _no_progress
        self._source = source
        self._executor = executor
        self._memory, self._kept, self._recalled = memory, 0, memory is None
        self._frontier = Frontier()
        self.record = self._empty_record()

    def _empty_record(self) -> SittingRecord:
        return SittingRecord(self.anchor, fetch=self._source.entry, most_waiting=MANY_WAITING)

    @property
    def state(self) -> SittingState:
        """The verified state; read-only for callers."""
        return self.record.state

    @property
    def size(self) -> int:
        """Entries replayed, all of them under `checkpoint`."""
        return len(self.record)

    def refresh(self) -> WitnessedCheckpoint:
        """Catch up with the newest quorum checkpoint and return it.

        Raises:
            PolicyError: no checkpoint at hand satisfies the witness quorum.
            InconsistentLogError: the newest one contradicts what this view has seen (a split view); `evidence` is a
                file for strangers if both were signed by one operator, or the note.
            StoreError: an entry under the checkpoint cannot be read, or the source is behind what was seen.
        """
        if not self._recalled and self._memory is not None:
            kept = self._memory.recall()
            if kept is not None:
                self.resume(kept)
            self._recalled = True
        manifest = self.state.manifest or self._find_manifest()
        if self._follow_handover(manifest):
            return self._accept(self._newest(manifest))
        opened = self._newest(manifest)
        size = opened.checkpoint.tree_size
        if size < self.size:
            if self.state.history.root(size) == opened.checkpoint.root:
                raise StoreError("the source is stale: its newest witnessed checkpoint is older than one already seen")
            raise InconsistentLogError(
                "an older witnessed checkpoint contradicts the log already seen",
                check="LOG-02",
                evidence=self._evidence(manifest, opened.note, size),
            )
        stretch = Stretch(self._source, self.size, size)
        frontier = self._frontier.copy()
        for leaf in stretch.leaves:
            frontier.append(leaf)
        if frontier.root() != opened.checkpoint.root or not self._continues_what_was_seen(stretch):
            raise InconsistentLogError(
                "the entries are not those that the witnessed checkpoint commits to",
                check="LOG-02",
                evidence=self._evidence(manifest, opened.note, size),
            )
        try:
            self._replay(self.record, self.judgements, stretch)
        except BaseException:
            # Half of the entries may be in the record: begin anew rather than take the rest for another log.
            self.record, self.judgements = self._empty_record(), Judgements()
            self._frontier = Frontier()
            raise
        self._frontier = frontier
        return self._accept(opened)

    def _continues_what_was_seen(self, stretch: Stretch) -> bool:
        """Tell whether entries read from the first on, after trouble, give every checkpoint that was seen before it.

        Raises:
            StoreError: they end before one of them.
        """
        if self.size:
            return True  # the record itself holds what was seen
        history = LogHistory(b"".join(stretch.leaves))
        for one in self.seen:
            if one.checkpoint.tree_size > len(history):
                raise StoreError("the source is stale: its newest witnessed checkpoint is older than one already seen")
            if history.root(one.checkpoint.tree_size) != one.checkpoint.root:
                return False
        return True

    def _evidence(self, manifest: Manifest, note: bytes, size: int) -> bytes:
        """Return the file that convicts an operator by a checkpoint that is refused, or the note if nothing does."""
        # Loaded when a log is refused, which is not every day.
        from secballot.roles.comparing import Shown, compare_places  # noqa: PLC0415
        from secballot.roles.evidence import encode_evidence  # noqa: PLC0415

        history = LogHistory()
        with suppress(StoreError, TransportError):
            for entry in self._source.entries(0, size):
                history.append(leaf_hash(entry))
        own = Shown.of_notes(manifest, [seen.note for seen in self.seen], self.state.history)
        found = compare_places(manifest, [own, Shown.of_notes(manifest, [note], history)]).evidence
        return note if found is None else encode_evidence(found)

    def _accept(self, opened: WitnessedCheckpoint) -> WitnessedCheckpoint:
        """Keep a checkpoint whose entries have been replayed."""
        self._check_failures()
        self.checkpoint = opened
        if opened not in self.seen:
            self.seen.append(opened)
        if self._memory is not None and self.size - self._kept >= max(_KEPT_AFTER, self.size // _KEPT_SHARE):
            self._memory.keep(self.saved())
            self._kept = self.size
        return opened

    def saved(self) -> bytes:
        """Return what this view verified and saw, for `resume`; to be kept where nobody else can change it."""
        return _ENCODER.encode(
            _SavedView(saved(self.record), self.judgements.packed(), tuple(one.note for one in self.seen))
        )

    def resume(self, data: bytes) -> None:
        """Go on from what a view of this log, with this anchor, verified before.

        Args:
            data: what `saved` returned.

        Raises:
            EncodingError: it is no such thing, or of another sitting.
            StoreError: an earlier entry cannot be read again.
        """
        try:
            held = _DECODER.decode(data)
            judgements = Judgements.unpacked(held.judgements)
        except (msgspec.MsgspecError, ValueError) as error:
            raise EncodingError("not a saved view") from error
        record = restored(held.record, fetch=self._source.entry, most_waiting=MANY_WAITING)
        state = record.state
        if state.anchor != self.anchor or state.manifest is None or len(judgements) != len(record):
            raise EncodingError("a saved view of another sitting")
        self.record, self.judgements = record, judgements
        self._frontier = Frontier.of(state.history.leaf(index) for index in range(len(record)))
        self.seen = [open_witnessed(state.manifest, state.operators, note) for note in held.seen]
        self.checkpoint = self.seen[-1] if self.seen else None
        self._kept = len(record)

    def _replay(self, record: SittingRecord, judgements: Judgements, stretch: Stretch) -> None:
        """Append entries, verified in blocks, and note what each did."""

        def observe(judgement: Judgement, data: bytes) -> None:
            del data
            judgements.append(judgement)

        for done in replay(record, stretch, observe, executor=self._executor):
            self.progress(done, stretch.stop)

    def _follow_handover(self, manifest: Manifest) -> bool:
        """Adopt a longer log that a successor signs, if it holds the handover and continues what was seen.

        The successor's key comes into force by entries that only its own checkpoint covers. So such a log is replayed
        apart from this view, and adopted only if by its own handover its checkpoint counts.
        """
        if self.state.handovers == len(manifest.successors):
            return False
        for note in self._source.checkpoint_notes():
            size = claimed_size(note)
            if size is not None and size <= self.size:
                break
            if size is None or not _signed_by_successor(manifest, self.state.handovers, note):
                continue
            other, judgements = self._empty_record(), Judgements()
            self._replay(other, judgements, Stretch(self._source, 0, size))
            try:
                opened = open_witnessed(manifest, other.state.operators, note)
            except (EncodingError, VerificationError, PolicyError):
                continue
            history = other.state.history
            if history.root(size) != opened.checkpoint.root or history.root(self.size) != self._frontier.root():
                raise InconsistentLogError(
                    "a successor's witnessed log is not the one seen before",
                    check="LOG-02",
                    evidence=self._evidence(manifest, note, size),
                )
            self.record, self.judgements = other, judgements
            self._frontier = Frontier.of(history.leaf(index) for index in range(size))
            return True
        return False

    def entry(self, index: int) -> bytes:
        """Return the bytes of an entry that this view has replayed, compared with the leaf it knows.

        Raises:
            StoreError: not replayed, or the source now gives other bytes.
        """
        if not 0 <= index < self.size:
            raise StoreError("no entry at this index has been verified")
        data = self._source.entry(index)
        if leaf_hash(data) != self.state.history.leaf(index):
            raise StoreError("the source gives another entry than the one verified")
        return data

    def pending_acts(self) -> list[int]:
        """Return the indices of entries whose signature is collected for an act that does not stand yet."""
        pending = []
        for judgement in self.judgements:
            if judgement.outcome is Outcome.COLLECTED:
                entry = decode_entry(self.entry(judgement.index))
                if (entry.kind, entry.body_hash) in self.state.collections:
                    pending.append(judgement.index)
        return pending

    def quorum_notes(self) -> list[WitnessedCheckpoint]:
        """Return every quorum checkpoint at hand that is true of this log, newest first.

        A size that was cosigned more than once comes once with the newest times, and once with the earliest.
        """
        manifest = self.state.the_manifest()
        found = list(self.seen)
        for note in readings(self._source.checkpoint_notes()):
            try:
                opened = open_witnessed(manifest, self.state.operators, note)
            except (EncodingError, VerificationError, PolicyError):
                continue
            size = opened.checkpoint.tree_size
            if size <= self.size and self.state.history.root(size) == opened.checkpoint.root:
                found.append(opened)
        return sorted(dict.fromkeys(found), key=lambda checkpoint: checkpoint.checkpoint.tree_size, reverse=True)

    def _check_failures(self) -> None:
        if self.state.failures:
            failure = self.state.failures[0]
            raise InconsistentLogError(failure.reason, check=failure.check, evidence=failure.evidence)

    def _find_manifest(self) -> Manifest:
        """Return the manifest whose body hashes to the anchor; its signatures are judged in the replay."""
        stop = min(self._source.size(), _SEARCHED_ENTRIES)
        for data in self._source.entries(0, stop):
            try:
                entry = decode_entry(data)
            except EncodingError:
                continue
            if isinstance(entry.body, Manifest) and entry.body_hash == self.anchor:
                return entry.body
        raise RefusalError("the log holds no manifest with this sitting_id", check="SIT-01")

    def _newest(self, manifest: Manifest) -> WitnessedCheckpoint:
        """Return the newest checkpoint at hand under a quorum, by the log keys in force so far.

        Sources give the newest first; one that does not is stale in effect, which is its own choice anyway.
        """
        operators = self.state.operators or SittingRecord.first_operators(manifest)
        for note in self._source.checkpoint_notes():
            try:
                opened = open_witnessed(manifest, operators, note)
            except (EncodingError, VerificationError, PolicyError):
                continue
            if not self._is_outlived(manifest, opened):
                return opened
        raise PolicyError("no checkpoint at hand satisfies the witness quorum", check="LOG-01")

    def _is_outlived(self, manifest: Manifest, opened: WitnessedCheckpoint) -> bool:
        """Tell whether the entries under a checkpoint hand the log over, so that its key is in force no more."""
        size, first = opened.checkpoint.tree_size, self.size
        if size <= first or self.state.handovers == len(manifest.successors):
            return False
        if not any(_HANDOVER in entry for entry in self._source.entries(first, size)):
            return False
        other = self._empty_record()
        self._replay(other, Judgements(), Stretch(self._source, 0, size))
        try:
            open_witnessed(manifest, other.state.operators, opened.note)
        except (EncodingError, VerificationError, PolicyError):
            # Of entries that are not the log's nothing follows; they are refused for what they are.
            return other.state.history.root(size) == opened.checkpoint.root
        return False


def claimed_size(note: bytes) -> int | None:
    """Return the tree size that a note claims, or None if the bytes are no checkpoint."""
    try:
        return Checkpoint.decode(Note.decode(note).text).tree_size
    except EncodingError:
        return None


def _signed_by_successor(manifest: Manifest, handovers: int, note: bytes) -> bool:
    """Tell whether a quorum signed this note, and the key of a successor that is not in force yet."""
    for successor in manifest.successors[handovers:]:
        try:
            open_witnessed(manifest, [LogOperator(successor.key, successor.promise_key, 0, None)], note)
        except (EncodingError, VerificationError, PolicyError):
            continue
        return True
    return False
