"""What arrives at a service and what a service answers, as fuzz targets: see `tests.fuzz.targets`.

Requests are given to the applications as a server gives them, with everything behind these but the network.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import json
import logging
from contextlib import AsyncExitStack, suppress
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from secballot.board.witness import read_cosignatures, read_size
from secballot.errors import SecballotError, TransportError
from secballot.net.client import Answer
from secballot.net.dropbox_server import DropBoxServer
from secballot.net.limits import ServiceLimits
from secballot.net.witness_server import witness_app
from secballot.record import Outcome, SittingRecord
from secballot.record.saving import restored, saved
from secballot.records.entry import UNSIGNED
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE, Promise
from secballot.roles.board import BoardOperator
from secballot.roles.dropbox import DropBox
from secballot.roles.head_keys import HeadKeys
from secballot.roles.remote import RemoteBoard
from secballot.roles.service import BoardService
from secballot.roles.witness_service import WitnessService
from secballot.store.dropbox import DropStore
from secballot.store.journal import Journal
from tests.audit.every_kind import every_kind
from tests.audit.mutants import _sign, representatives, write
from tests.fuzz.target import BrokenInvariantError, Target, same, scratch
from tests.service_parts import KEYS
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.applications import Starlette

    from secballot.net.door_service import DoorService

LIMITS = ServiceLimits(window=0.0, rate=1e9, burst=1e9, key_rate=1e9, key_burst=1e9)
HONEST = View(entries(1, 2, 3, 4, 5), sizes=(4, 5))
STATUSES = (200, 202, 400, 404, 408, 413, 422, 429, 500, 503)


class Running:
    """An application and the event loop it runs in."""

    def __init__(self, app: Starlette, service: DoorService | None = None) -> None:
        """Start what works behind the application, if anything does."""
        logging.getLogger("secballot").setLevel(logging.CRITICAL)
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        if service is not None:
            self._loop.run_until_complete(self._stack.enter_async_context(service.running()))
        atexit.register(self._close)

    def _close(self) -> None:
        self._loop.run_until_complete(self._stack.aclose())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def ask(self, method: str, path: str, header: bytes, body: bytes) -> int:
        """Return the status that a request is answered by; whatever the application lets through is raised."""
        return self._loop.run_until_complete(self._ask(method, path, header, body))

    async def _ask(self, method: str, path: str, header: bytes, body: bytes) -> int:
        names = (b"content-length", b"accept-encoding") if header else ()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name, header) for name in names],
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        sent: list[Any] = []
        chunks = [body[: len(body) // 2], body[len(body) // 2 :]]

        async def receive() -> dict[str, object]:
            if not chunks:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

        async def send(message: Any) -> None:  # noqa: ANN401  # what ASGI says
            sent.append(message)

        await self._app(scope, receive, send)
        return int(sent[0]["status"])


@cache
def board_service() -> BoardService:
    """Return a board that has its manifest and a document."""
    operator = BoardOperator.create(scratch() / "board.db", SMALL_MANIFEST, **KEYS)
    for reply in operator.submit([*founding(), document(1)], now=NOW):
        if not isinstance(reply, Promise):
            raise reply
    return BoardService(operator, (), clock=lambda: float(NOW))


@cache
def board_running() -> Running:
    """Return that board's application."""
    server = board_service().server(LIMITS, interval=1e6)
    return Running(server.app, server)


class _Away:
    """A board that is not there."""

    def offer(self, entry: bytes) -> Promise:
        raise TransportError(f"down: {len(entry)}")


@cache
def drop_box() -> DropBox:
    """Return a drop box whose board does not answer."""
    store = DropStore.create(scratch() / "box.db", MANIFEST.encode(SMALL_MANIFEST))
    return DropBox(store, [_Away()], clock=lambda: float(NOW))


@cache
def drop_box_running() -> Running:
    """Return that drop box's application."""
    server = DropBoxServer(drop_box(), LIMITS, interval=1e6)
    return Running(server.app, server)


@cache
def witness_running() -> Running:
    """Return the application of a witness that has cosigned a checkpoint."""
    service = WitnessService("w1.example", key("w1.example"), Journal.create(scratch() / "w.db"), clock=lambda: NOW)
    service.role.follow_sitting(SMALL_MANIFEST)
    service.add_checkpoint(HONEST.request(0, 4))
    return Running(witness_app(service))


def request_to(running: Callable[[], Running], data: bytes) -> None:
    """Ask a service: a line `METHOD PATH HEADER`, of which the header may be missing, and a body."""
    line, _, body = data.partition(b"\n")
    method, path, header = (*line.split(b" ", 2), b"", b"")[:3]
    status = running().ask(method.decode("latin-1"), path.decode("utf-8", "replace"), header, body)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR or not 100 <= status < 600:
        raise BrokenInvariantError(f"{status} for {data[:200]!r}")


