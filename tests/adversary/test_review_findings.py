"""What a hostile review found: one lying witness, a lying source, a borrowed objection, a replay that stops half-way.

Each test asserts the right behaviour of a party against a machine, a board or a witness that is not honest.
"""

from __future__ import annotations

import base64
import traceback
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note
from secballot.errors import RefusalError, SecballotError, StoreError
from secballot.record import Outcome
from secballot.records.ballot import Ballot
from secballot.records.closing import Closing, Lapse
from secballot.records.entry import decode_entry, encode_body, encode_unsigned
from secballot.records.promise import Handover
from secballot.roles.delegate import ballot_entry
from secballot.roles.party import sign_entry
from secballot.roles.receipt import check_receipt
from secballot.roles.view import WitnessedView
from secballot.store.journal import Journal
from tests.simulator import (
    TAGS,
    MemorySource,
    Simulator,
    adopt_rule,
    cosigned_head,
    golden,
    replay,
    resolution,
    with_plan,
)
from tests.vectors.checker.verdict import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from secballot.records.opening import Contest

FAR_FUTURE = 2**53 - 1


def leaves_of(simulator: Simulator) -> list[bytes]:
    """Return the leaf hashes of the simulator's log."""
    return [leaf_hash(entry) for entry in simulator.board.entries]


def note_with_times(simulator: Simulator, times: Sequence[int]) -> bytes:
    """Return the head of the log, cosigned by the first witnesses at these times."""
    leaves, origin = leaves_of(simulator), simulator.board.manifest.log.origin
    head = Checkpoint(origin, len(leaves), root_of(leaves))
    note = sign_checkpoint(head, [Ed25519Signer(origin, simulator.board.log_key)])
    signing = zip(simulator.board.witnesses, times, strict=False)
    lines = [Ed25519Cosigner(witness.name, witness.key).cosign(note.text, time) for witness, time in signing]
    return Note(note.text, (*note.signatures, *lines)).encode()


def show_only(simulator: Simulator, note: bytes) -> None:
    """Let the board show this note of the log's head."""
    simulator.board.notes[len(simulator.board.entries)] = note


class FlakySource(MemorySource):
    """A mirror that answers single reads with a failure, or with other bytes, while told to."""

    failing = False
    lie: bytes | None = None

    def entry(self, index: int) -> bytes:
        """Return an entry, unless this mirror is failing or lying."""
        if self.failing:
            raise StoreError("the mirror does not answer")
        return super().entry(index) if self.lie is None else self.lie


@pytest.fixture
def revoted() -> Simulator:
    """Return a sitting with an open poll in which one delegate has voted twice."""
    simulator = Simulator().until_polls()
    simulator.rehearsal.open_poll(1, [resolution()])
    for at, delegate in enumerate(simulator.rehearsal.delegates):
        delegate.cast(delegate.seal(1, ((1, 0, 0),), TAGS[at]))
    simulator.rehearsal.witness()
    again = simulator.rehearsal.delegates[0]
    again.cast(again.seal(1, ((0, 1, 0),), TAGS[40]))
    simulator.rehearsal.witness()
    return simulator


def test_a_view_follows_the_log_across_a_handover() -> None:
    """Only a successor's checkpoint covers the handover that puts its key in force; parties must get past it."""
    simulator = Simulator().until_polls()
    rehearsal, leaves = simulator.rehearsal, leaves_of(simulator)
    before = rehearsal.view()
    before.refresh()
    body = Handover(root_of(leaves), len(leaves), 1)
    signers = [officer.key for officer in rehearsal.needed_officers()] + rehearsal.keys.trustees[:2]
    assert simulator.append_act("handover", body, signers).outcome is Outcome.EFFECT
    head = cosigned_head(
        rehearsal.manifest.log.origin,
        rehearsal.keys.log[1],
        leaves_of(simulator),
        simulator.board.witnesses,
        rehearsal.now,
    )
    show_only(simulator, head)
    fresh = rehearsal.view()
    for view in (before, fresh):
        view.refresh()
        assert view.size == len(simulator.board.entries)


