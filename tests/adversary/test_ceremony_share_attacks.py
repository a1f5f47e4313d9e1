"""Dealers of bad shares, and trustees that accuse dealers of good ones.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.errors import (
    EncodingError,
    InvalidProofError,
    InvalidShareError,
    Party,
    ProtocolError,
    VerificationError,
)
from secballot.group import ORDER, Elements, Scalars
from secballot.proofs.equality import prove_equality
from secballot.protocol.ceremony import (
    judge_complaint,
    verify_shares,
)
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.protocol.ceremony_session import ShareChannel, dealt_share
from secballot.records.ceremony import CeremonyComplain, CeremonyShares
from secballot.sealing import seal_share
from tests.ceremony_run import CeremonyRun, run_ceremony, seed, session_of

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = run_ceremony(session_of(3, 2))
RESTARTED = run_ceremony(session_of(3, 2, number=2))


def resealed(run: CeremonyRun, dealer: int, receiver: int, plaintext: bytes) -> dict[int, CeremonyShares]:
    """Return round 2 with another plaintext sealed by the dealer for one receiver, under the proper key."""
    e = run.secrets[dealer]._scalar("ephemeral", receiver)
    channel, _ = dealt_share(run.session, dealer, receiver, run.dealings, run.shares[dealer])
    sealed = seal_share(channel._key(channel.encryption_key * e), bytes(24), plaintext, b"")
    return with_sealed(run, dealer, receiver, sealed)


def with_sealed(run: CeremonyRun, dealer: int, receiver: int, sealed: bytes) -> dict[int, CeremonyShares]:
    """Return round 2 with other sealed bytes from the dealer for one receiver."""
    at = 48 * run.session.position(receiver)
    body = run.shares[dealer]
    changed = body.sealed[:at] + sealed + body.sealed[at + 48 :]
    return {**run.shares, dealer: msgspec.structs.replace(body, sealed=changed)}


def complaint_about(run: CeremonyRun, accuser: int, dealer: int) -> CeremonyComplain:
    """Return a rightly proved complaint, whether or not the share is bad."""
    channel, _ = dealt_share(run.session, dealer, accuser, run.dealings, run.shares[dealer])
    trustee = run.secrets[accuser]
    return trustee._complaint(channel, channel.ephemeral * trustee._encryption_secret)


def assert_blames(step: Callable[[], object], check: str, trustee: int) -> None:
    """Check that the step raises an error of this check that blames this trustee."""
    with pytest.raises((EncodingError, VerificationError)) as raised:
        step()
    assert (raised.value.check, raised.value.culprit) == (check, Party("trustee", trustee))


def good_share(run: CeremonyRun, dealer: int, receiver: int) -> Scalars:
    """Return f_dealer(receiver), as the receiver opens it."""
    channel, sealed = dealt_share(run.session, dealer, receiver, run.dealings, run.shares[dealer])
    return channel.open(sealed, channel.ephemeral * run.secrets[receiver]._encryption_secret)


def bad_rounds() -> dict[str, dict[int, CeremonyShares]]:
    """Return round 2 with trustee 1's share for trustee 3 spoilt in every way."""
    body = RUN.shares[1]
    flipped = bytearray(body.sealed[96:144])
    flipped[7] ^= 1
    receivers_swapped = msgspec.structs.replace(
        body, sealed=body.sealed[:48] + body.sealed[96:144] + body.sealed[48:96]
    )
    pairs_swapped = msgspec.structs.replace(
        receivers_swapped, ephemerals=body.ephemerals[:32] + body.ephemerals[64:96] + body.ephemerals[32:64]
    )
    return {
        "off by one": resealed(RUN, 1, 3, (good_share(RUN, 1, 3) + Scalars.from_ints([1])).encode()),
        "zero": resealed(RUN, 1, 3, bytes(32)),
        "another's": resealed(RUN, 1, 3, good_share(RUN, 1, 2).encode()),
        "not canonical": resealed(RUN, 1, 3, (ORDER + 5).to_bytes(32, "little")),
        "a flipped bit": with_sealed(RUN, 1, 3, bytes(flipped)),
        "misdelivered": {**RUN.shares, 1: receivers_swapped},
        "misdelivered with its ephemeral": {**RUN.shares, 1: pairs_swapped},
        "from an earlier session": {**RUN.shares, 1: msgspec.structs.replace(RESTARTED.shares[1], session=1)},
        "of another dealer": {**RUN.shares, 1: RUN.shares[2]},
    }


