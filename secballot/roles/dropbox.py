"""A drop box: keeps what is brought to it, forwards it to the boards until one promises its place, and drops nothing.

Trustees, registrars, witnesses or anybody may run one, so that a board can turn nobody away unseen: what a drop box has
received in time and the log lacks, its trustee does not decrypt over (SPEC.md#partial-decryption).

- An entry is acknowledged when it is durable, with 202; with the board's promise, from then on.
- The same bytes are one entry, and get one answer.
- A refusal is passed on to the sender only if every board refuses, and the entry is offered again all the same, though
  more and more seldom: what is too early now may be in time later.
- A promise counts as long as its operator is in office. Once the log is handed over, everything is offered to the
  successor, who promises what the log holds already, and judges the rest.
- Room is bounded by number and bytes; a fifth of it is for entries that a party of the manifest has signed. With the
  log at hand, bad ballots are refused at the door, and half of the room is for officials and voters.

Source: SPEC.md#promise, SPEC.md#handover.
"""

from __future__ import annotations

import heapq
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.board.merkle import leaf_hash
from secballot.errors import (
    RefusalError,
    SecballotError,
    StoreError,
    TransportError,
    VerificationError,
)
from secballot.net.door import Reply, Ticket
from secballot.net.events import log_event
from secballot.record.parties import Parties, signed_by_party
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE, Promise
from secballot.roles.admission import SHUFFLED_KINDS
from secballot.roles.dropbox_gate import Gate, Standing
from secballot.roles.evidence import SignedCheckpoint, promised_by
from secballot.roles.remote import Later
from secballot.store.dropbox import Arriving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from secballot.board.reader import LogSource
    from secballot.roles.posting import Place
    from secballot.roles.view import WitnessedView
    from secballot.store.dropbox import DropStore, Held

MAX_ENTRIES: Final = 200_000
MAX_BYTES: Final = 2_000_000_000
"""What a drop box holds, unless its operator says otherwise."""

BATCH: Final = 64
"""Entries that are offered at a time; voters' by so many threads:"""
THREADS: Final = 8

ASK_AGAIN: Final = 1
"""Seconds after which the sender of an entry asks for the promise."""

FIRST_PAUSE: Final = 2
MAX_PAUSE: Final = 600
"""Seconds until an entry is offered again, doubled each time; and most seconds that a board is left alone."""

OFFICE_SECONDS: Final = 30
"""How often the drop box looks whether the log has been handed over."""

VOTERS_SHARE: Final = 0.8
ANYBODYS_SHARE: Final = 0.5
"""How full the drop box may be for entries that no party of the manifest has signed; and, where the log tells voters
from anybody, for entries that are nobody's."""


@dataclass
class _Board:
    """A board, and until when it is left alone because it did not answer."""

    place: Place
    until: float = 0.0
    failures: int = 0

    def rest(self, now: float, seconds: float | None = None) -> None:
        """Leave the board alone for as long as it asks, or for longer each time."""
        if seconds is None:
            seconds = min(MAX_PAUSE / 10, FIRST_PAUSE * 2.0**self.failures)
            self.failures += 1
        self.until = now + seconds


