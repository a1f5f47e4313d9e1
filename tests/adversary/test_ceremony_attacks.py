"""Trustees that cheat in the key ceremony: rogue keys, copies, wrong lengths, bad shares, false accusations.

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
    RefusalError,
    VerificationError,
)
from secballot.group import ORDER, Elements, Scalars, multiply_base
from secballot.proofs.equality import prove_equality
from secballot.proofs.knowledge import prove_knowledge
from secballot.protocol.ceremony import (
    Dealing,
    Session,
    commitment_hash,
    joint_key,
    judge_complaint,
    public_shares,
    reveal_context,
    transcript_hash,
    verify_reveal,
    verify_shares,
)
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.protocol.ceremony_session import ShareChannel, dealt_share
from secballot.records.ceremony import CeremonyCommit, CeremonyComplain, CeremonyReveal, CeremonyShares
from secballot.sealing import seal_share
from secballot.sharing import check_share, lagrange_at_zero
from tests.ceremony_run import CeremonyRun, run_ceremony, seed, session_of

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = run_ceremony(session_of(3, 2))
RESTARTED = run_ceremony(session_of(3, 2, number=2))


def commit_to(session: Session, index: int, reveal: CeremonyReveal) -> CeremonyCommit:
    """Return a round 0 that the reveal fits, as a liar posts it who planned the reveal from the start."""
    return CeremonyCommit(commitment_hash(session, index, reveal), session.number)


def forged_reveal(
    session: Session, index: int, commitments: bytes, E_secret: Scalars, proof_secret: bytes
) -> CeremonyReveal:
    """Return a reveal of any commitments, right in everything but the proof for C_0."""
    E = multiply_base(E_secret)
    context = reveal_context(session, index, commitments, E.encode())
    proof = prove_knowledge("ceremony-encryption", context, E_secret, E, Scalars.random())
    return CeremonyReveal(commitments, E.encode(), seed("nonce"), proof, proof_secret, session.number)


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


# Rogue keys and copies -----------------------------------------------------------------------------------------------


def rogue_commitments(z: Scalars) -> bytes:
    """Return commitments of trustee 2 that cancel everybody's contribution: C_0 = z·G − C_{1,0} − C_{3,0}."""
    C0 = multiply_base(z) - RUN.dealings[1].commitments[0] - RUN.dealings[3].commitments[0]
    return C0.encode() + RUN.reveals[2].commitments[32:]


def test_a_rogue_key_would_own_the_joint_key() -> None:
    """The attack is real: taken without its proof, the forged dealing makes Y = z·G with z known to one trustee."""
    z = Scalars.random()
    forged = Dealing(Elements.decode(rogue_commitments(z)), RUN.dealings[2].encryption_key)

    assert joint_key({**RUN.dealings, 2: forged}) == multiply_base(z)


def rogue_proofs() -> dict[str, bytes]:
    """Return what a rogue trustee, who does not know the logarithm of its C_0, can offer as proof."""
    z = Scalars.random()
    commitments = rogue_commitments(z)
    context = reveal_context(RUN.session, 2, commitments, RUN.reveals[2].encryption_key)
    return {
        "its own contribution": prove_knowledge("ceremony-secret", context, z, multiply_base(z), Scalars.random()),
        "the proof of another": RUN.reveals[1].proof_secret,
        "its earlier proof": RUN.reveals[2].proof_secret,
        "zeros": bytes(64),
    }


@pytest.mark.parametrize("offer", list(rogue_proofs()))
def test_a_rogue_key_has_no_proof(offer: str) -> None:
    """Whatever proof stands in, CER-03 names the rogue."""
    z = Scalars.random()
    reveal = forged_reveal(RUN.session, 2, rogue_commitments(z), Scalars.random(), rogue_proofs()[offer])

    assert_blames(lambda: verify_reveal(RUN.session, 2, commit_to(RUN.session, 2, reveal), reveal), "CER-03", 2)


def test_copying_another_trustees_rounds_fails_at_the_hash() -> None:
    """Rounds 0 and 1 of trustee 1, posted word for word by trustee 2."""
    assert_blames(lambda: verify_reveal(RUN.session, 2, RUN.commits[1], RUN.reveals[1]), "CER-01", 2)


def test_copying_another_trustees_reveal_fails_at_the_proof() -> None:
    """A trustee that learnt the reveal early and committed to it under its own index cannot prove it."""
    commit = commit_to(RUN.session, 2, RUN.reveals[1])

    assert_blames(lambda: verify_reveal(RUN.session, 2, commit, RUN.reveals[1]), "CER-03", 2)


