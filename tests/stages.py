"""A convened sitting to be taken further, entry by entry, as often as tests like.

The way to the convening is run once. A `Stream` then goes on with the log alone: every body is made by hand, so any of
them can be wrong. Whatever is logged is judged by the library and by the second verifier (`tests.second_verifier`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from secballot.blind import BlindSecretKey, blind_sign, emsa_pss_encode, prepare
from secballot.group import Scalars, multiply_base
from secballot.protocol.ballots import ballot_fields
from secballot.protocol.casting import seal
from secballot.protocol.registration import Credential, credential_message, key_id
from secballot.protocol.tallying import partial_decrypt
from secballot.record.tallying import recompute_result
from secballot.records.closing import Closing
from secballot.records.opening import Opening
from secballot.roles.delegate import ballot_entry
from secballot.roles.party import sign_entry
from secballot.transcript import challenge
from tests.registrar_keys import KEYS
from tests.registrar_keys import test_key as published_key
from tests.second_verifier import begin_with, watch
from tests.simulator import TAGS, MemoryBoard, Simulator, cosigned_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.protocol.casting import SealedBallot
    from secballot.record import Judgement
    from secballot.record.state import PollState
    from secballot.records.ballot import Ballot
    from secballot.records.decryption import Decryption
    from secballot.records.manifest import Manifest
    from secballot.records.opening import Contest
    from secballot.records.result import Result
    from secballot.signing import SigningKey

Choices = tuple[tuple[int, ...], ...]

FOR, AGAINST, ABSTAIN = (1, 0, 0), (0, 1, 0), (0, 0, 1)


@cache
def convened() -> Simulator:
    """Return a sitting whose polls can be opened; run once per process, not to be changed."""
    simulator = Simulator().until_polls()
    begin_with(simulator.board)
    return simulator


def verdict(judgement: Judgement) -> tuple[str, str | None]:
    """Return outcome and check."""
    return judgement.outcome.value, judgement.check


@dataclass(frozen=True)
class Voter:
    """What one delegate holds for one poll.

    Attributes:
        class_index: 1 for the first four delegates, 2 for the others.
        credential: unblinded from the log.
        secret: s.
    """

    class_index: int
    credential: Credential
    secret: Scalars


@cache
def voter(number: int, poll: int = 1) -> Voter:
    """Return the delegate with this number, 0..7, as a voter of a poll of the convened sitting."""
    simulator = convened()
    delegate = simulator.rehearsal.delegates[number]
    delegate.view.refresh()
    registration = delegate.view.state.registrations[-1]
    place = _Place(registration, poll)
    secret = delegate._wallet.credential_secret(simulator.board.anchor, registration.number, poll)
    return Voter(registration.roll[delegate.public_key], delegate.credential(place), secret)  # type: ignore[arg-type]  # all it reads


@dataclass(frozen=True)
class _Place:
    registration: object
    number: int


@cache
def share(trustee: int) -> Scalars:
    """Return the secret share of the trustee with this index, 1..4."""
    party = convened().rehearsal.trustees[trustee - 1]
    party.view.refresh()
    return party._secret_share()


def published_secret(modulus: int) -> BlindSecretKey:
    """Return the registrar's RSA key, which the simulator took from the published ones."""
    return next(published_key(at) for at in range(KEYS) if published_key(at).public_key.n == modulus)


