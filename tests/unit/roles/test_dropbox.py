"""A drop box: what it takes it keeps and forwards, whatever boards do; and it hands the board's word back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from secballot.errors import RefusalError, SecballotError, StoreError, TransportError, VerificationError
from secballot.net.dropbox_server import DropBoxServer
from secballot.net.limits import ServiceLimits
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE, Promise
from secballot.roles.dropbox import MAX_PAUSE, OFFICE_SECONDS, DropBox
from secballot.roles.posting import open_places, open_poster
from secballot.roles.remote import Later
from secballot.store.dropbox import DropStore
from tests.loopback import free_port, serving
from tests.sealed_ballots import ONE_OF_THREE, make_context
from tests.small_sitting import NOW, SITTING_ID, SMALL_MANIFEST, ballot, document, founding, signed
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from secballot.roles.service import BoardService
    from tests.service_parts import Clock

ENTRY, OTHER = founding()
JUNK = signed("manifest", SMALL_MANIFEST, "somebody")


@dataclass
class Board:
    """A board that says what it is told to say: promise, busy, no, down, or nonsense."""

    says: Promise | Later | SecballotError | str = "promise"
    operator: str = "promise"
    seen: list[bytes] = field(default_factory=list)

    def offer(self, entry: bytes) -> Promise | Later:
        """Answer."""
        self.seen.append(entry)
        if isinstance(self.says, SecballotError):
            raise self.says
        return promise(entry, len(self.seen), self.operator) if isinstance(self.says, str) else self.says


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DropStore]:
    """Return an empty drop box."""
    with DropStore.create(tmp_path / "box.db", MANIFEST.encode(SMALL_MANIFEST)) as made:
        yield made


@pytest.fixture
def box(store: DropStore, clock: Clock) -> Iterator[Callable[..., DropBox]]:
    """Return what opens a drop box before these boards."""
    opened: list[DropBox] = []

    def make(*boards: Board, **options: object) -> DropBox:
        opened.append(DropBox(store, boards, clock=clock, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def _answer(box: DropBox, entry: bytes = ENTRY) -> str:
    (reply,) = box.submit([entry])
    if reply.kept:
        return "kept"
    return "promised" if reply.promise else type(reply.error).__name__


def test_an_entry_is_kept_forwarded_and_promised(box: Callable[..., DropBox], clock: Clock) -> None:
    """It is acknowledged before any board has seen it, offered once, and then has the board's promise for ever."""
    board = Board()
    made = box(board)
    assert (_answer(made), board.seen) == ("kept", [])
    assert made.known(ENTRY) is None
    clock.now += 5
    made.forward()
    assert board.seen == [ENTRY]
    (reply,) = made.submit([ENTRY])
    assert PROMISE.decode(reply.promise) == promise(ENTRY, 1)
    assert made.known(ENTRY) == reply.promise
    made.forward()
    assert board.seen == [ENTRY]
    assert made.store.entry(1).received == NOW


@pytest.mark.parametrize("trouble", [TransportError("down"), VerificationError("junk"), RefusalError("no"), Later(3)])
def test_another_board_promises_what_one_does_not(box: Callable[..., DropBox], trouble: SecballotError | Later) -> None:
    """One board that is down, false, unwilling or busy stops nobody."""
    made = box(Board(trouble), Board())
    _answer(made)
    made.forward()
    assert _answer(made) == "promised"


def test_a_board_that_is_down_is_asked_more_and_more_seldom(box: Callable[..., DropBox], clock: Clock) -> None:
    """Nothing is lost meanwhile, and when it is back, everything is there at once."""
    board = Board(TransportError("down"))
    made = box(board)
    made.submit([document(number) for number in range(20)])
    assert made.health()["well"]
    for _ in range(200):
        made.forward()
        clock.now += 1
    assert len(board.seen) < 200
    assert not made.health()["well"]
    board.says = "promise"
    clock.now += MAX_PAUSE // 10
    made.forward()
    assert made.health() == {
        "bytes": made.store.counts()["bytes"],
        "boards_failing": 0,
        "entries": 20,
        "promised": 20,
        "refused": 0,
        "well": True,
    }


def test_a_busy_board_is_left_alone_for_as_long_as_it_asks(box: Callable[..., DropBox], clock: Clock) -> None:
    """And no longer."""
    board = Board(Later(40))
    made = box(board)
    _answer(made)
    for seconds, offers in ((0, 1), (39, 1), (1, 2)):
        clock.now += seconds
        made.forward()
        assert len(board.seen) == offers


