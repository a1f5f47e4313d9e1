"""Bringing one ballot to the board: the same bytes, again and again, until a witnessed inclusion proof is there.

A promise is the board's word, and evidence if it is broken; only a proof under a witnessed checkpoint ends the matter.
Nothing here is secret: whoever has the bytes of a finished ballot can do this, also on another machine than the one
that sealed it.

Source: SPEC.md#promise, SPEC.md#receipts.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import leaf_hash
from secballot.errors import (
    EncodingError,
    InconsistentLogError,
    InvalidSignatureError,
    Party,
    PolicyError,
    RefusalError,
    StoreError,
    TransportError,
    VerificationError,
)
from secballot.record.closing import check_promise as check_office
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.roles.evidence import broken_promise, check_evidence, encode_evidence
from secballot.roles.receipt import make_receipt
from secballot.roles.remote import KeptError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.errors import SecballotError
    from secballot.record.state import PollState
    from secballot.records.promise import Promise
    from secballot.roles.party import Poster
    from secballot.roles.receipt import Receipt
    from secballot.roles.view import WitnessedView

PATIENCE: Final = 180.0
"""Seconds until a submission is left for later."""

INTERVAL: Final = 2.0
"""Seconds between two looks at the log."""


RESEND: Final = 30.0
"""Most seconds until a ballot that was promised a place is taken to the next one as well.

