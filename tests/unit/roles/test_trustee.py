"""A trustee decrypts one tally of each poll, from the log alone, and refuses everything else."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import InconsistentLogError, PolicyError, RefusalError, StoreError, TransportError
from secballot.records.closing import Annulment, Closing, Lapse, Objection
from secballot.records.decryption import Decryption
from secballot.records.entry import decode_entry, encode_body, encode_unsigned
from secballot.roles.delegate import ballot_entry
from secballot.roles.trustee import DroppedBallot, Trustee
from secballot.roles.view import WitnessedView
from secballot.store.journal import Journal
from tests.forked import closed_poll, copy_journal, fork
from tests.simulator import MemoryBoard, Simulator, cosigned_head, resolution
from tests.stages import FOR, Stream, convened, copy_board

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.records.promise import Promise


@pytest.fixture
def simulator() -> Simulator:
    """Return a sitting with a closed poll whose objection period is over."""
    simulator = fork(closed_poll())
    simulator.rehearsal.now += simulator.plan.objection_period + 1
    return simulator


@pytest.fixture
def trustee(simulator: Simulator) -> Trustee:
    """Return its first trustee."""
    return simulator.rehearsal.trustees[0]


def decryptions(board: MemoryBoard) -> list[bytes]:
    """Return the decryption entries on the log."""
    return [entry for entry in board.entries if entry.endswith(b'"}') and b'"kind":"decryption"' in entry]


def refusal(simulator: Simulator, trustee: Trustee, **arguments: object) -> str:
    """Return why the trustee refuses; nothing is released, and no tally is noted."""
    before = len(decryptions(simulator.board))
    with pytest.raises(RefusalError) as caught:
        trustee.decrypt(1, **{"now": simulator.rehearsal.now, **arguments})  # type: ignore[arg-type]  # as named
    assert len(decryptions(simulator.board)) == before
    assert list(trustee._journal.items("decryption")) == []
    return caught.value.message


def poll_of(stage: Simulator, seconds: int = 3_600) -> None:
    """Open the first poll and let three delegates vote."""
    stage.rehearsal.open_poll(1, [resolution()], seconds)
    for who in range(3):
        delegate = stage.rehearsal.delegates[who]
        delegate.cast(delegate.seal(1, (FOR,), ("3164225163", "6152243316", "2561344216")[who]))
    stage.rehearsal.witness()


# --- what it does


def test_every_contest_at_the_floor_is_decrypted(simulator: Simulator, trustee: Trustee) -> None:
    """One document per contest, each under the poll's tally id, all before any; the second trustee's open the poll."""
    board, now = simulator.board, simulator.rehearsal.now
    told: list[tuple[int, ...]] = []
    promises = trustee.decrypt(1, now=now, progress=lambda *steps: told.append((*steps, len(decryptions(board)))))
    assert (len(promises), told) == (2, [(1, 4, 0), (2, 4, 0), (3, 4, 1), (4, 4, 2)])
    bodies = [decode_entry(entry).body for entry in decryptions(board)]
    poll = board.record.state.polls[1]
    assert [(body.contest, body.tally_id) for body in bodies if isinstance(body, Decryption)] == [
        (1, poll.tally_id),
        (2, poll.tally_id),
    ]
    assert not poll.finished()
    simulator.rehearsal.trustees[2].decrypt(1, now=now)
    assert poll.finished()
    assert poll.counts[0] is not None


# --- what it refuses


def test_an_open_poll_is_not_decrypted() -> None:
    """TL-10: whatever the clock says, only a closing closes."""
    simulator = fork()
    poll_of(simulator)
    simulator.rehearsal.now += 10**6
    assert "open" in refusal(simulator, simulator.rehearsal.trustees[0])
    with pytest.raises(RefusalError):
        simulator.rehearsal.trustees[0].decrypt(2, now=simulator.rehearsal.now)


@pytest.mark.parametrize("end", ["lapsed", "annulled", "void"])
def test_a_poll_that_ended_otherwise_is_not_decrypted(end: str) -> None:
    """Lapsed, annulled or void: nothing is decrypted."""
    simulator = fork()
    poll_of(simulator)
    rehearsal, board = simulator.rehearsal, simulator.board
    poll = board.record.state.polls[1]
    if end == "lapsed":
        rehearsal.now = poll.closes_at + board.manifest.grace + 1
        rehearsal.witness()
        rehearsal.officers[0].lapse_poll(1)
    elif end == "annulled":
        keys = [*rehearsal.keys.presidium[:2], *rehearsal.keys.trustees[:2]]
        simulator.append_act("annul", Annulment(poll.ctx, "The text was wrong"), keys)
    else:
        lost = ballot_entry(rehearsal.delegates[4].seal(1, (FOR,), "3164225163").cast())
        promise = board.promise(lost, 3, rehearsal.now)
        rehearsal.close_poll(1)
        body = Objection(decode_entry(lost).body, poll.ctx, promise)  # type: ignore[arg-type]  # a ballot
        board.force(encode_unsigned("objection", encode_body("objection", body)))
    rehearsal.witness()
    rehearsal.now += 10**6
    assert end in refusal(simulator, rehearsal.trustees[0])


@pytest.mark.attack("TL-10")
def test_no_quorum_no_decryption(simulator: Simulator, trustee: Trustee) -> None:
    """LOG-01: a log that fewer than q witnesses cosigned is nobody's log."""
    board = simulator.board
    for size, note in board.notes.items():
        board.notes[size] = b"".join(note.splitlines(keepends=True)[:-2])
    with pytest.raises(PolicyError) as caught:
        trustee.decrypt(1, now=simulator.rehearsal.now)
    assert caught.value.check == "LOG-01"


