"""Statements that can be verified by themselves, ahead of the entry that needs them.

Each is named by all the values it depends on, so that what is known of it holds wherever it turns up again.

Source: SPEC.md#admission.
"""

from __future__ import annotations

import msgspec


class Signed(msgspec.Struct, frozen=True, gc=False):
    """The entry's signature verifies under its signer's key, which was accepted before (ENT-05).

    Attributes:
        signer: Ed25519 key.
        signature: of the entry.
        kind: kind of the entry.
        sitting_id: 32 bytes.
        body: canonical bytes of the body.
    """

    signer: bytes
    signature: bytes
    kind: str
    sitting_id: bytes
    body: bytes


class Acceptable(msgspec.Struct, frozen=True, gc=False):
    """The Ed25519 keys, 32 bytes each, are acceptable (REG-01)."""

    keys: bytes


class Blinded(msgspec.Struct, frozen=True, gc=False):
    """The item of a request holds one value for each modulus, and each is one that blinding can give (REG-06).

    Attributes:
        moduli: of 384 bytes each.
        item: of the request.
    """

    moduli: bytes
    item: bytes


class Answered(msgspec.Struct, frozen=True, gc=False):
    """All blind signatures answer the blinded values of these `answer_digest`s under one modulus (REG-07).

    Attributes:
        modulus: 384 bytes.
        expected: digests, 32 bytes each.
        signatures: of 384 bytes each, in the same order.
    """

    modulus: bytes
    expected: bytes
    signatures: bytes


Statement = Acceptable | Signed | Blinded | Answered
