"""Registrars, commission and board that stuff or strip a registration, as the log and the real parties answer it.

Source: SPEC.md#registration, SPEC.md#convening.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import RefusalError
from secballot.protocol.phrase import Wallet, generate_phrase, request
from secballot.records.credential import Answer, CredentialIssue, CredentialRequest
from secballot.records.entry import decode_entry, encode_signed, encode_unsigned, signing_message
from secballot.records.opening import Opening
from secballot.records.roll import RollChunk
from tests.record_stage import COLLECTED, EFFECT, Stage, fault, golden_bodies, golden_entries, refused, said
from tests.simulator import Simulator, golden

if TYPE_CHECKING:
    from secballot.signing import SigningKey

replace = msgspec.structs.replace
DELEGATES = golden().simulator.rehearsal.delegates


def request_body(number: int) -> CredentialRequest:
    """Return the request of a delegate of the golden sitting."""
    body = golden_bodies("credential-request")[number][1]
    assert isinstance(body, CredentialRequest)
    return body


def answers(registrar: int) -> tuple[Answer, ...]:
    """Return all answers of a registrar of the golden sitting."""
    body = golden_bodies("credential-issue")[registrar - 1][1]
    assert isinstance(body, CredentialIssue)
    return body.answers


def registered(*, close: bool = False) -> Simulator:
    """Return a sitting with real parties whose delegates have requested credentials, all but the last."""
    simulator = Simulator().until_ceremony()
    rehearsal = simulator.rehearsal
    rehearsal.enrol()
    for member in rehearsal.commission:
        member.sign_roll(rehearsal.roll)
    for registrar in rehearsal.registrars:
        registrar.post_keys()
    rehearsal.witness()
    for officer in rehearsal.needed_officers():
        officer.register(1)
    rehearsal.witness()
    for delegate in rehearsal.delegates[:-1]:
        delegate.request_credentials()
    rehearsal.witness()
    if close:
        for officer in rehearsal.needed_officers():
            officer.close_registration()
        rehearsal.witness()
    return simulator


# Stuffing ------------------------------------------------------------------------------------------------------------


@pytest.mark.attack("CR-17")
def test_no_answer_without_a_request() -> None:
    """However many registrars collude, an entry of theirs stands for a signed request of a delegate or for nothing."""
    stage = Stage.before("credential-issue")
    invented = Answer(leaf_hash(b"a request that is not on the log"), answers(1)[0].signatures)

    for registrar in stage.keys.registrars:
        assert stage.post(registrar, "credential-issue", CredentialIssue((invented,), 1)) == refused("ENT-06")
    assert stage.state.registrations[0].answered(1) == {}


@pytest.mark.attack("CR-16")
@pytest.mark.parametrize("kind", ["convening", "opening", "ballot"])
def test_no_issuance_is_logged_afterwards(kind: str) -> None:
    """Stuff now, log the issuance later: after the close there is neither request nor open answer."""
    stage = Stage.after(kind)
    late = replace(request_body(7), blinded=request_body(7).blinded[::-1])

    assert stage.post(DELEGATES[7].key, "credential-request", late) == refused("ENT-06")
    for registrar, key in enumerate(stage.keys.registrars, 1):
        body = CredentialIssue(answers(registrar)[:1], 1)
        assert stage.post(key, "credential-issue", body) == refused("ENT-06")


@pytest.mark.attack("CR-16")
def test_a_request_that_never_had_effect_is_answered_by_nobody() -> None:
    """The board logs a request after the close and registrars answer it: both are out of phase."""
    stage = Stage(golden().entries[:39] + golden().entries[40:42])
    late = golden().entries[39]
    assert stage.log(late) == refused("ENT-06")
    signatures = next(answer.signatures for answer in answers(1) if answer.request == leaf_hash(late))

    body = CredentialIssue((Answer(leaf_hash(late), signatures),), 1)
    assert stage.post(stage.keys.registrars[0], "credential-issue", body) == refused("ENT-06")


@pytest.mark.attack("CR-17")
def test_nobody_registers_in_an_abstainers_name() -> None:
    """Without the delegate's signature, with a registrar's or another delegate's, or for a key not on the roll."""
    stage = Stage.after("registration")
    entry = decode_entry(golden_entries("credential-request")[7])
    forgers: list[SigningKey] = [stage.keys.registrars[0], stage.keys.presidium[0], DELEGATES[0].key]

    for key in forgers:
        forged = key.sign(signing_message(entry.kind, stage.anchor, entry.body_bytes))
        assert stage.log(encode_signed(entry.kind, entry.body_bytes, entry.signer, forged)) == refused("ENT-05")
    assert stage.log(encode_unsigned(entry.kind, entry.body_bytes)) == refused("ENT-01")
    for key in forgers[:2]:
        assert stage.post(key, entry.kind, entry.body) == refused("ENT-04")
    assert stage.log(golden_entries("credential-request")[7]) == EFFECT