def test_whoever_sends_too_often_keeps_nobody_else_back(box: Callable[..., DropBox], clock: Clock) -> None:
    """A board that is tired of one credential goes on taking the entries of others; that one waits as it was told."""
    board = Board(Later(40, alone=True))
    made = box(board)
    _answer(made)
    made.forward()
    board.says = "promise"
    assert _answer(made, OTHER) == "kept"
    made.forward()
    assert (_answer(made, OTHER), board.seen) == ("promised", [ENTRY, OTHER])
    for seconds, offers in ((39, 2), (1, 3)):
        clock.now += seconds
        made.forward()
        assert len(board.seen) == offers


def test_what_every_board_refuses_is_refused_and_kept(box: Callable[..., DropBox], clock: Clock) -> None:
    """The sender gets the first one's reason; the entry stays, and is taken as soon as a board takes it."""
    board, other = Board(RefusalError("too early", check="ENT-03")), Board(RefusalError("no", check="ENT-06"))
    made = box(board, other)
    _answer(made)
    made.forward()
    (reply,) = made.submit([ENTRY])
    assert isinstance(reply.error, RefusalError)
    assert (reply.error.message, reply.error.check, reply.charged) == ("too early", "ENT-03", False)
    for _ in range(1_000):
        made.forward()
        clock.now += 1
    assert 4 < len(board.seen) < 15
    board.says = "promise"
    clock.now += MAX_PAUSE
    made.forward()
    assert _answer(made) == "promised"
    assert made.health()["refused"] == 0


def test_whoever_sends_again_is_offered_again(box: Callable[..., DropBox]) -> None:
    """Once, however often it is sent before; a refusal by one of two boards is no refusal."""
    board = Board(RefusalError("no"))
    made = box(board)
    _answer(made)
    made.forward()
    for _ in range(5):
        assert _answer(made) == "RefusalError"
    made.forward()
    assert len(board.seen) == 2
    half = box(Board(RefusalError("no")), Board(TransportError("down")))
    half.forward()
    assert _answer(half, OTHER) == "kept"
    half.forward()
    assert _answer(half, OTHER) == "kept"


def test_a_restart_goes_on_with_what_is_open(box: Callable[..., DropBox]) -> None:
    """What was promised is not offered again, what was not is; nothing but the store is needed."""
    first = box(Board(TransportError("down")), pause=1)
    first.submit([ENTRY, OTHER])
    first.forward()
    board = Board()
    box(board).forward()
    assert board.seen == [ENTRY, OTHER]
    again = Board()
    box(again).forward()
    assert again.seen == []


def test_what_depends_on_an_order_is_forwarded_in_it(box: Callable[..., DropBox]) -> None:
    """Officials' entries as they came; ballots of one credential in a row, whoever's come in between."""
    context = make_context(ONE_OF_THREE)
    ballots = [ballot(context, number, sequence, bytes([sequence]) * 32) for sequence in range(4) for number in (1, 2)]
    sent = [ENTRY, OTHER, *ballots[:6], document(1), *ballots[6:], document(2)]
    board = Board()
    made = box(board)
    for entry in sent:
        made.submit([entry])
    made.forward()
    official = [ENTRY, OTHER, document(1), document(2)]
    assert [entry for entry in board.seen if entry in official] == official
    for number in (0, 1):
        own = ballots[number::2]
        assert [entry for entry in board.seen if entry in own] == own
    assert board.seen.index(document(1)) == 8


