"""A view that was kept goes on where it was, and finds out another log; long logs are read without holding them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from secballot.audit import replay
from secballot.errors import EncodingError, InconsistentLogError, StoreError
from secballot.roles import stretch, view
from secballot.roles.judgements import Judgements
from secballot.roles.view import WitnessedView
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from secballot.store.verified import VerifiedState
from tests.audit.every_kind import every_kind
from tests.audit.sources import ListSource, publish, recosigned
from tests.record_stage import picture
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def log(size: int, entries: Sequence[bytes] | None = None) -> ListSource:
    """Return the golden log, or another, up to a size under one checkpoint."""
    entries = list(golden().entries if entries is None else entries)[:size]
    return ListSource(entries, [recosigned(entries)])


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VerifiedState:
    """Return a memory that keeps after every entry."""
    monkeypatch.setattr(view, "_KEPT_AFTER", 1)
    return VerifiedState(tmp_path / "view", "view", golden().anchor)


def test_a_view_goes_on_where_it_was(memory: VerifiedState) -> None:
    """Same state, same judgements, same checkpoints seen; only what is new is read."""
    total = len(golden().entries)
    whole = WitnessedView(log(total), golden().anchor)
    whole.refresh()
    for size in (5, 20, total):
        reader = WitnessedView(log(size), golden().anchor, memory=memory)
        reader.refresh()
        assert (reader.size, len(reader.judgements)) == (size, size)
    assert picture(reader.state) == picture(whole.state)
    assert reader.judgements == whole.judgements == list(golden().judgements)
    assert [one.checkpoint.tree_size for one in reader.seen] == [5, 20, total]
    assert reader.checkpoint == whole.checkpoint


class OnlyAfter(ListSource):
    """A log whose first entries must not be read."""

    first = 0

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries that may be read."""
        assert start >= self.first
        return super().entries(start, stop)


def test_what_was_verified_is_not_read_again(memory: VerifiedState) -> None:
    """Not even to be hashed."""
    total = len(golden().entries)
    WitnessedView(log(total - 3), golden().anchor, memory=memory).refresh()
    source = OnlyAfter(list(golden().entries), log(total).notes)
    source.first = total - 3
    reader = WitnessedView(source, golden().anchor, memory=memory)
    reader.refresh()
    assert reader.size == total


def test_another_log_than_before_is_refused_across_restarts(memory: VerifiedState) -> None:
    """A fork behind what was seen, and a log that is behind: found out by what was kept alone."""
    WitnessedView(log(20), golden().anchor, memory=memory).refresh()
    forked = [*golden().entries[:18], b"other", *golden().entries[19:25]]
    with pytest.raises(InconsistentLogError):
        WitnessedView(log(25, forked), golden().anchor, memory=memory).refresh()
    with pytest.raises(StoreError, match="stale"):
        WitnessedView(log(19), golden().anchor, memory=memory).refresh()


def test_a_spoilt_memory_and_another_sittings_are_refused(memory: VerifiedState, tmp_path: Path) -> None:
    """Nothing is begun with either."""
    reader = WitnessedView(log(20), golden().anchor, memory=memory)
    reader.refresh()
    other = WitnessedView(ListSource(list(every_kind().entries), [every_kind().checkpoint]), every_kind().anchor)
    for data in (b"", b"junk", reader.saved()[:-1]):
        with pytest.raises(EncodingError):
            other.resume(data)
    with pytest.raises(EncodingError, match="another sitting"):
        other.resume(reader.saved())
    path = tmp_path / "view"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(StoreError, match="not one that was kept here"):
        WitnessedView(log(20), golden().anchor, memory=memory).refresh()


def test_little_is_not_kept(tmp_path: Path) -> None:
    """A small sitting is verified in a moment."""
    memory = VerifiedState(tmp_path / "view", "view", golden().anchor)
    WitnessedView(log(len(golden().entries)), golden().anchor, memory=memory).refresh()
    assert memory.recall() is None


