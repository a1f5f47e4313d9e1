"""What a sitting waits for: its phase, and each thing that is awaited, from whom, and since which entry.

Computed from a verified view and the time; nothing is judged here and nothing is secret.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.errors import Party
from secballot.record.outcome import Outcome
from secballot.record.parties import SIGNERS
from secballot.records.entry import decode_entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from secballot.record.state import CeremonyState, PollState, RegistrationState, SittingState
    from secballot.roles.view import WitnessedView

ANY: Final = 0
"""Index of a party of whose role any holder, or the needed number of them, may act."""

_ROUNDS: Final = ("ceremony-commit", "ceremony-reveal", "ceremony-shares", "ceremony-confirm")


@dataclass(frozen=True, slots=True)
class Awaited:
    """One thing that the sitting waits for.

    Attributes:
        action: kind of the entry that is awaited; `ballot` for votes, `wait` for a period to pass.
        parties: who owes it; index 0 means any of the role, or as many as an act needs.
        poll: its number, 0 if it is of no poll.
        since: index of the entry since which it is awaited.
        until: seconds since the epoch when a period ends, 0 for none.
        pending: index of an act to be countersigned, None if there is none.
        count: how many of something are still missing, 0 where that is not counted.
    """

    action: str
    parties: tuple[Party, ...]
    since: int
    poll: int = 0
    until: int = 0
    pending: int | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a sitting stands.

    Attributes:
        phase: `ceremony`, `setup`, `registration`, `answers`, `consents`, `polls` or `adjourned`.
        awaited: everything that is awaited, the most urgent first.
    """

    phase: str
    awaited: tuple[Awaited, ...]


def standing(view: WitnessedView, now: int) -> Standing:
    """Return where the sitting stands.

    Args:
        view: refreshed.
        now: seconds since the epoch.

    Raises:
        StoreError: an entry cannot be read again.
    """
    state = view.state
    if state.adjourned:
        return Standing("adjourned", ())
    pending = list(_pending(view))
    phase, rest = _phase(view, state, now)
    kinds = {(item.action, item.poll) for item in pending}
    return Standing(phase, (*pending, *(item for item in rest if (item.action, item.poll) not in kinds)))


def _phase(view: WitnessedView, state: SittingState, now: int) -> tuple[str, list[Awaited]]:
    staging = _staging(view, state)
    ceremony = state.ceremony
    if ceremony is not None and not ceremony.complete:
        return "ceremony", [_ceremony(view, ceremony), *staging]
    if not state.registrations:
        if not staging:
            staging = [Awaited("registration", (Party("presidium"),), _last(view, ("roll", "registrar-key", *_ROUNDS)))]
        return "setup", staging
    registration = state.registrations[-1]
    if registration.convening is None:
        phase, items = _registration(view, state, registration)
        return phase, [*items, *_polls(view, state, now)]
    return "polls", _polls(view, state, now) or [
        Awaited("opening", (Party("presidium"),), _last(view, ("convening", "result", "lapse", "annul", "closing")))
    ]


def _ceremony(view: WitnessedView, ceremony: CeremonyState) -> Awaited:
    number = ceremony.round
    silent = [i for i in ceremony.session.participants if i not in ceremony.rounds[number]]
    before = ("manifest", "ceremony-restart", "ceremony-complain") if number == 0 else (_ROUNDS[number - 1],)
    return Awaited(_ROUNDS[number], tuple(Party("trustee", i) for i in silent), _last(view, before), count=len(silent))


def _staging(view: WitnessedView, state: SittingState) -> list[Awaited]:
    """Return what the next registration lacks: registrars' keys and the roll."""
    manifest, staged = state.the_manifest(), state.staged
    if state.registrations and staged.chunks is None:
        return []
    wanted = manifest.polls * len(manifest.classes)
    registrars = range(1, len(manifest.registrars) + 1)
    lacking = [i for i in registrars if sum(key[0] == i for key in staged.key_bodies) < wanted]
    since = _last(view, ("manifest", "registration"))
    items = []
    if lacking:
        items.append(Awaited("registrar-key", tuple(Party("registrar", i) for i in lacking), since))
    if staged.chunks is None or len(staged.roll_chunks) < staged.chunks:
        members = range(1, len(manifest.commission) + 1)
        signed = _roll_signers(state)
        owing = tuple(Party("commission", i) for i in members if manifest.commission[i - 1] not in signed)
        items.append(Awaited("roll", owing or (Party("commission"),), since))
    return items


def _roll_signers(state: SittingState) -> set[bytes]:
    """Return the commission keys that have signed every chunk of the next roll that anybody signed."""
    collections = [held.signers for (kind, _), held in state.collections.items() if kind == "roll"]
    return set.intersection(*map(set, collections)) if collections else set()


