"""A party's view: it moves forward only, under a quorum, and believes nothing that its own leaves contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.merkle import leaf_hash, root_of
from secballot.errors import InconsistentLogError, PolicyError, RefusalError, StoreError
from secballot.records.promise import Handover
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.view import WitnessedView
from tests.second_verifier import ignore
from tests.simulator import MemorySource, cosigned_head, resolution
from tests.stages import FOR, Stream, convened, copy_board

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator import MemoryBoard

NOW = 1_770_000_500


def head(board: MemoryBoard, entries: list[bytes], *, witnesses: int = 4) -> bytes:
    """Return a cosigned head over any entries."""
    leaves = [leaf_hash(entry) for entry in entries]
    return cosigned_head(board.manifest.log.origin, board.log_key, leaves, board.witnesses[:witnesses], NOW)


@pytest.fixture
def board() -> MemoryBoard:
    """Return a board of the convened sitting."""
    return copy_board(convened())


@pytest.fixture
def view(board: MemoryBoard) -> WitnessedView:
    """Return a view that has seen all of it."""
    view = WitnessedView(board.source(), board.anchor)
    view.refresh()
    return view


def test_a_view_follows_its_log(board: MemoryBoard, view: WitnessedView) -> None:
    """What is logged and witnessed is seen; what is logged alone is not."""
    size = view.size
    board.force(b"junk")
    assert view.refresh().checkpoint.tree_size == view.size == size
    board.notes[size + 1] = head(board, board.entries)
    assert view.refresh().checkpoint.tree_size == view.size == size + 1
    assert view.judgements[-1].check == "ENT-01"
    assert view.entry(size) == b"junk"


def test_a_view_needs_an_anchor(board: MemoryBoard) -> None:
    """32 bytes, and a log that holds a manifest with that hash."""
    for anchor in (b"", board.anchor[:-1]):
        with pytest.raises(RefusalError):
            WitnessedView(board.source(), anchor)
    other = WitnessedView(board.source(), bytes(32))
    with pytest.raises(RefusalError) as caught:
        other.refresh()
    assert caught.value.check == "SIT-01"
    assert other.size == 0


def test_no_quorum_no_view(board: MemoryBoard) -> None:
    """LOG-01: no checkpoint, one witness too few, one witness twice, another log's key."""
    size = len(board.entries)
    short = head(board, board.entries, witnesses=2)
    last = short.splitlines(keepends=True)[-1]
    stranger = cosigned_head(
        board.manifest.log.origin,
        board.promise_key,
        [leaf_hash(entry) for entry in board.entries],
        board.witnesses,
        NOW,
    )
    for notes in ({}, {size: short}, {size: short + last}, {size: stranger}, {size: b"junk"}):
        board.notes = notes
        fresh = WitnessedView(board.source(), board.anchor)
        with pytest.raises(PolicyError) as caught:
            fresh.refresh()
        assert caught.value.check == "LOG-01"
        assert (fresh.size, fresh.checkpoint) == (0, None)


def test_a_newer_note_without_quorum_is_passed_over(board: MemoryBoard, view: WitnessedView) -> None:
    """The newest note that counts decides, not the newest."""
    size = view.size
    board.force(b"junk")
    board.notes[size + 1] = head(board, board.entries, witnesses=2)
    assert view.refresh().checkpoint.tree_size == size


def test_a_rollback_moves_nothing_back(board: MemoryBoard, view: WitnessedView) -> None:
    """LG-02: an older checkpoint as the newest is a stale source if it is true, and a split log (LOG-02) if not."""
    size, earlier = view.size, view.size - 3
    board.notes = {earlier: head(board, board.entries[:earlier])}
    with pytest.raises(StoreError, match="stale"):
        view.refresh()
    board.notes = {earlier: head(board, [*board.entries[: earlier - 1], b"other"])}
    with pytest.raises(InconsistentLogError) as caught:
        view.refresh()
    assert caught.value.check == "LOG-02"
    finding = check_evidence(decode_evidence(caught.value.evidence), board.anchor)
    assert finding.sizes == (earlier, size)
    assert view.size == size


@pytest.mark.parametrize("longer", [False, True])
def test_a_split_view_is_refused_with_evidence(board: MemoryBoard, view: WitnessedView, longer: bool) -> None:
    """LG-01, LOG-02: witnesses that collude sign another history; whoever has seen the first does not follow."""
    size = view.size
    other = [*board.entries[:-1], b"other", *([b"more"] if longer else [])]
    board.entries, board.notes = other, {len(other): head(board, other)}
    ignore(board)
    with pytest.raises(InconsistentLogError) as caught:
        view.refresh()
    assert caught.value.check == "LOG-02"
    finding = check_evidence(decode_evidence(caught.value.evidence), board.anchor)
    assert finding.sizes == (size, len(other))
    assert len(finding.failing_witnesses) >= 2
    assert view.size == size
    assert not view.judgements[-1].reason