class Changing(ListSource):
    """Gives the log rightly so many times, and then another one."""

    def __init__(self, source: ListSource, change: list[bytes], after: int) -> None:
        """Change the entries of this log into those after so many readings."""
        super().__init__(source.log, source.notes)
        self._change, self._after = change, after
        self.readings = 0

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries."""
        self.readings += 1
        return iter((self.log if self.readings <= self._after else self._change)[start:stop])


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let little fit in memory, and return how often a view reads the golden log, of which the last time it judges."""
    monkeypatch.setattr(stretch, "_KEPT_BYTES", 3_000)
    source = Changing(log(len(golden().entries)), [], 1_000)
    reader = WitnessedView(source, golden().anchor)
    reader.refresh()
    assert reader.judgements == list(golden().judgements)
    return source.readings


def test_a_long_log_is_read_twice_and_compared(readings: int) -> None:
    """What does not fit in memory is read again, and must be what it was."""
    entries = list(golden().entries)
    for change in ([*entries[:-1], b"other"], entries[:-1]):
        reader = WitnessedView(Changing(log(len(entries)), change, readings - 1), golden().anchor)
        with pytest.raises(StoreError, match="a moment ago"):
            reader.refresh()
        assert (reader.size, list(reader.judgements)) == (0, [])


def test_trouble_makes_no_reader_forget_what_it_saw(readings: int) -> None:
    """After a failure in the middle the record begins anew; another log is refused all the same."""
    reader = WitnessedView(log(20), golden().anchor)
    reader.refresh()
    entries = list(golden().entries)
    # One reading fewer: the manifest is known.
    reader._source = Changing(log(len(entries)), [*entries[:-1], b"other"], readings - 2)
    with pytest.raises(StoreError, match="a moment ago"):
        reader.refresh()
    assert reader.size == 0
    reader._source = log(19)
    with pytest.raises(StoreError, match="stale"):
        reader.refresh()
    forked = [*entries[:18], b"other", *entries[19:25]]
    reader._source = log(25, forked)
    with pytest.raises(InconsistentLogError):
        reader.refresh()
    reader._source = log(len(entries))
    reader.refresh()
    assert reader.size == len(entries)


def test_others_may_do_the_work() -> None:
    """The judgements are the same."""
    with ThreadPoolExecutor(2) as executor:
        reader = WitnessedView(log(len(golden().entries)), golden().anchor, executor=executor)
        reader.refresh()
    assert reader.judgements == list(golden().judgements)


def test_judgements_are_a_sequence() -> None:
    """Whatever is told of an entry is there, from either end, and packed and unpacked."""
    told = list(every_kind().simulator.board.judgements)
    judgements = Judgements()
    for judgement in told:
        judgements.append(judgement)
    again = Judgements.unpacked(judgements.packed())
    for held in (judgements, again):
        assert list(held) == told
        assert held == told
        assert (held[-1], held[3:-4:2], len(held)) == (told[-1], told[3:-4:2], len(told))
        assert held != told[:-1]
        assert held != 5
    with pytest.raises(IndexError):
        judgements[len(told)]
    assert all((one.check is None) == (one.reason == "") for one in told if one.outcome.value != "effect")


def test_a_view_and_a_folder_tell_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the end, and never back."""
    monkeypatch.setattr(replay, "STRETCH_ENTRIES", 8)
    total = len(golden().entries)
    reader = WitnessedView(log(total), golden().anchor)
    told: list[tuple[int, int]] = []
    reader.progress = lambda done, of: told.append((done, of))
    reader.refresh()
    assert told == sorted(told)
    assert told[-1] == (total, total)
    assert len(told) > total // 8

    written: list[tuple[int, int]] = []
    publish(tmp_path, list(golden().entries), log(total).notes)
    with BoardStore.open(tmp_path / "board.sqlite") as store:
        write_folder(store, tmp_path / "again", lambda done, of: written.append((done, of)))
    assert written == [(done, len(written)) for done in range(1, len(written) + 1)]
    assert written
