"""A board as a service: the operator behind the ASGI application, its witnesses, and what is shown to whom.

The order of things is the operator's (SPEC.md#log): admitted, stored, promised; signed, stored; cosigned; shown. What
is shown is the newest checkpoint that satisfies the quorum, found again in the store at every start.

When a poll's time is up, or its grace, the officers need cosignatures that are younger than that, even if the log has
not grown; so the witnesses are asked about the same checkpoint once more.

Source: SPEC.md#log, SPEC.md#closing, SPEC.md#lapse.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import leaf_hash
from secballot.errors import EncodingError, PolicyError, SecballotError, VerificationError
from secballot.net.door import Reply, Ticket
from secballot.net.events import log_event
from secballot.net.server import BoardServer
from secballot.record.history import open_witnessed
from secballot.record.parties import signed_by_party
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.records.promise import PROMISE, Promise
from secballot.roles.cosigning import PATIENCE, Cosigning
from secballot.store.serving import StoreFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from secballot.net.limits import ServiceLimits
    from secballot.record.history import WitnessedCheckpoint
    from secballot.record.state import SittingState
    from secballot.roles.board import BoardOperator
    from secballot.roles.witnessing import WitnessLike

_OWNED: Final = frozenset({"BAL-10", "BAL-11", "BAL-12", "BAL-13"})
"""Checks of a ballot that are reached by its credential's owner alone, and cost the most."""

_DELEGATES: Final = frozenset({"credential-request"})


