"""Polls before and around the vote: documents, openings, extensions, annulments.

Rules:
- a document is complete when one presidium key has posted its chunks in order and they hash to its name;
- an opening spends its poll number and fixes ctx; it stands on the newest convening that covers the number;
- a poll is extended once at most, and annulled only while no contest is decrypted.

Source: SPEC.md#polls.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from secballot.errors import NOBODY, RecordError, blaming
from secballot.protocol.ballot_layout import BallotContext, ContestShape, ballot_entry_size
from secballot.record.convening import newest_convening
from secballot.record.outcome import out_of_phase
from secballot.record.rolls import Heads
from secballot.record.state import DocumentProgress, PollState
from secballot.record.sums import BallotSums

if TYPE_CHECKING:
    from secballot.record.outcome import Act, Commit
    from secballot.record.state import RegistrationState, SittingState
    from secballot.records.closing import Annulment
    from secballot.records.document import Document
    from secballot.records.opening import Contest, Extension, Opening

MAX_BALLOT_BYTES: Final = 64_000
"""Largest ballot entry an opening may allow, so that an objection can carry it within an entry."""

_MAX_SUM_SPAN: Final = 1_000


def judge_document(state: SittingState, body: Document, act: Act) -> Commit:
    """Return the commit that adds a chunk to the signer's document in progress.

    Raises:
        PhaseError: a chunk out of order (ENT-06).
        RecordError: POL-01, the last chunk completes another text than the one named; the document is abandoned.
    """
    signer = act.entry.signer
    progress = state.documents.get(signer)
    data = body.data.encode()
    earlier: tuple[int, ...] = ()
    if body.chunk == 1:
        hasher = hashlib.sha256(data)
    elif progress is None or (progress.document, progress.chunks, progress.next_chunk) != (
        body.document,
        body.chunks,
        body.chunk,
    ):
        raise out_of_phase("not the next chunk of this signer's document in progress")
    else:
        earlier = progress.indices
        hasher = progress.hasher.copy()
        hasher.update(data)
    last = body.chunk == body.chunks
    if last and hasher.digest() != body.document:
        raise RecordError("the chunks do not hash to the document named", check="POL-01", culprit=act.party)

    def commit() -> None:
        if last:
            state.documents.pop(signer, None)
            state.complete_documents.add(body.document)
        else:
            indices = (*earlier, act.at.index)
            state.documents[signer] = DocumentProgress(body.document, body.chunks, body.chunk + 1, hasher, indices)

    return commit


def judge_opening(state: SittingState, body: Opening, act: Act) -> Commit:
    """Return the commit that opens a poll.

    Raises:
        RecordError: POL-02.

    Source: SPEC.md#opening.
    """
    with blaming("POL-02", NOBODY):
        manifest = state.the_manifest()
        if body.poll > manifest.polls or body.poll in state.polls:
            raise RecordError("no such poll number, or it is spent")
        registration = newest_convening(state, body.poll)
        if registration is None or registration.convening != body.convening:
            raise RecordError("does not stand on the newest convening that covers the poll")
        for contest in body.contests:
            _check_contest(state, contest)
        context = ballot_context(state, body, act.entry.body_hash, registration)
        for class_index in range(1, len(manifest.classes) + 1):
            shapes = context.shapes(class_index)
            if shapes and ballot_entry_size(shapes, len(manifest.registrars), class_index) > MAX_BALLOT_BYTES:
                raise RecordError(f"a ballot of class {class_index} would be too large")

    def commit() -> None:
        poll = PollState(
            number=body.poll,
            ctx=context.ctx,
            opening=body,
            index=act.at.index,
            registration=registration,
            context=context,
            closes_at=body.closes_at,
            sums=BallotSums.of(state),
            heads=Heads(state.history),
            factors=[{} for _ in body.contests],
            counts=[None for _ in body.contests],
        )
        for class_index in range(1, len(manifest.classes) + 1):
            options = sum(len(shape.options) for shape in context.shapes(class_index))
            poll.sums.begin(class_index, options)
        state.polls[body.poll] = poll
        state.by_ctx[context.ctx] = poll

    return commit


def _check_contest(state: SittingState, contest: Contest) -> None:
    rule = state.the_manifest().rule_set(contest.rules)
    maxima = [option.maximum for option in contest.options]
    if rule is None:
        raise RecordError("a contest names no rule set of the manifest")
    if not 0 <= contest.sum_minimum <= contest.sum_maximum <= sum(maxima) or contest.sum_maximum < 1:
        raise RecordError("the limits of a contest's sum are not in order")
    if contest.sum_maximum - contest.sum_minimum > _MAX_SUM_SPAN:
        raise RecordError("the limits of a contest's sum lie too far apart")
    if any(document not in state.complete_documents for document in contest.documents):
        raise RecordError("a document that a contest names is not complete")
    if rule.decision == "adopt" and (len(maxima) < 2 or max(maxima) != 1 or contest.sum_maximum != 1):  # noqa: PLR2004  # for and against
        raise RecordError("a resolution has at least two options, of which a ballot takes one")
    if rule.decision == "elect" and len(maxima) < rule.seats:
        raise RecordError("an election has at least as many options as seats")


def ballot_context(state: SittingState, body: Opening, ctx: bytes, registration: RegistrationState) -> BallotContext:
    """Return what every stateless check of this poll's ballots depends on, and nothing else.

    Raises:
        PhaseError: the ceremony is not complete (ENT-06).
    """
    manifest, ceremony = state.the_manifest(), state.complete_ceremony()
    if ceremony.joint_key is None:
        raise out_of_phase("there is no joint key")
    shapes = []
    for contest in body.contests:
        rule = manifest.rule_set(contest.rules)
        shapes.append(
            ContestShape(
                options=tuple(option.maximum for option in contest.options),
                sum_minimum=contest.sum_minimum,
                sum_maximum=contest.sum_maximum,
                eligible=frozenset(rule.eligible if rule else ()),
            )
        )
    keys = {
        class_index: tuple(
            registration.keys[body.poll, class_index][index] for index in range(1, len(manifest.registrars) + 1)
        )
        for class_index in range(1, len(manifest.classes) + 1)
    }
    return BallotContext(
        sitting_id=state.sitting_id,
        ctx=ctx,
        joint_key=ceremony.joint_key,
        poll=body.poll,
        registration=registration.number,
        contests=tuple(shapes),
        registrar_keys=keys,
    )


def minimum_duration(state: SittingState, poll: PollState) -> int:
    """Return the seconds for which the poll must have stood open: the most that a rule set of its contests asks."""
    rules = [state.the_manifest().rule_set(contest.rules) for contest in poll.opening.contests]
    return max(rule.minimum_duration for rule in rules if rule is not None)


def poll_of(state: SittingState, ctx: bytes) -> PollState:
    """Return the poll with this ctx.

    Raises:
        PhaseError: no effective opening has it (ENT-06).
    """
    poll = state.by_ctx.get(ctx)
    if poll is None:
        raise out_of_phase("no effective opening has this ctx")
    return poll


def judge_extension(state: SittingState, body: Extension, act: Act) -> Commit:
    """Return the commit that moves the closing time.

    Raises:
        RecordError: POL-03.
    """
    del act
    poll = poll_of(state, body.ctx)
    with blaming("POL-03", NOBODY):
        if poll.status != "open" or poll.extended:
            raise RecordError("the poll is not open, or has been extended")
        if not poll.closes_at < body.closes_at <= poll.closes_at + state.the_manifest().extension_limit:
            raise RecordError("the new closing time is not later, or too late")

    def commit() -> None:
        poll.closes_at = body.closes_at
        poll.extended = True

    return commit


def judge_annul(state: SittingState, body: Annulment, act: Act) -> Commit:
    """Return the commit that annuls a poll.

    Raises:
        RecordError: POL-08.
    """
    del act
    poll = poll_of(state, body.ctx)
    with blaming("POL-08", NOBODY):
        if poll.status not in {"open", "closed"} or poll.opened():
            raise RecordError("the poll is ended already, or a contest is decrypted")

    def commit() -> None:
        poll.status, poll.reason = "annulled", body.reason

    return commit
