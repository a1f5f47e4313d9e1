"""A witness that is shown another log than the one it cosigned: it keeps what convicts the board, and serves it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.note import Ed25519Signer, Note, SignatureLine
from secballot.board.witness import Request, WitnessRefusalError
from secballot.errors import RefusalError, StoreError
from secballot.net.witness_server import witness_app
from secballot.roles.contradictions import MAX_OPEN, MAX_PROVED, ContradictionBook, proved_evidence, settle
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.witness_service import WitnessService
from secballot.store.journal import Journal
from tests.loopback import serving
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, key, public
from tests.two_views import View, entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HONEST = View(entries(1, 2, 3, 4, 5), sizes=(4, 5, 7), witnesses=())
OTHER = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 7, 8), witnesses=())
DIGEST = hashlib.sha256(ORIGIN.encode()).hexdigest()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[WitnessService]:
    """Return a witness that follows the sitting's log by its manifest."""
    with Journal.create(tmp_path / "witness.db") as journal:
        made = WitnessService("w1.example", key("w1.example"), journal, clock=lambda: NOW)
        made.role.follow_sitting(SMALL_MANIFEST)
        yield made


def _refused(service: WitnessService, body: bytes) -> int:
    with pytest.raises(WitnessRefusalError) as refusal:
        service.add_checkpoint(body)
    return refusal.value.status


def _sizes(service: WitnessService) -> tuple[int, ...]:
    data = service.evidence(DIGEST)
    assert data is not None
    return check_evidence(decode_evidence(data), SITTING_ID).sizes


def test_an_honest_log_gives_no_evidence(service: WitnessService) -> None:
    """Growth, the same again, a stale request and a proof from a guessed size are nothing to hold against a log."""
    service.add_checkpoint(HONEST.request(0, 4))
    service.add_checkpoint(HONEST.request(4, 5))
    service.add_checkpoint(HONEST.request(5, 5))
    assert _refused(service, HONEST.request(0, 4)) == 409
    assert _refused(service, HONEST.request(4, 7)) == 409
    assert _refused(service, Request(5, (), HONEST.note(7)).encode()) == 422
    assert service.evidence(DIGEST) is None
    assert not [found for found in service.book.kept(ORIGIN) if found.proved]


def test_two_roots_for_one_size_convict(service: WitnessService) -> None:
    """The notes alone are enough, and the file convinces a stranger."""
    service.add_checkpoint(HONEST.request(0, 5))
    assert _refused(service, OTHER.request(5, 5)) == 422
    assert _sizes(service) == (5, 5)
    finding = check_evidence(decode_evidence(service.evidence(DIGEST) or b""), SITTING_ID)
    assert finding.witnesses[0] == ("w1.example",)


def test_an_older_size_is_compared_with_what_was_cosigned_then(service: WitnessService) -> None:
    """A stale request with another root convicts, though the witness has gone on since."""
    service.add_checkpoint(HONEST.request(0, 5))
    service.add_checkpoint(HONEST.request(5, 7))
    assert _refused(service, OTHER.request(0, 5)) == 409
    assert _sizes(service) == (5, 5)


def test_a_proof_of_another_log_convicts(service: WitnessService) -> None:
    """The board's own proof leads to a root that is not the cosigned one."""
    service.add_checkpoint(HONEST.request(0, 5))
    assert _refused(service, OTHER.request(5, 8)) == 422
    assert _sizes(service) == (5, 8)


def test_a_false_proof_is_open_until_the_log_is_read(service: WitnessService) -> None:
    """Junk beside an honest checkpoint accuses nobody; beside another log's, the entries of that log settle it."""
    service.add_checkpoint(HONEST.request(0, 5))
    for view, size in ((HONEST, 7), (OTHER, 8)):
        assert _refused(service, Request(5, (bytes(32),), view.note(size)).encode()) == 422
    assert service.evidence(DIGEST) is None
    honest, other = service.book.kept(ORIGIN)
    assert settle(SMALL_MANIFEST, honest, HONEST) is None
    found = settle(SMALL_MANIFEST, other, OTHER)
    assert found is not None
    assert check_evidence(found, SITTING_ID).sizes == (5, 8)
    with pytest.raises(StoreError):
        settle(SMALL_MANIFEST, other, HONEST)


def test_a_shorter_log_is_open(service: WitnessService) -> None:
    """A smaller checkpoint of a size that was never cosigned may be an old one; the cosigned log tells."""
    service.add_checkpoint(HONEST.request(0, 7))
    assert _refused(service, OTHER.request(0, 5)) == 409
    (found,) = service.book.kept(ORIGIN)
    assert proved_evidence(SMALL_MANIFEST, found) is None
    settled = settle(SMALL_MANIFEST, found, HONEST)
    assert settled is not None
    assert check_evidence(settled, SITTING_ID).sizes == (5, 7)


