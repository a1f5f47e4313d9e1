"""A small manifest and signed entries from fixed keys, for tests of what a board does with them."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from secballot.protocol.casting import seal
from secballot.record.rolls import Heads
from secballot.record.state import PollState, RegistrationState
from secballot.record.sums import BallotSums
from secballot.records.document import Document
from secballot.records.entry import encode_body, encode_signed, encode_unsigned, signing_message
from secballot.records.manifest import (
    MANIFEST,
    DelegateClass,
    Limits,
    LogKeys,
    Majority,
    Manifest,
    Presidium,
    Quorum,
    RuleSet,
    Successor,
    Trustees,
    Witness,
    Witnesses,
)
from secballot.signing import SigningKey
from tests.sealed_ballots import TAGS, credential_secret, make_credential

if TYPE_CHECKING:
    import msgspec

    from secballot.protocol.ballots import BallotContext
    from secballot.record.state import SittingState

ORIGIN = f"board.example/{bytes(range(16)).hex()}"
CLOSES_AT = 1_700_003_600
NOW = 1_700_000_000


@cache
def key(name: str) -> SigningKey:
    """Return the key of the party, or the service, with this name."""
    return SigningKey(hashlib.sha256(name.encode()).digest())


def public(*names: str) -> tuple[bytes, ...]:
    """Return the public keys of these names."""
    return tuple(key(name).verify_key.encode() for name in names)


MAJORITY = Majority(base="cast", denominator=2, numerator=1, strict=True)
QUORUM = Quorum(base="roll", denominator=2, measure="count", numerator=1)
SMALL_MANIFEST = Manifest(
    ceremony_sessions=4,
    classes=(DelegateClass(name="full", seats=10, weight=1), DelegateClass(name="other", seats=10, weight=1)),
    commission=public("commission"),
    decryption_period=86_400,
    dishonest_witnesses=0,
    extension_limit=3_600,
    grace=86_400,
    limits=Limits(ballots_per_credential=10),
    log=LogKeys(key=public("log")[0], maximum_delay=60, origin=ORIGIN, promise_key=public("promise")[0]),
    minimum_ballots=1,
    objection_period=60,
    polls=1,
    presidium=Presidium(keys=public("officer 1", "officer 2", "officer 3"), threshold=2),
    registrars=public("registrar 1", "registrar 2"),
    rules=(
        RuleSet(
            decision="adopt", eligible=(1, 2), majority=MAJORITY, minimum_duration=0, name="r", quorum=QUORUM, seats=0
        ),
    ),
    successors=(Successor(key=public("log 2")[0], promise_key=public("promise 2")[0]),),
    suite="secballot/v1",
    title="A small sitting",
    trustees=Trustees(keys=public("trustee 1", "trustee 2", "trustee 3"), minimum=2, threshold=2),
    witnesses=Witnesses(
        quorum=2,
        witnesses=tuple(Witness(key=public(name)[0], name=name) for name in ("w1.example", "w2.example", "w3.example")),
    ),
)
SITTING_ID = hashlib.sha256(MANIFEST.encode(SMALL_MANIFEST)).digest()


def signed(kind: str, body: msgspec.Struct, name: str) -> bytes:
    """Return an entry of this sitting, signed by the key of this name."""
    data = encode_body(kind, body)
    signature = key(name).sign(signing_message(kind, SITTING_ID, data))
    return encode_signed(kind, data, key(name).verify_key.encode(), signature)


def founding() -> list[bytes]:
    """Return the entries that make the manifest effective."""
    return [signed("manifest", SMALL_MANIFEST, officer) for officer in ("officer 1", "officer 2")]


def document(number: int, chunk: int = 1, chunks: int = 1, officer: str = "officer 1") -> bytes:
    """Return a chunk of the document with this number: an entry that stands by itself."""
    texts = [f"document {number}, part {part}" for part in range(1, chunks + 1)]
    name = hashlib.sha256("".join(texts).encode()).digest()
    return signed("document", Document(chunk=chunk, chunks=chunks, data=texts[chunk - 1], document=name), officer)


def open_poll(state: SittingState, context: BallotContext, closes_at: int = CLOSES_AT) -> PollState:
    """Put an open poll into a state as if its opening and all before it had been logged."""
    poll = PollState(
        number=context.poll,
        ctx=context.ctx,
        opening=None,  # type: ignore[arg-type]  # nothing of a ballot is judged by it
        index=0,
        registration=RegistrationState(1),
        context=context,
        closes_at=closes_at,
        sums=BallotSums.of(state),
        heads=Heads(state.history),
    )
    for class_index in (1, 2):
        poll.sums.begin(class_index, sum(len(s.options) for s in context.shapes(class_index)))
    state.polls[context.poll] = poll
    state.by_ctx[context.ctx] = poll
    return poll


def ballot(context: BallotContext, number: int, sequence: int = 0, previous: bytes = bytes(32)) -> bytes:
    """Return the ballot entry of the delegate with this number."""
    sealed = seal(
        context,
        make_credential(context, 1, number),
        credential_secret(number),
        ((1, 0, 0),),
        sequence=sequence,
        previous=previous,
        tag=TAGS[0],
        seed=hashlib.sha256(b"seed %d" % number).digest(),
        fresh=hashlib.sha256(b"fresh %d" % number).digest(),
    )
    return encode_unsigned("ballot", encode_body("ballot", sealed.cast()))
