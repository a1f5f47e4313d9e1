"""One session of the key ceremony in memory, each trustee deterministic, for tests of what can go wrong in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secballot.protocol.ceremony import Session, verify_reveal, verify_shares
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.signing import SigningKey

if TYPE_CHECKING:
    from secballot.protocol.ceremony import Dealing
    from secballot.records.ceremony import CeremonyCommit, CeremonyReveal, CeremonyShares

SITTING = hashlib.sha256(b"sitting").digest()


def seed(*names: object) -> bytes:
    """Return 32 bytes that the names determine."""
    return hashlib.sha256(repr(names).encode()).digest()


def session_of(
    trustees: int = 3,
    threshold: int = 2,
    *,
    number: int = 1,
    participants: tuple[int, ...] | None = None,
    sitting_id: bytes = SITTING,
) -> Session:
    """Return a session, of all trustees unless participants are named."""
    keys = tuple(SigningKey.from_seed(seed("identity", i)).verify_key.encode() for i in range(1, trustees + 1))
    return Session(sitting_id, number, threshold, participants or tuple(range(1, trustees + 1)), keys)


@dataclass(frozen=True)
class CeremonyRun:
    """An honest session after round 2, everything verified."""

    session: Session
    secrets: dict[int, TrusteeSecrets]
    commits: dict[int, CeremonyCommit]
    reveals: dict[int, CeremonyReveal]
    dealings: dict[int, Dealing]
    shares: dict[int, CeremonyShares]


def run_ceremony(session: Session) -> CeremonyRun:
    """Run rounds 0 to 2 of a session with honest trustees."""
    secrets = {i: TrusteeSecrets(session, i, seed("trustee", i)) for i in session.participants}
    commits = {i: trustee.commit() for i, trustee in secrets.items()}
    reveals = {i: trustee.reveal() for i, trustee in secrets.items()}
    dealings = {i: verify_reveal(session, i, commits[i], reveals[i]) for i in secrets}
    shares = {i: trustee.shares(dealings) for i, trustee in secrets.items()}
    for i, body in shares.items():
        verify_shares(session, i, body)
    return CeremonyRun(session, secrets, commits, reveals, dealings, shares)
