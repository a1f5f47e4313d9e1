"""Registrars and delegates of a small registration in memory, for tests of what can go wrong in it.

Two registrars, polls 3 and 4 (the last), class 2; keys are the published ones.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from secballot.protocol.phrase import Wallet, finalize, generate_phrase, request
from secballot.protocol.registration import Credential, issue
from tests.registrar_keys import test_key

if TYPE_CHECKING:
    from secballot.blind import BlindPublicKey, BlindSecretKey
    from secballot.records.credential import CredentialRequest

SITTING: Final = hashlib.sha256(b"sitting").digest()
REGISTRATION: Final = 1
CLASS: Final = 2
POLLS: Final = (3, 4)
REGISTRARS: Final = (1, 2)


def secret_key(registrar: int, poll: int) -> BlindSecretKey:
    """Return a registrar's key for a poll."""
    return test_key(2 * (poll - POLLS[0]) + registrar - 1)


def public_keys(poll: int) -> list[BlindPublicKey]:
    """Return all registrars' keys for a poll."""
    return [secret_key(registrar, poll).public_key for registrar in REGISTRARS]


@cache
def wallet(name: str = "delegate") -> Wallet:
    """Return a delegate's wallet; the phrase follows from the name."""
    return Wallet(generate_phrase(hashlib.sha256(name.encode()).digest()), "sitting of the tests")


@cache
def requested(name: str = "delegate") -> CredentialRequest:
    """Return a delegate's request for all polls."""
    return request(
        wallet(name),
        sitting_id=SITTING,
        registration=REGISTRATION,
        first_poll=POLLS[0],
        class_index=CLASS,
        keys=[public_keys(poll) for poll in POLLS],
    )


@cache
def answered(registrar: int, name: str = "delegate") -> bytes:
    """Return a registrar's answer to a delegate's request."""
    return issue(requested(name), [secret_key(registrar, poll) for poll in POLLS], registrar=registrar)


@cache
def credential(poll: int = POLLS[0], name: str = "delegate") -> Credential:
    """Return a delegate's credential for a poll."""
    at = 384 * POLLS.index(poll)
    return finalize(
        wallet(name),
        sitting_id=SITTING,
        registration=REGISTRATION,
        poll=poll,
        class_index=CLASS,
        keys=public_keys(poll),
        signatures=[answered(registrar, name)[at : at + 384] for registrar in REGISTRARS],
    )
