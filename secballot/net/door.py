"""The door for entries, as board and drop box have it: `POST /entry`, bounded in size, rate and number.

    POST  /entry        one entry; 200 and the board's promise, once the entry is durable

Cheap checks come before expensive ones: size, the rate of everybody, form, the rate of one credential, room to wait.
Only then does the backend look at it. A refusal is a JSON object `{"check":…,"reason":…}`: 400 no entry, 422 an entry
that is not taken, 413 too long, 408 sent too slowly, 429 too often by this credential, 503 too often by everybody, or
too much is waiting, or the disk is in trouble or full. 202 is a drop box's: the entry is kept durably, and the board's
promise is not there yet. After 202, 408, 429 and 503 the same bytes may be sent again, and whoever sends bytes that
were promised a place gets that promise.

Source: SPEC.md#promise.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from secballot.errors import EncodingError, RefusalError, SecballotError, StoreError
from secballot.net.batching import BusyError, GroupCommit
from secballot.net.events import log_event
from secballot.net.limits import Bucket, KeyedBuckets, retry_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from secballot.net.limits import ServiceLimits

ENTRY: Final = "entry"
"""Path to which entries are posted."""

SAFE: Final = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}
"""Headers of every answer: it is what it says it is, and anybody's page may read it."""

JSON: Final = "application/json"

_BUSY_SECONDS: Final = 2
_FULL_SECONDS: Final = 600


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
        error: why it is refused; a `StoreError` if there is no room for it.
        charged: whether it counts against the rate of its key: only what the key's owner alone can have caused does.
        kept: seconds after which to ask again for the promise of an entry that a drop box keeps; 0 for none.
    """

    promise: bytes = b""
    error: SecballotError | None = None
    charged: bool = False
    kept: int = 0


class DoorBackend(Protocol):
    """Whoever stands behind the door; all its methods but `ticket` are called from threads."""

    def ticket(self, entry: bytes) -> Ticket:
        """Return what a cheap look at an entry shows; called from the event loop, so it waits for nothing.

        Raises:
            EncodingError: it is no entry.
        """

    def known(self, entry: bytes) -> bytes | None:
        """Return the promise that these bytes have, None if there is none."""

    def submit(self, entries: Sequence[bytes]) -> Sequence[Reply]:
        """Judge or keep entries and return the replies, once all that was taken is durable.

        Raises:
            StoreError: nothing was taken.
        """


class EntryDoor:
    """Takes entries for one backend.

    Attributes:
        route: where entries are posted.
    """

    def __init__(self, backend: DoorBackend, limits: ServiceLimits) -> None:
        """Take entries for this backend, within these limits."""
        self._backend = backend
        self._limits = limits
        self._commit = GroupCommit(backend.submit, limits)
        self._everybody = Bucket(limits.rate, limits.burst)
        self._keys = KeyedBuckets(limits.key_rate, limits.key_burst, limits.keys)
        self.route = Route(f"/{ENTRY}", self._post, methods=["POST"])

    @property
    def waiting(self) -> int:
        """How many submissions wait."""
        return self._commit.waiting

    async def run(self) -> None:
        """Let batch after batch through, until `close` was called and nothing waits any more."""
        await self._commit.run()

    def close(self) -> None:
        """Take no more; what waits is still let through."""
        self._commit.close()

    async def _post(self, request: Request) -> Response:
        now = time.monotonic()
        if wait := self._everybody.wait(now):
            return _later(HTTPStatus.SERVICE_UNAVAILABLE, "too many submissions", wait)
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
        except SecballotError as error:
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
            return Response(promise, media_type=JSON, headers=SAFE)
        reply = await self._commit.post(entry, urgent=ticket.urgent)
        if key is not None and reply.charged:
            self._keys.take(key, time.monotonic())
        if isinstance(reply.error, StoreError):
            return _later(HTTPStatus.SERVICE_UNAVAILABLE, reply.error.message, _FULL_SECONDS)
        if reply.error is not None:
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, reply.error)
        if reply.kept:
            return _later(HTTPStatus.ACCEPTED, "kept, and not promised a place yet", reply.kept)
        return Response(reply.promise, media_type=JSON, headers=SAFE)


def _refused(status: HTTPStatus, error: SecballotError, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"check": error.check, "reason": error.message}, sort_keys=True).encode() + b"\n"
    return Response(body, status, media_type=JSON, headers={**SAFE, **(headers or {})})


def _later(status: HTTPStatus, reason: str, wait: float) -> Response:
    return _refused(status, RefusalError(reason), {"Retry-After": str(retry_seconds(wait))})
