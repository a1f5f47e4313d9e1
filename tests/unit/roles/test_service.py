"""A board as a service: promises over HTTP, limits before judgement, witnesses that fail, and what is shown when."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import httpx
import pytest

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import leaf_hash
from secballot.board.note import Note
from secballot.errors import InvalidSignatureError, PolicyError, RefusalError, TransportError, VerificationError
from secballot.net.client import HttpClient
from secballot.net.limits import ServiceLimits
from secballot.records.promise import PROMISE
from secballot.roles.remote import RemoteBoard, open_source
from secballot.roles.service import BoardService
from tests.loopback import answering, serving
from tests.sealed_ballots import ONE_OF_THREE, make_context
from tests.service_parts import NAMES, Clock, DeadWitness
from tests.small_sitting import (
    CLOSES_AT,
    ORIGIN,
    SITTING_ID,
    SMALL_MANIFEST,
    ballot,
    document,
    founding,
    open_poll,
    public,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from secballot.roles.board import BoardOperator
    from secballot.roles.witness import WitnessRole

CONTEXT = make_context(ONE_OF_THREE)


def _post(url: str, entry: bytes) -> httpx.Response:
    return httpx.post(f"{url}/entry", content=entry, trust_env=False)


def _found(service: BoardService) -> None:
    for reply in service.submit(founding()):
        assert reply.promise


def _cosigned_by_all(service: BoardService) -> bytes:
    """Return the checkpoint once every witness has answered: publishing waits only for a quorum of them."""
    for _ in range(1_000):
        shown = service.files.read("checkpoint", 10_000)
        if len(Note.decode(shown).signatures) == 1 + len(NAMES):
            return shown
        time.sleep(0.01)
    return pytest.fail("not every witness answers")


def test_a_promise_is_answered_once_the_entry_is_durable(url: str, service: BoardService) -> None:
    """The answer is the signed promise, and the entry is in the store by then."""
    for index, entry in enumerate(founding()):
        answer = _post(url, entry)
        assert answer.status_code == 200
        promise = PROMISE.decode(answer.content)
        assert (promise.index, promise.leaf_hash) == (index, leaf_hash(entry))
        assert service.operator.store.entry(index) == entry


def test_the_same_bytes_get_the_same_answer(url: str) -> None:
    """Sending again is safe, however often, and later too."""
    first = _post(url, founding()[0])
    assert _post(url, founding()[1]).status_code == 200
    assert _post(url, founding()[0]).content == first.content


def test_the_remote_board_is_a_poster(url: str) -> None:
    """A party posts to a distant board as to a near one."""
    with HttpClient(url) as client:
        board = RemoteBoard(client, SITTING_ID, public("promise"))
        assert board.post(founding()[0]).index == 0
        with pytest.raises(RefusalError) as refused:
            board.post(document(1))
        assert refused.value.check == "ENT-03"


def test_a_promise_of_another_key_or_entry_is_none(url: str) -> None:
    """A client believes no promise that the manifest's promise key did not sign for its entry."""
    with HttpClient(url) as client:
        with pytest.raises(InvalidSignatureError):
            RemoteBoard(client, SITTING_ID, public("log")).post(founding()[0])
        with pytest.raises(VerificationError):
            RemoteBoard(client, bytes(32), public("promise")).post(founding()[0])


def test_a_busy_board_is_asked_again() -> None:
    """The client waits as long as it is told, and gives up in the end."""
    waits: list[float] = []

    def busy(handler: object) -> None:
        handler.send_response(503)  # type: ignore[attr-defined]
        handler.send_header("Retry-After", "9")  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]

    with answering(busy) as url, HttpClient(url) as client:
        board = RemoteBoard(client, SITTING_ID, public("promise"), sleep=waits.append)
        with pytest.raises(TransportError, match="busy"):
            board.post(founding()[0])
    assert waits == [9, 9, 9, 9]


def test_what_is_no_entry_is_refused_before_it_waits(url: str, service: BoardService) -> None:
    """Junk is 400, too much is 413, and neither is judged."""
    judged: list[object] = []
    service.submit = judged.append  # type: ignore[assignment,method-assign]
    answer = _post(url, b"junk")
    assert (answer.status_code, answer.json()["check"]) == (400, None)
    assert _post(url, b"x" * 65_536).status_code == 413
    assert httpx.post(f"{url}/entry", content=iter([b"x" * 40_000] * 2), trust_env=False).status_code == 413
    assert judged == []


def test_a_refusal_names_check_and_reason(url: str, service: BoardService) -> None:
    """What the log does not take is 422."""
    _found(service)
    answer = _post(url, document(1, chunk=2, chunks=2))
    assert answer.status_code == 422
    assert answer.json()["check"]


