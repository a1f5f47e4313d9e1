"""The key ceremony as the log shows it: sessions, rounds, blame, restarts.

Rules:
- a round is open when every participant has filled the one before;
- the first entry of the current session that proves a fault ends it, and the next begins without the one blamed;
- a restart by the presidium ends it too, names the silent and blames nobody;
- when every participant has confirmed, the joint key stands and no further ceremony entry has effect.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from secballot.errors import NOBODY, Party, RecordError, VerificationError, blaming
from secballot.protocol.ceremony import (
    joint_key,
    judge_complaint,
    public_shares,
    transcript_hash,
    verify_reveal,
    verify_shares,
)
from secballot.record.outcome import Naming, out_of_phase, repetition
from secballot.record.state import CeremonyState, EndedSession, Posted

if TYPE_CHECKING:
    from secballot.record.outcome import Act, Commit
    from secballot.record.state import SittingState
    from secballot.records.ceremony import (
        CeremonyCommit,
        CeremonyComplain,
        CeremonyConfirm,
        CeremonyRestart,
        CeremonyReveal,
        CeremonyShares,
    )

FAULT_KINDS: Final = frozenset(
    {"ceremony-commit", "ceremony-reveal", "ceremony-shares", "ceremony-confirm", "ceremony-complain"}
)
"""Kinds whose wrong content ends the session and blames the signer."""

_REVEAL, _SHARES, _CONFIRM, _DONE = 1, 2, 3, 4


def judge_commit(state: SittingState, body: CeremonyCommit, act: Act) -> Commit:
    """Return the commit for round 0; any 64 bytes are a commitment."""
    ceremony = _enter(state, body.session, 0, act)
    return lambda: _post(ceremony, 0, act)


def judge_reveal(state: SittingState, body: CeremonyReveal, act: Act) -> Commit:
    """Return the commit for round 1, after which the joint key is known.

    Raises:
        VerificationError: CER-01, CER-02, CER-03.
    """
    ceremony = _enter(state, body.session, _REVEAL, act)
    committed: CeremonyCommit = ceremony.rounds[0][act.party.index].body  # type: ignore[assignment]  # round 0 holds commits only
    dealing = verify_reveal(ceremony.session, act.party.index, committed, body)

    def commit() -> None:
        _post(ceremony, _REVEAL, act)
        ceremony.dealings[act.party.index] = dealing

    dealings = {**ceremony.dealings, act.party.index: dealing}
    if len(dealings) < len(ceremony.session.participants):
        return commit
    try:
        key = joint_key(dealings)
    except VerificationError as error:
        reason = f"CER-09: {error.message}"
        return Naming(lambda: end_session(state, None, reason), "CER-09", NOBODY, reason)
    shares = public_shares(ceremony.session, dealings)

    def commit_key() -> None:
        commit()
        ceremony.joint_key, ceremony.public_shares = key, shares

    return commit_key


def judge_shares(state: SittingState, body: CeremonyShares, act: Act) -> Commit:
    """Return the commit for round 2.

    Raises:
        EncodingError, VerificationError: CER-04.
    """
    ceremony = _enter(state, body.session, _SHARES, act)
    with blaming("CER-04", act.party):
        verify_shares(ceremony.session, act.party.index, body)
    return lambda: _post(ceremony, _SHARES, act)


def judge_confirm(state: SittingState, body: CeremonyConfirm, act: Act) -> Commit:
    """Return the commit for a confirmation; the last one completes the ceremony.

    Raises:
        RecordError: CER-07, another transcript than the log's.
    """
    ceremony = _enter(state, body.session, _CONFIRM, act)
    if body.transcript != ceremony_transcript(ceremony):
        raise RecordError("confirms another transcript than this log's", check="CER-07", culprit=act.party)

    def commit() -> None:
        _post(ceremony, _CONFIRM, act)
        ceremony.complete = ceremony.round == _DONE

    return commit


def ceremony_transcript(ceremony: CeremonyState) -> bytes:
    """Return the hash that every participant of this session confirms, once round 2 is complete.

    Raises:
        PhaseError: round 2 is not complete (ENT-06).

    Source: SPEC.md#ceremony.
    """
    if ceremony.joint_key is None or ceremony.round < _CONFIRM:
        raise out_of_phase("the rounds before are not complete")
    leaves = [posted[i].leaf for posted in ceremony.rounds[:_CONFIRM] for i in ceremony.session.participants]
    return transcript_hash(ceremony.session, leaves, ceremony.joint_key, ceremony.public_shares)


def judge_complain(state: SittingState, body: CeremonyComplain, act: Act) -> Commit:
    """Return the commit of a complaint that is upheld: the session ends and the dealer is blamed (CER-05).

    Raises:
        VerificationError: CER-06, the complaint is unfounded and its author at fault.
    """
    ceremony = _enter(state, body.session, _CONFIRM, act)
    with blaming("CER-06", act.party):
        if body.dealer not in ceremony.session.participants:
            raise RecordError("complains about a trustee that takes no part")
        shares: dict[int, CeremonyShares] = {i: p.body for i, p in ceremony.rounds[_SHARES].items()}  # type: ignore[misc]  # round 2 holds shares only
        judge_complaint(ceremony.session, act.party.index, body, ceremony.dealings, shares)
    blamed, reason = Party("trustee", body.dealer), f"CER-05: trustee {act.party.index} showed the share to be bad"
    return Naming(lambda: end_session(state, blamed, reason), "CER-05", blamed, reason)


def judge_restart(state: SittingState, body: CeremonyRestart, act: Act) -> Commit:
    """Return the commit that ends a session whose silent participants are named.

    Raises:
        RecordError: CER-08.
    """
    del act
    ceremony = _running(state)
    participants = ceremony.session.participants
    with blaming("CER-08", NOBODY):
        if body.session != ceremony.session.number or body.round != ceremony.round:
            raise RecordError("the restart names another session or round than the current one")
        posted = ceremony.rounds[ceremony.round]
        if any(index not in participants or index in posted for index in body.silent):
            raise RecordError("a trustee named as silent takes no part or is not silent")
        if body.participants != tuple(index for index in participants if index not in body.silent):
            raise RecordError("the participants are not the others")

    def commit() -> None:
        silent = ", ".join(map(str, body.silent))
        _next_session(state, body.participants, EndedSession(body.session, None, f"silent: trustees {silent}"))

    return commit


def end_session(state: SittingState, blamed: Party | None, reason: str) -> None:
    """End the current session and begin the next without the one blamed."""
    ceremony = _running(state)
    rest = tuple(i for i in ceremony.session.participants if blamed is None or i != blamed.index)
    _next_session(state, rest, EndedSession(ceremony.session.number, blamed, reason))


def blames(state: SittingState, kind: str, session: int, party: Party) -> bool:
    """Tell whether a fault in this entry belongs to the current session and so ends it."""
    ceremony = state.ceremony
    return (
        kind in FAULT_KINDS
        and ceremony is not None
        and not ceremony.complete
        and session == ceremony.session.number
        and party.index in ceremony.session.participants
    )


def _next_session(state: SittingState, participants: tuple[int, ...], ended: EndedSession) -> None:
    manifest, ceremony = state.the_manifest(), _running(state)
    session, history = ceremony.session, [*ceremony.ended, ended]
    if len(participants) < manifest.trustees.minimum:
        state.over = "too few trustees are left for the ceremony"
    elif session.number == manifest.ceremony_sessions:
        state.over = "the ceremony has used up its sessions"
    else:
        session = replace(session, number=session.number + 1, participants=participants)
    state.ceremony = CeremonyState(session=session, rounds=({}, {}, {}, {}), ended=history)


def _running(state: SittingState) -> CeremonyState:
    if state.ceremony is None or state.ceremony.complete:
        raise out_of_phase("no ceremony is running")
    return state.ceremony


def _enter(state: SittingState, session: int, number: int, act: Act) -> CeremonyState:
    """Return the ceremony if this participant may fill its slot of this round now.

    Raises:
        PhaseError: another session, no participant, round not open, or a repetition (ENT-06).
        VerificationError: a second content for a filled slot (CER-10).
    """
    ceremony, index = _running(state), act.party.index
    if session != ceremony.session.number or index not in ceremony.session.participants:
        raise out_of_phase("not a participant of this session, or another session")
    posted = ceremony.rounds[number].get(index)
    if posted is not None and posted.body == act.entry.body:
        raise repetition()
    if posted is not None:
        raise VerificationError("a second content for one round", check="CER-10", culprit=act.party)
    if number != ceremony.round:
        raise out_of_phase("the round before is not complete")
    return ceremony


def _post(ceremony: CeremonyState, number: int, act: Act) -> None:
    ceremony.rounds[number][act.party.index] = Posted(act.at.leaf, act.entry.body)
