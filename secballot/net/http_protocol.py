"""HTTP/1.1 on a connection: parsed by llhttp where that is installed, which takes a fifth of h11's time.

uvicorn's own protocol over llhttp sets no bound on the head of a request, neither in bytes nor in time: this one does,
so that nobody fills the memory with headers, or holds connections by sending them one byte at a time.

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


class BoundedProtocol(HttpToolsProtocol):
    """One connection whose requests have heads of bounded size and duration."""

    _head_size = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Expect the first request."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and end the connection if it is a head without end."""
        if self._in_head:
            self._head_size += len(data)
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)
        super().data_received(data)
        if self._in_head and self._head_size > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        """Leave the head behind."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next request on this connection."""
        super().on_message_complete()
        self._in_head, self._head_size = True, 0

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
