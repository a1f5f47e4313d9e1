"""The checkpoints that a board keeps: by size, joined, never contradicting what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.log import sign_head
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note
from secballot.errors import EncodingError, InconsistentLogError, StoreError
from secballot.signing import SigningKey
from secballot.store.board import BoardStore

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Cosignatures that come one after the other are all kept, and a later one replaces that of its witness."""
    store.append(ENTRIES[:3])
    note = sign_head(store, [LOG])
    for arriving in (_cosigned(note, 0), _cosigned(note, 1), _cosigned(note, 0, time=9), note.encode()):
        store.put_checkpoint(arriving)
    kept = store.latest_checkpoint()
    assert kept is not None
    assert {line.encode() for line in Note.decode(kept).signatures} == {
        line.encode()
        for line in (note.signatures[0], COSIGNERS[1].cosign(note.text, 7), COSIGNERS[0].cosign(note.text, 9))
    }


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
