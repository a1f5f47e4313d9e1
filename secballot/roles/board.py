"""The board operator: admits entries, promises their places, signs checkpoints, has them cosigned, publishes.

What happens to a batch, in this order:

- the known are answered with the promise they have; the rest is put in its final order;
- each is judged behind the ones before it, by the one state machine that every auditor runs;
- all that are admitted go to disk in one transaction, together with their promises;
- only then is anybody answered.

The record in memory runs ahead of the disk inside that transaction only. If it fails, the record is thrown away and
replayed from the store, as at every start: there is no other recovery, and no promise for what is not on disk.

Source: SPEC.md#board-profile, SPEC.md#promise.
"""

from __future__ import annotations

import hashlib
import threading
from itertools import islice
from typing import TYPE_CHECKING

from secballot.audit.replay import STRETCH_ENTRIES
from secballot.board.checkpoint import Checkpoint
from secballot.board.log import sign_head, witness_request
from secballot.board.merkle import leaf_hash
from secballot.board.note import Note
from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import EncodingError, RefusalError, SecballotError, StoreError
from secballot.record.ahead import Lookahead
from secballot.record.history import open_witnessed, operator_at, operator_keys
from secballot.records.entry import decode_entry
from secballot.records.manifest import MANIFEST, Manifest
from secballot.records.promise import PROMISE, Promise
from secballot.roles.admission import (
    Arrival,
    arrange,
    is_held,
    may_stand_again,
    refusal_of,
    system_shuffle,
    unjudged_refusal,
)
from secballot.roles.head_keys import HeadKeys
from secballot.roles.promising import promise_taken_over, sign_promise
from secballot.roles.stored_record import StoredRecord
from secballot.roles.witnessing import Cosigned, ask
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from secballot.store.source import DatabaseSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Self

    from secballot.board.reader import LogSource
    from secballot.record import SittingRecord
    from secballot.record.state import SittingState
    from secballot.roles.admission import Shuffle
    from secballot.roles.witnessing import WitnessLike
    from secballot.signing import SigningKey
    from secballot.store.verified import VerifiedState


