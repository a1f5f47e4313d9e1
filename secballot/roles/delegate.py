"""A delegate: requests credentials, seals, casts or opens, and checks that the own ballot is counted.

Everything secret derives from the phrase, except the seeds of ballots; everything else comes back from the board, so
a second device with the phrase goes on where the first stopped.

Source: SPEC.md#phrase, SPEC.md#ballots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.errors import PhaseError, RefusalError
from secballot.protocol.casting import seal
from secballot.protocol.phrase import finalize, request
from secballot.randomness import random_bytes
from secballot.records.ballot import Ballot
from secballot.records.closing import Objection
from secballot.records.credential import CredentialIssue
from secballot.records.entry import decode_entry, encode_body, encode_unsigned
from secballot.roles.officer import poll_by_number
from secballot.roles.party import SigningParty
from secballot.roles.receipt import make_receipt

if TYPE_CHECKING:
    from secballot.blind import BlindPublicKey
    from secballot.protocol.casting import SealedBallot
    from secballot.protocol.phrase import Wallet
    from secballot.protocol.registration import Credential
    from secballot.record.rolls import Request
    from secballot.record.state import PollState, RegistrationState
    from secballot.records.promise import Promise
    from secballot.roles.party import Poster
    from secballot.roles.receipt import Receipt
    from secballot.roles.view import WitnessedView

Choices = tuple[tuple[int, ...], ...]
"""Per contest open to the delegate's class, the value of every option."""