@pytest.mark.attack("TL-10")
def test_the_closing_itself_lies_under_a_quorum(simulator: Simulator, trustee: Trustee) -> None:
    """A closing that no witness has seen is not acted on: the view ends before it."""
    board = simulator.board
    closing = board.record.state.polls[1].closing
    assert closing is not None
    board.notes = {size: note for size, note in board.notes.items() if size <= closing.index}
    assert "open" in refusal(simulator, trustee)


def test_another_anchor_is_another_sitting(simulator: Simulator, trustee: Trustee) -> None:
    """SIT-01: the log holds no such manifest, and an anchor of another length none at all."""
    board = simulator.board
    stranger = Trustee(trustee.key, WitnessedView(board.source(), bytes(32)), simulator.rehearsal, trustee._journal)
    with pytest.raises(RefusalError) as caught:
        stranger.decrypt(1, now=simulator.rehearsal.now)
    assert caught.value.check == "SIT-01"


def test_a_ceremony_other_than_its_own_is_refused(simulator: Simulator, trustee: Trustee, tmp_path: Path) -> None:
    """DK-09: state of one ceremony, log with another; the key on the log is none that this trustee shares."""
    journal = Journal.create(tmp_path / "other")
    journal.put_once("seed", simulator.board.anchor, b"\1" * 32)
    other = Trustee(trustee.key, simulator.rehearsal.view(), simulator.rehearsal, journal)
    assert "stored state" in refusal(simulator, other)
    assert list(journal.items("tally")) == []


def test_a_poll_below_the_floor_stays_closed() -> None:
    """TL-11, TAL-02: one ballot is not opened, for nobody."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution()])
    delegate = simulator.rehearsal.delegates[0]
    delegate.cast(delegate.seal(1, (FOR,), "3164225163"))
    simulator.rehearsal.witness()
    simulator.rehearsal.close_poll(1)
    simulator.rehearsal.now += 10**6
    assert "floor" in refusal(simulator, simulator.rehearsal.trustees[0])


def test_the_objection_period_is_waited_out() -> None:
    """It begins with the first witnessed time over the closing that this trustee sees, and is remembered."""
    simulator = fork(closed_poll())
    rehearsal, trustee = simulator.rehearsal, simulator.rehearsal.trustees[0]
    began, period = rehearsal.now, simulator.plan.objection_period
    for now in (began, began + period - 1):
        assert "objection" in refusal(simulator, trustee, now=now)
    # Later notes do not begin it anew, and neither does a witness that lies about the time.
    rehearsal.now = began + period - 1
    rehearsal.witness()
    assert trustee.decrypt(1, now=began + period)


def lost_ballot(simulator: Simulator) -> tuple[bytes, Promise]:
    """Return a good ballot that the board promised a place which another entry has."""
    stream = Stream()
    stream.board = simulator.board
    entry = ballot_entry(stream.ballot(1, (FOR, (1, 0, 0)), tag="3164225163"))
    index = simulator.board.record.state.polls[1].index + 1
    return entry, simulator.board.promise(entry, index, simulator.rehearsal.now)


def test_a_pending_objection_is_waited_for(simulator: Simulator, trustee: Trustee) -> None:
    """POL-07: one that reached the trustee and holds; others, and junk, do not stop it."""
    entry, promise = lost_ballot(simulator)
    ctx = simulator.board.record.state.polls[1].ctx
    body = Objection(decode_entry(entry).body, ctx, promise)  # type: ignore[arg-type]  # a ballot
    objection = encode_unsigned("objection", encode_body("objection", body))
    assert "objection" in refusal(simulator, trustee, objections=[b"junk", objection])
    false = objection.replace(b'"index":', b'"index":1')
    assert false != objection
    assert trustee.decrypt(1, now=simulator.rehearsal.now, objections=[b"junk", false, simulator.board.entries[3]])


def test_a_dropped_ballot_in_the_drop_box_is_waited_for(simulator: Simulator, trustee: Trustee) -> None:
    """BA-16: a good ballot, here in time, that follows the log's head and is not on the log: somebody dropped it."""
    entry, _ = lost_ballot(simulator)
    poll = simulator.board.record.state.polls[1]
    deadline = poll.closes_at - simulator.board.manifest.log.maximum_delay
    assert "missing" in refusal(simulator, trustee, drop_box=[DroppedBallot(entry, deadline)])
    logged = next(e for e in simulator.board.entries if b'"kind":"ballot"' in e)
    harmless = [
        DroppedBallot(entry, deadline + 1),
        DroppedBallot(logged, 0),
        DroppedBallot(b"junk", 0),
        DroppedBallot(simulator.board.entries[0], 0),
        DroppedBallot(entry.replace(b'"tag":"3164225163"', b'"tag":"3164225164"'), 0),
    ]
    assert trustee.decrypt(1, now=simulator.rehearsal.now, drop_box=harmless)