class BoardService:
    """One board, as the application needs it. All methods may be called from threads.

    Attributes:
        operator: the board.
        files: its published log.
    """

    def __init__(
        self,
        operator: BoardOperator,
        witnesses: Sequence[WitnessLike] = (),
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        """Take up the service of a board where its store left it.

        Args:
            operator: closed by the caller, after `close`.
            witnesses: in-process witnesses or clients of distant ones.
            folder: a folder of static files to keep up to date as well, None for none.
            clock: seconds since the epoch.
            patience: seconds for which a round of cosigning waits for the quorum.

        Raises:
            StoreError: the store does not answer.
        """
        self.operator = operator
        self.files = StoreFiles(operator.store)
        self._cosigning = Cosigning(operator, witnesses, patience)
        self._folder = folder
        self._clock = clock
        self._shown: WitnessedCheckpoint | None = None
        # A look at an entry must not wait for the batch that is being judged, so it has the parties for itself.
        self._state = operator.record.state
        for size in reversed(operator.store.checkpoint_sizes()):
            if self._show(size):
                break

    def close(self) -> None:
        """Ask no witness any more."""
        self._cosigning.close()

    def server(self, limits: ServiceLimits | None = None, *, interval: float = 2.0) -> BoardServer:
        """Return the application of this board."""
        return BoardServer(self, limits, interval=interval)

    def ticket(self, entry: bytes) -> Ticket:
        """Return what a cheap look at an entry shows: whose it claims to be, and whether an official signed it.

        It waits for nobody, and may be called from the event loop.

        Raises:
            EncodingError: ENT-01.
        """
        decoded = decode_entry(entry)
        if isinstance(decoded.body, Ballot):
            return Ticket(key=b"credential" + decoded.body.credential)
        if decoded.kind in _DELEGATES:
            return Ticket(key=b"signer" + decoded.signer)
        parties = self._state.parties
        official = parties is not None and signed_by_party(parties, self._state.sitting_id, decoded)
        return Ticket(urgent=official)

    def known(self, entry: bytes) -> bytes | None:
        """Return the promise that these bytes have, None if the log does not hold them.

        Raises:
            StoreError: the store does not answer.
        """
        index = self.operator.store.find(leaf_hash(entry))
        return None if index is None else self.operator.store.promise(index)

    def submit(self, entries: Sequence[bytes]) -> list[Reply]:
        """Judge entries and return the replies, once all that was admitted is durable.

        Raises:
            StoreError: nothing was promised.
        """
        began, size = time.monotonic(), self.operator.store.size()
        answers = self.operator.submit(entries, now=int(self._clock()))
        # After a failed batch the operator has replayed its record anew.
        self._state = self.operator.record.state
        replies = [_reply(answer, size) for answer in answers]
        refused = Counter(reply.error.check or "other" for reply in replies if reply.error is not None)
        log_event(
            "batch",
            admitted=sum(reply.charged and reply.error is None for reply in replies),
            milliseconds=round(1000 * (time.monotonic() - began)),
            refused=refused,
            submissions=len(replies),
        )
        return replies

    def publish(self) -> None:
        """Sign, have cosigned and show the log as it is now, if it has grown or fresh cosignatures are due.

        Raises:
            SecballotError: the head cannot be signed, or the quorum is not reached; the next call tries again.
        """
        state, now = self.operator.record.state, int(self._clock())
        if state.manifest is None:
            return
        size = self.operator.store.size()
        after = self._due(state, now)
        if size == self.files.published and after is None:
            return
        note = self.operator.sign_checkpoint()
        size = max(self.operator.store.checkpoint_sizes())

        def enough() -> bool:
            opened = self._open(size)
            return opened is not None and (after is None or _quorum_after(state, opened, after))

        self._cosigning.collect(note, now=now, enough=enough)
        if not self._show(size):
            raise PolicyError(f"no quorum of witnesses has cosigned the checkpoint of size {size}")
        log_event("published", size=size)
        if self._folder is not None:
            self.operator.publish(self._folder)

    def health(self) -> Mapping[str, int | bool]:
        """Return sizes, and whether the shown checkpoint is as young as the promises demand."""
        state, size = self.operator.record.state, self.operator.store.size()
        late = False
        if state.manifest is not None and size > self.files.published:
            promise = self.operator.store.promise(self.files.published)
            if promise is not None:
                oldest = PROMISE.decode(promise)
                late = self._clock() > oldest.time + oldest.maximum_delay
        return {
            "entries": size,
            "published": self.files.published,
            "well": not late,
            "witnesses_failing": len(self._cosigning.failures),
        }

    def _open(self, size: int) -> WitnessedCheckpoint | None:
        """Return the kept checkpoint of a size if it satisfies the quorum."""
        note, state = self.operator.store.checkpoint(size), self.operator.record.state
        if note is None or state.manifest is None:
            return None
        try:
            return open_witnessed(state.manifest, state.operators, note)
        except (EncodingError, VerificationError, PolicyError):
            return None

    def _show(self, size: int) -> bool:
        """Show the log up to this size, and tell whether its checkpoint satisfies the quorum."""
        opened = self._open(size)
        if opened is None:
            return False
        self._shown, self.files.published = opened, size
        return True

    def _due(self, state: SittingState, now: int) -> int | None:
        """Return the latest moment that has come and that the shown cosignatures are older than, None for none."""
        if self._shown is None:
            return None
        passed = [moment for moment in _moments(state) if moment <= now]
        return next((m for m in sorted(passed, reverse=True) if not _quorum_after(state, self._shown, m)), None)


def _moments(state: SittingState) -> Iterator[int]:
    """Yield the moments after which somebody needs cosignatures that are not older (SPEC.md#closing, SPEC.md#lapse)."""
    manifest = state.the_manifest()
    for poll in list(state.polls.values()):
        if poll.status == "open":
            yield poll.closes_at
            yield poll.closes_at + manifest.grace + 1
        elif poll.closing is not None and not poll.finished():
            yield poll.closing.time + manifest.decryption_period + 1


def _quorum_after(state: SittingState, opened: WitnessedCheckpoint, moment: int) -> bool:
    return sum(time >= moment for time in opened.times) >= state.the_manifest().witnesses.quorum


def _reply(answer: Promise | SecballotError, size: int) -> Reply:
    if isinstance(answer, Promise):
        # Bytes that the log held before may come from anybody, and are charged to nobody.
        return Reply(PROMISE.encode(answer), charged=answer.index >= size)
    return Reply(error=answer, charged=answer.check in _OWNED)
