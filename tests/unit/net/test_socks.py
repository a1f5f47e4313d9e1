"""Through a SOCKS proxy, as Tor is one: every request goes by it, and names are left for it to look up."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from secballot.errors import TransportError
from secballot.net.client import HttpClient
from tests.loopback import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ONION = "secballotboardxyz.onion"


@contextmanager
def socks(asked: list[tuple[int, str, int]]) -> Iterator[str]:
    """Run a SOCKS5 proxy that answers every request itself, and note what it was asked to connect to (RFC 1928)."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, connection.makefile("rb") as stream:
                    _version, methods = stream.read(2)
                    stream.read(methods)
                    connection.sendall(b"\x05\x00")
                    _version, _command, _reserved, kind = stream.read(4)
                    host = stream.read(stream.read(1)[0] if kind == 3 else 4)
                    asked.append((kind, host.decode("latin-1"), int.from_bytes(stream.read(2), "big")))
                    connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
                    while stream.readline().strip():
                        pass
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"socks5h://127.0.0.1:{listening.getsockname()[1]}"


def test_names_are_looked_up_by_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is handed the name; nothing of it is asked of this machine's resolver."""
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def resolving(host: str, *arguments: object, **options: object) -> object:
        looked_up.append(host)
        return real(host, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    asked: list[tuple[int, str, int]] = []
    with socks(asked) as proxy, HttpClient(f"http://{ONION}/log", proxy=proxy) as client:
        assert client.get("checkpoint", 100).body == b"hello"
        assert client.post("entry", b"ballot", 100).body == b"hello"
    assert asked == [(3, ONION, 80)] * 2
    assert ONION not in looked_up


def test_without_its_proxy_nothing_is_sent() -> None:
    """A proxy that is down is an error, and no reason to go without."""
    here, proxy = f"http://127.0.0.1:{free_port()}", f"socks5h://127.0.0.1:{free_port()}"
    with HttpClient(here, proxy=proxy) as client, pytest.raises(TransportError, match="does not answer"):
        client.get("checkpoint", 100)
    for wrong in ("socks4://127.0.0.1:1", "ftp://127.0.0.1", "nonsense"):
        with pytest.raises(TransportError, match="cannot be used"):
            HttpClient("http://board.example", proxy=wrong)