def test_a_request_copied_by_another_delegate_gives_it_nothing() -> None:
    """The blinded messages of a neighbour, under the own key: answers to them are useless without its phrase."""
    stage = Stage.after("registration")
    assert stage.log(golden_entries("credential-request")[0]) == EFFECT
    assert stage.post(DELEGATES[1].key, "credential-request", request_body(0)) == EFFECT
    assert stage.post(DELEGATES[1].key, "credential-request", request_body(1)) == fault("REG-06", "delegate")


@pytest.mark.attack("CR-09")
def test_one_key_gets_one_credential_a_poll() -> None:
    """A second phrase behind the same roll key, for the same polls: the first request stays the only one."""
    stage = Stage.after("registration")
    registration = stage.state.registrations[0]
    keys = [[registration.keys[poll, 1][registrar] for registrar in (1, 2)] for poll in (1, 2)]
    wallet = Wallet(generate_phrase(bytes(32)), "rehearsal")
    second = request(wallet, sitting_id=stage.anchor, registration=1, first_poll=1, class_index=1, keys=keys)
    assert stage.log(golden_entries("credential-request")[0]) == EFFECT

    assert stage.post(DELEGATES[0].key, "credential-request", second) == fault("REG-06", "delegate")
    assert len(stage.state.registrations[0].requests) == 1


# Registrars and the log ----------------------------------------------------------------------------------------------


@pytest.mark.attack("SB-04")
def test_a_registrar_answers_no_request_that_is_not_witnessed() -> None:
    """A board that shows a request to the registrars alone gets no credential out of them."""
    simulator = registered()
    rehearsal = simulator.rehearsal
    rehearsal.delegates[-1].request_credentials()
    for registrar in rehearsal.registrars:
        registrar.answer_requests()
    hidden = leaf_hash(simulator.board.entries[-3])
    assert decode_entry(simulator.board.entries[-3]).kind == "credential-request"

    assert simulator.board.record.state.registrations[0].requests[hidden].answered == set()
    rehearsal.witness()
    rehearsal.registrars[0].answer_requests()
    assert simulator.board.record.state.registrations[0].requests[hidden].answered == {1}


@pytest.mark.attack("SB-03")
def test_a_registrar_does_not_consent_to_answers_that_it_did_not_give() -> None:
    """Somebody with its keys answers on the log: its journal does not hold that answer, and it refuses."""
    simulator = registered(close=True)
    rehearsal = simulator.rehearsal
    thief, other = rehearsal.registrars
    other.answer_requests()
    registration = thief.view.refresh() and thief._current()
    assert registration
    given = []
    for leaf, held in registration.requests.items():
        given.append(Answer(leaf, thief._answer(registration, held)))
    thief._journal = rehearsal._journal("registrar-1-empty")
    simulator.append_signed(thief.key, "credential-issue", CredentialIssue(tuple(given), 1))
    rehearsal.witness()
    assert simulator.board.record.state.registrations[0].end is not None

    with pytest.raises(RefusalError, match="journal"):
        thief.consent()
    other.consent()


def test_a_silent_registrar_stops_its_registration_and_no_other() -> None:
    """Nothing is convened without its answers; the next registration supersedes this one, in public."""
    simulator = registered(close=True)
    rehearsal = simulator.rehearsal
    rehearsal.registrars[0].answer_requests()
    rehearsal.witness()
    assert simulator.board.record.state.registrations[0].end is None
    with pytest.raises(RefusalError):
        rehearsal.registrars[0].consent()

    rehearsal.register()
    rehearsal.convene()
    assert [held.convening is None for held in simulator.board.record.state.registrations] == [True, False]


# The roll ------------------------------------------------------------------------------------------------------------


def chunk(number: int) -> RollChunk:
    """Return a chunk of the golden roll."""
    return next(body for _, body in golden_bodies("roll") if isinstance(body, RollChunk) and body.chunk == number)


