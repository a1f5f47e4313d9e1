"""Readers that remember and compare: a board with two views is caught by whoever looks twice, or in two places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.errors import InconsistentLogError, PolicyError, StoreError
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.watching import compare, newest_witnessed, remember
from secballot.store.remembered import CheckpointMemory, default_folder
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST
from tests.two_views import View, entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from secballot.record.history import WitnessedCheckpoint

HONEST = View(entries(1, 2, 3, 4, 5), sizes=(4, 5, 7))
OTHER = View(entries(1, 2, 9, 4, 5, 6), sizes=(8,))


def _seen(view: View, size: int) -> WitnessedCheckpoint:
    found = newest_witnessed(SMALL_MANIFEST, view, size)
    assert found is not None
    return found


def _remember(folder: Path, view: View, size: int) -> None:
    remember(CheckpointMemory(folder), SMALL_MANIFEST, _seen(view, size), view.history)


def test_growth_is_remembered(tmp_path: Path) -> None:
    """A reader that comes back to a longer log keeps its newest checkpoint, and the same again is fine."""
    for size in (4, 5, 5, 7):
        _remember(tmp_path / "state", HONEST, size)
    assert CheckpointMemory(tmp_path / "state").recall(ORIGIN) == HONEST.note(7)


@pytest.mark.attack("LG-02")
def test_a_rollback_is_refused(tmp_path: Path) -> None:
    """A shorter log than the last time is refused, and the memory stays."""
    _remember(tmp_path, HONEST, 7)
    with pytest.raises(InconsistentLogError, match="had 7 the last time") as error:
        _remember(tmp_path, HONEST, 5)
    assert error.value.evidence == HONEST.note(7)
    assert CheckpointMemory(tmp_path).recall(ORIGIN) == HONEST.note(7)


def test_another_log_leaves_evidence(tmp_path: Path) -> None:
    """A longer log that does not continue the one seen is caught, and the evidence convinces a stranger."""
    _remember(tmp_path, HONEST, 7)
    with pytest.raises(InconsistentLogError, match="two views") as error:
        _remember(tmp_path, OTHER, 8)
    assert check_evidence(decode_evidence(error.value.evidence), SITTING_ID).sizes == (7, 8)
    assert CheckpointMemory(tmp_path).recall(ORIGIN) == HONEST.note(7)


def test_a_garbled_memory_is_said_to_be_garbled(tmp_path: Path) -> None:
    """A broken file is no rollback."""
    CheckpointMemory(tmp_path).keep(ORIGIN, b"nothing")
    with pytest.raises(StoreError, match="garbled"):
        _remember(tmp_path, HONEST, 7)


def test_a_memory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file where the folder belongs is trouble with the disk."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        CheckpointMemory(tmp_path / "file").keep(ORIGIN, b"note")


@pytest.mark.parametrize("sizes", [(4,), (5, 7), (7,)])
def test_mirrors_of_one_log_agree(sizes: tuple[int, ...]) -> None:
    """A mirror may be behind."""
    mirror = View(HONEST.log[: max(sizes)], sizes)
    assert compare(SMALL_MANIFEST, _seen(HONEST, 7), HONEST.history, mirror) == max(sizes)


def test_a_mirror_may_be_ahead() -> None:
    """A mirror with more of the same log agrees."""
    assert compare(SMALL_MANIFEST, _seen(HONEST, 4), HONEST.history, HONEST) == 7


@pytest.mark.parametrize(("size", "shown"), [(8, OTHER), (5, View(OTHER.log[:5], (5,))), (7, View(OTHER.log, (7,)))])
def test_two_mirrors_catch_two_views(size: int, shown: View) -> None:
    """Whichever of the two is read first, and whichever is longer, there is evidence."""
    for one, other in ((HONEST, shown), (shown, HONEST)):
        start = 7 if one is HONEST else size
        with pytest.raises(InconsistentLogError) as error:
            compare(SMALL_MANIFEST, _seen(one, start), one.history, other)
        finding = check_evidence(decode_evidence(error.value.evidence), SITTING_ID)
        assert set(finding.sizes) == {7, size}


def test_a_mirror_without_a_quorum_says_nothing() -> None:
    """A mirror whose checkpoints nobody witnessed is not compared."""
    with pytest.raises(PolicyError):
        compare(SMALL_MANIFEST, _seen(HONEST, 7), HONEST.history, View(HONEST.log, (7,), witnesses=("w1.example",)))


def test_a_mirror_with_garbled_entries_is_no_second_view() -> None:
    """Entries that are not those of their own checkpoint accuse nobody but the mirror."""
    mirror = View(HONEST.log, (7,))
    mirror.log = [*HONEST.log[:6], b"garbled"]
    with pytest.raises(StoreError, match="mirror"):
        compare(SMALL_MANIFEST, _seen(HONEST, 5), HONEST.history, mirror)


def test_the_newest_is_the_first_that_counts() -> None:
    """Junk and notes without a quorum are passed over; one size is found wherever it stands; no more is read."""
    asked: list[int] = []

    class Noted(View):
        def checkpoint_notes(self) -> Iterator[bytes]:  # type: ignore[override]  # lazily, as over HTTP
            for at, note in enumerate(
                (b"junk", View(HONEST.log, (), ("w1.example",)).note(7), *map(self.note, (5, 4, 7)))
            ):
                asked.append(at)
                yield note

    source = Noted(HONEST.log, ())
    assert _seen(source, 7).checkpoint.tree_size == 7
    asked.clear()
    found = newest_witnessed(SMALL_MANIFEST, source)
    assert found is not None
    assert (found.checkpoint.tree_size, asked) == (5, [0, 1, 2])
    assert newest_witnessed(SMALL_MANIFEST, source, 6) is None


def test_where_the_memory_lies(tmp_path: Path) -> None:
    """It is named outright, or lies where programs keep their state."""
    assert default_folder({"SECBALLOT_STATE": str(tmp_path)}) == tmp_path
    assert default_folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "secballot"
    assert default_folder({}).parts[-3:] == (".local", "state", "secballot")
