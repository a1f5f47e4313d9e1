"""The published folder: an audit reads it alone, and tells what is unreadable from what is false."""

from __future__ import annotations

import os
import shutil
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.log import sign_head
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note
from secballot.board.tile import Tile, bundles_of, edge_of, encode_bundle, encode_tile, tiles_of
from secballot.errors import InconsistentLogError, StoreError
from secballot.signing import SigningKey
from secballot.store import folder as module
from secballot.store.board import BoardStore
from secballot.store.folder import FolderReader, read_file, write_folder
from secballot.store.locking import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
ENTRIES = [f"entry {number}".encode() for number in range(600)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BoardStore]:
    """Return an empty board."""
    with BoardStore.create(tmp_path / "board.db", ORIGIN) as board:
        yield board


@pytest.fixture
def folder(store: BoardStore, tmp_path: Path) -> Path:
    """Return a folder in which 600 entries are published, after 300."""
    _publish(store, 300, tmp_path / "log")
    _publish(store, 600, tmp_path / "log")
    return tmp_path / "log"


def _publish(store: BoardStore, size: int, folder: Path) -> None:
    store.append(ENTRIES[store.size() : size])
    store.put_checkpoint(sign_head(store, [LOG]).encode())
    assert write_folder(store, folder) == size


def _checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(LEAVES[:size]))


def test_the_layout(folder: Path) -> None:
    """The folder holds exactly the files of both published sizes."""
    expected = {"checkpoint", "checkpoint-by-size/300", "checkpoint-by-size/600", "checkpoint-by-size/list"}
    for size in (300, 600):
        expected |= {tile.path for tile in (*tiles_of(size), *bundles_of(size))}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == expected
    assert (folder / "tile/1/000.p/2").read_bytes() == root_of(LEAVES[:256]) + root_of(LEAVES[256:512])
    assert (folder / "tile/entries/001").read_bytes() == encode_bundle(ENTRIES[256:512])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_a_published_log_reads_back(store: BoardStore, tmp_path: Path, size: int) -> None:
    """Checkpoint, entries, receipts and growth are all read from the folder alone."""
    _publish(store, size, tmp_path / "log")
    reader = FolderReader(tmp_path / "log")
    assert Checkpoint.decode(Note.decode(reader.checkpoint_note()).text) == _checkpoint(size)
    assert reader.checkpoint_sizes() == [size]
    assert reader.checkpoint_note_at(size) == reader.checkpoint_note()
    assert list(reader.entries(_checkpoint(size))) == ENTRIES[:size]
    for index in {0, size // 2, size - 1} & set(range(size)):
        entry, proof = reader.entry(index, _checkpoint(size))
        assert entry == ENTRIES[index]
        proof.verify(LEAVES[index], root_of(LEAVES[:size]))
    old = size // 2
    reader.consistency_proof(_checkpoint(old), _checkpoint(size)).verify(root_of(LEAVES[:old]), root_of(LEAVES[:size]))


def test_older_checkpoints_stay_readable(folder: Path) -> None:
    """A reader who comes with the checkpoint of size 300 still finds all of it."""
    reader = FolderReader(folder)
    old = Checkpoint.decode(Note.decode(reader.checkpoint_note_at(300)).text)
    assert list(reader.entries(old)) == ENTRIES[:300]
    # A mirror may drop a partial tile once the full one is there.
    shutil.rmtree(folder / "tile/0/001.p")
    shutil.rmtree(folder / "tile/entries/001.p")
    assert list(reader.entries(old)) == ENTRIES[:300]
    assert reader.entry(299, old)[0] == ENTRIES[299]


def test_every_kept_checkpoint_has_its_own_tiles(store: BoardStore, tmp_path: Path) -> None:
    """Checkpoints that were kept between two publications are as readable for strangers as the published ones."""
    for size in (3, 255, 257, 270, 300):
        store.append(ENTRIES[store.size() : size])
        store.put_checkpoint(sign_head(store, [LOG]).encode())
    folder = tmp_path / "log"
    write_folder(store, folder)
    for size in (257, 270, 300):
        for tile in (*tiles_of(size), *bundles_of(size)):
            assert (folder / tile.path).is_file(), (size, tile)
    # Their full tiles are there, so the partial ones may be missing.
    for size in (3, 255):
        assert {tile.is_full_at(300) for tile in edge_of(size)} == {True}
        assert not any((folder / tile.path).exists() for tile in edge_of(size))
        assert list(FolderReader(folder).entries(_checkpoint(size))) == ENTRIES[:size]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_the_edge_of_a_log(size: int) -> None:
    """The edge is what is partial of all that a log consists of."""
    everything = [*bundles_of(size), *tiles_of(size)]
    assert list(edge_of(size)) == [tile for tile in everything if tile.width < 256]
    assert {tile: tile.is_full_at(size) for tile in everything} == {tile: tile.width == 256 for tile in everything}


def test_publishing_again_changes_nothing(store: BoardStore, folder: Path) -> None:
    """A repeated publication leaves every file as it is."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert write_folder(store, folder) == 600
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(os.name != "posix", reason="a folder cannot be locked here")
def test_a_reader_that_locks_the_folder_stops_no_board(
    store: BoardStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may read the folder can lock it for ever: that is said, and not waited for."""
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)
    with locked(folder), pytest.raises(StoreError, match="locked"):
        write_folder(store, folder)
    assert write_folder(store, folder) == 600


