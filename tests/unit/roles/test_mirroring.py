"""A mirror copies what it has verified, goes on after a crash, and convicts a board that shows it another log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from secballot.errors import InconsistentLogError, PolicyError, StoreError
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.mirroring import Mirror
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from secballot.store.source import open_source
from tests.small_sitting import ORIGIN, SITTING_ID
from tests.two_views import View, entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HONEST = View(entries(1, 2, 3, 4, 5), sizes=(4, 5, 7))
OTHER = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 7, 8))


@dataclass
class Shifting:
    """A source whose board shows now this view and now that."""

    view: View

    def checkpoint_notes(self) -> list[bytes]:
        """Return what the view has."""
        return self.view.checkpoint_notes()

    def size(self) -> int:
        """Return the number of entries."""
        return self.view.size()

    def entry(self, index: int) -> bytes:
        """Return an entry."""
        return self.view.entry(index)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries."""
        return self.view.entries(start, stop)

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield nothing."""
        return self.view.discrepancies(size, subtree)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BoardStore]:
    """Return an empty copy."""
    with BoardStore.create(tmp_path / "mirror.db", ORIGIN) as made:
        yield made


def _part(view: View, *sizes: int) -> View:
    return View(view.log[: max(sizes)], sizes)


def _convicted(data: bytes | None) -> tuple[int, ...]:
    assert data is not None
    return check_evidence(decode_evidence(data), SITTING_ID).sizes


@pytest.mark.parametrize("same", [True, False])
def test_a_mirror_grows_with_its_log(store: BoardStore, tmp_path: Path, *, same: bool) -> None:
    """Running on or started anew, it holds entries and every checkpoint, and publishes them as the board would."""
    source = Shifting(_part(HONEST, 4))
    mirror = Mirror(store, source, SITTING_ID)
    for view in (_part(HONEST, 4), _part(HONEST, 4, 5), HONEST, HONEST):
        source.view = view
        mirror = mirror if same else Mirror(store, source, SITTING_ID)
        assert mirror.update().checkpoint.tree_size == max(view.sizes) == store.size()
    assert store.checkpoint_sizes() == [4, 5, 7]
    assert mirror.evidence is None
    assert write_folder(store, tmp_path / "log") == 7
    assert list(open_source(tmp_path / "log").entries(0, 7)) == HONEST.log


def test_a_crash_between_entries_and_checkpoint_is_made_good(store: BoardStore) -> None:
    """Entries that lie there without a checkpoint are compared, and the checkpoint follows."""
    store.append(HONEST.log[:6])
    Mirror(store, HONEST, SITTING_ID).update()
    assert (store.size(), store.checkpoint_sizes()) == (7, [4, 5, 7])


def test_entries_of_another_log_are_not_built_upon(store: BoardStore) -> None:
    """Without a checkpoint over them nobody is convicted, and nothing is added."""
    store.append(OTHER.log[:6])
    with pytest.raises(InconsistentLogError, match="does not continue") as error:
        Mirror(store, HONEST, SITTING_ID).update()
    assert error.value.evidence == HONEST.note(7)
    assert (store.size(), store.checkpoint_sizes()) == (6, [])


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("size", [5, 7, 8])
def test_another_log_convicts_the_board(store: BoardStore, size: int, *, same: bool) -> None:
    """Shorter, as long or longer: the copy stays, and the file convinces a stranger."""
    source = Shifting(HONEST)
    mirror = Mirror(store, source, SITTING_ID)
    mirror.update()
    source.view = View(OTHER.log[:size], (size,))
    with pytest.raises(InconsistentLogError) as error:
        (mirror if same else Mirror(store, source, SITTING_ID)).update()
    assert size in _convicted(error.value.evidence)
    assert (store.size(), store.root(7)) == (7, HONEST.history.root(7))


def test_a_shorter_log_is_refused(store: BoardStore) -> None:
    """A rollback accuses nobody, and leads no copy back."""
    Mirror(store, HONEST, SITTING_ID).update()
    with pytest.raises(InconsistentLogError, match="the copy 7"):
        Mirror(store, _part(HONEST, 4, 5), SITTING_ID).update()
    assert store.size() == 7


def test_a_false_checkpoint_beside_the_log_is_evidence_and_no_obstacle(store: BoardStore) -> None:
    """A log that continues the copy is copied, whatever else its operator has signed."""

    class Beside(View):
        def checkpoint_notes(self) -> list[bytes]:
            return [*super().checkpoint_notes(), View(OTHER.log, (), witnesses=()).note(5)]

    mirror = Mirror(store, Beside(HONEST.log, (7,)), SITTING_ID)
    assert mirror.update().checkpoint.tree_size == 7
    assert _convicted(mirror.evidence) == (5, 7)
    assert store.checkpoint_sizes() == [7]


def test_nothing_unwitnessed_and_nothing_garbled_is_copied(store: BoardStore) -> None:
    """No quorum, no copy; entries that are not the checkpoint's, no copy."""
    with pytest.raises(PolicyError):
        Mirror(store, View(HONEST.log, (7,), witnesses=("w1.example",)), SITTING_ID).update()
    garbled = View(HONEST.log, (7,))
    garbled.log = [*HONEST.log[:6], b"garbled"]
    with pytest.raises(InconsistentLogError):
        Mirror(store, garbled, SITTING_ID).update()
    short = View(HONEST.log, (7,))
    short.log = HONEST.log[:6]
    with pytest.raises(StoreError):
        Mirror(store, short, SITTING_ID).update()
    assert (store.size(), store.checkpoint_sizes()) == (0, [])
