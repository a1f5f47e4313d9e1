"""Statements that can be verified by themselves, ahead of the entry that needs them.

Each is named by all the values it depends on, so that what is known of it holds wherever it turns up again.

Source: SPEC.md#admission.
"""

from __future__ import annotations

from typing import NamedTuple


class Signed(NamedTuple):
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


class Acceptable(NamedTuple):
    """The Ed25519 key is acceptable (REG-01)."""

    key: bytes


class Blinded(NamedTuple):
    """The item of a request holds one value for each modulus, and each is one that blinding can give (REG-06)."""

    moduli: tuple[int, ...]
    item: bytes


class Answered(NamedTuple):
    """The blind signature answers the blinded value of this `answer_digest` under this modulus (REG-07)."""

    modulus: int
    expected: bytes
    signature: bytes


Statement = Acceptable | Signed | Blinded | Answered
