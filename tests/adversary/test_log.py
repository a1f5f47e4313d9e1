"""Attacks by the board: two logs, an older log, entries of other sittings, junk, delay, and a change of hands."""

from __future__ import annotations

import pytest

from secballot.board.merkle import leaf_hash, root_of
from secballot.errors import InconsistentLogError, Party, PolicyError, SecballotError
from secballot.record.history import open_witnessed
from secballot.records.closing import Closing
from secballot.records.promise import Handover
from secballot.roles.delegate import ballot_entry
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.party import embedded_note
from secballot.roles.view import WitnessedView
from tests.forked import closed_poll, fork
from tests.simulator import MemoryBoard, Simulator, cosigned_head, replay, resolution
from tests.stages import AGAINST, FOR, Stream, convened, copy_board

TAGS = ("3164225163", "6152243316", "2561344216")


def head(board: MemoryBoard, now: int) -> bytes:
    """Return a head of the board, cosigned by all witnesses."""
    leaves = [leaf_hash(entry) for entry in board.entries]
    return cosigned_head(board.manifest.log.origin, board.log_key, leaves, board.witnesses, now)


# --- two logs


def test_a_split_log_is_proved_by_two_notes() -> None:
    """LG-01: whoever holds both notes shows board and witnesses to everybody; each note opens under the quorum."""
    one, other = copy_board(convened()), copy_board(convened())
    one.force(b"one")
    other.force(b"other")
    size = len(one.entries)
    one.notes[size], other.notes[size] = head(one, 1), head(other, 1)
    view = WitnessedView(one.source(), one.anchor)
    view.refresh()
    view._source = other.source()
    other.force(b"more")
    other.notes[size + 1] = head(other, 2)
    with pytest.raises(InconsistentLogError) as caught:
        view.refresh()
    assert caught.value.check == "LOG-02"
    finding = check_evidence(decode_evidence(caught.value.evidence), one.anchor)
    assert (finding.culprit, finding.sizes) == (Party("board"), (size, size + 1))
    assert set(finding.failing_witnesses) == {witness.name for witness in one.witnesses}
    assert view.checkpoint is not None
    assert view.checkpoint.checkpoint.root == root_of([leaf_hash(entry) for entry in one.entries])


@pytest.mark.attack("LG-01")
def test_a_party_on_the_other_log_shows_the_split_by_acting() -> None:
    """LOG-04: a closing that embeds the other log's checkpoint fails this record, with the note as evidence."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    other = Stream()
    other.open(resolution())
    other.vote((FOR,), (AGAINST,))
    body = other.closing(note)
    assert stream.post(stream.keys.trustees[0], "closing", body).check == "LOG-04"
    assert stream.failures() == ["LOG-04"]
    assert stream.board.record.state.failures[0].evidence == body.checkpoint.encode()


def test_consents_bind_all_registrars_and_trustees_to_one_log() -> None:
    """CON-01: a consent has effect where the registration ended on this log, and nowhere else."""
    base = convened()
    at = next(j.index for j in base.board.judgements if j.kind == "consent")
    simulator = fork(size=at)
    other = fork(size=at - 1)
    other.rehearsal.witness()
    simulator.rehearsal.witness()
    registration = simulator.board.record.state.registrations[0]
    assert registration.end == at
    entry = base.board.entries[at]
    assert simulator.board.force(entry).outcome.value == "effect"
    assert other.board.force(entry).check == "ENT-06"


# --- other sittings


@pytest.fixture(scope="module")
def foreign() -> list[bytes]:
    """Return the log of a sitting of the same title and classes, with other keys."""
    return list(Simulator(seed=b"a fake sitting").until_ceremony().board.entries)


def test_nothing_of_another_sitting_has_effect_here(foreign: list[bytes]) -> None:
    """FS-07: every entry of another sitting, posted here, is refused for its signer or its phase, and blames nobody."""
    stream = Stream()
    size = len(stream.board.entries)
    for entry in foreign:
        assert not stream.board.force(entry).outcome.stands
    assert {judgement.check for judgement in stream.board.judgements[size:]} == {"ENT-03", "ENT-04"}
    assert stream.failures() == []
    stream.open(resolution())
    assert stream.status() == "open"


def test_the_same_keys_in_another_sitting_sign_for_that_one_only() -> None:
    """FS-07: signatures name the sitting; entries of the same keys under another manifest do not verify."""
    stream = Stream()
    board = stream.board
    body = stream.opening([resolution()])
    board.anchor = bytes(32)
    judgement = stream.post(stream.officers[0], "opening", body)
    assert (judgement.outcome.value, judgement.check) == ("no effect", "ENT-05")
    board.anchor = convened().board.anchor


@pytest.mark.attack("SB-11")
def test_a_fake_sitting_fails_against_the_anchor(foreign: list[bytes]) -> None:
    """SIT-01: with the anchor nothing of it has effect; without one the verdict is about what was found."""
    record, judgements = replay(foreign, convened().board.anchor)
    assert {judgement.check for judgement in judgements} == {"SIT-01", "ENT-03"}
    assert record.state.manifest is None
    found, _ = replay(foreign, None)
    assert found.state.manifest is not None


# --- junk, delay, order


@pytest.mark.attack("SB-10")
def test_junk_delay_and_repetition_fail_nothing() -> None:
    """A board may log any bytes, any of its entries again and again, and late; the sitting goes on."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    for entry in (b"", b"{}", b"\xff" * 70_000, *stream.board.entries[::5]):
        assert not stream.board.force(entry).outcome.stands
    stream.close(note)
    for entry in stream.board.entries[-3:]:
        assert not stream.board.force(entry).outcome.stands
    stream.decrypt(2, 3)
    assert stream.result().contests[0].counts == (4, 0, 0)
    assert stream.failures() == []


