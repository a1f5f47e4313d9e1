"""A board as an ASGI application: the published log for everybody, and `POST /entry` for its parties.

    GET   /checkpoint                       newest checkpoint under a quorum
    GET   /checkpoint-by-size/list          sizes of all kept ones
    GET   /checkpoint-by-size/<size>        one of them
    GET   /tile/<L>/<N>[.p/<W>]             hashes
    GET   /tile/entries/<N>[.p/<W>]         entries, packed by gzip for whoever takes that
    POST  /entry                            one entry; 200 and the signed promise, once it is durable
    GET   /health                           200 while entries are taken and checkpoints move on, else 503

What is answered to entries, `net.door` says. The application knows nothing of voting: what an entry is, its backend
says.

Source: SPEC.md#published-log, SPEC.md#promise; C2SP tlog-tiles.
"""

from __future__ import annotations

import gzip
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from secballot.board.merkle import HASH_SIZE, MAX_TREE_SIZE
from secballot.board.note import MAX_NOTE_SIZE
from secballot.board.published import BY_SIZE, CHECKPOINT, MAX_SIZES, SIZES, MissingFileError, StaticFiles
from secballot.board.tile import MAX_BUNDLE_SIZE, TILE_WIDTH, Tile
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, StoreError
from secballot.net.door import SAFE
from secballot.net.door_service import DoorService, ServiceBackend
from secballot.net.events import log_event
from secballot.net.limits import ServiceLimits

if TYPE_CHECKING:
    from starlette.requests import Request

_TEXT: Final = "text/plain; charset=utf-8"
_BINARY: Final = "application/octet-stream"
_MOVING: Final = "no-cache"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_BUNDLES: Final = "tile/entries/"


class Backend(ServiceBackend, Protocol):
    """The board behind the application; all its methods but `ticket` are called from threads."""

    @property
    def files(self) -> StaticFiles:
        """The published log."""

    def publish(self) -> None:
        """Bring the published log up to date, if there is anything to do.

        Raises:
            SecballotError: not now.
        """


class BoardServer(DoorService):
    """The ASGI application of one board."""

    def __init__(self, backend: Backend, limits: ServiceLimits | None = None, *, interval: float = 2.0) -> None:
        """Serve this board.

        Args:
            backend: the board.
            limits: what is taken.
            interval: seconds between two looks whether there is anything to publish.
        """
        self._files = backend.files
        routes = [
            Route(f"/{CHECKPOINT}", self._read),
            Route(f"/{BY_SIZE}/{{name}}", self._read),
            Route("/tile/{path:path}", self._read),
        ]
        super().__init__(
            backend, limits or ServiceLimits(), routes, backend.publish, interval=interval, trouble="not-published"
        )

    async def _read(self, request: Request) -> Response:
        # Whatever the path was unquoted to, only exact names of the log's files pass.
        path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).removeprefix("/")
        found = _kind_of(path)
        if found is None:
            return Response(status_code=HTTPStatus.NOT_FOUND, headers=SAFE)
        limit, media, cached = found
        headers = {**SAFE, "Cache-Control": cached}
        packing = path.startswith(_BUNDLES) and _takes_gzip(request.headers.get("Accept-Encoding", ""))
        if path.startswith(_BUNDLES):
            headers["Vary"] = "Accept-Encoding"
        if packing:
            headers["Content-Encoding"] = "gzip"
        try:
            data = await run_in_threadpool(self._file, path, limit, packing=packing)
        except MissingFileError:
            return Response(status_code=HTTPStatus.NOT_FOUND, headers=SAFE)
        except StoreError as error:
            log_event("not-read", reason=error.message)
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=SAFE)
        return Response(data, media_type=media, headers=headers)

    def _file(self, path: str, limit: int, *, packing: bool) -> bytes:
        data = self._files.read(path, limit)
        # The lowest level: entries are mostly group elements in base64, of which more effort takes off hardly more.
        return gzip.compress(data, 1, mtime=0) if packing else data


def _kind_of(path: str) -> tuple[int, str, str] | None:
    """Return limit, media type and caching of the file of a published log that has exactly this path."""
    if path == SIZES:
        return MAX_SIZES, _TEXT, _MOVING
    if path == CHECKPOINT:
        return MAX_NOTE_SIZE, _TEXT, _MOVING
    try:
        if path.startswith(f"{BY_SIZE}/"):
            parse_decimal(path.removeprefix(f"{BY_SIZE}/").encode("ascii", "replace"), MAX_TREE_SIZE)
            # The newest may still gain cosignatures.
            return MAX_NOTE_SIZE, _TEXT, _MOVING
        tile = Tile.parse(path)
    except EncodingError:
        return None
    return (MAX_BUNDLE_SIZE if tile.level is None else TILE_WIDTH * HASH_SIZE), _BINARY, _IMMUTABLE


def _takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding header names gzip, and not to refuse it."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").replace("\t", "").partition(";q=")
        if coding in ("gzip", "x-gzip"):
            return not weight or bool(weight.strip("0."))
    return False
