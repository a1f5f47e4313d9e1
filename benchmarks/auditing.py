"""The audit of whole records, each part beside what its arithmetic costs at best."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.cores import available, pinned
from benchmarks.limits import BallotLimit, Sample
from benchmarks.programs import as_installed
from benchmarks.record.generate import record_of
from benchmarks.record.plan import RecordPlan
from benchmarks.table import Row, Table, tell
from secballot.group import engine_name
from secballot.protocol.ballots import check_block
from secballot.record.work import keep_memory
from secballot.roles.remote import open_source

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.record.generate import Record

WORKERS: Final = 2
"""Worker processes of the second audit of each record."""

SAMPLE: Final = 4_096
"""Ballots and delegates whose arithmetic alone is measured."""

BLOCK: Final = 1_024
"""Ballots of one batch when their proofs are verified alone."""

_STANDS: Final = "stands"


@dataclass(frozen=True)
class Audited:
    """What one audit has cost.

    Attributes:
        seconds: in all, without the start of the process.
        parts: seconds of each part of the record.
        memory: bytes at most.
        engine: that did the arithmetic.
    """

    seconds: float
    parts: dict[str, float]
    memory: int
    engine: str


def measure(sizes: list[int], cache: Path, *, engine: str | None = None, single: bool = False) -> list[Table]:
    """Return a table for every record of these numbers of ballots, audited on one core by one thread.

    Args:
        sizes: ballots of each record.
        cache: where records are kept.
        engine: to be used for the audits, None for the usual one.
        single: whether to leave out the second audit, with worker processes.
    """
    return [_measure(record_of(RecordPlan(size), cache), engine, single=single) for size in sizes]


def audit_once(record: Record, engine: str | None = None, *, workers: int = 0) -> Audited:
    """Audit a record in a new process, with so many worker processes beside it, and insist that it stands."""
    command = [sys.executable, "-m", "benchmarks.audit_once", str(record.folder), record.anchor.hex(), str(workers)]
    environment = {**as_installed(), **({} if engine is None else {"SECBALLOT_ENGINE": engine})}
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True)
    found = json.loads(done.stdout)
    if found["verdict"] != _STANDS:
        raise RuntimeError(f"the record of {record.plan.ballots} ballots: {found['verdict']}")
    return Audited(found["seconds"], found["parts"], found["memory"], found["engine"])


def _measure(record: Record, engine: str | None, *, single: bool) -> Table:
    plan = record.plan
    tell(f"auditing {plan.ballots} ballots")
    keep_memory()  # as the audit does; limits and proofs both gain
    with pinned():
        sample = Sample(open_source(record.folder).entries(0, record.size), record.anchor, SAMPLE)
        gc.collect()
        gc.freeze()  # an audit does not hold what the sample does
        before = sample.ballot_limit(), sample.delegate_limit()
        audited = audit_once(record, engine)
        proofs = _proofs_alone(sample)
        after = sample.ballot_limit(), sample.delegate_limit()
    faster = [] if single else _faster(audited, audit_once(record, engine, workers=WORKERS))
    limit, delegate_limit = _mean(before[0], after[0]), (before[1] + after[1]) / 2
    # A revote repeats the credential's signatures, which nobody has to verify again.
    first_votes = plan.credentials / plan.ballots
    best = limit.proofs + limit.rsa * first_votes
    ballots, registration = audited.parts["ballots"], audited.parts["registration"]
    per_delegate = 1e6 * registration / plan.credentials
    budget = 500 * plan.credentials + 32 * record.size
    return Table(
        f"Audit of {plan.ballots} ballots of one contest of {len(plan.contest.options)} options, {plan.credentials}"
        f" credentials, {plan.registrars} registrars; one thread, engine {audited.engine}",
        [
            Row("ballots, opening to result", 1e6 * ballots / plan.ballots, "µs/ballot", 1e6 * best, "elements, RSA"),
            *_proofs_row(proofs, limit, audited.engine),
            Row("registration", per_delegate, "µs/delegate", 1e6 * delegate_limit, "RSA, Ed25519"),
            *_roll_row(sample, audited.engine),
            Row("the whole record", audited.seconds, "s"),
            *faster,
            Row("memory at most", audited.memory / 1e6, "MB"),
            Row("  beyond 500 B a credential, 32 B an entry", (audited.memory - budget) / 1e6, "MB"),
            Row("bytes of a ballot entry", record.ballot_bytes / plan.ballots, "B"),
        ],
    )


def _proofs_row(proofs: float, limit: BallotLimit, engine: str) -> list[Row]:
    """Return the row of what this process has measured, if it runs on the audit's engine."""
    if engine != engine_name():
        return []
    note = "elements; credentials known"
    return [Row("  their proofs alone", 1e6 * proofs, "µs/ballot", 1e6 * limit.proofs, note)]


def _roll_row(sample: Sample, engine: str) -> list[Row]:
    """Return the row of what the limit of registration leaves out, if this process runs on the audit's engine."""
    if engine != engine_name():
        return []
    return [Row("  roll keys, which its limit leaves out", 1e6 * sample.roll_key(), "µs/delegate")]


def _faster(alone: Audited, shared: Audited) -> list[Row]:
    return [
        Row(f"{WORKERS} worker processes, faster: the whole", alone.seconds / shared.seconds, "×"),
        Row("  ballots", alone.parts["ballots"] / shared.parts["ballots"], "×", note=f"on {len(available())} cores"),
        Row("  registration", alone.parts["registration"] / shared.parts["registration"], "×"),
    ]


def _proofs_alone(sample: Sample) -> float:
    """Return the seconds of a ballot whose credential is known, in blocks as the audit has them."""
    began = time.perf_counter()
    for start in range(0, len(sample.bodies), BLOCK):
        found = check_block(sample.context, sample.bodies[start : start + BLOCK], known_credential=lambda _: True)
        if found.errors:
            raise RuntimeError("a ballot of the sample is not good")
    return (time.perf_counter() - began) / len(sample.bodies)


def _mean(one: BallotLimit, other: BallotLimit) -> BallotLimit:
    return BallotLimit(
        (one.decoding + other.decoding) / 2, (one.multiplying + other.multiplying) / 2, (one.rsa + other.rsa) / 2
    )