A promise may name a delay and a place that never come; drop boxes hold the ballot against the board meanwhile."""


class BrokenPromiseError(VerificationError):
    """The board promised the ballot a place, and gave it to another entry; `evidence` is a file for strangers."""


@dataclass(slots=True)
class Waiting:
    """How long to wait, and by which clock.

    Attributes:
        patience: seconds in all.
        interval: seconds between two looks at the log.
        clock: seconds that only grow.
        sleep: waits.
    """

    patience: float = PATIENCE
    interval: float = INTERVAL
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def ballot_in(entry: bytes) -> Ballot:
    """Return the ballot that an entry is.

    Raises:
        EncodingError: it is something else.
    """
    body = decode_entry(entry).body
    if not isinstance(body, Ballot):
        raise EncodingError("this is an entry of the log, and no ballot")
    return body


def poll_of_ballot(view: WitnessedView, ballot: Ballot) -> PollState:
    """Return the poll that a ballot is of.

    Raises:
        RefusalError: of none that this log has opened.
    """
    poll = view.state.by_ctx.get(ballot.ctx)
    if poll is None:
        raise RefusalError("the ballot is of no poll of this sitting, or its opening is not on the log as shown here")
    return poll


def accepted_index(view: WitnessedView, poll: PollState, leaf: bytes) -> int | None:
    """Return where an accepted entry of a poll stands below the witnessed checkpoint, None if it does not.

    Args:
        view: refreshed by the caller.
        poll: its poll.
        leaf: its leaf hash, 32 bytes.
    """
    history = view.state.history
    places = (index for index in range(poll.index + 1, view.size) if history.leaf(index) == leaf)
    return next((index for index in places if view.judgements[index].outcome.stands), None)


def check_promise(view: WitnessedView, promise: Promise) -> None:
    """Check that a promise is not broken below the newest witnessed checkpoint.

    One by an operator that did not have the place to give is void, and accuses nobody: the log was handed over.

    Raises:
        BrokenPromiseError: it is. Its `evidence` is empty where no checkpoint of the operator that promised is at hand:
            a stranger would not take a successor's word against it.

    Source: SPEC.md#promise, SPEC.md#evidence.
    """
    history = view.state.history
    if view.checkpoint is None or promise.index >= view.size or history.leaf(promise.index) == promise.leaf_hash:
        return
    try:
        check_office(view.state, promise)
    except InvalidSignatureError:
        return
    raise BrokenPromiseError(
        f"the board promised place {promise.index} to the ballot, and gave it to another entry",
        check="POL-07",
        culprit=Party("board"),
        evidence=_evidence_of(view, promise),
    )


def _evidence_of(view: WitnessedView, promise: Promise) -> bytes:
    """Return a file for strangers that a promise is broken, empty if no checkpoint seen here convicts its operator."""
    for opened in (view.checkpoint, *reversed(view.seen)):
        if opened is None or opened.checkpoint.tree_size > view.size:
            continue
        found = broken_promise(view.state.the_manifest(), promise, opened.note, view.state.history)
        if found is not None:
            with suppress(VerificationError, PolicyError):
                check_evidence(found)
                return encode_evidence(found)
    return b""


def submit(
    entry: bytes,
    view: WitnessedView,
    places: Sequence[Poster],
    *,
    keep: Callable[[Promise], None],
    waiting: Waiting | None = None,
) -> Receipt:
    """Send a finished ballot until it lies under a witnessed checkpoint, and return its receipt.

    Args:
        entry: the ballot's entry.
        view: a replay of the log.
        places: boards and drop boxes, at least one; the next one is taken each time a promise is not kept soon.
        keep: is given each promise as soon as it is there, and keeps it durably.
        waiting: how long.

    Raises:
        RefusalError: every place refuses it; it is of another sitting.
        BrokenPromiseError: the board has broken its promise.
        KeptError: a promise is there, or a drop box keeps it, and no witnessed checkpoint covers it yet.
        TransportError, StoreError, PolicyError: no place takes it, or the log cannot be read, all this time.
        VerificationError: what is answered is no promise, or the log is inconsistent.
        EncodingError: the bytes are no ballot.
    """
    return _Submission(entry, view, places, keep, waiting or Waiting()).run()


class _Submission:
    def __init__(
        self,
        entry: bytes,
        view: WitnessedView,
        places: Sequence[Poster],
        keep: Callable[[Promise], None],
        waiting: Waiting,
    ) -> None:
        self._entry, self._view, self._places, self._keep = entry, view, places, keep
        self._ballot, self._leaf = ballot_in(entry), leaf_hash(entry)
        self._waiting = waiting
        self._until = waiting.clock() + waiting.patience
        self._trouble: SecballotError | None = None
        self._promise: Promise | None = None
        self._promises: list[Promise] = []
        self._sent = 0

    def run(self) -> Receipt:
        receipt = self._look()
        while receipt is None:
            self._send()
            receipt = self._await()
            if receipt is None and self._waiting.clock() >= self._until:
                raise self._failure()
        return receipt

    def _send(self) -> None:
        try:
            self._promise = self._places[self._sent % len(self._places)].post(self._entry)
        except (KeptError, TransportError) as error:
            self._trouble = error
        else:
            self._keep(self._promise)
            self._promises.append(self._promise)
            self._trouble = None
        finally:
            self._sent += 1

    def _await(self) -> Receipt | None:
        """Look at the log until the ballot is there, or it is time to send it again."""
        delay = 0 if self._promise is None else min(self._promise.maximum_delay, RESEND)
        again = min(self._until, self._waiting.clock() + max(delay, self._waiting.interval))
        while True:
            receipt = self._look()
            if receipt is not None or self._waiting.clock() >= again:
                return receipt
            self._waiting.sleep(self._waiting.interval)

    def _look(self) -> Receipt | None:
        try:
            self._view.refresh()
        except InconsistentLogError:
            raise
        except (PolicyError, StoreError, TransportError) as error:
            self._trouble = self._trouble or error
            return None
        poll = poll_of_ballot(self._view, self._ballot)
        index = accepted_index(self._view, poll, self._leaf)
        if index is not None:
            return make_receipt(self._view, poll, index)
        for promise in self._promises:
            check_promise(self._view, promise)
        return None

    def _failure(self) -> SecballotError:
        if self._promise is not None:
            return KeptError("the board has promised the ballot a place, and no witnessed checkpoint covers it yet")
        return self._trouble or TransportError("no board or drop box has taken the ballot")
