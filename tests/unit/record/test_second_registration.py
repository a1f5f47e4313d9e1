"""A second registration after the first: an amended roll, fresh keys, and polls opened before and after it.

Source: SPEC.md#registration, SPEC.md#opening.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import RefusalError
from secballot.protocol.phrase import Wallet, generate_phrase
from secballot.records.credential import Answer, CredentialIssue
from secballot.records.roll import Registration, RollChunk
from secballot.roles.delegate import Delegate
from tests.record_stage import EFFECT, Stage, refused, said
from tests.simulator import TAGS, Simulator, resolution, with_plan

if TYPE_CHECKING:
    from secballot.record.state import RegistrationState

replace = msgspec.structs.replace


def act(stage: Stage, first_poll: int = 1, registration: int = 1) -> object:
    """Let the presidium register."""
    return stage.act("registration", Registration(first_poll, registration))


# A second registration -----------------------------------------------------------------------------------------------


@cache
def amended() -> Simulator:
    """Return a sitting of three polls that was registered twice; made once, not to be changed.

    Poll 1 is opened before the second registration, poll 2 between its act and its convening, poll 3 after it. A
    fifth member of class 1 joins the roll, and one of class 2 leaves it.
    """
    simulator = with_plan(polls=3, delegates=(4, 5)).until_polls()
    rehearsal = simulator.rehearsal
    rehearsal.open_poll(1, [resolution()])
    newcomer = Delegate(Wallet(generate_phrase(bytes(32)), "rehearsal"), rehearsal.delegates[0].view, rehearsal)
    rehearsal.delegates.append(newcomer)
    rehearsal.roll[newcomer.public_key] = 1
    del rehearsal.roll[rehearsal.delegates[8].public_key]
    rehearsal.register(first_poll=2)
    rehearsal.open_poll(2, [resolution()])
    rehearsal.convene()
    rehearsal.open_poll(3, [resolution()])
    return simulator


def amended_registrations() -> tuple[RegistrationState, RegistrationState]:
    """Return both registrations."""
    first, second = amended().board.record.state.registrations
    return first, second


def test_a_spent_poll_number_keeps_its_registration() -> None:
    """Polls opened before the second convening belong to the first registration for ever, later ones to the second."""
    polls, (first, second) = amended().board.record.state.polls, amended_registrations()

    assert [polls[number].registration.number for number in (1, 2, 3)] == [1, 1, 2]
    assert [polls[number].opening.convening for number in (1, 2, 3)] == [
        first.convening,
        first.convening,
        second.convening,
    ]
    assert second.first_poll == 2


def test_both_verifiers_agree_on_two_registrations() -> None:
    """The whole log, entry by entry, then a ballot of either roll in each poll."""
    simulator = amended()
    stage = Stage([], simulator)
    expected = [said(judgement) for judgement in simulator.board.judgements]

    assert stage.log_all(simulator.board.entries) == expected
    assert {verdict.outcome for verdict in expected} <= {"effect", "collected"}


def test_every_poll_takes_credentials_of_its_own_registration() -> None:
    """Who joined votes in poll 3 alone; who left votes in the polls opened before."""
    rehearsal = amended().rehearsal
    newcomer, leaver, stayer = rehearsal.delegates[9], rehearsal.delegates[8], rehearsal.delegates[4]

    assert newcomer.seal(3, ((1, 0, 0),), TAGS[0])
    with pytest.raises(RefusalError):
        newcomer.seal(1, ((1, 0, 0),), TAGS[1])
    assert stayer.seal(3, ((1, 0, 0),), TAGS[2])
    with pytest.raises(RefusalError):
        leaver.seal(3, ((1, 0, 0),), TAGS[3])


def test_an_opening_names_the_newest_convening_of_its_poll() -> None:
    """POL-02 for the older one once the newer covers the poll; a spent number stays spent."""
    simulator = amended()
    (first, second), opened = amended_registrations(), simulator.board.record.state.polls[3].opening
    before = max(i for i, j in enumerate(simulator.board.judgements) if j.kind == "opening") - 1
    stage = Stage(simulator.board.entries[:before], simulator)
    assert first.convening is not None
    assert second.convening is not None
    older = replace(opened, convening=first.convening)

    assert stage.act("opening", older) == refused("POL-02")
    assert stage.act("opening", replace(opened, poll=2)) == refused("ENT-06")
    assert stage.act("opening", opened) == EFFECT


def staged_again() -> Stage:
    """Return the sitting of two registrations just before the act of the second."""
    simulator = amended()
    acts = [i for i, j in enumerate(simulator.board.judgements) if j.kind == "registration"]
    return Stage(simulator.board.entries[: acts[2]], simulator)


@pytest.mark.parametrize("first_poll", [1, 4])
def test_a_registration_covers_no_spent_poll(first_poll: int) -> None:
    """REG-05: poll 1 has been opened, and there is no poll 4."""
    stage = staged_again()

    assert act(stage, first_poll, 2) == refused("REG-05")
    assert act(stage, 2, 2) == EFFECT


def test_the_second_roll_and_keys_are_fresh() -> None:
    """Nothing of the first registration is carried over: an empty stage cannot be frozen."""
    stage = Stage.after("registration")

    assert act(stage, 2, 2) == refused("REG-05")
    assert act(stage, 1, 1) == refused("ENT-06")


def test_a_registration_without_convening_is_abandoned_by_the_next() -> None:
    """Its answers, consents, close and convening are out of phase; its requests come from keys of the new roll."""
    simulator = amended()
    judgements, entries = simulator.board.judgements, simulator.board.entries
    setup = [
        entry
        for entry, judgement in zip(entries, judgements, strict=True)
        if judgement.kind in {"roll", "registrar-key", "registration"}
    ]
    convening = next(i for i, j in enumerate(judgements) if j.kind == "convening")
    stage = Stage(entries[:convening], simulator)
    for entry in setup[-(4 + 12 + 2) :]:
        stage.log(entry)
    assert [held.number for held in stage.state.registrations] == [1, 2]

    late = {judgements[i].kind: entries[i] for i in range(convening)}
    for kind in ("credential-issue", "consent", "registration-close"):
        assert stage.log(late[kind]) == refused("ENT-06")
    assert stage.log(entries[convening]) == refused("ENT-06")
    chunk = RollChunk(1, 1, 1, (bytes(32),), 1)
    assert stage.post(stage.keys.commission[0], "roll", chunk) == refused("ENT-06")
    old = [entries[i] for i in range(convening) if judgements[i].kind == "credential-request"]
    assert stage.log(old[0]) == refused("ENT-06")
    assert stage.log(old[8]) == refused("ENT-04")
    leaf = leaf_hash(old[0])
    answer = CredentialIssue((Answer(leaf, bytes(768)),), 2)
    assert stage.post(stage.keys.registrars[0], "credential-issue", answer) == refused("ENT-06")
