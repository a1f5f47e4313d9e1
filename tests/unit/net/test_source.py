"""A log on a web server: read like the folder it came from, and never believed for being there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.log import sign_head
from secballot.board.note import Ed25519Signer
from secballot.errors import StoreError
from secballot.net.client import HttpClient
from secballot.net.source import HttpSource
from secballot.signing import SigningKey
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from secballot.store.source import open_source
from tests.loopback import answering, free_port, serving_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
ENTRIES = [f"entry {number}".encode() for number in range(600)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in which 600 entries are published, after 20 and 300."""
    with BoardStore.create(tmp_path / "board.db", ORIGIN) as store:
        for size in (20, 300, 600):
            store.append(ENTRIES[store.size() : size])
            store.put_checkpoint(sign_head(store, [LOG]).encode())
            write_folder(store, tmp_path / "log")
    return tmp_path / "log"


@pytest.fixture
def source(folder: Path) -> Iterator[HttpSource]:
    """Return a reader of that folder on a server."""
    with serving_folder(folder) as url, HttpClient(url) as client:
        yield HttpSource(client)


def test_a_server_reads_like_its_folder(source: HttpSource, folder: Path) -> None:
    """Entries and all checkpoints are the same."""
    plain = open_source(folder)
    assert list(source.checkpoint_notes()) == list(plain.checkpoint_notes())
    assert source.size() == 600
    assert list(source.entries(0, 600)) == ENTRIES
    assert list(source.entries(250, 300)) == ENTRIES[250:300]
    assert source.entry(599) == ENTRIES[599]


def test_bundles_that_were_pruned_are_found_in_wider_ones(source: HttpSource, folder: Path) -> None:
    """Where the partial bundle is gone, the full one serves, or that of another checkpoint."""
    for path in (folder / "tile/entries").rglob("*.p/*"):
        if path.name != "88":
            path.unlink()
    assert list(source.entries(0, 20)) == ENTRIES[:20]
    assert list(source.entries(512, 590)) == ENTRIES[512:590]


def test_without_a_list_there_is_still_the_newest_checkpoint(source: HttpSource, folder: Path) -> None:
    """A server that offers no list, or a garbled one, serves an audit all the same."""
    newest = (folder / "checkpoint").read_bytes()
    (folder / "checkpoint-by-size/list").write_bytes(b"600\n20\n")
    assert list(source.checkpoint_notes()) == [newest]
    (folder / "checkpoint-by-size/list").unlink()
    assert list(source.checkpoint_notes()) == [newest]
    assert list(source.entries(0, 600)) == ENTRIES


def test_settled_checkpoints_are_read_once(source: HttpSource, folder: Path) -> None:
    """Only the newest can gain cosignatures, so only it is asked for again."""
    assert len(set(source.checkpoint_notes())) == 3
    (folder / "checkpoint-by-size/20").unlink()
    (folder / "checkpoint-by-size/600").write_bytes(b"changed")
    notes = list(source.checkpoint_notes())
    assert len(notes) == 4
    assert b"changed" in notes


def test_missing_and_garbled_files_are_store_errors(source: HttpSource, folder: Path) -> None:
    """What cannot be read says nothing about the log."""
    (folder / "tile/entries/001").write_bytes(b"\0\5only")
    with pytest.raises(StoreError, match="garbled"):
        list(source.entries(0, 600))
    (folder / "tile/entries/000").unlink()
    with pytest.raises(StoreError, match="missing"):
        source.entry(7)
    (folder / "checkpoint").write_bytes(b"nothing signed")
    with pytest.raises(StoreError, match="garbled"):
        source.size()


def test_a_dead_or_failing_server_is_a_store_error() -> None:
    """A reader sees the one error that every source has."""
    with pytest.raises(StoreError, match="does not answer"):
        HttpSource(HttpClient(f"http://127.0.0.1:{free_port()}")).size()
    with answering(lambda handler: handler.send_error(500)) as url, pytest.raises(StoreError, match="500"):
        HttpSource(HttpClient(url)).size()