def _registration(
    view: WitnessedView, state: SittingState, registration: RegistrationState
) -> tuple[str, list[Awaited]]:
    manifest = state.the_manifest()
    if registration.end is None:
        registrars = range(1, len(manifest.registrars) + 1)
        unanswered = {
            i: sum(i not in request.answered for request in registration.requests.values()) for i in registrars
        }
        owing = [i for i, count in unanswered.items() if count]
        items = []
        if owing:
            since = _last(view, ("credential-request",))
            parties = tuple(Party("registrar", i) for i in owing)
            items.append(Awaited("credential-issue", parties, since, count=max(unanswered.values())))
        if registration.closed:
            return "answers", items
        since = _last(view, ("registration",))
        silent = len(registration.roll) - len({request.key for request in registration.requests.values()})
        if silent:
            items.append(Awaited("credential-request", (Party("delegate"),), since, count=silent))
        return "registration", [*items, Awaited("registration-close", (Party("presidium"),), since)]
    return "consents", _consents(view, state, registration)


def _consents(view: WitnessedView, state: SittingState, registration: RegistrationState) -> list[Awaited]:
    manifest = state.the_manifest()
    participants = state.complete_ceremony().session.participants
    wanted = [Party("registrar", i) for i in range(1, len(manifest.registrars) + 1)]
    wanted += [Party("trustee", i) for i in participants]
    missing = tuple(party for party in wanted if party not in registration.consents)
    trustees = sum(party.role == "trustee" for party in registration.consents)
    enough = trustees >= manifest.trustees.minimum and not any(party.role == "registrar" for party in missing)
    items = []
    if missing:
        items.append(Awaited("consent", missing, _last(view, ("registration-close", "credential-issue"))))
    if enough:
        items.insert(0, Awaited("convening", (Party("presidium"),), _last(view, ("consent",))))
    return items


def _polls(view: WitnessedView, state: SittingState, now: int) -> list[Awaited]:
    return [item for number in sorted(state.polls) for item in _poll(view, state, state.polls[number], now)]


def _poll(view: WitnessedView, state: SittingState, poll: PollState, now: int) -> Iterable[Awaited]:
    manifest = state.the_manifest()
    closers = (Party("presidium"), Party("trustee"))
    if poll.status == "open":
        if now < poll.closes_at:
            yield Awaited("ballot", (Party("delegate"),), poll.index, poll.number, poll.closes_at)
        elif now <= poll.closes_at + manifest.grace:
            yield Awaited("closing", closers, poll.index, poll.number, poll.closes_at + manifest.grace)
        else:
            yield Awaited("lapse", closers, poll.index, poll.number)
    elif poll.closing is not None and poll.status == "closed":
        if not poll.finished():
            yield from _decryptions(state, poll, now)
        elif poll.result is None:
            yield Awaited("result", (Party("presidium"),), _last(view, ("decryption", "closing")), poll.number)


def _decryptions(state: SittingState, poll: PollState, now: int) -> Iterable[Awaited]:
    closing, manifest = poll.closing, state.the_manifest()
    if closing is None:
        return
    # The trustees count from the checkpoint over the closing, which comes a little later than the closing's own times.
    until = closing.time + manifest.objection_period
    if now < until:
        yield Awaited("wait", (Party("trustee"),), closing.index, poll.number, until)
        return
    participants = state.complete_ceremony().session.participants
    wanted = [position for position, at_floor in enumerate(poll.at_floor) if at_floor]
    owing = [i for i in participants if any((position + 1, i) not in poll.documents for position in wanted)]
    done = min((len(poll.factors[position]) for position in wanted), default=0)
    parties = tuple(Party("trustee", i) for i in owing)
    deadline = closing.time + manifest.decryption_period
    missing = max(0, manifest.trustees.threshold - done)
    yield Awaited("decryption", parties, closing.index, poll.number, deadline, count=missing)


def _pending(view: WitnessedView) -> Iterable[Awaited]:
    """Yield every act of which some signatures are there and others are missing, by its first entry."""
    seen = set()
    manifest = view.state.the_manifest()
    for index in view.pending_acts():
        entry = decode_entry(view.entry(index))
        held = view.state.collections[entry.kind, entry.body_hash]
        if entry.kind == "roll" or (entry.kind, entry.body_hash) in seen:
            continue
        seen.add((entry.kind, entry.body_hash))
        keys = {"presidium": manifest.presidium.keys, "trustee": manifest.trustees.keys}
        parties = [
            Party(role, i)
            for role in SIGNERS[entry.kind]
            for i, key in enumerate(keys[role], 1)
            if key not in held.signers
        ]
        ctx = getattr(entry.body, "ctx", None)
        poll = view.state.by_ctx[ctx].number if ctx in view.state.by_ctx else getattr(entry.body, "poll", 0)
        yield Awaited(entry.kind, tuple(parties), index, poll, pending=index)


def _last(view: WitnessedView, kinds: Iterable[str]) -> int:
    """Return the index of the last entry of these kinds that stands, 0 if there is none."""
    wanted = set(kinds)
    stands = (Outcome.EFFECT, Outcome.ACCEPTED, Outcome.COLLECTED)
    found = (j.index for j in reversed(view.judgements) if j.kind in wanted and j.outcome in stands)
    return next(found, 0)


def shown_at(view: WitnessedView, index: int) -> int:
    """Return when a quorum of witnesses first saw the entry at an index, seconds since the epoch; 0 if unknown."""
    quorum = view.state.the_manifest().witnesses.quorum
    times = [c.quorum_time(quorum) for c in view.quorum_notes() if c.checkpoint.tree_size > index]
    return min(times, default=0)
