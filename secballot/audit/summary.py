"""What a replayed state means to people: which sitting it is, and how far it has come.

Nothing is judged here. What every poll decided is in `polls`.

Source: SPEC.md#outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.audit.checks import Phase
from secballot.audit.report import SittingLine

if TYPE_CHECKING:
    from secballot.record.state import CeremonyState, RegistrationState, SittingState


def phases(state: SittingState) -> frozenset[Phase]:
    """Return every phase that the sitting has reached; the anchor and occasions are none of its own."""
    polls = state.polls.values()
    reached = {
        Phase.ENTRIES: len(state.history) > 0,
        Phase.ANCHOR: state.anchor is not None and state.manifest is not None,
        Phase.MANIFEST: state.manifest is not None,
        Phase.CEREMONY: state.ceremony is not None and state.ceremony.complete,
        Phase.REGISTRATION: bool(state.registrations),
        Phase.CONVENING: any(registration.convening is not None for registration in state.registrations),
        Phase.OPENING: bool(polls),
        Phase.CLOSING: any(poll.closing is not None for poll in polls),
        Phase.OPENED: any(poll.opened() for poll in polls),
        Phase.RESULT: any(poll.result is not None for poll in polls),
        Phase.ADJOURNMENT: state.adjourned,
    }
    return frozenset(phase for phase, is_reached in reached.items() if is_reached)


def sitting_line(state: SittingState, stage: str | None = None) -> SittingLine:
    """Return the sitting as its manifest names it, and how far it has come, in words of its own or those given."""
    manifest = state.the_manifest()
    ended = state.ceremony.ended if state.ceremony is not None else []
    return SittingLine(
        sitting_id=state.sitting_id.hex(),
        title=manifest.title,
        stage=_stage(state) if stage is None else stage,
        parties={
            "commission": len(manifest.commission),
            "presidium": len(manifest.presidium.keys),
            "presidium_threshold": manifest.presidium.threshold,
            "registrars": len(manifest.registrars),
            "trustees": len(manifest.trustees.keys),
            "trustees_minimum": manifest.trustees.minimum,
            "trustees_threshold": manifest.trustees.threshold,
            "witnesses": len(manifest.witnesses.witnesses),
            "witnesses_dishonest": manifest.dishonest_witnesses,
            "witnesses_quorum": manifest.witnesses.quorum,
        },
        ended_sessions=tuple(
            f"session {session.number}: {session.reason}"
            + (f"; {session.blamed} is blamed" if session.blamed is not None else "; nobody is blamed")
            for session in ended
        ),
    )


def _stage(state: SittingState) -> str:
    """Return how far the sitting has come, in words."""
    if state.over:
        return state.over
    if state.ceremony is not None and not state.ceremony.complete:
        return _ceremony_stage(state.ceremony)
    if not state.registrations:
        return "in progress: the joint key stands, and the registration is awaited"
    current = state.registrations[-1]
    if current.convening is None:
        return _registration_stage(current)
    unfinished = [str(poll.number) for poll in state.polls.values() if not poll.finished()]
    if unfinished:
        return f"in progress: poll {', '.join(unfinished)} is not finished"
    return f"in progress: convened, {len(state.polls)} polls so far, all finished"


def _ceremony_stage(ceremony: CeremonyState) -> str:
    posted = len(ceremony.rounds[ceremony.round])
    return (
        f"in progress: key ceremony, session {ceremony.session.number}, round {ceremony.round},"
        f" {posted} of {len(ceremony.session.participants)} trustees"
    )


def _registration_stage(current: RegistrationState) -> str:
    if not current.closed:
        return f"in progress: registration {current.number} takes requests"
    if current.end is None:
        return f"in progress: registration {current.number} waits for answers to {current.requests.unanswered} requests"
    return f"in progress: registration {current.number} has ended, and its convening is awaited"
