"""Posting to several places: the same bytes to boards and drop boxes, until one of them gives the board's promise.

A board that is down, or that refuses out of ill will, is one place among others: what it refuses is still offered to
the next, and a drop box that has stored an entry holds it against the board. Only what every place refuses is refused.

Source: SPEC.md#promise.
"""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Final, Protocol

from secballot.errors import RefusalError, SecballotError, TransportError, VerificationError
from secballot.record.history import operator_keys
from secballot.records.promise import Promise
from secballot.roles.remote import KeptError, Later, RemoteBoard, open_client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.records.manifest import Manifest

ROUNDS: Final = 6
"""How often all places are gone through before the sender gives up."""

FIRST_WAIT: Final = 1
MAX_WAIT: Final = 30
"""Seconds between the first two rounds, and most seconds between any; the wait doubles."""


class Place(Protocol):
    """One place to which entries are sent: a board, or whatever forwards to one."""

    def offer(self, entry: bytes) -> Promise | Later:
        """Send one entry once, and return the board's promise, verified, or that it is too early.

        Raises:
            RefusalError: it is refused, with check and reason.
            TransportError: nobody answers there.
            VerificationError: what is answered is no promise of this entry.
        """


class SeveralPlaces:
    """Posts entries to several boards and drop boxes (a `Poster`)."""

    def __init__(
        self, places: Sequence[Place], *, rounds: int = ROUNDS, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Post to these places, in this order; nothing is sent yet.

        Args:
            places: at least one; the board first, if it is well.
            rounds: how often all of them are gone through, at least 1.
            sleep: waits between rounds.
        """
        if not places or rounds < 1:
            raise ValueError("posting needs a place and a round")
        self._places = list(places)
        self._rounds = rounds
        self._sleep = sleep

    def post(self, entry: bytes) -> Promise:
        """Post one entry and return the board's promise, from whichever place has it.

        Places that take the entry without a promise are asked again, with the same bytes; so are those that do not
        answer. A place that has refused is not asked again.

        Raises:
            RefusalError: every place refuses it; the first one's check and reason.
            KeptError: a drop box keeps it, and the promise has not come within the rounds; the same bytes may be posted
                again at any time.
            TransportError: no place has taken it.
            VerificationError: a place answers with something that is no promise of this entry, and no other has taken
                it.
        """
        sending = _Sending(self._places)
        wait: float = FIRST_WAIT
        for number in range(self._rounds):
            if number:
                self._sleep(min(MAX_WAIT, max(wait, sending.asked_to_wait)))
                wait *= 2
            promise = sending.go_round(entry)
            if promise is not None:
                return promise
            if not sending.open:
                break
        raise sending.failure()


class _Sending:
    """What has come of one entry so far."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.open = list(places)
        self.asked_to_wait = 0
        self._kept = False
        self._refusals: list[RefusalError] = []
        self._troubles: list[SecballotError] = []

    def go_round(self, entry: bytes) -> Promise | None:
        """Offer the entry to every place that has not refused it, and return the first promise."""
        self._troubles, self.asked_to_wait = [], 0
        for place in list(self.open):
            try:
                answer = place.offer(entry)
            except RefusalError as refusal:
                self._refusals.append(refusal)
                self.open.remove(place)
            except (TransportError, VerificationError) as trouble:
                self._troubles.append(trouble)
            else:
                if isinstance(answer, Promise):
                    return answer
                self._kept = self._kept or answer.kept
                self.asked_to_wait = max(self.asked_to_wait, answer.seconds)
        return None

    def failure(self) -> SecballotError:
        """Return why there is no promise."""
        if self._refusals and not self.open:
            return self._refusals[0]
        if self._kept:
            return KeptError("a drop box keeps the entry, and there is no promise of the board yet")
        false = next((trouble for trouble in self._troubles if isinstance(trouble, VerificationError)), None)
        return false or TransportError("no board or drop box has taken the entry")


def open_poster(
    urls: Sequence[str], manifest: Manifest, sitting_id: bytes, *, proxy: str | None = None, rounds: int = ROUNDS
) -> SeveralPlaces:
    """Return what posts to the boards and drop boxes at these URLs.

    Args:
        urls: at least one; the board's first, if it is well.
        manifest: the sitting's; its operators' promises count, those of successors too.
        sitting_id: 32 bytes.
        proxy: URL of a proxy for all requests.
        rounds: how often all places are gone through.

    Raises:
        TransportError: a URL cannot be used.
        StoreError: the extra `client` is not installed.
    """
    return SeveralPlaces(open_places(urls, manifest, sitting_id, proxy=proxy), rounds=rounds)


def open_places(
    urls: Sequence[str],
    manifest: Manifest,
    sitting_id: bytes,
    *,
    proxy: str | None = None,
    patience: float | None = None,
) -> list[RemoteBoard]:
    """Return the boards and drop boxes at these URLs.

    Args:
        urls: of their folders.
        manifest: the sitting's; its operators' promises count, those of successors too.
        sitting_id: 32 bytes.
        proxy: URL of a proxy for all requests.
        patience: seconds to wait for an answer, None for as long as readers of a log wait.

    Raises:
        TransportError: a URL cannot be used.
        StoreError: the extra `client` is not installed.
    """
    keys = [operator.promise_key for operator in operator_keys(manifest)]
    places = []
    for url in urls:
        client = open_client(url, proxy, patience)
        places.append(RemoteBoard(client, sitting_id, keys, maximum_delay=manifest.log.maximum_delay))
        weakref.finalize(places[-1], client.close)
    return places
