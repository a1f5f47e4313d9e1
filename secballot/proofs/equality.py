"""Two elements have one discrete logarithm: X = x·G and D = x·H, after Chaum and Pedersen.

It shows that a trustee's decryption factor belongs to its public share, and that an opened Diffie–Hellman point
belongs to the accuser's key. A proof is (c, z), 64 bytes; the verifier rebuilds A = z·G − c·X and B = z·H − c·D.

Source: SPEC.md#equality; Chaum and Pedersen, CRYPTO '92, §3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.errors import InvalidProofError
from secballot.group import multiply_base, vartime_multiply, vartime_multiply_base
from secballot.proofs.knowledge import decode_proof, require_single, respond
from secballot.transcript import challenge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.group import Elements, Scalars
    from secballot.transcript import Field


def prove_equality(label: str, context: Sequence[Field], secret: Scalars, base: Elements, nonce: Scalars) -> bytes:
    """Return a proof that x·G and x·H have the one logarithm x, 64 bytes.

    Args:
        label: the label of the challenge.
        context: all fields of the label before A, with X, H and D among them or fixed by them.
        secret: x, one scalar.
        base: H, one element; may be the identity.
        nonce: one scalar, secret and fresh: two proofs with one nonce give x to everyone.

    Raises:
        ValueError: an argument is no single value, or the context does not fit the label.

    Source: SPEC.md#equality.
    """
    require_single(secret, base, nonce)
    # A = k·G,  B = k·H,  c = H(label, context…, A, B),  z = k + c·x
    A = multiply_base(nonce)
    B = base * nonce
    return respond(challenge(label, *context, A.encode(), B.encode()), secret, nonce)


def verify_equality(  # noqa: PLR0917  # in the order of SPEC.md#equality
    label: str, context: Sequence[Field], base: Elements, public: Elements, image: Elements, proof: bytes
) -> None:
    """Check that X = x·G and D = x·H for one x, known to whoever made the proof for this context.

    Whether H, X and D may be the identity is settled where they are decoded; A and B may be.

    Args:
        label: the label of the challenge.
        context: all fields of the label before A, with X, H and D among them or fixed by them.
        base: H, one element.
        public: X, one element.
        image: D, one element.
        proof: c ‖ z, 64 bytes.

    Raises:
        EncodingError: the proof is not two canonical scalars.
        InvalidProofError: the challenge is not that of the rebuilt commitments.
        ValueError: an element is no single one, or the context does not fit the label.

    Source: SPEC.md#equality.
    """
    require_single(base, public, image)
    c, z = decode_proof(proof)
    # A = z·G − c·X,  B = z·H − c·D
    A = vartime_multiply_base([z]) - vartime_multiply(public, [c])
    B = vartime_multiply(base, [z]) - vartime_multiply(image, [c])
    if c != challenge(label, *context, A.encode(), B.encode()):
        raise InvalidProofError(f"the proof of equality for {label} does not verify")
