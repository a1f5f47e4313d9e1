"""How polls end: closing, lapse, objection; and how the sitting ends and the log changes hands.

Rules:
- the first valid closing counts; it embeds witnessed times, since no party's clock is trusted alone;
- a poll that nobody closes in time lapses and is never decrypted;
- an objection shows a promise of the board that the log breaks, and voids the poll.

Source: SPEC.md#closing, SPEC.md#lapse, SPEC.md#objection, SPEC.md#adjournment, SPEC.md#handover.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from secballot.board.merkle import leaf_hash
from secballot.errors import NOBODY, Party, RecordError, SecballotError, blaming
from secballot.protocol.ballots import check_ballot
from secballot.record.history import LogOperator, open_embedded
from secballot.record.outcome import Naming, out_of_phase
from secballot.record.polls import minimum_duration, poll_of
from secballot.record.state import ClosingInfo
from secballot.record.tallying import OVER_ISSUED, close_books, over_issued
from secballot.records.entry import encode_body, encode_unsigned
from secballot.signing import VerifyKey, verify

if TYPE_CHECKING:
    from secballot.record.history import WitnessedCheckpoint
    from secballot.record.outcome import Act, Commit
    from secballot.record.state import PollState, SittingState
    from secballot.records.closing import Adjournment, Closing, Lapse, Objection
    from secballot.records.promise import Handover, Promise


def judge_closing(state: SittingState, body: Closing, act: Act) -> Commit:
    """Return the commit that closes the poll and fixes its tally.

    Raises:
        PhaseError: ENT-06.
        RecordError: POL-04, POL-05.
        EncodingError, VerificationError, PolicyError: LOG-03, LOG-04.
        StoreError: superseded ballots cannot be read again, so that they could leave the sums.

    Source: SPEC.md#closing.
    """
    poll = poll_of(state, body.ctx)
    manifest = state.the_manifest()
    if poll.status != "open":
        raise out_of_phase("the poll is not open")
    with blaming("POL-04", act.party):
        last = _embedded(state, body.checkpoint, act)
        first = _embedded(state, body.opening_checkpoint, act)
        if last.checkpoint.tree_size <= poll.index or first.checkpoint.tree_size <= poll.index:
            raise RecordError("a checkpoint does not cover the opening")
        if any(not poll.closes_at <= time <= poll.closes_at + manifest.grace for time in last.times):
            raise RecordError("a cosignature lies outside the closing window")
        if any(time > poll.closes_at - minimum_duration(state, poll) for time in first.times):
            raise RecordError("the poll has not been open long enough")
        if poll.last_accepted >= last.checkpoint.tree_size:
            raise RecordError("an accepted ballot lies between the checkpoint and the closing", check="POL-05")
    poll.sums.settle()
    info = ClosingInfo(act.at.leaf, act.at.index, last.checkpoint.tree_size, max(last.times))

    def commit() -> None:
        poll.closing = info
        poll.status = "closed"
        close_books(state, poll, info.leaf)

    if over_issued(poll):
        return Naming(commit, "TAL-01", Party("registrars"), OVER_ISSUED)
    return commit


def judge_lapse(state: SittingState, body: Lapse, act: Act) -> Commit:
    """Return the commit that lets a poll lapse.

    Raises:
        PhaseError: ENT-06.
        RecordError: POL-06.
    """
    poll = poll_of(state, body.ctx)
    if poll.status != "open":
        raise out_of_phase("the poll is not open")
    with blaming("POL-06", act.party):
        opened = _embedded(state, body.checkpoint, act)
        if opened.checkpoint.tree_size <= poll.index:
            raise RecordError("the checkpoint does not cover the opening")
        if any(time <= poll.closes_at + state.the_manifest().grace for time in opened.times):
            raise RecordError("the poll may still be closed")

    def commit() -> None:
        poll.status, poll.reason = "lapsed", "nobody closed it in time"

    return commit


def judge_objection(state: SittingState, body: Objection, act: Act) -> Commit:
    """Return the commit that voids a poll for which the board broke a promise.

    Raises:
        PhaseError: ENT-06.
        RecordError: POL-07.

    Source: SPEC.md#objection.
    """
    del act
    poll = poll_of(state, body.ctx)
    if poll.status != "closed" or poll.closing is None or poll.opened():
        raise out_of_phase("the poll is not closed, or a contest is decrypted")
    with blaming("POL-07", NOBODY):
        if body.ballot.ctx != body.ctx:
            raise RecordError("the ballot belongs to another poll")
        _check_broken(state, poll.closing, body)
        try:
            check_ballot(poll.context, body.ballot, known_credential=lambda _: False)
        except SecballotError as error:
            raise RecordError("the ballot fails a check of its own") from error

    def commit() -> None:
        poll.status, poll.reason = "void", "the board broke a promise"

    return commit


def _check_broken(state: SittingState, closing: ClosingInfo, body: Objection) -> None:
    """Check that the promise is the board's, is about this ballot, and is broken by this log."""
    promise = body.promise
    entry = encode_unsigned("ballot", encode_body("ballot", body.ballot))
    if promise.sitting_id != state.sitting_id or promise.leaf_hash != leaf_hash(entry):
        raise RecordError("the promise is about another sitting or entry")
    check_promise(state, promise)
    if promise.index >= closing.index or state.history.leaf(promise.index) == promise.leaf_hash:
        raise RecordError("the promise is kept, or is about a place after the closing")


