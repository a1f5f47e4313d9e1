"""Polls, credentials and ballots from fixed numbers, for tests of ballots: what a voter and an attacker can make."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from secballot.blind import BlindSecretKey, blind_sign, emsa_pss_encode, prepare
from secballot.group import Scalars, multiply_base
from secballot.protocol.ballots import BallotContext, ContestShape, ballot_fields
from secballot.protocol.casting import SealedBallot, seal
from secballot.protocol.registration import Credential, credential_message, key_id
from secballot.transcript import challenge
from tests.registrar_keys import test_key

if TYPE_CHECKING:
    from secballot.protocol.ballot_encryption import Choices
    from secballot.records.ballot import Ballot

JOINT_SECRET = 0x5EC2E7
REGISTRARS = 2
TAGS = ("3164225163", "6152243316", "2561344216")

ONE_OF_THREE = ContestShape(options=(1, 1, 1), sum_minimum=0, sum_maximum=1, eligible=frozenset({1, 2}))
SCORES = ContestShape(options=(2, 3), sum_minimum=1, sum_maximum=4, eligible=frozenset({1}))
SINGLE = ContestShape(options=(1,), sum_minimum=0, sum_maximum=1, eligible=frozenset({1, 2}))


def never_known(digest: bytes) -> bool:
    """Remember no credential, so that every signature is verified."""
    return False


def registrar_secret(registrar: int, class_index: int) -> BlindSecretKey:
    """Return the registrar's key of the class; the two registrars swap their keys between the two classes."""
    return test_key((registrar + class_index) % 2)


def make_context(
    *contests: ContestShape,
    sitting: bytes = b"sitting",
    opening: bytes = b"opening",
    poll: int = 1,
    registration: int = 1,
) -> BallotContext:
    """Return a poll with classes 1 and 2 under the joint key of `JOINT_SECRET`."""
    return BallotContext(
        sitting_id=hashlib.sha256(sitting).digest(),
        ctx=hashlib.sha256(opening).digest(),
        joint_key=multiply_base(Scalars.from_ints([JOINT_SECRET])),
        poll=poll,
        registration=registration,
        contests=contests,
        registrar_keys={
            class_index: tuple(
                registrar_secret(registrar, class_index).public_key for registrar in range(1, REGISTRARS + 1)
            )
            for class_index in (1, 2)
        },
    )


def credential_secret(number: int) -> Scalars:
    """Return the secret s of a delegate's credential."""
    return Scalars.from_wide(hashlib.sha512(b"credential %d" % number).digest())


@cache
def _signed(place: tuple[bytes, int, int, int, int], S: bytes) -> tuple[bytes, bytes]:
    """Return one registrar's randomizer and signature on a credential."""
    sitting_id, _, registrar, poll, class_index = place
    secret = registrar_secret(registrar, class_index)
    name = key_id(*place, secret.public_key)
    message = credential_message(sitting_id, poll, registrar, name, class_index, S)
    randomizer = hashlib.sha256(b"randomizer" + name + S).digest()
    encoded = emsa_pss_encode(prepare(randomizer, message), 3071, hashlib.sha384(randomizer).digest())
    return randomizer, blind_sign(secret, encoded)


def make_credential(context: BallotContext, class_index: int = 1, number: int = 1) -> Credential:
    """Return a credential that all registrars signed."""
    S = multiply_base(credential_secret(number)).encode()
    parts = [
        _signed((context.sitting_id, context.registration, registrar, context.poll, class_index), S)
        for registrar in range(1, REGISTRARS + 1)
    ]
    return Credential(S, class_index, b"".join(part[0] for part in parts), b"".join(part[1] for part in parts))


def seal_sample(
    context: BallotContext,
    choices: Choices,
    *,
    class_index: int = 1,
    number: int = 1,
    sequence: int = 0,
    tag: str = TAGS[0],
    seed: bytes = b"seed",
    fresh: bytes = b"fresh",
) -> SealedBallot:
    """Return a sealed ballot of the delegate with this number."""
    return seal(
        context,
        make_credential(context, class_index, number),
        credential_secret(number),
        choices,
        sequence=sequence,
        previous=hashlib.sha256(b"previous").digest() if sequence else bytes(32),
        tag=tag,
        seed=hashlib.sha256(seed).digest(),
        fresh=hashlib.sha256(fresh).digest(),
    )


def own(context: BallotContext, ballot: Ballot, number: int = 1, nonce: int = 7) -> Ballot:
    """Return the ballot with T and z made anew by the credential's owner: what a cooperating voter can do to it.

    The new challenge leaves the proofs of the contests behind, unless they were made for it.
    """
    T = multiply_base(Scalars.from_ints([nonce])).encode()
    e = challenge("ballot", *ballot_fields(context, ballot), T)
    z = Scalars.from_ints([nonce]) + Scalars.from_ints([e]) * credential_secret(number)
    return msgspec.structs.replace(ballot, commitment=T, response=z.encode())
