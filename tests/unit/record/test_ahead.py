"""What is planned ahead of entries: everything that the machine will ask for, and nothing that it will not.

Source: SPEC.md#admission.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secballot.errors import VerificationError
from secballot.record import ahead, read_entry
from secballot.record.ahead import Lookahead
from secballot.record.statements import Acceptable, Answered, Blinded, Signed
from secballot.record.sums import PassedBallot
from secballot.record.work import BallotJob, BallotsFound, Confirmed, StatementJob
from secballot.records.credential import CredentialIssue
from secballot.records.entry import decode_entry
from secballot.records.roll import RollChunk
from secballot.roles.delegate import ballot_entry
from secballot.signing import SigningKey
from tests.record_stage import Stage, golden_bodies, golden_entries
from tests.simulator import golden

if TYPE_CHECKING:
    from secballot.record.ahead import Plan
    from secballot.record.reading import ReadEntry
    from secballot.record.statements import Statement

replace = msgspec.structs.replace
DELEGATES = [delegate.key for delegate in golden().simulator.rehearsal.delegates]
STRANGER = SigningKey(bytes(32))


def read(kind: str) -> list[ReadEntry]:
    """Return the golden sitting's entries of a kind."""
    return [read_entry(data) for data in golden_entries(kind)]


def bodies(kind: str) -> list[Any]:
    """Return the bodies of the same."""
    return [body for _, body in golden_bodies(kind)]


def positions(plan: Plan) -> list[tuple[int, ...]]:
    """Return the positions of the ballots of each job."""
    return [own for _, own in plan.jobs]


def statements(plan: Plan) -> list[Statement]:
    """Return the statements of all jobs, none of which is about ballots."""
    jobs = [job for job, _ in plan.jobs if isinstance(job, StatementJob)]
    assert positions(plan) == [()] * len(jobs)
    return [one for job in jobs for one in job.statements]


def signed(data: bytes) -> Signed:
    """Return the statement that an entry's signature holds."""
    entry = decode_entry(data)
    return Signed(entry.signer, entry.signature, entry.kind, golden().anchor, entry.body_bytes)


# Ballots -------------------------------------------------------------------------------------------------------------


