"""The key ceremony among honest trustees, and the bytes of its rounds against SPEC.md computed by other means."""

from __future__ import annotations

import copy
import hashlib
import pickle
from itertools import combinations
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import bindings

from secballot.errors import NOBODY, EncodingError, Party, ProtocolError, RefusalError, VerificationError
from secballot.group import ORDER, Elements, Scalars, multiply_base, vartime_multiply_base
from secballot.protocol.ceremony import (
    Dealing,
    Session,
    joint_key,
    public_shares,
    transcript_hash,
    verify_reveal,
    verify_shares,
)
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.records.ceremony import CEREMONY_COMMIT, CEREMONY_REVEAL, CEREMONY_SHARES
from secballot.sharing import lagrange_at_zero
from tests.ceremony_run import SITTING, CeremonyRun, run_ceremony, seed, session_of
from tests.spec_hash import spec_hash

if TYPE_CHECKING:
    from collections.abc import Sequence


def combine(run: CeremonyRun, indices: Sequence[int]) -> int:
    """Return what these trustees' secret shares interpolate to at 0."""
    shares = [run.secrets[i].secret_share(run.dealings, run.shares).to_ints()[0] for i in indices]
    return sum(a * b for a, b in zip(lagrange_at_zero(indices), shares, strict=True)) % ORDER


@pytest.fixture(scope="module")
def run() -> CeremonyRun:
    """Return an honest session of three trustees, two needed."""
    return run_ceremony(session_of())


@pytest.mark.parametrize(
    "session",
    [
        session_of(1, 1),
        session_of(2, 2),
        session_of(4, 3),
        session_of(5, 2, number=2, participants=(1, 3, 5)),
        session_of(5, 3, number=7, participants=(2, 4, 5)),
    ],
    ids=lambda session: f"{session.threshold} of {session.participants}",
)
def test_any_threshold_of_trustees_holds_the_key_and_fewer_do_not(session: Session) -> None:
    """Every t of the participants interpolate to the secret of Y, and t − 1 to something else."""
    run = run_ceremony(session)
    Y = joint_key(run.dealings)

    for chosen in combinations(session.participants, session.threshold):
        assert vartime_multiply_base([combine(run, chosen)]) == Y
    for chosen in combinations(session.participants, session.threshold - 1):
        assert not chosen or vartime_multiply_base([combine(run, chosen)]) != Y


def test_public_shares_are_the_secret_shares_times_the_generator(run: CeremonyRun) -> None:
    """Everybody computes X_j, and trustee j alone x_j."""
    shares = public_shares(run.session, run.dealings)

    assert list(shares) == [1, 2, 3]
    for index, trustee in run.secrets.items():
        assert multiply_base(trustee.secret_share(run.dealings, run.shares)) == shares[index]


def test_honest_trustees_have_nothing_to_complain_of(run: CeremonyRun) -> None:
    """No share of an honest run is bad, one's own included."""
    assert [trustee.check(run.dealings, run.shares) for trustee in run.secrets.values()] == [None, None, None]


def test_rounds_survive_their_encoding(run: CeremonyRun) -> None:
    """The bodies are within the sizes of their record types."""
    for index in run.session.participants:
        commit, reveal, shares = run.commits[index], run.reveals[index], run.shares[index]
        assert CEREMONY_COMMIT.decode(CEREMONY_COMMIT.encode(commit)) == commit
        assert CEREMONY_REVEAL.decode(CEREMONY_REVEAL.encode(reveal)) == reveal
        assert CEREMONY_SHARES.decode(CEREMONY_SHARES.encode(shares)) == shares


def test_the_same_seed_posts_the_same_bytes(run: CeremonyRun) -> None:
    """A trustee that restarts in any round repeats itself."""
    again = TrusteeSecrets(run.session, 2, seed("trustee", 2))

    assert again.commit() == run.commits[2]
    assert again.reveal() == run.reveals[2]
    assert again.shares(run.dealings) == run.shares[2]


