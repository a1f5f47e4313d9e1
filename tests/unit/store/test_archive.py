"""The zip archive of a published log: read like the folder it came from, and refused if it holds anything else."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.log import sign_head
from secballot.board.note import Ed25519Signer
from secballot.board.published import MissingFileError, decode_sizes
from secballot.errors import StoreError
from secballot.signing import SigningKey
from secballot.store import archive as archive_module
from secballot.store.archive import ArchiveFiles, write_archive
from secballot.store.board import BoardStore
from secballot.store.folder import FolderFiles, write_folder
from secballot.store.source import open_source

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
ENTRIES = [f"entry {number}".encode() for number in range(600)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in which 600 entries are published, after 300."""
    with BoardStore.create(tmp_path / "board.db", ORIGIN) as store:
        for size in (300, 600):
            store.append(ENTRIES[store.size() : size])
            store.put_checkpoint(sign_head(store, [LOG]).encode())
            write_folder(store, tmp_path / "log")
    return tmp_path / "log"


def _archive(path: Path, members: dict[str, bytes], **attributes: int) -> Path:
    with zipfile.ZipFile(path, "w") as writer:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            for key, value in attributes.items():
                setattr(info, key, value)
            writer.writestr(info, data)
    return path


def test_an_archive_reads_like_its_folder(folder: Path, tmp_path: Path) -> None:
    """Entries, checkpoints and hash tiles are the same, and nothing is amiss."""
    write_archive(folder, tmp_path / "log.zip")
    packed, plain = open_source(tmp_path / "log.zip"), open_source(folder)
    assert list(packed.checkpoint_notes()) == list(plain.checkpoint_notes())
    assert packed.size() == plain.size() == 600
    assert list(packed.entries(100, 600)) == ENTRIES[100:]
    assert packed.entry(299) == ENTRIES[299]


def test_archives_of_other_tools_are_read(folder: Path, tmp_path: Path) -> None:
    """A zip with entries for its folders, as common tools write them, is as good."""
    with zipfile.ZipFile(tmp_path / "log.zip", "w", zipfile.ZIP_DEFLATED) as writer:
        for path in sorted(folder.rglob("*")):
            writer.write(path, path.relative_to(folder))
    assert list(open_source(tmp_path / "log.zip").entries(0, 600)) == ENTRIES


def test_equal_folders_give_equal_archives(folder: Path, tmp_path: Path) -> None:
    """Whoever packs the same log gets the same bytes; other files are left out."""
    write_archive(folder, tmp_path / "one.zip")
    (folder / "notes.txt").write_text("left here by somebody")
    write_archive(folder, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_list_of_sizes(folder: Path) -> None:
    """A folder says under which sizes it keeps checkpoints."""
    assert decode_sizes(FolderFiles(folder).read("checkpoint-by-size/list", 100)) == [300, 600]


@pytest.mark.attack("PA-08")
@pytest.mark.parametrize(
    "name",
    [
        "../checkpoint",
        "/checkpoint",
        "C:\\checkpoint",
        "board/checkpoint",
        "tile/0/000/../001",
        "tile\\0\\000",
        "Checkpoint",
        "tile/0/0000",
        "tile/0/000.p/256",
        "checkpoint-by-size/007",
        "checkpoint-by-size/../checkpoint",
        "readme.txt",
        "",
        "tile/../",
        "other/",
    ],
)
def test_another_name_spoils_the_archive(tmp_path: Path, name: str) -> None:
    """A path that climbs, is absolute, or is simply no file of a log, is refused before anything is read."""
    path = _archive(tmp_path / "log.zip", {"checkpoint": b"x", name: b""})
    with pytest.raises(StoreError):
        ArchiveFiles(path)


def test_a_name_twice_spoils_the_archive(tmp_path: Path) -> None:
    """Two readers could not agree on which of the two counts."""
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as writer:
        writer.writestr("checkpoint", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            writer.writestr("checkpoint", b"two")
    with pytest.raises(StoreError, match="twice"):
        ArchiveFiles(tmp_path / "log.zip")


@pytest.mark.attack("PA-08")
def test_a_link_spoils_the_archive(tmp_path: Path) -> None:
    """A symbolic link is refused, whatever it points to."""
    path = _archive(tmp_path / "log.zip", {"checkpoint": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(StoreError, match="link"):
        ArchiveFiles(path)


def test_other_compressions_are_refused(tmp_path: Path) -> None:
    """Only stored and deflated members are read."""
    with zipfile.ZipFile(tmp_path / "log.zip", "w", zipfile.ZIP_LZMA) as writer:
        writer.writestr("checkpoint", b"one")
    with pytest.raises(StoreError, match="compression"):
        ArchiveFiles(tmp_path / "log.zip")


@pytest.mark.attack("PA-08")
def test_a_bomb_is_read_up_to_the_limit(tmp_path: Path) -> None:
    """A file that unpacks to far more than its kind may hold is not unpacked."""
    with zipfile.ZipFile(tmp_path / "log.zip", "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("checkpoint", bytes(50_000_000))
    files = ArchiveFiles(tmp_path / "log.zip")
    with pytest.raises(StoreError, match="longer"):
        files.read("checkpoint", 1_000)


def test_a_large_table_of_contents_is_not_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of contents is read whole, so its size is bounded before."""
    write_archive(folder, tmp_path / "log.zip")
    monkeypatch.setattr(archive_module, "MAX_DIRECTORY_BYTES", 300)
    with pytest.raises(StoreError, match="too many"):
        ArchiveFiles(tmp_path / "log.zip")


def test_a_spoilt_member_is_no_entry(folder: Path, tmp_path: Path) -> None:
    """A member whose checksum is wrong cannot be read."""
    write_archive(folder, tmp_path / "log.zip")
    data = bytearray((tmp_path / "log.zip").read_bytes())
    data[60] ^= 1
    (tmp_path / "log.zip").write_bytes(data)
    files = ArchiveFiles(tmp_path / "log.zip")
    with pytest.raises(StoreError, match="garbled"):
        files.read("checkpoint", 10_000)


def test_a_missing_file_is_missing(folder: Path, tmp_path: Path) -> None:
    """What is not in the archive is said to be missing, so that another file may serve."""
    write_archive(folder, tmp_path / "log.zip")
    with pytest.raises(MissingFileError):
        ArchiveFiles(tmp_path / "log.zip").read("tile/0/007", 10)
    with pytest.raises(MissingFileError):
        ArchiveFiles(tmp_path / "log.zip").names("tile/7")


@given(cut=st.integers(0, 400), flip=st.integers(0, 10_000), value=st.integers(0, 255))
def test_any_bytes_are_an_archive_or_refused(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int, value: int
) -> None:
    """A damaged archive raises our own error and nothing else."""
    path = tmp_path_factory.mktemp("any") / "log.zip"
    _archive(path, {"checkpoint": b"note " * 20, "tile/0/000.p/1": bytes(32)})
    data = bytearray(path.read_bytes())
    data[flip % len(data)] = value
    path.write_bytes(data[: len(data) - cut] if cut < 40 else data)
    try:
        files = ArchiveFiles(path)
        for folder in ("", "tile/0/000.p"):
            for name in files.names(folder):
                files.read(f"{folder}/{name}".lstrip("/"), 1_000)
    except StoreError:
        pass
