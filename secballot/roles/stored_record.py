"""A board's record: what its store holds, replayed, from where the last process of this operator verified it.

The record in memory may run ahead of the disk while a batch is admitted, and nowhere else. Whatever goes wrong then, it
is thrown away and replayed: there is no other recovery.

Source: SPEC.md#board-profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from secballot.audit.replay import replay
from secballot.errors import EncodingError, StoreError
from secballot.record import SittingRecord
from secballot.record.saving import restored, saved
from secballot.roles.admission import FaultTally, SavedFaults

if TYPE_CHECKING:
    from secballot.store.board import BoardStore
    from secballot.store.verified import VerifiedState

_KEPT_AFTER: Final = 1_000
"""New entries after which what was verified is kept: fewer are verified again in a moment."""

_KEPT_SHARE: Final = 8
"""And what part of all entries they are at least, since all that was verified is written anew."""


class _Saved(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    record: bytes
    faults: SavedFaults


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Saved, strict=True)


class StoredRecord:
    """The record of one store.

    Attributes:
        pending: entries that the record has and the disk not yet, in order.
        faults: how many faults of each party and kind are in the log.
    """

    def __init__(self, store: BoardStore, anchor: bytes, memory: VerifiedState | None) -> None:
        """Begin without any; it is replayed when it is asked for.

        Args:
            store: the log.
            anchor: the sitting_id.
            memory: where this operator keeps what it verified, None to verify from the first entry at every start.
        """
        self._store = store
        self._anchor = anchor
        self._memory = memory
        self._record: SittingRecord | None = None
        self._durable = self._kept = 0
        self.pending: list[bytes] = []
        self.faults = FaultTally()

    def get(self) -> SittingRecord:
        """Return the record, replayed if there is none.

        Raises:
            StoreError: the store or what was kept cannot be read, or the store's log is not the one verified before.
        """
        if self._record is None:
            self.pending, self.faults = [], FaultTally()
            self._record = SittingRecord(self._anchor, fetch=self._fetch)
            try:
                self._resume()
                self.catch_up()
            except BaseException:
                self.drop()
                raise
        return self._record

    def catch_up(self) -> None:
        """Replay what the store holds beyond the record.

        Raises:
            StoreError: the store does not answer; the record is dropped.
        """
        record = self.get()
        self._durable = self._store.size()
        try:
            entries = self._store.entries(len(record), self._durable)
            for _ in replay(record, entries, lambda judgement, _: self.faults.note(judgement)):
                pass
        except BaseException:
            self.drop()
            raise
        if self._durable - self._kept >= max(_KEPT_AFTER, self._durable // _KEPT_SHARE):
            self.keep()

    def settle(self) -> None:
        """Take note that everything pending is on disk."""
        self._durable, self.pending = len(self.get()), []

    def drop(self) -> None:
        """Throw the record away; it is replayed when it is asked for again."""
        self._record = None

    def keep(self) -> None:
        """Keep what was verified, if there is a place for it and nothing is pending.

        Raises:
            StoreError: the disk does not take it.
        """
        if self._memory is not None and self._record is not None and not self.pending:
            self._memory.keep(_ENCODER.encode(_Saved(saved(self._record), self.faults.packed())))
            self._kept = len(self._record)

    def _resume(self) -> None:
        kept = self._memory.recall() if self._memory is not None else None
        if kept is None:
            return
        try:
            held = _DECODER.decode(kept)
            record = restored(held.record, fetch=self._fetch)
        except (msgspec.MsgspecError, EncodingError) as error:
            raise StoreError("what this operator verified before cannot be read; remove it to verify anew") from error
        size = len(record)
        # A store that was put back to an older copy would have the operator sign a second history.
        if size > self._store.size() or self._store.root(size) != record.state.history.root(size):
            raise StoreError("the stored log is not the one that this operator verified before, or is behind it")
        self._record, self.faults = record, FaultTally.unpacked(held.faults)
        self._kept = size

    def _fetch(self, index: int) -> bytes:
        place = index - self._durable
        return self.pending[place] if 0 <= place < len(self.pending) else self._store.entry(index)
