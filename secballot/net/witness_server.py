"""A witness as an ASGI application, as C2SP tlog-witness has it.

    POST  /add-checkpoint                               200 and cosignatures, or 400, 403, 404, 409, 422
    GET   /<hex SHA-256 of the origin>/checkpoint       the newest cosigned checkpoint of that log
    GET   /<hex SHA-256 of the origin>/evidence         what convicts that log of two views, if it has shown them
    GET   /health                                       200

What is cosigned, its backend decides; nothing is answered before that is on disk.

Source: SPEC.md#witnesses; C2SP tlog-witness@v1.0.0 with the status codes of July 2026.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from secballot.board.witness import MAX_REQUEST_SIZE, TEXT, WitnessRefusalError
from secballot.errors import StoreError
from secballot.net.events import log_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

BODY_SECONDS: Final = 20.0
"""Longest time that sending a request may take."""

_DIGEST_DIGITS: Final = 64
_HEXADECIMAL: Final = frozenset("0123456789abcdef")


class WitnessBackend(Protocol):
    """The witness behind the application; its methods are called from threads."""

    def add_checkpoint(self, body: bytes) -> bytes:
        """Return the body of the 200 answer, once the new state is durable.

        Raises:
            WitnessRefusalError: any other answer.
            StoreError: the state cannot be read or written; nothing is released.
        """

    def latest(self, origin_digest: str) -> bytes | None:
        """Return the newest cosigned checkpoint of the log whose origin has this SHA-256 in lowercase hexadecimal."""

    def evidence(self, origin_digest: str) -> bytes | None:
        """Return an evidence file against that log, None if there is none."""


def witness_app(witness: WitnessBackend) -> Starlette:
    """Return the application of one witness."""
    served = _Served(witness)
    return Starlette(
        routes=[
            Route("/add-checkpoint", served.add_checkpoint, methods=["POST"]),
            Route("/{digest}/checkpoint", served.checkpoint),
            Route("/{digest}/evidence", served.evidence),
            Route("/health", served.health),
        ]
    )


class _Served:
    """The endpoints of one witness."""

    def __init__(self, witness: WitnessBackend) -> None:
        self._witness = witness

    async def add_checkpoint(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=HTTPStatus.REQUEST_TIMEOUT)
        if body is None:
            return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            lines = await run_in_threadpool(self._witness.add_checkpoint, body)
        except WitnessRefusalError as refusal:
            log_event("refused", status=refusal.status)
            return Response(refusal.body, refusal.status, {"Content-Type": refusal.content_type})
        except StoreError as error:
            return _unavailable(error)
        log_event("cosigned")
        return Response(lines, headers={"Content-Type": TEXT})

    async def checkpoint(self, request: Request) -> Response:
        return await self._monitored(request, self._witness.latest, TEXT)

    async def evidence(self, request: Request) -> Response:
        return await self._monitored(request, self._witness.evidence, "application/json")

    async def _monitored(self, request: Request, read: Callable[[str], bytes | None], media: str) -> Response:
        digest = request.path_params["digest"]
        if len(digest) != _DIGEST_DIGITS or not _HEXADECIMAL.issuperset(digest):
            return Response(status_code=HTTPStatus.NOT_FOUND)
        try:
            data = await run_in_threadpool(read, digest)
        except StoreError as error:
            return _unavailable(error)
        if data is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return Response(data, headers={"Content-Type": media, "Cache-Control": "no-cache"})

    async def health(self, _: Request) -> Response:
        return Response(b"well\n", headers={"Content-Type": TEXT})


def _unavailable(error: StoreError) -> Response:
    log_event("disk-trouble", reason=error.message)
    return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)


async def _body(request: Request) -> bytes | None:
    """Return the body of a request, None if it is too long."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_REQUEST_SIZE:
            return None
    return bytes(data)
