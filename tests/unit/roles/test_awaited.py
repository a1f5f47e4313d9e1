"""What a sitting waits for, from the ceremony to the adjournment: each time exactly those who owe it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.roles.awaited import Awaited, Standing, shown_at, standing
from tests.forked import closed_poll, fork
from tests.simulator import Simulator, resolution

if TYPE_CHECKING:
    from secballot.roles.rehearsal import Rehearsal


def look(rehearsal: Rehearsal) -> Standing:
    """Return where the sitting stands, as a newcomer sees it."""
    view = rehearsal.view()
    view.refresh()
    return standing(view, rehearsal.now)


def actions(rehearsal: Rehearsal) -> list[str]:
    """Return what is awaited, in order."""
    return [item.action for item in look(rehearsal).awaited]


def only(rehearsal: Rehearsal, action: str) -> Awaited:
    """Return the one thing of this kind that is awaited."""
    found = [item for item in look(rehearsal).awaited if item.action == action]
    assert len(found) == 1, look(rehearsal)
    return found[0]


def names(item: Awaited) -> list[str]:
    """Return who owes a thing."""
    return [str(party) for party in item.parties]


def test_from_the_manifest_to_the_convening() -> None:
    """Each phase names its parties, and nobody who has done their part."""
    rehearsal = Simulator().rehearsal
    rehearsal.found()
    trustees = [f"trustee {number}" for number in range(1, len(rehearsal.trustees) + 1)]
    assert names(only(rehearsal, "ceremony-commit")) == trustees
    assert "registrar-key" in actions(rehearsal)
    assert "roll" in actions(rehearsal)
    rehearsal.trustees[0].step()
    rehearsal.witness()
    assert names(only(rehearsal, "ceremony-commit")) == trustees[1:]
    rehearsal.run_ceremony()
    rehearsal.enrol()
    assert look(rehearsal).phase == "setup"
    rehearsal.commission[0].sign_roll(rehearsal.roll)
    rehearsal.witness()
    assert names(only(rehearsal, "roll")) == [f"commission {n}" for n in range(2, len(rehearsal.commission) + 1)]
    for member in rehearsal.commission[1:]:
        member.sign_roll(rehearsal.roll)
    rehearsal.registrars[0].post_keys()
    rehearsal.witness()
    others = [f"registrar {n}" for n in range(2, len(rehearsal.registrars) + 1)]
    assert names(only(rehearsal, "registrar-key")) == others
    for registrar in rehearsal.registrars[1:]:
        registrar.post_keys()
    rehearsal.witness()
    assert actions(rehearsal) == ["registration"]


def test_the_registration_counts_down() -> None:
    """Delegates, then registrars, then consents, then the convening."""
    simulator = Simulator()
    rehearsal = simulator.rehearsal
    rehearsal.found()
    rehearsal.run_ceremony()
    rehearsal.enrol()
    for member in rehearsal.commission:
        member.sign_roll(rehearsal.roll)
    for registrar in rehearsal.registrars:
        registrar.post_keys()
    rehearsal.witness()
    first, *others = rehearsal.needed_officers()
    first.register(1)
    rehearsal.witness()
    pending = only(rehearsal, "registration")
    assert pending.pending is not None
    assert "presidium 1" not in names(pending)
    for officer in others:
        officer.register(1)
    rehearsal.witness()
    assert look(rehearsal).phase == "registration"
    assert only(rehearsal, "credential-request").count == len(rehearsal.delegates)
    for delegate in rehearsal.delegates:
        delegate.request_credentials()
    for officer in rehearsal.needed_officers():
        officer.close_registration()
    rehearsal.witness()
    assert look(rehearsal).phase == "answers"
    assert only(rehearsal, "credential-issue").count == len(rehearsal.delegates)
    for registrar in rehearsal.registrars:
        registrar.answer_requests()
    rehearsal.witness()
    assert look(rehearsal).phase == "consents"
    assert actions(rehearsal) == ["consent"]
    for registrar in rehearsal.registrars:
        registrar.consent()
    for trustee in rehearsal.trustees:
        trustee.consent()
    rehearsal.witness()
    assert actions(rehearsal) == ["convening"]


def test_a_poll_from_its_opening_to_its_result() -> None:
    """Ballots until its end, a closing until its grace is over, objections, decryptions, the result, the next."""
    simulator = fork()
    rehearsal = simulator.rehearsal
    assert actions(rehearsal) == ["opening"]
    rehearsal.open_poll(1, [resolution()])
    poll = simulator.board.record.state.polls[1]
    item = only(rehearsal, "ballot")
    assert (item.poll, item.until) == (1, poll.closes_at)
    view = rehearsal.view()
    view.refresh()
    assert shown_at(view, poll.index) == rehearsal.now
    assert shown_at(view, view.size) == 0
    rehearsal.now = poll.closes_at
    assert only(rehearsal, "closing").until == poll.closes_at + simulator.board.manifest.grace
    rehearsal.now += simulator.board.manifest.grace + 1
    assert actions(rehearsal) == ["lapse"]


def test_a_closed_poll_waits_for_objections_then_for_trustees() -> None:
    """Only trustees that have not decrypted owe anything, and the count says how many are still needed."""
    simulator = fork(closed_poll())
    rehearsal = simulator.rehearsal
    closing = simulator.board.record.state.polls[1].closing
    assert closing is not None
    rehearsal.now = closing.time
    assert only(rehearsal, "wait").until == closing.time + simulator.board.manifest.objection_period
    rehearsal.now += simulator.board.manifest.objection_period + 1
    before = only(rehearsal, "decryption")
    rehearsal.trustees[0].decrypt(1, now=rehearsal.now + 10)
    rehearsal.witness()
    after = only(rehearsal, "decryption")
    assert after.count == before.count - 1
    assert "trustee 1" in names(before)
    assert "trustee 1" not in names(after)
    rehearsal.decrypt(1)
    assert actions(rehearsal) == ["result"]
    rehearsal.publish_result(1)
    assert actions(rehearsal) == ["opening"]
    rehearsal.adjourn()
    assert look(rehearsal) == Standing("adjourned", ())
