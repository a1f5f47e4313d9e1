"""A trustee: takes part in the ceremony, consents, and decrypts one tally per poll, ever.

It takes the log, never ciphertexts. Before it releases a decryption it (SPEC.md#partial-decryption):

0. replays and verifies the whole record itself, under a witnessed checkpoint;
1. checks that the log's ceremony is the one of its own stored state;
2. finds the poll closed, and its privacy floor reached;
3. waits out the objection period, and refuses while an objection is pending or its drop box holds a dropped ballot;
4. stores the tally id, then the document, each synced, before anything is posted;
5. posts the stored bytes: the same tally gives the same document, another tally is refused for ever.

A trustee restored from a backup looks for its own decryption on the log first: what it finds there is what it released.

Source: SPEC.md#ceremony, SPEC.md#tally.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import leaf_hash
from secballot.encoding import encode_u64
from secballot.errors import EncodingError, LostStateError, Party, RefusalError, SecballotError
from secballot.group import multiply_base
from secballot.protocol.ballots import check_ballot
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.protocol.tallying import partial_decrypt
from secballot.randomness import random_bytes
from secballot.record.ballots import check_continues
from secballot.record.ceremony import ceremony_transcript
from secballot.records.ballot import Ballot
from secballot.records.ceremony import CeremonyConfirm, CeremonyShares
from secballot.records.closing import Annulment, Objection
from secballot.records.decryption import Decryption
from secballot.records.entry import decode_entry
from secballot.roles.officer import Closer, poll_by_number
from secballot.roles.party import sign_entry
from secballot.roles.registrar import consent_body

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import msgspec

    from secballot.group import Scalars
    from secballot.record.state import CeremonyState, PollState
    from secballot.records.promise import Promise
    from secballot.roles.party import Poster
    from secballot.roles.view import WitnessedView
    from secballot.signing import SigningKey
    from secballot.store.sealed_journal import Notes

SEED_BYTES: Final = 32

_DESTROYED: Final = b"destroyed"


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class DroppedBallot:
    """A ballot entry that reached this trustee's drop box, and when (seconds since the epoch)."""

    entry: bytes
    received: int


class TooEarlyError(RefusalError):
    """Delegates may object still.

    Attributes:
        until: the end of the objection period, seconds since the epoch.
    """

    def __init__(self, message: str, *, until: int) -> None:
        """Keep the time beside the message."""
        super().__init__(message)
        self.until = until


