"""Registration: freezing the roll, requests, answers, and the end that convening waits for.

Rules:
- a registration takes effect when ceremony, roll and registrar keys are complete and no class is too small;
- a roll key requests each poll once, in order, in as few entries as fit;
- every admitted request is answered by every registrar, or the registration never ends.

Source: SPEC.md#registration.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from secballot.blind import MODULUS_BYTES
from secballot.errors import NOBODY, RecordError, VerificationError, blaming
from secballot.protocol.registration import check_expected_answer, check_request, expected_answers, expected_of
from secballot.record.answers import all_hold, compared
from secballot.record.outcome import out_of_phase, repetition
from secballot.record.rereading import read_again
from secballot.record.state import RegistrationState
from secballot.record.statements import Blinded

if TYPE_CHECKING:
    from secballot.record.outcome import Act, Commit
    from secballot.record.rolls import OpenRequest
    from secballot.record.state import SittingState
    from secballot.records.credential import CredentialIssue, CredentialRequest
    from secballot.records.roll import Registration, RegistrationClose


def judge_registration(state: SittingState, body: Registration, act: Act) -> Commit:
    """Return the commit that freezes the staged roll and keys.

    Raises:
        RecordError: REG-05.

    Source: SPEC.md#registration-act.
    """
    del act
    manifest, staged = state.the_manifest(), state.staged
    with blaming("REG-05", NOBODY):
        if state.ceremony is None or not state.ceremony.complete:
            raise RecordError("the ceremony is not complete")
        if body.registration != staged.number or body.first_poll > manifest.polls:
            raise RecordError("not the next registration, or no such poll")
        if any(number >= body.first_poll for number in state.polls):
            raise RecordError("a poll it would cover has been opened")
        if staged.chunks is None or len(staged.roll_chunks) != staged.chunks:
            raise RecordError("the roll is not complete")
        _check_registrar_keys(state, body.first_poll)
        _check_class_sizes(state)

    def commit() -> None:
        staged.freeze(body.first_poll)
        state.registrations.append(staged)
        state.staged = RegistrationState(staged.number + 1)

    return commit


def _check_registrar_keys(state: SittingState, first_poll: int) -> None:
    manifest = state.the_manifest()
    for poll in range(first_poll, manifest.polls + 1):
        for class_index in range(1, len(manifest.classes) + 1):
            if len(state.staged.keys.get((poll, class_index), {})) != len(manifest.registrars):
                raise RecordError(f"a registrar's key for poll {poll} and class {class_index} is missing")


def _check_class_sizes(state: SittingState) -> None:
    """Check the privacy floor: weighted totals reveal each group of equal weight, so a group needs twice as many."""
    manifest = state.the_manifest()
    sizes = state.staged.class_sizes()
    groups: dict[int, int] = defaultdict(int)
    for number, delegate_class in enumerate(manifest.classes, 1):
        groups[delegate_class.weight] += sizes.get(number, 0)
        if sizes.get(number, 0) < manifest.minimum_ballots:
            raise RecordError(f"class {number} has fewer keys than the privacy floor")
    if any(size < 2 * manifest.minimum_ballots for size in groups.values()):
        raise RecordError("classes of one weight have together fewer keys than twice the privacy floor")


def judge_request(state: SittingState, body: CredentialRequest, act: Act) -> Commit:
    """Return the commit that admits a delegate's request.

    Raises:
        PhaseError: ENT-06.
        VerificationError: REG-06; the delegate is at fault.

    Source: SPEC.md#requests.
    """
    manifest = state.the_manifest()
    registration = state.current_registration(body.registration)
    key = act.entry.signer
    if registration.closed:
        raise out_of_phase("requests are closed")
    due = registration.next_poll(key)
    if not registration.first_poll <= body.first_poll <= min(due, manifest.polls):
        raise out_of_phase("a request begins with the key's next poll")
    if body.first_poll < due:
        if _repeats(state, registration, body, act):
            raise repetition()
        raise VerificationError("a second request for one poll", check="REG-06", culprit=act.party)
    class_index = registration.roll[key]
    rows = [registration.registrar_keys(poll, class_index) for poll in range(body.first_poll, manifest.polls + 1)]
    proven = state.proven

    def known(position: int, item: bytes) -> bool:
        return Blinded(rows[position].moduli, item) in proven

    with blaming("REG-06", act.party):
        check_request(body, keys=[row.keys for row in rows], polls=len(rows), known=known if proven else None)

    expected = expected_answers(body)

    def commit() -> None:
        registration.requests.add(
            key, body.first_poll, len(body.blinded), index=act.at.index, leaf=act.at.leaf, expected=expected
        )

    return commit


def _repeats(state: SittingState, registration: RegistrationState, body: CredentialRequest, act: Act) -> bool:
    """Tell whether the key has asked for the same with the same words: its earlier request is read again."""
    for request in registration.requests.of(act.entry.signer):
        if request.first_poll == body.first_poll:
            return read_again(state, request.index).body_hash == act.entry.body_hash
    return False


def judge_issue(state: SittingState, body: CredentialIssue, act: Act) -> Commit:
    """Return the commit that counts a registrar's answers.

    Raises:
        PhaseError: ENT-06.
        VerificationError: REG-07; the registrar is at fault.

    Source: SPEC.md#issues.
    """
    registration = state.current_registration(body.registration)
    registrar = act.party.index
    if len({answer.request for answer in body.answers}) != len(body.answers):
        raise out_of_phase("answers one request twice")
    asked: list[tuple[OpenRequest, bytes]] = []
    for answer in body.answers:
        request = registration.requests.open_request(answer.request)
        if request is None or request.answered >> registrar & 1:
            raise out_of_phase("answers what is no request, or is answered already")
        asked.append((request, answer.signatures))
    registrars = len(state.the_manifest().registrars)
    together = compared(asked, registrar, registrars)
    if any(len(own) != MODULUS_BYTES * request.polls for request, own in asked) or not (
        all_hold(registration.keys, registrar, together, state.proven)
    ):
        for request, own in asked:
            polls = range(request.first_poll, request.first_poll + request.polls)
            keys = [registration.keys[poll, request.class_index][registrar] for poll in polls]
            check_expected_answer(own, expected_of(request.expected, registrar, registrars), keys, registrar)

    def commit() -> None:
        registration.requests.answer([answer.request for answer in body.answers], registrar, registrars)
        _end_if_answered(registration, act)

    return commit


def judge_close(state: SittingState, body: RegistrationClose, act: Act) -> Commit:
    """Return the commit that ends the requests.

    Raises:
        RecordError: REG-08.
    """
    with blaming("REG-08", NOBODY):
        if not state.registrations or state.registrations[-1].number != body.registration:
            raise RecordError("not the current registration")
        registration = state.registrations[-1]
        if registration.closed:
            raise RecordError("closed already")

    def commit() -> None:
        registration.closed = True
        _end_if_answered(registration, act)

    return commit


def _end_if_answered(registration: RegistrationState, act: Act) -> None:
    if registration.closed and not registration.requests.unanswered:
        registration.end = act.at.index + 1
