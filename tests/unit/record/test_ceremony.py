"""The key ceremony as the log decides it: rounds, faults, complaints, restarts, the end.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import Party, PhaseError
from secballot.group import Scalars, multiply_base
from secballot.protocol.ceremony_session import dealt_share
from secballot.record.ceremony import ceremony_transcript
from secballot.records.ceremony import CeremonyCommit, CeremonyConfirm, CeremonyReveal
from secballot.sealing import seal_share
from tests.ceremony_stage import ROUNDS, CeremonyStage, constant_terms, forged_round
from tests.record_stage import EFFECT, Verdict, fault, refused

if TYPE_CHECKING:
    from collections.abc import Callable

replace = msgspec.structs.replace


def ended(stage: CeremonyStage, *, blamed: int, remaining: tuple[int, ...]) -> None:
    """Check that the first session ended, whom it blamed, and who goes on in the next."""
    assert stage.session.number == 2
    assert stage.session.participants == remaining
    assert stage.ceremony.round == 0
    last = stage.ceremony.ended[-1]
    assert (last.number, last.blamed) == (1, Party("trustee", blamed))
    assert re.fullmatch(r"CER-\d\d: [a-z].*[a-z]", last.reason)


# The way through -----------------------------------------------------------------------------------------------------


def test_a_ceremony_is_complete_when_everyone_has_confirmed() -> None:
    """Y is the sum of the constant terms, X_j the public half of what j can decrypt with."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS)
    ceremony = stage.ceremony

    assert ceremony.complete
    assert ceremony.joint_key == multiply_base(constant_terms(stage, (1, 2, 3, 4)))
    for index in (1, 2, 3, 4):
        share = stage.secrets(index).secret_share(ceremony.dealings, stage.dealt())
        assert ceremony.public_shares[index] == multiply_base(share)


def test_there_is_no_transcript_before_all_shares_stand() -> None:
    """ENT-06: neither before the joint key is known nor with the last shares missing."""
    stage = CeremonyStage.begin()
    for kind in ROUNDS[:3]:
        stage.play(kind, without=4)
        with pytest.raises(PhaseError) as caught:
            ceremony_transcript(stage.ceremony)
        assert caught.value.check == "ENT-06"
        assert stage.send(4, kind) == EFFECT
    assert stage.body(1, "ceremony-confirm") == CeremonyConfirm(1, ceremony_transcript(stage.ceremony))


def test_the_order_within_a_round_is_free() -> None:
    """A board that holds entries back changes nothing that counts, as long as it logs them."""
    stage = CeremonyStage.begin()
    for kind in ROUNDS:
        for index in (3, 1, 4, 2):
            assert stage.send(index, kind) == EFFECT
    assert stage.ceremony.complete


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_round_is_open_when_the_one_before_is_complete(number: int) -> None:
    """Before that an entry of it is out of phase, even if only one participant is missing."""
    whole = CeremonyStage.begin()
    whole.play(*ROUNDS[: number + 1])
    later = whole.entries[2 + 4 * number : 2 + 4 * (number + 1)]

    for missing in (1, 4) if number else ():
        stage = CeremonyStage.begin()
        stage.play(*ROUNDS[: number - 1])
        stage.play(ROUNDS[number - 1], without=missing)
        assert stage.log_all(later) == [refused("ENT-06")] * 4
        assert stage.send(missing, ROUNDS[number - 1]) == EFFECT
        assert stage.ceremony.round == number


