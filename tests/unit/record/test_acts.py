"""Acts of several signers: signatures are collected per body, and only the completing entry is judged.

Source: SPEC.md#acts-of-several-signers.
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.record import Outcome, SittingRecord
from secballot.record.acts import ACTS
from secballot.records.closing import Annulment
from secballot.records.convening import Convening
from secballot.records.opening import Extension
from secballot.records.promise import Handover
from secballot.records.roll import Registration, RollChunk
from tests.ceremony_stage import CeremonyStage
from tests.record_stage import COLLECTED, EFFECT, Stage, golden_bodies, golden_entries, refused
from tests.small_sitting import SITTING_ID, founding, public, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.signing import SigningKey

replace = msgspec.structs.replace


def presidium_acts() -> dict[str, tuple[str, Callable[[Stage], msgspec.Struct]]]:
    """Return per act of the presidium the kind before which it fits, and its body."""

    def body(kind: str) -> msgspec.Struct:
        return golden_bodies(kind)[0][1]

    return {
        "manifest": ("manifest", lambda stage: stage.manifest),
        "registration": ("registration", lambda _: body("registration")),
        "registration-close": ("registration-close", lambda _: body("registration-close")),
        "convening": ("convening", lambda stage: Convening(stage.note(), 1)),
        "opening": ("opening", lambda _: body("opening")),
        "result": ("result", lambda _: body("result")),
        "adjournment": ("adjournment", lambda _: body("adjournment")),
    }


@pytest.mark.parametrize("kind", list(presidium_acts()))
def test_any_two_of_three_keys_of_the_presidium_complete_an_act(kind: str) -> None:
    """Whichever two, in whichever order; the third comes too late."""
    before, make = presidium_acts()[kind]
    for first, second in permutations(range(3), 2):
        stage = Stage.before(before)
        body, keys = make(stage), stage.keys.presidium
        assert stage.post(keys[first], kind, body) == COLLECTED
        assert stage.post(keys[second], kind, body) == EFFECT
        late = refused("ENT-03" if kind in {"manifest", "adjournment"} else "ENT-06")
        assert stage.post(keys[3 - first - second], kind, body) == late


@pytest.mark.parametrize("kind", list(presidium_acts()))
def test_one_key_signs_an_act_once(kind: str) -> None:
    """The same entry again is a repetition and brings the act no further."""
    before, make = presidium_acts()[kind]
    stage = Stage.before(before)
    entry = stage.entry(stage.keys.presidium[0], kind, make(stage))

    assert stage.log_all([entry, entry, entry]) == [COLLECTED, refused("ENT-06"), refused("ENT-06")]


def test_signatures_of_different_bodies_are_not_added_up() -> None:
    """Two officers who want different first polls register nothing."""
    stage = Stage.before("registration")
    first, second, third = stage.keys.presidium

    assert stage.post(first, "registration", Registration(1, 1)) == COLLECTED
    assert stage.post(second, "registration", Registration(2, 1)) == COLLECTED
    assert stage.post(third, "registration", Registration(2, 1)) == EFFECT
    assert stage.post(second, "registration", Registration(1, 1)) == refused("ENT-06")


def test_one_officer_may_sign_several_bodies() -> None:
    """Collecting takes no slot; the first body that is complete does."""
    stage = Stage.before("registration")
    first, second, _ = stage.keys.presidium
    for poll in (2, 1):
        assert stage.post(first, "registration", Registration(poll, 1)) == COLLECTED

    assert stage.post(second, "registration", Registration(1, 1)) == EFFECT
    assert stage.state.registrations[0].first_poll == 1


def test_a_completing_signature_that_does_not_fit_is_not_kept() -> None:
    """Refused with the reason of the act, as often as it comes; it completes the act once that fits."""
    entries = golden_entries("registrar-key")
    stage = Stage.after("roll")
    stage.log_all(entries[:-1])
    body, (first, second, third) = Registration(1, 1), stage.keys.presidium
    assert stage.post(first, "registration", body) == COLLECTED

    for key in (second, third, second):
        assert stage.post(key, "registration", body) == refused("REG-05")
    assert {len(held.signers) for held in stage.state.collections.values()} == {1}
    assert stage.log(entries[-1]) == EFFECT
    assert stage.post(third, "registration", body) == EFFECT


def test_nothing_is_kept_of_an_act_that_stands() -> None:
    """Its signatures are forgotten; those under another body are not, and count for nothing."""
    stage = Stage.before("registration")
    first, second, _ = stage.keys.presidium
    for poll in (2, 1):
        assert stage.post(first, "registration", Registration(poll, 1)) == COLLECTED
    assert stage.post(second, "registration", Registration(1, 1)) == EFFECT
    (held,) = stage.state.collections.values()
    assert (held.first_index, held.signers) == (len(stage.entries) - 3, {first.verify_key.encode()})


def test_one_signature_may_be_all_that_is_needed() -> None:
    """A commission of one: its entry takes effect at once, and nothing is collected."""
    record = SittingRecord(SITTING_ID, fetch=lambda _: b"")
    chunk = RollChunk(1, 1, 1, public("delegate"), 1)
    outcomes = [record.append(entry).outcome for entry in (*founding(), signed("roll", chunk, "commission"))]
    assert outcomes == [Outcome.COLLECTED, Outcome.EFFECT, Outcome.EFFECT]
    assert (list(record.state.staged.roll), record.state.collections) == (list(chunk.keys), {})


def test_junk_between_the_signatures_changes_nothing() -> None:
    """Nor do the signatures of other acts."""
    stage = Stage.before("registration")
    first, second = golden_entries("registration")
    stage.log(first)
    stage.log(b"junk")
    stage.log_all(golden_entries("registration-close"))

    assert stage.log(second) == EFFECT


def test_all_of_the_commission_sign_in_any_order() -> None:
    """Here two members; the presidium's keys count for nothing."""
    _, chunk = golden_bodies("roll")[0]
    for order in permutations(range(2)):
        stage = Stage.before("roll")
        verdicts = [stage.post(stage.keys.commission[at], "roll", chunk) for at in order]
        assert verdicts == [COLLECTED, EFFECT]