def test_a_credential_is_limited_by_what_its_owner_did(url: str, service: BoardService) -> None:
    """Accepted ballots count; ballots with somebody else's credential, or logged ones sent again, do not."""
    _found(service)
    open_poll(service.operator.record.state, CONTEXT)
    first = ballot(CONTEXT, 1)
    forged = first.replace(b'"sequence":0', b'"sequence":1')
    for _ in range(5):
        assert _post(url, forged).status_code == 422
    assert _post(url, first).status_code == 200
    for _ in range(5):
        assert _post(url, first).status_code == 200
    second = ballot(CONTEXT, 1, 1, leaf_hash(first))
    assert _post(url, second).status_code == 200
    third = ballot(CONTEXT, 1, 2, leaf_hash(second))
    limited = _post(url, third)
    assert limited.status_code == 429
    assert int(limited.headers["Retry-After"]) > 60
    assert _post(url, second).status_code == 200
    assert _post(url, ballot(CONTEXT, 2)).status_code == 200


def test_everybody_together_is_limited(service: BoardService) -> None:
    """Beyond the common rate, nobody is even looked at."""
    with serving(service.server(ServiceLimits(rate=0.01, burst=2), interval=3_600).app) as url:
        assert [_post(url, b"junk").status_code for _ in range(3)] == [400, 400, 503]


def test_a_full_queue_says_when_to_come_back(service: BoardService) -> None:
    """While the writer stands still and the queue is full, the next is told 503 and when to try again."""
    with serving(service.server(ServiceLimits(waiting=0), interval=3_600).app) as url:
        answer = _post(url, founding()[0])
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_nothing_is_shown_before_the_quorum(
    operator: BoardOperator, witnesses: list[WitnessRole], clock: Clock, tmp_path: Path
) -> None:
    """One witness of two needed is not enough; the head is signed, and stays inside."""
    service = BoardService(operator, [witnesses[0], DeadWitness(NAMES[1])], clock=clock, patience=0.5)
    _found(service)
    with pytest.raises(PolicyError, match="quorum"):
        service.publish()
    assert operator.store.checkpoint_sizes() == [2]
    with serving(service.server(interval=3_600).app) as url:
        for path in ("checkpoint", "checkpoint-by-size/2", "tile/entries/000.p/2"):
            assert httpx.get(f"{url}/{path}", trust_env=False).status_code == 404
    service.close()


def test_a_dead_and_a_slow_witness_do_not_hold_the_quorum(
    operator: BoardOperator, witnesses: list[WitnessRole], clock: Clock
) -> None:
    """Two of three are enough; the slow one's cosignature is kept when it comes."""
    let = threading.Event()
    slow = DeadWitness(NAMES[2], let=let, then=witnesses[2])
    service = BoardService(operator, [witnesses[0], witnesses[1], slow], clock=clock, patience=20)
    _found(service)
    began = time.monotonic()
    service.publish()
    assert time.monotonic() - began < 4
    assert service.files.published == 2
    assert len(_names(service)) == 2
    let.set()
    _cosigned_by_all(service)
    service.close()


def _names(service: BoardService) -> set[str]:
    note = Note.decode(service.files.read("checkpoint", 10_000))
    return {line.name for line in note.signatures} - {ORIGIN}


def test_a_quiet_witness_that_comes_back_is_asked_from_where_it_stood(
    operator: BoardOperator, witnesses: list[WitnessRole], clock: Clock
) -> None:
    """A witness that missed checkpoints is led over them by a proof from its own size."""
    service = BoardService(operator, witnesses, clock=clock)
    _found(service)
    service.publish()
    service.close()
    alone = BoardService(operator, witnesses[:2], clock=clock)
    alone.submit([document(1)])
    alone.publish()
    alone.close()
    again = BoardService(operator, witnesses, clock=clock)
    again.submit([document(2)])
    again.publish()
    assert again.files.published == 4
    # The quorum may be reached by the other two; the one that comes back is still being asked then.
    for _ in range(1_000):
        if witnesses[2].state(ORIGIN).tree_size == 4:
            break
        time.sleep(0.01)
    again.close()
    assert witnesses[2].state(ORIGIN).tree_size == 4


def test_the_published_log_is_read_by_url(url: str, service: BoardService, tmp_path: Path) -> None:
    """A reader gets by URL what a folder of the same log holds, with the same bytes."""
    _found(service)
    service.submit([document(number) for number in range(1, 20)])
    service.publish()
    _cosigned_by_all(service)
    service.submit([document(99)])
    source = open_source(url)
    assert source.size() == 21
    assert list(source.entries(0, 21)) == list(service.operator.store.entries(0, 21))
    service.operator.publish(tmp_path / "log")
    for path in (tmp_path / "log").rglob("*"):
        if path.is_file():
            answer = httpx.get(f"{url}/{path.relative_to(tmp_path / 'log')}", trust_env=False)
            assert (answer.status_code, answer.content) == (200, path.read_bytes()), path


