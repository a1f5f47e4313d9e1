"""What a closing fixes, the decryptions it admits, and the result that everyone recomputes.

Source: SPEC.md#tally.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, RecordError, SecballotError, VerificationError, blaming
from secballot.protocol.rules import Turnout, at_floor, decide
from secballot.protocol.tallying import aggregate, combine, count_bounds, tally_id, verify_decryption
from secballot.record.outcome import Failure, out_of_phase, repetition
from secballot.record.polls import poll_of
from secballot.records.result import NO_PAGE, ContestResult, Result

if TYPE_CHECKING:
    from secballot.record.outcome import Act, Commit
    from secballot.record.state import PollState, SittingState
    from secballot.records.decryption import Decryption


OVER_ISSUED: Final = "more credentials voted than the registrars answered for"
"""Why a poll is void under TAL-01."""


def over_issued(poll: PollState) -> bool:
    """Tell whether in some class more credentials have an accepted ballot than the registrars answered for.

    Source: SPEC.md#closing (TAL-01).
    """
    answered = poll.registration.answered(poll.number)
    return any(count > answered.get(class_index, 0) for class_index, count in poll.counted().items())


def close_books(state: SittingState, poll: PollState, closing_leaf: bytes) -> None:
    """Fix aggregates, tally id and floor of a poll that closes; void it if more credentials voted than were issued."""
    manifest = state.the_manifest()
    counted = poll.counted()
    if over_issued(poll):
        poll.status, poll.reason = "void", OVER_ISSUED
    poll.aggregates = aggregate(poll.context.contests, poll.sums, _weights(state))
    poll.tally_id = tally_id(poll.ctx, closing_leaf, poll.heads.leaves(), Ciphertexts.concat(poll.aggregates))
    groups = {
        class_index: (weight, tuple(class_index in shape.eligible for shape in poll.context.contests))
        for class_index, weight in _weights(state).items()
    }
    poll.at_floor = tuple(
        at_floor(manifest.minimum_ballots, shape.eligible, counted, groups) for shape in poll.context.contests
    )


def _weights(state: SittingState) -> dict[int, int]:
    return {number: c.weight for number, c in enumerate(state.the_manifest().classes, 1)}


def judge_decryption(state: SittingState, body: Decryption, act: Act) -> Commit:
    """Return the commit that counts a trustee's document; the t-th of a contest opens it.

    Raises:
        PhaseError: ENT-06.
        VerificationError: TAL-03, TAL-04; the trustee is at fault.

    Source: SPEC.md#partial-decryption.
    """
    poll = poll_of(state, body.ctx)
    ceremony = state.complete_ceremony()
    trustee, number = act.party.index, body.contest - 1
    if trustee not in ceremony.session.participants:
        raise out_of_phase("takes no part in the ceremony that made the key")
    if poll.status != "closed" or body.contest > len(poll.at_floor) or not poll.at_floor[number]:
        raise out_of_phase("the poll is not closed, or the contest stays closed below the privacy floor (TAL-02)")
    held = poll.documents.get((body.contest, trustee))
    if held == act.entry.body_hash:
        raise repetition()
    with blaming("TAL-03", act.party):
        if held is not None:
            raise VerificationError("a second document for one contest")
        factors = verify_decryption(
            ctx=poll.ctx,
            tally_id=poll.tally_id,
            trustee=trustee,
            public_share=ceremony.public_shares[trustee],
            contest=body.contest,
            aggregates=poll.aggregates[number],
            body=body,
        )

    def commit() -> None:
        poll.documents[body.contest, trustee] = act.entry.body_hash
        poll.factors[number][trustee] = factors
        _open_contest(state, poll, number, act.at.index)

    return commit


def _open_contest(state: SittingState, poll: PollState, number: int, index: int) -> None:
    """Decode the counts of a contest once t documents stand."""
    threshold = state.the_manifest().trustees.threshold
    factors = poll.factors[number]
    if len(factors) != threshold:
        return
    poll.decrypted.add(number)
    shape = poll.context.contests[number]
    bounds = count_bounds(shape.options, shape.eligible, poll.counted(), _weights(state))
    try:
        poll.counts[number] = combine(threshold, factors, poll.aggregates[number], bounds)
    except SecballotError as error:
        state.failures.append(Failure("TAL-05", index, f"poll {poll.number}, contest {number + 1}: {error.message}"))


def turnout(poll: PollState) -> Turnout:
    """Return who voted, who could, and who was registered, per class."""
    return Turnout(
        counted=poll.counted(),
        roll=poll.registration.class_sizes(),
        registered=poll.registration.answered(poll.number),
    )


def recompute_result(state: SittingState, poll: PollState, page: bytes = NO_PAGE) -> Result:
    """Return the result that follows from the log so far, with the hash of a page that no log can give (32 bytes).

    Raises:
        RecordError: there is none: not closed, lapsed, void, annulled, or a contest lacks t documents (RES-01).

    Source: SPEC.md#result, SPEC.md#rules.
    """
    if poll.status != "closed" or not poll.finished():
        raise RecordError(f"poll {poll.number} has no outcome: it is {poll.status}, or not decrypted", check="RES-01")
    manifest, weights, present = state.the_manifest(), _weights(state), turnout(poll)
    contests = []
    for contest, floor, counts in zip(poll.opening.contests, poll.at_floor, poll.counts, strict=True):
        if floor and counts is None:
            raise RecordError(f"poll {poll.number} has no outcome: a contest has no possible count", check="RES-01")
        rule = manifest.rule_set(contest.rules)
        if not floor or counts is None or rule is None:
            contests.append(ContestResult(counts=(), elected=(), outcome="unopened", tied=()))
        else:
            maxima = [option.maximum for option in contest.options]
            contests.append(decide(rule, maxima, counts, present, weights))
    return Result(contests=tuple(contests), ctx=poll.ctx, page=page, tally_id=poll.tally_id)


def judge_result(state: SittingState, body: Result, act: Act) -> Commit:
    """Return the commit that records the result.

    Raises:
        PhaseError: ENT-06.
        VerificationError: RES-01, with the body as evidence: not the recomputed result, and the record fails.

    Source: SPEC.md#result.
    """
    poll = poll_of(state, body.ctx)
    evidence = act.entry.body_bytes
    try:
        expected = recompute_result(state, poll, body.page)
    except RecordError as error:
        raise VerificationError(error.message, check="RES-01", culprit=NOBODY, evidence=evidence) from error
    if body != expected:
        reason = f"the result of poll {poll.number} is not the one that the log gives"
        raise VerificationError(reason, check="RES-01", culprit=NOBODY, evidence=evidence)

    def commit() -> None:
        poll.result = body

    return commit