def check_promise(state: SittingState, promise: Promise) -> None:
    """Check the promise's signature, by the operator who had that place of the log to give.

    Raises:
        InvalidSignatureError: another key's.
    """
    operator = next(o for o in state.operators if o.until is None or promise.index < o.until)
    verify(VerifyKey(operator.promise_key), promise.message(), promise.signature)


def judge_adjournment(state: SittingState, body: Adjournment, act: Act) -> Commit:
    """Return the commit that ends the sitting.

    Raises:
        RecordError: POL-09.
    """
    with blaming("POL-09", NOBODY):
        opened = _embedded(state, body.checkpoint, act)
        for poll in state.polls.values():
            if not poll.finished() and not _decryption_is_overdue(state, poll, opened):
                raise RecordError(f"poll {poll.number} is not finished")

    def commit() -> None:
        state.adjourned = True
        state.over = "the sitting is adjourned"

    return commit


def _decryption_is_overdue(state: SittingState, poll: PollState, opened: WitnessedCheckpoint) -> bool:
    if poll.closing is None:
        return False
    deadline = poll.closing.time + state.the_manifest().decryption_period
    return all(time > deadline for time in opened.times)


def judge_handover(state: SittingState, body: Handover, act: Act) -> Commit:
    """Return the commit that puts the successor's keys in force.

    Raises:
        RecordError: LOG-06.

    Source: SPEC.md#handover.
    """
    manifest = state.the_manifest()
    collection = state.collections.get((act.entry.kind, act.entry.body_hash))
    first = collection.first_index if collection is not None else act.at.index
    signed = len(collection.signers) if collection is not None else 0
    with blaming("LOG-06", NOBODY):
        if body.successor != state.handovers + 1 or body.successor > len(manifest.successors):
            raise RecordError("not the next successor of the manifest")
        if body.size != first or act.at.index != first + signed:
            raise RecordError("the handover's entries are not the first after the size it names")
        if body.root != state.history.root(first):
            raise RecordError("the handover names another root than this log's")
    successor = manifest.successors[body.successor - 1]

    def commit() -> None:
        state.operators[-1] = replace(state.operators[-1], until=body.size)
        state.operators.append(LogOperator(successor.key, successor.promise_key, act.at.index, None))
        state.handovers = body.successor

    return commit


def _embedded(state: SittingState, note: str, act: Act) -> WitnessedCheckpoint:
    return open_embedded(state.the_manifest(), state.operators, state.history, note, act.at.index)
