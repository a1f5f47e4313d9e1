"""A registrar signs one request of each delegate, notes it first, and consents to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.encoding import encode_u64
from secballot.errors import RefusalError, StoreError, TransportError
from secballot.protocol.phrase import Wallet, generate_phrase, request
from secballot.records.credential import CredentialIssue
from secballot.records.entry import decode_entry
from secballot.roles.party import sign_entry
from secballot.roles.registrar import Registrar
from secballot.store.journal import Journal
from tests.forked import fork
from tests.registrar_keys import test_key as published_key
from tests.stages import convened

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.records.promise import Promise
    from tests.simulator import Simulator


def size_at(kind: str, number: int = 0) -> int:
    """Return how many entries the convened sitting had before its n-th entry of a kind."""
    found = [judgement.index for judgement in convened().board.judgements if judgement.kind == kind]
    return found[number]


@pytest.fixture
def simulator() -> Simulator:
    """Return a sitting of which two delegates have asked for credentials, before anybody answers."""
    simulator: Simulator = fork(size=size_at("credential-request") + 2)
    simulator.rehearsal.witness()
    return simulator


@pytest.fixture
def registrar(simulator: Simulator) -> Registrar:
    """Return its first registrar."""
    return simulator.rehearsal.registrars[0]


class DeadLine:
    """Takes entries and fails."""

    def __init__(self) -> None:
        """Keep what was sent."""
        self.sent: list[bytes] = []

    def post(self, entry: bytes) -> Promise:
        """Take an entry and fail."""
        self.sent.append(entry)
        raise TransportError("the line is dead")


def issues(simulator: Simulator) -> list[bytes]:
    """Return the issue entries on the log."""
    return [entry for entry in simulator.board.entries if b'"kind":"credential-issue"' in entry]


def test_every_request_is_answered_once(simulator: Simulator, registrar: Registrar) -> None:
    """Both in one entry; asked again, the registrar posts nothing."""
    (promise,) = registrar.answer_requests()
    body = decode_entry(simulator.board.entries[promise.index]).body
    assert isinstance(body, CredentialIssue)
    assert len(body.answers) == 2
    simulator.rehearsal.witness()
    assert registrar.answer_requests() == []
    assert len(list(registrar._journal.items("issued"))) == 4


def test_the_journal_knows_before_the_board(simulator: Simulator, registrar: Registrar) -> None:
    """CR-09: killed between journal and post; after the restart the same bytes are posted."""
    line = DeadLine()
    cut_off = Registrar(registrar.key, simulator.rehearsal.view(), line, registrar._journal)
    with pytest.raises(TransportError):
        cut_off.answer_requests()
    assert len(list(registrar._journal.items("issued"))) == 4
    assert issues(simulator) == []
    restarted = Registrar(registrar.key, simulator.rehearsal.view(), simulator.rehearsal, registrar._journal)
    restarted.answer_requests()
    assert issues(simulator) == line.sent


def other_request(simulator: Simulator) -> bytes:
    """Return another request by the first delegate: same roll key, other secrets."""
    delegate = simulator.rehearsal.delegates[0]
    registration = simulator.board.record.state.registrations[0]
    keys = [
        [registration.keys[poll, 1][index] for index in (1, 2)] for poll in range(1, simulator.board.manifest.polls + 1)
    ]
    body = request(
        Wallet(generate_phrase(bytes(32)), "another"),
        sitting_id=simulator.board.anchor,
        registration=1,
        first_poll=1,
        class_index=1,
        keys=keys,
    )
    return sign_entry(delegate.key, "credential-request", simulator.board.anchor, body)


def test_a_second_request_of_a_roll_key_is_refused(simulator: Simulator, registrar: Registrar) -> None:
    """CR-09: a board that shows another log, with another request of the same key, gets no second signature."""
    registrar.answer_requests()
    first = size_at("credential-request")
    other = fork(size=first)
    other.board.force(other_request(other))
    assert other.board.judgements[-1].outcome.value == "effect"
    other.rehearsal.witness()
    line = DeadLine()
    deceived = Registrar(registrar.key, other.rehearsal.view(), line, registrar._journal)
    for _ in range(2):
        with pytest.raises(RefusalError, match="another request"):
            deceived.answer_requests()
    assert line.sent == []


@pytest.mark.attack("SB-04")
def test_unwitnessed_requests_are_not_answered(simulator: Simulator, registrar: Registrar) -> None:
    """A request that only the board knows is none."""
    size = size_at("credential-request")
    unwitnessed = fork(size=size)
    unwitnessed.rehearsal.witness()
    for entry in simulator.board.entries[size : size + 2]:
        unwitnessed.board.force(entry)
    assert unwitnessed.rehearsal.registrars[0].answer_requests() == []


def test_a_lost_key_is_not_made_again(simulator: Simulator, registrar: Registrar, tmp_path: Path) -> None:
    """State lost is state lost: the RSA keys on the log are the only ones there will be."""
    empty = Journal.create(tmp_path / "empty")
    forgetful = Registrar(registrar.key, simulator.rehearsal.view(), simulator.rehearsal, empty)
    with pytest.raises(StoreError, match="state lost"):
        forgetful.answer_requests()
    assert issues(simulator) == []


def answered(simulator: Simulator) -> Simulator:
    """Close the registration and let both registrars answer."""
    for officer in simulator.rehearsal.needed_officers():
        officer.close_registration()
    for registrar in simulator.rehearsal.registrars:
        registrar.answer_requests()
    simulator.rehearsal.witness()
    return simulator


def test_a_registrar_consents_to_its_own_journal_only(simulator: Simulator, registrar: Registrar) -> None:
    """CON-01 says what the log holds; whether these answers are its own, only its journal tells."""
    with pytest.raises(RefusalError, match="not ended"):
        registrar.consent()
    answered(simulator)
    slot = encode_u64(1) + encode_u64(2) + bytes(32)
    registrar._journal.put_once("issued", slot, b"an answer that the log lacks")
    with pytest.raises(RefusalError, match="journal"):
        registrar.consent()
    second = simulator.rehearsal.registrars[1]
    assert second.consent()


@pytest.mark.attack("SB-03")
def test_answers_in_a_registrars_name_are_not_consented_to(simulator: Simulator, tmp_path: Path) -> None:
    """A copy of the key answered what this registrar never saw: it does not consent."""
    answered(simulator)
    mine = simulator.rehearsal.registrars[0]
    other = Journal.create(tmp_path / "other")
    for key, value in list(mine._journal.items("issued"))[:-1]:
        other.put_once("issued", key, value)
    deceived = Registrar(mine.key, simulator.rehearsal.view(), simulator.rehearsal, other)
    with pytest.raises(RefusalError, match="journal"):
        deceived.consent()


def test_keys_are_posted_once_and_stored_first(tmp_path: Path) -> None:
    """A key lies in the journal before it is posted; a restart posts the same one and generates none."""
    simulator = fork(size=size_at("registrar-key"))
    simulator.rehearsal.witness()
    made: list[int] = []

    def generate() -> object:
        made.append(len(made))
        return published_key(len(made) + 10)

    journal, line = Journal.create(tmp_path / "journal"), DeadLine()
    key = simulator.rehearsal.keys.registrars[0]
    cut_off = Registrar(key, simulator.rehearsal.view(), line, journal, generate)  # type: ignore[arg-type]  # a key
    with pytest.raises(TransportError):
        cut_off.post_keys()
    assert len(list(journal.items("rsa"))) == len(made) == 1
    restarted = Registrar(key, simulator.rehearsal.view(), simulator.rehearsal, journal, generate)  # type: ignore[arg-type]  # a key
    promises = restarted.post_keys()
    assert simulator.board.entries[promises[0].index] == line.sent[0]
    assert len(promises) == len(made) == 4
    simulator.rehearsal.witness()
    assert restarted.post_keys() == []


def test_keys_are_destroyed_after_the_convening(simulator: Simulator) -> None:
    """Before it they may be needed; after it nothing can be signed with them any more."""
    registrar = simulator.rehearsal.registrars[0]
    with pytest.raises(RefusalError):
        registrar.destroy_keys()
    whole = fork()
    registrar = whole.rehearsal.registrars[0]
    registrar.destroy_keys()
    values = {value for _, value in registrar._journal.items("rsa")}
    assert values == {b"destroyed"}
    with pytest.raises(StoreError):
        registrar._secret(1, 1, 1)
