"""Running an ASGI application: what board and witness have in common.

Source: SPEC.md#board-profile.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import sys
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import StoreError, TransportError
from secballot_cli.messages import _
from secballot_cli.telling import Told, json_option, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from starlette.applications import Starlette

_HEADER_BYTES: Final = 16_384
_CONNECTIONS: Final = 1_000
_KEEP_ALIVE_SECONDS: Final = 10


def listening_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say where a service listens, and how it says so."""
    command = json_option(command)
    command = click.option("--port", type=click.IntRange(0, 65_535), default=8_080, show_default=True, help="0: any.")(
        command
    )
    return click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")(command)


def server_part(name: str) -> ModuleType:
    """Import a module that needs the extra `server`.

    Raises:
        StoreError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StoreError(_("running a service needs the extra `server`: pip install secballot[server]")) from error


def _protocol() -> str | type[asyncio.Protocol]:
    """Return what speaks HTTP: llhttp, bounded by ourselves, or h11 where that is missing."""
    try:
        from secballot.net.http_protocol import BoundedProtocol  # noqa: PLC0415  # needs the extra `server`
    except ImportError:
        return "h11"
    return BoundedProtocol


def run_app(app: Starlette, host: str, port: int, facts: dict[str, object], *, as_json: bool) -> None:
    """Serve until interrupted; says on standard output where, once connections are taken.

    For a program that is one object, with `facts`, to which `url` is added.

    Requests are not logged: neither addresses nor times of single submissions. A proxy in front of the service ends
    TLS, and is to be told the same.

    Raises:
        TransportError: the address cannot be listened on.
    """
    uvicorn = server_part("uvicorn")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("secballot.service")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        words = _("{host} port {port} cannot be listened on")
        raise TransportError(words.format(host=host, port=port)) from error
    with listening:
        config = uvicorn.Config(
            app,
            http=_protocol(),
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="on",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            h11_max_incomplete_event_size=_HEADER_BYTES,
        )
        server = uvicorn.Server(config)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listening.getsockname()[1]}"
        tell(Told([_("listening on {url}").format(url=url)], facts={**facts, "url": url}), as_json=as_json)
        sys.stdout.flush()
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve([listening]))