@pytest.mark.attack("LG-10")
def test_one_witness_with_a_wrong_clock_among_all_of_them_does_not_stop_a_decryption() -> None:
    """Quorum q of w stands without the one that signs a time in the far future."""
    simulator = Simulator().until_closed()
    now = simulator.rehearsal.now
    show_only(simulator, note_with_times(simulator, [FAR_FUTURE, now, now, now]))
    assert simulator.rehearsal.trustees[0].decrypt(1, now=now + simulator.plan.objection_period + 1)


@pytest.mark.attack("LG-10")
def test_a_note_with_one_lying_witness_does_not_fix_the_objection_clock_for_ever() -> None:
    """The board and one witness show a trustee a bare quorum with a far time first, and the honest note later."""
    simulator = Simulator().until_closed()
    now, trustee = simulator.rehearsal.now, simulator.rehearsal.trustees[0]
    show_only(simulator, note_with_times(simulator, [FAR_FUTURE, now, now]))
    with pytest.raises(RefusalError):
        trustee.decrypt(1, now=now)
    show_only(simulator, note_with_times(simulator, [now, now, now, now]))
    assert trustee.decrypt(1, now=now + simulator.plan.objection_period + 1)


@pytest.mark.attack("SB-06")
def test_a_ballot_of_another_poll_is_no_objection() -> None:
    """Polls run side by side: a good ballot of the open one must not stop the decryption of the closed one."""
    simulator = Simulator().until_polls()
    rehearsal = simulator.rehearsal
    rehearsal.open_poll(1, [resolution()])
    rehearsal.open_poll(2, [resolution("Another")], seconds=100_000)
    for at, delegate in enumerate(rehearsal.delegates):
        delegate.cast(delegate.seal(1, ((1, 0, 0),), TAGS[at]))
    rehearsal.witness()
    unposted = ballot_entry(rehearsal.delegates[0].seal(2, ((1, 0, 0),), TAGS[20]).cast())
    rehearsal.close_poll(1)
    rehearsal.now += simulator.plan.objection_period + 1
    assert rehearsal.trustees[0].decrypt(1, now=rehearsal.now, objections=[unposted])


@pytest.mark.attack("OP-08", "TL-09")
def test_a_lying_source_cannot_change_what_leaves_the_sum(revoted: Simulator) -> None:
    """A superseded ballot is read again; other bytes would let the board choose which ballot is decrypted alone."""
    revoted.rehearsal.close_poll(1)
    source = FlakySource(revoted.board)
    superseded = next(entry for entry in revoted.board.entries if entry.endswith(b'"kind":"ballot"}'))
    body = decode_entry(superseded).body
    assert isinstance(body, Ballot)
    other = msgspec.structs.replace(body, tag=TAGS[41])
    source.lie = encode_unsigned("ballot", encode_body("ballot", other))
    with pytest.raises(StoreError):
        WitnessedView(source, revoted.board.anchor).refresh()


def test_a_view_recovers_from_a_source_that_fails_half_way(revoted: Simulator) -> None:
    """A read that fails in mid-replay is a failed read, not a log that contradicts itself."""
    revoted.rehearsal.close_poll(1)
    source = FlakySource(revoted.board)
    source.failing = True
    view = WitnessedView(source, revoted.board.anchor)
    with pytest.raises(StoreError):
        view.refresh()
    source.failing = False
    view.refresh()
    assert view.size == len(revoted.board.entries)
    assert len(view.judgements) == view.size


@pytest.mark.attack("BA-05")
@pytest.mark.parametrize("tag", ["\uff11" * 10, "\u00e9" * 10, "", "\ud800" * 10])
def test_whatever_is_typed_as_a_tag_gives_an_answer_of_the_library(revoted: Simulator, tag: str) -> None:
    """A delegate types the tag by hand, on any keyboard."""
    view = revoted.rehearsal.view()
    view.refresh()
    receipt = revoted.rehearsal.delegates[0].receipt(1)
    with pytest.raises(SecballotError):
        check_receipt(receipt, view, tag)


