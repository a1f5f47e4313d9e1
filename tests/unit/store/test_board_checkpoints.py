"""The checkpoints that a board keeps: by size, joined, never contradicting what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.log import readings, sign_head
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note
from secballot.errors import EncodingError, InconsistentLogError, StoreError
from secballot.signing import SigningKey
from secballot.store.board import BoardStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
COSIGNERS = [Ed25519Cosigner(f"w{number}.example", SigningKey(bytes([2 + number]) * 32)) for number in range(2)]
ENTRIES = [f"entry {number}".encode() for number in range(600)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@pytest.fixture
def store(database: str) -> Iterator[BoardStore]:
    """Return an empty board, in SQLite and in PostgreSQL."""
    with BoardStore.create(database, ORIGIN) as board:
        yield board


def _cosigned(note: Note, *numbers: int, time: int = 7) -> bytes:
    return note.with_signatures(COSIGNERS[number].cosign(note.text, time) for number in numbers).encode()


def test_checkpoints_are_kept_by_size(store: BoardStore) -> None:
    """Every kept checkpoint is found by its size, the largest as the newest."""
    kept = {}
    for size in (2, 5):
        store.append(ENTRIES[store.size() : size])
        kept[size] = sign_head(store, [LOG]).encode()
        store.put_checkpoint(kept[size])
        store.put_checkpoint(kept[size])
    assert {size: store.checkpoint(size) for size in store.checkpoint_sizes()} == kept
    assert store.latest_checkpoint() == kept[5]


def test_cosignatures_are_joined(store: BoardStore) -> None:
    """Cosignatures that come one after the other are all kept; of each witness the newest first, the earliest last."""
    store.append(ENTRIES[:3])
    note = sign_head(store, [LOG])
    for number, time in ((0, 7), (1, 8), (0, 20), (1, 9), (0, 15), (0, 15)):
        store.put_checkpoint(_cosigned(note, number, time=time))
    store.put_checkpoint(note.encode())
    kept = store.latest_checkpoint()
    assert kept is not None
    cosigned = [COSIGNERS[number].cosign(note.text, time) for number, time in ((0, 15), (1, 9), (0, 7), (1, 8))]
    assert Note.decode(kept).signatures == (note.signatures[0], *cosigned)
    earliest = Note(note.text, (note.signatures[0], *cosigned[2:])).encode()
    assert list(readings([b"junk", kept])) == [b"junk", kept, earliest]


def test_a_checkpoint_cosigned_once_has_one_reading(store: BoardStore) -> None:
    """Where no key repeats there is nothing earlier, and the note is kept as it came."""
    store.append(ENTRIES[:3])
    note = _cosigned(sign_head(store, [LOG]), 1, 0)
    store.put_checkpoint(note)
    store.put_checkpoint(note)
    assert store.latest_checkpoint() == note
    assert list(readings([note])) == [note]


def test_what_is_copied_keeps_both_ends(new_database: Callable[[], str]) -> None:
    """A mirror that is given the readings one by one, in either order, keeps the same times."""
    with BoardStore.create(new_database(), ORIGIN) as source:
        source.append(ENTRIES[:3])
        note = sign_head(source, [LOG])
        for time in (7, 9, 8):
            source.put_checkpoint(_cosigned(note, 0, 1, time=time))
        kept = source.latest_checkpoint()
        assert kept is not None
    _, earliest = readings([kept])
    for arriving in ([kept], [earliest, kept], [earliest, _cosigned(note, 0, 1, time=8)]):
        with BoardStore.create(new_database(), ORIGIN) as copy:
            copy.append(ENTRIES[:3])
            for one in arriving:
                copy.put_checkpoint(one)
            assert copy.latest_checkpoint() == kept


def test_checkpoints_never_go_back(store: BoardStore) -> None:
    """A smaller checkpoint than the newest one is not kept, even if it is right."""
    store.append(ENTRIES[:2])
    small = sign_head(store, [LOG]).encode()
    store.append(ENTRIES[2:5])
    store.put_checkpoint(sign_head(store, [LOG]).encode())
    with pytest.raises(StoreError):
        store.put_checkpoint(small)
    assert store.checkpoint_sizes() == [5]


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [(ORIGIN, 3, bytes(32)), (ORIGIN, 4, root_of(LEAVES[:4])), ("other.example", 3, root_of(LEAVES[:3]))],
)
def test_contradicting_checkpoints_are_refused(store: BoardStore, origin: str, size: int, root: bytes) -> None:
    """Another root, more entries than there are, and another origin contradict the stored log."""
    store.append(ENTRIES[:3])
    note = sign_checkpoint(Checkpoint(origin, size, root), [LOG]).encode()
    with pytest.raises(InconsistentLogError) as caught:
        store.put_checkpoint(note)
    assert caught.value.evidence == note
    assert store.latest_checkpoint() is None


def test_garbage_is_no_checkpoint(store: BoardStore) -> None:
    """Bytes that are no note are refused as such."""
    with pytest.raises(EncodingError):
        store.put_checkpoint(b"garbage")
