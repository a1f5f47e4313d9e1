"""HTTP/1.1 on a connection: parsed by llhttp where that is installed, which takes a fifth of h11's time.

uvicorn's own protocol over llhttp sets no bound on a request, neither in bytes nor in time: this one does, for its head
and for all of it, so that nobody fills the memory with headers or trailers, or holds connections by sending them one
byte at a time.

Source: SPEC.md#board-profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

HEAD_BYTES: Final = 16_384
"""Most bytes of the head of a request, its first line included, up to what is read at once."""

HEAD_SECONDS: Final = 20.0
"""Longest time that sending the head of a request may take."""


MESSAGE_BYTES: Final = 2_000_000
"""Most bytes of a whole request as it is sent: head, body with its chunks' sizes, and trailers, which are kept."""

MESSAGE_SECONDS: Final = 60.0
"""Longest time from the end of the head to the end of the request, also if it was answered before."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection whose requests, and the heads of these, have bounded size and duration."""

    _size = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Expect the first request."""
        super().connection_made(transport)
        self._start_timer(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and end the connection if it is a head or a request without end."""
        self._size += len(data)
        if self._timer is None:
            self._start_timer(HEAD_SECONDS)
        super().data_received(data)
        if self._in_head and self._size > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        elif self._size > MESSAGE_BYTES:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Leave the head behind."""
        self._in_head = False
        self._start_timer(MESSAGE_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next request on this connection."""
        super().on_message_complete()
        self._in_head, self._size = True, 0
        self._stop_timer()

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