@pytest.mark.parametrize("trustees", list(combinations(range(3), 2)))
def test_presidium_and_trustees_complete_an_act_together(trustees: tuple[int, ...]) -> None:
    """Two officers and two trustees, in any order; neither group is enough alone, nor helps out the other."""
    stage = Stage.before("opening")
    size = len(stage.entries)
    body = Handover(stage.state.history.root(size), size, 1)
    officers = stage.keys.presidium
    helpers = [stage.keys.trustees[at] for at in trustees]

    def collected(*keys: SigningKey) -> None:
        assert {stage.post(key, "handover", body) for key in keys} == {COLLECTED}

    collected(*officers)
    collected(helpers[0])
    assert stage.post(helpers[1], "handover", body) == EFFECT


def test_a_trustee_without_part_in_the_ceremony_counts_for_nothing() -> None:
    """Its signature is collected and never completes an act; before the ceremony is complete none does."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit", without=4)
    assert stage.act("ceremony-restart", stage.restart((4,))) == EFFECT
    size = len(stage.entries)
    body = Handover(stage.state.history.root(size), size, 1)
    early = [*stage.keys.presidium, *stage.keys.trustees[:3]]

    assert {stage.post(key, "handover", body) for key in early} == {COLLECTED}
    stage.play("ceremony-commit", "ceremony-reveal", "ceremony-shares", "ceremony-confirm")
    size = len(stage.entries)
    body = Handover(stage.state.history.root(size), size, 1)
    assert {stage.post(key, "handover", body) for key in stage.keys.presidium} == {COLLECTED}
    assert stage.post(stage.keys.trustees[3], "handover", body) == COLLECTED
    assert stage.post(stage.keys.trustees[0], "handover", body) == COLLECTED
    assert stage.post(stage.keys.trustees[1], "handover", body) == EFFECT


@pytest.mark.parametrize("kind", ["extension", "annul", "result"])
def test_an_act_about_an_unknown_poll_fails_when_it_completes(kind: str) -> None:
    """Its slot is not filled, so signatures are collected; then it is out of phase, and the record does not fail."""
    stage = Stage.before("opening")
    bodies = {
        "annul": Annulment(bytes(32), "reason"),
        "extension": Extension(2_000_000_000, bytes(32)),
        "result": replace(golden_bodies("result")[0][1], ctx=bytes(32)),
    }
    keys = stage.keys.trustees[:2] if kind == "annul" else []
    for key in [*keys, stage.keys.presidium[0]]:
        assert stage.post(key, kind, bodies[kind]) == COLLECTED

    assert stage.post(stage.keys.presidium[1], kind, bodies[kind]) == refused("ENT-06")
    assert stage.state.failures == []


def test_the_acts_are_those_of_the_specification() -> None:
    """Every other kind has effect by one signature, or by none."""
    assert set(ACTS) == {
        "adjournment",
        "annul",
        "ceremony-restart",
        "convening",
        "extension",
        "handover",
        "manifest",
        "opening",
        "registration",
        "registration-close",
        "result",
        "roll",
    }
