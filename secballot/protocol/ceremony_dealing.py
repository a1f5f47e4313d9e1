"""One trustee's own side of a ceremony session: what it commits to, deals, complains of, and keeps.

Everything derives from a seed of 32 bytes that the trustee draws for the session and syncs to disk before round 0. The
same seed and the same messages always give the same bytes, so a crash at any point is followed by the same posts, and
nobody can be brought to post two different contents for one round.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from secballot.encoding import encode_u64
from secballot.errors import InvalidShareError, Party, RefusalError
from secballot.group import ENCODED_BYTES, Elements, Scalars, multiply_base
from secballot.proofs.equality import prove_equality
from secballot.proofs.knowledge import prove_knowledge
from secballot.protocol.ceremony import reveal_context
from secballot.protocol.ceremony_session import Dealing, Session, ShareChannel, check_dealers, dealt_share
from secballot.records.ceremony import CeremonyCommit, CeremonyComplain, CeremonyReveal, CeremonyShares
from secballot.sharing import commit, evaluate
from secballot.transcript import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secballot.transcript import Field

SEED_BYTES: Final = 32
"""Bytes of the seed of a session."""


class TrusteeSecrets:
    """The secrets of one trustee in one session. It shows nothing of them, and can be neither pickled nor copied.

    Attributes:
        session: the session, as the trustee read it in the log.
        index: its own manifest index.
        dealing: its own round 1, public.
    """

    __slots__ = ("_coefficients", "_encryption_secret", "_seed", "dealing", "index", "session")

    def __init__(self, session: Session, index: int, seed: bytes) -> None:
        """Derive polynomial and encryption key.

        Args:
            session: the current session.
            index: the trustee's own manifest index.
            seed: 32 secret uniform bytes, drawn for this session alone and stored before anything is posted.

        Raises:
            ProtocolError: the trustee is no participant.
            ValueError: the seed has another length.
        """
        session.position(index)
        if len(seed) != SEED_BYTES:
            raise ValueError(f"seed of a ceremony session is not {SEED_BYTES} bytes")
        self.session = session
        self.index = index
        self._seed = bytes(seed)
        self._coefficients = Scalars.concat([self._scalar("coefficient", k) for k in range(session.threshold)])
        self._encryption_secret = self._scalar("encryption", 0)
        self.dealing = Dealing(commit(self._coefficients), multiply_base(self._encryption_secret))

    def __repr__(self) -> str:
        """Show whose and of which session they are, and nothing else."""
        return f"TrusteeSecrets(<redacted>, trustee {self.index}, session {self.session.number})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled or copied: the seed that the trustee stored is the only other copy."""
        raise TypeError("a trustee's secrets cannot be pickled or copied")

    def commit(self) -> CeremonyCommit:
        """Return round 0."""
        commitments, encryption_key = self._own_bytes()
        fields = (self.session.sitting_id, self.session.number, self.index, commitments, encryption_key)
        return CeremonyCommit(digest("ceremony-commit", *fields, self._opening()), self.session.number)

    def reveal(self) -> CeremonyReveal:
        """Return round 1; to be posted only when every participant's round 0 is on the log."""
        commitments, encryption_key = self._own_bytes()
        context = reveal_context(self.session, self.index, commitments, encryption_key)
        proofs = [
            prove_knowledge(label, context, secret, statement, self._proof_nonce(label, *context, bytes(ENCODED_BYTES)))
            for label, secret, statement in (
                ("ceremony-secret", self._coefficients[0], self.dealing.commitments[0]),
                ("ceremony-encryption", self._encryption_secret, self.dealing.encryption_key),
            )
        ]
        return CeremonyReveal(
            commitments=commitments,
            encryption_key=encryption_key,
            nonce=self._opening(),
            proof_encryption=proofs[1],
            proof_secret=proofs[0],
            session=self.session.number,
        )

    def shares(self, dealings: Mapping[int, Dealing]) -> CeremonyShares:
        """Return round 2: f(j) sealed for every participant j, the trustee itself included.

        Args:
            dealings: the verified round 1 of every participant.

        Raises:
            ProtocolError: a participant's round 1 is missing, or somebody else's is there.
            RefusalError: the log's round 1 of this trustee is not from this state.
        """
        self._check_dealings(dealings)
        receivers = self.session.participants
        secrets = Scalars.concat([self._scalar("ephemeral", receiver) for receiver in receivers])
        ephemerals = multiply_base(secrets)
        points = Elements.concat([dealings[receiver].encryption_key for receiver in receivers]) * secrets
        sealed = []
        for at, receiver in enumerate(receivers):
            channel = ShareChannel(
                self.session,
                self.index,
                receiver,
                self.dealing.commitments,
                dealings[receiver].encryption_key,
                ephemerals[at],
            )
            sealed.append(channel.seal(evaluate(self._coefficients, receiver), points[at]))
        return CeremonyShares(ephemerals.encode(), b"".join(sealed), self.session.number)

    def check(self, dealings: Mapping[int, Dealing], shares: Mapping[int, CeremonyShares]) -> CeremonyComplain | None:
        """Return a complaint about the first dealer, in index order, whose share for this trustee is bad; else None.

        Args:
            dealings: the verified round 1 of every participant.
            shares: the verified round 2 of every participant.

        Raises:
            ProtocolError: a participant's message is missing, or somebody else's is there.
            RefusalError: the log's round 1 of this trustee is not from this state.
        """
        for channel, sealed in self._dealt(dealings, shares):
            point = channel.ephemeral * self._encryption_secret
            try:
                channel.open(sealed, point)
            except InvalidShareError:
                return self._complaint(channel, point)
        return None

    def secret_share(self, dealings: Mapping[int, Dealing], shares: Mapping[int, CeremonyShares]) -> Scalars:
        """Return x_i, the sum of what every dealer dealt to this trustee, each checked against its commitments.

        Args:
            dealings: the verified round 1 of every participant.
            shares: the verified round 2 of every participant.

        Raises:
            InvalidShareError: CER-05, blaming the first dealer in index order whose share is bad.
            ProtocolError: a participant's message is missing, or somebody else's is there.
            RefusalError: the log's round 1 of this trustee is not from this state.
        """
        received = []
        for channel, sealed in self._dealt(dealings, shares):
            try:
                received.append(channel.open(sealed, channel.ephemeral * self._encryption_secret))
            except InvalidShareError as error:
                error.check, error.culprit = "CER-05", Party("trustee", channel.dealer)
                raise
        return Scalars.concat(received).sum()

    def _complaint(self, channel: ShareChannel, point: Elements) -> CeremonyComplain:
        """Return the complaint that shows this share's Diffie–Hellman point and proves it."""
        context = channel.complaint_context(point)
        nonce = self._proof_nonce("complaint", *context, bytes(ENCODED_BYTES), bytes(ENCODED_BYTES))
        proof = prove_equality("complaint", context, self._encryption_secret, channel.ephemeral, nonce)
        return CeremonyComplain(channel.dealer, point.encode(), proof, self.session.number)

    def _dealt(
        self, dealings: Mapping[int, Dealing], shares: Mapping[int, CeremonyShares]
    ) -> list[tuple[ShareChannel, bytes]]:
        """Return the shares for this trustee in the order of their dealers."""
        self._check_dealings(dealings)
        check_dealers(self.session, shares)
        return [
            dealt_share(self.session, dealer, self.index, dealings, shares[dealer])
            for dealer in self.session.participants
        ]

    def _check_dealings(self, dealings: Mapping[int, Dealing]) -> None:
        """Check that every participant has dealt, and this trustee what it knows the secrets of."""
        check_dealers(self.session, dealings)
        own = dealings[self.index]
        if (own.commitments.encode(), own.encryption_key.encode()) != self._own_bytes():
            raise RefusalError("the log's round 1 of this trustee does not come from this trustee's stored state")

    def _own_bytes(self) -> tuple[bytes, bytes]:
        """Return the trustee's own commitments and encryption key, encoded."""
        return self.dealing.commitments.encode(), self.dealing.encryption_key.encode()

    def _opening(self) -> bytes:
        """Return the nonce of the round 0 commitment, 32 bytes."""
        return self._wide("opening", 0)[:ENCODED_BYTES]

    def _scalar(self, purpose: str, position: int) -> Scalars:
        """Return a secret scalar of this session."""
        return Scalars.from_wide(self._wide(purpose, position))

    def _wide(self, purpose: str, position: int) -> bytes:
        """Return 64 secret bytes, other ones for every purpose, position, session and list of participants.

        The list is in, since a forked log could show one session number with two lists.
        """
        bound = purpose.encode() + b"/" + b"".join(map(encode_u64, self.session.participants))
        session = self.session
        return digest("trustee-scalar", self._seed, session.sitting_id, session.number, self.index, bound, position)

    def _proof_nonce(self, label: str, *fields: Field) -> Scalars:
        """Return the nonce of a proof, bound to its whole statement: one nonce under two challenges shows the secret.

        The fields are those of the label, with zeros for what the nonce itself will determine.
        """
        return Scalars.from_wide(digest("trustee-nonce", self._seed, self.session.sitting_id, digest(label, *fields)))