def test_disk_trouble_while_forwarding_loses_nothing(
    box: Callable[..., DropBox], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Whatever was on its way is offered again."""
    board = Board()
    made = box(board)
    made.submit([ENTRY, OTHER])

    def broken(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(made.store, "put_promise", broken)
    with pytest.raises(StoreError):
        made.forward()
    monkeypatch.undo()
    clock.now += 60
    made.forward()
    assert made.store.counts()["promised"] == 2


def test_room_is_bounded_with_some_left_for_officials(box: Callable[..., DropBox]) -> None:
    """Strangers fill four fifths; what a party of the manifest has signed finds room in the rest."""
    made = box(Board(), entries=10)
    strangers = [made.submit([signed("manifest", SMALL_MANIFEST, f"stranger {at}")])[0] for at in range(9)]
    assert [bool(reply.kept) for reply in strangers] == [True] * 8 + [False]
    assert isinstance(strangers[-1].error, StoreError)
    assert made.ticket(ENTRY).urgent
    assert not made.ticket(JUNK).urgent
    assert [_answer(made, document(at)) for at in range(3)] == ["kept", "kept", "StoreError"]
    assert not made.health()["well"]
    assert _answer(box(Board(), size=100), OTHER) == "StoreError"


def test_after_a_handover_everything_is_offered_to_the_successor(box: Callable[..., DropBox], clock: Clock) -> None:
    """Promises of the first operator do not count any more; they are kept beside the successor's."""
    first, second = Board(), Board(TransportError("not yet there"), "promise 2")
    log = View(entries(1, 2), sizes=(4,))
    made = box(first, second, logs=[log])
    made.submit([ENTRY, OTHER])
    made.forward()
    assert _answer(made) == "promised"
    for operator, witnesses in (("log", log.witnesses), ("log 2", ("w1.example",)), ("somebody", log.witnesses)):
        log.operator, log.witnesses = operator, witnesses
        clock.now += OFFICE_SECONDS
        made.forward()
        assert (made.office, _answer(made)) == (1, "promised")
    log.operator, log.witnesses = "log 2", ("w1.example", "w2.example")
    second.says = "promise"
    clock.now += OFFICE_SECONDS
    made.forward()
    assert made.office == 2
    clock.now += MAX_PAUSE
    made.forward()
    assert second.seen == [ENTRY, OTHER]
    newest = PROMISE.decode(made.known(ENTRY) or b"")
    assert newest == promise(ENTRY, newest.index, "promise 2")
    assert len(made.store.promises(made.store.entry(1).leaf)) == 2
    assert made.health()["promised"] == 2


def test_a_log_that_cannot_be_read_hands_nothing_over(box: Callable[..., DropBox]) -> None:
    """A board without a log, and one that is down, are no successors."""

    class Broken(View):
        def checkpoint_notes(self) -> list[bytes]:
            raise TransportError("down")

    made = box(Board(), logs=[Broken(entries(), sizes=()), View(entries(), sizes=())])
    made.forward()
    assert made.office == 1


def test_a_drop_box_over_http_before_a_real_board(box: Callable[..., DropBox], service: BoardService) -> None:
    """Its answers are those of a board, and 202; the board's promise comes back, and strangers' bytes do not get in."""
    with serving(service.server(interval=3_600).app) as board:
        made = box(*open_places([board], SMALL_MANIFEST, SITTING_ID))
        limits = ServiceLimits(entry_bytes=5_000, rate=0.01, burst=20)
        with serving(DropBoxServer(made, limits, interval=0.01).app) as url:
            dead = f"http://127.0.0.1:{free_port()}"
            poster = open_poster([dead, url], SMALL_MANIFEST, SITTING_ID)
            given = [poster.post(entry) for entry in (ENTRY, OTHER, document(1))]
            assert [one.index for one in given] == [0, 1, 2]

            def post(body: bytes) -> httpx.Response:
                return httpx.post(f"{url}/entry", content=body, trust_env=False)

            assert PROMISE.decode(post(ENTRY).content) == given[0]
            assert (post(b"junk").status_code, post(b"x" * 5_001).status_code) == (400, 413)
            facts = httpx.get(f"{url}/health", trust_env=False)
            assert (facts.status_code, facts.json()["promised"]) == (200, 3)
            assert json.dumps(facts.json()).count(document(1).decode()[20:40]) == 0
            assert 503 in [post(b"junk").status_code for _ in range(25)]
            assert httpx.get(f"{url}/checkpoint", trust_env=False).status_code == 404


def test_a_drop_box_may_be_mounted(box: Callable[..., DropBox]) -> None:
    """Inside the application of a congress, whose life its tasks share."""
    server = DropBoxServer(box(Board()), interval=0.01)
    around = Starlette(routes=[Mount("/box", server.app)], lifespan=lambda _: server.running())
    with serving(around) as url:
        poster = open_poster([f"{url}/box"], SMALL_MANIFEST, SITTING_ID)
        assert poster.post(ENTRY).index == 1
        assert httpx.get(f"{url}/box/health", trust_env=False).json()["well"]


def test_a_full_or_troubled_drop_box_says_503(box: Callable[..., DropBox], monkeypatch: pytest.MonkeyPatch) -> None:
    """Full, or with a disk that does not answer, it acknowledges nothing."""
    made = box(Board(TransportError("down")), entries=2)
    with serving(DropBoxServer(made).app) as url:

        def status(body: bytes) -> int:
            return httpx.post(f"{url}/entry", content=body, trust_env=False).status_code

        assert [status(document(at)) for at in range(3)] == [202, 202, 503]
        assert httpx.get(f"{url}/health", trust_env=False).status_code == 503

        def broken(*_: object, **__: object) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(made.store, "keep", broken)
        monkeypatch.setattr(made.store, "counts", broken)
        assert status(document(9)) == 503
        assert httpx.get(f"{url}/health", trust_env=False).json() == {"waiting": 0, "well": False}
