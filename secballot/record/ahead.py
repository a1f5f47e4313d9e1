"""Look ahead over entries whose turn has not come, and plan what of them can be verified already.

What is planned is a guess at what the machine will ask for, and never more than that: what nobody planned, the machine
verifies itself, and what was planned in vain costs time only. Nobody makes a reader verify proofs by repeating ballots:
a ballot is planned only if it continues its credential's head, or a ballot that is planned itself.

Source: SPEC.md#data-flow, SPEC.md#admission.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from secballot.blind import ANSWER_DIGEST_BYTES, MODULUS_BYTES
from secballot.errors import EncodingError
from secballot.protocol.registration import expected_answers
from secballot.record.answers import compared, statement_on
from secballot.record.rolls import OpenRequest
from secballot.record.statements import Acceptable, Answered, Blinded, Signed
from secballot.record.sums import PassedBallot
from secballot.record.work import BallotJob, BallotsFound, Confirmed, StatementJob
from secballot.records.ballot import Ballot
from secballot.records.credential import CredentialIssue, CredentialRequest
from secballot.records.entry import Entry
from secballot.records.roll import RollChunk
from secballot.signing import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from secballot.record.ballots import Verdict
    from secballot.record.reading import ReadEntry
    from secballot.record.state import PollState, RegistrationState, SittingState
    from secballot.record.statements import Statement
    from secballot.record.work import Job

BLOCK_TERMS: Final = 1 << 15
"""Elements that one batch of ballots has at most: multi-scalar multiplication gains little from more."""

STATEMENTS: Final = 1_024
"""Signatures that one job of statements verifies, or what takes as long; the last statement may exceed them."""

KEYS_PER_SIGNATURE: Final = 2
"""How many roll keys are checked while one signature is verified."""

BARRIERS: Final = frozenset({"manifest", "opening", "registration"})
"""Kinds after which what follows can be planned only when they have been judged."""


@dataclass(slots=True)
class Plan:
    """What is verified ahead of some entries.

    Attributes:
        jobs: each with the positions of its ballots among the entries; none for a job of statements.
        verdicts: position to the verdict on a ballot, as far as jobs have been done.
        proven: statements that hold, as far as jobs have been done.
    """

    jobs: list[tuple[Job, tuple[int, ...]]] = field(default_factory=list)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    proven: set[Statement] = field(default_factory=set)

    def accept(self, number: int, result: object) -> bool:
        """Take the result of a job, and tell whether it is one; another leaves the job undone.

        Args:
            number: position of the job.
            result: what its `run` returned, wherever it ran.
        """
        job, positions = self.jobs[number]
        if isinstance(job, BallotJob) and isinstance(result, BallotsFound):
            try:
                block = job.block(result)
            except EncodingError:
                return False
            for place, position in enumerate(positions):
                error = result.errors.get(place)
                self.verdicts[position] = PassedBallot(block, place) if error is None else error
            return True
        if isinstance(job, StatementJob) and isinstance(result, Confirmed):
            if result.examined != len(job.statements) or not isinstance(result.doubtful, frozenset):
                return False
            doubtful = result.doubtful
            self.proven.update(one for position, one in enumerate(job.statements) if position not in doubtful)
            return True
        return False

    def run(self) -> None:
        """Do all jobs here and now."""
        for number, (job, _) in enumerate(self.jobs):
            self.accept(number, job.run())


class Lookahead:
    """Plans for stretches of entries, one behind the other, before the first of them is judged."""

    def __init__(self, state: SittingState, *, every_statement: bool = False) -> None:
        """Look ahead from a state.

        Args:
            state: read whenever something is planned.
            every_statement: whether statements are planned that gain nothing from company; worthwhile only where other
                processes verify them.
        """
        self._state = state
        self._every_statement = every_statement
        self._planned: dict[bytes, int] = {}
        self._requests: dict[bytes, OpenRequest] = {}
        self._chunks: dict[bytes, set[bytes]] = {}

    def judged(self, entries: Sequence[ReadEntry]) -> None:
        """Forget entries that were planned and have been judged: for them the state speaks."""
        for read in entries:
            self._planned.pop(read.leaf, None)
            self._requests.pop(read.leaf, None)
            if self._chunks and isinstance(read.entry, Entry) and isinstance(read.entry.body, RollChunk):
                signers = self._chunks.get(read.entry.body_hash, set())
                signers.discard(read.entry.signer)
                if not signers:
                    self._chunks.pop(read.entry.body_hash, None)

    def plan(self, entries: Sequence[ReadEntry], *, passed_over: Callable[[Ballot], bool] | None = None) -> Plan:
        """Return what can be verified ahead of these entries.

        Args:
            entries: those that follow the ones planned before.
            passed_over: tells of a ballot that it will be refused for another reason.
        """
        ballots: dict[bytes, list[tuple[int, Ballot]]] = {}
        statements: dict[Statement, None] = {}
        for position, read in enumerate(entries):
            entry = read.entry
            if not isinstance(entry, Entry):
                continue
            body = entry.body
            if isinstance(body, Ballot):
                if self._may_continue(body, read.leaf) and not (passed_over is not None and passed_over(body)):
                    ballots.setdefault(body.ctx, []).append((position, body))
            elif isinstance(body, CredentialRequest):
                statements.update(dict.fromkeys(self._request_statements(entry, body, read.leaf)))
            elif isinstance(body, CredentialIssue) and self._every_statement:
                statements.update(dict.fromkeys(self._issue_statements(entry, body)))
            elif isinstance(body, RollChunk) and self._every_statement:
                statements.update(dict.fromkeys(self._roll_statements(entry, body)))
        plan = Plan()
        for ctx, group in ballots.items():
            self._add_ballots(plan, self._state.by_ctx[ctx], group)
        _add_statements(plan, statements)
        return plan

    def _may_continue(self, ballot: Ballot, leaf: bytes) -> bool:
        poll = self._state.by_ctx.get(ballot.ctx)
        if poll is None or poll.status != "open" or leaf in self._planned:
            return False
        head = poll.heads.get(ballot.credential)
        expected = (0, bytes(32)) if head is None else (head.sequence + 1, head.leaf)
        if (ballot.sequence, ballot.previous) != expected and (
            self._planned.get(ballot.previous) != ballot.sequence - 1
        ):
            return False
        self._planned[leaf] = ballot.sequence
        return True

    def _add_ballots(self, plan: Plan, poll: PollState, group: list[tuple[int, Ballot]]) -> None:
        heads = (poll.heads.get(ballot.credential) for _, ballot in group)
        known = frozenset(head.credential for head in heads if head is not None)
        block: list[tuple[int, Ballot]] = []
        terms = 0
        for position, ballot in group:
            layout = poll.context.layout(ballot.class_index)
            block.append((position, ballot))
            terms += 2 + 2 * layout.values + 2 * layout.branches
            if terms >= BLOCK_TERMS:
                plan.jobs.append(_ballot_job(poll, block, known))
                block, terms = [], 0
        if block:
            plan.jobs.append(_ballot_job(poll, block, known))

    def _request_statements(self, entry: Entry, body: CredentialRequest, leaf: bytes) -> list[Statement]:
        registration = self._registration(body.registration)
        class_index = registration.roll.get(entry.signer) if registration is not None else None
        if registration is None or class_index is None:
            return []
        statements: list[Statement] = [
            Blinded(registration.registrar_keys(poll, class_index).moduli, item)
            for poll, item in enumerate(body.blinded, start=body.first_poll)
        ]
        if self._every_statement:
            expected = expected_answers(body)
            self._requests[leaf] = OpenRequest(class_index, body.first_poll, len(body.blinded), 0, expected)
            statements.append(self._signature(entry))
        return statements

    def _issue_statements(self, entry: Entry, body: CredentialIssue) -> list[Statement]:
        registration, parties = self._registration(body.registration), self._state.parties
        party = parties.party(entry.signer) if parties is not None else None
        if registration is None or party is None or party.role != "registrar":
            return []
        statements: list[Statement] = [self._signature(entry)]
        registrars = len(self._state.the_manifest().registrars)
        answers: list[tuple[OpenRequest, bytes]] = []
        for answer in body.answers:
            asked = self._requests.get(answer.request) or registration.requests.open_request(answer.request)
            if asked is None or len(answer.signatures) != MODULUS_BYTES * asked.polls:
                return statements  # it answers what nobody has asked, or not all of it, so it will be refused
            answers.append((asked, answer.signatures))
        for place, own in compared(answers, party.index, registrars).items():
            key = registration.keys.get(place, {}).get(party.index)
            if key is not None:
                statements.append(statement_on(key, own))
        return statements

    def _roll_statements(self, entry: Entry, body: RollChunk) -> list[Statement]:
        """Return what the chunk's last signature needs, and nothing for those before: the machine asks once."""
        manifest, body_hash = self._state.manifest, entry.body_hash
        if manifest is None or entry.signer not in manifest.commission:
            return []
        collection = self._state.collections.get((entry.kind, body_hash))
        signers = self._chunks.setdefault(body_hash, set())
        signers.add(entry.signer)
        everybody = signers | collection.signers if collection is not None else signers
        return [Acceptable(b"".join(body.keys))] if len(everybody) == len(manifest.commission) else []

    def _registration(self, number: int) -> RegistrationState | None:
        registrations = self._state.registrations
        return registrations[-1] if registrations and registrations[-1].number == number else None

    def _signature(self, entry: Entry) -> Signed:
        return Signed(entry.signer, entry.signature, entry.kind, self._state.sitting_id, entry.body_bytes)


def _ballot_job(
    poll: PollState, block: list[tuple[int, Ballot]], known: frozenset[bytes]
) -> tuple[Job, tuple[int, ...]]:
    job = BallotJob(poll.context.packed, tuple(ballot for _, ballot in block), known)
    return job, tuple(position for position, _ in block)


def _add_statements(plan: Plan, statements: Iterable[Statement]) -> None:
    together: list[Statement] = []
    work = 0
    for statement in statements:
        together.append(statement)
        work += _work_of(statement)
        if work >= STATEMENTS:
            plan.jobs.append((StatementJob(tuple(together)), ()))
            together, work = [], 0
    if together:
        plan.jobs.append((StatementJob(tuple(together)), ()))


def _work_of(statement: Statement) -> int:
    """Return how many signatures would take about as long."""
    if isinstance(statement, Answered):
        return len(statement.expected) // ANSWER_DIGEST_BYTES
    if isinstance(statement, Acceptable):
        keys = len(statement.keys) // KEY_BYTES
        return (keys + KEYS_PER_SIGNATURE - 1) // KEYS_PER_SIGNATURE
    return 1
