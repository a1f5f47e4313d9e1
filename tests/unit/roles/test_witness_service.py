"""A witness over HTTP: the answers of C2SP, its state before its word, and what monitors see."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import httpx
import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner, verifier
from secballot.board.merkle import ConsistencyProof, leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note, open_note
from secballot.board.witness import MAX_REQUEST_SIZE, Request, WitnessRefusalError, monitoring_path, read_cosignatures
from secballot.errors import StoreError, TransportError
from secballot.net.client import HttpClient
from secballot.net.witness_client import RemoteWitness, latest_cosigned
from secballot.net.witness_server import witness_app
from secballot.roles.witness_service import WitnessService
from secballot.signing import SigningKey
from secballot.store.journal import Journal
from tests.loopback import answering, free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = "log.example/sitting"
NAME = "witness.example/w1"
LOG_KEY, WITNESS_KEY, OTHER_KEY = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3))
VKEY = Ed25519Cosigner(NAME, WITNESS_KEY).vkey
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(50)]
NOW = 1_700_000_000


@pytest.fixture
def service(tmp_path: Path) -> Iterator[WitnessService]:
    """Return a witness that follows one log."""
    with Journal.create(tmp_path / "witness.db") as journal:
        made = WitnessService(NAME, WITNESS_KEY, journal, clock=lambda: NOW)
        made.role.follow(ORIGIN, LOG_KEY.verify_key.encode())
        yield made


@pytest.fixture
def url(service: WitnessService) -> Iterator[str]:
    """Return the URL of the running witness."""
    with serving(witness_app(service)) as running:
        yield running


def note(size: int, *, origin: str = ORIGIN, key: SigningKey = LOG_KEY, root: bytes | None = None) -> Note:
    """Return a checkpoint of the log."""
    return sign_checkpoint(Checkpoint(origin, size, root or root_of(LEAVES[:size])), [Ed25519Signer(origin, key)])


def request(
    old: int, size: int, *, origin: str = ORIGIN, key: SigningKey = LOG_KEY, root: bytes | None = None
) -> bytes:
    """Return an add-checkpoint request."""
    proof = ConsistencyProof.prove(
        old, size, lambda level, index: root_of(LEAVES[index << level : (index + 1) << level])
    )
    return Request(old, proof.hashes, note(size, origin=origin, key=key, root=root).encode()).encode()


def _post(url: str, body: bytes) -> httpx.Response:
    return httpx.post(f"{url}/add-checkpoint", content=body, trust_env=False)


def test_growth_is_cosigned(url: str) -> None:
    """Each checkpoint that continues the last gets a good cosignature."""
    for old, size in ((0, 5), (5, 5), (5, 20), (20, 50)):
        answer = _post(url, request(old, size))
        assert answer.status_code == 200
        assert read_cosignatures(answer.content, note(size).text, [VKEY])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"junk", 400),
        (request(0, 5, origin="other.example/log"), 404),
        (request(0, 5, key=OTHER_KEY), 403),
        (request(20, 30), 409),
        (request(10, 10, root=bytes(32)), 422),
        (Request(30, (), note(20).encode()).encode(), 400),
        (Request(10, (bytes(32),), note(20).encode()).encode(), 422),
        (b"x" * (MAX_REQUEST_SIZE + 1), 413),
    ],
)
def test_refusals_have_their_status(url: str, body: bytes, status: int) -> None:
    """Whatever is refused is refused as C2SP says, and leaves the state as it was."""
    assert _post(url, request(0, 10)).status_code == 200
    answer = _post(url, body)
    assert answer.status_code == status
    if status == 409:
        assert (answer.content, answer.headers["Content-Type"]) == (b"10\n", "text/x.tlog.size")
    assert _post(url, request(10, 10)).status_code == 200


def test_monitors_see_the_newest(url: str) -> None:
    """The monitoring path serves the newest cosigned checkpoint with the log's signature and the witness's own."""
    path = f"{url}/{monitoring_path(ORIGIN)}"
    assert httpx.get(path, trust_env=False).status_code == 404
    _post(url, request(0, 5))
    _post(url, request(5, 20))
    with HttpClient(url) as client:
        seen = latest_cosigned(client, ORIGIN)
        assert latest_cosigned(client, "other.example/log") is None
    assert seen is not None
    opened = open_note(Note.decode(seen), [verifier(VKEY), verifier(Ed25519Signer(ORIGIN, LOG_KEY).vkey)])
    assert len(opened.verified) == 2
    assert Checkpoint.decode(opened.note.text).tree_size == 20
    digest = monitoring_path(ORIGIN).partition("/")[0]
    assert httpx.get(f"{url}/{digest.upper()}/checkpoint", trust_env=False).status_code == 404


def test_monitors_never_see_a_step_back(service: WitnessService) -> None:
    """A slower thread does not put an older checkpoint over a newer one."""
    service.add_checkpoint(request(0, 5))
    lines = service.add_checkpoint(request(5, 20))
    assert lines
    service._keep(note(5).encode())
    kept = service.latest(monitoring_path(ORIGIN).partition("/")[0])
    assert kept is not None
    assert Checkpoint.decode(Note.decode(kept).text).tree_size == 20


def test_racing_requests_never_sign_backwards(url: str) -> None:
    """Of requests from one state to several sizes, exactly one is cosigned, and the rest are told where it stands."""
    _post(url, request(0, 10))
    answers: list[tuple[int, int]] = []

    def ask(size: int) -> None:
        answers.append((size, _post(url, request(10, size)).status_code))

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(11, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    signed = [size for size, status in answers if status == 200]
    assert len(signed) == 1
    assert {status for _, status in answers} == {200, 409}
    assert _post(url, request(signed[0], signed[0])).status_code == 200


def test_the_client_of_a_distant_witness(url: str) -> None:
    """Cosignatures come back as they are; a refusal carries status and body."""
    with HttpClient(url) as client:
        witness = RemoteWitness(NAME, client)
        assert witness.add_checkpoint(request(0, 5), now=0)
        with pytest.raises(WitnessRefusalError) as refused:
            witness.add_checkpoint(request(0, 20), now=0)
    assert (refused.value.status, refused.value.body) == (409, b"5\n")


def test_other_answers_are_no_refusal() -> None:
    """A witness that fails, or is something else, is trouble on the way."""
    with answering(lambda handler: handler.send_error(500)) as url, HttpClient(url) as client:
        with pytest.raises(TransportError, match="500"):
            RemoteWitness(NAME, client).add_checkpoint(b"", now=0)
        with pytest.raises(TransportError, match="500"):
            latest_cosigned(client, ORIGIN)
    with pytest.raises(TransportError), HttpClient(f"http://127.0.0.1:{free_port()}") as client:
        RemoteWitness(NAME, client).add_checkpoint(b"", now=0)


def test_disk_trouble_releases_nothing(url: str, service: WitnessService, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the state cannot be written, the answer is 503 and no cosignature."""

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(service._journal, "replace", full)
    answer = _post(url, request(0, 5))
    assert (answer.status_code, answer.content) == (503, b"")
    monkeypatch.undo()
    assert service.role.state(ORIGIN).tree_size == 0


def test_a_witness_is_well(url: str) -> None:
    """Whoever watches over it can ask."""
    assert httpx.get(f"{url}/health", trust_env=False).text == "well\n"


def test_one_connection_serves_many_requests(url: str) -> None:
    """C2SP: witnesses SHOULD support connections that are kept alive."""
    raw = HTTPConnection(url.removeprefix("http://"))
    raw.connect()
    socket = raw.sock
    for old, size, status in ((0, 5, 200), (0, 5, 409), (5, 5, 200)):
        raw.request("POST", "/add-checkpoint", request(old, size))
        answer = raw.getresponse()
        answer.read()
        assert (answer.status, raw.sock) == (status, socket)
    raw.close()


def test_submitting_is_posting(url: str) -> None:
    """C2SP: the request MUST be an HTTP POST."""
    assert httpx.get(f"{url}/add-checkpoint", trust_env=False).status_code == 405
    assert httpx.put(f"{url}/add-checkpoint", content=request(0, 5), trust_env=False).status_code == 405
    # The optional call is not offered.
    assert httpx.post(f"{url}/sign-subtree", content=b"", trust_env=False).status_code == 404
