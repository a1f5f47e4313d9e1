"""Who stands before a drop box: whether an entry is an official's, a voter's, or anybody's, as far as the log tells.

What a party of the manifest has signed shows that by itself. Whether a ballot, an objection or a request is a voter's
takes the log: the opening of its poll and, for an objection, the board's promise, or the roll. A ballot that fails a
check against its poll's opening fails it for ever, so it is refused at the door, as a board would; where the log is not
at hand, anybody's entry is anybody's.

Source: SPEC.md#promise, SPEC.md#admission.
"""

from __future__ import annotations

import threading
from enum import Enum
from typing import TYPE_CHECKING

from secballot.board.merkle import leaf_hash
from secballot.errors import EncodingError, InvalidSignatureError, SecballotError
from secballot.net.events import log_event
from secballot.protocol.ballots import check_ballots
from secballot.record.parties import signed_by_party
from secballot.records.ballot import Ballot
from secballot.records.closing import Objection
from secballot.records.entry import encode_body, encode_unsigned, signing_message
from secballot.roles.evidence import promised_by
from secballot.signing import VerifyKey, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.record.parties import Parties
    from secballot.record.state import SittingState
    from secballot.records.entry import Entry
    from secballot.records.promise import Promise
    from secballot.roles.view import WitnessedView


class Standing(Enum):
    """Who an entry comes from."""

    OFFICIAL = "official"
    """A party of the manifest."""
    VOTER = "voter"
    """Whoever holds a credential of the poll, or a key on the roll."""
    ANYBODY = "anybody"
    """Nobody can tell."""


class Gate:
    """Looks at entries before they are kept. All methods may be called from threads."""

    def __init__(self, parties: Parties, sitting_id: bytes, view: WitnessedView | None = None) -> None:
        """Look by the manifest, and by a log if there is one.

        Args:
            parties: of the manifest.
            sitting_id: 32 bytes.
            view: of the log, used for nothing else; None to tell officials only.
        """
        self._parties, self._sitting_id, self._view = parties, sitting_id, view
        self._refreshing = threading.Lock()

    @property
    def has_log(self) -> bool:
        """Whether voters are told from anybody."""
        return self._view is not None

    def refresh(self) -> None:
        """Catch up with the log, unless somebody is at it; what is known already stays known if that fails."""
        if self._view is None or not self._refreshing.acquire(blocking=False):
            return
        try:
            self._view.refresh()
        except SecballotError as error:
            log_event("log-not-read", reason=error.message)
        finally:
            self._refreshing.release()

    def look(self, entries: Sequence[Entry]) -> list[Standing | SecballotError]:
        """Return who each entry comes from, or why it can never be admitted."""
        found: list[Standing | SecballotError] = [
            Standing.OFFICIAL if signed_by_party(self._parties, self._sitting_id, entry) else Standing.ANYBODY
            for entry in entries
        ]
        if self._view is None:
            return found
        # Another thread may be replaying entries: what is read here was complete before it was put into the state.
        state = self._view.state
        polls: dict[bytes, list[tuple[int, Ballot]]] = {}
        for place, entry in enumerate(entries):
            body = entry.body
            if isinstance(body, Ballot | Objection):
                ballot = body if isinstance(body, Ballot) else body.ballot
                # Every ballot on the log is a good one: what tells an objection from junk is the board's own promise.
                if body.ctx in state.by_ctx and (
                    isinstance(body, Ballot) or self._was_promised(state, ballot, body.promise)
                ):
                    polls.setdefault(body.ctx, []).append((place, ballot))
            elif entry.kind == "credential-request" and self._is_on_roll(state, entry):
                found[place] = Standing.VOTER
        for ctx, ballots in polls.items():
            verdicts = check_ballots(
                state.by_ctx[ctx].context, [ballot for _, ballot in ballots], known_credential=lambda _: False
            )
            for (place, _), verdict in zip(ballots, verdicts, strict=True):
                found[place] = verdict if isinstance(verdict, SecballotError) else Standing.VOTER
        return found

    def _was_promised(self, state: SittingState, ballot: Ballot, promise: Promise) -> bool:
        """Tell whether an operator of the log has promised this very ballot a place."""
        leaf = leaf_hash(encode_unsigned("ballot", encode_body("ballot", ballot)))
        is_about = promise.sitting_id == self._sitting_id and promise.leaf_hash == leaf
        return is_about and bool(promised_by(state.the_manifest(), promise))

    def _is_on_roll(self, state: SittingState, entry: Entry) -> bool:
        if not any(entry.signer in registration.roll for registration in list(state.registrations)):
            return False
        try:
            verify(
                VerifyKey(entry.signer),
                signing_message(entry.kind, self._sitting_id, entry.body_bytes),
                entry.signature,
            )
        except (InvalidSignatureError, EncodingError):
            return False
        return True
