"""Trustees, board and organisers that cheat in the key ceremony, with the real parties on the other side.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import Party, RefusalError, StoreError
from secballot.group import Scalars
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.records.ceremony import CeremonyCommit, CeremonyShares
from secballot.records.entry import decode_entry
from tests.ceremony_run import seed
from tests.ceremony_stage import ROUNDS, CeremonyStage, forged_round
from tests.record_stage import EFFECT, Verdict, fault, refused, said
from tests.simulator import Simulator

if TYPE_CHECKING:
    from secballot.record.state import CeremonyState

replace = msgspec.structs.replace


def founded() -> Simulator:
    """Return a sitting with real trustees, its manifest in force."""
    simulator = Simulator()
    simulator.rehearsal.found()
    return simulator


def ceremony_of(simulator: Simulator) -> CeremonyState:
    """Return the ceremony as the board's machine has it."""
    ceremony = simulator.board.record.state.ceremony
    assert ceremony is not None
    return ceremony


def step(simulator: Simulator, *indices: int) -> None:
    """Let these trustees do what is awaited of them, then let the witnesses cosign."""
    for index in indices:
        simulator.rehearsal.trustees[index - 1].step()
    simulator.rehearsal.witness()


# Bias by who speaks last ---------------------------------------------------------------------------------------------


@pytest.mark.attack("DK-03")
def test_who_dislikes_the_key_it_would_complete_is_left_out_of_a_fresh_one() -> None:
    """Rushing: it has seen all other reveals and keeps silent; the next session's key holds none of these."""
    simulator = founded()
    step(simulator, 1, 2, 3, 4)
    step(simulator, 1, 2, 3)
    seen = {index: posted.body for index, posted in ceremony_of(simulator).rounds[1].items()}
    for officer in simulator.rehearsal.needed_officers():
        officer.restart_ceremony()
    simulator.rehearsal.witness()
    simulator.rehearsal.run_ceremony()
    ceremony = ceremony_of(simulator)

    assert ceremony.complete
    assert ceremony.session.participants == (1, 2, 3)
    assert ceremony.ended[0].blamed is None
    for index, posted in ceremony.rounds[1].items():
        assert posted.body.commitments != seen[index].commitments  # type: ignore[attr-defined]  # reveals
    assert simulator.rehearsal.trustees[3].step() is None


@pytest.mark.attack("DK-03")
def test_a_reveal_chosen_after_the_others_is_refused() -> None:
    """Rushing without silence: round 0 fixed what round 1 shows."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit")
    stage.play("ceremony-reveal", without=4)
    _, chosen = forged_round(stage.session, 4, Scalars.random(2))

    assert stage.send(4, "ceremony-reveal", chosen) == fault("CER-01", "trustee 4")
    assert stage.session.participants == (1, 2, 3)


@pytest.mark.attack("DK-03")
def test_a_new_round_0_after_the_first_reveal_is_equivocation() -> None:
    """The same trick one round earlier."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit")
    assert stage.send(1, "ceremony-reveal") == EFFECT
    commit, _ = forged_round(stage.session, 4, Scalars.random(2))

    assert stage.send(4, "ceremony-commit", commit) == fault("CER-10", "trustee 4")


@pytest.mark.attack("SB-02")
def test_the_presidium_cannot_drop_whom_it_dislikes() -> None:
    """A restart names who is silent; nobody who has spoken is, and nobody outside the restart decides."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit", without=4)

    late = stage.restart((4,))
    unwanted = replace(late, silent=(3, 4), participants=(1, 2))
    assert stage.act("ceremony-restart", unwanted) == refused("CER-08")
    assert stage.send(4, "ceremony-commit") == EFFECT
    assert stage.act("ceremony-restart", late) == refused("CER-08")


# Shares --------------------------------------------------------------------------------------------------------------


def cheat(simulator: Simulator, dealer: int, lie: object) -> None:
    """Run real trustees up to round 2, where one dealer's honest shares are replaced by a lie made from them."""
    others = [index for index in (1, 2, 3, 4) if index != dealer]
    step(simulator, 1, 2, 3, 4)
    step(simulator, 1, 2, 3, 4)
    step(simulator, *others)
    ceremony, trustee = ceremony_of(simulator), simulator.rehearsal.trustees[dealer - 1]
    trustee.view.refresh()
    honest = trustee._ceremony_secrets(ceremony).shares(ceremony.dealings)
    assert callable(lie)
    simulator.append_signed(trustee.key, "ceremony-shares", lie(honest))
    simulator.rehearsal.witness()


def swapped(shares: CeremonyShares) -> CeremonyShares:
    """Return the shares with those of the second and third receiver exchanged, ephemerals and all."""
    e, s = shares.ephemerals, shares.sealed
    return replace(
        shares,
        ephemerals=e[:32] + e[64:96] + e[32:64] + e[96:],
        sealed=s[:48] + s[96:144] + s[48:96] + s[144:],
    )


def spoilt(shares: CeremonyShares) -> CeremonyShares:
    """Return the shares with one bit of the first receiver's changed."""
    return replace(shares, sealed=bytes([shares.sealed[0] ^ 1]) + shares.sealed[1:])


def all_alike(shares: CeremonyShares) -> CeremonyShares:
    """Return the first receiver's share for everyone."""
    return replace(shares, ephemerals=shares.ephemerals[:32] * 4, sealed=shares.sealed[:48] * 4)