@pytest.mark.parametrize(
    "session",
    [
        session_of(3, 2, number=2),
        session_of(3, 2, sitting_id=seed("another sitting")),
        session_of(4, 2),
        session_of(4, 2, participants=(1, 2, 3, 4)),
        replace(session_of(3, 2), identity_keys=tuple(seed("key", i) for i in range(3))),
    ],
    ids=["session", "sitting", "trustees", "participants", "identity"],
)
def test_proofs_of_one_ceremony_are_worth_nothing_in_another(session: Session) -> None:
    """A reveal replayed with a fitting round 0 fails by its proof: session, sitting, n and identity key are in it."""
    commit = commit_to(session, 1, RUN.reveals[1])

    assert_blames(lambda: verify_reveal(session, 1, commit, RUN.reveals[1]), "CER-03", 1)


def test_the_two_proofs_do_not_stand_in_for_each_other() -> None:
    """One key for C_0 and E, with the proofs swapped: the labels tell them apart."""
    session = session_of(1, 1)
    secret = Scalars.random()
    X = multiply_base(secret)
    context = reveal_context(session, 1, X.encode(), X.encode())
    proofs = {
        label: prove_knowledge(label, context, secret, X, Scalars.random())
        for label in ("ceremony-secret", "ceremony-encryption")
    }
    right = CeremonyReveal(
        X.encode(), X.encode(), bytes(32), proofs["ceremony-encryption"], proofs["ceremony-secret"], 1
    )
    swapped = msgspec.structs.replace(right, proof_encryption=right.proof_secret, proof_secret=right.proof_encryption)

    verify_reveal(session, 1, commit_to(session, 1, right), right)
    assert_blames(lambda: verify_reveal(session, 1, commit_to(session, 1, swapped), swapped), "CER-03", 1)


def test_a_reveal_chosen_after_the_others_were_seen_fails_at_the_hash() -> None:
    """A rushing trustee with a second, honest polynomial cannot put it in place of the one it committed to."""
    late = TrusteeSecrets(RUN.session, 3, seed("second thoughts"))

    verify_reveal(RUN.session, 3, late.commit(), late.reveal())
    assert_blames(lambda: verify_reveal(RUN.session, 3, RUN.commits[3], late.reveal()), "CER-01", 3)


# Commitments of another length ---------------------------------------------------------------------------------------


def test_a_longer_commitment_vector_would_pass_every_share_check() -> None:
    """The attack is real: with three coefficients where two belong, shares fit and two of them rebuild nothing."""
    f = Scalars.random(3)
    C = multiply_base(f)
    a, b, c = f.to_ints()
    shares = {i: (a + b * i + c * i * i) % ORDER for i in (1, 2)}
    for i, share in shares.items():
        check_share(Scalars.from_ints([share]), C, i)

    weights = lagrange_at_zero([1, 2])
    assert sum(weight * share for weight, share in zip(weights, shares.values(), strict=True)) % ORDER != a


@pytest.mark.parametrize(
    "change",
    [
        lambda C: C + multiply_base(Scalars.random()).encode(),
        lambda C: C + bytes(32),
        lambda C: C[:32],
        lambda C: C[:0],
        lambda C: C[:-1],
        lambda C: C + b"\0",
        lambda C: C[:32] + bytes(32),
        lambda C: bytes(32) + C[32:],
        lambda C: C[:32] + b"\xff" * 32,
    ],
    ids=[
        "one more",
        "trailing identity",
        "one fewer",
        "none",
        "a byte short",
        "a byte long",
        "leading coefficient identity",
        "constant identity",
        "not canonical",
    ],
)
def test_commitments_of_another_length_or_the_identity_are_refused(change: Callable[[bytes], bytes]) -> None:
    """CER-02, before any proof is looked at."""
    reveal = msgspec.structs.replace(RUN.reveals[2], commitments=change(RUN.reveals[2].commitments))

    assert_blames(lambda: verify_reveal(RUN.session, 2, commit_to(RUN.session, 2, reveal), reveal), "CER-02", 2)


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32], ids=["identity", "not canonical"])
def test_an_encryption_key_must_decode(key: bytes) -> None:
    """Shares for the identity would be readable by everybody."""
    reveal = msgspec.structs.replace(RUN.reveals[2], encryption_key=key)

    assert_blames(lambda: verify_reveal(RUN.session, 2, commit_to(RUN.session, 2, reveal), reveal), "CER-02", 2)


# Bad shares and accusations ------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("dealer", [1, 2, 3])
def test_a_complaint_about_a_good_share_convicts_the_accuser(dealer: int) -> None:
    """With a right proof and a good share the accuser is to blame, for its own share too."""
    complaint = complaint_about(RUN, 3, dealer)

    assert_blames(lambda: judge_complaint(RUN.session, 3, complaint, RUN.dealings, RUN.shares), "CER-06", 3)


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