class Trustee(Closer):
    """One trustee with its journal; the journal is what decrypts, and losing it means that it cannot."""

    def __init__(self, key: SigningKey, view: WitnessedView, board: Poster, journal: Notes) -> None:
        """Hold key, view, board and journal."""
        super().__init__(key, view, board)
        self._journal = journal

    @property
    def index(self) -> int:
        """This trustee's index in the manifest, 1..n."""
        return self.index_among(self.manifest.trustees.keys)

    def step(self) -> Promise | None:
        """Do what the ceremony awaits of this trustee, if anything, under a witnessed checkpoint.

        Returns:
            The board's promise, or None if nothing is awaited of it now.

        Raises:
            RefusalError: the log's messages of this trustee do not come from its stored state.
            LostStateError: the ceremony has begun and the seed is gone.
        """
        self.view.refresh()
        ceremony = self.view.state.ceremony
        if ceremony is None or ceremony.complete or self.index not in ceremony.session.participants:
            return None
        number = ceremony.round
        if self.index in ceremony.rounds[number]:
            return None
        kind, body = self._message(ceremony, number)
        return self.post(kind, body)

    def steps(self) -> list[tuple[str, Promise]]:
        """Do what the log awaits of this trustee without its owner: ceremony and consent, never a decryption.

        Returns:
            The kinds of entries posted, with the board's promises.

        Raises:
            RefusalError: the ceremony on the log does not come from the stored state.
            LostStateError: the seed is gone.
        """
        self.view.refresh()
        state = self.view.state
        if state.adjourned or state.ceremony is None or self.index not in state.ceremony.session.participants:
            return []
        if not state.ceremony.complete:
            promise = self.step()
            return [] if promise is None else [("ceremony", promise)]
        if not state.registrations:
            return []
        registration = state.registrations[-1]
        ended = registration.end is not None and registration.convening is None
        if not ended or Party("trustee", self.index) in registration.consents:
            return []
        return [("consent", self.consent())]

    def _message(self, ceremony: CeremonyState, number: int) -> tuple[str, msgspec.Struct]:
        secrets = self._ceremony_secrets(ceremony, create=number == 0)
        if number == 0:
            return "ceremony-commit", secrets.commit()
        if number == 1:
            return "ceremony-reveal", secrets.reveal()
        if number == 2:  # noqa: PLR2004  # round 2
            return "ceremony-shares", secrets.shares(ceremony.dealings)
        complaint = secrets.check(ceremony.dealings, _shares(ceremony))
        if complaint is not None:
            return "ceremony-complain", complaint
        return "ceremony-confirm", CeremonyConfirm(ceremony.session.number, ceremony_transcript(ceremony))

    def consent(self) -> Promise:
        """Consent to the prefix at which the registration ended, if its joint key is one this trustee shares.

        Raises:
            RefusalError: no registration has ended, or the ceremony on the log is not this trustee's.
        """
        self.view.refresh()
        registrations = self.view.state.registrations
        if not registrations:
            raise RefusalError("no registration is in effect")
        self._secret_share()
        return self.post("consent", consent_body(self.view, registrations[-1]))

    def annul_poll(self, number: int, reason: str) -> Promise:
        """Sign the annulment of a poll."""
        self.view.refresh()
        return self.post("annul", Annulment(poll_by_number(self.view, number).ctx, reason))

    def decrypt(
        self,
        number: int,
        *,
        now: int,
        objections: Sequence[bytes] = (),
        drop_box: Sequence[DroppedBallot] = (),
        progress: Callable[[int, int], None] = _no_progress,
    ) -> list[Promise]:
        """Decrypt every contest of a poll that is at the privacy floor.

        Args:
            number: the poll.
            now: seconds since the epoch.
            objections: objection entries that reached this trustee directly.
            drop_box: ballot entries that reached this trustee directly.
            progress: is told how many steps are done, and of how many: a contest is decrypted, and later posted.

        Raises:
            PolicyError: no witness quorum (LOG-01).
            InconsistentLogError: the log contradicts what this trustee has seen, or the record fails.
            RefusalError: not closed, void or annulled; below the floor; objection period or pending objection; a
                dropped ballot; another tally of this poll was decrypted; a ceremony other than its own.
            LostStateError: the stored state is gone.
        """
        poll, secret = self._ready(number, now, objections, drop_box)
        self._adopt_own_documents(poll)
        if self._journal.put_once("tally", poll.ctx, poll.tally_id) != poll.tally_id:
            raise RefusalError("another tally of this poll was decrypted before; a second one would reveal ballots")
        contests = [number for number, at_floor in enumerate(poll.at_floor, start=1) if at_floor]
        steps = count(1)
        documents, promises = [], []
        for contest in contests:
            documents.append(self._document(poll, contest, secret))
            progress(next(steps), 2 * len(contests))
        for document in documents:
            promises.append(self.board.post(document))
            progress(next(steps), 2 * len(contests))
        return promises

    def check_decryption(
        self, number: int, *, now: int, objections: Sequence[bytes] = (), drop_box: Sequence[DroppedBallot] = ()
    ) -> None:
        """Check that `decrypt` would not refuse now; nothing is released. The objection clock of the poll starts.

        Raises:
            As `decrypt`.
        """
        poll, _secret = self._ready(number, now, objections, drop_box)
        if self._journal.get("tally", poll.ctx) not in (None, poll.tally_id):
            raise RefusalError("another tally of this poll was decrypted before; a second one would reveal ballots")

    def _ready(
        self, number: int, now: int, objections: Sequence[bytes], drop_box: Sequence[DroppedBallot]
    ) -> tuple[PollState, Scalars]:
        """Return the poll and this trustee's share, once nothing forbids a decryption (steps 0 to 3)."""
        self.view.refresh()
        poll = poll_by_number(self.view, number)
        secret = self._secret_share()
        if poll.status != "closed" or poll.closing is None:
            raise RefusalError(f"poll {number} is {poll.status}, not closed: there is nothing to decrypt")
        if not any(poll.at_floor):
            raise RefusalError("every contest is below the privacy floor and stays closed; that is as it should be")
        self._check_objections(poll, now, objections)
        self._check_drop_box(poll, drop_box)
        return poll, secret

    def destroy_state(self) -> None:
        """Destroy the ceremony seed, and with it every share, once the sitting is adjourned; storage may keep traces.

        Raises:
            RefusalError: the sitting is not adjourned.
        """
        self.view.refresh()
        if not self.view.state.adjourned:
            raise RefusalError("the seed is destroyed after the adjournment: until then it may be needed")
        seed = self._journal.get("seed", self.view.anchor)
        if seed is not None and seed != _DESTROYED:
            self._journal.replace("seed", self.view.anchor, seed, _DESTROYED)

    def _document(self, poll: PollState, contest: int, secret: Scalars) -> bytes:
        """Return the stored decryption entry of a contest, made and stored now if there is none."""
        slot = poll.ctx + encode_u64(contest)
        stored = self._journal.get("decryption", slot)
        if stored is not None:
            return stored
        body = partial_decrypt(
            ctx=poll.ctx,
            tally_id=poll.tally_id,
            trustee=self.index,
            public_share=self.view.state.complete_ceremony().public_shares[self.index],
            contest=contest,
            aggregates=poll.aggregates[contest - 1],
            secret=secret,
            fresh=random_bytes(32),
        )
        # A crash before this line has released nothing; after it, the same bytes are released for ever.
        return self._journal.put_once("decryption", slot, sign_entry(self.key, "decryption", self.view.anchor, body))

    def _check_objections(self, poll: PollState, now: int, objections: Sequence[bytes]) -> None:
        if poll.closing is None:
            raise RefusalError("the poll is not closed")
        covering = [c for c in self.view.quorum_notes() if c.checkpoint.tree_size > poll.closing.index]
        if not covering:
            raise RefusalError("no witnessed checkpoint covers the closing yet")
        quorum = self.manifest.witnesses.quorum
        # Not later than now: a time in the future is a lie of somebody among the first quorum shown.
        began = encode_u64(min([now, *(checkpoint.quorum_time(quorum) for checkpoint in covering)]))
        clock = int.from_bytes(self._journal.put_once("objection-clock", poll.ctx, began), "big")
        for objection in objections:
            if self._objects(objection, poll):
                raise RefusalError("an objection to this poll is pending and holds; it belongs on the log first")
        if now < clock + self.manifest.objection_period:
            until = clock + self.manifest.objection_period
            raise TooEarlyError(f"the objection period lasts until {until}", until=until)

    def _objects(self, data: bytes, poll: PollState) -> bool:
        """Tell whether these bytes are an objection to this poll that would have effect now."""
        try:
            body = decode_entry(data).body
        except EncodingError:
            return False
        return isinstance(body, Objection) and body.ctx == poll.ctx and self.view.record.judge(data).outcome.stands

    def _check_drop_box(self, poll: PollState, drop_box: Sequence[DroppedBallot]) -> None:
        """Refuse while a ballot was here in time, is good, and is not on the log: somebody dropped it."""
        deadline = poll.closes_at - self.manifest.log.maximum_delay
        for dropped in drop_box:
            if dropped.received > deadline:
                continue
            try:
                body = decode_entry(dropped.entry).body
                if not isinstance(body, Ballot) or body.ctx != poll.ctx:
                    continue
                check_continues(self.view.state, poll, body)
                check_ballot(poll.context, body, known_credential=lambda _: False)
            except SecballotError:
                continue
            tracker = leaf_hash(dropped.entry).hex()[:16]
            raise RefusalError(f"a good ballot received in time is missing from the log (leaf {tracker}…)")

    def _adopt_own_documents(self, poll: PollState) -> None:
        """Note this trustee's own decryptions that the log holds and the journal does not, as after a restore.

        Such a decryption took effect, so it is of this very tally: to note it gives nothing away, and the same bytes
        stay the only ones of their contest.
        """
        on_log = {contest for contest, trustee in poll.documents if trustee == self.index}
        if not on_log or self._journal.get("tally", poll.ctx) is not None:
            return
        self._journal.put_once("tally", poll.ctx, poll.tally_id)
        for judgement in self.view.judgements:
            if judgement.kind == "decryption" and judgement.outcome.stands:
                data = self.view.entry(judgement.index)
                entry = decode_entry(data)
                if isinstance(entry.body, Decryption) and (entry.signer, entry.body.ctx) == (self.public_key, poll.ctx):
                    self._journal.put_once("decryption", poll.ctx + encode_u64(entry.body.contest), data)

    def _secret_share(self) -> Scalars:
        """Return x_i from the stored seed, once the log's ceremony is this trustee's own.

        Raises:
            RefusalError: the ceremony on the log is another one.
            LostStateError: the seed is gone.
        """
        ceremony = self.view.state.complete_ceremony()
        if self.index not in ceremony.session.participants:
            raise RefusalError("this trustee takes no part in the ceremony that made the key")
        try:
            secret = self._ceremony_secrets(ceremony).secret_share(ceremony.dealings, _shares(ceremony))
        except EncodingError as error:
            raise RefusalError("the ceremony on the log does not come from this trustee's stored state") from error
        if multiply_base(secret) != ceremony.public_shares[self.index]:
            raise RefusalError("the public share on the log is not this trustee's")
        return secret

    def _ceremony_secrets(self, ceremony: CeremonyState, *, create: bool = False) -> TrusteeSecrets:
        """Return the session's secrets; the seed is stored before round 0 is posted."""
        seed = self._journal.get("seed", self.view.anchor)
        if seed == _DESTROYED:
            raise LostStateError("the ceremony seed was destroyed after the adjournment")
        if seed is None and (not create or ceremony.session.number > 1):
            raise LostStateError("the ceremony seed is not in the journal: state lost; this trustee cannot go on")
        if seed is None:
            seed = self._journal.put_once("seed", self.view.anchor, random_bytes(SEED_BYTES))
        return TrusteeSecrets(ceremony.session, self.index, seed)


def _shares(ceremony: CeremonyState) -> dict[int, CeremonyShares]:
    """Return round 2 of the session by dealer."""
    return {i: posted.body for i, posted in ceremony.rounds[2].items() if isinstance(posted.body, CeremonyShares)}
