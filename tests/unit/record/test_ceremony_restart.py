"""How ceremony sessions end without blame: an identity key, restarts, and when the sitting ends with them.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

import msgspec
import pytest

from secballot.errors import Party
from secballot.group import Elements, Scalars
from secballot.records.ceremony import CeremonyCommit
from tests.ceremony_stage import ROUNDS, CeremonyStage, constant_terms, forged_round
from tests.record_stage import COLLECTED, EFFECT, Verdict, fault, refused

replace = msgspec.structs.replace


def ended(stage: CeremonyStage, *, remaining: tuple[int, ...], why: str) -> None:
    """Check that the first session ended without blame, why, and who goes on in the next."""
    assert stage.session.number == 2
    assert stage.session.participants == remaining
    assert stage.ceremony.round == 0
    (session,) = stage.ceremony.ended
    assert (session.number, session.blamed) == (1, None)
    assert session.reason.startswith(why)


# The identity as joint key -------------------------------------------------------------------------------------------


@pytest.mark.attack("EN-02")
def test_a_joint_key_of_identity_ends_the_session_and_blames_nobody() -> None:
    """CER-09: all trustees together can make it; the same participants begin again."""
    stage = CeremonyStage.begin()
    last = Scalars.concat([-constant_terms(stage, (1, 2, 3)), Scalars.random()])
    commit, reveal = forged_round(stage.session, 4, last)
    stage.play("ceremony-commit", without=4)
    assert stage.send(4, "ceremony-commit", commit) == EFFECT
    stage.play("ceremony-reveal", without=4)

    assert stage.send(4, "ceremony-reveal", reveal) == Verdict("effect", "CER-09")
    ended(stage, remaining=(1, 2, 3, 4), why="CER-09: ")
    stage.play(*ROUNDS)
    assert stage.ceremony.complete


# Restarts ------------------------------------------------------------------------------------------------------------


@pytest.mark.attack("SB-02")
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_the_presidium_goes_on_without_who_is_silent(number: int) -> None:
    """In every round; nobody is blamed, and the named participants begin the next session."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:number])
    stage.play(ROUNDS[number], without=2)
    first, second = stage.presidium

    assert stage.post(first, "ceremony-restart", stage.restart((2,))) == COLLECTED
    assert stage.post(second, "ceremony-restart", stage.restart((2,))) == EFFECT
    ended(stage, remaining=(1, 3, 4), why="silent: trustees 2")
    stage.play(*ROUNDS)
    assert stage.ceremony.complete


def misfit_restarts() -> dict[str, dict[str, object]]:
    """Return changes of a restart that rightly names trustee 2 in round 1, while trustee 4 has not revealed either."""
    return {
        "later session": {"session": 2},
        "round before": {"round": 0},
        "round after": {"round": 2},
        "names who spoke": {"silent": (1,), "participants": (2, 3, 4)},
        "names who spoke too": {"silent": (1, 2), "participants": (3, 4)},
        "names a stranger": {"silent": (2, 5)},
        "drops another": {"participants": (1, 3)},
        "keeps the silent": {"participants": (1, 2, 3, 4)},
        "adds a stranger": {"participants": (1, 3, 4, 5)},
        "names an index that nobody can have": {"silent": (2, 2**53 - 1)},
    }


@pytest.mark.attack("SB-02")
@pytest.mark.parametrize("name", list(misfit_restarts()))
def test_a_restart_that_does_not_fit_has_no_effect(name: str) -> None:
    """CER-08: it is no fault, and the session goes on."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit")
    assert {stage.send(index, "ceremony-reveal") for index in (1, 3)} == {EFFECT}

    assert stage.act("ceremony-restart", replace(stage.restart((2,)), **misfit_restarts()[name])) == refused("CER-08")
    assert stage.session.number == 1
    assert {stage.send(index, "ceremony-reveal") for index in (2, 4)} == {EFFECT}
    stage.play(*ROUNDS[2:])
    assert stage.ceremony.complete


def test_who_speaks_before_the_restart_completes_is_not_silent() -> None:
    """The act is judged by the state at its completing entry."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit", without=2)
    body, (first, second) = stage.restart((2,)), stage.presidium
    assert stage.post(first, "ceremony-restart", body) == COLLECTED
    assert stage.send(2, "ceremony-commit") == EFFECT

    assert stage.post(second, "ceremony-restart", body) == refused("CER-08")