def test_ballots_of_one_poll_are_planned_together() -> None:
    """With their places among the entries, and the credentials that are known to be good."""
    stage, cast = Stage.before("ballot"), bodies("ballot")
    (poll,) = stage.state.polls.values()
    first = Lookahead(stage.state).plan([read_entry(b"junk"), *read("closing"), *read("ballot")])
    assert first.jobs == [(BallotJob(poll.context.packed, tuple(cast), frozenset()), tuple(range(2, 11)))]

    stage.log_all(golden_entries("ballot")[:1])
    later = Lookahead(stage.state).plan(read("ballot"))
    known = frozenset({poll.heads[cast[0].credential].credential})
    assert later.jobs == [(BallotJob(poll.context.packed, tuple(cast[1:]), known), tuple(range(1, 9)))]


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        (184, [4, 5]),
        (185, [5, 4]),
        (206, [5, 4]),
        (207, [6, 3]),
        (45, [1, 1, 1, 1, 3, 2]),
        (46, [1, 1, 1, 1, 3, 2]),
        (1, [1] * 9),
        (317, [9]),
        (319, [9]),
    ],
)
def test_blocks_end_with_the_ballot_that_fills_them(
    limit: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ballot of class 1 has 46 elements here, one of class 2 has 22; the ninth ballot is of class 1 again."""
    monkeypatch.setattr(ahead, "BLOCK_TERMS", limit)
    plan = Lookahead(Stage.before("ballot").state).plan(read("ballot"))
    assert list(map(len, positions(plan))) == sizes
    assert sum(positions(plan), ()) == tuple(range(9))


@pytest.mark.parametrize("limit", [1, 46, 319])
def test_every_block_is_told_which_credentials_are_known(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heads' that its poll's ballots continue, in the blocks that are full and in the one that is not."""
    stage = Stage.before("ballot")
    stage.log_all(golden_entries("ballot")[:1])
    (poll,) = stage.state.polls.values()
    known = frozenset({poll.heads[bodies("ballot")[0].credential].credential})
    monkeypatch.setattr(ahead, "BLOCK_TERMS", limit)
    jobs = [job for job, _ in Lookahead(stage.state).plan(read("ballot")).jobs]
    assert [job.known for job in jobs if isinstance(job, BallotJob)] == [known] * len(jobs)


def test_a_ballot_is_planned_if_it_continues_a_head_or_a_planned_one() -> None:
    """Across plans, and each once."""
    stage, entries = Stage.before("ballot"), read("ballot")
    look = Lookahead(stage.state)
    assert positions(look.plan(entries[8:])) == []
    assert positions(look.plan([entries[0], entries[0], entries[1]])) == [(0, 2)]
    assert positions(look.plan([entries[0], entries[8], entries[8]])) == [(1,)]

    stage.log_all(golden_entries("ballot")[:1])
    assert positions(Lookahead(stage.state).plan([entries[0], entries[8]])) == [(1,)]
    stage.log_all(golden_entries("ballot")[8:])
    assert positions(Lookahead(stage.state).plan([entries[0], entries[8]])) == []


@pytest.mark.parametrize("sequence", [0, 2, 3])
def test_a_ballot_of_another_number_continues_nothing(sequence: int) -> None:
    """Behind a planned ballot, and behind the head."""
    stage, cast = Stage.before("ballot"), bodies("ballot")
    other = read_entry(ballot_entry(replace(cast[8], sequence=sequence)))
    assert positions(Lookahead(stage.state).plan([read("ballot")[0], other])) == [(0,)]
    stage.log_all(golden_entries("ballot")[:1])
    assert positions(Lookahead(stage.state).plan([other])) == []


def test_for_what_was_judged_the_state_speaks() -> None:
    """It may be planned again, and nothing continues it any more."""
    stage, entries = Stage.before("ballot"), read("ballot")
    look = Lookahead(stage.state)
    look.plan(entries[:2])
    look.judged([read_entry(b"junk"), entries[0]])
    assert positions(look.plan([entries[8], entries[0], entries[1]])) == [(1,)]


def test_ballots_that_will_be_refused_are_not_planned() -> None:
    """Of a poll that is none or is closed, or for a reason that the caller knows."""
    stage, entries, cast = Stage.before("ballot"), read("ballot"), bodies("ballot")
    unknown = read_entry(ballot_entry(replace(cast[0], ctx=bytes(32))))
    assert positions(Lookahead(stage.state).plan([unknown])) == []
    assert positions(Lookahead(Stage.after("closing").state).plan([entries[0]])) == []

    asked: list[object] = []

    def passed_over(ballot: Any) -> bool:  # noqa: ANN401  # a ballot
        asked.append(ballot)
        return bool(ballot.class_index == 1)

    plan = Lookahead(stage.state).plan([unknown, *entries[3:5]], passed_over=passed_over)
    assert (positions(plan), asked) == ([(2,)], cast[3:5])


# Requests and answers ------------------------------------------------------------------------------------------------


def moduli(poll: int, class_index: int) -> bytes:
    """Return the moduli of the golden registrar keys of a poll and class, in the registrars' order."""
    return b"".join(
        body.modulus for body in bodies("registrar-key") if (body.poll, body.class_index) == (poll, class_index)
    )


def blinded(number: int) -> list[Statement]:
    """Return what a delegate's request needs."""
    body = bodies("credential-request")[number]
    return [Blinded(moduli(poll, 1 + number // 4), item) for poll, item in enumerate(body.blinded, 1)]


def test_requests_are_planned_item_by_item() -> None:
    """The signatures too where others do the work; each statement once."""
    state, entries = Stage.after("registration").state, read("credential-request")
    plan = Lookahead(state).plan([entries[0], entries[5], entries[0]])
    assert statements(plan) == [*blinded(0), *blinded(5)]

    plan = Lookahead(state, every_statement=True).plan([entries[0], entries[5], entries[0]])
    own = [signed(golden_entries("credential-request")[number]) for number in (0, 5)]
    assert statements(plan) == [*blinded(0), own[0], *blinded(5), own[1]]


def test_requests_that_fit_no_registration_are_planned_for_nothing() -> None:
    """Of another registration, or by a key that is not on the roll; an item for no poll is compared with no key."""
    stage, body = Stage.after("registration"), bodies("credential-request")[0]
    others = [
        stage.entry(DELEGATES[0], "credential-request", replace(body, registration=2)),
        stage.entry(STRANGER, "credential-request", body),
    ]
    for state in (stage.state, Stage.before("registration").state):
        assert Lookahead(state, every_statement=True).plan([read_entry(one) for one in others]).jobs == []
    late = stage.entry(DELEGATES[0], "credential-request", replace(body, first_poll=2))
    plan = Lookahead(stage.state).plan([read_entry(late)])
    assert statements(plan) == [Blinded(moduli(2, 1), body.blinded[0]), Blinded(b"", body.blinded[1])]


def answered(class_index: int, poll: int, registrar: int, numbers: range) -> Answered:
    """Return the statement that a registrar's golden answers to these delegates' requests for a poll are right."""
    at, own = 768 * (poll - 1) + 384 * (registrar - 1), slice(384 * (poll - 1), 384 * poll)
    asked = [b"".join(bodies("credential-request")[number].blinded) for number in numbers]
    return Answered(
        modulus=moduli(poll, class_index)[384 * (registrar - 1) : 384 * registrar],
        expected=b"".join(sha256(one[at : at + 384]).digest() for one in asked),
        signatures=b"".join(bodies("credential-issue")[registrar - 1].answers[n].signatures[own] for n in numbers),
    )


def everything(registrar: int) -> list[Statement]:
    """Return what a registrar's golden answers need."""
    own = [answered(c, poll, registrar, range(4 * c - 4, 4 * c)) for c in (1, 2) for poll in (1, 2)]
    return [signed(golden_entries("credential-issue")[registrar - 1]), *own]


@pytest.mark.parametrize("registrar", [1, 2])
def test_answers_are_planned_key_by_key(registrar: int) -> None:
    """To requests that are judged, or were planned before; only where others do the work."""
    issue = read("credential-issue")[registrar - 1]
    state = Stage.before("credential-issue").state
    assert statements(Lookahead(state, every_statement=True).plan([issue])) == everything(registrar)
    assert Lookahead(state).plan([issue]).jobs == []

    look = Lookahead(Stage.after("registration").state, every_statement=True)
    look.plan(read("credential-request"))
    assert statements(look.plan([issue])) == everything(registrar)
    look.judged(read("credential-request")[7:])
    assert statements(look.plan([issue])) == everything(registrar)[:1]


def test_answers_to_nothing_are_planned_for_their_signature_alone() -> None:
    """Nobody asked, or they are not as long as what was asked."""
    stage = Stage.before("credential-issue")
    first, second, *_ = bodies("credential-issue")[0].answers
    for wrong in (
        replace(second, request=bytes(32)),
        replace(second, signatures=second.signatures[:384]),
        replace(second, signatures=second.signatures + bytes(384)),
        replace(second, signatures=second.signatures[:-1]),
    ):
        entry = stage.entry(stage.keys.registrars[0], "credential-issue", CredentialIssue((first, wrong), 1))
        assert statements(Lookahead(stage.state, every_statement=True).plan([read_entry(entry)])) == [signed(entry)]


def test_answers_of_nobody_who_may_answer_are_planned_for_nothing() -> None:
    """By a stranger, by another party, for another registration, or before there is a manifest."""
    stage, body = Stage.before("credential-issue"), bodies("credential-issue")[0]
    registrar, entry = stage.keys.registrars[0], stage.entry
    entries = [entry(key, "credential-issue", body) for key in (STRANGER, stage.keys.trustees[0])]
    entries.append(entry(registrar, "credential-issue", replace(body, registration=2)))
    assert Lookahead(stage.state, every_statement=True).plan([read_entry(one) for one in entries]).jobs == []
    assert Lookahead(Stage().state, every_statement=True).plan(read("credential-issue")).jobs == []


def test_answers_for_a_poll_without_keys_are_left_out() -> None:
    """A request that was planned may name one; the others' statements stay."""
    stage, body = Stage.after("registration"), bodies("credential-request")[0]
    late = read_entry(stage.entry(DELEGATES[0], "credential-request", replace(body, first_poll=2)))
    look = Lookahead(stage.state, every_statement=True)
    look.plan([late])
    answer = replace(bodies("credential-issue")[0].answers[0], request=late.leaf)
    entry = stage.entry(stage.keys.registrars[0], "credential-issue", CredentialIssue((answer,), 1))
    first, second, *more = statements(look.plan([read_entry(entry)]))
    assert (first, more) == (signed(entry), [])
    assert isinstance(second, Answered)
    assert (second.modulus, second.signatures) == (moduli(2, 1)[:384], answer.signatures[:384])


# Roll chunks ---------------------------------------------------------------------------------------------------------

CHUNKS: list[Statement] = [Acceptable(b"".join(body.keys)) for body in bodies("roll")[:2]]
"""What the two chunks of the golden roll need; each has two entries, by the two keys of the commission in turn."""


def test_keys_of_a_chunk_are_planned_with_its_last_signature() -> None:
    """Wherever the others are: in the same stretch, in one before, or judged; only where others do the work."""
    stage, entries = Stage.before("roll"), read("roll")
    assert statements(Lookahead(stage.state, every_statement=True).plan(entries)) == CHUNKS
    assert Lookahead(stage.state).plan(entries).jobs == []
    look = Lookahead(stage.state, every_statement=True)
    assert look.plan([entries[0], entries[0], entries[1]]).jobs == []
    assert statements(look.plan([entries[2]])) == CHUNKS[:1]

    stage.log_all(golden_entries("roll")[:2])
    assert statements(Lookahead(stage.state, every_statement=True).plan(entries[2:])) == CHUNKS
    assert Lookahead(stage.state, every_statement=True).plan(entries[:2]).jobs == []


def test_signers_of_a_chunk_are_forgotten_one_by_one() -> None:
    """For those who were judged the state speaks."""
    state, entries = Stage.before("roll").state, read("roll")
    look = Lookahead(state, every_statement=True)
    look.judged(entries)
    look.plan([*entries[:3]])
    look.judged([entries[2], entries[1], entries[1]])
    assert statements(look.plan([entries[2], entries[3]])) == CHUNKS[:1]
    look.judged([read_entry(b"junk"), entries[0]])
    assert look.plan([entries[2]]).jobs == []
    look.judged(entries)
    assert statements(look.plan(entries)) == CHUNKS


def test_chunks_of_nobody_who_may_sign_them_are_planned_for_nothing() -> None:
    """By a stranger, who counts for no signature either, or before there is a manifest."""
    stage, entries = Stage.before("roll"), read("roll")
    strange = read_entry(stage.entry(STRANGER, "roll", bodies("roll")[0]))
    assert Lookahead(stage.state, every_statement=True).plan([strange, entries[0]]).jobs == []
    assert Lookahead(Stage().state, every_statement=True).plan(entries).jobs == []


# Jobs and their results ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, [1] * 5), (5, [2, 2, 1]), (6, [3, 2]), (9, [3, 2]), (10, [4, 1]), (17, [5]), (18, [5])]
)
def test_answers_count_as_many_statements(limit: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature as one, four answers of one key as four."""
    monkeypatch.setattr(ahead, "STATEMENTS", limit)
    plan = Lookahead(Stage.before("credential-issue").state, every_statement=True).plan(read("credential-issue")[:1])
    assert [len(job.statements) for job, _ in plan.jobs if isinstance(job, StatementJob)] == sizes
    assert statements(plan) == everything(1)


@pytest.mark.parametrize(
    ("limit", "count", "sizes"),
    [(2, 1, [2, 2]), (2, 2, [2, 2]), (3, 2, [3, 1]), (2, 3, [1] * 4), (2, 4, [1] * 4), (3, 4, [2, 2]), (9, 4, [4])],
)
def test_every_two_keys_or_what_is_left_of_them_count_as_one(
    limit: int, count: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the smallest chunk counts, so that no job grows without end."""
    monkeypatch.setattr(ahead, "STATEMENTS", limit)
    stage = Stage.before("roll")
    chunks = [
        RollChunk(number, 4, 1, tuple(bytes([number, key]) * 16 for key in range(count)), 1) for number in range(1, 5)
    ]
    entries = [read_entry(stage.entry(key, "roll", chunk)) for chunk in chunks for key in stage.keys.commission]
    plan = Lookahead(stage.state, every_statement=True).plan(entries)
    assert [len(job.statements) for job, _ in plan.jobs if isinstance(job, StatementJob)] == sizes
    assert statements(plan) == [Acceptable(b"".join(chunk.keys)) for chunk in chunks]


def test_results_say_which_ballots_and_statements_are_good() -> None:
    """By their places among the entries; nothing else is said of what is not good."""
    stage, cast, entries = Stage.before("ballot"), bodies("ballot"), read("ballot")
    spoilt = read_entry(ballot_entry(replace(cast[1], response=cast[2].response)))
    plan = Lookahead(stage.state).plan([entries[0], read_entry(b"junk"), spoilt, entries[2]])
    plan.run()
    assert plan.verdicts.keys() == {0, 2, 3}
    first, wrong, last = plan.verdicts[0], plan.verdicts[2], plan.verdicts[3]
    assert isinstance(first, PassedBallot)
    assert isinstance(last, PassedBallot)
    assert (first.position, last.position, first.block) == (0, 2, last.block)
    assert first.block.ballots == (cast[0], decode_entry(spoilt.data).body, cast[2])
    assert isinstance(wrong, VerificationError)

    state = Stage.after("registration").state
    plan = Lookahead(state, every_statement=True).plan(read("credential-request")[:1])
    unknown = replace(blinded(0)[0], item=b"")
    plan.jobs.append((StatementJob((unknown,)), ()))
    plan.run()
    assert plan.proven == {*blinded(0), signed(golden_entries("credential-request")[0])}


def test_what_is_no_result_leaves_a_job_undone() -> None:
    """And whoever gave it hears so."""
    plan = Lookahead(Stage.before("ballot").state).plan(read("ballot"))
    ((job, _),) = plan.jobs
    for wrong in (None, job, BallotsFound({}, {}), Confirmed(9, frozenset()), Confirmed(0, frozenset())):
        assert plan.accept(0, wrong) is False
    assert plan.verdicts == {}
    assert plan.accept(0, job.run()) is True
    assert len(plan.verdicts) == 9

    plan = Lookahead(Stage.after("registration").state).plan(read("credential-request"))
    wrongs: list[Any] = [
        None,
        BallotsFound({}, {}),
        Confirmed(15, frozenset()),
        Confirmed(17, frozenset()),
        Confirmed(16, [0]),  # type: ignore[arg-type]  # that is the point
    ]
    for wrong in wrongs:
        assert plan.accept(0, wrong) is False
    assert plan.proven == set()
    assert plan.accept(0, Confirmed(16, frozenset({0, 15}))) is True
    assert plan.proven == set(statements(plan)[1:15])