# --- once


def test_a_restart_gives_the_same_bytes(simulator: Simulator, trustee: Trustee) -> None:
    """TL-08: what was released is released again, from the journal; a second run posts nothing new."""
    now = simulator.rehearsal.now
    trustee.decrypt(1, now=now)
    posted = decryptions(simulator.board)
    again = Collector(simulator)
    restarted = Trustee(trustee.key, simulator.rehearsal.view(), again, trustee._journal)
    restarted.decrypt(1, now=now)
    assert again.posted == posted


class Collector:
    """Takes entries and logs nothing."""

    def __init__(self, simulator: Simulator, *, failing: bool = False) -> None:
        """Collect, and fail each time if asked to."""
        self.posted: list[bytes] = []
        self._simulator, self._failing = simulator, failing

    def post(self, entry: bytes) -> Promise:
        """Take an entry."""
        self.posted.append(entry)
        if self._failing:
            raise TransportError("the line is dead")
        return self._simulator.board.promise(entry, 0, 0)


def test_what_was_stored_and_not_posted_is_posted_later(simulator: Simulator, trustee: Trustee) -> None:
    """TL-08: killed between journal and post, the trustee finds the same bytes; they are in the journal before."""
    dead = Collector(simulator, failing=True)
    cut_off = Trustee(trustee.key, simulator.rehearsal.view(), dead, trustee._journal)
    with pytest.raises(TransportError):
        cut_off.decrypt(1, now=simulator.rehearsal.now)
    assert dead.posted[0] in [value for _, value in trustee._journal.items("decryption")]
    trustee.decrypt(1, now=simulator.rehearsal.now)
    assert decryptions(simulator.board)[0] == dead.posted[0]


def test_two_processes_on_one_journal_release_the_same(simulator: Simulator, trustee: Trustee, tmp_path: Path) -> None:
    """TL-08: whichever is first, both post the bytes that the journal has."""
    Journal.create(tmp_path / "journal").close()
    collectors = [Collector(simulator) for _ in range(3)]
    with Journal.open(tmp_path / "journal") as journal:
        copy_journal(trustee._journal, journal)
    journals = [Journal.open(tmp_path / "journal") for _ in collectors]
    parties = [
        Trustee(trustee.key, simulator.rehearsal.view(), collector, journal)
        for collector, journal in zip(collectors, journals, strict=True)
    ]
    threads = [Thread(target=party.decrypt, args=(1,), kwargs={"now": simulator.rehearsal.now}) for party in parties]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert collectors[0].posted == collectors[1].posted == collectors[2].posted
    assert len(collectors[0].posted) == 2
    for journal in journals:
        journal.close()


def doctored(simulator: Simulator) -> MemoryBoard:
    """Return a board that dropped the last ballot, closed the poll, and found witnesses to sign that."""
    board = copy_board(convened())
    ballots = [at for at, entry in enumerate(simulator.board.entries) if b'"kind":"ballot"' in entry]
    for entry in simulator.board.entries[len(board.entries) : ballots[-1]]:
        board.force(entry)
    poll = board.record.state.polls[1]

    def sign(now: int) -> bytes:
        leaves = [leaf_hash(entry) for entry in board.entries]
        return cosigned_head(board.manifest.log.origin, board.log_key, leaves, board.witnesses, now)

    stream = Stream()
    stream.board = board
    opened = stream.note(stream.now, size=poll.index + 1)
    stream.post(stream.officers[0], "closing", Closing(stream.note(poll.closes_at), poll.ctx, opened))
    assert board.judgements[-1].outcome.value == "effect"
    board.notes = {len(board.entries): sign(poll.closes_at)}
    return board


