"""The steps of a sitting: verifying ballots alone and together, registering, admitting, counting; and their bytes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.clock import seconds
from benchmarks.cores import pinned
from benchmarks.limits import Sample
from benchmarks.record.generate import record_of
from benchmarks.record.opened import opened_board
from benchmarks.record.plan import RecordPlan
from benchmarks.table import Row, Table
from secballot import blind, dlog
from secballot.dlog import BoundedLog
from secballot.elgamal import Ciphertexts
from secballot.errors import SecballotError
from secballot.group import Scalars, multiply_base, vartime_multiply_base
from secballot.protocol.ballots import check_ballot, check_ballots
from secballot.protocol.phrase import Wallet, finalize, generate_phrase, request
from secballot.protocol.registration import check_answer, check_request, issue
from secballot.protocol.tallying import partial_decrypt, verify_decryption
from secballot.records.entry import decode_entry
from secballot.roles.board import BoardOperator
from secballot.roles.remote import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCHES: Final = (1, 16, 256, 1_024)
"""Ballots verified together."""

BOUNDS: Final = (10**5, 10**6, 10**9)

_RECORD: Final = 1_000
_BATCH: Final = 250


def verification(cache: Path, batches: Sequence[int] = BATCHES) -> Table:
    """Return what it costs to verify a ballot of five options, by the exact check and in batches."""
    record = record_of(RecordPlan(max(batches)), cache)
    sample = Sample(open_source(record.folder).entries(0, record.size), record.anchor, max(batches))
    context, bodies = sample.context, sample.bodies

    def batch(size: int) -> Callable[[], object]:
        return lambda: check_ballots(context, bodies[:size], known_credential=lambda _: False)

    with pinned():
        limits = [sample.ballot_limit()]
        found = seconds({str(size): (batch(size), size) for size in batches}, rounds=5)
        alone = seconds({"alone": (lambda: check_ballot(context, bodies[0], known_credential=lambda _: False), 1)})
        limits.append(sample.ballot_limit())
    best = 1e6 * min(limit.whole for limit in limits)
    rows = [Row("exactly, equation by equation", 1e6 * alone["alone"], "µs/ballot", best, "limit: in best blocks")]
    rows += [Row(f"in a batch of {size}", 1e6 * found[str(size)], "µs/ballot", best) for size in batches]
    return Table("Verification of a ballot, its three credential signatures included", rows)


def registration() -> Table:
    """Return what one delegate's credential for one poll costs each party."""
    plan = RecordPlan(4)
    secrets = [blind.BlindSecretKey.generate() for _ in range(plan.registrars)]
    keys = [secret.public_key for secret in secrets]
    wallet = Wallet(generate_phrase(os.urandom(32)), "measuring")
    place = {"sitting_id": bytes(32), "registration": 1, "class_index": 1}

    def ask() -> object:
        return request(wallet, **place, first_poll=1, keys=[keys])  # type: ignore[arg-type]  # as its signature has them

    body = request(wallet, **place, first_poll=1, keys=[keys])  # type: ignore[arg-type]  # as above
    answers = [issue(body, [secret], registrar=number) for number, secret in enumerate(secrets, 1)]
    with pinned():
        found = seconds(
            {
                "delegate: make the request": (ask, 1),
                "everybody: check the request": (lambda: check_request(body, keys=[keys], polls=1), 1),
                "registrar: answer": (lambda: issue(body, secrets[:1], registrar=1), 1),
                "everybody: check an answer": (lambda: check_answer(answers[0], body, keys[:1], 1), 1),
                "delegate: unblind all answers": (
                    lambda: finalize(wallet, **place, poll=1, keys=keys, signatures=answers),  # type: ignore[arg-type]
                    1,
                ),
            }
        )
    title = f"Registration: one delegate, one poll, {plan.registrars} registrars"
    return Table(title, [Row(name, 1e6 * taken, "µs") for name, taken in found.items()])


def admission(cache: Path, number: int = _RECORD) -> Table:
    """Return what it costs a board to admit ballots and to sync them, without HTTP."""
    opened = opened_board(RecordPlan(number), cache)
    ballots = opened.ballots()
    with tempfile.TemporaryDirectory() as folder, pinned():
        shutil.copy(opened.database, Path(folder) / "board.db")
        keys = opened.plan.keys
        operator = BoardOperator.open(
            Path(folder) / "board.db", opened.anchor, log_key=keys.log[0], promise_key=keys.promise[0]
        )
        rows = []
        for first in range(0, len(ballots), _BATCH):
            batch = ballots[first : first + _BATCH]
            began, spent = time.perf_counter(), time.process_time()
            answers = operator.submit(batch, now=int(time.time()))
            rows.append((time.perf_counter() - began, time.process_time() - spent))
            if any(isinstance(answer, SecballotError) for answer in answers):
                raise RuntimeError("a good ballot was refused")
        operator.close()
    wall, processor = (min(column) / min(_BATCH, number) for column in zip(*rows, strict=True))
    return Table(
        f"Admission of ballots in batches of {_BATCH}: judged, promised, synced to disk",
        [Row("in all", 1e6 * wall, "µs/ballot"), Row("processor", 1e6 * processor, "µs/ballot")],
    )


def tally() -> Table:
    """Return what it costs to decrypt a contest of five options and to find its counts."""
    options, secret = 5, Scalars.random()
    public = multiply_base(secret)
    aggregates = Ciphertexts(multiply_base(Scalars.random(options)), multiply_base(Scalars.random(options)))
    named = {"ctx": bytes(32), "tally_id": bytes(64), "trustee": 1, "public_share": public, "contest": 1}
    document = partial_decrypt(**named, aggregates=aggregates, secret=secret, fresh=bytes(32))  # type: ignore[arg-type]

    def decrypt() -> object:
        return partial_decrypt(**named, aggregates=aggregates, secret=secret, fresh=bytes(32))  # type: ignore[arg-type]

    def check() -> object:
        return verify_decryption(**named, aggregates=aggregates, body=document)  # type: ignore[arg-type]

    with pinned():
        found = seconds({"trustee: decrypt, with proofs": (decrypt, options), "check": (check, options)})
        rows = [Row(name, 1e6 * taken, "µs/option") for name, taken in found.items()]
        for bound in BOUNDS:
            dlog._baby_steps.cache_clear()
            began = time.perf_counter()
            solver = BoundedLog(bound)
            rows.append(Row(f"table for up to {bound:,} votes", 1e3 * (time.perf_counter() - began), "ms"))
            largest = vartime_multiply_base([bound])
            worst = seconds({"worst": (partial(solver.solve, largest), 1)}, rounds=5)
            rows.append(Row("  the largest count of it", 1e3 * worst["worst"], "ms"))
    return Table("Tally: one contest of five options", rows)


def sizes(cache: Path, number: int = _RECORD) -> Table:
    """Return how many bytes each kind of entry takes, and what a voter takes in all."""
    record = record_of(RecordPlan(number), cache)
    numbers: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for entry in open_source(record.folder).entries(0, record.size):
        kind = decode_entry(entry).kind
        numbers[kind] += 1
        taken[kind] += len(entry)
    shown = ("ballot", "credential-request", "credential-issue", "roll", "opening", "decryption", "result")
    rows = [Row(kind, taken[kind] / numbers[kind], "B", note=f"{numbers[kind]} on the log") for kind in shown]
    rows.append(Row("everything, per delegate who votes once", sum(taken.values()) / record.plan.credentials, "B"))
    return Table(f"Bytes of entries: {number} ballots of five options, {record.plan.registrars} registrars", rows)
