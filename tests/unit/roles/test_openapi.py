"""The OpenAPI documents are true: the real services give every answer that is described, in that form, and no other."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from secballot.board.note import Ed25519Signer, Note, sign_note
from secballot.board.witness import MAX_REQUEST_SIZE
from secballot.errors import RefusalError, StoreError
from secballot.net import witness_server
from secballot.net.door import Ticket
from secballot.net.dropbox_server import DropBoxServer
from secballot.net.limits import ServiceLimits
from secballot.net.witness_server import witness_app
from secballot.records.manifest import MANIFEST
from secballot.roles.dropbox import DropBox
from secballot.roles.witness_service import WitnessService
from secballot.store.dropbox import DropStore
from secballot.store.journal import Journal
from tests.described import Described
from tests.loopback import serving
from tests.small_sitting import NOW, ORIGIN, SMALL_MANIFEST, document, founding, key
from tests.unit.roles.test_contradictions import HONEST, OTHER
from tests.unit.roles.test_dropbox import JUNK, Board

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from secballot.net.door_service import DoorService
    from secballot.roles.service import BoardService
    from tests.service_parts import Clock

DIGEST = hashlib.sha256(ORIGIN.encode()).hexdigest()
IMPATIENT = ServiceLimits(body_seconds=0.2)
RARE = ServiceLimits(rate=0.001, burst=1, key_rate=0.001, key_burst=1)


def failing(*_: object, **__: object) -> None:
    """Fail as a disk does."""
    raise StoreError("the disk is in trouble")


def slowly() -> Iterator[bytes]:
    """Yield a body that takes longer than a service waits."""
    yield b"{"
    time.sleep(1)
    yield b"}"


def ask_door(described: Described, url: str) -> None:
    """Bring the door what it refuses whatever it has behind it."""
    described.ask(url, "POST", "/entry", b"{}")
    described.ask(url, "POST", "/entry", b" " * 65_536)


def ask_too_often(
    described: Described, backend: BoardService | DropBox, server: DoorService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bring the door an entry of a credential that has had its turn, and then one too many."""
    monkeypatch.setattr(backend, "ticket", lambda _: Ticket(key=b"credential"))
    server._door._keys.take(b"credential", time.monotonic())
    with serving(server.app) as url:
        answers = [described.ask(url, "POST", "/entry", document(number)).status_code for number in (3, 4)]
    assert answers == [429, 503]


def test_the_board(service: BoardService, monkeypatch: pytest.MonkeyPatch) -> None:
    """`secballot board serve`."""
    described = Described("board.yaml")
    server = service.server(interval=3_600)
    with serving(server.app) as url:
        described.ask(url, "GET", "/checkpoint")
        for entry in (*founding(), document(1)):
            described.ask(url, "POST", "/entry", entry)
        described.ask(url, "POST", "/entry", JUNK)
        ask_door(described, url)
        service.publish()
        described.ask(url, "GET", "/health")
        paths = ["/checkpoint", "/checkpoint-by-size/list", "/checkpoint-by-size/3", "/tile/0/000.p/3"]
        paths += ["/tile/entries/000.p/3"]
        absent = ["/checkpoint-by-size/2", "/tile/0/000", "/tile/63/x001/x234/067", "/tile/entries/x001/000.p/255"]
        for path in (*paths, *absent):
            described.ask(url, "GET", path)
        with monkeypatch.context() as patched:
            for owner, name in ((service.files, "read"), (service.operator, "submit"), (service, "health")):
                patched.setattr(owner, name, failing)
            for path in (*paths, "/health"):
                assert described.ask(url, "GET", path).status_code == 503
            assert described.ask(url, "POST", "/entry", document(2)).status_code == 503
    described.check_routes(server.app.routes)
    with serving(service.server(IMPATIENT, interval=3_600).app) as url:
        assert described.ask(url, "POST", "/entry", slowly()).status_code == 408
    ask_too_often(described, service, service.server(RARE, interval=3_600), monkeypatch)
    assert described.seen == described.promised()


def test_the_drop_box(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """`secballot dropbox serve`."""
    described = Described("dropbox.yaml")
    board = Board()
    with DropStore.create(tmp_path / "box.db", MANIFEST.encode(SMALL_MANIFEST)) as store:
        box = DropBox(store, [board], clock=clock)
        server = DropBoxServer(box, interval=3_600)
        with serving(server.app) as url:
            described.ask(url, "GET", "/health")
            assert described.ask(url, "POST", "/entry", founding()[0]).status_code == 202
            box.forward()
            assert described.ask(url, "POST", "/entry", founding()[0]).status_code == 200
            board.says = RefusalError("not on the roll", check="BAL-02")
            described.ask(url, "POST", "/entry", document(1))
            clock.now += 60
            box.forward()
            assert described.ask(url, "POST", "/entry", document(1)).status_code == 422
            ask_door(described, url)
            with monkeypatch.context() as patched:
                patched.setattr(store, "keep", failing)
                patched.setattr(box, "health", failing)
                described.ask(url, "GET", "/health")
                described.ask(url, "POST", "/entry", document(2))
        described.check_routes(server.app.routes)
        with serving(DropBoxServer(box, IMPATIENT, interval=3_600).app) as url:
            assert described.ask(url, "POST", "/entry", slowly()).status_code == 408
        ask_too_often(described, box, DropBoxServer(box, RARE, interval=3_600), monkeypatch)
        box.close()
    assert described.seen == described.promised()


def test_the_witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`secballot witness serve`."""
    described = Described("witness.yaml")
    stranger = Ed25519Signer(ORIGIN, key("stranger"))
    unsigned = sign_note(Note.decode(HONEST.note(5)).text, [stranger]).encode()
    unknown = HONEST.note(5).replace(ORIGIN.encode(), b"other.example", 1)
    paths = [f"/{DIGEST}/checkpoint", f"/{DIGEST}/evidence"]
    with Journal.create(tmp_path / "w.db") as journal:
        service = WitnessService("w1.example", key("w1.example"), journal, clock=lambda: NOW)
        service.role.follow_sitting(SMALL_MANIFEST)
        app = witness_app(service)
        with serving(app) as url:
            statuses = {}
            for path in (*paths, "/health"):
                described.ask(url, "GET", path)
            bodies = {
                "good": HONEST.request(0, 4),
                "growth": HONEST.request(4, 5),
                "malformed": b"old 5\n",
                "unsigned": HONEST.request(5, 5, unsigned),
                "unknown": HONEST.request(5, 5, unknown),
                "stale": HONEST.request(0, 4),
                "another root": OTHER.request(5, 5),
                "too long": b" " * (MAX_REQUEST_SIZE + 1),
            }
            for name, body in bodies.items():
                statuses[name] = described.ask(url, "POST", "/add-checkpoint", body).status_code
            assert list(statuses.values()) == [200, 200, 400, 403, 404, 409, 422, 413]
            for path in paths:
                assert described.ask(url, "GET", path).status_code == 200
            with monkeypatch.context() as patched:
                for name in ("add_checkpoint", "latest", "evidence"):
                    patched.setattr(service, name, failing)
                for path in paths:
                    assert described.ask(url, "GET", path).status_code == 503
                assert described.ask(url, "POST", "/add-checkpoint", bodies["good"]).status_code == 503
            monkeypatch.setattr(witness_server, "BODY_SECONDS", 0.2)
            assert described.ask(url, "POST", "/add-checkpoint", slowly()).status_code == 408
    described.check_routes(app.routes)
    assert described.seen == described.promised()
