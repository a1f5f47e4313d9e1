"""The presidium: founds the sitting, freezes the roll, convenes, opens and closes polls, publishes results.

Each holder of a presidium key is one `Officer`. An act of several signers is posted by one and countersigned by the
others; where the body follows from the log alone, each can post it by itself.

Source: SPEC.md#registration-act, SPEC.md#polls, SPEC.md#result.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from secballot.errors import PolicyError, RefusalError
from secballot.record.polls import minimum_duration
from secballot.record.tallying import recompute_result
from secballot.records.ceremony import CeremonyRestart
from secballot.records.closing import Adjournment, Annulment, Closing, Lapse
from secballot.records.convening import Convening
from secballot.records.document import MAX_DATA_BYTES, Document
from secballot.records.opening import Contest, Extension, Opening
from secballot.records.promise import Handover
from secballot.records.result import NO_PAGE
from secballot.records.roll import Registration, RegistrationClose
from secballot.roles.party import SigningParty, embedded_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.record.history import WitnessedCheckpoint
    from secballot.record.state import PollState
    from secballot.records.manifest import Manifest
    from secballot.records.promise import Promise
    from secballot.roles.view import WitnessedView


class Closer(SigningParty):
    """A presidium member or a trustee: a single key may close a poll or let it lapse, and both sign a handover."""

    def close_poll(self, number: int) -> Promise:
        """Close a poll with the newest checkpoint whose cosignatures lie in the closing window.

        Raises:
            PolicyError: no checkpoint at hand has a quorum of times in the window, or none proves the duration.
            RefusalError: the board refuses the closing, for instance because an accepted ballot lies behind it.
        """
        self.view.refresh()
        return self.post("closing", closing_body(self.view, poll_by_number(self.view, number)))

    def lapse_poll(self, number: int) -> Promise:
        """Let a poll lapse that nobody closed within its grace.

        Raises:
            PolicyError: no checkpoint at hand is late enough.
        """
        self.view.refresh()
        poll = poll_by_number(self.view, number)
        deadline = poll.closes_at + self.manifest.grace
        note = _first_note(self.view, poll, earliest=deadline + 1)
        return self.post("lapse", Lapse(checkpoint=note, ctx=poll.ctx))

    def handover_body(self) -> Handover:
        """Return the handover of the log to the next successor, at the newest witnessed size.

        Raises:
            RefusalError: the manifest has no further successor, or nothing of the log is witnessed.
        """
        checkpoint, number = self.view.checkpoint, self.view.state.handovers + 1
        if checkpoint is None or number > len(self.manifest.successors):
            raise RefusalError("the manifest names no further successor, or nothing of the log is witnessed")
        return Handover(checkpoint.checkpoint.root, checkpoint.checkpoint.tree_size, number)


class Officer(Closer):
    """The holder of one presidium key."""

    def found(self, manifest: Manifest) -> Promise:
        """Sign the manifest; the sitting exists once enough of the presidium have."""
        return self.post("manifest", manifest)

    def restart_body(self) -> CeremonyRestart:
        """Return the restart of the current ceremony session without everybody who is silent in its current round.

        Raises:
            RefusalError: nobody is silent, or the ceremony is complete.
        """
        ceremony = self.view.state.ceremony
        if ceremony is None or ceremony.complete:
            raise RefusalError("no ceremony is running")
        posted = ceremony.rounds[ceremony.round]
        silent = tuple(index for index in ceremony.session.participants if index not in posted)
        if not silent or len(silent) == len(ceremony.session.participants):
            raise RefusalError("a restart needs trustees that are silent and others that go on")
        rest = tuple(index for index in ceremony.session.participants if index in posted)
        return CeremonyRestart(participants=rest, round=ceremony.round, session=ceremony.session.number, silent=silent)

    def restart_ceremony(self) -> Promise:
        """End the current ceremony session, naming every participant that is silent in its current round.

        Raises:
            RefusalError: nobody is silent, or the ceremony is complete.
        """
        self.view.refresh()
        return self.post("ceremony-restart", self.restart_body())

    def registration_body(self, first_poll: int) -> Registration:
        """Return the next registration, for the polls from this one on."""
        return Registration(first_poll, self.view.state.staged.number)

    def register(self, first_poll: int) -> Promise:
        """Freeze the roll and registrar keys, for the polls from this one on."""
        self.view.refresh()
        return self.post("registration", self.registration_body(first_poll))

    def registration_close_body(self) -> RegistrationClose:
        """Return the end of the requests of the current registration.

        Raises:
            RefusalError: there is none.
        """
        if not self.view.state.registrations:
            raise RefusalError("no registration is in effect")
        return RegistrationClose(len(self.view.state.registrations))

    def close_registration(self) -> Promise:
        """End the requests of the current registration.

        Raises:
            RefusalError: there is none.
        """
        self.view.refresh()
        return self.post("registration-close", self.registration_close_body())

    def convening_body(self) -> Convening:
        """Return the convening of the current registration on the newest witnessed checkpoint.

        Raises:
            RefusalError: there is no registration.
        """
        if not self.view.state.registrations or self.view.checkpoint is None:
            raise RefusalError("no registration is in effect")
        note = embedded_note(self.manifest, self.view.checkpoint)
        return Convening(note, len(self.view.state.registrations))

    def convene(self) -> Promise:
        """Convene the current registration on the newest witnessed checkpoint.

        Raises:
            RefusalError: the checkpoint does not cover all consents yet; the board says which are missing.
        """
        self.view.refresh()
        return self.post("convening", self.convening_body())

    def post_document(self, text: str) -> bytes:
        """Post a long text in chunks and return its SHA-256, which openings name."""
        data = text.encode()
        digest = hashlib.sha256(data).digest()
        pieces = _pieces(text)
        for number, piece in enumerate(pieces, 1):
            self.post("document", Document(chunk=number, chunks=len(pieces), data=piece, document=digest))
        return digest

    def opening_body(self, number: int, contests: Sequence[Contest], closes_at: int) -> Opening:
        """Return the opening of a poll on the newest convening that covers its number.

        Args:
            number: the poll.
            contests: its questions.
            closes_at: seconds since the epoch.

        Raises:
            RefusalError: no registration that covers the poll is convened.
        """
        for registration in reversed(self.view.state.registrations):
            if registration.convening is not None and registration.first_poll <= number:
                return Opening(
                    closes_at=closes_at, contests=tuple(contests), convening=registration.convening, poll=number
                )
        raise RefusalError("no registration that covers this poll is convened")

    def open_poll(self, number: int, contests: Sequence[Contest], closes_at: int) -> Promise:
        """Open a poll on the newest convening that covers its number.

        Args:
            number: the poll.
            contests: its questions.
            closes_at: seconds since the epoch.

        Raises:
            RefusalError: no registration that covers the poll is convened, or the board refuses the opening.
        """
        self.view.refresh()
        return self.post("opening", self.opening_body(number, contests, closes_at))

    def extend_poll(self, number: int, closes_at: int) -> Promise:
        """Move a poll's closing time to a later one, once."""
        self.view.refresh()
        return self.post("extension", Extension(closes_at, poll_by_number(self.view, number).ctx))

    def publish_result(self, number: int, page: bytes = b"") -> Promise:
        """Sign the result that this officer's own machine computed from the log, and with it the page that shows it.

        Args:
            number: the poll.
            page: the page for people, the same bytes for every signer; empty if there is none.

        Raises:
            RecordError: there is none yet (RES-01).

        Source: SPEC.md#result.
        """
        self.view.refresh()
        digest = hashlib.sha256(page).digest() if page else NO_PAGE
        return self.post("result", recompute_result(self.view.state, poll_by_number(self.view, number), digest))

    def annul_poll(self, number: int, reason: str) -> Promise:
        """Sign the annulment of a poll; trustees must sign it too."""
        self.view.refresh()
        return self.post("annul", Annulment(poll_by_number(self.view, number).ctx, reason))

    def adjournment_body(self) -> Adjournment:
        """Return the end of the sitting on the newest witnessed checkpoint.

        Raises:
            PolicyError: a poll is not decrypted, and too few witnesses say that its time is over.
            RefusalError: nothing of the log is witnessed.
        """
        if self.view.checkpoint is None:
            raise RefusalError("nothing of the log is witnessed")
        period = self.manifest.decryption_period
        unfinished = [poll.closing for poll in self.view.state.polls.values() if not poll.finished()]
        overdue = [closing.time + period + 1 for closing in unfinished if closing is not None]
        return Adjournment(embedded_note(self.manifest, self.view.checkpoint, earliest=max(overdue, default=0)))

    def adjourn(self) -> Promise:
        """End the sitting on the newest witnessed checkpoint.

        Raises:
            PolicyError: a poll is not decrypted, and too few witnesses say that its time is over.
            RefusalError: a poll is neither finished nor closed.
        """
        self.view.refresh()
        return self.post("adjournment", self.adjournment_body())

    def hand_over(self, size: int, root: bytes) -> Promise:
        """Sign the handover of the log to the next successor, at the newest witnessed size."""
        return self.post("handover", Handover(root, size, self.view.state.handovers + 1))