def test_publication_resumes_after_a_crash(store: BoardStore, folder: Path) -> None:
    """Whatever subset of files a crash left behind, the next publication completes it."""
    (folder / "checkpoint").unlink()
    (folder / "tile/entries/000").unlink()
    (folder / "tile/0/.001.99").write_bytes(b"half")
    write_folder(store, folder)
    assert list(FolderReader(folder).entries(_checkpoint(600))) == ENTRIES


def test_the_checkpoint_is_written_last(store: BoardStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk fails half-way, readers still see the older checkpoint, whole."""
    folder = tmp_path / "log"
    _publish(store, 300, folder)
    store.append(ENTRIES[300:600])
    store.put_checkpoint(sign_head(store, [LOG]).encode())

    def failing(descriptor: int) -> None:
        raise OSError(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(StoreError):
            write_folder(store, folder)
    reader = FolderReader(folder)
    assert Checkpoint.decode(Note.decode(reader.checkpoint_note()).text) == _checkpoint(300)
    assert list(reader.entries(_checkpoint(300))) == ENTRIES[:300]


def test_nothing_to_publish(store: BoardStore, tmp_path: Path) -> None:
    """A board without a checkpoint publishes nothing."""
    with pytest.raises(StoreError):
        write_folder(store, tmp_path / "log")


def test_another_log_does_not_overwrite(folder: Path, tmp_path: Path) -> None:
    """A folder is only ever continued: not by a forked, a shorter or another log."""
    for number, (origin, entries) in enumerate([(ORIGIN, [b"x"] * 600), (ORIGIN, ENTRIES[:10]), ("other.example", [])]):
        with BoardStore.create(tmp_path / f"other{number}.db", origin) as other:
            other.append(entries)
            other.put_checkpoint(
                sign_checkpoint(Checkpoint(origin, len(entries), other.root(len(entries))), [LOG]).encode()
            )
            with pytest.raises(InconsistentLogError):
                write_folder(other, folder)


def test_a_later_folder_is_not_set_back(store: BoardStore, folder: Path, tmp_path: Path) -> None:
    """A board that has the entries, but not the folder's newest checkpoint, does not replace it by an older one."""
    with BoardStore.create(tmp_path / "other.db", ORIGIN) as other:
        other.append(ENTRIES[:300])
        other.put_checkpoint(sign_head(other, [LOG]).encode())
        other.append(ENTRIES[300:600])
        with pytest.raises(StoreError):
            write_folder(other, folder)
    assert store.size() == 600


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/002.p/88", "tile/entries/001", "tile/entries/002.p/88"])
@pytest.mark.parametrize("damage", ["missing", "short", "long", "folder", "pipe"])
def test_unreadable_is_no_verdict(folder: Path, path: str, damage: str) -> None:
    """What is missing or garbled means that nothing can be said, never that the log is false, and never a wait."""
    file = folder / path
    data = file.read_bytes()
    file.unlink()
    if damage == "short":
        file.write_bytes(data[:-1])
    elif damage == "long":
        file.write_bytes(data + b"x")
    elif damage == "folder":
        file.mkdir()
    elif damage == "pipe":
        os.mkfifo(file)
    with pytest.raises(StoreError):
        list(FolderReader(folder).entries(_checkpoint(600)))


def test_false_entries_contradict_the_checkpoint(folder: Path) -> None:
    """A readable bundle with other entries is caught before any of its entries is yielded."""
    (folder / "tile/entries/001").write_bytes(encode_bundle([*ENTRIES[256:511], b"forged"]))
    reader = FolderReader(folder)
    stream = reader.entries(_checkpoint(600))
    assert list(islice(stream, 256)) == ENTRIES[:256]
    with pytest.raises(InconsistentLogError):
        next(stream)
    with pytest.raises(InconsistentLogError):
        reader.entry(511, _checkpoint(600))
    assert reader.entry(5, _checkpoint(600))[0] == ENTRIES[5]


def test_false_tiles_contradict_the_checkpoint(folder: Path) -> None:
    """Tiles and entries that fit each other, but not the checkpoint, are caught before the first entry."""
    forged = [*ENTRIES[256:511], b"forged"]
    (folder / "tile/entries/001").write_bytes(encode_bundle(forged))
    (folder / "tile/0/001").write_bytes(encode_tile([leaf_hash(entry) for entry in forged]))
    reader = FolderReader(folder)
    with pytest.raises(InconsistentLogError):
        next(reader.entries(_checkpoint(600)))
    with pytest.raises(InconsistentLogError):
        reader.entry(511, _checkpoint(600))


def test_a_rewritten_log_is_not_consistent(folder: Path) -> None:
    """A checkpoint of another history does not become the prefix of this one."""
    forked = Checkpoint(ORIGIN, 300, root_of([*LEAVES[:299], bytes(32)]))
    reader = FolderReader(folder)
    with pytest.raises(InconsistentLogError):
        reader.consistency_proof(forked, _checkpoint(600))
    with pytest.raises(StoreError):
        reader.consistency_proof(_checkpoint(600), _checkpoint(300))


def test_reads_are_bounded(folder: Path) -> None:
    """A file that somebody made huge is not read into memory."""
    with (folder / "checkpoint").open("r+b") as file:
        file.truncate(2**33)
    with pytest.raises(StoreError):
        FolderReader(folder).checkpoint_note()
    with pytest.raises(StoreError):
        read_file(folder / "tile/0/000", 8191)


def test_names_that_are_no_sizes_are_ignored(folder: Path) -> None:
    """A web server's index or a spare copy among the kept checkpoints does no harm."""
    for name in ("index.html", "0300", "300.bak", "-1", "9223372036854775808"):
        (folder / "checkpoint-by-size" / name).write_bytes(b"")
    assert FolderReader(folder).checkpoint_sizes() == [300, 600]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Nothing there is nothing that can be said."""
    reader = FolderReader(tmp_path / "missing")
    for read in (
        reader.checkpoint_note,
        reader.checkpoint_sizes,
        lambda: reader.checkpoint_note_at(3),
        lambda: reader.tile(Tile(0, 0)),
        lambda: reader.entry(0, _checkpoint(5)),
        lambda: reader.entry(5, _checkpoint(5)),
        lambda: list(reader.entries(_checkpoint(5))),
    ):
        with pytest.raises(StoreError):
            read()


def test_a_garbled_checkpoint_in_the_folder_stops_publication(store: BoardStore, folder: Path) -> None:
    """What the folder published cannot be told, so nothing is put over it."""
    (folder / "checkpoint").write_bytes(b"garbage")
    with pytest.raises(StoreError):
        write_folder(store, folder)