@pytest.mark.parametrize(
    "session",
    [
        session_of(number=2),
        session_of(participants=(2, 3)),
        session_of(sitting_id=hashlib.sha256(b"another").digest()),
        session_of(threshold=3),
    ],
    ids=["session", "participants", "sitting", "threshold"],
)
def test_no_session_shares_secrets_with_another(run: CeremonyRun, session: Session) -> None:
    """One seed gives unrelated rounds in sessions that differ in anything."""
    other = TrusteeSecrets(session, 2, seed("trustee", 2))

    assert other.commit().commitment != run.commits[2].commitment
    assert other.reveal().proof_secret != run.reveals[2].proof_secret


def test_round_0_is_the_hash_that_the_specification_states(run: CeremonyRun) -> None:
    """H("ceremony-commit", sitting_id, s, i, commitments, E, nonce)."""
    reveal = run.reveals[3]
    expected = spec_hash("ceremony-commit", SITTING, 1, 3, reveal.commitments, reveal.encryption_key, reveal.nonce)

    assert run.commits[3].commitment == expected


@pytest.mark.parametrize("label", ["ceremony-secret", "ceremony-encryption"])
def test_proofs_of_round_1_hold_by_the_specified_equation(label: str) -> None:
    """The proof has c = challenge(label, …, R) with R = z·G − c·X, computed as SPEC.md#knowledge says."""
    session = session_of(6, 3, number=7, participants=(1, 2, 4, 5))
    reveal = TrusteeSecrets(session, 5, seed("trustee", 5)).reveal()
    proof, statement = (
        (reveal.proof_secret, reveal.commitments[:32])
        if label == "ceremony-secret"
        else (reveal.proof_encryption, reveal.encryption_key)
    )
    c, z = (int.from_bytes(part, "little") for part in (proof[:32], proof[32:]))
    R = vartime_multiply_base([z]) - Elements.decode(statement) * Scalars.from_ints([c])
    context = (SITTING, 7, 4, 3, 5, session.identity_keys[4], reveal.commitments, reveal.encryption_key)

    assert int.from_bytes(spec_hash(label, *context, R.encode()), "little") % ORDER == c


def test_complaints_hold_by_the_specified_equation(run: CeremonyRun) -> None:
    """The proof has c = challenge("complaint", …, A, B) with A = z·G − c·X and B = z·H − c·D."""
    spoilt = msgspec.structs.replace(run.shares[1], sealed=bytes(144))
    complaint = run.secrets[3].check(run.dealings, {**run.shares, 1: spoilt})
    assert complaint is not None
    c, z = (int.from_bytes(part, "little") for part in (complaint.proof[:32], complaint.proof[32:]))
    E, P = run.reveals[3].encryption_key, run.shares[1].ephemerals[64:]
    A = vartime_multiply_base([z]) - Elements.decode(E) * Scalars.from_ints([c])
    B = Elements.decode(P) * Scalars.from_ints([z]) - Elements.decode(complaint.point) * Scalars.from_ints([c])
    expected = spec_hash("complaint", SITTING, 1, 1, 3, E, P, complaint.point, A.encode(), B.encode())

    assert int.from_bytes(expected, "little") % ORDER == c


def test_a_share_opens_as_the_specification_states(run: CeremonyRun) -> None:
    """Trustee 1's share for trustee 3, opened with PyNaCl and the receiver's key."""
    shares, E = run.shares[1], run.reveals[3].encryption_key
    ephemeral, sealed = shares.ephemerals[64:96], shares.sealed[96:144]
    dh = (Elements.decode(ephemeral) * run.secrets[3]._encryption_secret).encode()
    key = spec_hash("share-key", SITTING, 1, 1, 3, run.reveals[1].commitments, E, ephemeral, dh)[:32]

    plaintext = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, b"", bytes(24), key)

    C = Elements.decode(run.reveals[1].commitments)
    assert vartime_multiply_base([int.from_bytes(plaintext, "little")]) == C[0] + C[1] * Scalars.from_ints([3])