@pytest.mark.attack("DK-05")
@pytest.mark.parametrize("defect", list(bad_rounds()))
def test_a_bad_share_convicts_its_dealer(defect: str) -> None:
    """The receiver complains, everybody upholds it, and the receiver takes no share of the session."""
    shares = bad_rounds()[defect]
    verify_shares(RUN.session, 1, shares[1])
    complaint = RUN.secrets[3].check(RUN.dealings, shares)

    assert complaint is not None
    assert complaint.dealer == 1
    judge_complaint(RUN.session, 3, complaint, RUN.dealings, shares)
    with pytest.raises(InvalidShareError) as raised:
        RUN.secrets[3].secret_share(RUN.dealings, shares)
    assert (raised.value.check, raised.value.culprit) == ("CER-05", Party("trustee", 1))


@pytest.mark.parametrize("defect", list(bad_rounds()))
def test_a_complaint_is_repeated_byte_for_byte(defect: str) -> None:
    """A trustee that restarts in round 3 complains in the same words."""
    shares = bad_rounds()[defect]
    again = TrusteeSecrets(RUN.session, 3, seed("trustee", 3))

    assert again.check(RUN.dealings, shares) == RUN.secrets[3].check(RUN.dealings, shares)


def test_the_first_bad_dealer_is_the_one_complained_of() -> None:
    """Two bad dealers, one complaint: about the lower index, so that a repetition is the same."""
    spoilt = with_sealed(RUN, 1, 3, bytes(48)) | {2: with_sealed(RUN, 2, 3, bytes(48))[2]}
    complaint = RUN.secrets[3].check(RUN.dealings, spoilt)

    assert complaint is not None
    assert complaint.dealer == 1


@pytest.mark.attack("DK-05")
@pytest.mark.parametrize("dealer", [1, 2, 3])
def test_a_complaint_about_a_good_share_convicts_the_accuser(dealer: int) -> None:
    """With a right proof and a good share the accuser is to blame, for its own share too."""
    complaint = complaint_about(RUN, 3, dealer)

    assert_blames(lambda: judge_complaint(RUN.session, 3, complaint, RUN.dealings, RUN.shares), "CER-06", 3)


@pytest.mark.attack("DK-05")
def test_a_false_opening_convicts_the_accuser() -> None:
    """A wrong point would make any share look bad; the equality proof does not allow one."""
    channel, sealed = dealt_share(RUN.session, 1, 3, RUN.dealings, RUN.shares[1])
    wrong = Scalars.random()
    point = channel.ephemeral * wrong
    with pytest.raises(InvalidShareError):
        channel.open(sealed, point)
    proof = prove_equality("complaint", channel.complaint_context(point), wrong, channel.ephemeral, Scalars.random())
    complaint = CeremonyComplain(1, point.encode(), proof, 1)

    with pytest.raises(InvalidProofError) as raised:
        judge_complaint(RUN.session, 3, complaint, RUN.dealings, RUN.shares)
    assert (raised.value.check, raised.value.culprit) == ("CER-06", Party("trustee", 3))


@pytest.mark.parametrize("point", [bytes(32), b"\xff" * 32], ids=["identity", "not canonical"])
def test_an_opened_point_must_decode(point: bytes) -> None:
    """The identity is no Diffie–Hellman point of two keys that are not."""
    complaint = msgspec.structs.replace(complaint_about(RUN, 3, 1), point=point)

    assert_blames(lambda: judge_complaint(RUN.session, 3, complaint, RUN.dealings, RUN.shares), "CER-06", 3)


@pytest.mark.parametrize("dealer", [4, 31, 1_000_000])
def test_a_complaint_about_a_stranger_convicts_the_accuser(dealer: int) -> None:
    """Trustee 4 does not exist, so nobody but the accuser can be at fault."""
    complaint = msgspec.structs.replace(complaint_about(RUN, 3, 1), dealer=dealer)

    assert_blames(lambda: judge_complaint(RUN.session, 3, complaint, RUN.dealings, RUN.shares), "CER-06", 3)


def test_a_trustee_left_out_by_a_restart_cannot_be_accused() -> None:
    """Trustee 2 exists in the manifest and is no participant of session 2."""
    run = run_ceremony(session_of(3, 2, number=2, participants=(1, 3)))
    complaint = msgspec.structs.replace(complaint_about(run, 3, 1), dealer=2)

    assert_blames(lambda: judge_complaint(run.session, 3, complaint, run.dealings, run.shares), "CER-06", 3)


def test_a_complaint_cannot_be_used_by_another_or_against_another() -> None:
    """A right complaint of trustee 3 about dealer 1, posted by trustee 2, or turned on dealer 2."""
    shares = with_sealed(RUN, 1, 3, bytes(48))
    complaint = RUN.secrets[3].check(RUN.dealings, shares)
    assert complaint is not None

    assert_blames(lambda: judge_complaint(RUN.session, 2, complaint, RUN.dealings, shares), "CER-06", 2)
    turned = msgspec.structs.replace(complaint, dealer=2)
    assert_blames(lambda: judge_complaint(RUN.session, 3, turned, RUN.dealings, shares), "CER-06", 3)


