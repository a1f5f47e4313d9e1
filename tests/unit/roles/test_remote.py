"""Logs by URL and boards from afar: which source a name opens, and what is needed for it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import Party, RefusalError, StoreError, TransportError, VerificationError
from secballot.net.client import HttpClient
from secballot.net.source import HttpSource
from secballot.records.promise import PROMISE
from secballot.roles.posting import open_places
from secballot.roles.promising import sign_promise
from secballot.roles.remote import RemoteBoard, open_source
from secballot.store.source import DatabaseSource, FolderSource
from tests.loopback import answering, free_port
from tests.small_sitting import NOW, SITTING_ID, SMALL_MANIFEST, founding, key, public
from tests.two_views import View, entries

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path


def test_a_name_says_what_is_opened(tmp_path: Path) -> None:
    """URLs are asked over HTTP, everything else is on the disk."""
    folder = View(entries(1), sizes=(3,)).publish(tmp_path / "view")
    assert isinstance(open_source("https://log.example/sitting"), HttpSource)
    assert isinstance(open_source(folder), FolderSource)
    assert isinstance(open_source(str(tmp_path / "view" / "board.db")), DatabaseSource)
    with pytest.raises(StoreError):
        open_source("ftp://log.example")
    with pytest.raises(TransportError):
        open_source("http://")


@pytest.mark.parametrize(
    ("missing", "statement"),
    [
        ("httpx", "from secballot.roles.remote import open_source; open_source('https://log.example')"),
        ("starlette", "from secballot_cli.serving import server_part; server_part('secballot.roles.service')"),
    ],
)
def test_a_missing_extra_is_named(missing: str, statement: str) -> None:
    """Without the optional packages the rest works, and what needs them says so."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import secballot_cli.audit, secballot_cli.receipt, secballot_cli.board, secballot_cli.witness\n"
        "from secballot.errors import StoreError\n"
        f"try:\n    {statement}\n"
        "except StoreError as error:\n    print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "pip install secballot[" in done.stdout


@pytest.mark.parametrize("body", [b"", b"junk", b"[]", b'{"reason":7}', b"[" * 5_000, b"\xff"])
def test_anything_else_that_refuses_is_no_board(body: bytes) -> None:
    """A refusal in other words than a board's is trouble on the way."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(422)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with answering(answer) as url, HttpClient(url) as client, pytest.raises(TransportError, match="422"):
        RemoteBoard(client, SITTING_ID, public("promise")).post(founding()[0])


def test_a_board_in_its_own_words_refuses() -> None:
    """Check and reason come through."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = b'{"check":"BAL-03","reason":"no","more":1}'
        handler.send_response(422)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with answering(answer) as url, HttpClient(url) as client, pytest.raises(RefusalError) as refused:
        RemoteBoard(client, SITTING_ID, public("promise")).post(founding()[0])
    assert (refused.value.check, refused.value.message) == ("BAL-03", "no")


def test_a_board_that_is_down_is_tried_again() -> None:
    """A dead board is asked a few times, with waits, before it is given up."""
    waits: list[float] = []
    with HttpClient(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(TransportError):
        RemoteBoard(client, SITTING_ID, public("promise"), sleep=waits.append).post(founding()[0])
    assert len(waits) == 4


@pytest.mark.parametrize("delay", [0, 59, 61, 2**53 - 1])
def test_a_promise_for_another_time_than_the_manifests_is_refused(delay: int) -> None:
    """A board that promises a place within years promises nothing; its signature shows what it tried."""
    entry = founding()[0]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        promise = sign_promise(key("promise"), SITTING_ID, leaf_hash(entry), 7, now=NOW, maximum_delay=delay)
        body = PROMISE.encode(promise)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with answering(answer) as url:
        (place,) = open_places([url], SMALL_MANIFEST, SITTING_ID)
        with pytest.raises(VerificationError, match=f"within {delay} s") as raised:
            place.post(entry)
        assert (raised.value.check, raised.value.culprit) == ("POL-07", Party("board"))
        assert PROMISE.decode(raised.value.evidence).maximum_delay == delay
        with HttpClient(url) as client:
            assert RemoteBoard(client, SITTING_ID, public("promise")).post(entry).maximum_delay == delay
            assert RemoteBoard(client, SITTING_ID, public("promise"), maximum_delay=delay).post(entry).index == 7
