"""Statements that can be verified by themselves, ahead of the entry that needs them.

Each is named by all the values it depends on, so that what is known of it holds wherever it turns up again.

Source: SPEC.md#admission.
"""

from __future__ import annotations

Statement = tuple[str, int | bytes, bytes, bytes]
"""What is stated, of which key, about which bytes."""


def signed(key: bytes, message: bytes, signature: bytes) -> Statement:
    """Return the statement that the Ed25519 signature is this key's on this message (ENT-05)."""
    return ("signed", key, message, signature)


def blinded(modulus: int, value: bytes) -> Statement:
    """Return the statement that the value is one that blinding under this modulus can give (REG-06)."""
    return ("blinded", modulus, value, b"")


def answered(modulus: int, value: bytes, signature: bytes) -> Statement:
    """Return the statement that the blind signature answers the blinded value (REG-07)."""
    return ("answered", modulus, value, signature)
