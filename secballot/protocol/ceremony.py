"""What everybody can check of the key ceremony: reveals, sealed shares, complaints, and the keys that come of it.

A session runs in rounds, each open when every participant has finished the one before::

    0  commit     H(what round 1 will show)
    1  reveal     Feldman commitments C_0..C_{t−1} of f, an encryption key E, and proofs of knowledge for C_0 and E
    2  shares     f(j) for every participant j, sealed under H(…, e·E_j) with a fresh ephemeral e·G
    3  confirm    the hash of all that, the joint key and the public shares;   or
       complain   e·E_j of one sealed share, proved equal, so that everyone opens that share and sees who lied

- Whatever a verdict depends on is an argument; the order and the effect of entries are the record's business.
- Every check runs over the participants that must be there, never over the messages that happen to be.
- Sessions and sealed shares are in `ceremony_session`, what a trustee computes from its secrets in `ceremony_dealing`.

Source: SPEC.md#ceremony; Pedersen, EUROCRYPT '91; Feldman, FOCS '87.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final

from secballot.encoding import encode_u64
from secballot.errors import (
    NOBODY,
    EncodingError,
    InvalidShareError,
    Party,
    ProtocolError,
    VerificationError,
    blaming,
)
from secballot.group import ENCODED_BYTES, Elements
from secballot.proofs.equality import verify_equality
from secballot.proofs.knowledge import verify_knowledge
from secballot.protocol.ceremony_session import SEALED_SHARE_BYTES, Dealing, Session, check_dealers, dealt_share
from secballot.sharing import evaluate_commitments
from secballot.transcript import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from secballot.records.ceremony import CeremonyCommit, CeremonyComplain, CeremonyReveal, CeremonyShares
    from secballot.transcript import Field

__all__ = [
    "Dealing",
    "Session",
    "commitment_hash",
    "joint_key",
    "judge_complaint",
    "public_shares",
    "reveal_context",
    "transcript_hash",
    "verify_reveal",
    "verify_shares",
]

_ENTRIES_PER_PARTICIPANT: Final = 3


def commitment_hash(session: Session, index: int, reveal: CeremonyReveal) -> bytes:
    """Return the 64 bytes that fix the round 1 of a participant in round 0.

    Source: SPEC.md#ceremony.
    """
    return digest(
        "ceremony-commit",
        session.sitting_id,
        session.number,
        index,
        reveal.commitments,
        reveal.encryption_key,
        reveal.nonce,
    )


def reveal_context(session: Session, index: int, commitments: bytes, encryption_key: bytes) -> tuple[Field, ...]:
    """Return what both proofs of round 1 are bound to: all fields of their labels before R.

    Source: SPEC.md#hash, labels `ceremony-secret` and `ceremony-encryption`.
    """
    return (
        session.sitting_id,
        session.number,
        len(session.participants),
        session.threshold,
        index,
        session.identity_key(index),
        commitments,
        encryption_key,
    )


def verify_reveal(session: Session, index: int, commit: CeremonyCommit, reveal: CeremonyReveal) -> Dealing:
    """Return the decoded round 1 of a participant, checked against its round 0.

    Args:
        session: the current session.
        index: the participant that signed both.
        commit: its round 0.
        reveal: its round 1.

    Raises:
        EncodingError: CER-02, commitments of another number than the threshold, or one that does not decode.
        VerificationError: CER-01, not what round 0 fixed.
        InvalidProofError: CER-03, a proof of knowledge does not verify.
        ProtocolError: the index is no participant's; the caller's mistake.

    Source: SPEC.md#ceremony.
    """
    session.position(index)
    culprit = Party("trustee", index)
    with blaming("CER-02", culprit):
        if len(reveal.commitments) != ENCODED_BYTES * session.threshold:
            raise EncodingError("number of commitments is not the threshold", field="commitments")
        dealing = Dealing(Elements.decode(reveal.commitments), Elements.decode(reveal.encryption_key))
    if commitment_hash(session, index, reveal) != commit.commitment:
        raise VerificationError("round 1 is not what round 0 fixed", check="CER-01", culprit=culprit)
    context = reveal_context(session, index, reveal.commitments, reveal.encryption_key)
    with blaming("CER-03", culprit):
        verify_knowledge("ceremony-secret", context, dealing.commitments[0], reveal.proof_secret)
        verify_knowledge("ceremony-encryption", context, dealing.encryption_key, reveal.proof_encryption)
    return dealing


def verify_shares(session: Session, index: int, shares: CeremonyShares) -> Elements:
    """Return the ephemeral keys of a dealer's sealed shares, one per participant in order.

    Whether a share is good only its receiver can tell, and then by a complaint everybody.

    Raises:
        EncodingError: CER-04, another size than the participants ask for, or an ephemeral that does not decode.
        ProtocolError: the index is no participant's; the caller's mistake.

    Source: SPEC.md#ceremony.
    """
    session.position(index)
    count = len(session.participants)
    with blaming("CER-04", Party("trustee", index)):
        if len(shares.ephemerals) != ENCODED_BYTES * count:
            raise EncodingError("not one ephemeral key per participant", field="ephemerals")
        if len(shares.sealed) != SEALED_SHARE_BYTES * count:
            raise EncodingError("not one sealed share per participant", field="sealed")
        return Elements.decode(shares.ephemerals)


def joint_key(dealings: Mapping[int, Dealing]) -> Elements:
    """Return Y, the sum of all participants' C_0.

    Args:
        dealings: the verified round 1 of every participant.

    Raises:
        VerificationError: CER-09, the sum is the identity; nobody can be blamed, and the session ends.

    Source: SPEC.md#ceremony.
    """
    total = Elements.concat([dealing.commitments[0] for dealing in dealings.values()]).sum()
    if any(total.is_identity()):
        raise VerificationError("joint key is the identity", check="CER-09", culprit=NOBODY)
    return total


def public_shares(session: Session, dealings: Mapping[int, Dealing]) -> dict[int, Elements]:
    """Return for every participant j, in index order, X_j = x_j·G for its secret share x_j.

    X_j = Σ_i Σ_k j^k·C_{i,k}, computed as the value at j of the sum of all dealers' commitments.

    Raises:
        ProtocolError: the dealings are not those of exactly the participants.

    Source: SPEC.md#ceremony.
    """
    check_dealers(session, dealings)
    total = reduce(add, (dealings[index].commitments for index in session.participants))
    return {index: evaluate_commitments(total, index) for index in session.participants}


def transcript_hash(
    session: Session, leaf_hashes: Sequence[bytes], joint_key: Elements, public_shares: Mapping[int, Elements]
) -> bytes:
    """Return the 64 bytes that every participant confirms in round 3.

    Args:
        session: the session.
        leaf_hashes: of the effective entries of rounds 0, 1 and 2, each round in index order; 32 bytes each.
        joint_key: Y.
        public_shares: X_j of every participant.

    Raises:
        ProtocolError: leaf hashes or public shares of another number than the participants ask for.

    Source: SPEC.md#ceremony.
    """
    check_dealers(session, public_shares)
    if len(leaf_hashes) != _ENTRIES_PER_PARTICIPANT * len(session.participants):
        raise ProtocolError("not three leaf hashes per participant")
    return digest(
        "ceremony-transcript",
        session.sitting_id,
        session.number,
        b"".join(map(encode_u64, session.participants)),
        b"".join(leaf_hashes),
        joint_key.encode(),
        b"".join(public_shares[index].encode() for index in session.participants),
    )


def judge_complaint(
    session: Session,
    accuser: int,
    complaint: CeremonyComplain,
    dealings: Mapping[int, Dealing],
    shares: Mapping[int, CeremonyShares],
) -> None:
    """Check that a complaint is right; that it returns says that the dealer is to blame (CER-05).

    Args:
        session: the current session.
        accuser: the participant that signed the complaint; may be the dealer itself.
        complaint: the body.
        dealings: the verified round 1 of every participant.
        shares: the verified round 2 of every participant.

    Raises:
        VerificationError: CER-06, blaming the accuser: no such dealer, the proof fails, or the share is good.
        EncodingError: CER-06, blaming the accuser: the opened point does not decode.
        ProtocolError: the accuser is no participant, or a message is missing; the caller's mistake.

    Source: SPEC.md#ceremony.
    """
    session.position(accuser)
    check_dealers(session, dealings)
    check_dealers(session, shares)
    with blaming("CER-06", Party("trustee", accuser)):
        if complaint.dealer not in session.participants:
            raise VerificationError("complaint is about no participant of this session")
        channel, sealed = dealt_share(session, complaint.dealer, accuser, dealings, shares[complaint.dealer])
        point = Elements.decode(complaint.point)
        verify_equality(
            "complaint",
            channel.complaint_context(point),
            base=channel.ephemeral,
            public=channel.encryption_key,
            image=point,
            proof=complaint.proof,
        )
        try:
            channel.open(sealed, point)
        except InvalidShareError:
            return
        raise VerificationError("complaint is about a good share")
