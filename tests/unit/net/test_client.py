"""The HTTP client: it ends, stays where it was sent, and takes no more than it asked for."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import pytest

from secballot.errors import TransportError
from secballot.net.client import HttpClient, Patience
from tests.loopback import answering, free_port

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler


def _answer(handler: BaseHTTPRequestHandler, body: bytes = b"", status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_a_body_up_to_the_limit_is_returned() -> None:
    """The limit itself is allowed, one byte more is not."""
    with answering(lambda handler: _answer(handler, bytes(100))) as url, HttpClient(url) as client:
        assert client.get("checkpoint", 100).body == bytes(100)
        with pytest.raises(TransportError, match="more than 99 bytes"):
            client.get("checkpoint", 99)


def test_paths_are_below_the_prefix() -> None:
    """A prefix with a path keeps it, with or without a slash at its end."""
    seen = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        _answer(handler)

    with answering(answer) as url:
        for prefix in ("/a/log", "/a/log/"):
            with HttpClient(url + prefix) as client:
                client.get("tile/0/000", 10)
    assert seen == ["/a/log/tile/0/000"] * 2


@pytest.mark.attack("PA-08")
def test_gzip_that_nobody_asked_for_is_unpacked_up_to_the_limit() -> None:
    """A small answer that unpacks to a large one is refused, and a small one is read."""
    with answering(lambda handler: _answer(handler, gzip.compress(b"note"), Content_Encoding="gzip")) as url:
        assert HttpClient(url).get("checkpoint", 10).body == b"note"
    bomb = gzip.compress(bytes(30_000_000))
    with (
        answering(lambda handler: _answer(handler, bomb, Content_Encoding="gzip")) as url,
        pytest.raises(TransportError, match="more than"),
    ):
        HttpClient(url).get("checkpoint", 1_000)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_garbled_and_unknown_encodings_are_refused(encoding: str) -> None:
    """What cannot be unpacked is no answer."""
    with (
        answering(lambda handler: _answer(handler, b"\x1f\x8bnonsense", Content_Encoding=encoding)) as url,
        pytest.raises(TransportError),
    ):
        HttpClient(url).get("checkpoint", 1_000)


def test_a_redirect_on_the_same_host_is_followed() -> None:
    """A server may move its files about."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/moved/checkpoint":
            _answer(handler, b"here")
        else:
            _answer(handler, status=302, Location="/moved/checkpoint")

    with answering(answer) as url:
        assert HttpClient(url).get("checkpoint", 100).body == b"here"


def test_a_redirect_elsewhere_is_not_followed() -> None:
    """A server cannot make a reader talk to another."""
    reached = []
    with (
        answering(lambda handler: reached.append(handler.path)) as other,
        answering(lambda handler: _answer(handler, status=302, Location=f"{other}/checkpoint")) as url,
    ):
        with pytest.raises(TransportError, match="somewhere else"):
            HttpClient(url).get("checkpoint", 100)
        assert reached == []


def test_redirects_end() -> None:
    """A server that sends a reader in circles is given up."""
    with (
        answering(lambda handler: _answer(handler, status=302, Location="/checkpoint")) as url,
        pytest.raises(TransportError, match="too often"),
    ):
        HttpClient(url).get("checkpoint", 100)


def test_nobody_there_is_a_transport_error() -> None:
    """A dead server is trouble on the way and says nothing about the log."""
    with pytest.raises(TransportError, match="does not answer"):
        HttpClient(f"http://127.0.0.1:{free_port()}").get("checkpoint", 100)


def test_a_silent_server_is_given_up() -> None:
    """A server that takes the question and says nothing does not hold its reader."""
    with (
        answering(lambda _: time.sleep(1)) as url,
        pytest.raises(TransportError, match="does not answer"),
    ):
        HttpClient(url, patience=Patience(read=0.1)).get("checkpoint", 100)


def test_a_dripping_server_is_given_up() -> None:
    """Byte after byte, each in time, still ends when patience does."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.02)

    with answering(answer) as url, pytest.raises(TransportError, match="too slowly"):
        HttpClient(url, patience=Patience(total=0.1)).get("checkpoint", 10_000)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a proxy that was named is used."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")
    with answering(lambda handler: _answer(handler, b"direct")) as url:
        assert HttpClient(url).get("checkpoint", 100).body == b"direct"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://log.example",
        "log.example",
        "http://",
        "http://user:word@log.example",
        "http://log.example/?q",
        "http://xn--/",
        "\0",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """A URL that is not plain http or https is not used."""
    with pytest.raises(TransportError):
        HttpClient(url)


def test_the_wait_a_server_asks_for_is_read() -> None:
    """Seconds are understood, anything else is left aside."""
    with answering(lambda handler: _answer(handler, status=503, Retry_After="7")) as url:
        assert HttpClient(url).post("entry", b"x", 100).retry_after == 7
    with answering(lambda handler: _answer(handler, status=503, Retry_After="tomorrow")) as url:
        assert HttpClient(url).post("entry", b"x", 100).retry_after is None


def test_readers_take_gzip() -> None:
    """C2SP tlog-tiles: clients SHOULD include gzip and identity in their Accept-Encoding headers."""
    seen = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Accept-Encoding"])
        _answer(handler)

    with answering(answer) as url, HttpClient(url) as client:
        client.get("tile/entries/000", 10)
    assert seen == ["gzip, identity"]