@pytest.mark.attack("CR-18")
@pytest.mark.parametrize("kind", ["registration", "credential-request", "opening", "ballot"])
def test_a_frozen_roll_does_not_change(kind: str) -> None:
    """Replaced voters, one more, one less: whatever the whole commission signs for it is out of phase."""
    stage = Stage.after(kind)
    keys = chunk(1).keys
    fresh = Wallet(generate_phrase(bytes(32)), "label").signing_key().verify_key.encode()
    before = dict(stage.state.registrations[0].roll)
    for change in (
        replace(chunk(1), keys=keys[1:]),
        replace(chunk(1), keys=tuple(sorted((*keys, fresh)))),
        replace(chunk(1), keys=tuple(sorted((*keys[1:], fresh)))),
        RollChunk(3, 3, 1, (fresh,), 1),
    ):
        for key in stage.keys.commission:
            assert stage.post(key, "roll", change) == refused("ENT-06")
    assert stage.state.registrations[0].roll == before


@pytest.mark.attack("CR-18")
def test_an_amendment_needs_the_whole_commission() -> None:
    """One dishonest member, with the presidium's help, adds nobody to any roll."""
    stage = Stage.after("convening")
    fresh = Wallet(generate_phrase(bytes(32)), "label").signing_key().verify_key.encode()
    amendment = RollChunk(1, 1, 1, (fresh,), 2)

    assert stage.post(stage.keys.commission[0], "roll", amendment) == COLLECTED
    for key in stage.keys.presidium:
        assert stage.post(key, "roll", amendment) == refused("ENT-04")
    assert stage.state.staged.roll == {}


@pytest.mark.attack("CR-18")
def test_one_delegate_is_not_listed_in_two_classes() -> None:
    """Nor twice in one, in however many chunks."""
    stage = Stage.before("roll")
    assert stage.act("roll", chunk(1), stage.keys.commission) == EFFECT
    twice = replace(chunk(2), keys=tuple(sorted((*chunk(2).keys, chunk(1).keys[0]))))

    assert stage.act("roll", twice, stage.keys.commission) == refused("REG-01")
    assert stage.act("roll", replace(twice, class_index=1), stage.keys.commission) == refused("REG-01")


@pytest.mark.attack("CR-19")
def test_there_is_no_revocation() -> None:
    """A credential that was issued cannot be taken back by naming its owner: no kind of entry says so."""
    stage = Stage.after("convening")
    for kind in ("revocation", "credential-revoke", "roll-remove"):
        body = json.dumps({"key": "A" * 43 + "="}).replace(" ", "").encode()
        key = stage.keys.commission[0]
        signature = key.sign(signing_message(kind, stage.anchor, body))
        entry = encode_signed(kind, body, key.verify_key.encode(), signature)
        assert stage.log(entry) == refused("ENT-01")


@pytest.mark.attack("CR-19")
def test_one_phrase_gives_unlinkable_credentials() -> None:
    """Another sitting, registration or poll: another secret; another label: another roll key too."""
    wallet = Wallet(generate_phrase(bytes(32)), "first")
    other = Wallet(generate_phrase(bytes(32)), "second")
    secrets = {
        wallet.credential_secret(sitting, registration, poll).encode()
        for sitting in (bytes(32), golden().anchor)
        for registration in (1, 2)
        for poll in (1, 2)
    }

    assert len(secrets) == 8
    assert wallet.signing_key().verify_key != other.signing_key().verify_key
    assert other.credential_secret(bytes(32), 1, 1).encode() not in secrets


# The checkpoint of the convening -------------------------------------------------------------------------------------


@pytest.mark.attack("LG-07")
def test_a_convening_of_another_sittings_log_convenes_nothing() -> None:
    """Right keys and witnesses, the origin of another log: LOG-03, before any root is compared."""
    stage = Stage.after("consent")
    other = Simulator(seed=b"another")
    other.rehearsal.found()
    foreign = other.board.notes[2].decode()
    body = golden_bodies("convening")[0][1]

    assert stage.act("convening", replace(body, checkpoint=foreign)) == refused("LOG-03")
    assert stage.state.failures == []


def test_an_opening_without_convening_opens_nothing() -> None:
    """POL-02: the presidium alone cannot open a poll before trustees and registrars have consented."""
    stage = Stage.after("consent")
    opening = golden_bodies("opening")[0][1]
    assert isinstance(opening, Opening)

    assert stage.act("opening", opening) == refused("POL-02")
    stage.log_all(golden_entries("convening"))
    assert stage.state.registrations[0].convening is not None


def test_the_golden_outcomes_say_the_same() -> None:
    """The stage that these tests attack is the sitting that honest parties run."""
    assert {said(judgement).outcome for judgement in golden().judgements} == {"effect", "collected", "accepted"}