def test_confirmations_sign_the_hash_that_the_specification_states(run: CeremonyRun) -> None:
    """H("ceremony-transcript", sitting_id, s, participants, leaf hashes, Y, public shares)."""
    leaves = [seed("leaf", i) for i in range(9)]
    Y, shares = joint_key(run.dealings), public_shares(run.session, run.dealings)
    expected = spec_hash(
        "ceremony-transcript",
        SITTING,
        1,
        b"".join(i.to_bytes(8, "big") for i in (1, 2, 3)),
        b"".join(leaves),
        Y.encode(),
        b"".join(shares[i].encode() for i in (1, 2, 3)),
    )

    assert transcript_hash(run.session, leaves, Y, shares) == expected
    assert transcript_hash(run.session, leaves, Y, dict(reversed(shares.items()))) == expected


def test_a_transcript_of_too_few_entries_is_not_hashed(run: CeremonyRun) -> None:
    """Three leaf hashes and one public share per participant, or nothing."""
    leaves = [seed("leaf", i) for i in range(9)]
    Y, shares = joint_key(run.dealings), public_shares(run.session, run.dealings)

    with pytest.raises(ProtocolError):
        transcript_hash(run.session, leaves[:8], Y, shares)
    with pytest.raises(ProtocolError):
        transcript_hash(run.session, leaves, Y, {1: shares[1], 2: shares[2]})


def test_a_joint_key_that_is_the_identity_blames_nobody(run: CeremonyRun) -> None:
    """Contributions that cancel end the session without a culprit."""
    C = run.dealings[1].commitments
    E = run.dealings[1].encryption_key

    with pytest.raises(VerificationError) as raised:
        joint_key({1: Dealing(C, E), 2: Dealing(-C, E)})
    assert (raised.value.check, raised.value.culprit) == ("CER-09", NOBODY)


def test_keys_are_not_computed_without_every_participant(run: CeremonyRun) -> None:
    """A public share of fewer dealings would be of another key."""
    with pytest.raises(ProtocolError):
        public_shares(run.session, {1: run.dealings[1], 2: run.dealings[2]})
    with pytest.raises(ProtocolError):
        public_shares(run.session, {**run.dealings, 4: run.dealings[1]})


@pytest.mark.parametrize("missing", ["dealings", "shares"])
def test_a_trustee_takes_no_step_without_every_participant(run: CeremonyRun, missing: str) -> None:
    """A share summed over fewer dealers than the joint key is worthless."""
    dealings = {i: run.dealings[i] for i in (1, 2)} if missing == "dealings" else run.dealings
    shares = {i: run.shares[i] for i in (1, 2)} if missing == "shares" else run.shares

    with pytest.raises(ProtocolError):
        run.secrets[1].check(dealings, shares)
    with pytest.raises(ProtocolError):
        run.secrets[1].secret_share(dealings, shares)
    if missing == "dealings":
        with pytest.raises(ProtocolError):
            run.secrets[1].shares(dealings)


def test_a_trustee_refuses_a_log_that_its_own_state_did_not_write(run: CeremonyRun) -> None:
    """With another seed the log's round 1 is not its own, and it neither deals nor takes a share."""
    foreign = TrusteeSecrets(run.session, 1, seed("another trustee"))

    for step in (
        lambda: foreign.shares(run.dealings),
        lambda: foreign.check(run.dealings, run.shares),
        lambda: foreign.secret_share(run.dealings, run.shares),
    ):
        with pytest.raises(RefusalError):
            step()


