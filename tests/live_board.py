"""The simulator's board behind HTTP, as a delegate's tool meets it; it can lie, be slow, or be dead."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from secballot.board.published import encode_sizes
from secballot.board.tile import TILE_WIDTH, bundles_of, encode_bundle
from secballot.records.promise import PROMISE, Promise
from tests.loopback import answering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from tests.simulator import Simulator


@dataclass
class LiveBoard:
    """What one server does with entries.

    Attributes:
        simulator: whose log it shows.
        posting: `takes` and promises, `drops` what it promises, `keeps` as a drop box does, `refuses`, or `fails`.
        witnessing: whether every entry is cosigned at once.
        posted: every entry that came, whatever became of it.
        url: where it is.
    """

    simulator: Simulator
    posting: str = "takes"
    witnessing: bool = True
    posted: list[bytes] = field(default_factory=list)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(request.headers.get("Content-Length", "0"))
        body = request.rfile.read(length)
        with self.lock:
            if request.command == "POST":
                self.posted.append(body)
                status, data = self._post(body)
            else:
                found = self._file(request.path.lstrip("/"))
                status, data = (404, b"") if found is None else (200, found)
        with suppress(ConnectionError):  # whoever asked may have been killed
            request.send_response(status)
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data)

    def _post(self, entry: bytes) -> tuple[int, bytes]:
        board, now = self.simulator.board, self.simulator.rehearsal.now
        if self.posting == "keeps":
            return 202, b""
        if self.posting == "refuses":
            return 422, json.dumps({"check": "BAL-03", "reason": "not the next one"}).encode()
        if self.posting == "fails":
            return 500, b""
        if entry in board.entries:
            answer: object = board.promise(entry, board.entries.index(entry), now)
        elif self.posting == "drops":
            answer = board.promise(entry, len(board.entries), now)
        else:
            (answer,) = board.submit([entry], now=now)
        if not isinstance(answer, Promise):
            return 422, json.dumps({"check": getattr(answer, "check", None), "reason": str(answer)}).encode()
        if self.witnessing:
            self.simulator.rehearsal.witness()
        return 200, PROMISE.encode(answer)

    def _file(self, path: str) -> bytes | None:
        notes, entries = self.simulator.board.notes, self.simulator.board.entries
        if path == "checkpoint":
            return notes[max(notes)]
        if path == "checkpoint-by-size/list":
            return encode_sizes(notes)
        if path.startswith("checkpoint-by-size/"):
            return notes.get(int(path.rpartition("/")[2]))
        for bundle in bundles_of(len(entries)):
            whole = bundle.path.partition(".p/")[0]
            if path.partition(".p/")[0] == whole and path.startswith("tile/entries/"):
                width = int(path.partition(".p/")[2] or TILE_WIDTH)
                first = bundle.index * TILE_WIDTH
                if first + width <= len(entries):
                    return encode_bundle(tuple(entries[first : first + width]))
        return None


@contextmanager
def live(simulator: Simulator, posting: str = "takes", *, witnessing: bool = True) -> Iterator[LiveBoard]:
    """Serve a simulator's board, and yield it with its URL."""
    board = LiveBoard(simulator, posting, witnessing)
    with answering(board.answer) as url:
        board.url = url
        yield board


def write_folder(board: LiveBoard, folder: Path) -> Path:
    """Write what the board shows as static files, as a memory stick carries it."""
    size = len(board.simulator.board.entries)
    paths = [bundle.path for bundle in bundles_of(size)]
    paths += ["checkpoint", "checkpoint-by-size/list", f"checkpoint-by-size/{max(board.simulator.board.notes)}"]
    for path in paths:
        data = board._file(path)
        assert data is not None, path
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (folder / "checkpoint-by-size/list").write_bytes(encode_sizes([max(board.simulator.board.notes)]))
    return folder
