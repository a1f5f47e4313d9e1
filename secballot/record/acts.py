"""Acts of several signers: their signatures are collected per body, and the completing entry alone is judged.

Until the set is complete an entry is *collected*; the one that completes it is judged against the state as it is then.
If the act does not fit, that entry has no effect and its signature is not kept, so the same bytes may complete the
act later, when it fits.

Source: SPEC.md#acts-of-several-signers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from secballot.record.outcome import Judgement, Outcome, out_of_phase, repetition
from secballot.record.state import Collection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from secballot.record.outcome import Act, Commit
    from secballot.record.state import PollState, SittingState


@dataclass(frozen=True, slots=True)
class ActRule:
    """How one kind of act is completed, and when its slot is filled.

    Attributes:
        complete: tells from state, body and signers whether the set is complete.
        filled: tells from state and body whether the slot is filled.
    """

    complete: Callable[[SittingState, Any, set[bytes]], bool]
    filled: Callable[[SittingState, Any], bool]


def _presidium(state: SittingState, body: object, signers: set[bytes]) -> bool:
    del body
    presidium = state.the_manifest().presidium
    return len(signers & set(presidium.keys)) >= presidium.threshold


def _own_presidium(state: SittingState, body: Any, signers: set[bytes]) -> bool:  # noqa: ANN401  # a Manifest
    del state
    return bool(len(signers & set(body.presidium.keys)) >= body.presidium.threshold)


def _commission(state: SittingState, body: object, signers: set[bytes]) -> bool:
    del body
    return signers >= set(state.the_manifest().commission)


def _presidium_and_trustees(state: SittingState, body: object, signers: set[bytes]) -> bool:
    """Count only trustees that take part in the complete ceremony."""
    trustees, ceremony = state.the_manifest().trustees, state.ceremony
    participants = ceremony.session.participants if ceremony is not None and ceremony.complete else ()
    keys = {trustees.keys[index - 1] for index in participants}
    return _presidium(state, body, signers) and len(signers & keys) >= trustees.threshold


def _poll(state: SittingState, body: Any) -> PollState | None:  # noqa: ANN401  # any body with a ctx
    return state.by_ctx.get(body.ctx)


def _never(state: SittingState, body: object) -> bool:
    del state, body
    return False


def _registration_filled(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    return bool(body.registration <= len(state.registrations))


def _roll_filled(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    staged = state.staged
    return bool(body.registration < staged.number) or (
        body.registration == staged.number and body.chunk in staged.roll_chunks
    )


def _restart_filled(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    ceremony = state.ceremony
    return ceremony is None or ceremony.complete or bool(body.session < ceremony.session.number)


def _close_filled(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    current = len(state.registrations)
    return bool(body.registration < current) or (
        body.registration == current and current > 0 and state.registrations[-1].closed
    )


def _convening_filled(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    current = len(state.registrations)
    return bool(body.registration < current) or (
        body.registration == current and current > 0 and state.registrations[-1].convening is not None
    )


def _extended(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    poll = _poll(state, body)
    return poll is not None and poll.extended


def _has_result(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    poll = _poll(state, body)
    return poll is not None and poll.result is not None


def _annulled(state: SittingState, body: Any) -> bool:  # noqa: ANN401
    poll = _poll(state, body)
    return poll is not None and poll.status == "annulled"


ACTS: Final[Mapping[str, ActRule]] = {
    "adjournment": ActRule(_presidium, _never),
    "annul": ActRule(_presidium_and_trustees, _annulled),
    "ceremony-restart": ActRule(_presidium, _restart_filled),
    "convening": ActRule(_presidium, _convening_filled),
    "extension": ActRule(_presidium, _extended),
    "handover": ActRule(_presidium_and_trustees, lambda state, body: body.successor <= state.handovers),
    "manifest": ActRule(_own_presidium, _never),
    "opening": ActRule(_presidium, lambda state, body: body.poll in state.polls),
    "registration": ActRule(_presidium, _registration_filled),
    "registration-close": ActRule(_presidium, _close_filled),
    "result": ActRule(_presidium, _has_result),
    "roll": ActRule(_commission, _roll_filled),
}
"""The table of SPEC.md#acts-of-several-signers."""


def check_slot(state: SittingState, act: Act) -> None:
    """Check that the act may still collect this signature; entries of one signer alone pass.

    Raises:
        PhaseError: the slot is filled, or the signer has signed this body (ENT-06).
    """
    rule = ACTS.get(act.entry.kind)
    if rule is None:
        return
    if rule.filled(state, act.entry.body):
        raise out_of_phase("the act stands already, or belongs to an earlier registration or session")
    collection = state.collections.get(_key(act))
    if collection is not None and act.entry.signer in collection.signers:
        raise repetition()


def collect(
    state: SittingState, act: Act, rule: Callable[[SittingState, Any, Act], Commit]
) -> tuple[Judgement, Commit]:
    """Return the outcome of one signature of an act: collected, or the act's own if it completes the set.

    Raises:
        SecballotError: the completed act does not fit.
    """
    key, signer = _key(act), act.entry.signer
    collection = state.collections.get(key)
    signers = (collection.signers if collection is not None else set()) | {signer}
    if not ACTS[act.entry.kind].complete(state, act.entry.body, signers):

        def keep() -> None:
            state.collections.setdefault(key, Collection(act.at.index)).signers.add(signer)

        return Judgement(act.at.index, act.entry.kind, Outcome.COLLECTED), keep
    commit = rule(state, act.entry.body, act)

    def complete() -> None:
        state.collections.pop(key, None)
        commit()

    return Judgement(act.at.index, act.entry.kind, Outcome.EFFECT), complete


def _key(act: Act) -> tuple[str, bytes]:
    return act.entry.kind, act.entry.body_hash
