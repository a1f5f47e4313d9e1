"""Blind issuance on the board: registrar keys, requests and answers.

Source: SPEC.md#registrar-keys, SPEC.md#requests, SPEC.md#issues.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes32, Index, Modulus, Record, Variable

Roots = Annotated[bytes, msgspec.Meta(min_length=3072, max_length=3072)]


class RegistrarKey(Record, frozen=True):
    """A registrar's RSA key for one poll and class, with the eight roots that certify it."""

    class_index: Index = msgspec.field(name="class")
    modulus: Modulus
    poll: Index
    registration: Index
    roots: Roots


class CredentialRequest(Record, frozen=True):
    """A delegate's blinded messages: for each poll from `first_poll` on, one of 384 bytes per registrar."""

    blinded: tuple[Variable, ...]
    first_poll: Index
    registration: Index


class Answer(Record, frozen=True):
    """One registrar's blind signatures, 384 bytes for each poll of the request with this leaf hash."""

    request: Bytes32
    signatures: Variable


class CredentialIssue(Record, frozen=True):
    """A batch of one registrar's answers."""

    answers: Annotated[tuple[Answer, ...], msgspec.Meta(min_length=1, max_length=100)]
    registration: Index


REGISTRAR_KEY = CanonicalCodec(RegistrarKey)
CREDENTIAL_REQUEST = CanonicalCodec(CredentialRequest)
CREDENTIAL_ISSUE = CanonicalCodec(CredentialIssue)
