"""A session of the key ceremony: who takes part, what each showed, and the sealed way from one to another.

Both the checks that everybody makes (`ceremony`) and a trustee's own side (`ceremony_dealing`) stand on these.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.errors import EncodingError, InvalidShareError, ProtocolError
from secballot.group import ENCODED_BYTES, Elements, Scalars
from secballot.sealing import KEY_BYTES, NONCE_BYTES, TAG_BYTES, open_share, seal_share
from secballot.sharing import check_share
from secballot.transcript import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secballot.records.ceremony import CeremonyShares
    from secballot.transcript import Field

SEALED_SHARE_BYTES: Final = ENCODED_BYTES + TAG_BYTES
"""Bytes of one sealed share."""

# One nonce will do: the key of a sealed share is used once, since every ephemeral is fresh.
_NONCE: Final = bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the ceremony: who deals with whom, and for which threshold.

    Attributes:
        sitting_id: 32 bytes.
        number: counted from 1; a failed session is followed by the next.
        threshold: trustees needed to decrypt, 1..number of participants.
        participants: manifest indices of the trustees that take part, strictly increasing.
        identity_keys: the Ed25519 keys (32 bytes) of all trustees of the manifest, in order.

    Source: SPEC.md#ceremony.
    """

    sitting_id: bytes
    number: int
    threshold: int
    participants: tuple[int, ...]
    identity_keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse what no manifest and no restart gives; a ValueError, since it is the caller's bug."""
        allowed = range(1, len(self.identity_keys) + 1)
        if not all(type(index) is int and index in allowed for index in self.participants):
            raise ValueError("participants are not manifest indices")
        if any(a >= b for a, b in zip(self.participants, self.participants[1:], strict=False)):
            raise ValueError("participants are not strictly increasing")
        if not 1 <= self.threshold <= len(self.participants):
            raise ValueError("threshold is not within 1 and the number of participants")

    def identity_key(self, index: int) -> bytes:
        """Return the identity key of a participant, 32 bytes.

        Raises:
            ProtocolError: the trustee is no participant.
        """
        self.position(index)
        return self.identity_keys[index - 1]

    def position(self, index: int) -> int:
        """Return where a participant stands in the vectors of this session, from 0.

        Raises:
            ProtocolError: the trustee is no participant.
        """
        # `True` equals 1, and as an index would pass for trustee 1.
        if type(index) is not int or index not in self.participants:
            raise ProtocolError("not the index of a participant of this session")
        return self.participants.index(index)


@dataclass(frozen=True)
class Dealing:
    """What a participant showed in round 1, decoded and verified.

    Attributes:
        commitments: C_0..C_{t−1}, the coefficients of its polynomial times G; none is the identity.
        encryption_key: E, under which shares for it are sealed; not the identity.
    """

    commitments: Elements
    encryption_key: Elements


def check_dealers(session: Session, messages: Mapping[int, object]) -> None:
    """Check that there is a message of every participant and of nobody else.

    Raises:
        ProtocolError: otherwise.
    """
    if set(messages) != set(session.participants):
        raise ProtocolError("messages are not those of exactly the participants of this session")


@dataclass(frozen=True)
class ShareChannel:
    """What one sealed share is bound to: both ends, their round 1, and the ephemeral key.

    Attributes:
        session: the session.
        dealer: index of the participant that sealed the share.
        receiver: index of the participant that it is for.
        commitments: the dealer's.
        encryption_key: the receiver's.
        ephemeral: P = e·G.

    Source: SPEC.md#ceremony.
    """

    session: Session
    dealer: int
    receiver: int
    commitments: Elements
    encryption_key: Elements
    ephemeral: Elements

    def complaint_context(self, point: Elements) -> tuple[Field, ...]:
        """Return what the proof of a complaint is bound to: all fields of its label before A and B."""
        return (
            self.session.sitting_id,
            self.session.number,
            self.dealer,
            self.receiver,
            self.encryption_key.encode(),
            self.ephemeral.encode(),
            point.encode(),
        )

    def _key(self, point: Elements) -> bytes:
        """Return the 32-byte key of the share."""
        return digest(
            "share-key",
            self.session.sitting_id,
            self.session.number,
            self.dealer,
            self.receiver,
            self.commitments.encode(),
            self.encryption_key.encode(),
            self.ephemeral.encode(),
            point.encode(),
        )[:KEY_BYTES]

    def seal(self, share: Scalars, point: Elements) -> bytes:
        """Return f(receiver) sealed, 48 bytes.

        Args:
            share: f(receiver).
            point: the Diffie–Hellman point of ephemeral and encryption key, secret.
        """
        return seal_share(self._key(point), _NONCE, share.encode(), b"")

    def open(self, sealed: bytes, point: Elements) -> Scalars:
        """Return f(receiver), opened with the Diffie–Hellman point and checked against the dealer's commitments.

        Raises:
            InvalidShareError: it does not open, is no canonical scalar, or does not fit the commitments.
        """
        plaintext = open_share(self._key(point), _NONCE, sealed, b"")
        try:
            share = Scalars.decode(plaintext)
        except EncodingError as error:
            raise InvalidShareError("share is not a canonical scalar") from error
        check_share(share, self.commitments, self.receiver)
        return share


def dealt_share(
    session: Session, dealer: int, receiver: int, dealings: Mapping[int, Dealing], shares: CeremonyShares
) -> tuple[ShareChannel, bytes]:
    """Return the sealed share for this receiver among those that the dealer posted, and what it is bound to.

    Args:
        session: the session.
        dealer: the participant that signed the shares.
        receiver: whose share it is.
        dealings: the verified round 1 of both.
        shares: the dealer's round 2, which passed `verify_shares`.

    Raises:
        ProtocolError: dealer or receiver is no participant.

    Source: SPEC.md#ceremony.
    """
    session.position(dealer)
    at = session.position(receiver)
    ephemeral = Elements.decode(shares.ephemerals[ENCODED_BYTES * at : ENCODED_BYTES * (at + 1)])
    channel = ShareChannel(
        session, dealer, receiver, dealings[dealer].commitments, dealings[receiver].encryption_key, ephemeral
    )
    return channel, shares.sealed[SEALED_SHARE_BYTES * at : SEALED_SHARE_BYTES * (at + 1)]
