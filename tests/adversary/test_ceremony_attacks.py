"""Trustees that cheat in the key ceremony: rogue keys, copies, wrong lengths, forged views.

Source: SPEC.md#ceremony.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import (
    EncodingError,
    Party,
    ProtocolError,
    RefusalError,
    VerificationError,
)
from secballot.group import ORDER, Elements, Scalars, multiply_base
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
from secballot.protocol.ceremony_session import dealt_share
from secballot.records.ceremony import CeremonyCommit, CeremonyComplain, CeremonyReveal
from secballot.sharing import check_share, lagrange_at_zero
from tests.ceremony_run import run_ceremony, seed, session_of

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


@pytest.mark.attack("DK-01")
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


@pytest.mark.attack("DK-01")
@pytest.mark.parametrize("offer", list(rogue_proofs()))
def test_a_rogue_key_has_no_proof(offer: str) -> None:
    """Whatever proof stands in, CER-03 names the rogue."""
    z = Scalars.random()
    reveal = forged_reveal(RUN.session, 2, rogue_commitments(z), Scalars.random(), rogue_proofs()[offer])

    assert_blames(lambda: verify_reveal(RUN.session, 2, commit_to(RUN.session, 2, reveal), reveal), "CER-03", 2)


@pytest.mark.attack("DK-02")
def test_copying_another_trustees_rounds_fails_at_the_hash() -> None:
    """Rounds 0 and 1 of trustee 1, posted word for word by trustee 2."""
    assert_blames(lambda: verify_reveal(RUN.session, 2, RUN.commits[1], RUN.reveals[1]), "CER-01", 2)


@pytest.mark.attack("DK-02")
def test_copying_another_trustees_reveal_fails_at_the_proof() -> None:
    """A trustee that learnt the reveal early and committed to it under its own index cannot prove it."""
    commit = commit_to(RUN.session, 2, RUN.reveals[1])

    assert_blames(lambda: verify_reveal(RUN.session, 2, commit, RUN.reveals[1]), "CER-03", 2)


@pytest.mark.attack("DK-02", "FS-07")
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


@pytest.mark.attack("FS-06")
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


@pytest.mark.attack("DK-03")
def test_a_reveal_chosen_after_the_others_were_seen_fails_at_the_hash() -> None:
    """A rushing trustee with a second, honest polynomial cannot put it in place of the one it committed to."""
    late = TrusteeSecrets(RUN.session, 3, seed("second thoughts"))

    verify_reveal(RUN.session, 3, late.commit(), late.reveal())
    assert_blames(lambda: verify_reveal(RUN.session, 3, RUN.commits[3], late.reveal()), "CER-01", 3)


# Commitments of another length ---------------------------------------------------------------------------------------


@pytest.mark.attack("DK-04")
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


@pytest.mark.attack("DK-04", "EN-02")
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


@pytest.mark.attack("EN-02")
@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32], ids=["identity", "not canonical"])
def test_an_encryption_key_must_decode(key: bytes) -> None:
    """Shares for the identity would be readable by everybody."""
    reveal = msgspec.structs.replace(RUN.reveals[2], encryption_key=key)

    assert_blames(lambda: verify_reveal(RUN.session, 2, commit_to(RUN.session, 2, reveal), reveal), "CER-02", 2)


# Indices, views and foreign states -----------------------------------------------------------------------------------


@pytest.mark.attack("DK-06")
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
        judge_complaint(RUN.session, index, CeremonyComplain(9, bytes(32), bytes(64), 1), RUN.dealings, RUN.shares)


@pytest.mark.attack("DK-08")
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


@pytest.mark.attack("DK-08", "DK-10")
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


@pytest.mark.attack("DK-09")
def test_a_trustee_does_not_live_in_a_foreign_ceremony() -> None:
    """State of one sitting, log of another: the trustee refuses to deal, to confirm and to take a share."""
    foreign = run_ceremony(session_of(sitting_id=seed("another sitting")))

    with pytest.raises(RefusalError):
        RUN.secrets[1].shares(foreign.dealings)
    with pytest.raises(RefusalError):
        RUN.secrets[1].check(foreign.dealings, foreign.shares)
    with pytest.raises(RefusalError):
        RUN.secrets[1].secret_share(foreign.dealings, foreign.shares)
