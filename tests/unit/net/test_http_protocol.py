"""HTTP by llhttp: as any HTTP for honest clients, and bounded for others."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from secballot.net import http_protocol
from secballot.net.http_protocol import HEAD_BYTES, MESSAGE_BYTES, BoundedProtocol
from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


async def echo(request: Request) -> Response:
    """Return the body."""
    return Response(await request.body())


@pytest.fixture
def port() -> Iterator[int]:
    """Run the protocol."""
    with serving(Starlette(routes=[Route("/", echo, methods=["POST"])]), http=BoundedProtocol) as url:
        yield int(url.rpartition(":")[2])


def conversation(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send pieces over one connection, and return everything that comes back until it is closed."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            while data := connection.recv(65_536):
                received += data
        except (BrokenPipeError, ConnectionResetError):
            pass
    return received


def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    """Bodies longer than any head are taken, one after the other, and nothing is counted from one to the next."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for number in range(6):
            body = bytes([number]) * HEAD_BYTES * 2
            answer = client.post("/", content=body, headers={"X-Filler": "x" * (HEAD_BYTES // 4)})
            assert (answer.status_code, answer.content) == (HTTPStatus.OK, body)


def test_requests_in_one_piece(port: int) -> None:
    """Two requests that arrive together are both answered."""
    request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n%s\r\nok"
    answer = conversation(port, request % b"" + request % b"Connection: close\r\n")

    assert answer.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "filler",
    [b"X-Long: " + b"x" * HEAD_BYTES * 2, b"X: y\r\n" * HEAD_BYTES, b"x" * HEAD_BYTES * 2],
    ids=["one header", "many headers", "a name without end"],
)
def test_heads_without_end_are_refused(port: int, filler: bytes) -> None:
    """A head of more bytes than any honest one has ends the connection, long before it has filled the memory."""
    pieces = [filler[start : start + 1_000] for start in range(0, len(filler), 1_000)]
    answer = conversation(port, b"POST / HTTP/1.1\r\nHost: h\r\n", *pieces)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_first_lines_without_end_are_refused(port: int) -> None:
    """The path counts, too."""
    answer = conversation(port, b"POST /", *[b"x" * 1_000] * 40)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "pieces", [[], [b"POST / HTTP/1.1\r\nHost"], [b"P", b"O", b"S"]], ids=["nothing", "half", "slowly"]
)
def test_heads_that_do_not_come_are_given_up(port: int, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects and does not ask is not waited for."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)
    began = time.monotonic()

    assert conversation(port, *pieces, pause=0.05) == b""
    assert time.monotonic() - began < 5


def test_an_answered_client_is_not_given_up_while_it_is_slow_with_its_body(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of a head ends with the head; that of a body is the application's to bound."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"

    assert conversation(port, head, b"a", b"b", b"c", pause=0.15).endswith(b"abc")


@pytest.mark.parametrize("method", [b"POST", b"GET"], ids=["while it is read", "after the answer"])
@pytest.mark.parametrize(
    "filler",
    [b"X: y\r\n" * 10_000, b"X-Long: " + b"x" * 100_000, b"1\r\nx\r\n" * 10_000],
    ids=["many trailers", "a trailer without end", "a body without end"],
)
def test_messages_without_end_are_cut_off(port: int, method: bytes, filler: bytes) -> None:
    """What follows the body counts as well: a parser keeps trailers, and nobody reads them."""
    begin = b"" if filler.startswith(b"1") else b"0\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, suppress(OSError):
        connection.sendall(method + b" / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + begin)
        while sent < 10 * MESSAGE_BYTES:
            connection.sendall(filler)
            sent += len(filler)
            filler = filler.removeprefix(b"X-Long: ")

    # What lies in the buffers of the system was sent as well, and never read.
    assert sent < 10 * MESSAGE_BYTES


def test_messages_that_do_not_end_are_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the answer already, and drips on, holds no connection."""
    monkeypatch.setattr(http_protocol, "MESSAGE_SECONDS", 0.3)
    head = b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 405 ")
        sent = 0
        with suppress(ConnectionError):
            while sent < 100:
                connection.sendall(b"1\r\nx\r\n")
                time.sleep(0.05)
                sent += 1
    assert sent < 100