def test_after_the_ceremony_nothing_of_it_has_effect() -> None:
    """Not even a different content: ENT-06, no fault, and the key stands."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS)
    key = stage.ceremony.joint_key

    for index in (1, 4):
        assert stage.send(index, "ceremony-commit", CeremonyCommit(bytes(64), 1)) == refused("ENT-06")
        assert stage.send(index, "ceremony-confirm", CeremonyConfirm(1, bytes(64))) == refused("ENT-06")
        assert stage.send(index, "ceremony-complain", stage.complaint(index, 2)) == refused("ENT-06")
    assert stage.post(stage.presidium[0], "ceremony-restart", replace(stage.restart((1,)), round=3)) == refused(
        "ENT-06"
    )
    assert stage.ceremony.joint_key == key


@pytest.mark.parametrize("session", [2, 3, 2**53 - 1])
def test_an_entry_of_another_session_is_out_of_phase(session: int) -> None:
    """Sessions that have not begun have no rounds."""
    stage = CeremonyStage.begin()
    body = replace(stage.secrets(1).commit(), session=session)

    assert stage.send(1, "ceremony-commit", body) == refused("ENT-06")


def test_entries_of_an_ended_session_are_out_of_phase() -> None:
    """Late entries of session 1 neither count nor blame in session 2, not even different contents."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit")
    late = stage.entry(stage.keys.trustees[0], "ceremony-commit", CeremonyCommit(bytes(64), 1))
    assert stage.send(4, "ceremony-commit", CeremonyCommit(bytes(64), 1)) == fault("CER-10", "trustee 4")

    assert stage.log(late) == refused("ENT-06")
    ended(stage, blamed=4, remaining=(1, 2, 3))