@pytest.mark.attack("SB-06")
def test_a_board_that_drops_a_ballot_is_shown_by_its_promise() -> None:
    """BA-16, POL-07: the delegate objects with ballot and promise, and the operator is named by its own signature."""
    simulator = fork()
    rehearsal, board = simulator.rehearsal, simulator.board
    rehearsal.open_poll(1, [resolution()])
    victim = rehearsal.delegates[0]
    ballot = victim.seal(1, (FOR,), TAGS[0]).cast()
    promise = board.promise(ballot_entry(ballot), len(board.entries), rehearsal.now)
    for who in (1, 2):
        other = rehearsal.delegates[who]
        other.cast(other.seal(1, (AGAINST,), TAGS[who]))
    rehearsal.witness()
    with pytest.raises(SecballotError):
        victim.receipt(1)
    rehearsal.close_poll(1)
    victim.object(1, ballot, promise)
    assert board.record.state.polls[1].status == "void"


# --- handover


@pytest.mark.attack("SB-13")
def test_a_log_changes_hands_in_the_middle_of_a_poll() -> None:
    """LOG-06 end to end: ballots before and after, the successor's checkpoints close, and the poll is decrypted."""
    simulator = fork()
    rehearsal, board = simulator.rehearsal, simulator.board
    rehearsal.open_poll(1, [resolution()])
    for who in range(2):
        delegate = rehearsal.delegates[who]
        delegate.cast(delegate.seal(1, (FOR,), TAGS[who]))
    rehearsal.witness()
    before = board.notes[len(board.entries)]
    size, root = len(board.entries), root_of([leaf_hash(entry) for entry in board.entries])
    for party in (*rehearsal.needed_officers(), *rehearsal.trustees[:2]):
        party.post("handover", Handover(root, size, 1))
    assert board.record.state.handovers == 1
    # The first operator goes on signing: its heads count no more.
    rehearsal.witness()
    officer = rehearsal.officers[0]
    assert officer.view.refresh().checkpoint.tree_size == size
    # The successor signs.
    del board.notes[len(board.entries)]
    board.log_key, board.promise_key = rehearsal.keys.log[1], rehearsal.keys.promise[1]
    rehearsal.witness()
    assert officer.view.refresh().checkpoint.tree_size == len(board.entries)
    delegate = rehearsal.delegates[2]
    delegate.cast(delegate.seal(1, (AGAINST,), TAGS[2]))
    rehearsal.witness()
    rehearsal.close_poll(1)
    rehearsal.decrypt(1)
    rehearsal.publish_result(1)
    poll = board.record.state.polls[1]
    assert poll.result is not None
    assert poll.result.contests[0].counts == (4, 2, 0)
    assert open_witnessed(board.manifest, board.record.state.operators, before).checkpoint.tree_size == size


@pytest.mark.attack("SB-13")
def test_an_old_operator_cannot_take_a_later_log_back() -> None:
    """LOG-06: behind the handover neither its checkpoints nor its promises count."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    size = len(stream.board.entries)
    body = Handover(root_of(stream.leaves()), size, 1)
    stream.act("handover", body, [*stream.officers, *stream.keys.trustees[:2]])
    stream.vote((AGAINST,), first=2)
    operators = stream.board.record.state.operators
    with pytest.raises(SecballotError):
        open_witnessed(stream.manifest, operators, stream.note(stream.poll().closes_at).encode())
    assert stream.post(stream.officers[0], "closing", stream.closing(note)).check == "LOG-03"
    # Its last checkpoint before the handover would leave the later ballot behind it.
    last = stream.note(stream.poll().closes_at, size=size)
    closing = Closing(last, stream.poll().ctx, note)
    assert stream.post(stream.officers[0], "closing", closing).check == "POL-05"


def test_what_is_embedded_is_what_was_witnessed() -> None:
    """LOG-03: a party embeds a note in its one form, from whatever form the board served it."""
    simulator = fork(closed_poll())
    view = simulator.rehearsal.view()
    checkpoint = view.refresh()
    text = embedded_note(simulator.board.manifest, checkpoint)
    assert len(text.splitlines()) == 5 + simulator.board.manifest.witnesses.quorum
    with pytest.raises(PolicyError):
        embedded_note(simulator.board.manifest, checkpoint, earliest=2**50)