class DropBox:
    """One drop box for one sitting. All methods may be called from threads.

    Attributes:
        store: what is held.
        sitting_id: 32 bytes.
        office: which operator of the log is in office, 1 for the first.
    """

    def __init__(
        self,
        store: DropStore,
        places: Sequence[Place],
        logs: Sequence[LogSource] = (),
        *,
        entries: int = MAX_ENTRIES,
        size: int = MAX_BYTES,
        clock: Callable[[], float] = time.time,
        pause: float = FIRST_PAUSE,
        look: float = OFFICE_SECONDS,
        view: WitnessedView | None = None,
    ) -> None:
        """Take up the work of a drop box where its store left it.

        Args:
            store: closed by the caller, after `close`.
            places: where entries are forwarded to, in this order.
            logs: where the log may be read, to learn of a handover.
            entries: most entries that are held.
            size: most bytes of them.
            clock: seconds since the epoch.
            pause: seconds until an entry is offered for the second time.
            look: seconds between two looks at the log.
            view: of the log, for this drop box alone, to tell voters from anybody; None to take what anybody brings.

        Raises:
            EncodingError: the store holds something else than a manifest.
            StoreError: the store does not answer.
        """
        self.store = store
        self.sitting_id = store.sitting_id
        self.office = 1
        self._manifest = MANIFEST.decode(store.manifest)
        self._parties = Parties(self._manifest)
        self._gate = Gate(self._parties, self.sitting_id, view)
        self._boards = [_Board(place) for place in places]
        self._logs = list(logs)
        self._room = entries, size
        self._clock = clock
        self._pause, self._look = pause, look
        self._lock = threading.Lock()
        self._looked = self._refreshed = -float("inf")
        self._refused: dict[int, int] = {}
        # A heap of moments and numbers; what `_next` does not confirm was scheduled for another moment since.
        self._due: list[tuple[float, int]] = []
        self._next: dict[int, float] = {}
        self._schedule(store.unpromised(self.office))
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="forwarding")

    def close(self) -> None:
        """Forward nothing any more."""
        self._pool.shutdown(cancel_futures=True)

    def ticket(self, entry: bytes) -> Ticket:
        """Return whether a party of the manifest signed an entry, and whose ballot it claims to be.

        Raises:
            EncodingError: ENT-01.
        """
        decoded = decode_entry(entry)
        if isinstance(decoded.body, Ballot):
            return Ticket(key=b"credential" + decoded.body.credential)
        if decoded.kind == "credential-request":
            return Ticket(key=b"signer" + decoded.signer)
        return Ticket(urgent=signed_by_party(self._parties, self.sitting_id, decoded))

    def known(self, entry: bytes) -> bytes | None:
        """Return the promise that these bytes have, None if there is none by the operator in office."""
        held = self.store.find(leaf_hash(entry))
        return None if held is None or held.operator < self.office else held.promise

    def submit(self, entries: Sequence[bytes]) -> list[Reply]:
        """Keep entries durably, and return what is known of each.

        Raises:
            StoreError: the store does not answer; nothing is acknowledged.
        """
        known = {data: self.store.find(leaf_hash(data)) for data in entries}
        # What is held already was looked at, and may come from anybody.
        answers = {data: self._reply(held) for data, held in known.items() if held is not None}
        new = [(data, decode_entry(data)) for data, held in known.items() if held is None]
        standings = dict(zip((data for data, _ in new), self._gate.look([entry for _, entry in new]), strict=True))
        now = int(self._clock())
        for standing in Standing:
            batch = [Arriving(data, entry.kind, now) for data, entry in new if standings[data] is standing]
            share = self._share(standing)
            most, size = (int(limit * share) for limit in self._room)
            for one, held in zip(batch, self.store.keep(batch, entries=most, size=size) if batch else [], strict=True):
                known[one.data] = held
                answers[one.data] = self._reply(held, charged=standing is Standing.VOTER)
        for data, verdict in standings.items():
            if isinstance(verdict, SecballotError):
                answers[data] = Reply(error=verdict)
        self._schedule([held.number for held in known.values() if held is not None and held.operator < self.office])
        replies = [answers[data] for data in entries]
        log_event(
            "kept",
            full=sum(isinstance(reply.error, StoreError) for reply in replies),
            promised=sum(bool(reply.promise) for reply in replies),
            refused=sum(isinstance(verdict, SecballotError) for verdict in standings.values()),
            submissions=len(replies),
        )
        return replies

    def _share(self, standing: Standing) -> float:
        if standing is Standing.ANYBODY and self._gate.has_log:
            return ANYBODYS_SHARE
        return 1.0 if standing is Standing.OFFICIAL else VOTERS_SHARE

    def forward(self) -> None:
        """Offer to the boards what is due, and keep what they answer.

        Raises:
            StoreError: the store does not answer.
        """
        now = self._clock()
        self._look_for_handover(now)
        if self._gate.has_log and now >= self._refreshed + self._look:
            self._refreshed = now
            self._pool.submit(self._gate.refresh)
        if not any(board.until <= now for board in self._boards):
            return
        outcomes: list[bool] = []
        numbers = self._take_due(now)
        try:
            for lanes in _lanes([self.store.entry(number) for number in numbers]):
                for lane in self._pool.map(lambda lane: [self._forward_one(held) for held in lane], lanes):
                    outcomes += lane
        except BaseException:
            self._schedule(numbers, now + self._pause)
            raise
        if outcomes:
            log_event("forwarded", offered=len(outcomes), promised=sum(outcomes))

    def health(self) -> Mapping[str, int | bool]:
        """Return counts, and whether there is room, and a board that answers.

        Raises:
            StoreError: the store does not answer.
        """
        now, counts = self._clock(), self.store.counts(self.office)
        resting = sum(board.until > now and board.failures > 0 for board in self._boards)
        room = counts["entries"] < self._room[0] and counts["bytes"] < self._room[1]
        return {**counts, "boards_failing": resting, "well": room and resting < len(self._boards)}

    def _reply(self, held: Held | None, *, charged: bool = False) -> Reply:
        if held is None:
            return Reply(error=StoreError("the drop box is full"))
        if held.promise is not None and held.operator >= self.office:
            return Reply(held.promise)
        if held.refusal is not None:
            refusal = msgspec.json.decode(held.refusal, type=_Refusal)
            return Reply(error=RefusalError(refusal.reason, check=refusal.check))
        return Reply(kept=ASK_AGAIN, charged=charged)

    def _schedule(self, numbers: Iterable[int], at: float = 0.0) -> None:
        """Offer these entries at a moment, whatever was planned for them before; 0 is at once."""
        with self._lock:
            for number in numbers:
                if self._next.get(number) != at:
                    self._next[number] = at
                    heapq.heappush(self._due, (at, number))

    def _take_due(self, now: float) -> list[int]:
        batch: list[int] = []
        with self._lock:
            while self._due and self._due[0][0] <= now and len(batch) < BATCH:
                at, number = heapq.heappop(self._due)
                if self._next.get(number) == at:
                    del self._next[number]
                    batch.append(number)
        return batch

    def _forward_one(self, held: Held) -> bool:
        """Offer an entry to every board in turn, and tell whether one has promised it a place."""
        if held.operator >= self.office:
            self._refused.pop(held.number, None)
            return True
        refusals: list[RefusalError] = []
        waits: list[int] = []
        for board in self._boards:
            now = self._clock()
            if board.until > now:
                continue
            try:
                answer = board.place.offer(held.data)
            except RefusalError as refusal:
                refusals.append(refusal)
                continue
            except (TransportError, VerificationError) as trouble:
                board.rest(now)
                log_event("board-failing", trouble=type(trouble).__name__)
                continue
            board.failures = 0
            if isinstance(answer, Later):
                if answer.alone:
                    waits.append(answer.seconds)
                else:
                    board.rest(now, max(1, answer.seconds))
            elif self._keep_promise(held, answer):
                self._refused.pop(held.number, None)
                return True
        # One board that asks for patience does not keep the entry from another.
        self._try_again(held, refusals, min(waits) if len(waits) == len(self._boards) else 0)
        return False

    def _keep_promise(self, held: Held, promise: Promise) -> bool:
        """Keep a promise, and tell whether its operator is in office."""
        operator = max(promised_by(self._manifest, promise), default=0)
        if operator:
            self.store.put_promise(held.leaf, operator, PROMISE.encode(promise))
        return operator >= self.office

    def _try_again(self, held: Held, refusals: Sequence[RefusalError], wait: int) -> None:
        now = self._clock()
        if not refusals:
            # Nobody has judged it: it waits for the first board that may be asked again. Where every board has had too
            # much of its credential, it waits alone, or one delegate could keep everybody's entries back.
            first = min(board.until for board in self._boards)
            self._schedule([held.number], max(now + max(self._pause, min(wait, MAX_PAUSE)), first))
            return
        if len(refusals) == len(self._boards):
            refusal = _Refusal(refusals[0].message, refusals[0].check)
            self.store.put_refusal(held.leaf, msgspec.json.encode(refusal))
        times = self._refused.get(held.number, 0)
        self._refused[held.number] = times + 1
        self._schedule([held.number], now + min(float(MAX_PAUSE), self._pause * 2.0 ** min(times, 20)))

    def _look_for_handover(self, now: float) -> None:
        """Offer everything again once a successor's checkpoint is witnessed."""
        if now < self._looked + self._look or self.office > len(self._manifest.successors):
            return
        self._looked = now
        office = max([self.office, *(self._office_of(log) for log in self._logs)])
        if office > self.office:
            self.office = office
            self._refused.clear()
            for board in self._boards:
                board.until = 0.0
            self._schedule(self.store.unpromised(office))
            log_event("handed-over", operator=office)

    def _office_of(self, log: LogSource) -> int:
        """Return which operator signed the newest checkpoint of a log, if a quorum cosigned it; 0 otherwise."""
        try:
            note = next(iter(log.checkpoint_notes()), None)
            signed = None if note is None else SignedCheckpoint.open(self._manifest, note)
        except SecballotError:
            return 0
        if signed is None or len(signed.witnesses) < self._manifest.witnesses.quorum:
            return 0
        return max(signed.operators)


def _lanes(batch: Sequence[Held]) -> Iterator[list[list[Held]]]:
    """Yield what may be offered side by side: voters' entries, those of one credential one behind the other.

    Everything else goes alone and in the order of arrival, since an official's act often waits for the one before: out
    of order, a board would refuse it, and its sender would be told so.
    """
    lanes: dict[bytes, list[Held]] = {}
    for held in sorted(batch, key=lambda held: held.number):
        if held.kind in SHUFFLED_KINDS:
            body = decode_entry(held.data).body
            key = body.ctx + body.credential if isinstance(body, Ballot) else held.leaf
            lanes.setdefault(key, []).append(held)
            continue
        if lanes:
            yield list(lanes.values())
            lanes = {}
        yield [[held]]
    if lanes:
        yield list(lanes.values())


class _Refusal(msgspec.Struct, frozen=True):
    """What a board said when it refused an entry."""

    reason: str
    check: str | None = None