@pytest.mark.attack("SB-12")
def test_a_receipt_that_names_another_poll_is_refused(revoted: Simulator) -> None:
    """The poll is what the delegate reads; it must be that of the ballot."""
    view = revoted.rehearsal.view()
    view.refresh()
    receipt = revoted.rehearsal.delegates[0].receipt(1)
    with pytest.raises(SecballotError):
        check_receipt(msgspec.structs.replace(receipt, poll=2), view, receipt.tag)


def test_an_unsigned_note_of_the_empty_log_does_not_fail_the_record(revoted: Simulator) -> None:
    """One trustee embeds a note that nobody signed; only witnessed notes can show a split log."""
    origin, poll = revoted.board.manifest.log.origin, revoted.board.record.state.polls[1]
    root, signature = (base64.b64encode(bytes([7]) * size).decode() for size in (32, 68))
    junk = f"{origin}\n0\n{root}\n\n— {origin} {signature}\n"
    key = revoted.rehearsal.keys.trustees[3]
    for kind, body in (
        ("closing", Closing(checkpoint=junk, ctx=poll.ctx, opening_checkpoint=junk)),
        ("lapse", Lapse(checkpoint=junk, ctx=poll.ctx)),
    ):
        judgement = revoted.append_signed(key, kind, body)
        assert (judgement.outcome, judgement.check) == (Outcome.NO_EFFECT, "LOG-03")
    assert revoted.board.record.state.failures == []


def test_a_journal_in_trouble_shows_nothing_of_what_it_was_to_keep(tmp_path: Path) -> None:
    """A full disk or a locked file ends in a log; the seed or the RSA key being written must not."""
    path, secret = tmp_path / "journal.sqlite", b"-".join([b"seed"] * 3)
    journal = Journal.create(path)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE notes"))
    engine.dispose()
    for act in (
        lambda: journal.put_once("seed", b"here", secret),
        lambda: journal.replace("seed", b"here", secret, b"destroyed"),
    ):
        with pytest.raises(StoreError) as caught:
            act()
        assert secret.decode() not in "".join(traceback.format_exception(caught.value))
    journal.close()


def _for_class_one(title: str) -> Contest:
    return msgspec.structs.replace(resolution(title), rules="first-class")


@pytest.mark.attack("SB-07", "TL-11")
def test_contests_side_by_side_do_not_isolate_a_class_below_the_floor() -> None:
    """One question to classes 1 and 2 of equal weight, the same to class 1: the difference is class 2 alone."""
    classes = tuple(msgspec.structs.replace(each, weight=1) for each in Simulator().plan.classes)
    rules = (adopt_rule(), adopt_rule(name="first-class", eligible=(1,)))
    simulator = with_plan(classes=classes, rules=rules).until_polls()
    rehearsal = simulator.rehearsal
    rehearsal.open_poll(1, [resolution(), _for_class_one("The same for class 1")])
    voters = [*rehearsal.delegates[:4], rehearsal.delegates[4]]
    for at, delegate in enumerate(voters):
        choice = (1, 0, 0)
        delegate.cast(delegate.seal(1, (choice, choice) if at < simulator.plan.delegates[0] else (choice,), TAGS[at]))
    rehearsal.witness()
    rehearsal.close_poll(1)
    assert simulator.board.record.state.polls[1].at_floor == (False, True)


@pytest.mark.attack("TL-03")
def test_a_result_without_contests_fails_the_record_for_every_reader() -> None:
    """SPEC.md judges the number of a result's contests by RES-01: both verifiers see the same failure."""
    finished = golden()
    at = next(j.index for j in finished.judgements if j.kind == "result")
    simulator = finished.simulator
    entry = decode_entry(finished.entries[at])
    body = msgspec.structs.replace(entry.body, contests=())
    keys = [officer.key for officer in simulator.rehearsal.needed_officers()]
    entries = [*finished.entries[:at], *(sign_entry(key, "result", finished.anchor, body) for key in keys)]
    record, judgements = replay(entries, finished.anchor)
    state, outcomes = run(entries, finished.anchor)
    assert [failure.check for failure in record.state.failures] == ["RES-01"]
    assert [check for check, _ in state.fails] == ["RES-01"]
    ours = [(judgement.outcome.value, judgement.check) for judgement in judgements]
    assert ours == [(outcome["outcome"], outcome["check"]) for outcome in outcomes]
