"""A published log as one zip archive: the same files as in a folder, written from there and read without unpacking.

An archive comes from anybody. It may hold the files of a published log under exactly their names, and folders that
lead there; one other name, a name that occurs twice, a link or an encrypted member, and the whole is refused. Nothing
is ever written where a name says, and every read is bounded by what its kind of file can hold, not by what the archive
says of its size.

Source: SPEC.md#published-log.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import weakref
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import MAX_TREE_SIZE
from secballot.board.published import BY_SIZE, CHECKPOINT, SIZES, MissingFileError
from secballot.board.tile import Tile
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, StoreError
from secballot.store.syncing import sync_folder
from secballot.store.troubles import explain_disk
from secballot.store.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

ZIP_MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""First bytes of an archive, and of an empty one."""

MAX_DIRECTORY_BYTES: Final = 16_000_000
"""Most bytes of the table of contents, which is read whole: twenty million entries with their hashes fit."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the standard library raises over archives that are none."""


class _BoundedFile(io.FileIO):
    """A file of which nobody reads more at once than the largest table of contents."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes, or the rest.

        Raises:
            StoreError: that would be too many.
        """
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > MAX_DIRECTORY_BYTES:
            raise StoreError("the archive holds too many files")
        return super().read(size)


class ArchiveFiles:
    """The static files of a zip archive."""

    def __init__(self, path: str | Path) -> None:
        """Open an archive and check its table of contents.

        Raises:
            StoreError: no archive, or it holds something else than the files of a published log.
        """
        with _reading():
            file = _BoundedFile(path)
            weakref.finalize(self, file.close)
            self._archive = zipfile.ZipFile(file)
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._folders: dict[str, list[str]] = {}
        for info in self._archive.infolist():
            _check_member(info)
            if info.filename in self._members:
                raise StoreError("the archive holds a file twice")
            self._members[info.filename] = info
            if not info.filename.endswith("/"):
                folder, _, name = info.filename.rpartition("/")
                self._folders.setdefault(folder, []).append(name)

    def read(self, path: str, limit: int) -> bytes:
        """Return the bytes of a file, no matter what the archive says of its size.

        Raises:
            MissingFileError: there is none.
            StoreError: longer than `limit` bytes, or its bytes are not those that the archive announces.
        """
        if path not in self._members:
            raise MissingFileError(f"{path} is missing")
        with _reading(), self._archive.open(self._members[path]) as file:
            data = file.read(limit + 1)
            # The checksum is compared when the end is reached.
            longer = len(data) > limit or bool(file.read(1))
        if longer:
            raise StoreError(f"{path} is longer than {limit} bytes")
        return data

    def names(self, folder: str) -> list[str]:
        """Return the names of the files directly in a folder.

        Raises:
            MissingFileError: there is no such folder.
        """
        if folder not in self._folders:
            raise MissingFileError(f"{folder} is missing")
        return self._folders[folder]


def write_archive(folder: str | Path, archive: str | Path) -> None:
    """Put a published folder into one zip archive, whole or not at all; equal folders give equal archives.

    Args:
        folder: a published log; other files in it are left out.
        archive: the file to write; replaced if it exists.

    Raises:
        StoreError: a file cannot be read or written.
    """
    root, target = Path(folder), Path(archive)
    fresh = unfinished(target)
    try:
        paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        with fresh.open("xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
                for path in filter(_is_published, paths):
                    info = zipfile.ZipInfo(path, _EPOCH)
                    info.external_attr = (stat.S_IFREG | 0o644) << 16
                    writer.writestr(info, (root / path).read_bytes(), zipfile.ZIP_DEFLATED)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StoreError(f"the archive cannot be written: {explain_disk(error)}") from error
    finally:
        fresh.unlink(missing_ok=True)


def _is_published(name: str) -> bool:
    """Tell whether a published log has a file of this name."""
    if name in (CHECKPOINT, SIZES):
        return True
    try:
        if name.startswith(f"{BY_SIZE}/"):
            parse_decimal(name.removeprefix(f"{BY_SIZE}/").encode("ascii", "replace"), MAX_TREE_SIZE)
        else:
            Tile.parse(name)
    except EncodingError:
        return False
    return True


def _is_folder(name: str) -> bool:
    """Tell whether a published log may have a folder of this name, with its slash at the end."""
    if name in (f"{BY_SIZE}/", "tile/", "tile/entries/"):
        return True
    # A folder of tiles holds one with the last three digits 000, a folder of partial tiles one of width 1.
    return _is_published(f"{name}000") or _is_published(f"{name}1")


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.filename
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.endswith("/"):
        if not _is_folder(name) or info.file_size or kind not in (0, stat.S_IFDIR):
            raise StoreError("the archive holds a folder that is not a published log's")
        return
    if not _is_published(name) or info.orig_filename != name:
        raise StoreError("the archive holds a file that is not a published log's")
    if kind not in (0, stat.S_IFREG):
        raise StoreError("the archive holds a link or a special file")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise StoreError("the archive holds an encrypted file, or one of an unknown compression")


@contextmanager
def _reading() -> Iterator[None]:
    """Turn what the standard library raises over broken archives into a `StoreError`."""
    try:
        yield
    except StoreError:
        raise
    except _BROKEN as error:
        raise StoreError("the archive is garbled or cannot be read") from error
