"""Dealers that deviate in what every share check passes: a rogue key, another degree, a share at the secret itself.

Each succeeds against a ceremony that checks shares alone, and fails against the library's.
"""

from __future__ import annotations

import msgspec
import pytest

from secballot.errors import InvalidProofError, Party, ProtocolError, SecballotError
from secballot.group import ORDER, Elements, Scalars, multiply_base
from secballot.proofs.knowledge import prove_knowledge, respond
from secballot.protocol.ceremony import commitment_hash, reveal_context, verify_reveal
from secballot.protocol.ceremony_session import Session
from secballot.records.ceremony import CeremonyCommit, CeremonyReveal
from secballot.sharing import check_share, commit, evaluate, evaluate_commitments, lagrange_at_zero
from secballot.transcript import challenge

SESSION = Session(bytes(32), 1, 2, (1, 2, 3), (b"1" * 32, b"2" * 32, b"3" * 32))


def posted_reveal(index: int, commitments: Elements, constant: Scalars) -> tuple[CeremonyCommit, CeremonyReveal]:
    """Return rounds 0 and 1 of a dealer that proves its constant term with the scalar it has."""
    secret = Scalars.random()
    E = multiply_base(secret)
    context = reveal_context(SESSION, index, commitments.encode(), E.encode())
    nonce = Scalars.random()
    c = challenge("ceremony-secret", *context, multiply_base(nonce).encode())
    reveal = CeremonyReveal(
        commitments=commitments.encode(),
        encryption_key=E.encode(),
        nonce=bytes(32),
        proof_encryption=prove_knowledge("ceremony-encryption", context, secret, E, Scalars.random()),
        proof_secret=respond(c, constant, nonce),
        session=1,
    )
    return CeremonyCommit(commitment=commitment_hash(SESSION, index, reveal), session=1), reveal


@pytest.mark.attack("DK-01")
def test_two_dealers_cannot_choose_the_joint_key() -> None:
    """D: 2 and 3 cancel dealer 1's contribution and every share verifies, but 2 cannot prove its constant term."""
    first, third = Scalars.random(2), Scalars.random(2)
    C1, z, s21 = commit(first), Scalars.random(), Scalars.random()
    C20 = multiply_base(z) - C1[0]
    C2 = Elements.concat([C20, multiply_base(s21) - C20])

    # Without proofs the share to dealer 1 is right, and the joint key is known to 2 and 3 alone.
    check_share(s21, C2, 1)
    assert C1[0] + C20 + multiply_base(third[0]) == multiply_base(z + third[0])
    honest = posted_reveal(1, C1, first[0])
    verify_reveal(SESSION, 1, *honest)
    forged = posted_reveal(2, C2, z)
    copied = msgspec.structs.replace(forged[1], proof_secret=honest[1].proof_secret)
    for reveal in (forged[1], copied):
        hashed = CeremonyCommit(commitment=commitment_hash(SESSION, 2, reveal), session=1)
        with pytest.raises(InvalidProofError) as caught:
            verify_reveal(SESSION, 2, hashed, reveal)
        assert (caught.value.check, caught.value.culprit) == ("CER-03", Party("trustee", 2))


@pytest.mark.attack("DK-04")
@pytest.mark.parametrize("coefficients", [1, 3, 4])
def test_a_dealer_cannot_change_the_threshold(coefficients: int) -> None:
    """E1: with more commitments every share verifies and t of them open something else; the count is checked."""
    polynomial = Scalars.random(coefficients)
    commitments = commit(polynomial)
    for index in SESSION.participants:
        check_share(evaluate(polynomial, index), commitments, index)
    two = sum(
        share * evaluate(polynomial, index).to_ints()[0]
        for index, share in zip((1, 2), lagrange_at_zero([1, 2]), strict=True)
    )

    assert (two % ORDER == polynomial[0].to_ints()[0]) == (coefficients <= SESSION.threshold)
    with pytest.raises(SecballotError) as caught:
        verify_reveal(SESSION, 2, *posted_reveal(2, commitments, polynomial[0]))
    assert (caught.value.check, caught.value.culprit) == ("CER-02", Party("trustee", 2))


@pytest.mark.attack("DK-06")
@pytest.mark.parametrize("index", [0, ORDER])
def test_the_secret_is_no_share(index: int) -> None:
    """E2: the polynomial at 0 and at ℓ is the secret; asked for it, a dealer refuses."""
    coefficients = Scalars.random(2).to_ints()
    polynomial = Scalars.from_ints(coefficients)

    assert sum(f * index**k for k, f in enumerate(coefficients)) % ORDER == coefficients[0]
    with pytest.raises(ProtocolError):
        evaluate(polynomial, index)
    with pytest.raises(ProtocolError):
        evaluate_commitments(commit(polynomial), index)