class LyingSource(MemorySource):
    """Gives other bytes than the log has."""

    def __init__(self, board: MemoryBoard, lie: dict[int, bytes], *, short: int = 0) -> None:
        """Replace entries, or withhold the last ones."""
        super().__init__(board)
        self._lie, self._short = lie, short

    def entry(self, index: int) -> bytes:
        """Return an entry."""
        return self._lie.get(index, super().entry(index))

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries in order."""
        return (self.entry(index) for index in range(start, stop - self._short))


def test_a_lying_source_is_found_out(board: MemoryBoard) -> None:
    """LOG-02 for other bytes, a store error for missing ones; nothing of it is judged."""
    for index in (2, len(board.entries) - 1):
        liar = WitnessedView(LyingSource(board, {index: b"junk"}), board.anchor)
        with pytest.raises(InconsistentLogError) as caught:
            liar.refresh()
        assert caught.value.check == "LOG-02"
        # Entries that are not the checkpoint's accuse nobody but whoever gave them.
        assert caught.value.evidence == board.notes[max(board.notes)]
        assert (liar.size, list(liar.judgements)) == (0, [])
    withholding = WitnessedView(LyingSource(board, {}, short=1), board.anchor)
    with pytest.raises(StoreError):
        withholding.refresh()
    assert withholding.size == 0


@pytest.mark.attack("OP-08")
def test_what_was_verified_is_compared_when_read_again(board: MemoryBoard) -> None:
    """An entry that the source changes later, and one that was never verified, are not given out."""
    lie: dict[int, bytes] = {}
    view = WitnessedView(LyingSource(board, lie), board.anchor)
    view.refresh()
    assert view.entry(5) == board.entries[5]
    lie[5] = board.entries[6]
    for index in (5, view.size, -1):
        with pytest.raises(StoreError):
            view.entry(index)


def test_a_view_of_a_failed_record_serves_nobody(board: MemoryBoard, view: WitnessedView) -> None:
    """An embedded checkpoint of another log shows the split to everybody who replays it."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,))
    leaves = [*stream.leaves()[:-1], bytes(32)]
    origin, poll = stream.manifest.log.origin, stream.poll()
    witnesses = stream.board.witnesses[:3]
    split = cosigned_head(origin, stream.board.log_key, leaves, witnesses, poll.closes_at)
    body = stream.closing(note)
    stream.post(stream.officers[0], "closing", type(body)(split.decode(), body.ctx, body.opening_checkpoint))
    stream.board.notes[len(stream.board.entries)] = head(stream.board, stream.board.entries)
    fresh = WitnessedView(stream.board.source(), board.anchor)
    with pytest.raises(InconsistentLogError) as caught:
        fresh.refresh()
    assert caught.value.check == "LOG-04"
    assert caught.value.evidence == split
    with pytest.raises(InconsistentLogError):
        fresh.refresh()


def test_only_true_notes_are_offered_for_embedding(board: MemoryBoard, view: WitnessedView) -> None:
    """Notes of this log, newest first: not those of another root, not those ahead of the view."""
    other = [*board.entries[:-1], b"other"]
    board.notes[10] = head(board, [*other[:9], b"x"])
    board.notes[9_000] = b"junk"
    sizes = [found.checkpoint.tree_size for found in view.quorum_notes()]
    assert sizes[0] == view.size
    assert sizes == sorted(sizes, reverse=True)
    for found in view.quorum_notes():
        size = found.checkpoint.tree_size
        assert found.checkpoint.root == root_of([leaf_hash(entry) for entry in board.entries[:size]])


def test_pending_acts_are_those_that_wait_for_signatures() -> None:
    """An opening that one officer signed is pending until the second does."""
    stream = Stream()
    board, body = stream.board, stream.opening([resolution()])
    for expected, key in zip(([len(board.entries)], []), stream.officers, strict=True):
        stream.post(key, "opening", body)
        board.notes[len(board.entries)] = head(board, board.entries)
        view = WitnessedView(board.source(), board.anchor)
        view.refresh()
        assert view.pending_acts() == expected


def test_a_view_follows_a_handover(view: WitnessedView, board: MemoryBoard) -> None:
    """LOG-06: a fresh view, and one that knows the first operator, accept the successor's checkpoint."""
    stream = Stream()
    stream.board = board
    before = board.entries[:]
    body = Handover(root=root_of(stream.leaves()), size=len(before), successor=1)
    stream.act("handover", body, [*stream.officers, *stream.keys.trustees[:2]])
    board.log_key = stream.keys.log[1]
    board.notes[len(board.entries)] = head(board, board.entries)
    assert view.refresh().checkpoint.tree_size == len(board.entries)
    assert view.state.handovers == 1
    fresh = WitnessedView(board.source(), board.anchor)
    assert fresh.refresh().checkpoint.tree_size == len(board.entries)


def test_a_successor_without_a_handover_is_nobody(view: WitnessedView, board: MemoryBoard) -> None:
    """LOG-06: its key counts only behind its own handover, and only on the history seen before."""
    size = view.size
    board.log_key = convened().rehearsal.keys.log[1]
    board.force(b"junk")
    board.notes[size + 1] = head(board, board.entries)
    assert view.refresh().checkpoint.tree_size == size
    assert view.state.handovers == 0


def test_the_first_operator_signs_nothing_behind_the_handover(view: WitnessedView, board: MemoryBoard) -> None:
    """LOG-06: its checkpoint over the whole handover counts under no key, for a fresh view and for an old one."""
    stream = Stream()
    stream.board = board
    size = len(board.entries)
    body = Handover(root=root_of(stream.leaves()), size=size, successor=1)
    stream.act("handover", body, [*stream.officers, *stream.keys.trustees[:2]])
    board.notes[len(board.entries)] = head(board, board.entries)
    fresh = WitnessedView(board.source(), board.anchor)
    for _ in range(2):
        assert view.refresh().checkpoint.tree_size == size
        assert fresh.refresh().checkpoint.tree_size == size
    assert fresh.state.handovers == 0
