"""What worker processes make: requests with their answers, and ballots, a stretch of delegates at a time.

A worker is given the plan and where the credentials lie; everything else it derives again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gmpy2

from benchmarks.record.rsa import QuickKey
from secballot.blind import EXPONENT, MODULUS_BYTES, BlindPublicKey, emsa_pss_encode, prepare
from secballot.board.merkle import HASH_SIZE, leaf_hash
from secballot.group import Elements
from secballot.protocol.ballot_layout import BallotContext, ContestShape
from secballot.protocol.casting import seal
from secballot.protocol.registration import Credential, credential_message, key_id
from secballot.records.credential import Answer, CredentialIssue, CredentialRequest
from secballot.roles.delegate import ballot_entry
from secballot.roles.party import sign_entry
from secballot.roles.registrar import MAX_ANSWERS

if TYPE_CHECKING:
    from benchmarks.record.plan import RecordPlan

STRETCH: Final = 500
"""Delegates of one task: whole batches of answers."""

_RANDOMIZER: Final = 32
_SALT: Final = 48
_EM_BITS: Final = 8 * MODULUS_BYTES - 1


@dataclass(frozen=True)
class Stage:
    """What a worker needs to know of the sitting so far.

    Attributes:
        plan: of the record.
        sitting_id: 32 bytes.
        folder: where stretches of credentials and ballots lie while the record is made.
        ctx: of the poll, empty before its opening.
        joint_key: encoded, empty before the ceremony.
    """

    plan: RecordPlan
    sitting_id: bytes
    folder: str
    ctx: bytes = b""
    joint_key: bytes = b""

    def credentials(self, first: int) -> Path:
        """Return where the credentials of a stretch lie."""
        return Path(self.folder) / f"credentials-{first}"

    def heads(self, first: int) -> Path:
        """Return where the leaf hashes of a stretch's newest ballots lie."""
        return Path(self.folder) / f"heads-{first}"

    def ballots(self, first: int, number: int) -> Path:
        """Return where the ballots of a stretch and round lie."""
        return Path(self.folder) / f"ballots-{number}-{first}"


@cache
def quick_key(plan: RecordPlan, registrar: int) -> QuickKey:
    """Return a registrar's RSA key, by its index from 1."""
    return QuickKey(plan, registrar)


def stretches(plan: RecordPlan) -> list[int]:
    """Return the first delegate of every stretch."""
    return list(range(0, plan.credentials, STRETCH))


def _stretch(first: int, count: int) -> range:
    return range(first, min(first + STRETCH, count))


def register(stage: Stage, first: int) -> tuple[list[bytes], list[list[bytes]]]:
    """Return the requests of a stretch, and for every registrar its answers to them; the credentials go to disk.

    A registrar's answer is the credential's signature times the blinding factor, so one private operation makes both.
    """
    plan = stage.plan
    requests: list[bytes] = []
    answers: list[list[Answer]] = [[] for _ in range(plan.registrars)]
    credentials = bytearray()
    for voter in _stretch(first, plan.credentials):
        _, S = plan.credential_secret(voter)
        parts = [_sign_blindly(stage, registrar, voter, S) for registrar in range(1, plan.registrars + 1)]
        body = CredentialRequest(blinded=(b"".join(part.blinded for part in parts),), first_poll=1, registration=1)
        requests.append(sign_entry(plan.roll_key(voter), "credential-request", stage.sitting_id, body))
        leaf = leaf_hash(requests[-1])
        for own, part in zip(answers, parts, strict=True):
            own.append(Answer(leaf, part.answer))
        credentials += b"".join(part.randomizer for part in parts) + b"".join(part.signature for part in parts)
    stage.credentials(first).write_bytes(credentials)
    issues = [_issues(stage, registrar, own) for registrar, own in enumerate(answers)]
    return requests, issues


@dataclass(frozen=True)
class _Signed:
    blinded: bytes
    answer: bytes
    randomizer: bytes
    signature: bytes