def test_who_takes_no_part_is_out_of_phase() -> None:
    """The trustee that was blamed posts into the next session."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit")
    stage.send(4, "ceremony-commit", CeremonyCommit(bytes(64), 1))

    assert stage.send(4, "ceremony-commit", CeremonyCommit(bytes(64), 2)) == refused("ENT-06")
    stage.play(*ROUNDS)
    assert stage.ceremony.complete
    assert set(stage.ceremony.public_shares) == {1, 2, 3}


# Faults of one entry -------------------------------------------------------------------------------------------------


def revealing() -> CeremonyStage:
    """Return a ceremony in which round 1 is open and trustee 2 has revealed."""
    stage = CeremonyStage.begin()
    stage.play("ceremony-commit")
    assert stage.send(2, "ceremony-reveal") == EFFECT
    return stage


def wrong_reveals() -> dict[str, tuple[str, Callable[[CeremonyReveal], CeremonyReveal]]]:
    """Return per kind of lie the check that shows it and the lie."""
    identity = bytes(32)
    return {
        "too few commitments": ("CER-02", lambda r: replace(r, commitments=r.commitments[:32])),
        "too many commitments": ("CER-02", lambda r: replace(r, commitments=r.commitments + r.commitments[:32])),
        "no commitments": ("CER-02", lambda r: replace(r, commitments=b"")),
        "odd bytes": ("CER-02", lambda r: replace(r, commitments=r.commitments[:-1])),
        "identity first": ("CER-02", lambda r: replace(r, commitments=identity + r.commitments[32:])),
        "identity last": ("CER-02", lambda r: replace(r, commitments=r.commitments[:32] + identity)),
        "no element": ("CER-02", lambda r: replace(r, commitments=b"\xff" * 64)),
        "encryption key identity": ("CER-02", lambda r: replace(r, encryption_key=identity)),
        "other commitments": ("CER-01", lambda r: replace(r, commitments=r.commitments[32:] + r.commitments[:32])),
        "other encryption key": ("CER-01", lambda r: replace(r, encryption_key=r.commitments[:32])),
        "other nonce": ("CER-01", lambda r: replace(r, nonce=bytes(32))),
        "no proof of the secret": ("CER-03", lambda r: replace(r, proof_secret=bytes(64))),
        "no proof of the key": ("CER-03", lambda r: replace(r, proof_encryption=bytes(64))),
        "proofs swapped": (
            "CER-03",
            lambda r: replace(r, proof_secret=r.proof_encryption, proof_encryption=r.proof_secret),
        ),
        "response not canonical": ("CER-03", lambda r: replace(r, proof_secret=r.proof_secret[:32] + b"\xff" * 32)),
    }


@pytest.mark.parametrize("name", list(wrong_reveals()))
def test_a_wrong_reveal_ends_the_session_and_names_its_author(name: str) -> None:
    """CER-02, CER-01, CER-03 in this order; the others go on without the liar."""
    check, lie = wrong_reveals()[name]
    stage = revealing()

    assert stage.send(1, "ceremony-reveal", lie(stage.secrets(1).reveal())) == fault(check, "trustee 1")
    ended(stage, blamed=1, remaining=(2, 3, 4))
    stage.play(*ROUNDS)
    assert stage.ceremony.complete


@pytest.mark.attack("DK-04")
@pytest.mark.parametrize("degree", [1, 3])
def test_a_polynomial_of_another_degree_is_refused_though_proved(degree: int) -> None:
    """A raised or lowered threshold, committed to and proved without a flaw."""
    stage = CeremonyStage.begin()
    commit, reveal = forged_round(stage.session, 3, Scalars.random(degree))
    stage.play("ceremony-commit", without=3)
    assert stage.send(3, "ceremony-commit", commit) == EFFECT

    assert stage.send(3, "ceremony-reveal", reveal) == fault("CER-02", "trustee 3")


def test_wrong_shares_end_the_session() -> None:
    """CER-04: sizes for other participants than these, or an ephemeral that is no element."""
    for lie in (
        {"ephemerals": b""},
        {"ephemerals": bytes(128)},
        {"ephemerals": b"\xff" * 128},
        {"sealed": b""},
        {"sealed": bytes(48 * 3)},
        {"sealed": bytes(48 * 5)},
    ):
        stage = CeremonyStage.begin()
        stage.play(*ROUNDS[:2])
        body = replace(stage.secrets(3).shares(stage.ceremony.dealings), **lie)
        assert stage.send(3, "ceremony-shares", body) == fault("CER-04", "trustee 3")
        ended(stage, blamed=3, remaining=(1, 2, 4))


@pytest.mark.attack("DK-10")
def test_who_confirms_another_transcript_is_at_fault() -> None:
    """CER-07: it saw another log, or says so."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:3])
    assert stage.send(1, "ceremony-confirm") == EFFECT

    assert stage.send(2, "ceremony-confirm", CeremonyConfirm(1, bytes(64))) == fault("CER-07", "trustee 2")
    ended(stage, blamed=2, remaining=(1, 3, 4))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_second_content_of_a_round_is_a_fault_whenever_it_comes(number: int) -> None:
    """CER-10, in the round itself and in every later one of the session; the same content is a repetition."""
    for later in range(number, 4):
        stage = CeremonyStage.begin()
        stage.play(*ROUNDS[:later])
        if later == number:
            assert stage.send(2, ROUNDS[number]) == EFFECT
        body = stage.ceremony.rounds[number][2].body
        field, size = [("commitment", 64), ("nonce", 32), ("sealed", 48 * 4)][number]
        other = replace(body, **{field: bytes(size)})

        assert stage.send(2, ROUNDS[number], body) == refused("ENT-06")
        assert stage.send(2, ROUNDS[number], other) == fault("CER-10", "trustee 2")
        ended(stage, blamed=2, remaining=(1, 3, 4))


# Complaints ----------------------------------------------------------------------------------------------------------


def cheated(dealer: int = 3, receiver: int = 1) -> CeremonyStage:
    """Return a ceremony in round 3 in which a dealer dealt one receiver a bad share, truly sealed."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:2])
    for index in stage.session.participants:
        body = stage.bad_shares(dealer, receiver) if index == dealer else None
        assert stage.send(index, "ceremony-shares", body) == EFFECT
    return stage


@pytest.mark.parametrize("sealing", ["off by one", "no scalar", "garbage"])
def test_a_true_complaint_names_the_dealer(sealing: str) -> None:
    """CER-05: the complaint takes effect, and the session ends without the dealer."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:2])
    honest = stage.secrets(3).shares(stage.ceremony.dealings)
    if sealing == "no scalar":
        channel, _ = dealt_share(stage.session, 3, 1, stage.ceremony.dealings, honest)
        key = channel._key(stage.opened_point(1, 3, honest))
        lie = replace(honest, sealed=seal_share(key, bytes(24), b"\xff" * 32, b"") + honest.sealed[48:])
    else:
        lie = stage.bad_shares(3, 1) if sealing == "off by one" else replace(honest, sealed=bytes(48 * 4))
    for index in (1, 2, 3, 4):
        assert stage.send(index, "ceremony-shares", lie if index == 3 else None) == EFFECT

    assert stage.send(1, "ceremony-complain") == Verdict("effect", "CER-05", "trustee 3")
    ended(stage, blamed=3, remaining=(1, 2, 4))
    stage.play(*ROUNDS)
    assert stage.ceremony.complete