def test_a_restart_of_an_ended_session_is_out_of_phase() -> None:
    """Its slot is filled by the session's end, whatever ended it."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit", without=2)
    body = stage.restart((2,))
    assert stage.act("ceremony-restart", body) == EFFECT

    assert stage.post(stage.keys.presidium[2], "ceremony-restart", body) == refused("ENT-06")
    assert stage.post(stage.keys.presidium[0], "ceremony-restart", replace(body, round=1)) == refused("ENT-06")


# The end of the sitting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [(1, 2), (1, 2, 3)])
def test_with_fewer_than_the_minimum_the_sitting_is_over(silent: tuple[int, ...]) -> None:
    """Two of four trustees are fewer than the minimum of three, and one fewer than even the threshold."""
    stage = CeremonyStage.begin()
    for index in {1, 2, 3, 4} - set(silent):
        assert stage.send(index, "ceremony-commit") == EFFECT

    assert stage.act("ceremony-restart", stage.restart(silent)) == EFFECT
    assert stage.ceremony.ended[-1].reason == f"silent: trustees {', '.join(map(str, silent))}"
    assert stage.state.over
    assert stage.log(stage.entries[2]) == refused("ENT-03")


def test_blame_below_the_minimum_ends_the_sitting() -> None:
    """Two trustees blamed one after the other; nothing has effect any more."""
    stage = CeremonyStage.begin()
    for number in (1, 2):
        assert not stage.state.over
        stage.play("ceremony-commit")
        liar = stage.session.participants[-1]
        assert stage.send(liar, "ceremony-commit", CeremonyCommit(bytes(64), number)) == fault(
            "CER-10", f"trustee {liar}"
        )
    assert stage.state.over
    assert [session.blamed for session in stage.ceremony.ended] == [Party("trustee", 4), Party("trustee", 3)]
    assert stage.post(stage.presidium[0], "manifest", stage.manifest) == refused("ENT-03")


def test_a_threshold_of_all_ends_with_the_first_blame() -> None:
    """With two of two nobody can be spared; the record says so and does not break."""
    stage = CeremonyStage.begin(trustees=(2, 2, 2))
    stage.play("ceremony-commit")

    assert stage.send(1, "ceremony-commit", CeremonyCommit(bytes(64), 1)) == fault("CER-10", "trustee 1")
    assert stage.state.over


def test_the_sessions_are_limited() -> None:
    """The last allowed session may succeed; if it ends, the sitting is over."""
    stage = CeremonyStage.begin(trustees=(5, 2, 2), ceremony_sessions=2)
    stage.play("ceremony-commit", without=5)
    assert stage.act("ceremony-restart", stage.restart((5,))) == EFFECT
    assert not stage.state.over
    stage.play("ceremony-commit", without=4)

    assert stage.act("ceremony-restart", stage.restart((4,))) == EFFECT
    assert stage.state.over
    assert stage.send(1, "ceremony-commit", CeremonyCommit(bytes(64), 3)) == refused("ENT-03")


def test_an_identity_key_in_the_last_session_ends_the_sitting() -> None:
    """CER-09 uses up a session like anything else."""
    stage = CeremonyStage.begin(trustees=(2, 2, 2), ceremony_sessions=1)
    commit, reveal = forged_round(stage.session, 2, Scalars.concat([-constant_terms(stage, (1,)), Scalars.random()]))
    assert stage.send(1, "ceremony-commit") == EFFECT
    assert stage.send(2, "ceremony-commit", commit) == EFFECT
    assert stage.send(1, "ceremony-reveal") == EFFECT

    assert stage.send(2, "ceremony-reveal", reveal) == Verdict("effect", "CER-09")
    assert stage.state.over


def test_a_single_trustee_holds_the_whole_key() -> None:
    """One of one: it deals with itself alone."""
    stage = CeremonyStage.begin(trustees=(1, 1, 1))
    stage.play(*ROUNDS)

    assert stage.ceremony.complete
    assert isinstance(stage.ceremony.joint_key, Elements)
    assert stage.ceremony.public_shares[1] == stage.ceremony.joint_key