@pytest.mark.parametrize(
    "path",
    [
        "tile/entries/001",
        "tile/entries/000.p/3",
        "tile/0/000.p/03",
        "tile/0/../entries/000.p/2",
        "%2e%2e/board.db",
        "tile/..%2f..%2fboard.db",
        "checkpoint-by-size/1",
        "checkpoint-by-size/02",
        "checkpoint-by-size/..",
        "checkpoint/",
        "board.db",
        "",
    ],
)
def test_other_paths_are_not_there(url: str, service: BoardService, path: str) -> None:
    """Nothing but the exact names of published files is served."""
    _found(service)
    service.publish()
    # Unlike other clients, this one sends a path as it is.
    raw = HTTPConnection(url.removeprefix("http://"))
    raw.request("GET", f"/{path}")
    assert raw.getresponse().status in {404, 307}
    raw.close()


def test_a_restart_shows_what_was_shown(
    service: BoardService, operator: BoardOperator, witnesses: list[WitnessRole], clock: Clock
) -> None:
    """The newest checkpoint under a quorum is found again in the store, and a later one without it is not."""
    _found(service)
    service.publish()
    service.submit([document(1)])
    operator.sign_checkpoint()
    again = BoardService(operator, witnesses, clock=clock)
    assert again.files.published == 2
    again.close()


def test_at_the_closing_time_the_same_head_is_cosigned_again(service: BoardService, clock: Clock) -> None:
    """Officers need cosignatures from after the end of the poll, even if nothing was logged since."""
    _found(service)
    open_poll(service.operator.record.state, CONTEXT)
    service.publish()
    before = _cosigned_by_all(service)
    service.publish()
    assert service.files.read("checkpoint", 10_000) == before
    clock.now = CLOSES_AT
    service.publish()
    after = service.files.read("checkpoint", 10_000)
    assert Note.decode(after).text == Note.decode(before).text
    assert after != before
    for _ in range(10):  # a witness that answers when the quorum is complete is heard the next time
        after = service.files.read("checkpoint", 10_000)
        service.publish()
        if service.files.read("checkpoint", 10_000) == after:
            break
    else:
        pytest.fail("witnesses are asked for ever")


def test_health_turns_bad_when_promises_are_not_kept(url: str, service: BoardService, clock: Clock) -> None:
    """A board that falls behind its promised delay says so."""
    _found(service)
    assert httpx.get(f"{url}/health", trust_env=False).status_code == 200
    clock.now += SMALL_MANIFEST.log.maximum_delay + 1
    answer = httpx.get(f"{url}/health", trust_env=False)
    assert (answer.status_code, answer.json()["entries"], answer.json()["published"]) == (503, 2, 0)
    service.publish()
    assert httpx.get(f"{url}/health", trust_env=False).json()["well"] is True


@pytest.mark.attack("OP-04")
def test_what_is_written_to_the_log_tells_nothing(
    url: str, service: BoardService, caplog: pytest.LogCaptureFixture
) -> None:
    """Events are JSON about batches: no entry, no credential, no address."""
    with caplog.at_level(logging.INFO, logger="secballot.service"):
        _found(service)
        open_poll(service.operator.record.state, CONTEXT)
        entry = ballot(CONTEXT, 1)
        assert _post(url, entry).status_code == 200
        _post(url, entry.replace(b'"sequence":0', b'"sequence":7'))
        service.publish()
    events = [json.loads(record.getMessage()) for record in caplog.records if record.name == "secballot.service"]
    assert {event["event"] for event in events} == {"batch", "published"}
    assert events[-2]["refused"] == {"BAL-03": 1}
    written = caplog.text
    for secret in ("127.0.0.1", hashlib.sha256(entry).hexdigest(), json.loads(entry)["body"]["credential"]):
        assert secret not in written


def test_the_folder_is_kept_up_too(
    operator: BoardOperator, witnesses: list[WitnessRole], clock: Clock, tmp_path: Path
) -> None:
    """A service may keep static files beside the application, for mirrors."""
    service = BoardService(operator, witnesses, clock=clock, folder=tmp_path / "log")
    _found(service)
    service.publish()
    service.close()
    note = Note.decode((tmp_path / "log/checkpoint").read_bytes())
    assert Checkpoint.decode(note.text).tree_size == 2


def test_readers_do_not_wait_for_a_batch(url: str, service: BoardService) -> None:
    """While a batch is being judged, and entries arrive, the log is read as ever."""
    _found(service)
    service.publish()
    with service.operator._lock:
        posting = [threading.Thread(target=_post, args=(url, document(number))) for number in range(1, 4)]
        for thread in posting:
            thread.start()
        time.sleep(0.2)
        assert httpx.get(f"{url}/checkpoint", timeout=3, trust_env=False).status_code == 200
    for thread in posting:
        thread.join()
    assert service.operator.store.size() == 5


def test_many_connections_share_few_writes(service: BoardService) -> None:
    """Entries that arrive together over many connections are all answered."""

    def post_all(url: str, entries: Sequence[bytes]) -> list[int]:
        answers: list[int] = []
        threads = [threading.Thread(target=lambda e=e: answers.append(_post(url, e).status_code)) for e in entries]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    _found(service)
    with serving(service.server(ServiceLimits(window=0.2), interval=3_600).app) as url:
        assert post_all(url, [document(number) for number in range(1, 30)]) == [200] * 29
    assert service.operator.store.size() == 31
