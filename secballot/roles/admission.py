"""What a board admits to its log, and in which order.

- Readers of the log shall not learn the order in which voters acted, so what single voters cause is shuffled among its
  own places; what officials sign keeps its place, since one act often waits for the one before.
- Admitted is what stands, and what proves a fault of an official; everything else would only fill the log.
- When a poll's time is up, its ballots wait for its closing, or a closing would always find a ballot behind it.

Source: SPEC.md#judging-an-entry, SPEC.md#admission, SPEC.md#closing.
"""

from __future__ import annotations

from collections import Counter
from secrets import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from secballot.errors import Party, RefusalError
from secballot.randomness import drawing
from secballot.record import Judgement, Outcome, ReadEntry
from secballot.record.history import operator_keys
from secballot.records.ballot import Ballot
from secballot.records.document import Document
from secballot.records.entry import Entry  # noqa: TC001  # msgspec evaluates what narrows a field
from secballot.records.manifest import Manifest
from secballot.records.promise import Handover

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.record.state import SittingState
    from secballot.records.manifest import LogKeys, Successor

    Shuffle = Callable[[list[Any]], None]

SHUFFLED_KINDS: Final = ("ballot", "credential-request", "credential-issue")
"""Kinds whose order within a batch would tell when somebody acted."""

HOLD_SECONDS: Final = 600
"""How long the board admits no ballot of a poll whose time is up and whose closing is not logged."""

MAX_FAULTS: Final = 32
"""Faults of one party and kind that the board logs."""

_OFFICIALS: Final = frozenset({"trustee", "registrar"})
"""Roles whose faults are admitted: only what is on the log can name them."""


class Arrival(ReadEntry, frozen=True):
    """A well-formed entry that is not in the log yet."""

    entry: Entry


def system_shuffle(items: list[Any]) -> None:
    """Permute a list in place by the system's randomness.

    Raises:
        ProtocolError: there is none.
    """
    with drawing():
        SystemRandom().shuffle(items)


def arrange(arrivals: Sequence[Arrival], shuffle: Shuffle) -> list[Arrival]:
    """Return the arrivals in their final order: each shuffled kind permuted among its own places.

    Ballots of one credential keep their sequence among the places that fall to them, or a revote in the same batch
    would be refused by chance.
    """
    final = list(arrivals)
    for kind in SHUFFLED_KINDS:
        places = [place for place, arrival in enumerate(arrivals) if arrival.entry.kind == kind]
        moved = [arrivals[place] for place in places]
        shuffle(moved)
        for place, arrival in zip(places, moved, strict=True):
            final[place] = arrival
    return _in_sequence(final)


def _in_sequence(arrivals: list[Arrival]) -> list[Arrival]:
    places: dict[tuple[bytes, bytes], list[int]] = {}
    ballots: dict[tuple[bytes, bytes], list[tuple[int, Arrival]]] = {}
    for place, arrival in enumerate(arrivals):
        body = arrival.entry.body
        if isinstance(body, Ballot):
            places.setdefault((body.ctx, body.credential), []).append(place)
            ballots.setdefault((body.ctx, body.credential), []).append((body.sequence, arrival))
    for credential, own in ballots.items():
        own.sort(key=lambda pair: pair[0])
        for place, (_, arrival) in zip(places[credential], own, strict=True):
            arrivals[place] = arrival
    return arrivals


def may_stand_again(state: SittingState, entry: Entry) -> bool:
    """Tell whether bytes that had effect once may have it again: chunks of a document abandoned since."""
    body = entry.body
    if not isinstance(body, Document) or body.document in state.complete_documents:
        return False
    progress = state.documents.get(entry.signer)
    return progress is None or progress.document != body.document or body.chunk >= progress.next_chunk


def is_held(state: SittingState, ballot: Ballot, now: int) -> bool:
    """Tell whether the ballot's poll waits for its closing."""
    poll = state.by_ctx.get(ballot.ctx)
    return poll is not None and poll.status == "open" and poll.closes_at <= now < poll.closes_at + HOLD_SECONDS


def office(state: SittingState, entry: Entry) -> LogKeys | Successor | None:
    """Return the keys of the operator who has the entry's place to give, None where the entry names none."""
    body = entry.body
    manifest = body if isinstance(body, Manifest) else state.manifest
    if manifest is None:
        return None
    number = body.successor if isinstance(body, Handover) else state.handovers
    keys = operator_keys(manifest)
    return keys[number] if number < len(keys) else None


def unjudged_refusal(state: SittingState, entry: Entry, now: int, promise_key: bytes) -> RefusalError | None:
    """Return why an operator with this promise key does not even judge an entry, None if it does.

    Args:
        state: the log before the entry.
        entry: the entry.
        now: seconds since the epoch.
        promise_key: 32 bytes.
    """
    keys = office(state, entry)
    if keys is not None and keys.promise_key != promise_key:
        return RefusalError("the log is in another operator's hands")
    if isinstance(entry.body, Ballot) and is_held(state, entry.body, now):
        return RefusalError("closing: the poll's time is up, and the board waits for its closing")
    return None


SavedFaults = tuple[tuple[str, int, str, int], ...]
"""Role and index of a party, kind of entry, and how many faults."""


class FaultTally:
    """How many faults of each party and kind are on the log: some name its holder, more would only fill it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: Counter[tuple[Party | None, str]] = Counter()

    def note(self, judgement: Judgement) -> None:
        """Count the outcome of an entry that was appended, if it is a fault."""
        if judgement.outcome is Outcome.FAULT:
            self._counts[judgement.culprit, judgement.kind] += 1

    def packed(self) -> SavedFaults:
        """Return the counts as plain values."""
        return tuple(
            (party.role if party is not None else "", party.index if party is not None else 0, kind, count)
            for (party, kind), count in self._counts.items()
        )

    @classmethod
    def unpacked(cls, values: SavedFaults) -> FaultTally:
        """Return the tally that `packed` wrote."""
        tally = cls()
        for role, index, kind, count in values:
            tally._counts[Party(role, index) if role else None, kind] = count
        return tally

    def is_full(self, judgement: Judgement) -> bool:
        """Tell whether the log holds enough faults of this party and kind."""
        return self._counts[judgement.culprit, judgement.kind] >= MAX_FAULTS


def refusal_of(judgement: Judgement, faults: FaultTally) -> RefusalError | None:
    """Return why an entry of this outcome is refused, None if it is admitted.

    Args:
        judgement: what the entry would do.
        faults: those on the log.
    """
    culprit = judgement.culprit
    if judgement.outcome.stands:
        return None
    if judgement.outcome is Outcome.FAULT and culprit is not None and culprit.role in _OFFICIALS:
        if not faults.is_full(judgement):
            return None
        return RefusalError(f"the log names {culprit} often enough", check=judgement.check, culprit=culprit)
    return RefusalError(judgement.reason, check=judgement.check, culprit=culprit)
