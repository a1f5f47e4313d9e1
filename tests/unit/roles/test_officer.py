"""Officers: what they post follows from their own view, and the machine's refusals reach them with their reason."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import PolicyError, RecordError, RefusalError
from secballot.record.tallying import recompute_result
from secballot.records.closing import Closing
from secballot.records.document import Document
from secballot.records.entry import decode_entry
from secballot.roles.officer import Officer, poll_by_number
from secballot.roles.party import tree_size
from tests.forked import closed_poll, fork
from tests.simulator import Simulator, resolution
from tests.stages import FOR, convened

if TYPE_CHECKING:
    from secballot.roles.trustee import Trustee

LONG = "Ärzte§" * 8_000


@pytest.fixture
def simulator() -> Simulator:
    """Return a convened sitting."""
    return fork()


def opened(simulator: Simulator) -> Simulator:
    """Open the first poll and let two delegates vote."""
    simulator.rehearsal.open_poll(1, [resolution()])
    for who, tag in enumerate(("3164225163", "6152243316")):
        delegate = simulator.rehearsal.delegates[who]
        delegate.cast(delegate.seal(1, (FOR,), tag))
    simulator.rehearsal.witness()
    return simulator


def test_long_documents_are_posted_in_chunks_of_whole_characters(simulator: Simulator) -> None:
    """Every chunk is text of at most 48,000 bytes, and their hash is what openings name."""
    officer, first = simulator.rehearsal.officers[0], len(simulator.board.entries)
    digest = officer.post_document(LONG)
    bodies = [decode_entry(entry).body for entry in simulator.board.entries[first:]]
    assert len(bodies) == 2
    assert all(isinstance(body, Document) and len(body.data.encode()) <= 48_000 for body in bodies)
    assert digest == hashlib.sha256(LONG.encode()).digest()
    assert digest in simulator.board.record.state.complete_documents
    simulator.rehearsal.witness()
    contest = msgspec.structs.replace(resolution(), documents=(digest,))
    simulator.rehearsal.open_poll(1, [contest])
    assert 1 in simulator.board.record.state.polls


def test_an_opening_stands_on_a_convening(simulator: Simulator) -> None:
    """Without one the officer refuses; a misfit is refused by the board, with its check."""
    before = fork(size=next(j.index for j in convened().board.judgements if j.kind == "convening"))
    before.rehearsal.witness()
    with pytest.raises(RefusalError, match="convened"):
        before.rehearsal.officers[0].open_poll(1, [resolution()], before.rehearsal.now + 3_600)
    wrong = msgspec.structs.replace(resolution(), rules="unknown")
    first, second = simulator.rehearsal.needed_officers()
    first.open_poll(1, [wrong], simulator.rehearsal.now + 3_600)
    with pytest.raises(RefusalError) as caught:
        second.open_poll(1, [wrong], simulator.rehearsal.now + 3_600)
    assert caught.value.check == "POL-02"


def test_polls_are_found_by_number(simulator: Simulator) -> None:
    """A number that no opening has spent is refused by the officer."""
    officer = simulator.rehearsal.officers[0]
    officer.view.refresh()
    with pytest.raises(RefusalError):
        poll_by_number(officer.view, 1)
    for act in (officer.close_poll, officer.lapse_poll, officer.publish_result):
        with pytest.raises(RefusalError):
            act(1)


def test_a_closing_takes_the_newest_note_in_the_window(simulator: Simulator) -> None:
    """Too early there is none, and too late there is none; in between the newest covers every ballot."""
    rehearsal = opened(simulator).rehearsal
    officer, poll = rehearsal.officers[0], simulator.board.record.state.polls[1]
    with pytest.raises(PolicyError):
        officer.close_poll(1)
    for step in (0, 5):
        rehearsal.now = poll.closes_at + step
        rehearsal.delegates[2 + step // 5].cast(rehearsal.delegates[2 + step // 5].seal(1, (FOR,), "2561344216"))
        rehearsal.witness()
    index = officer.close_poll(1).index
    body = decode_entry(simulator.board.entries[index]).body
    assert isinstance(body, Closing)
    assert tree_size(body.checkpoint) == index
    assert tree_size(body.opening_checkpoint) < index
    assert poll.closing is not None
    assert poll.closing.time == rehearsal.now


def test_a_ballot_behind_every_note_keeps_the_poll_open(simulator: Simulator) -> None:
    """POL-05: the board refuses the closing, and with a new checkpoint it takes it."""
    rehearsal = opened(simulator).rehearsal
    rehearsal.now = simulator.board.record.state.polls[1].closes_at
    rehearsal.witness()
    delegate = rehearsal.delegates[3]
    delegate.cast(delegate.seal(1, (FOR,), "2561344216"))
    with pytest.raises(RefusalError) as caught:
        rehearsal.officers[0].close_poll(1)
    assert caught.value.check == "POL-05"
    rehearsal.witness()
    assert rehearsal.officers[0].close_poll(1)


def test_after_the_grace_a_poll_can_only_lapse(simulator: Simulator) -> None:
    """POL-06: not before; then closing finds no note, and the lapse stands."""
    rehearsal = opened(simulator).rehearsal
    officer, poll = rehearsal.officers[0], simulator.board.record.state.polls[1]
    with pytest.raises(PolicyError):
        officer.lapse_poll(1)
    rehearsal.now = poll.closes_at + simulator.board.manifest.grace + 1
    rehearsal.witness()
    with pytest.raises(PolicyError):
        officer.close_poll(1)
    officer.lapse_poll(1)
    assert poll.status == "lapsed"


def test_a_poll_is_extended_by_those_who_open_it(simulator: Simulator) -> None:
    """POL-03: the new time counts for the closing."""
    rehearsal = opened(simulator).rehearsal
    poll = simulator.board.record.state.polls[1]
    later = poll.closes_at + 60
    for officer in rehearsal.needed_officers():
        officer.extend_poll(1, later)
    assert poll.closes_at == later
    rehearsal.witness()
    rehearsal.close_poll(1)
    assert rehearsal.now == later


def test_a_result_is_the_officers_own_computation() -> None:
    """RES-01: none before the decryptions; then each signs what its own machine found."""
    simulator = fork(closed_poll())
    rehearsal = simulator.rehearsal
    with pytest.raises(RecordError) as caught:
        rehearsal.officers[0].publish_result(1)
    assert caught.value.check == "RES-01"
    rehearsal.decrypt(1)
    rehearsal.publish_result(1)
    poll = simulator.board.record.state.polls[1]
    assert poll.result == recompute_result(simulator.board.record.state, poll)
    assert simulator.board.record.state.failures == []


def test_a_result_names_the_page_that_is_published_with_it() -> None:
    """Its SHA-256, the same for every signer."""
    simulator = fork(closed_poll())
    simulator.rehearsal.decrypt(1)
    for officer in simulator.rehearsal.officers[:2]:
        officer.publish_result(1, b"<!doctype html>")
    result = simulator.board.record.state.polls[1].result
    assert result is not None
    assert result.page == hashlib.sha256(b"<!doctype html>").digest()


def test_officers_and_trustees_annul_together(simulator: Simulator) -> None:
    """POL-08: two officers and two trustees, each with its own method."""
    rehearsal = opened(simulator).rehearsal
    parties: list[Officer | Trustee] = [*rehearsal.needed_officers(), *rehearsal.trustees[:2]]
    for party in parties:
        assert simulator.board.record.state.polls[1].status == "open"
        party.annul_poll(1, "The text was wrong")
    assert simulator.board.record.state.polls[1].status == "annulled"


def test_an_unfinished_sitting_is_not_adjourned(simulator: Simulator) -> None:
    """POL-09 reaches the officer that completes the act."""
    rehearsal = opened(simulator).rehearsal
    first, second = rehearsal.needed_officers()
    index = first.adjourn().index
    rehearsal.witness()
    with pytest.raises(RefusalError) as caught:
        rehearsal.countersign([second], index)
    assert caught.value.check == "POL-09"


def test_a_restart_needs_somebody_silent_and_somebody_who_is_not() -> None:
    """CER-08: refused when the ceremony is complete, when nobody has spoken, and when nobody is missing."""
    with pytest.raises(RefusalError, match="no ceremony"):
        fork().rehearsal.officers[0].restart_ceremony()
    simulator = Simulator()
    rehearsal = simulator.rehearsal
    rehearsal.found()
    with pytest.raises(RefusalError):
        rehearsal.officers[0].restart_ceremony()
    rehearsal.run_ceremony(rehearsal.trustees[:3])
    for officer in rehearsal.needed_officers():
        officer.restart_ceremony()
    ceremony = simulator.board.record.state.ceremony
    assert ceremony is not None
    assert (ceremony.session.number, ceremony.session.participants) == (2, (1, 2, 3))
