"""A bad line to a server: what passes is dropped, doubled, delayed, cut off or brought in another order.

Each request meets one fault of a list, drawn anew for each, or none.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import httpx

from tests.loopback import answering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from http.server import BaseHTTPRequestHandler

FAULTS: Final = ("lost request", "lost answer", "doubled", "delayed", "cut off", "late again", "")
"""`late again`: the request arrives once more after later ones."""

_TIMEOUT: Final = 20


class Wire:
    """The line, which can be mended.

    Attributes:
        met: how often each fault was met.
        faults: what may happen to a request.
    """

    def __init__(self, target: str, faults: Sequence[str], seed: int) -> None:
        """Lead to this URL."""
        self.faults = tuple(faults)
        self.met = dict.fromkeys(FAULTS, 0)
        self._client = httpx.Client(base_url=target, trust_env=False, timeout=_TIMEOUT)
        self._chance = random.Random(seed)  # noqa: S311  # faults are no secrets
        self._lock = threading.Lock()
        self._late: list[tuple[str, str, bytes]] = []

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Pass a request on and its answer back, with one fault."""
        with self._lock:
            fault = self._chance.choice(self.faults)
            self.met[fault] += 1
            late, self._late = self._late, []
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        request = (handler.command, handler.path, body)
        handler.close_connection = True
        if fault == "lost request":
            return
        if fault == "delayed":
            time.sleep(0.05)
        if fault == "late again":
            with self._lock:
                self._late.append(request)
        answer = self._pass_on(request)
        if fault == "doubled":
            answer = self._pass_on(request)
        for old in late:
            self._pass_on(old)
        if fault == "lost answer":
            return
        with suppress(OSError):
            handler.send_response(answer.status_code)
            for name in ("Content-Type", "Retry-After"):
                if name in answer.headers:
                    handler.send_header(name, answer.headers[name])
            handler.send_header("Content-Length", str(len(answer.content)))
            handler.end_headers()
            handler.wfile.write(answer.content[: len(answer.content) // 2] if fault == "cut off" else answer.content)

    def _pass_on(self, request: tuple[str, str, bytes]) -> httpx.Response:
        method, path, body = request
        return self._client.request(method, path, content=body)

    def close(self) -> None:
        """End all connections to the server."""
        self._client.close()


@contextmanager
def bad_line(target: str, faults: Sequence[str] = FAULTS, seed: int = 1) -> Iterator[tuple[str, Wire]]:
    """Yield the URL of a bad line to this server, and the line."""
    wire = Wire(target, faults, seed)
    with closing(wire), answering(wire.answer) as url:
        yield url, wire