class _Said:
    """A server that always gives the same answer."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def post(self, path: str, body: bytes, limit: int) -> Answer:
        del path, body, limit
        return self._answer


def answer_of_board(data: bytes) -> None:
    """Take an answer, whose first byte says the status, to an entry that was posted."""
    status = STATUSES[data[0] % len(STATUSES)] if data else 200
    said = _Said(Answer(status, data[1:], data[-1] if len(data) % 2 else None))
    board = RemoteBoard(said, SITTING_ID, [SMALL_MANIFEST.log.promise_key], sleep=lambda _: None)  # type: ignore[arg-type]  # what it asks of a client
    with suppress(SecballotError):
        found = board.post(document(1))
        same(PROMISE.encode(found), data[1:])


def answer_of_witness(data: bytes) -> None:
    """Take what a witness answers to a checkpoint: cosignatures, or the size that it knows."""
    checkpoint = HONEST.note(5).decode().partition("\n\n")[0] + "\n"
    keys = HeadKeys(ORIGIN, key("log"))
    with suppress(SecballotError):
        keys.read_answer(SMALL_MANIFEST, data, checkpoint)
    with suppress(SecballotError):
        read_cosignatures(data, checkpoint, ())
    with suppress(SecballotError):
        same(str(read_size(data)).encode() + b"\n", data)


# Contents, signed by whoever may sign them -------------------------------------------------------------------------


@cache
def _stages() -> dict[str, tuple[list[int], bytes]]:
    """Return for every kind the indices of one effective entry with all its signers, and the state before them."""
    log = every_kind()
    found = representatives(log, [json.loads(one)["kind"] for one in log.entries])
    record = SittingRecord(log.anchor, fetch=log.entries.__getitem__)
    wanted, states = {indices[0] for indices in found.values()}, {}
    for index, one in enumerate(log.entries):
        if index in wanted:
            states[index] = saved(record)
        record.append(one)
    return {kind: (indices, states[indices[0]]) for kind, indices in found.items()}


def content(data: bytes) -> None:
    """Judge what an entry says, at the one place of a sitting where the original stands, signed anew by its signers."""
    try:
        entry = json.loads(data)
        kind, body = entry["kind"], entry["body"]
        indices, state = _stages()[kind]
    except (ValueError, TypeError, LookupError, RecursionError):
        return
    log = every_kind()
    record = restored(state, fetch=log.entries.__getitem__)
    for index in indices:
        original = json.loads(log.entries[index])
        try:
            signed = write({**entry, "body": body}).encode() if kind in UNSIGNED else _sign(log, original, body)
        except (UnicodeEncodeError, RecursionError):
            return
        if signed is None:
            return
        judgement = record.judge(signed)
        if record.append(signed) != judgement or (signed == log.entries[index] and not judgement.outcome.stands):
            raise BrokenInvariantError(f"{judgement} of {signed[:200]!r}")
        if judgement.outcome is Outcome.FAULT and judgement.culprit is None:
            raise BrokenInvariantError(f"nobody's fault: {judgement}")


# What is good ---------------------------------------------------------------------------------------------------------


def _contents() -> list[bytes]:
    return [every_kind().entries[indices[-1]] for indices, _ in _stages().values()]


def _requests_to_board() -> Iterable[bytes]:
    paths = (b"checkpoint", b"checkpoint-by-size/3", b"checkpoint-by-size/list", b"tile/0/000.p/3", b"health")
    yield from (b"GET /" + path for path in paths)
    yield b"GET /tile/entries/000.p/3 gzip;q=0.5, x-gzip"
    yield b"POST /entry " + str(len(document(2))).encode() + b"\n" + document(2)
    yield b"POST /entry\n" + founding()[0]


def _requests_to_witness() -> Iterable[bytes]:
    yield b"POST /add-checkpoint\n" + HONEST.request(4, 5)
    yield b"POST /add-checkpoint\n" + View(entries(1, 2, 9, 4, 5), sizes=(5,)).request(5, 5)
    for name in (b"checkpoint", b"evidence"):
        yield b"GET /" + base64.b16encode(SITTING_ID).lower() + b"/" + name


def _answers_of_board() -> Iterable[bytes]:
    yield b"\x00" + PROMISE.encode(promise(document(1), 2))
    yield b'\x06{"check":"ENT-06","reason":"a repetition"}'


def _answers_of_witness() -> Iterable[bytes]:
    lines = HONEST.note(5).partition(b"\n\n")[2].splitlines(keepends=True)
    return [b"".join(lines[1:]), b"5\n"]


SERVICE_TARGETS: dict[str, Target] = {
    "answer_of_board": Target(answer_of_board, _answers_of_board),
    "answer_of_witness": Target(answer_of_witness, _answers_of_witness),
    "content": Target(content, _contents),
    "request_to_board": Target(partial(request_to, board_running), _requests_to_board),
    "request_to_drop_box": Target(partial(request_to, drop_box_running), _requests_to_board),
    "request_to_witness": Target(partial(request_to, witness_running), _requests_to_witness),
}
"""By name."""
