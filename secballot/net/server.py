"""A board as an ASGI application: the published log for everybody, and `POST /entry` for its parties.

    GET   /checkpoint                       newest checkpoint under a quorum
    GET   /checkpoint-by-size/list          sizes of all kept ones
    GET   /checkpoint-by-size/<size>        one of them
    GET   /tile/<L>/<N>[.p/<W>]             hashes
    GET   /tile/entries/<N>[.p/<W>]         entries
    POST  /entry                            one entry; 200 and the signed promise, once it is durable
    GET   /health                           200 while entries are taken and checkpoints move on, else 503

Cheap checks come before expensive ones: size, the rate of everybody, form, the rate of one credential, room to wait.
Only then is anything judged. A refusal is a JSON object `{"check":…,"reason":…}`: 400 no entry, 422 an entry that the
log does not take, 413 too long, 408 sent too slowly, 429 too often, 503 too much is waiting or the disk is in trouble.
After 408, 429 and 503 the same bytes may be sent again, and whoever sends bytes that the log holds gets their promise.

The application knows nothing of voting: what an entry is, its backend says.

Source: SPEC.md#published-log, SPEC.md#promise; C2SP tlog-tiles.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from secballot.board.merkle import HASH_SIZE, MAX_TREE_SIZE
from secballot.board.note import MAX_NOTE_SIZE
from secballot.board.published import BY_SIZE, CHECKPOINT, MAX_SIZES, SIZES, MissingFileError, StaticFiles
from secballot.board.tile import MAX_BUNDLE_SIZE, TILE_WIDTH, Tile
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, RefusalError, SecballotError, StoreError
from secballot.net.batching import BusyError, GroupCommit
from secballot.net.events import log_event
from secballot.net.limits import Bucket, KeyedBuckets, ServiceLimits, retry_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.requests import Request

ENTRY: Final = "entry"
"""Path to which entries are posted."""

_TEXT: Final = "text/plain; charset=utf-8"
_BINARY: Final = "application/octet-stream"
_JSON: Final = "application/json"
_MOVING: Final = "no-cache"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_SAFE: Final = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}
_BUSY_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a cheap look at an entry has shown.

    Attributes:
        urgent: whether it goes before all that is not.
        key: by which its rate is limited, None for no such limit.
    """

    urgent: bool = False
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a submission.

    Attributes:
        promise: the body of the 200 answer; empty if the entry is refused.
        error: why it is refused.
        charged: whether it counts against the rate of its key: only what the key's owner alone can have caused does.
    """

    promise: bytes = b""
    error: SecballotError | None = None
    charged: bool = False


class Backend(Protocol):
    """The board behind the application; all its methods but `ticket` are called from threads."""

    @property
    def files(self) -> StaticFiles:
        """The published log."""

    def ticket(self, entry: bytes) -> Ticket:
        """Return what a cheap look at an entry shows; called from the event loop, so it waits for nothing.

        Raises:
            EncodingError: it is no entry.
        """

    def known(self, entry: bytes) -> bytes | None:
        """Return the promise that these bytes have, None if the log does not hold them."""

    def submit(self, entries: Sequence[bytes]) -> Sequence[Reply]:
        """Judge entries and return the replies, once all that was admitted is durable.

        Raises:
            StoreError: nothing was promised.
        """

    def publish(self) -> None:
        """Bring the published log up to date, if there is anything to do.

        Raises:
            SecballotError: not now.
        """

    def health(self) -> Mapping[str, int | bool]:
        """Return facts for whoever watches over the service; `well` says whether all is well."""


class BoardServer:
    """The ASGI application of one board.

    Attributes:
        app: to be run or mounted; where it is mounted, `running` has to be entered by the application around it.
    """

    def __init__(self, backend: Backend, limits: ServiceLimits | None = None, *, interval: float = 2.0) -> None:
        """Serve this board.

        Args:
            backend: the board.
            limits: what is taken.
            interval: seconds between two looks whether there is anything to publish.
        """
        self._backend = backend
        self._limits = limits or ServiceLimits()
        self._interval = interval
        self._commit = GroupCommit(backend.submit, self._limits)
        self._everybody = Bucket(self._limits.rate, self._limits.burst)
        self._keys = KeyedBuckets(self._limits.key_rate, self._limits.key_burst, self._limits.keys)
        self._tasks: list[asyncio.Task[None]] = []
        routes = [
            Route(f"/{CHECKPOINT}", self._read),
            Route(f"/{BY_SIZE}/{{name}}", self._read),
            Route("/tile/{path:path}", self._read),
            Route(f"/{ENTRY}", self._post, methods=["POST"]),
            Route("/health", self._health),
        ]
        self.app = Starlette(routes=routes, lifespan=lambda _: self.running())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write and publish while the context lasts; at its end, what waits is still written."""
        writer = asyncio.create_task(self._commit.run())
        publisher = asyncio.create_task(self._publish())
        self._tasks = [writer, publisher]
        try:
            yield
        finally:
            publisher.cancel()
            self._commit.close()
            with suppress(asyncio.CancelledError):
                await publisher
            await writer

    async def _publish(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._backend.publish)
            except SecballotError as error:
                log_event("not-published", reason=error.message)
            await asyncio.sleep(self._interval)

    async def _read(self, request: Request) -> Response:
        # Whatever the path was unquoted to, only exact names of the log's files pass.
        path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).removeprefix("/")
        found = _kind_of(path)
        if found is None:
            return Response(status_code=HTTPStatus.NOT_FOUND, headers=_SAFE)
        limit, media, cached = found
        try:
            data = await run_in_threadpool(self._backend.files.read, path, limit)
        except MissingFileError:
            return Response(status_code=HTTPStatus.NOT_FOUND, headers=_SAFE)
        except StoreError as error:
            log_event("not-read", reason=error.message)
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=_SAFE)
        return Response(data, media_type=media, headers={**_SAFE, "Cache-Control": cached})

    async def _post(self, request: Request) -> Response:
        now = time.monotonic()
        if wait := self._everybody.wait(now):
            return _later(HTTPStatus.TOO_MANY_REQUESTS, "too many submissions", wait)
        self._everybody.take(now)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                entry = await self._body(request)
        except (TimeoutError, ClientDisconnect):
            return _later(HTTPStatus.REQUEST_TIMEOUT, "the entry was sent too slowly", _BUSY_SECONDS)
        if entry is None:
            reason = f"an entry has at most {self._limits.entry_bytes} bytes"
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, RefusalError(reason, check="ENT-01"))
        return await self._judged(entry)

    async def _judged(self, entry: bytes) -> Response:
        try:
            return await self._submit(entry, self._backend.ticket(entry))
        except EncodingError as error:
            return _refused(HTTPStatus.BAD_REQUEST, error)
        except BusyError as error:
            return _later(HTTPStatus.SERVICE_UNAVAILABLE, error.message, _BUSY_SECONDS)
        except StoreError as error:
            log_event("not-stored", reason=error.message)
            return _later(HTTPStatus.SERVICE_UNAVAILABLE, "the log cannot be written now", _BUSY_SECONDS)

    async def _body(self, request: Request) -> bytes | None:
        """Return the body, None if it is too long."""
        announced = request.headers.get("Content-Length", "0")
        if not (announced.isascii() and announced.isdigit()) or int(announced[:20]) > self._limits.entry_bytes:
            return None
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > self._limits.entry_bytes:
                return None
        return bytes(data)

    async def _submit(self, entry: bytes, ticket: Ticket) -> Response:
        key = ticket.key
        if key is not None and (wait := self._keys.wait(key, time.monotonic())):
            promise = await run_in_threadpool(self._backend.known, entry)
            if promise is None:
                return _later(HTTPStatus.TOO_MANY_REQUESTS, "too many submissions by this credential", wait)
            return Response(promise, media_type=_JSON, headers=_SAFE)
        reply = await self._commit.post(entry, urgent=ticket.urgent)
        if key is not None and reply.charged:
            self._keys.take(key, time.monotonic())
        if reply.error is not None:
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, reply.error)
        return Response(reply.promise, media_type=_JSON, headers=_SAFE)

    async def _health(self, _: Request) -> Response:
        facts = dict(await run_in_threadpool(self._backend.health))
        alive = bool(self._tasks) and not any(task.done() for task in self._tasks)
        facts |= {"waiting": self._commit.waiting, "well": bool(facts.get("well")) and alive}
        status = HTTPStatus.OK if facts["well"] else HTTPStatus.SERVICE_UNAVAILABLE
        body = json.dumps(facts, sort_keys=True).encode() + b"\n"
        return Response(body, status, media_type=_JSON, headers={**_SAFE, "Cache-Control": "no-store"})


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


def _refused(status: HTTPStatus, error: SecballotError, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"check": error.check, "reason": error.message}, sort_keys=True).encode() + b"\n"
    return Response(body, status, media_type=_JSON, headers={**_SAFE, **(headers or {})})


def _later(status: HTTPStatus, reason: str, wait: float) -> Response:
    return _refused(status, RefusalError(reason), {"Retry-After": str(retry_seconds(wait))})
