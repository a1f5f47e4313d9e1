"""When the slot of an act is filled: what an act of that number can still collect, over several registrations.

Source: SPEC.md#acts-of-several-signers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.errors import Party, PhaseError
from secballot.protocol.ceremony import Session
from secballot.record.acts import ACTS
from secballot.record.ceremony import blames
from secballot.record.convening import newest_convening
from secballot.record.outcome import out_of_phase, repetition
from secballot.record.state import CeremonyState, RegistrationState, SittingState
from secballot.records.ceremony import CeremonyRestart
from secballot.records.convening import Convening
from secballot.records.roll import Registration, RegistrationClose, RollChunk
from tests.small_sitting import SMALL_MANIFEST

if TYPE_CHECKING:
    import msgspec

ENDED, RUNNING = RegistrationState(1, closed=True, convening=bytes(32)), RegistrationState(2)


def state_of(*registrations: RegistrationState) -> SittingState:
    """Return a state with these effective registrations."""
    return SittingState(anchor=None, fetch=lambda _: b"", registrations=list(registrations))


def filled(kind: str, state: SittingState, body: msgspec.Struct) -> bool:
    """Tell whether the slot of this act is filled."""
    return ACTS[kind].filled(state, body)


@pytest.mark.parametrize(
    ("registrations", "expected"),
    [
        ((), [False, False, False]),
        ((RegistrationState(1),), [False, False, False]),
        ((ENDED,), [True, False, False]),
        ((ENDED, RUNNING), [True, False, False]),
        ((RegistrationState(1), RUNNING), [True, False, False]),
        ((RegistrationState(1), RegistrationState(2, closed=True, convening=bytes(32))), [True, True, False]),
    ],
    ids=["none", "running", "ended", "second running", "first abandoned", "second ended"],
)
def test_closings_and_convenings_belong_to_the_newest_registration(
    registrations: tuple[RegistrationState, ...], expected: list[bool]
) -> None:
    """Those of an earlier one, or of one that is closed or convened, are filled; of a later one they may come yet."""
    state = state_of(*registrations)
    assert [filled("registration-close", state, RegistrationClose(number)) for number in (1, 2, 3)] == expected
    assert [filled("convening", state, Convening("note", number)) for number in (1, 2, 3)] == expected
    effective = [number <= len(registrations) for number in (1, 2, 3)]
    assert [filled("registration", state, Registration(1, number)) for number in (1, 2, 3)] == effective


def test_roll_chunks_belong_to_the_next_registration() -> None:
    """Earlier ones and chunks that it has are filled, a later one's of the same number is not."""
    state = state_of(ENDED)
    state.staged = RegistrationState(2, roll_chunks={3})
    found = {
        (registration, chunk): filled("roll", state, RollChunk(chunk, 5, 1, (bytes(32),), registration))
        for registration in (1, 2, 3)
        for chunk in (3, 4)
    }
    assert [place for place, is_filled in found.items() if is_filled] == [(1, 3), (1, 4), (2, 3)]


def test_a_restart_belongs_to_the_session_that_runs() -> None:
    """Earlier sessions are over; without a ceremony, or with a complete one, there is nothing to begin anew."""
    state = state_of()
    restarts = [CeremonyRestart((1, 2), 0, session, (3,)) for session in (1, 2, 3)]
    assert all(filled("ceremony-restart", state, body) for body in restarts)
    session = Session(bytes(32), 2, 2, (1, 2, 3), (bytes(32),) * 3)
    state.ceremony = CeremonyState(session, ({}, {}, {}, {}))
    assert [filled("ceremony-restart", state, body) for body in restarts] == [True, False, False]
    state.ceremony.complete = True
    assert all(filled("ceremony-restart", state, body) for body in restarts)


def test_only_the_newest_registration_is_the_current_one() -> None:
    """ENT-06 for every other number."""
    state = state_of(ENDED, RUNNING)
    assert state.current_registration(2) is RUNNING
    for number in (1, 3):
        with pytest.raises(PhaseError) as caught:
            state.current_registration(number)
        assert caught.value.check == "ENT-06"
    with pytest.raises(PhaseError):
        state_of().current_registration(1)


def test_what_comes_at_the_wrong_time_or_twice_is_refused_by_one_check() -> None:
    """ENT-06 stands in the error itself, for whoever judges without the machine."""
    early = out_of_phase("the poll is not open")
    assert (early.check, early.message) == ("ENT-06", "the poll is not open")
    assert repetition().check == "ENT-06"


def test_a_fault_ends_the_session_that_it_belongs_to() -> None:
    """Of this ceremony, this session and one of its participants, as long as it runs; no other fault ends anything."""
    state = state_of()
    assert not blames(state, "ceremony-commit", 2, Party("trustee", 1))
    state.ceremony = CeremonyState(Session(bytes(32), 2, 2, (1, 2, 4), (bytes(32),) * 4), ({}, {}, {}, {}))
    found = {
        (kind, session, index)
        for kind in ("ceremony-commit", "ceremony-complain", "registrar-key", "decryption", "ceremony-restart")
        for session in (0, 1, 2, 3)
        for index in (1, 3, 4, 5)
        if blames(state, kind, session, Party("trustee", index))
    }
    assert found == {(kind, 2, index) for kind in ("ceremony-commit", "ceremony-complain") for index in (1, 4)}
    state.ceremony.complete = True
    assert not blames(state, "ceremony-commit", 2, Party("trustee", 1))


def test_a_poll_stands_on_the_newest_convening_that_covers_it() -> None:
    """Registrations that are not convened, or begin with a later poll, are passed over."""
    first, second = (RegistrationState(number, convening=bytes(32)) for number in (1, 2))
    first.first_poll, second.first_poll = 1, 3
    state = state_of(first, second, RegistrationState(3))
    state.registrations[-1].first_poll = 2
    assert [newest_convening(state, poll) for poll in (1, 2, 3, 4)] == [first, first, second, second]
    second.convening = None
    assert [newest_convening(state, poll) for poll in (2, 3)] == [first, first]
    assert newest_convening(state_of(RegistrationState(1)), 1) is None
    assert newest_convening(state_of(), 1) is None


def test_what_a_sitting_does_not_have_yet_is_out_of_phase() -> None:
    """ENT-03 without a manifest, ENT-06 without a complete ceremony; what stands is given out."""
    state = state_of()
    for ask, check in ((state.the_manifest, "ENT-03"), (state.complete_ceremony, "ENT-06")):
        with pytest.raises(PhaseError) as caught:
            ask()
        assert caught.value.check == check
    state.manifest = SMALL_MANIFEST
    state.ceremony = CeremonyState(Session(bytes(32), 1, 1, (1,), (bytes(32),)), ({}, {}, {}, {}))
    with pytest.raises(PhaseError):
        state.complete_ceremony()
    state.ceremony.complete = True
    assert (state.the_manifest(), state.complete_ceremony()) == (SMALL_MANIFEST, state.ceremony)