@pytest.mark.parametrize(
    ("ephemerals", "sealed"),
    [(0, 0), (64, 144), (96, 96), (128, 144), (96, 192), (95, 144), (96, 145), (96, 0)],
)
def test_shares_of_another_size_are_refused(run: CeremonyRun, ephemerals: int, sealed: int) -> None:
    """CER-04 names the dealer."""
    long = msgspec.structs.replace(
        run.shares[1],
        ephemerals=(run.shares[1].ephemerals * 2)[:ephemerals],
        sealed=(run.shares[1].sealed * 2)[:sealed],
    )
    with pytest.raises(EncodingError) as raised:
        verify_shares(run.session, 1, long)
    assert (raised.value.check, raised.value.culprit) == ("CER-04", Party("trustee", 1))


@pytest.mark.parametrize("ephemeral", [bytes(32), b"\xff" * 32, b"\x01" + bytes(31)])
def test_an_ephemeral_key_that_does_not_decode_is_refused(run: CeremonyRun, ephemeral: bytes) -> None:
    """The identity as ephemeral key would make a share readable by everybody."""
    bad = msgspec.structs.replace(run.shares[2], ephemerals=run.shares[2].ephemerals[:64] + ephemeral)

    with pytest.raises(EncodingError) as raised:
        verify_shares(run.session, 2, bad)
    assert (raised.value.check, raised.value.culprit) == ("CER-04", Party("trustee", 2))


@given(st.integers(0, 255), st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_no_bit_of_round_1_can_change(position: int, bit: int) -> None:
    """Every flipped bit of a reveal is a fault of its trustee."""
    run = _RUN
    reveal = run.reveals[1]
    names = ("commitments", "encryption_key", "nonce", "proof_encryption", "proof_secret")
    for name in names:
        value = getattr(reveal, name)
        if position < len(value):
            flipped = bytearray(value)
            flipped[position] ^= 1 << bit
            reveal = msgspec.structs.replace(reveal, **{name: bytes(flipped)})
            break
        position -= len(value)

    with pytest.raises((EncodingError, VerificationError)) as raised:
        verify_reveal(run.session, 1, run.commits[1], reveal)
    assert raised.value.check in {"CER-01", "CER-02", "CER-03"}
    assert raised.value.culprit == Party("trustee", 1)


def test_checks_of_round_1_run_in_the_specified_order(run: CeremonyRun) -> None:
    """A reveal wrong in every way fails by CER-02, then CER-01, then CER-03."""
    bad_proof = msgspec.structs.replace(run.reveals[1], proof_secret=bytes(64))
    other = msgspec.structs.replace(bad_proof, nonce=bytes(32))
    undecodable = msgspec.structs.replace(other, encryption_key=bytes(32))

    for reveal, check in ((undecodable, "CER-02"), (other, "CER-01"), (bad_proof, "CER-03")):
        with pytest.raises((EncodingError, VerificationError)) as raised:
            verify_reveal(run.session, 1, run.commits[1], reveal)
        assert raised.value.check == check


def test_secrets_show_nothing_of_themselves(run: CeremonyRun) -> None:
    """Neither printed nor pickled nor copied."""
    trustee = run.secrets[1]

    assert repr(trustee) == str(trustee) == "TrusteeSecrets(<redacted>, trustee 1, session 1)"
    for escape in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            escape(trustee)


def test_a_seed_of_another_length_is_a_mistake_of_the_caller() -> None:
    """A short seed would be guessable."""
    with pytest.raises(ValueError, match="32 bytes"):
        TrusteeSecrets(session_of(), 1, bytes(31))


@pytest.mark.parametrize(
    ("participants", "threshold"),
    [((0, 1), 1), ((1, 1), 1), ((2, 1), 1), ((1, 4), 1), ((1, 2), 0), ((1, 2), 3), ((True, 2), 1)],
)
def test_a_session_that_no_manifest_gives_is_a_mistake_of_the_caller(
    participants: tuple[int, ...], threshold: int
) -> None:
    """Index 0, a repetition, a stranger, or a threshold out of range."""
    with pytest.raises(ValueError, match=r"participants|threshold"):
        Session(SITTING, 1, threshold, participants, session_of().identity_keys)


_RUN = run_ceremony(session_of())
