"""Posting to several boards and drop boxes: the same bytes, until a promise comes from one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from secballot.errors import RefusalError, SecballotError, TransportError, VerificationError
from secballot.net.client import HttpClient
from secballot.records.promise import PROMISE, Promise
from secballot.roles.posting import MAX_WAIT, SeveralPlaces, open_poster
from secballot.roles.remote import ATTEMPTS, KeptError, Later, RemoteBoard
from tests.loopback import answering, free_port
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST, founding, public
from tests.two_views import promise

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

ENTRY = founding()[0]
PROMISED = promise(ENTRY, 0)


@dataclass
class Place:
    """A place that gives these answers one after the other, the last one for ever."""

    answers: list[Promise | Later | SecballotError]
    seen: list[bytes] = field(default_factory=list)

    def offer(self, entry: bytes) -> Promise | Later:
        """Give the next answer."""
        self.seen.append(entry)
        answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        if isinstance(answer, SecballotError):
            raise answer
        return answer


def _post(*places: Place, waits: list[float] | None = None) -> Promise:
    slept: list[float] = [] if waits is None else waits
    return SeveralPlaces(places, sleep=slept.append).post(ENTRY)


def test_the_first_promise_is_enough() -> None:
    """The places behind the one that promises are not asked."""
    board, box = Place([PROMISED]), Place([Later(kept=True)])
    assert _post(board, box) == PROMISED
    assert (board.seen, box.seen) == ([ENTRY], [])


@pytest.mark.parametrize("trouble", [TransportError("down"), RefusalError("no"), VerificationError("false")])
def test_one_bad_place_stops_nobody(trouble: SecballotError) -> None:
    """A board that is down, refuses, or answers nonsense is gone round by a drop box, with the same bytes."""
    board, box = Place([trouble]), Place([Later(2, kept=True), PROMISED])
    waits: list[float] = []
    assert _post(board, box, waits=waits) == PROMISED
    assert box.seen == [ENTRY, ENTRY]
    assert waits == [2]


def test_a_place_that_refuses_is_not_asked_again() -> None:
    """Others are, and if all refuse, the first one's reason stands."""
    first, second = Place([RefusalError("no", check="BAL-03")]), Place([Later(), RefusalError("never", check="BAL-04")])
    with pytest.raises(RefusalError) as refused:
        _post(first, second)
    assert refused.value.check == "BAL-03"
    assert (len(first.seen), len(second.seen)) == (1, 2)


def test_what_a_drop_box_keeps_is_said_to_be_kept() -> None:
    """The sender learns that its entry is safe, though not promised; waits grow, and are bounded."""
    waits: list[float] = []
    with pytest.raises(KeptError):
        _post(Place([TransportError("down")]), Place([Later(kept=True)]), waits=waits)
    assert waits == [1, 2, 4, 8, 16]
    with pytest.raises(KeptError):
        _post(Place([Later(3_600, kept=True)]), waits=waits)
    assert waits[-1] == MAX_WAIT


def test_what_nobody_took_is_said_to_be_lost() -> None:
    """Without a place that keeps it, the entry is nowhere; a false promise is worth more than silence."""
    with pytest.raises(TransportError) as lost:
        _post(Place([TransportError("down")]), Place([Later()]))
    assert not isinstance(lost.value, KeptError)
    with pytest.raises(VerificationError):
        _post(Place([TransportError("down")]), Place([VerificationError("false")]))
    for places, rounds in ((), 1), ((Place([PROMISED]),), 0):
        with pytest.raises(ValueError, match="needs"):
            SeveralPlaces(places, rounds=rounds)


def _answer(status: HTTPStatus, body: bytes, retry: str = "") -> object:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(status)
        if retry:
            handler.send_header("Retry-After", retry)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_over_http_the_other_place_gives_the_promise() -> None:
    """A dead board and a drop box that hands the board's promise back, by their URLs."""
    with answering(_answer(HTTPStatus.OK, PROMISE.encode(PROMISED))) as box:  # type: ignore[arg-type]
        poster = open_poster([f"http://127.0.0.1:{free_port()}", box], SMALL_MANIFEST, SITTING_ID)
        assert poster.post(ENTRY) == PROMISED


def test_one_drop_box_alone_is_asked_until_it_has_the_promise() -> None:
    """202 is no promise: the same bytes are sent again after the time it asks for, and kept is what they are."""
    waits: list[float] = []
    body = b'{"reason":"kept"}'
    with (
        answering(_answer(HTTPStatus.ACCEPTED, body, "7")) as url,  # type: ignore[arg-type]
        HttpClient(url) as client,
        pytest.raises(KeptError),
    ):
        RemoteBoard(client, SITTING_ID, public("promise"), sleep=waits.append).post(ENTRY)
    assert waits == [7] * (ATTEMPTS - 1)
