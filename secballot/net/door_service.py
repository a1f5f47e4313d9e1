"""What board and drop box have in common as services: the door, work that is done again and again, and their health.

    GET   /health      200 while entries are taken and the work goes on, else 503

Source: SPEC.md#board-profile.
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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from starlette.requests import Request

    from secballot.net.limits import ServiceLimits


class ServiceBackend(DoorBackend, Protocol):
    """Whoever stands behind the service; all its methods but `ticket` are called from threads."""

    def health(self) -> Mapping[str, int | bool]:
        """Return facts for whoever watches over the service; `well` says whether all is well."""


class DoorService:
    """An ASGI application with a door for entries.

    Attributes:
        app: to be run or mounted; where it is mounted, `running` has to be entered by the application around it.
    """

    def __init__(
        self,
        backend: ServiceBackend,
        limits: ServiceLimits,
        routes: Sequence[Route],
        work: Callable[[], None],
        *,
        interval: float,
        trouble: str,
    ) -> None:
        """Serve this backend.

        Args:
            backend: takes the entries.
            limits: what is taken.
            routes: beside those of the door and of health.
            work: is done in a thread, again and again; a `SecballotError` is logged.
            interval: seconds from the end of the work to its next beginning.
            trouble: the event by which it is logged.
        """
        self._backend = backend
        self._work, self._interval, self._trouble = work, interval, trouble
        self._door = EntryDoor(backend, limits)
        self._tasks: list[asyncio.Task[None]] = []
        health = Route("/health", self._health)
        self.app = Starlette(routes=[*routes, self._door.route, health], lifespan=lambda _: self.running())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take entries and work while the context lasts; at its end, what waits is still written."""
        writer = asyncio.create_task(self._door.run())
        worker = asyncio.create_task(self._keep_working())
        self._tasks = [writer, worker]
        try:
            yield
        finally:
            worker.cancel()
            self._door.close()
            with suppress(asyncio.CancelledError):
                await worker
            await writer

    async def _keep_working(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._work)
            except SecballotError as error:
                log_event(self._trouble, reason=error.message)
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
