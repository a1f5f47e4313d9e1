"""A client that posts entries to a board over HTTP, as light as it can be: the server is what is measured."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Outcome:
    """What became of some submissions.

    Attributes:
        statuses: how often each HTTP status came back.
        seconds: from sending to the answer, each.
        elapsed: from the first submission to the last answer.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def slowest(self, share: float) -> float:
        """Return the seconds that this share of the submissions did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class _Connection(asyncio.Protocol):
    """One connection that is kept alive and carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Send a request and return its status, when it comes."""
        self._answer = asyncio.get_running_loop().create_future()
        self._received.clear()
        if self._transport is None or self._transport.is_closing():
            self._answer.set_result(0)
        else:
            self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(_END_OF_HEAD)
        if not separator or self._answer is None or self._answer.done():
            return
        lengths = [line for line in bytes(head).lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if lengths and len(body) >= int(lengths[0].split(b":")[1]):
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Client:
    """Some connections to one server."""

    def __init__(self, host: str, port: int) -> None:
        """Post to this server; nothing is opened yet."""
        self._host, self._port = host, port

    def flood(self, entries: Sequence[bytes], connections: int) -> Outcome:
        """Post all entries as fast as they are taken, over so many connections."""
        return asyncio.run(self._flood(entries, connections))

    def pace(self, streams: Sequence[tuple[Sequence[bytes], float]], connections: int) -> list[Outcome]:
        """Post several streams of entries side by side, each at so many a second, and return what became of each."""
        return asyncio.run(self._pace(streams, connections))

    def request(self, entry: bytes) -> bytes:
        """Return the bytes of a submission."""
        head = f"POST /entry HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Length: {len(entry)}\r\n\r\n"
        return head.encode() + entry

    async def _flood(self, entries: Sequence[bytes], connections: int) -> Outcome:
        outcome, waiting = Outcome(), iter(entries)
        opened = await self._open(connections)
        began = time.perf_counter()

        async def work(connection: _Connection) -> None:
            for entry in waiting:
                await self._post(connection, entry, outcome)

        await asyncio.gather(*(work(connection) for connection in opened))
        outcome.elapsed = time.perf_counter() - began
        _close(opened)
        return outcome

    async def _pace(self, streams: Sequence[tuple[Sequence[bytes], float]], connections: int) -> list[Outcome]:
        outcomes = [Outcome() for _ in streams]
        idle: asyncio.Queue[_Connection] = asyncio.Queue()
        opened = await self._open(connections)
        for connection in opened:
            idle.put_nowait(connection)
        began = time.perf_counter()

        async def post(entry: bytes, outcome: Outcome) -> None:
            due = time.perf_counter()
            connection = await idle.get()
            await self._post(connection, entry, outcome, due)
            idle.put_nowait(connection)

        async def stream(entries: Sequence[bytes], rate: float, outcome: Outcome) -> None:
            running = []
            for number, entry in enumerate(entries):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                running.append(asyncio.create_task(post(entry, outcome)))
            await asyncio.gather(*running)
            outcome.elapsed = time.perf_counter() - began

        await asyncio.gather(
            *(stream(entries, rate, outcome) for (entries, rate), outcome in zip(streams, outcomes, strict=True))
        )
        _close(opened)
        return outcomes

    async def _post(self, connection: _Connection, entry: bytes, outcome: Outcome, due: float | None = None) -> None:
        began = time.perf_counter() if due is None else due
        outcome.statuses[await connection.send(self.request(entry))] += 1
        outcome.seconds.append(time.perf_counter() - began)

    async def _open(self, connections: int) -> list[_Connection]:
        loop = asyncio.get_running_loop()
        return [(await loop.create_connection(_Connection, self._host, self._port))[1] for _ in range(connections)]


def _close(connections: Sequence[_Connection]) -> None:
    for connection in connections:
        connection.close()