class BoardOperator:
    """One operator of one log.

    Safe to use from several threads. A second operator on the same store gets a `StoreError` for what it judged
    behind another's entries, and then goes on from them.

    Attributes:
        store: the log.
        anchor: the sitting_id.
        keys: of its checkpoints.
    """

    def __init__(
        self,
        store: BoardStore,
        anchor: bytes,
        memory: VerifiedState | None = None,
        /,
        *,
        log_key: SigningKey,
        promise_key: SigningKey,
    ) -> None:
        """Take up the operation of a stored log by replaying it from its first entry, or from where it was verified.

        Args:
            store: the log; closed by `close`.
            anchor: the sitting_id, 32 bytes; a manifest of another hash is not admitted.
            memory: where this operator keeps what it verified, for the next start.
            log_key: signs checkpoints.
            promise_key: signs promises.

        Raises:
            StoreError: the store does not answer, or does not hold the log that was verified before.
            RefusalError: the keys are not the ones that the manifest gives to one operator.
        """
        self.store = store
        self.anchor = anchor
        self.keys = HeadKeys(store.origin, log_key)
        self._promise_key = promise_key
        self._lock = threading.RLock()
        self._log = StoredRecord(store, anchor, memory)
        manifest = self._log.get().state.manifest
        if manifest is not None:
            self._check_keys(manifest)

    @classmethod
    def create(cls, where: str | Path, manifest: Manifest, *, log_key: SigningKey, promise_key: SigningKey) -> Self:
        """Return the operator of a new, empty log for the sitting of this manifest.

        Args:
            where: path of an SQLite file, or an SQLAlchemy URL.
            manifest: the sitting's; its entries are the first that have to be submitted.
            log_key: the manifest's log key, or a successor's.
            promise_key: the promise key that goes with it.

        Raises:
            StoreError: there is a log already, or the database does not answer.
            RefusalError: the keys are not the ones that the manifest gives to one operator.
        """
        anchor = hashlib.sha256(MANIFEST.encode(manifest)).digest()
        store = BoardStore.create(where, manifest.log.origin)
        operator = cls(store, anchor, log_key=log_key, promise_key=promise_key)
        operator._check_keys(manifest)
        return operator

    @classmethod
    def open(
        cls,
        where: str | Path,
        anchor: bytes,
        memory: VerifiedState | None = None,
        /,
        *,
        log_key: SigningKey,
        promise_key: SigningKey,
    ) -> Self:
        """Return the operator of the log that is stored here.

        Raises:
            StoreError: there is none, the database does not answer, or it is not the log verified before.
            RefusalError: the keys are not the ones that the manifest gives to one operator.
        """
        return cls(BoardStore.open(where), anchor, memory, log_key=log_key, promise_key=promise_key)

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    @property
    def record(self) -> SittingRecord:
        """The log replayed, for reading; after a failed batch it is replayed anew.

        Raises:
            StoreError: the store does not answer.
        """
        with self._lock:
            return self._log.get()

    def source(self) -> LogSource:
        """Return the log as anybody would read it from this store."""
        return DatabaseSource(self.store)

    def submit(
        self, entries: Sequence[bytes], *, now: int, shuffle: Shuffle | None = None
    ) -> list[Promise | SecballotError]:
        """Return for each entry the promise of its place, durable with the entry, or why it is refused.

        Admitted are entries that stand (effect, collected, accepted) and faults of trustees and registrars. The same
        bytes get the same promise again.

        Args:
            entries: any bytes.
            now: seconds since the epoch at which the last of them arrived.
            shuffle: permutes a list in place; the system's randomness unless a test gives another.

        Raises:
            StoreError: the store does not answer, or somebody else has appended; none is promised, though it may be
                that all are stored, and the same bytes may be submitted again.

        Source: SPEC.md#promise, SPEC.md#judging-an-entry.
        """
        with self._lock:
            record = self._log.get()
            answers: dict[bytes, Promise | SecballotError] = {}
            arrivals: list[Arrival] = []
            leaves = {data: leaf_hash(data) for data in entries}
            known = self.store.find_all(list(leaves.values()))
            for data, leaf in leaves.items():
                arrival = self._receive(record.state, data, leaf, known.get(leaf))
                if isinstance(arrival, Arrival):
                    arrivals.append(arrival)
                else:
                    answers[data] = arrival
            answers |= self._admit(record, arrange(arrivals, shuffle or system_shuffle), now)
            for arrival in arrivals if self._in_office(record.state) else []:
                if arrival.leaf in known and isinstance(answers[arrival.data], RefusalError):
                    again = self._promise(record, arrival, now, known[arrival.leaf])
                    answers[arrival.data] = promise_taken_over(self.store, again) or answers[arrival.data]
            return [answers[data] for data in entries]

    def take_over(self, entries: Iterable[bytes]) -> int:
        """Append the log of an earlier operator as it is, without promises, and return the size then.

        For a successor: what the witnesses have cosigned of the log, before the handover's entries are submitted.

        Raises:
            RefusalError: the log is in this operator's own hands, where entries are judged.
            StoreError: the store does not answer, or somebody else has appended.
        """
        with self._lock:
            remaining = iter(entries)
            if self._in_office(self._log.get().state):
                raise RefusalError("this operator keeps the log already; entries are submitted")
            while block := list(islice(remaining, STRETCH_ENTRIES)):
                self.store.append(block, expected_size=len(self._log.get()))
                self._log.catch_up()
            return self.store.size()

    def sign_checkpoint(self) -> bytes:
        """Return the checkpoint of everything stored, signed and kept, with the cosignatures it has already.

        Raises:
            StoreError: the store does not answer, or somebody else has kept a larger one meanwhile.
            RefusalError, PolicyError: the log is empty, or not in this operator's hands.
            InconsistentLogError: the store does not continue its newest checkpoint; nothing is signed.

        Source: SPEC.md#board-profile.
        """
        with self._lock:
            self._log.catch_up()
            note = sign_head(self.store, self.keys.signers)
            size = Checkpoint.decode(note.text).tree_size
            operators = self._log.get().state.operators
            if not size or (operators and operator_at(operators, size).key != self.keys.log.vkey.key):
                raise RefusalError("there is nothing to sign, or another operator keeps the log")
            if self.store.checkpoint(size) is None:
                self.store.put_checkpoint(note.encode())
            return self._kept(size)

    def witness_request(self, old_size: int) -> bytes:
        """Return the body of an add-checkpoint request for the newest checkpoint.

        Args:
            old_size: what the witness cosigned last, 0 if never.

        Raises:
            StoreError: there is no checkpoint yet.
            InconsistentLogError: the witness knows a larger log.
        """
        return witness_request(self.store, Note.decode(self._newest()), old_size).encode()

    def add_cosignatures(self, size: int, answer: bytes) -> bytes:
        """Return the checkpoint of this size with a witness's cosignatures added and kept.

        Args:
            size: of the checkpoint that the witness was asked about.
            answer: the body of its 200 answer; lines of unknown keys are dropped.

        Raises:
            EncodingError: not signature lines.
            InvalidSignatureError: a false cosignature, or none of a witness of the manifest.
            StoreError: no such checkpoint is kept, or a larger one is.
        """
        note = Note.decode(self._kept(size))
        lines = self.keys.read_answer(self.record.state.the_manifest(), answer, note.text)
        self.store.put_checkpoint(Note(note.text, lines).encode())
        return self._kept(size)

    def collect(self, witnesses: Sequence[WitnessLike], *, now: int) -> Cosigned:
        """Return the newest checkpoint with the cosignatures of all witnesses that gave theirs.

        A witness that cannot be reached or refuses is left out and listed; the quorum is for `publish` to check.

        Args:
            witnesses: in-process witnesses or clients of distant ones.
            now: seconds since the epoch, for witnesses in process.

        Raises:
            StoreError: there is no checkpoint, or the store does not answer.
            PhaseError: no manifest is in force yet (ENT-03).
        """
        note = Note.decode(self._newest())
        size = Checkpoint.decode(note.text).tree_size
        failures: dict[str, SecballotError] = {}
        for witness in witnesses:
            answer = ask(witness, lambda known: witness_request(self.store, note, known).encode(), now=now)
            if isinstance(answer, bytes):
                try:
                    self.add_cosignatures(size, answer)
                except StoreError:
                    raise
                except SecballotError as error:
                    failures[witness.name] = error
            else:
                failures[witness.name] = answer
        return Cosigned(self._kept(size), failures)

    def publish(self, folder: str | Path) -> int:
        """Bring a folder of static files up to the newest checkpoint and return its size.

        Raises:
            PolicyError: the newest checkpoint lacks the quorum of witnesses.
            PhaseError: no manifest is in force yet (ENT-03).
            StoreError, InconsistentLogError: as `store.folder.write_folder`.
        """
        state = self.record.state
        open_witnessed(state.the_manifest(), state.operators, self._newest())
        return write_folder(self.store, folder)

    def _receive(
        self, state: SittingState, data: bytes, leaf: bytes, index: int | None
    ) -> Arrival | Promise | SecballotError:
        """Return the entry that is to be judged, the promise that these bytes have, or why they are no entry."""
        if len(data) > MAX_ENTRY_BYTES:
            return RefusalError("an entry has at most 65,535 bytes", check="ENT-01")
        try:
            entry = decode_entry(data)
        except EncodingError as error:
            return RefusalError(error.message, check="ENT-01")
        if index is not None and not may_stand_again(state, entry):
            promise = self.store.promise(index)
            if promise is not None:
                return PROMISE.decode(promise)
        return Arrival(data, leaf, entry)

    def _admit(self, record: SittingRecord, arrivals: list[Arrival], now: int) -> dict[bytes, Promise | SecballotError]:
        """Judge the arrivals one behind the other, store what is admitted, and return every answer."""
        answers: dict[bytes, Promise | SecballotError] = {}
        promises: list[bytes] = []
        first, own_key = len(record), self._promise_key.verify_key.encode()
        try:
            plan = Lookahead(record.state).plan(arrivals, passed_over=lambda ballot: is_held(record.state, ballot, now))
            plan.run()
            record.state.proven = plan.proven
            for place, arrival in enumerate(arrivals):
                refusal = unjudged_refusal(record.state, arrival.entry, now, own_key)
                if refusal is not None:
                    answers[arrival.data] = refusal
                    continue
                considered = record.consider(arrival, verdict=plan.verdicts.get(place))
                refusal = refusal_of(considered.judgement, self._log.faults)
                if refusal is not None:
                    answers[arrival.data] = refusal
                    continue
                promise = self._promise(record, arrival, now, len(record))
                answers[arrival.data] = promise
                promises.append(PROMISE.encode(promise))
                # Judging may look up entries of this very batch, so they are there before they are on disk.
                self._log.pending.append(arrival.data)
                considered.append()
                self._log.faults.note(considered.judgement)
            if promises:
                self.store.append(self._log.pending, promises, expected_size=first)
        except BaseException:
            # The record may hold what the disk does not, or the disk what was never answered: begin from the disk.
            self._log.drop()
            raise
        finally:
            record.state.proven = frozenset()
        self._log.settle()
        return answers

    def _promise(self, record: SittingRecord, arrival: Arrival, now: int, index: int) -> Promise:
        body = arrival.entry.body
        log = (body if isinstance(body, Manifest) else record.state.the_manifest()).log
        key, delay = self._promise_key, log.maximum_delay
        return sign_promise(key, self.anchor, arrival.leaf, index, now=now, maximum_delay=delay)

    def _in_office(self, state: SittingState) -> bool:
        return bool(state.operators) and state.operators[-1].promise_key == self._promise_key.verify_key.encode()

    def _check_keys(self, manifest: Manifest) -> None:
        own = self.keys.log.vkey.key, self._promise_key.verify_key.encode()
        if own not in {(keys.key, keys.promise_key) for keys in operator_keys(manifest)}:
            raise RefusalError("the manifest gives these keys to no operator of its log")

    def _newest(self) -> bytes:
        note = self.store.latest_checkpoint()
        if note is None:
            raise StoreError("no checkpoint has been signed yet")
        return note

    def _kept(self, size: int) -> bytes:
        note = self.store.checkpoint(size)
        if note is None:
            raise StoreError("no checkpoint of this size is kept")
        return note
