"""Proofs of knowledge: honest ones verify, and nothing about them can be changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.errors import EncodingError, InvalidProofError
from secballot.group import BASE, ORDER, Elements, Scalars, multiply_base, vartime_multiply_base
from secballot.proofs.knowledge import prove_knowledge, verify_knowledge
from secballot.transcript import challenge
from tests.strategies import nonzero_scalars, scalars
from tests.unit.proofs.statements import Knowledge, changed, plus_one

SAMPLE = Knowledge.honest(11, 22)


@given(nonzero_scalars, scalars)
@settings(deadline=None)
def test_an_honest_proof_verifies(secret: int, nonce: int) -> None:
    """Completeness, for every secret but zero and every nonce; both scalars are reduced."""
    honest = Knowledge.honest(secret, nonce)

    honest.verify()
    assert len(honest.proof) == 64
    assert all(scalar < ORDER for scalar in Scalars.decode(honest.proof).to_ints())


def test_a_proof_is_the_equations_of_the_specification() -> None:
    """The challenge hashes R = k·G after the context, and z = k + c·x."""
    c = challenge("ceremony-secret", *SAMPLE.context, vartime_multiply_base([22]).encode())

    assert Scalars.decode(SAMPLE.proof).to_ints() == [c, (22 + c * 11) % ORDER]


@pytest.mark.parametrize("field", range(8))
def test_every_field_of_the_context_is_bound(field: int) -> None:
    """A proof moved to another sitting, session, group, dealer, key or commitment vector is refused."""
    context = list(SAMPLE.context)
    context[field] = changed(context[field])

    with pytest.raises(InvalidProofError):
        replace(SAMPLE, context=tuple(context)).verify()


def test_the_label_is_bound() -> None:
    """A proof for one purpose is none for another whose fields have the same sizes (FS-06)."""
    with pytest.raises(InvalidProofError):
        SAMPLE.verify("ceremony-encryption")


@given(nonzero_scalars.filter(lambda other: other != 11))
@settings(deadline=None)
def test_another_statement_is_refused(other: int) -> None:
    """The proof is about X and no other element, whatever the context says."""
    with pytest.raises(InvalidProofError):
        replace(SAMPLE, statement=vartime_multiply_base([other])).verify()


@given(st.integers(0, 511))
@settings(deadline=None)
def test_a_proof_with_any_bit_changed_is_refused(bit: int) -> None:
    """No bit is free, in c or in z."""
    changed = bytearray(SAMPLE.proof)
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises((InvalidProofError, EncodingError)):
        replace(SAMPLE, proof=bytes(changed)).verify()


@pytest.mark.parametrize("half", [0, 32])
def test_each_scalar_is_bound_and_has_one_form(half: int) -> None:
    """The next scalar is refused as false, the same scalar plus ℓ as malformed (FS-12)."""
    scalar = SAMPLE.proof[half : half + 32]
    unreduced = (int.from_bytes(scalar, "little") + ORDER).to_bytes(32, "little")

    with pytest.raises(InvalidProofError):
        replace(SAMPLE, proof=SAMPLE.proof[:half] + plus_one(scalar) + SAMPLE.proof[half + 32 :]).verify()
    with pytest.raises(EncodingError):
        replace(SAMPLE, proof=SAMPLE.proof[:half] + unreduced + SAMPLE.proof[half + 32 :]).verify()


@given(st.binary(max_size=130))
def test_any_bytes_are_refused_with_our_own_error(data: bytes) -> None:
    """Sizes other than 64 bytes, the empty proof among them, are malformed."""
    with pytest.raises((InvalidProofError, EncodingError)):
        replace(SAMPLE, proof=data).verify()
    if len(data) != 64:
        with pytest.raises(EncodingError):
            replace(SAMPLE, proof=data).verify()


@pytest.mark.attack("EN-02")
def test_the_identity_is_no_statement() -> None:
    """Its logarithm is known to everyone, so an honest computation with x = 0 proves nothing."""
    identity, nonce = Elements.identity(), Scalars.from_ints([5])
    c = challenge("ceremony-secret", *SAMPLE.context, multiply_base(nonce).encode())
    forged = Scalars.concat([Scalars.from_ints([c]), nonce]).encode()

    with pytest.raises(InvalidProofError, match="identity"):
        verify_knowledge("ceremony-secret", SAMPLE.context, identity, forged)
    with pytest.raises(ValueError, match="statement"):
        prove_knowledge("ceremony-secret", SAMPLE.context, Scalars.from_ints([0]), identity, nonce)


def test_the_prover_refuses_what_it_cannot_prove() -> None:
    """A secret of another statement, and vectors where single values belong."""
    secret, nonce = Scalars.from_ints([11]), Scalars.from_ints([5])

    with pytest.raises(ValueError, match="statement"):
        prove_knowledge("ceremony-secret", SAMPLE.context, secret, BASE, nonce)
    with pytest.raises(ValueError, match="single"):
        prove_knowledge("ceremony-secret", SAMPLE.context, secret, SAMPLE.statement, Scalars.random(2))
    with pytest.raises(ValueError, match="single"):
        prove_knowledge("ceremony-secret", SAMPLE.context, Scalars.from_ints([11, 11]), SAMPLE.statement, nonce)
    with pytest.raises(ValueError, match="single"):
        prove_knowledge("ceremony-secret", SAMPLE.context, secret, Elements.concat([SAMPLE.statement] * 2), nonce)
    with pytest.raises(ValueError, match="single"):
        verify_knowledge("ceremony-secret", SAMPLE.context, Elements.identity(0), SAMPLE.proof)
