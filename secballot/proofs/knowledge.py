"""The prover knows x with X = x·G: Schnorr's proof, made non-interactive by Fiat and Shamir.

A proof is two scalars (c, z), 64 bytes, c ‖ z. The verifier rebuilds R = z·G − c·X and hashes it, so there is one
proof per (label, context, X, R) and nothing of it can be changed.

Source: SPEC.md#knowledge; Schnorr, J. Cryptology 1991.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.errors import EncodingError, InvalidProofError
from secballot.group import ENCODED_BYTES, Scalars, multiply_base, vartime_multiply, vartime_multiply_base
from secballot.transcript import challenge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.group import Elements
    from secballot.transcript import Field

PROOF_BYTES: Final = 2 * ENCODED_BYTES
"""Bytes of a proof of knowledge or of equality, c ‖ z."""


def prove_knowledge(
    label: str, context: Sequence[Field], secret: Scalars, statement: Elements, nonce: Scalars
) -> bytes:
    """Return a proof that the prover knows the secret of the statement, 64 bytes.

    Args:
        label: the label of the challenge.
        context: all fields of the label before R, the statement among them.
        secret: x, one scalar.
        statement: X = x·G; not the identity.
        nonce: one scalar, secret and fresh: two proofs with one nonce give x to everyone.

    Raises:
        ValueError: an argument is no single value, the statement is not x·G or is the identity, or the context does
            not fit the label.

    Source: SPEC.md#knowledge.
    """
    require_single(secret, nonce, statement)
    if multiply_base(secret) != statement or statement.is_identity()[0]:
        raise ValueError("the statement is not the secret times the base")
    # R = k·G,  c = H(label, context…, R),  z = k + c·x
    R = multiply_base(nonce)
    return respond(challenge(label, *context, R.encode()), secret, nonce)


def verify_knowledge(label: str, context: Sequence[Field], statement: Elements, proof: bytes) -> None:
    """Check that whoever made the proof knew x with X = x·G and meant this context.

    Args:
        label: the label of the challenge.
        context: all fields of the label before R, the statement among them.
        statement: X, one element.
        proof: c ‖ z, 64 bytes.

    Raises:
        EncodingError: the proof is not two canonical scalars.
        InvalidProofError: the statement is the identity, or the challenge is not that of the rebuilt commitment.
        ValueError: the statement is no single element, or the context does not fit the label.

    Source: SPEC.md#knowledge.
    """
    require_single(statement)
    c, z = decode_proof(proof)
    if statement.is_identity()[0]:
        raise InvalidProofError("knowledge of the discrete logarithm of the identity proves nothing")
    # R = z·G − c·X
    R = vartime_multiply_base([z]) - vartime_multiply(statement, [c])
    if c != challenge(label, *context, R.encode()):
        raise InvalidProofError(f"the proof of knowledge for {label} does not verify")


def respond(c: int, secret: Scalars, nonce: Scalars) -> bytes:
    """Return c ‖ z with z = nonce + c·secret: the last step of the provers of knowledge and equality.

    Source: SPEC.md#proofs.
    """
    public = Scalars.from_ints([c])
    return Scalars.concat([public, nonce + public * secret]).encode()


def decode_proof(proof: bytes) -> tuple[int, int]:
    """Return the challenge and response of a proof, each 0..ℓ−1.

    Raises:
        EncodingError: the proof is not 64 bytes of two canonical scalars.

    Source: SPEC.md#proofs.
    """
    if len(proof) != PROOF_BYTES:
        raise EncodingError(f"a proof of {len(proof)} bytes instead of {PROOF_BYTES}", field="proof")
    c, z = Scalars.decode(proof).to_ints()
    return c, z


def require_single(*vectors: Scalars | Elements) -> None:
    """Refuse vectors where a proof is about single values.

    Raises:
        ValueError: one is not of length one.
    """
    if any(len(vector) != 1 for vector in vectors):
        raise ValueError("a proof is about single elements and scalars")