def _sign_blindly(stage: Stage, registrar: int, voter: int, S: bytes) -> _Signed:
    plan, key = stage.plan, quick_key(stage.plan, registrar)
    n = key.public_key.n
    randomizer = plan.draw("randomizer", registrar, voter, size=_RANDOMIZER)
    name = key_id(stage.sitting_id, 1, registrar, 1, 1, key.public_key)
    prepared = prepare(randomizer, credential_message(stage.sitting_id, 1, registrar, name, 1, S))
    encoded = emsa_pss_encode(prepared, _EM_BITS, plan.draw("salt", registrar, voter, size=_SALT))
    m = int.from_bytes(encoded, "big")
    factor = int.from_bytes(plan.draw("blinding", registrar, voter, size=MODULUS_BYTES), "big") % n
    root = key.root(m)
    return _Signed(
        blinded=int(m * gmpy2.powmod(factor, EXPONENT, n) % n).to_bytes(MODULUS_BYTES, "big"),
        answer=(root * factor % n).to_bytes(MODULUS_BYTES, "big"),
        randomizer=randomizer,
        signature=root.to_bytes(MODULUS_BYTES, "big"),
    )


def _issues(stage: Stage, registrar: int, answers: list[Answer]) -> list[bytes]:
    key = stage.plan.keys.registrars[registrar]
    batches = [tuple(answers[at : at + MAX_ANSWERS]) for at in range(0, len(answers), MAX_ANSWERS)]
    return [sign_entry(key, "credential-issue", stage.sitting_id, CredentialIssue(batch, 1)) for batch in batches]


@cache
def _context(stage: Stage) -> BallotContext:
    """Return the poll as a delegate's device knows it."""
    contest = stage.plan.contest
    shape = ContestShape(
        options=tuple(option.maximum for option in contest.options),
        sum_minimum=contest.sum_minimum,
        sum_maximum=contest.sum_maximum,
        eligible=frozenset({1}),
    )
    return BallotContext(
        sitting_id=stage.sitting_id,
        ctx=stage.ctx,
        joint_key=Elements.decode(stage.joint_key),
        poll=1,
        registration=1,
        contests=(shape,),
        registrar_keys={1: _registrar_keys(stage.plan)},
    )


def _registrar_keys(plan: RecordPlan) -> tuple[BlindPublicKey, ...]:
    return tuple(quick_key(plan, registrar).public_key for registrar in range(1, plan.registrars + 1))


def vote(stage: Stage, number: int, first: int) -> None:
    """Write the ballots of a stretch in one round, each behind its length in four bytes.

    The rounds of a stretch are made one after the other: every ballot names the one before it.
    """
    plan, registrars = stage.plan, stage.plan.registrars
    size = (_RANDOMIZER + MODULUS_BYTES) * registrars
    stored = stage.credentials(first).read_bytes()
    before = stage.heads(first).read_bytes() if number else bytes(STRETCH * HASH_SIZE)
    heads, ballots = bytearray(), bytearray()
    for at, voter in enumerate(_stretch(first, plan.voters_in(number))):
        own = stored[size * at : size * (at + 1)]
        secret, S = plan.credential_secret(voter)
        sealed = seal(
            _context(stage),
            Credential(S, 1, own[: _RANDOMIZER * registrars], own[_RANDOMIZER * registrars :]),
            secret,
            (plan.choice(voter, number),),
            sequence=number,
            previous=before[HASH_SIZE * at : HASH_SIZE * (at + 1)],
            tag=plan.tag(voter, number),
            seed=plan.draw("ballot", voter, number),
            fresh=plan.draw("nonce", voter, number),
        )
        entry = ballot_entry(sealed.cast())
        heads += leaf_hash(entry)
        ballots += len(entry).to_bytes(4, "big") + entry
    stage.heads(first).write_bytes(heads)
    stage.ballots(first, number).write_bytes(ballots)


def roll_keys(stage: Stage, first: int) -> list[bytes]:
    """Return the public roll keys of a stretch."""
    plan = stage.plan
    return [plan.roll_key(voter).verify_key.encode() for voter in _stretch(first, plan.credentials)]


def order_key(plan: RecordPlan, number: int, voter: int) -> bytes:
    """Return what delegates are sorted by within a round, so that ballots stand in no order of credentials."""
    return plan.draw("order", number, voter, size=8)
