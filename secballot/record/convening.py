"""Consents and the convening that opens a registration's polls.

Source: SPEC.md#convening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.errors import NOBODY, RecordError, VerificationError, blaming
from secballot.record.history import open_embedded
from secballot.record.outcome import out_of_phase, repetition

if TYPE_CHECKING:
    from secballot.record.outcome import Act, Commit
    from secballot.record.state import RegistrationState, SittingState
    from secballot.records.convening import Consent, Convening


def judge_consent(state: SittingState, body: Consent, act: Act) -> Commit:
    """Return the commit that notes a registrar's or trustee's consent to the prefix where registration ended.

    Raises:
        PhaseError: ENT-06.
        VerificationError: CON-01; the signer saw another log or key.
    """
    registration = state.current_registration(body.registration)
    ceremony = state.complete_ceremony()
    if registration.end is None or registration.convening is not None:
        raise out_of_phase("the registration has not ended, or is convened")
    if act.party.role == "trustee" and act.party.index not in ceremony.session.participants:
        raise out_of_phase("takes no part in the ceremony that made the key")
    held = registration.consents.get(act.party)
    if held is not None and held[1] == act.entry.body_hash:
        raise repetition()
    with blaming("CON-01", act.party):
        if held is not None:
            raise VerificationError("a second, different consent")
        if body.size != registration.end or body.root != state.history.root(registration.end):
            raise VerificationError("consents to another log than this one")
        if ceremony.joint_key is None or body.joint_key != ceremony.joint_key.encode():
            raise VerificationError("consents to another joint key")

    def commit() -> None:
        registration.consents[act.party] = (act.at.index, act.entry.body_hash)

    return commit


def judge_convening(state: SittingState, body: Convening, act: Act) -> Commit:
    """Return the commit that convenes the registration.

    Raises:
        RecordError: CON-02.
        EncodingError, VerificationError, PolicyError: LOG-03, LOG-04.
    """
    manifest = state.the_manifest()
    with blaming("CON-02", NOBODY):
        if not state.registrations or state.registrations[-1].number != body.registration:
            raise RecordError("not the current registration")
        registration = state.registrations[-1]
        if registration.end is None or registration.convening is not None:
            raise RecordError("the registration has not ended, or is convened")
        opened = open_embedded(manifest, state.operators, state.history, body.checkpoint, act.at.index)
        _check_consents(state, registration, opened.checkpoint.tree_size)

    def commit() -> None:
        registration.convening = act.entry.body_hash

    return commit


def _check_consents(state: SittingState, registration: RegistrationState, size: int) -> None:
    manifest = state.the_manifest()
    covered = [party.role for party, (index, _) in registration.consents.items() if index < size]
    if covered.count("registrar") < len(manifest.registrars):
        raise RecordError("the checkpoint does not cover every registrar's consent")
    if covered.count("trustee") < manifest.trustees.minimum:
        raise RecordError("the checkpoint does not cover enough trustees' consents")


def newest_convening(state: SittingState, poll: int) -> RegistrationState | None:
    """Return the registration whose convening is the newest that covers this poll number, or None."""
    for registration in reversed(state.registrations):
        if registration.convening is not None and registration.first_poll <= poll:
            return registration
    return None
