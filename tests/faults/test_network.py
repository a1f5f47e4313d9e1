"""Bad lines between posters, readers, witnesses and board: all arrives in the end, and nothing false is believed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from secballot.audit.report import Verdict
from secballot.audit.verifier import audit
from secballot.errors import PolicyError, StoreError, TransportError
from secballot.net.client import HttpClient, Patience
from secballot.net.witness_client import RemoteWitness
from secballot.net.witness_server import witness_app
from secballot.records.promise import PROMISE
from secballot.roles.board import BoardOperator
from secballot.roles.remote import RemoteBoard, open_source
from secballot.roles.service import BoardService
from secballot.roles.view import WitnessedView
from secballot.roles.witness import WitnessRole
from secballot.roles.witness_service import WitnessService
from secballot.store.journal import Journal
from tests.faults.wire import FAULTS, bad_line
from tests.loopback import answering, serving
from tests.service_parts import KEYS, NAMES, Clock
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from secballot.records.promise import Promise

CLIENTS = 4
EACH = 12


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[BoardOperator]:
    """Return the operator of an empty board."""
    made = BoardOperator.create(tmp_path / "board.db", SMALL_MANIFEST, **KEYS)
    yield made
    made.close()


@pytest.fixture
def service(operator: BoardOperator, tmp_path: Path) -> Iterator[BoardService]:
    """Return a founded board with witnesses in process."""
    witnesses = [WitnessRole.create(tmp_path / name, name, key(name)) for name in NAMES]
    for witness in witnesses:
        witness.follow(ORIGIN, public("log")[0])
    made = BoardService(operator, witnesses, clock=Clock())
    made.submit(founding())
    yield made
    made.close()


def _post_all(url: str, first: int, promised: dict[bytes, Promise], waits: list[float]) -> None:
    """Post so many documents one after the other, each until there is a promise."""
    with HttpClient(url, patience=Patience(connect=5, read=10)) as client:
        board = RemoteBoard(client, SITTING_ID, public("promise"), sleep=waits.append)
        for number in range(first, first + EACH):
            entry = document(number)
            while entry not in promised:
                try:
                    promised[entry] = board.post(entry)
                except TransportError:
                    continue


def test_every_entry_arrives_once(service: BoardService) -> None:
    """Over a line that loses, doubles, delays, cuts and reorders, each entry gets one promise."""
    promised: dict[bytes, Promise] = {}
    waits: list[float] = []
    with serving(service.server().app) as target, bad_line(target) as (url, wire):
        posters = [
            threading.Thread(target=_post_all, args=(url, number * EACH, promised, waits)) for number in range(CLIENTS)
        ]
        for poster in posters:
            poster.start()
        for poster in posters:
            poster.join()
    store = service.operator.store
    assert len(promised) == CLIENTS * EACH
    assert store.size() == 2 + CLIENTS * EACH
    for entry, promise in promised.items():
        assert store.entry(promise.index) == entry
        assert store.promise(promise.index) == PROMISE.encode(promise)
    assert all(wire.met[fault] for fault in FAULTS), wire.met
    # Whoever had no answer waited before sending again.
    assert waits
    assert min(waits) >= 1


def test_a_line_that_is_dead_is_said_to_be_one(service: BoardService) -> None:
    """After a few attempts the poster is told that the board does not answer; the same bytes may be sent again."""
    waits: list[float] = []
    with (
        serving(service.server().app) as target,
        bad_line(target, ["lost answer"]) as (url, wire),
        HttpClient(url) as client,
    ):
        board = RemoteBoard(client, SITTING_ID, public("promise"), sleep=waits.append)
        with pytest.raises(TransportError, match="does not answer"):
            board.post(document(1))
        assert wire.met["lost answer"] == 5
        # It had arrived each time: the first promise is the one that counts.
        wire.faults = ("",)
        assert board.post(document(1)).index == 2
    assert service.operator.store.size() == 3


def test_a_reader_reads_the_log_or_nothing(service: BoardService) -> None:
    """However the line is, what is read is the board's log, or an error that says what was missing."""
    service.submit([document(number) for number in range(20)])
    service.publish()
    expected = list(service.operator.store.entries(0, 22))
    outcomes = {"read": 0, "not read": 0}
    with serving(service.server().app) as target, bad_line(target, [*FAULTS, *[""] * 8], seed=3) as (url, wire):
        for _ in range(12):
            view = WitnessedView(open_source(url), SITTING_ID)
            try:
                view.refresh()
                entries = [view.entry(index) for index in range(view.size)]
            except (TransportError, StoreError, PolicyError):
                outcomes["not read"] += 1
            else:
                assert entries == expected
                outcomes["read"] += 1
        assert all(outcomes.values()), outcomes
        wire.faults = ("",)
        assert audit(open_source(url), anchor=SITTING_ID).verdict is Verdict.STANDS


def test_an_answer_that_comes_late_does_not_lead_back(service: BoardService) -> None:
    """A reader who is given an older answer, as by a cache on the way, sees that it is older and keeps what it has."""
    service.publish()
    old: dict[str, bytes] = {}
    with serving(service.server().app) as target:

        def answer(handler: BaseHTTPRequestHandler) -> None:
            with HttpClient(target) as client:
                fresh = client.get(handler.path.removeprefix("/"), 1_000_000)
            body = old.get(handler.path, fresh.body)
            handler.send_response(200 if handler.path in old else fresh.status)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        with answering(answer) as url, HttpClient(target) as client:
            first = client.get("checkpoint", 100_000).body
            sizes = client.get("checkpoint-by-size/list", 100_000).body
            view = WitnessedView(open_source(url), SITTING_ID)
            assert view.refresh().checkpoint.tree_size == 2
            service.submit([document(1)])
            service.publish()
            assert view.refresh().checkpoint.tree_size == 3
            old.update({"/checkpoint": first, "/checkpoint-by-size/list": sizes})
            with pytest.raises(StoreError, match="the source is stale"):
                view.refresh()
            assert view.size == 3
            old.clear()
            assert view.refresh().checkpoint.tree_size == 3


def test_witnesses_behind_bad_lines_are_asked_until_they_answer(operator: BoardOperator, tmp_path: Path) -> None:
    """Doubled and late requests move no witness back; what is lost is asked for in the next round."""
    journals = [Journal.create(tmp_path / name) for name in NAMES[:2]]
    roles = [WitnessService(name, key(name), journal) for name, journal in zip(NAMES, journals, strict=False)]
    for role in roles:
        role.role.follow(ORIGIN, public("log")[0])
    with (
        serving(witness_app(roles[0])) as one,
        serving(witness_app(roles[1])) as two,
        bad_line(one, seed=5) as (first, wire),
        bad_line(two, seed=6) as (second, other),
        HttpClient(first) as to_first,
        HttpClient(second) as to_second,
    ):
        remote = [RemoteWitness(NAMES[0], to_first), RemoteWitness(NAMES[1], to_second)]
        service = BoardService(operator, remote, clock=Clock(), patience=5)
        service.submit(founding())
        rounds, failures = 0, set()
        for number in range(8):
            service.submit([document(number)])
            while service.files.published < operator.store.size():
                rounds += 1
                try:
                    service.publish()
                except PolicyError as error:
                    failures.add(error.message.partition(" of witnesses")[0])
        service.close()
        assert failures == {"no quorum"}
        assert rounds > 8
        assert all(role.role.state(ORIGIN).tree_size == 10 for role in roles)
        assert all(role.role.state(ORIGIN).root == operator.store.root(10) for role in roles)
        assert sum(wire.met.values()) + sum(other.met.values()) > rounds
    for journal in journals:
        journal.close()