@pytest.mark.parametrize("missing", ["dealings", "shares"])
def test_a_complaint_is_not_judged_before_everybody_has_dealt(missing: str) -> None:
    """With a message of round 1 or 2 missing there is no round 3, whomever the complaint is about."""
    dealings = {i: RUN.dealings[i] for i in (1, 3)} if missing == "dealings" else RUN.dealings
    shares = {i: RUN.shares[i] for i in (1, 3)} if missing == "shares" else RUN.shares

    with pytest.raises(ProtocolError):
        judge_complaint(RUN.session, 3, complaint_about(RUN, 3, 1), dealings, shares)


@given(st.integers(0, 95), st.integers(1, 255), st.sampled_from([1, 2, 3]))
@settings(max_examples=100, deadline=None)
def test_no_complaint_convicts_an_honest_dealer(position: int, difference: int, dealer: int) -> None:
    """However a complaint is bent, while the share is good the accuser pays for it."""
    complaint = complaint_about(RUN, 3, dealer)
    data = bytearray(complaint.point + complaint.proof)
    data[position] ^= difference
    bent = msgspec.structs.replace(complaint, point=bytes(data[:32]), proof=bytes(data[32:]))

    assert_blames(lambda: judge_complaint(RUN.session, 3, bent, RUN.dealings, RUN.shares), "CER-06", 3)


@pytest.mark.attack("DK-07")
def test_an_opened_share_opens_no_other() -> None:
    """The point of one complaint is no key to the other shares of the same dealer or the same receiver."""
    point = Elements.decode(complaint_about(RUN, 3, 1).point)

    for dealer, receiver in ((1, 1), (1, 2), (2, 3), (3, 3)):
        channel, sealed = dealt_share(RUN.session, dealer, receiver, RUN.dealings, RUN.shares[dealer])
        with pytest.raises(InvalidShareError):
            channel.open(sealed, point)


@pytest.mark.attack("DK-07")
def test_no_share_is_posted_in_clear() -> None:
    """Nothing that is posted holds a share, a coefficient or a secret key."""
    posted = b"".join(
        reveal.commitments + reveal.encryption_key + reveal.nonce + reveal.proof_secret + reveal.proof_encryption
        for reveal in RUN.reveals.values()
    ) + b"".join(body.ephemerals + body.sealed for body in RUN.shares.values())
    secrets = [good_share(RUN, dealer, receiver).encode() for dealer in (1, 2, 3) for receiver in (1, 2, 3)]
    for trustee in RUN.secrets.values():
        secrets += [trustee._encryption_secret.encode(), trustee._seed, *_coefficients(trustee)]

    assert [secret for secret in secrets if secret in posted] == []


def _coefficients(trustee: TrusteeSecrets) -> list[bytes]:
    """Return a trustee's coefficients, 32 bytes each."""
    data = trustee._coefficients.encode()
    return [data[:32], data[32:]]


@pytest.mark.attack("DK-07")
@pytest.mark.parametrize("field", ["session", "dealer", "receiver", "commitments", "encryption_key", "ephemeral"])
def test_the_key_of_a_share_binds_all_that_it_is_for(field: str) -> None:
    """A sealed share opens in no other place, even for somebody who has the point."""
    channel, sealed = dealt_share(RUN.session, 1, 3, RUN.dealings, RUN.shares[1])
    point = channel.ephemeral * RUN.secrets[3]._encryption_secret
    other = dealt_share(RESTARTED.session, 2, 2, RESTARTED.dealings, RESTARTED.shares[2])[0]
    moved: ShareChannel = replace(channel, **{field: getattr(other, field)})

    channel.open(sealed, point)
    with pytest.raises(InvalidShareError, match="does not open"):
        moved.open(sealed, point)


@pytest.mark.attack("FS-17")
def test_proof_nonces_never_repeat_under_another_challenge() -> None:
    """Two complaints of one state about two views of a dealer give away no secret key: z1 − z2 ≠ (c1 − c2)·x."""
    x = RUN.secrets[3]._encryption_secret.to_ints()[0]
    proofs = []
    for shares in (RUN.shares, RESTARTED.shares):
        channel, _ = dealt_share(RUN.session, 1, 3, RUN.dealings, shares[1])
        point = channel.ephemeral * RUN.secrets[3]._encryption_secret
        proof = RUN.secrets[3]._complaint(channel, point).proof
        proofs.append([int.from_bytes(part, "little") for part in (proof[:32], proof[32:])])
    (c1, z1), (c2, z2) = proofs

    assert c1 != c2
    assert (z1 - z2 - (c1 - c2) * x) % ORDER != 0