@given(st.integers(0, 95), st.integers(1, 255), st.sampled_from([1, 2, 3]))
@settings(max_examples=100, deadline=None)
def test_no_complaint_convicts_an_honest_dealer(position: int, difference: int, dealer: int) -> None:
    """However a complaint is bent, while the share is good the accuser pays for it."""
    complaint = complaint_about(RUN, 3, dealer)
    data = bytearray(complaint.point + complaint.proof)
    data[position] ^= difference
    bent = msgspec.structs.replace(complaint, point=bytes(data[:32]), proof=bytes(data[32:]))

    assert_blames(lambda: judge_complaint(RUN.session, 3, bent, RUN.dealings, RUN.shares), "CER-06", 3)


def test_an_opened_share_opens_no_other() -> None:
    """The point of one complaint is no key to the other shares of the same dealer or the same receiver."""
    point = Elements.decode(complaint_about(RUN, 3, 1).point)

    for dealer, receiver in ((1, 1), (1, 2), (2, 3), (3, 3)):
        channel, sealed = dealt_share(RUN.session, dealer, receiver, RUN.dealings, RUN.shares[dealer])
        with pytest.raises(InvalidShareError):
            channel.open(sealed, point)


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


# Indices, views and foreign states -----------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, -1, 4, ORDER, ORDER + 1, True, "1", 1.0])
def test_no_share_is_dealt_at_an_index_that_is_no_participants(index: int) -> None:
    """Index 0 is the secret itself, and ℓ is 0 again; True and 1.0 would be second names of trustee 1."""
    with pytest.raises(ProtocolError):
        TrusteeSecrets(RUN.session, index, seed("trustee"))
    with pytest.raises(ProtocolError):
        dealt_share(RUN.session, 1, index, RUN.dealings, RUN.shares[1])
    with pytest.raises(ProtocolError):
        verify_reveal(RUN.session, index, RUN.commits[1], RUN.reveals[1])
    with pytest.raises(ProtocolError):
        verify_shares(RUN.session, index, RUN.shares[1])
    with pytest.raises(ProtocolError):
        judge_complaint(RUN.session, index, complaint_about(RUN, 3, 1), RUN.dealings, RUN.shares)


def test_two_views_of_one_session_have_two_transcripts() -> None:
    """A dealer that shows two trustees two polynomials gets no hash that both confirm."""
    leaves = [seed("leaf", i) for i in range(9)]
    twin = TrusteeSecrets(RUN.session, 2, seed("another view"))
    view = {**RUN.dealings, 2: twin.dealing}

    hashes = {
        transcript_hash(RUN.session, leaves, joint_key(dealings), public_shares(RUN.session, dealings))
        for dealings in (RUN.dealings, view)
    }
    assert len(hashes) == 2


def test_every_part_of_a_transcript_is_confirmed() -> None:
    """Other leaves, another order, another joint key, permuted public shares, another session: another hash."""
    leaves = [seed("leaf", i) for i in range(9)]
    Y, shares = joint_key(RUN.dealings), public_shares(RUN.session, RUN.dealings)
    permuted = {1: shares[2], 2: shares[1], 3: shares[3]}
    four = Session(RUN.session.sitting_id, 1, 2, (1, 2, 4), (*RUN.session.identity_keys, seed("fourth")))

    hashes = [
        transcript_hash(RUN.session, leaves, Y, shares),
        transcript_hash(RUN.session, leaves[::-1], Y, shares),
        transcript_hash(RUN.session, [*leaves[:8], seed("another")], Y, shares),
        transcript_hash(RUN.session, leaves, Y + Y, shares),
        transcript_hash(RUN.session, leaves, Y, permuted),
        transcript_hash(replace(RUN.session, number=2), leaves, Y, shares),
        transcript_hash(replace(RUN.session, sitting_id=bytes(32)), leaves, Y, shares),
        transcript_hash(four, leaves, Y, {1: shares[1], 2: shares[2], 4: shares[3]}),
    ]
    assert len(set(hashes)) == len(hashes)


def test_a_trustee_does_not_live_in_a_foreign_ceremony() -> None:
    """State of one sitting, log of another: the trustee refuses to deal, to confirm and to take a share."""
    foreign = run_ceremony(session_of(sitting_id=seed("another sitting")))

    with pytest.raises(RefusalError):
        RUN.secrets[1].shares(foreign.dealings)
    with pytest.raises(RefusalError):
        RUN.secrets[1].check(foreign.dealings, foreign.shares)
    with pytest.raises(RefusalError):
        RUN.secrets[1].secret_share(foreign.dealings, foreign.shares)


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
