"""A delegate's device: wallet, view and places brought together, so that what is decided once stays decided.

The order is the same everywhere: look at the log, change the wallet durably, and only then show or send. So a device
that stops at any instruction goes on from its file, and one that is lost goes on from the phrase and the log.

Two devices of one delegate may both seal on one head. The log takes one of the ballots; the other device finds that out
from its own replay, never by the board's word alone, gives its ballot up, and says so.

Source: SPEC.md#sealing, SPEC.md#admission.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from secballot.board.merkle import leaf_hash
from secballot.errors import PhaseError, RefusalError, StoreError
from secballot.protocol.casting import check_choices, check_tag
from secballot.randomness import random_bytes
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.roles.delegate import Delegate, ballot_entry
from secballot.roles.officer import poll_by_number
from secballot.roles.receipt import make_receipt
from secballot.roles.submission import Waiting, accepted_index, submit
from secballot.roles.wallet_state import SealedWork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from secballot.protocol.casting import SealedBallot
    from secballot.record.state import PollState
    from secballot.records.promise import Promise
    from secballot.roles.delegate import Choices
    from secballot.roles.party import Poster
    from secballot.roles.receipt import Receipt
    from secballot.roles.view import WitnessedView
    from secballot.roles.wallet import DelegateWallet
    from secballot.roles.wallet_state import CastWork, OpenedWork


class _Nowhere:
    """Where a device without a board posts."""

    def post(self, entry: bytes) -> Promise:
        """Refuse.

        Raises:
            StoreError: always.
        """
        raise StoreError(f"no board to post {len(entry)} bytes to: name its URL with --board")


class VotingDevice:
    """One delegate's device in one sitting.

    Attributes:
        wallet: its file.
        view: its replay of the log.
        delegate: derives keys and credentials, and seals.
    """

    def __init__(
        self,
        wallet: DelegateWallet,
        view: WitnessedView,
        places: Sequence[Poster] = (),
        *,
        draw: Callable[[int], bytes] = random_bytes,
    ) -> None:
        """Bring them together; nothing is read or sent yet.

        Args:
            wallet: bound to the view's sitting.
            view: of the sitting.
            places: where ballots and requests are posted; none on a machine without a network.
            draw: fresh secret bytes.
        """
        self.wallet, self.view = wallet, view
        self._places = tuple(places) or (_Nowhere(),)
        self._draw = draw
        self.delegate = Delegate(wallet.secrets(), view, self._places[0])

    def register(self) -> list[Promise]:
        """Request credentials for every poll of the current registration; nothing is posted twice.

        Raises:
            RefusalError: the key is not on the roll, no registration is in effect, or requests are over.
        """
        self.view.refresh()
        registrations = self.view.state.registrations
        if registrations and registrations[-1].closed and self.unrequested():
            raise RefusalError("the requests of this registration are over; a later registration may follow")
        return self.delegate.request_credentials()

    def unrequested(self) -> int:
        """Return how many polls of the current registration this key has not requested on the log so far."""
        if not self.view.state.registrations:
            return 0
        registration = self.view.state.registrations[-1]
        first = registration.next_poll(self.delegate.public_key)
        return self.view.state.the_manifest().polls - first + 1

    def check(self, number: int, choices: Choices) -> None:
        """Check that a ballot of this delegate may say this, before anything is sealed.

        Raises:
            RefusalError: the poll is not opened, or the choices break a limit.
        """
        poll = poll_by_number(self.view, number)
        check_choices(poll.context.layout(self.delegate.credential(poll).class_index), choices)

    def next_place(self, number: int) -> tuple[int, bytes]:
        """Return sequence and previous of the next ballot of a poll, if there may be one now.

        The view is refreshed by the caller.

        Raises:
            PhaseError: the poll is not open.
            RefusalError: it is not opened, there is no credential, an earlier ballot of it is still on its way, or
                all are cast that a delegate may cast.
        """
        poll = poll_by_number(self.view, number)
        if poll.status != "open":
            raise PhaseError(f"poll {number} is {poll.status}")
        self.settle()
        if any(work.poll == number and work.unsent for work in self.wallet.state().cast):
            raise RefusalError(
                "a ballot of this poll that you cast is still on its way; let it arrive first:"
                " secballot delegate submit"
            )
        sequence, previous = self.delegate.place(poll)
        limit = self.view.state.the_manifest().limits.ballots_per_credential
        if sequence >= limit:
            raise RefusalError(f"a delegate may cast {limit} ballots in a poll, and all of yours are cast")
        return sequence, previous

    def seal(self, number: int, choices: Choices, tag: str) -> SealedWork:
        """Seal a ballot on top of the newest one on the log, keep it, and return it; cast or open it next.

        Raises:
            RefusalError: the tag is trivial, the choices break a limit, there is no credential, or an earlier ballot of
                the poll is still on its way.
            PhaseError: the poll is not open.
            StoreError: the wallet cannot be written; nothing may be shown.
        """
        check_tag(tag)
        self.view.refresh()
        sequence, previous = self.next_place(number)
        poll = poll_by_number(self.view, number)
        seed, fresh = self._draw(32), self._draw(32)
        sealed = self.delegate.seal_at(poll, choices, tag, sequence=sequence, previous=previous, seed=seed, fresh=fresh)
        work = SealedWork(
            choices=choices,
            ctx=poll.ctx,
            fresh=fresh,
            poll=number,
            previous=previous,
            seed=seed,
            sequence=sequence,
            tag=tag,
            tracker=sealed.tracker,
        )
        self.wallet.seal(work)
        return work

    def cast(self, number: int) -> CastWork:
        """Decide to cast the sealed ballot of a poll, and return it finished; nothing is sent yet.

        Raises:
            PhaseError: no sealed ballot waits, or the poll is not open any more.
            RefusalError: another ballot of this delegate has come first; the sealed one is dropped.
        """
        self.view.refresh()
        poll, work = self._waiting(number)
        if poll.status != "open":
            raise PhaseError(f"poll {number} is {poll.status}; the sealed ballot can only be opened")
        if self.delegate.place(poll) != (work.sequence, work.previous):
            self.wallet.drop_sealed(number)
            raise RefusalError(
                "another ballot of yours has reached the board since this one was sealed: it could not count, and is"
                " dropped; vote again if you want to replace that one"
            )
        return self.wallet.decide_cast(number, lambda work: ballot_entry(self._again(poll, work).cast()))

    def open(self, number: int) -> OpenedWork:
        """Decide to open the sealed ballot of a poll, and return what any other device checks it by.

        Raises:
            PhaseError: no sealed ballot waits.
        """
        self.view.refresh()
        poll, _ = self._waiting(number)
        return self.wallet.decide_open(number, lambda work: self._again(poll, work).open())

    def deliver(self, work: CastWork, waiting: Waiting | None = None) -> Receipt:
        """Send a cast ballot until it lies under a witnessed checkpoint; keep and return its receipt.

        Raises:
            RefusalError: it can no longer count, which the log shows; or every place refuses it.
            BrokenPromiseError, KeptError, TransportError, StoreError, PolicyError: as `submission.submit`.
        """
        if not work.entry:
            raise RefusalError("the ballot has arrived, and is not sent again")
        # A board that has promised a place, and not kept that so far, would only promise again, and drop boxes would
        # never see the ballot: another place comes first.
        later = 1 if work.promise else 0
        try:
            receipt = submit(
                work.entry,
                self.view,
                (*self._places[later:], *self._places[:later]),
                keep=lambda promise: self.wallet.keep_promise(work.tracker, promise),
                waiting=waiting,
            )
        except RefusalError as refusal:
            self.settle()
            now = self.wallet.state().cast_with(work.tracker)
            if now is not None and now.given_up:
                raise RefusalError(now.given_up, check=refusal.check) from refusal
            raise
        self.wallet.keep_receipt(receipt, sequence=work.sequence)
        return receipt

    def settle(self) -> None:
        """Bring the wallet's cast ballots up to the log as the view has it: receipts, and ballots that came too late.

        The view is refreshed by the caller.
        """
        for work in self.wallet.state().cast:
            poll = self.view.state.polls.get(work.poll)
            if not work.entry or work.given_up or poll is None:
                continue
            index = accepted_index(self.view, poll, leaf_hash(work.entry))
            if index is not None:
                self.wallet.keep_receipt(make_receipt(self.view, poll, index), sequence=work.sequence)
                continue
            sequence, _ = self.delegate.place(poll)
            if sequence > work.sequence:
                self.wallet.give_up(
                    work.tracker,
                    f"another ballot of yours, from another device, has come first: it is number {work.sequence + 1} on"
                    " the log, and this one cannot count; vote again if you want to replace it",
                )

    def own_ballots(self, poll: PollState) -> Iterator[tuple[int, Ballot]]:
        """Yield index and content of every accepted ballot of this delegate in a poll, in order of the log.

        Raises:
            RefusalError: the delegate has no credential for the poll.
        """
        head = poll.heads.get(self.delegate.credential(poll).S)
        if head is None:
            return
        for judgement in self.view.judgements[poll.index + 1 : head.index + 1]:
            if judgement.kind == "ballot" and judgement.outcome.stands:
                body = decode_entry(self.view.entry(judgement.index)).body
                if isinstance(body, Ballot) and body.credential == self.delegate.credential(poll).S:
                    yield judgement.index, body

    def unknown_receipts(self) -> list[tuple[int, Receipt]]:
        """Return sequence and receipt of this delegate's ballots on the log that the wallet does not know.

        Another device has cast them, or somebody else who has the phrase: which it is, the delegate knows by the tags.
        The view is refreshed by the caller.
        """
        found = []
        for poll in self.view.state.polls.values():
            try:
                ballots = list(self.own_ballots(poll))
            except RefusalError:
                continue  # not registered for it
            found += [
                (ballot.sequence, make_receipt(self.view, poll, index))
                for index, ballot in ballots
                if self.wallet.state().cast_with(ballot.tracker()) is None
            ]
        return found

    def recover(self) -> list[Receipt]:
        """Take all of this delegate's ballots on the log into the wallet, as after a loss; return what was not there.

        The view is refreshed by the caller.
        """
        self.settle()
        found = self.unknown_receipts()
        for sequence, receipt in found:
            self.wallet.keep_receipt(receipt, sequence=sequence)
        return [receipt for _sequence, receipt in found]

    def _waiting(self, number: int) -> tuple[PollState, SealedWork]:
        poll = poll_by_number(self.view, number)
        work = self.wallet.state().sealed_in(number)
        if work is None:
            raise PhaseError(f"no sealed ballot of poll {number} waits to be cast or opened")
        if work.ctx != poll.ctx:
            raise StoreError("the sealed ballot is of another opening than the log's")
        return poll, work

    def _again(self, poll: PollState, work: SealedWork) -> SealedBallot:
        """Make a kept ballot again, and compare it with what was shown."""
        sealed = self.delegate.seal_at(
            poll,
            work.choices,
            work.tag,
            sequence=work.sequence,
            previous=work.previous,
            seed=work.seed,
            fresh=work.fresh,
        )
        if not hmac.compare_digest(sealed.tracker, work.tracker):
            raise StoreError("the sealed ballot comes out with another tracker than was shown; it is not used")
        return sealed