@pytest.mark.attack("DK-05")
@pytest.mark.parametrize(("lie", "accuser"), [(swapped, 2), (spoilt, 1), (all_alike, 2)])
def test_honest_trustees_convict_a_dealer_of_bad_shares(lie: object, accuser: int) -> None:
    """The first that is cheated complains by itself; the others go on without the dealer, and confirm."""
    simulator = founded()
    cheat(simulator, 3, lie)
    step(simulator, accuser)

    assert said(simulator.board.judgements[-1]) == Verdict("effect", "CER-05", "trustee 3")
    simulator.rehearsal.run_ceremony()
    ceremony = ceremony_of(simulator)
    assert ceremony.complete
    assert ceremony.session.participants == (1, 2, 4)
    assert ceremony.ended[0].blamed == Party("trustee", 3)


@pytest.mark.attack("DK-07")
def test_shares_of_an_earlier_session_convict_whoever_replays_them() -> None:
    """Sealed for other keys and bound to another session: they do not open."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:2])
    earlier = stage.body(3, "ceremony-shares")
    assert stage.send(4, "ceremony-commit", CeremonyCommit(bytes(64), 1)) == fault("CER-10", "trustee 4")
    stage.play(*ROUNDS[:2])
    body = stage.secrets(3).shares(stage.ceremony.dealings)
    assert isinstance(earlier, CeremonyShares)
    replayed = replace(body, ephemerals=earlier.ephemerals[:96], sealed=earlier.sealed[:144])
    for index in (1, 2, 3):
        assert stage.send(index, "ceremony-shares", replayed if index == 3 else None) == EFFECT

    assert stage.send(1, "ceremony-complain") == Verdict("effect", "CER-05", "trustee 3")


@pytest.mark.attack("DK-05")
def test_an_open_complaint_completes_nothing() -> None:
    """While one participant has not confirmed there is no key, however many others have."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:3])
    stage.play("ceremony-confirm", without=2)

    assert not stage.ceremony.complete
    assert stage.ceremony.public_shares
    assert stage.send(2, "ceremony-confirm") == EFFECT
    assert stage.ceremony.complete


# Views ---------------------------------------------------------------------------------------------------------------


@pytest.mark.attack("DK-08")
def test_two_logs_of_one_ceremony_have_two_transcripts() -> None:
    """A board shows one trustee other rounds than the rest: its confirmation fits the log that it saw alone."""
    one, other = CeremonyStage.begin(), CeremonyStage.begin()
    one.play(*ROUNDS[:3])
    other.play("ceremony-commit")
    other.play("ceremony-reveal")
    for index in (1, 2, 4):
        assert other.send(index, "ceremony-shares") == EFFECT
    assert other.send(3, "ceremony-shares", other.bad_shares(3, 1)) == EFFECT
    foreign = other.body(2, "ceremony-confirm")

    assert foreign != one.body(2, "ceremony-confirm")
    assert one.send(2, "ceremony-confirm", foreign) == fault("CER-07", "trustee 2")


@pytest.mark.attack("DK-09")
def test_a_trustee_consents_to_no_ceremony_but_its_own() -> None:
    """The organisers, holding every identity key, hold a ceremony of their own: the true trustee refuses its key."""
    simulator = founded()
    rehearsal = simulator.rehearsal
    real = rehearsal.trustees[0]
    real.step()
    stage = CeremonyStage(simulator.board.entries[:2], simulator)
    stage.play(*ROUNDS)
    fake = Simulator()
    for entry in stage.entries:
        fake.board.force(entry)
    fake.rehearsal.witness()
    fake.rehearsal.enrol()
    fake.rehearsal.register()
    for trustee, error in ((fake.rehearsal.trustees[0], StoreError), (real, RefusalError)):
        trustee.view = fake.rehearsal.view()
        with pytest.raises(error):
            trustee.consent()
    assert all(judgement.kind != "consent" for judgement in fake.board.judgements)


def test_a_trustee_does_not_go_on_with_rounds_that_it_never_posted() -> None:
    """Its identity key was used by somebody else: it stops instead of dealing under another's polynomial."""
    simulator = founded()
    step(simulator, 1, 2, 3)
    session, impostor = ceremony_of(simulator).session, simulator.rehearsal.trustees[3]
    secrets = TrusteeSecrets(session, 4, seed("impostor"))
    simulator.append_signed(impostor.key, "ceremony-commit", secrets.commit())
    simulator.rehearsal.witness()

    with pytest.raises(StoreError):
        impostor.step()
    step(simulator, 1, 2, 3)
    simulator.append_signed(impostor.key, "ceremony-reveal", secrets.reveal())
    assert ceremony_of(simulator).round == 2


@pytest.mark.attack("SB-02")
def test_a_complete_ceremony_cannot_be_redone() -> None:
    """Neither by restart nor by equivocation does the key change, once it stands."""
    simulator = founded()
    simulator.rehearsal.run_ceremony()
    key = ceremony_of(simulator).joint_key
    commits = [entry for entry in simulator.board.entries if decode_entry(entry).kind == "ceremony-commit"]

    for entry in commits:
        assert said(simulator.board.force(entry)) == refused("ENT-06")
    other = CeremonyCommit(bytes(64), 1)
    for trustee in simulator.rehearsal.keys.trustees:
        assert said(simulator.append_signed(trustee, "ceremony-commit", other)) == refused("ENT-06")
    with pytest.raises(RefusalError):
        simulator.rehearsal.officers[0].restart_ceremony()
    assert ceremony_of(simulator).joint_key == key