class Delegate(SigningParty):
    """One delegate on one device."""

    def __init__(self, wallet: Wallet, view: WitnessedView, board: Poster) -> None:
        """Hold wallet, view and board; the roll key is the wallet's."""
        super().__init__(wallet.signing_key(), view, board)
        self._wallet = wallet
        self._credentials: dict[tuple[int, int], Credential] = {}

    def request_credentials(self) -> list[Promise]:
        """Request credentials for all polls of the current registration; repeating it posts nothing twice.

        Raises:
            RefusalError: this key is not on the roll, or no registration is in effect.
        """
        self.view.refresh()
        registration = self._registration()
        class_index = self._class(registration)
        promises = []
        first = registration.next_poll(self.public_key)
        while first <= self.manifest.polls:
            keys = [self._keys(registration, poll, class_index) for poll in range(first, self.manifest.polls + 1)]
            body = request(
                self._wallet,
                sitting_id=self.view.anchor,
                registration=registration.number,
                first_poll=first,
                class_index=class_index,
                keys=keys,
            )
            promises.append(self.post("credential-request", body))
            first += len(body.blinded)
        return promises

    def credential(self, poll: PollState) -> Credential:
        """Return the credential of a poll, unblinded from the registrars' answers on the log.

        Raises:
            RefusalError: this delegate did not register, or an answer is missing.
            InvalidSignatureError: an answer does not verify when unblinded.
        """
        registration, number = poll.registration, poll.number
        slot = (registration.number, number)
        if slot not in self._credentials:
            class_index = self._class(registration)
            leaf, own = self._own_request(registration, number)
            answers = self._answers(leaf)
            at = 384 * (number - own.first_poll)
            if len(answers) != len(self.manifest.registrars):
                raise RefusalError("a registrar's answer to this delegate's request is missing")
            self._credentials[slot] = finalize(
                self._wallet,
                sitting_id=self.view.anchor,
                registration=registration.number,
                poll=number,
                class_index=class_index,
                keys=self._keys(registration, number, class_index),
                signatures=[answers[index][at : at + 384] for index in sorted(answers)],
            )
        return self._credentials[slot]

    def seal(self, number: int, choices: Choices, tag: str) -> SealedBallot:
        """Seal a ballot on top of the credential's newest one; cast or open it next.

        Args:
            number: the poll.
            choices: per contest open to this class, the value of every option.
            tag: ten dice digits made up by the delegate for this ballot; public, and no PIN.

        Raises:
            RefusalError: the tag is trivial, the choices break a limit, or the delegate has no credential.
            PhaseError: the poll is not open.
        """
        self.view.refresh()
        poll = poll_by_number(self.view, number)
        if poll.status != "open":
            raise PhaseError(f"poll {number} is {poll.status}")
        sequence, previous = self.place(poll)
        return self.seal_at(
            poll, choices, tag, sequence=sequence, previous=previous, seed=random_bytes(32), fresh=random_bytes(32)
        )

    def place(self, poll: PollState) -> tuple[int, bytes]:
        """Return sequence and previous of this delegate's next ballot in a poll, after the newest one on the log."""
        head = poll.heads.get(self.credential(poll).S)
        return (0, bytes(32)) if head is None else (head.sequence + 1, head.leaf)

    def seal_at(
        self,
        poll: PollState,
        choices: Choices,
        tag: str,
        *,
        sequence: int,
        previous: bytes,
        seed: bytes,
        fresh: bytes,
    ) -> SealedBallot:
        """Seal a ballot at this place; the same arguments give the same ballot, byte for byte.

        Args:
            poll: as this view has it.
            choices: as `seal`.
            tag: as `seal`.
            sequence: its number, from 0.
            previous: leaf hash of the ballot before it, or 32 zero bytes.
            seed: 32 random bytes, drawn for this ballot alone.
            fresh: 32 further random bytes, for the nonce.

        Raises:
            RefusalError: as `seal`.
        """
        return seal(
            poll.context,
            self.credential(poll),
            self._wallet.credential_secret(self.view.anchor, poll.registration.number, poll.number),
            choices,
            sequence=sequence,
            previous=previous,
            tag=tag,
            seed=seed,
            fresh=fresh,
        )

    def tag_is_known(self, number: int, tag: str) -> bool:
        """Tell whether a ballot of this poll on the log has this tag already; the delegate is then warned."""
        self.view.refresh()
        poll = poll_by_number(self.view, number)
        ballots = (decode_entry(self.view.entry(head.index)).body for head in poll.heads.values())
        return any(isinstance(body, Ballot) and body.tag == tag for body in ballots)

    def cast(self, sealed: SealedBallot) -> Promise:
        """Finish the sealed ballot and post it.

        Raises:
            PhaseError: it was cast or opened before.
            RefusalError, TransportError: as the board says; `post_ballot` with the same bytes may be repeated.
        """
        return self.board.post(ballot_entry(sealed.cast()))

    def receipt(self, number: int) -> Receipt:
        """Return the receipt of this delegate's newest ballot in a poll, under the newest witnessed checkpoint.

        Raises:
            RefusalError: the log holds no accepted ballot of this delegate in that poll.
        """
        self.view.refresh()
        poll = poll_by_number(self.view, number)
        head = poll.heads.get(self.credential(poll).S)
        if head is None:
            raise RefusalError("no accepted ballot of this delegate lies under a witnessed checkpoint")
        return make_receipt(self.view, poll, head.index)

    def object(self, number: int, ballot: Ballot, promise: Promise) -> Promise:
        """Post the objection that the board promised this ballot a place and gave it to another entry."""
        self.view.refresh()
        if ballot.ctx != poll_by_number(self.view, number).ctx:
            raise RefusalError(f"the ballot is not of poll {number}")
        return self.board.post(objection_entry(ballot, promise))

    def _registration(self) -> RegistrationState:
        if not self.view.state.registrations:
            raise RefusalError("no registration is in effect")
        return self.view.state.registrations[-1]

    def _class(self, registration: RegistrationState) -> int:
        class_index = registration.roll.get(self.public_key)
        if class_index is None:
            raise RefusalError("this delegate's key is not on the roll; is the label of the phrase right?")
        return class_index

    def _keys(self, registration: RegistrationState, poll: int, class_index: int) -> list[BlindPublicKey]:
        """Return the registrars' keys from the verified record, never from anywhere else."""
        keys = registration.keys[poll, class_index]
        return [keys[index] for index in range(1, len(self.manifest.registrars) + 1)]

    def _own_request(self, registration: RegistrationState, poll: int) -> tuple[bytes, Request]:
        for leaf, own in registration.requests.items():
            if own.key == self.public_key and own.first_poll <= poll < own.first_poll + own.polls:
                return leaf, own
        raise RefusalError("this delegate did not register for this poll")

    def _answers(self, request_leaf: bytes) -> dict[int, bytes]:
        """Return every registrar's answer to a request, read again from the log."""
        found: dict[int, bytes] = {}
        registrars = self.manifest.registrars
        for judgement in self.view.judgements:
            if judgement.kind == "credential-issue" and judgement.outcome.stands:
                entry = decode_entry(self.view.entry(judgement.index))
                if isinstance(entry.body, CredentialIssue):
                    for answer in entry.body.answers:
                        if answer.request == request_leaf:
                            found[registrars.index(entry.signer) + 1] = answer.signatures
        return found


def ballot_entry(ballot: Ballot) -> bytes:
    """Return the entry of a finished ballot, to be posted to any board, mirror or drop box."""
    return encode_unsigned("ballot", encode_body("ballot", ballot))


def objection_entry(ballot: Ballot, promise: Promise) -> bytes:
    """Return the entry by which a ballot and the promise that was broken to it object to its poll.

    Source: SPEC.md#objection.
    """
    body = Objection(ballot=ballot, ctx=ballot.ctx, promise=promise)
    return encode_unsigned("objection", encode_body("objection", body))
