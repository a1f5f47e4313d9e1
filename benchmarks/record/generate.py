"""Records on disk: made once by worker processes, found again by the plan.

<cache>/1000-<digest of the plan>/record/       the published log of the finished sitting
<cache>/1000-<digest of the plan>/facts.json    sitting_id, sizes
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import record as makers
from benchmarks.record.folder import GrowingFolder
from benchmarks.record.sitting import Sitting
from benchmarks.record.voters import STRETCH, Stage, order_key, register, roll_keys, stretches, vote
from secballot import records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from benchmarks.record.plan import RecordPlan

_AHEAD: Final = 8


@dataclass(frozen=True)
class Record:
    """A finished record on disk.

    Attributes:
        plan: what it was made from.
        folder: its published log.
        anchor: the sitting_id.
        size: entries of the log.
        ballot_bytes: bytes of all ballot entries.
    """

    plan: RecordPlan
    folder: Path
    anchor: bytes
    size: int
    ballot_bytes: int


def default_cache() -> Path:
    """Return where records are kept unless told otherwise: the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "secballot-benchmarks"


def record_of(plan: RecordPlan, cache: Path, *, workers: int | None = None) -> Record:
    """Return the record of a plan, made now if the cache does not hold it.

    Args:
        plan: of the record.
        cache: a folder, made if it does not exist.
        workers: processes that make entries; as many as processors by default.
    """
    home = kept(plan, cache, "record", partial(_generate, plan, workers=workers))
    facts = json.loads((home / "facts.json").read_text(encoding="utf-8"))
    return Record(plan, home / "record", bytes.fromhex(facts["anchor"]), facts["size"], facts["ballot_bytes"])


def kept(plan: RecordPlan, cache: Path, kind: str, make: Callable[[Path], dict[str, object]]) -> Path:
    """Return the folder of what was made of a plan, made now if the cache does not hold it.

    Args:
        plan: what it is made of.
        cache: a folder, made if it does not exist.
        kind: of what is made.
        make: fills an empty folder, and returns what is written beside it as `facts.json`.
    """
    home = cache / f"{kind}-{plan.ballots}-{_name(plan)}"
    if not (home / "facts.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache, prefix="unfinished-"))
        try:
            facts = make(made)
            (made / "facts.json").write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
            made.rename(home)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return home


def _name(plan: RecordPlan) -> str:
    """Return what tells this plan's record from others, and from those that older code made."""
    fields = json.dumps([plan.ballots, plan.seed, plan.registrars, plan.closes_at, plan.most_credentials])
    sources = [path for module in (records, makers) for path in sorted(Path(module.__path__[0]).glob("*.py"))]
    texts = b"".join(path.read_bytes() for path in sources)
    return hashlib.sha256(fields.encode() + texts).hexdigest()[:12]


def _generate(plan: RecordPlan, folder: Path, *, workers: int | None) -> dict[str, object]:
    scratch = folder / "scratch"
    scratch.mkdir()
    ballots = BallotFiles(plan, scratch)
    log = GrowingFolder(folder / "record")
    sitting = Sitting(plan, log.append, ballots.read)
    with entry_makers(workers) as pool:
        stage = until_open(sitting, scratch, pool)
        ballots.begin_at(len(sitting.record))
        for entry in all_ballots(stage, ballots, pool):
            sitting.take_ballot(entry)
    _tell("tally")
    sitting.close()
    log.finish(sitting.record.state.history, sitting.note(plan.closes_at))
    shutil.rmtree(scratch)
    return {"anchor": sitting.anchor.hex(), "ballot_bytes": ballots.bytes, "size": len(sitting.record)}


def entry_makers(workers: int | None = None) -> ProcessPoolExecutor:
    """Return the worker processes."""
    return ProcessPoolExecutor(workers or os.cpu_count(), mp_context=multiprocessing.get_context("spawn"))


def until_open(sitting: Sitting, scratch: Path, pool: ProcessPoolExecutor) -> Stage:
    """Log everything up to the opening of the poll, and return what workers need for the ballots."""
    plan = sitting.plan
    _tell(f"{plan.credentials} credentials")
    sitting.found()
    stage = Stage(plan, sitting.anchor, str(scratch))
    firsts = stretches(plan)
    sitting.freeze_roll([key for keys in in_parallel(pool, partial(roll_keys, stage), firsts) for key in keys])
    issues: list[list[list[bytes]]] = []
    for requests, answers in in_parallel(pool, partial(register, stage), firsts):
        sitting.take(requests)
        issues.append(answers)
    sitting.close_registration()
    for answers in issues:
        for own in answers:
            sitting.take(own)
    sitting.convene()
    sitting.open()
    return replace(stage, ctx=sitting.poll.ctx, joint_key=sitting.joint_key)


def all_ballots(stage: Stage, ballots: BallotFiles, pool: ProcessPoolExecutor) -> Iterator[bytes]:
    """Yield all ballots, a round after the other; while one is taken, the next is made."""
    plan = stage.plan
    running = _vote_all(stage, 0, pool)
    for number in range(plan.rounds):
        _tell(f"{plan.voters_in(number)} ballots, round {number + 1} of {plan.rounds}")
        for one in running:
            one.result()
        if number + 1 < plan.rounds:
            running = _vote_all(stage, number + 1, pool)
        yield from ballots.in_round(number)


def _vote_all(stage: Stage, number: int, pool: ProcessPoolExecutor) -> list[Future[None]]:
    voters = stage.plan.voters_in(number)
    return [pool.submit(vote, stage, number, first) for first in stretches(stage.plan) if first < voters]


def in_parallel(pool: ProcessPoolExecutor, work: Callable[[int], Any], items: Iterable[int]) -> Iterator[Any]:
    """Yield the results in order, without letting the workers run far ahead of whoever takes them."""
    waiting = iter(items)
    running = [pool.submit(work, item) for item in islice(waiting, _AHEAD)]
    while running:
        yield running.pop(0).result()
        running += [pool.submit(work, item) for item in islice(waiting, 1)]


class BallotFiles:
    """The ballots that workers have written, in the order in which they come into the log.

    Attributes:
        bytes: of all ballots given out.
    """

    def __init__(self, plan: RecordPlan, scratch: Path) -> None:
        """Read from this folder, when the ballots are there."""
        self._stage = Stage(plan, b"", str(scratch))
        self._first = 0
        self._places: list[tuple[int, int, int]] = []
        self._stretches: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.bytes = 0

    def begin_at(self, index: int) -> None:
        """Say where in the log the first ballot stands."""
        self._first = index

    def in_round(self, number: int) -> Iterator[bytes]:
        """Yield the ballots of a round, in no order of credentials."""
        plan = self._stage.plan
        for voter in sorted(range(plan.voters_in(number)), key=partial(order_key, plan, number)):
            first = voter - voter % STRETCH
            self._places.append((first, number, voter - first))
            entry = self._entry(self._places[-1])
            self.bytes += len(entry)
            yield entry

    def read(self, index: int) -> bytes:
        """Return a ballot by its index in the log."""
        return self._entry(self._places[index - self._first])

    def _entry(self, place: tuple[int, int, int]) -> bytes:
        first, number, position = place
        path = self._stage.ballots(first, number)
        known = self._stretches.get((first, number))
        if known is None:
            known = self._stretches[first, number] = _index(path.read_bytes())
        start, size = known[position]
        with path.open("rb") as file:
            file.seek(start)
            return file.read(size)


def _index(data: bytes) -> list[tuple[int, int]]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((at + 4, size))
        at += 4 + size
    return found


def _tell(what: str) -> None:
    sys.stderr.write(f"making a record: {what}\n")
