"""A drop box as an ASGI application: `POST /entry` as at a board (`net.door`), and its own health.

    POST  /entry       202 kept, 200 and the board's promise once there is one, 422 if every board refuses the entry
    GET   /health      200 while entries are taken and forwarded, else 503

Nothing that is held is shown to anybody over the network, but the promise of an entry to whoever has its bytes.

Source: SPEC.md#promise.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from secballot.errors import SecballotError
from secballot.net.door import JSON, SAFE, DoorBackend, EntryDoor
from secballot.net.events import log_event
from secballot.net.limits import ServiceLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request


class DropBoxBackend(DoorBackend, Protocol):
    """The drop box behind the application; all its methods but `ticket` are called from threads."""

    def forward(self) -> None:
        """Offer what is due to the boards.

        Raises:
            SecballotError: not now.
        """

    def health(self) -> Mapping[str, int | bool]:
        """Return facts for whoever watches over the service; `well` says whether all is well."""


class DropBoxServer:
    """The ASGI application of one drop box.

    Attributes:
        app: to be run or mounted; where it is mounted, `running` has to be entered by the application around it.
    """

    def __init__(self, backend: DropBoxBackend, limits: ServiceLimits | None = None, *, interval: float = 0.2) -> None:
        """Serve this drop box.

        Args:
            backend: the drop box.
            limits: what is taken.
            interval: seconds between two looks whether anything is to be forwarded.
        """
        self._backend = backend
        self._interval = interval
        self._door = EntryDoor(backend, limits or ServiceLimits())
        self._tasks: list[asyncio.Task[None]] = []
        routes = [self._door.route, Route("/health", self._health)]
        self.app = Starlette(routes=routes, lifespan=lambda _: self.running())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep and forward while the context lasts; at its end, what waits is still stored."""
        keeper = asyncio.create_task(self._door.run())
        forwarder = asyncio.create_task(self._forward())
        self._tasks = [keeper, forwarder]
        try:
            yield
        finally:
            forwarder.cancel()
            self._door.close()
            with suppress(asyncio.CancelledError):
                await forwarder
            await keeper

    async def _forward(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._backend.forward)
            except SecballotError as error:
                log_event("not-forwarded", reason=error.message)
            await asyncio.sleep(self._interval)

    async def _health(self, _: Request) -> Response:
        try:
            facts = dict(await run_in_threadpool(self._backend.health))
        except SecballotError as error:
            log_event("not-well", reason=error.message)
            facts = {}
        alive = bool(self._tasks) and not any(task.done() for task in self._tasks)
        facts |= {"waiting": self._door.waiting, "well": bool(facts.get("well")) and alive}
        status = HTTPStatus.OK if facts["well"] else HTTPStatus.SERVICE_UNAVAILABLE
        body = json.dumps(facts, sort_keys=True).encode() + b"\n"
        return Response(body, status, media_type=JSON, headers={**SAFE, "Cache-Control": "no-store"})
