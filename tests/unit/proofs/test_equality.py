"""Proofs of equality: honest ones verify, identities included, and nothing about them can be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.errors import EncodingError, InvalidProofError
from secballot.group import BASE, ORDER, Elements, Scalars, vartime_multiply_base
from secballot.proofs.equality import prove_equality, verify_equality
from secballot.transcript import challenge
from tests.strategies import nonzero_scalars, scalars
from tests.unit.proofs.statements import Equality, changed, plus_one

SAMPLE = Equality.honest(11, vartime_multiply_base([7]), 22)
LEGITIMATE = [
    Equality.honest(11, Elements.identity(), 22),
    Equality.honest(0, BASE, 22),
    Equality.honest(11, BASE, 0),
]
"""D is the identity because α is, because the share is zero, and A and B are because the nonce is zero."""


@given(scalars, scalars, scalars)
@settings(deadline=None)
def test_an_honest_proof_verifies(secret: int, base: int, nonce: int) -> None:
    """Completeness, for every secret, base and nonce."""
    Equality.honest(secret, vartime_multiply_base([base]), nonce).verify()


@pytest.mark.parametrize("honest", LEGITIMATE)
def test_identities_are_legitimate(honest: Equality) -> None:
    """A tally whose α cancels can be opened (EN-03), and its proof still binds the factor."""
    honest.verify()
    with pytest.raises(InvalidProofError):
        replace(honest, image=honest.image + BASE).verify()


def test_a_proof_is_the_equations_of_the_specification() -> None:
    """The challenge hashes A = k·G and B = k·H after the context, and z = k + c·x."""
    A, B = vartime_multiply_base([22]), vartime_multiply_base([22 * 7])
    c = challenge("decryption", *SAMPLE.context, A.encode(), B.encode())

    assert Scalars.decode(SAMPLE.proof).to_ints() == [c, (22 + c * 11) % ORDER]


@pytest.mark.parametrize("field", range(8))
def test_every_field_of_the_context_is_bound(field: int) -> None:
    """A proof moved to another poll, tally, trustee, share, contest, option, α or factor is refused."""
    context = list(SAMPLE.context)
    context[field] = changed(context[field])

    with pytest.raises(InvalidProofError):
        replace(SAMPLE, context=tuple(context)).verify()


@given(st.sampled_from(["base", "public", "image"]), nonzero_scalars)
@settings(deadline=None)
def test_each_element_is_bound(name: str, shift: int) -> None:
    """Another base, public share or factor is refused although the context still names the old one."""
    with pytest.raises(InvalidProofError):
        replace(SAMPLE, **{name: getattr(SAMPLE, name) + vartime_multiply_base([shift])}).verify()


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


def test_vectors_are_refused_where_single_values_belong() -> None:
    """Nothing is repeated silently by the engine, and nothing empty verifies."""
    secret, nonce = Scalars.from_ints([11]), Scalars.from_ints([22])

    with pytest.raises(ValueError, match="single"):
        prove_equality("decryption", SAMPLE.context, secret, Elements.identity(2), nonce)
    with pytest.raises(ValueError, match="single"):
        verify_equality("decryption", SAMPLE.context, Elements.identity(0), SAMPLE.public, SAMPLE.image, SAMPLE.proof)


@pytest.mark.parametrize("name", ["base", "public", "image"])
@pytest.mark.parametrize("count", [0, 2])
def test_each_element_is_a_single_one(name: str, count: int) -> None:
    """Of the statement, whichever it is."""
    other: dict[str, Any] = {name: Elements.concat([getattr(SAMPLE, name)] * count)}

    with pytest.raises(ValueError, match="single"):
        replace(SAMPLE, **other).verify()


@pytest.mark.parametrize("count", [0, 2])
def test_the_prover_takes_single_values(count: int) -> None:
    """Secret, base and nonce."""
    secret, nonce = Scalars.from_ints([11]), Scalars.from_ints([5])
    scalars, elements = Scalars.from_ints([11] * count), Elements.concat([SAMPLE.base] * count)

    for arguments in ((scalars, SAMPLE.base, nonce), (secret, elements, nonce), (secret, SAMPLE.base, scalars)):
        with pytest.raises(ValueError, match="single"):
            prove_equality("decryption", SAMPLE.context, *arguments)
