"""A board goes on from what it verified, and does not start on a log that is behind it or another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.errors import Party, StoreError
from secballot.record import Judgement, Outcome, SittingRecord
from secballot.roles import stored_record
from secballot.roles.admission import FaultTally
from secballot.roles.stored_record import StoredRecord
from secballot.store.board import BoardStore
from secballot.store.verified import VerifiedState
from tests.audit.every_kind import every_kind
from tests.record_stage import picture
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VerifiedState:
    """Return a memory that keeps after every entry."""
    monkeypatch.setattr(stored_record, "_KEPT_AFTER", 1)
    return VerifiedState(tmp_path / "board.verified", "board", every_kind().anchor)


def stored(path: Path, entries: Sequence[bytes]) -> BoardStore:
    """Return a store of these entries."""
    store = BoardStore.create(path, "board.example/" + "0" * 32)
    store.append(list(entries))
    return store


def test_the_record_goes_on_from_what_was_verified(
    tmp_path: Path, memory: VerifiedState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same state, same faults as after a replay from the first entry, and nothing is judged twice."""
    entries = every_kind().entries
    judged: list[int] = []
    append = SittingRecord.append

    def counting(record: SittingRecord, data: bytes, **more: object) -> object:
        judged.append(len(record))
        return append(record, data, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(SittingRecord, "append", counting)
    with stored(tmp_path / "db", entries[:40]) as store:
        StoredRecord(store, every_kind().anchor, memory).get()
        store.append(list(entries[40:]))
        held = StoredRecord(store, every_kind().anchor, memory)
        again = held.get()
        assert judged == list(range(len(entries)))
        fresh = StoredRecord(store, every_kind().anchor, None)
        assert picture(again.state) == picture(fresh.get().state)
        assert held.faults.packed() == fresh.faults.packed()
        held.drop()
        assert picture(held.get().state) == picture(again.state)


@pytest.mark.attack("OP-08")
def test_a_store_that_was_put_back_or_exchanged_is_not_operated(tmp_path: Path, memory: VerifiedState) -> None:
    """An operator that starts on an older copy would sign a second history."""
    entries = list(every_kind().entries)
    with stored(tmp_path / "db", entries[:40]) as store:
        StoredRecord(store, every_kind().anchor, memory).get()
    for number, other in enumerate((entries[:30], [*entries[:39], b"other", *entries[40:]])):
        with (
            stored(tmp_path / f"other {number}", other) as store,
            pytest.raises(StoreError, match="not the one that this operator verified"),
        ):
            StoredRecord(store, every_kind().anchor, memory).get()


def test_a_spoilt_memory_is_refused(tmp_path: Path, memory: VerifiedState) -> None:
    """Changed on disk, or kept but no record: the board does not start with it."""
    with stored(tmp_path / "db", every_kind().entries) as store:
        StoredRecord(store, every_kind().anchor, memory).get()
        path = tmp_path / "board.verified"
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(StoreError, match="not one that was kept here"):
            StoredRecord(store, every_kind().anchor, memory).get()
        memory.keep(b"junk")
        with pytest.raises(StoreError, match="cannot be read"):
            StoredRecord(store, every_kind().anchor, memory).get()
        memory.forget()
        assert len(StoredRecord(store, every_kind().anchor, memory).get()) == len(every_kind().entries)


def test_a_short_log_is_not_kept_and_nothing_is_without_a_place(tmp_path: Path) -> None:
    """It is verified in a moment."""
    memory = VerifiedState(tmp_path / "board.verified", "board", golden().anchor)
    with stored(tmp_path / "db", golden().entries) as store:
        for place in (memory, None):
            record = StoredRecord(store, golden().anchor, place)
            assert len(record.get()) == len(golden().entries)
    assert memory.recall() is None


def test_trouble_with_the_store_drops_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next call replays."""
    with stored(tmp_path / "db", golden().entries[:-1]) as store:
        held = StoredRecord(store, golden().anchor, None)
        record = held.get()
        store.append(list(golden().entries[-1:]))
        with monkeypatch.context() as patched:
            patched.setattr(store, "entries", lambda *_: iter([golden().entries[-1], *_trouble()]))
            with pytest.raises(StoreError, match="the disk is gone"):
                held.catch_up()
        assert held.get() is not record
        assert len(held.get()) == len(golden().entries)


def _trouble() -> Iterator[bytes]:
    raise StoreError("the disk is gone")
    yield b""


def test_faults_are_told_as_they_were() -> None:
    """Nobody, a role with one holder, and a party with a number."""
    tally = FaultTally()
    for culprit in (None, Party("delegate"), Party("trustee", 3), Party("trustee", 3)):
        judgement = Judgement(0, "decryption", Outcome.FAULT, "TAL-04", culprit, "wrong")
        tally.note(judgement)
        assert FaultTally.unpacked(tally.packed()).is_full(judgement) is False
    assert FaultTally.unpacked(tally.packed()).packed() == tally.packed()
    assert [count for *_, count in tally.packed()] == [1, 1, 2]
