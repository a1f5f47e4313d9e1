"""A SOCKS5 proxy for tests that does what one does: it connects, and passes on what comes from either side."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_ONCE = 65_536


@contextmanager
def relaying() -> Iterator[tuple[str, list[str]]]:
    """Run the proxy, and yield its URL and the hosts that it was asked to connect to (RFC 1928)."""
    asked: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            _version, methods = self.rfile.read(2)
            self.rfile.read(methods)
            self.wfile.write(b"\x05\x00")
            _version, _command, _reserved, kind = self.rfile.read(4)
            host = (
                self.rfile.read(self.rfile.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(self.rfile.read(4))
            )
            port = int.from_bytes(self.rfile.read(2), "big")
            asked.append(host)
            with socket.create_connection((host, port)) as there:
                self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
                back = threading.Thread(target=_pass_on, args=(there, self.connection))
                back.start()
                # What the client sent in one piece with its greeting would stand in `rfile`: nothing does, since a
                # client waits for each answer.
                _pass_on(self.connection, there)
                back.join()

    class Server(ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"socks5h://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass on until the source ends, and tell the target that it has."""
    with suppress(OSError):
        while data := source.recv(_AT_ONCE):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