def test_what_is_kept_is_bounded_and_stays(service: WitnessService) -> None:
    """A flood neither fills the disk nor pushes out the first; the same again takes no room."""
    service.add_checkpoint(HONEST.request(0, 7))
    for number in range(MAX_OPEN + 9):
        view = View(entries(1, 2, 100 + number), sizes=(5,), witnesses=())
        for _ in range(2):
            _refused(service, view.request(0, 5))
            _refused(service, View(entries(1, 2, 3, 4, 100 + number), (7,), ()).request(7, 7))
    kept = service.book.kept(ORIGIN)
    assert [found.proved for found in kept] == [True] * MAX_PROVED + [False] * MAX_OPEN
    assert _sizes(service) == (7, 7)
    assert ContradictionBook(service.role._journal).kept("other.example/log") == []


def test_many_foreign_lines_hide_nothing(service: WitnessService) -> None:
    """A note that would be too long for evidence is kept with the log's own good line alone."""
    service.add_checkpoint(HONEST.request(0, 5))
    note = Note.decode(OTHER.note(5))
    long = [SignatureLine(ORIGIN, number.to_bytes(4, "big"), bytes(1_000)) for number in range(60)]
    padded = Note(note.text, (*long, *note.signatures)).encode()
    assert _refused(service, OTHER.request(5, 5, padded)) == 422
    assert _sizes(service) == (5, 5)


def test_a_log_without_a_manifest_cannot_be_accused(tmp_path: Path) -> None:
    """What is kept against it waits until somebody brings the manifest, which is this log's."""
    with Journal.create(tmp_path / "witness.db") as journal:
        service = WitnessService("w1.example", key("w1.example"), journal, clock=lambda: NOW)
        service.role.follow(ORIGIN, public("log")[0])
        service.add_checkpoint(HONEST.request(0, 5))
        _refused(service, OTHER.request(5, 8))
        assert service.evidence(DIGEST) is None
        service.role.follow_sitting(SMALL_MANIFEST)
        assert _sizes(service) == (5, 8)
        with pytest.raises(RefusalError, match="another manifest"):
            service.role.follow_sitting(msgspec.structs.replace(SMALL_MANIFEST, title="Another"))


def test_two_operators_are_not_one(service: WitnessService) -> None:
    """A successor that contradicts the first operator convicts neither."""
    service.role.follow(ORIGIN, public("log 2")[0])
    service.add_checkpoint(HONEST.request(0, 5))
    successor = View(OTHER.log, OTHER.sizes, witnesses=(), operator="log 2")
    assert _refused(service, successor.request(5, 5)) == 422
    assert [found.proved for found in service.book.kept(ORIGIN)] == [True]
    assert service.evidence(DIGEST) is None


def test_the_empty_log_and_a_stranger_are_nothing(service: WitnessService) -> None:
    """A checkpoint of nothing contradicts nothing, and a stranger's note is not even looked at."""
    service.add_checkpoint(HONEST.request(0, 5))
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, HONEST.history.root(0)), [Ed25519Signer(ORIGIN, key("log"))])
    assert _refused(service, Request(0, (), empty.encode()).encode()) == 409
    forged = replace(OTHER, operator="somebody")
    assert _refused(service, forged.request(5, 5)) == 403
    assert service.book.kept(ORIGIN) == []


def test_evidence_is_served(service: WitnessService) -> None:
    """Whoever asks the witness about the log gets the file; about another log, or before, there is none."""
    with serving(witness_app(service)) as url:
        path = f"{url}/{DIGEST}/evidence"
        assert httpx.get(path, trust_env=False).status_code == 404
        for body, status in ((HONEST.request(0, 5), 200), (OTHER.request(5, 8), 422)):
            assert httpx.post(f"{url}/add-checkpoint", content=body, trust_env=False).status_code == status
        answer = httpx.get(path, trust_env=False)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        assert check_evidence(decode_evidence(answer.content), SITTING_ID).sizes == (5, 8)
        assert httpx.get(f"{url}/{'0' * 64}/evidence", trust_env=False).status_code == 404
        assert httpx.get(f"{url}/{DIGEST.upper()}/evidence", trust_env=False).status_code == 404


def test_a_garbled_note_is_said_to_be_garbled(service: WitnessService) -> None:
    """A journal that holds something else is a broken journal, not a finding."""
    service.role._journal.put_once("witness-contradiction", bytes.fromhex(DIGEST) + b"\x01\x00", b"junk")
    with pytest.raises(StoreError, match="garbled"):
        service.evidence(DIGEST)
    service.role._journal.put_once("witness-manifest", b"x.example/log", b"junk")
    with pytest.raises(StoreError, match="garbled"):
        service.role.sittings()