def test_a_second_tally_of_a_poll_is_refused_for_ever(simulator: Simulator, trustee: Trustee) -> None:
    """TL-08: a log doctored by board and witnesses, with one ballot less, would show that ballot by difference."""
    now = simulator.rehearsal.now
    trustee.decrypt(1, now=now)
    other = doctored(simulator)
    assert other.record.state.polls[1].at_floor[0]
    assert other.record.state.polls[1].tally_id != simulator.board.record.state.polls[1].tally_id
    again = Collector(simulator)
    for _ in range(2):
        deceived = Trustee(trustee.key, WitnessedView(other.source(), other.anchor), again, trustee._journal)
        with pytest.raises(RefusalError, match="another tally"):
            deceived.decrypt(1, now=now)
    assert again.posted == []
    # A view that saw the first log does not even read the second.
    trustee.view._source = other.source()
    with pytest.raises(InconsistentLogError):
        trustee.decrypt(1, now=now)


def test_the_tally_is_noted_before_anything_is_released(simulator: Simulator, trustee: Trustee) -> None:
    """TL-08: a post that fails leaves the tally bound; the doctored log gets nothing after it either."""
    dead = Collector(simulator, failing=True)
    with pytest.raises(TransportError):
        Trustee(trustee.key, simulator.rehearsal.view(), dead, trustee._journal).decrypt(1, now=simulator.rehearsal.now)
    other = doctored(simulator)
    deceived = Trustee(trustee.key, WitnessedView(other.source(), other.anchor), dead, trustee._journal)
    with pytest.raises(RefusalError, match="another tally"):
        deceived.decrypt(1, now=simulator.rehearsal.now)


def test_lost_state_means_no_decryption(simulator: Simulator, trustee: Trustee, tmp_path: Path) -> None:
    """TL-08: a journal made anew decrypts nothing, and one that is not there is not made."""
    now = simulator.rehearsal.now
    empty = Journal.create(tmp_path / "empty")
    forgetful = Trustee(trustee.key, simulator.rehearsal.view(), simulator.rehearsal, empty)
    with pytest.raises(StoreError, match="state lost"):
        forgetful.decrypt(1, now=now)
    with pytest.raises(StoreError):
        Journal.open(tmp_path / "deleted")


def test_a_restored_trustee_finds_its_decryption_on_the_log(
    simulator: Simulator, trustee: Trustee, tmp_path: Path
) -> None:
    """TL-08: restored from before its decryption it releases the same bytes, and no other tally's ever."""
    now = simulator.rehearsal.now
    trustee.decrypt(1, now=now)
    simulator.rehearsal.witness()
    restored = Journal.create(tmp_path / "restored")
    copy_journal(trustee._journal, restored, ["seed"])
    again = Trustee(trustee.key, simulator.rehearsal.view(), simulator.rehearsal, restored)

    with pytest.raises(RefusalError, match="repeats"):  # the simulated board promises nothing twice
        again.decrypt(1, now=now)
    assert list(restored.items("decryption")) == list(trustee._journal.items("decryption"))
    other = doctored(simulator)
    deceived = Trustee(trustee.key, WitnessedView(other.source(), other.anchor), simulator.rehearsal, restored)
    with pytest.raises(RefusalError, match="another tally"):
        deceived.decrypt(1, now=now)


def test_a_trustee_that_lost_its_seed_does_not_join_again(simulator: Simulator, trustee: Trustee) -> None:
    """The seed is destroyed after the adjournment and not before; then nothing decrypts."""
    with pytest.raises(RefusalError):
        trustee.destroy_state()
    rehearsal = simulator.rehearsal
    rehearsal.decrypt(1)
    rehearsal.publish_result(1)
    rehearsal.adjourn()
    trustee.destroy_state()
    assert trustee._journal.get("seed", simulator.board.anchor) == b"destroyed"
    with pytest.raises(StoreError):
        trustee.decrypt(1, now=rehearsal.now)


def test_a_lapse_by_a_trustee() -> None:
    """Any trustee may let a poll lapse, when the witnesses say that its grace is over."""
    simulator = fork()
    poll_of(simulator)
    rehearsal, trustee = simulator.rehearsal, simulator.rehearsal.trustees[3]
    poll = simulator.board.record.state.polls[1]
    with pytest.raises(PolicyError):
        trustee.lapse_poll(1)
    rehearsal.now = poll.closes_at + simulator.board.manifest.grace + 1
    rehearsal.witness()
    index = trustee.lapse_poll(1).index
    assert isinstance(decode_entry(simulator.board.entries[index]).body, Lapse)
    assert poll.status == "lapsed"