def test_a_complaint_of_what_is_good_is_its_authors_fault() -> None:
    """CER-06, with a true proof: everyone can open the share, and it fits."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:3])

    assert stage.send(4, "ceremony-complain", stage.complaint(4, 2)) == fault("CER-06", "trustee 4")
    ended(stage, blamed=4, remaining=(1, 2, 3))


def unproved_complaints(stage: CeremonyStage) -> dict[str, msgspec.Struct]:
    """Return complaints of trustee 1 about a share that is bad, that do not show it."""
    true, other = stage.complaint(1, 3), stage.complaint(2, 3)
    return {
        "no proof": replace(true, proof=bytes(64)),
        "another point": replace(true, point=other.point),
        "another's complaint": other,
        "another dealer": replace(true, dealer=4),
        "identity": replace(true, point=bytes(32)),
        "no element": replace(true, point=b"\xff" * 32),
        "no such trustee": replace(true, dealer=9),
        "no trustee at all": replace(true, dealer=2**53 - 1),
    }


@pytest.mark.parametrize("name", list(unproved_complaints(cheated())))
def test_a_complaint_without_its_proof_is_its_authors_fault(name: str) -> None:
    """CER-06, though the share is bad: what nobody can open shows nothing."""
    stage = cheated()
    complaint = unproved_complaints(stage)[name]

    assert stage.send(1, "ceremony-complain", complaint) == fault("CER-06", "trustee 1")
    ended(stage, blamed=1, remaining=(2, 3, 4))


def test_a_complaint_about_who_takes_no_part_is_its_authors_fault() -> None:
    """In session 2, about the trustee that session 1 blamed."""
    stage = cheated()
    stage.send(1, "ceremony-complain")
    stage.play(*ROUNDS[:3])
    about_the_blamed = replace(stage.complaint(1, 2), dealer=3)

    assert stage.send(1, "ceremony-complain", about_the_blamed) == fault("CER-06", "trustee 1")
    assert stage.state.over


def test_a_trustee_may_show_its_own_share_to_be_bad() -> None:
    """The accuser is a participant like any other: blamed as the dealer, by a complaint that takes effect."""
    stage = cheated(dealer=3, receiver=3)

    assert stage.send(3, "ceremony-complain") == Verdict("effect", "CER-05", "trustee 3")
    ended(stage, blamed=3, remaining=(1, 2, 4))


def test_who_confirmed_cannot_complain_of_what_is_bad() -> None:
    """Confirmation and complaint share a slot: CER-10 names who said both, however true the second is."""
    stage = cheated()
    confirmed = CeremonyConfirm(1, stage.body(2, "ceremony-confirm").transcript)  # type: ignore[attr-defined]  # a confirmation
    assert stage.send(1, "ceremony-confirm", confirmed) == EFFECT

    assert stage.send(1, "ceremony-complain", stage.complaint(1, 3)) == fault("CER-10", "trustee 1")
    ended(stage, blamed=1, remaining=(2, 3, 4))


def test_a_complaint_before_its_round_is_out_of_phase() -> None:
    """While a share is missing nobody complains of one."""
    stage = CeremonyStage.begin()
    stage.play(*ROUNDS[:2])
    stage.play("ceremony-shares", without=4)

    assert stage.send(1, "ceremony-complain", stage.complaint(1, 3)) == refused("ENT-06")