def poll_by_number(view: WitnessedView, number: int) -> PollState:
    """Return the poll with this number.

    Raises:
        RefusalError: it has not been opened.
    """
    poll = view.state.polls.get(number)
    if poll is None:
        raise RefusalError(f"poll {number} has not been opened")
    return poll


def closing_body(view: WitnessedView, poll: PollState) -> Closing:
    """Return the closing that the checkpoints at hand allow, the newest first.

    Raises:
        PolicyError: no checkpoint has a quorum of times in the closing window, or none shows the minimum duration.

    Source: SPEC.md#closing.
    """
    grace = view.state.the_manifest().grace
    last = _first_note(view, poll, earliest=poll.closes_at, latest=poll.closes_at + grace)
    first = _first_note(view, poll, latest=poll.closes_at - minimum_duration(view.state, poll))
    return Closing(checkpoint=last, ctx=poll.ctx, opening_checkpoint=first)


def _first_note(view: WitnessedView, poll: PollState, *, earliest: int = 0, latest: int = 2**53) -> str:
    """Return the newest note at hand that covers the opening and has a quorum of times within the bounds."""
    covering: list[WitnessedCheckpoint] = [c for c in view.quorum_notes() if c.checkpoint.tree_size > poll.index]
    for checkpoint in covering:
        try:
            return embedded_note(view.state.the_manifest(), checkpoint, earliest=earliest, latest=latest)
        except PolicyError:
            continue
    raise PolicyError("no checkpoint at hand covers the opening with a quorum of times within the bounds")


def _pieces(text: str) -> list[str]:
    """Split a text into chunks of at most the allowed bytes, never inside a character."""
    data, pieces, start = text.encode(), [], 0
    while start < len(data):
        stop = min(start + MAX_DATA_BYTES, len(data))
        while stop < len(data) and data[stop] & 0xC0 == 0x80:  # noqa: PLR2004  # a UTF-8 continuation byte
            stop -= 1
        pieces.append(data[start:stop].decode())
        start = stop
    return pieces