@dataclass
class Stream:
    """The log of the convened sitting, gone on with by hand."""

    board: MemoryBoard = field(init=False)
    now: int = field(init=False)

    def __post_init__(self) -> None:
        """Log what the convened sitting has logged."""
        base = convened()
        self.board = copy_board(base)
        self.now = base.rehearsal.now
        self.keys = base.rehearsal.keys
        self.officers = self.keys.presidium[: base.plan.presidium[1]]

    @property
    def manifest(self) -> Manifest:
        """The manifest in force."""
        return self.board.manifest

    def poll(self, number: int = 1) -> PollState:
        """Return a poll's state."""
        return self.board.record.state.polls[number]

    def status(self, number: int = 1) -> str:
        """Return a poll's status."""
        return self.poll(number).status

    # --- entries

    def entry(self, key: SigningKey, kind: str, body: msgspec.Struct) -> bytes:
        """Return the signed entry."""
        return sign_entry(key, kind, self.board.anchor, body)

    def post(self, key: SigningKey, kind: str, body: msgspec.Struct) -> Judgement:
        """Log a signed entry."""
        return self.board.force(self.entry(key, kind, body))

    def act(self, kind: str, body: msgspec.Struct, keys: Sequence[SigningKey] = ()) -> Judgement:
        """Log the entries of these signers, the needed officers by default, and return the last outcome."""
        return [self.post(key, kind, body) for key in keys or self.officers][-1]

    def note(
        self, now: int = 1, *, size: int | None = None, witnesses: slice = slice(3), times: Sequence[int] = ()
    ) -> str:
        """Return an embedded note over the log so far, or its first entries, cosigned at this time.

        Args:
            now: time of every cosignature.
            size: entries covered; all by default.
            witnesses: those who sign.
            times: of the witnesses in order, instead of `now`.
        """
        board = self.board
        signers = board.witnesses[witnesses]
        text = cosigned_head(board.manifest.log.origin, board.log_key, self.leaves()[:size], signers, now)
        if not times:
            return text.decode()
        notes = [
            cosigned_head(board.manifest.log.origin, board.log_key, self.leaves()[:size], [signer], time)
            for signer, time in zip(signers, times, strict=True)
        ]
        lines = [note.decode().splitlines()[-1] for note in notes]
        return "\n".join([*text.decode().splitlines()[: -len(lines)], *lines]) + "\n"

    def leaves(self) -> list[bytes]:
        """Return the leaf hashes of the log so far."""
        return [hashlib.sha256(b"\0" + entry).digest() for entry in self.board.entries]

    # --- polls

    def opening(self, contests: Sequence[Contest], number: int = 1, seconds: int = 3_600) -> Opening:
        """Return the body that opens a poll for so many seconds."""
        convening = self.board.record.state.registrations[-1].convening
        assert convening is not None
        return Opening(closes_at=self.now + seconds, contests=tuple(contests), convening=convening, poll=number)

    def open(self, *contests: Contest, number: int = 1, seconds: int = 3_600) -> str:
        """Open a poll and return a note over the opening, cosigned now."""
        judgement = self.act("opening", self.opening(contests, number, seconds))
        assert judgement.outcome.value == "effect", judgement
        return self.note(self.now)

    def seal(self, who: int, choices: Choices, number: int = 1, *, tag: str = "", seed: bytes = b"") -> SealedBallot:
        """Seal a ballot of a delegate (0..7) on top of its head."""
        poll, holder = self.poll(number), voter(who, number)
        head = poll.heads.get(holder.credential.S)
        return seal(
            poll.context,
            holder.credential,
            holder.secret,
            choices,
            sequence=0 if head is None else head.sequence + 1,
            previous=bytes(32) if head is None else head.leaf,
            tag=tag or TAGS[who],
            seed=hashlib.sha256(b"seed%d" % who + seed).digest(),
            fresh=hashlib.sha256(b"fresh").digest(),
        )

    def ballot(self, who: int, choices: Choices, number: int = 1, *, tag: str = "", seed: bytes = b"") -> Ballot:
        """Return a delegate's finished ballot."""
        return self.seal(who, choices, number, tag=tag, seed=seed).cast()

    def cast(self, ballot: Ballot) -> Judgement:
        """Log a ballot."""
        return self.board.force(ballot_entry(ballot))

    def vote(self, *votes: Choices, number: int = 1, first: int = 0) -> None:
        """Let the delegates from `first` on cast these choices."""
        for who, choices in enumerate(votes, first):
            judgement = self.cast(self.ballot(who, choices, number))
            assert judgement.outcome.value == "accepted", judgement

    def resign(self, who: int, ballot: Ballot, number: int = 1) -> Ballot:
        """Return a ballot with T and z made anew by the credential's owner, whatever else it holds."""
        poll, nonce = self.poll(number), Scalars.from_ints([7])
        T = multiply_base(nonce).encode()
        e = challenge("ballot", *ballot_fields(poll.context, ballot), T)
        response = nonce + Scalars.from_ints([e]) * voter(who, number).secret
        return msgspec.structs.replace(ballot, commitment=T, response=response.encode())

    def mint(self, class_index: int, choices: Choices, number: int = 1, *, colluding: int = 2) -> Ballot:
        """Return a ballot under a credential that nobody asked for, signed by so many of the registrars.

        The others' signatures are the first one's.
        """
        poll, secret = self.poll(number), Scalars.from_ints([0x5ECC + class_index])
        S = multiply_base(secret).encode()
        signed = []
        for registrar, key in enumerate(poll.context.registrar_keys[class_index][:colluding], 1):
            place = (self.board.anchor, poll.registration.number, registrar, number, class_index)
            name = key_id(*place, key)
            prepared = prepare(
                bytes(32), credential_message(self.board.anchor, number, registrar, name, class_index, S)
            )
            signed.append(blind_sign(published_secret(key.n), emsa_pss_encode(prepared, 3071, bytes(48))))
        missing = len(self.manifest.registrars) - colluding
        signatures = b"".join([*signed, *signed[:missing]])
        credential = Credential(S, class_index, bytes(32 * len(self.manifest.registrars)), signatures)
        return seal(
            poll.context,
            credential,
            secret,
            choices,
            sequence=0,
            previous=bytes(32),
            tag=TAGS[60],
            seed=bytes(32),
            fresh=bytes(32),
        ).cast()

    # --- the end of a poll

    def closing(self, opening_note: str, number: int = 1, *, delay: int = 0) -> Closing:
        """Return the closing whose checkpoint covers the log so far, cosigned when the poll's time is up."""
        poll = self.poll(number)
        return Closing(checkpoint=self.note(poll.closes_at + delay), ctx=poll.ctx, opening_checkpoint=opening_note)

    def close(self, opening_note: str, number: int = 1) -> None:
        """Close a poll."""
        judgement = self.post(self.officers[0], "closing", self.closing(opening_note, number))
        assert judgement.outcome.value == "effect", judgement

    def decryption(self, trustee: int, contest: int = 1, number: int = 1, **changes: object) -> Decryption:
        """Return a trustee's decryption of a contest; `changes` are arguments of `partial_decrypt`."""
        poll, ceremony = self.poll(number), self.board.record.state.complete_ceremony()
        arguments = {
            "ctx": poll.ctx,
            "tally_id": poll.tally_id,
            "trustee": trustee,
            "public_share": ceremony.public_shares[trustee],
            "contest": contest,
            "aggregates": poll.aggregates[contest - 1],
            "secret": share(trustee),
            "fresh": bytes(32),
        }
        return partial_decrypt(**{**arguments, **changes})  # type: ignore[arg-type]  # as its signature has them

    def decrypt(self, *trustees: int, contest: int = 1, number: int = 1) -> Judgement:
        """Let these trustees decrypt a contest and return the last outcome."""
        return [
            self.post(self.keys.trustees[trustee - 1], "decryption", self.decryption(trustee, contest, number))
            for trustee in trustees
        ][-1]

    def result(self, number: int = 1) -> Result:
        """Return the result that follows from the log."""
        return recompute_result(self.board.record.state, self.poll(number))

    def failures(self) -> list[str]:
        """Return the checks by which the record fails."""
        return [failure.check for failure in self.board.record.state.failures]


def copy_board(simulator: Simulator) -> MemoryBoard:
    """Return a board of its own that has logged what a simulator's board has."""
    old = simulator.board
    board = MemoryBoard(old.manifest, old.log_key, old.promise_key)
    board.witnesses = list(old.witnesses)
    for entry in old.entries:
        board.force(entry)
    board.notes = dict(old.notes)
    watch(board)
    return board
