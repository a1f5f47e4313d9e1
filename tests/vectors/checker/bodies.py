"""The body of every kind of entry, as ENT-01 asks for it: fields, types, constant sizes, ranges and patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .shapes import (
    array,
    blob,
    boolean,
    both,
    distinct,
    index,
    integer,
    number,
    one_of,
    pattern,
    record,
    strictly_increasing,
    string,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .canonical import Value

key = blob(32)
INCREASING = both(array(index, 1), strictly_increasing)
note = both(string, lambda value: 1 <= len(value) <= 16_000)

YEAR = 31_536_000
MILLION = 1_000_000

CLASS = record(name=text(100), seats=integer(1, 100_000), weight=integer(1, 1000))
FRACTION = {"denominator": integer(1, MILLION), "numerator": number}
RULE = record(
    decision=one_of("adopt", "elect"),
    eligible=array(index, 1, 16),
    majority=record(base=one_of("cast", "decided", "roll"), strict=boolean, **FRACTION),
    minimum_duration=integer(0, YEAR),
    name=pattern(r"[a-z0-9-]{1,40}"),
    quorum=record(base=one_of("roll", "registered"), measure=one_of("count", "weight"), **FRACTION),
    seats=integer(0, 1000),
)
ORIGIN = both(pattern(r"[a-z0-9.-]+(/[a-z0-9.-]+)*/[0-9a-f]{32}"), lambda value: len(value) <= 200)
WITNESS = record(key=key, name=pattern(r"[A-Za-z0-9._/-]{1,128}"))
MANIFEST = record(
    ceremony_sessions=integer(1, 32),
    classes=array(CLASS, 1, 16),
    commission=array(key, 1, 15),
    decryption_period=integer(1, YEAR),
    dishonest_witnesses=number,
    extension_limit=integer(0, YEAR),
    grace=integer(1, YEAR),
    limits=record(ballots_per_credential=integer(1, 1000)),
    log=record(key=key, maximum_delay=integer(1, 86_400), origin=ORIGIN, promise_key=key),
    minimum_ballots=integer(1, 100_000),
    objection_period=integer(0, YEAR),
    polls=integer(1, 200),
    presidium=record(keys=array(key, 1, 15), threshold=index),
    registrars=array(key, 1, 15),
    rules=array(RULE, 1, 32),
    successors=array(record(key=key, promise_key=key), 0, 4),
    suite=one_of("secballot/v1"),
    title=text(300),
    trustees=record(keys=array(key, 1, 31), minimum=index, threshold=index),
    witnesses=record(quorum=index, witnesses=array(WITNESS, 1, 32)),
)

CONTEST = record(
    documents=array(key, 0, 8),
    options=both(
        array(record(label=text(300), maximum=integer(1, 100)), 1, 200),
        lambda options: distinct([option["label"] for option in options]),
    ),
    rules=string,
    sum_maximum=number,
    sum_minimum=number,
    text=text(20_000, 0, lines=True),
    title=text(300),
)

BALLOT = record(
    **{"class": index},
    commitment=key,
    contests=array(record(challenges=blob(), ciphertexts=blob(), commitments=blob(), responses=blob())),
    credential=key,
    ctx=key,
    previous=key,
    randomizers=blob(),
    response=key,
    sequence=number,
    signatures=blob(),
    tag=both(string, lambda value: len(value) == 10 and set(value) <= set("123456")),
)

PROMISE = record(index=number, leaf_hash=key, maximum_delay=number, signature=blob(64), sitting_id=key, time=number)

RESULT = record(
    counts=array(number),
    elected=array(index),
    outcome=one_of("inquorate", "adopted", "rejected", "elected", "unopened"),
    tied=array(index),
)


def chunk_fits(body: dict[str, Any]) -> bool:
    """Tell whether a chunk's number lies in 1..chunks."""
    return bool(body["chunk"] <= body["chunks"])


BODIES: dict[str, Callable[[Value], Any]] = {
    "manifest": MANIFEST,
    "ceremony-commit": record(commitment=blob(64), session=index),
    "ceremony-reveal": record(
        commitments=blob(),
        encryption_key=key,
        nonce=key,
        proof_encryption=blob(64),
        proof_secret=blob(64),
        session=index,
    ),
    "ceremony-shares": record(ephemerals=blob(), sealed=blob(), session=index),
    "ceremony-confirm": record(session=index, transcript=blob(64)),
    "ceremony-complain": record(dealer=index, point=key, proof=blob(64), session=index),
    "ceremony-restart": record(participants=INCREASING, round=integer(0, 3), session=index, silent=INCREASING),
    "roll": both(
        record(
            chunk=index,
            chunks=integer(1, 1000),
            **{"class": index},
            keys=both(array(key, 1, 1300), strictly_increasing),
            registration=index,
        ),
        chunk_fits,
    ),
    "registrar-key": record(**{"class": index}, modulus=blob(384), poll=index, registration=index, roots=blob(3072)),
    "registration": record(first_poll=index, registration=index),
    "credential-request": record(blinded=array(blob()), first_poll=index, registration=index),
    "credential-issue": record(answers=array(record(request=key, signatures=blob()), 1, 100), registration=index),
    "registration-close": record(registration=index),
    "consent": record(joint_key=key, registration=index, root=key, size=number),
    "convening": record(checkpoint=note, registration=index),
    "document": both(
        record(chunk=index, chunks=integer(1, 10_000), data=text(48_000, lines=True), document=key), chunk_fits
    ),
    "opening": record(closes_at=number, contests=array(CONTEST, 1, 100), convening=key, poll=index),
    "extension": record(closes_at=number, ctx=key),
    "ballot": BALLOT,
    "closing": record(checkpoint=note, ctx=key, opening_checkpoint=note),
    "lapse": record(checkpoint=note, ctx=key),
    "objection": record(ballot=BALLOT, ctx=key, promise=PROMISE),
    "annul": record(ctx=key, reason=text(2000, lines=True)),
    "decryption": record(contest=index, ctx=key, factors=blob(), proofs=blob(), tally_id=blob(64)),
    "result": record(contests=array(RESULT), ctx=key, page=key, tally_id=blob(64)),
    "adjournment": record(checkpoint=note),
    "handover": record(root=key, size=number, successor=index),
}
UNSIGNED = {"ballot", "objection"}
