"""A published log on any web server: static files, read as from a folder, except that nothing can be listed.

Which checkpoints are kept stands in `checkpoint-by-size/list`, if the server offers that; how many entries there are,
its newest checkpoint claims. A checkpoint below the newest listed one gains no cosignatures any more and is read once.

Source: SPEC.md#published-log; C2SP tlog-tiles.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import Note
from secballot.board.published import (
    BY_SIZE,
    MAX_SIZES,
    SIZES,
    MissingFileError,
    PublishedSource,
    decode_sizes,
)
from secballot.board.tile import TILE_WIDTH
from secballot.errors import EncodingError, StoreError, TransportError

if TYPE_CHECKING:
    from secballot.net.client import HttpClient

_ABSENT: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_NOTES_KEPT: Final = 10_000


class HttpFiles:
    """The static files below a URL."""

    def __init__(self, client: HttpClient) -> None:
        """Read by this client; nothing is asked yet."""
        self._client = client

    def read(self, path: str, limit: int) -> bytes:
        """Return the bytes of a file.

        Raises:
            MissingFileError: the server says that there is none.
            StoreError: no answer, a longer one, or a refusal.
        """
        try:
            answer = self._client.get(path, limit)
        except TransportError as error:
            raise StoreError(f"{path}: {error.message}") from error
        if answer.status in _ABSENT:
            raise MissingFileError(f"{path} is missing")
        if answer.status != HTTPStatus.OK:
            raise StoreError(f"{path}: the server answers {answer.status}")
        return answer.body

    def names(self, folder: str) -> list[str]:
        """Return the names in the one folder that has a list.

        Raises:
            MissingFileError: the server has no list of it.
            StoreError: no answer, or the list is garbled.
        """
        if folder != BY_SIZE:
            raise MissingFileError(f"{folder} cannot be listed from here")
        try:
            return [str(size) for size in decode_sizes(self.read(SIZES, MAX_SIZES))]
        except EncodingError as error:
            raise StoreError(f"{SIZES} is garbled") from error


class HttpSource(PublishedSource):
    """Reads a log from a web server."""

    def __init__(self, client: HttpClient) -> None:
        """Read by this client; nothing is asked yet."""
        super().__init__(HttpFiles(client))
        self._settled: dict[int, bytes] = {}
        self._newest_listed = 0

    def size(self) -> int:
        """Return how many entries the newest checkpoint claims; that they are there, only reading them shows.

        Raises:
            StoreError: there is no checkpoint, or it is garbled.
        """
        try:
            return Checkpoint.decode(Note.decode(self._reader.checkpoint_note()).text).tree_size
        except EncodingError as error:
            raise StoreError("the server's checkpoint is garbled") from error

    def _note_at(self, size: int) -> bytes:
        if size not in self._settled:
            note = super()._note_at(size)
            if size == self._newest_listed or len(self._settled) >= _NOTES_KEPT:
                return note
            self._settled[size] = note
        return self._settled[size]

    def _sizes(self) -> list[int]:
        sizes = super()._sizes()
        self._newest_listed = max(sizes, default=0)
        return sizes

    def _partial_widths(self, index: int) -> list[int]:
        """Return the widths in which a bundle was published in part: those that kept checkpoints end in."""
        first = index * TILE_WIDTH
        sizes = [*self._sizes(), self.size()]
        return [size - first for size in sizes if first < size < first + TILE_WIDTH]
