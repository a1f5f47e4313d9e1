"""Feed a log to the record machine stretch by stretch, with what can be verified ahead verified in blocks.

What is verified ahead depends on an entry and on what is settled before it, so it may be done before the entry's turn
comes, here or in other processes; whether the entry counts is then the machine's to say. An entry that is left out
costs time and changes nothing: the machine verifies it alone.

(0) entries are read in stretches, large enough for the batches to pay, small enough to hold in memory;
(1) each stretch is planned, and its jobs are handed out, some stretches ahead of the one that is judged;
(2) a job that is lost on the way, whatever the reason, or that nobody finishes, is done here;
(3) the entries of the oldest stretch are judged in order.

A stretch ends with an entry that decides what can be planned behind it, and nothing is planned until that is judged.

Source: SPEC.md#data-flow, SPEC.md#admission.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from secballot.errors import StoreError
from secballot.record import read_entry
from secballot.record.ahead import BARRIERS, Lookahead
from secballot.record.work import keep_memory, run_job
from secballot.records.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

    from secballot.record import Judgement, ReadEntry, SittingRecord
    from secballot.record.ahead import Plan
    from secballot.record.work import Job

STRETCH_ENTRIES: Final = 1_024
"""Entries judged at a time, at most."""

SHARED_ENTRIES: Final = 256
"""The same where others do the work: batches of a quarter cost 1 % more, and nobody waits long for the last ones."""

STRETCH_BYTES: Final = 1 << 22
"""Bytes of entries judged at a time; the last entry may exceed them."""

STRETCHES_AHEAD: Final = 24
"""Stretches planned ahead of the one that is judged, where others do the work."""

BYTES_AHEAD: Final = 6 * STRETCH_BYTES
"""Bytes of entries in them, about: large entries are not held by the hundred."""

HEAD_START: Final = 24
"""Jobs done here rather than waited for before the first result has come: who does the work may still be starting."""

PATIENCE: Final = 120.0
"""Seconds without any result after which those who do the work are taken for lost: a batch takes them one or two."""


def _tell_nobody() -> None:
    """Keep it to oneself."""


def replay(
    record: SittingRecord,
    entries: Iterable[bytes],
    observe: Callable[[Judgement, bytes], None],
    *,
    executor: Executor | None = None,
    stalled: Callable[[], None] = _tell_nobody,
) -> Iterator[int]:
    """Append every entry to the record, and yield how many the record has, after each stretch.

    Args:
        record: the machine.
        entries: the log from the record's present length on.
        observe: is given each entry's judgement and bytes, right after it was appended.
        executor: does the verification that can be done ahead, on threads, processes or other machines; it is trusted
            like this process. None does it here.
        stalled: is told once if the executor gave no result for `PATIENCE`; what it owes is then done here.

    Raises:
        StoreError: the entries cannot be read on; those of earlier stretches were appended.
    """
    ahead = Lookahead(record.state, every_statement=executor is not None)
    workers = _Workers(executor, stalled)
    keep_memory()
    waiting: deque[_Stretch] = deque()
    trouble: StoreError | None = None
    stretches = _stretches(entries, STRETCH_ENTRIES if executor is None else SHARED_ENTRIES)
    try:
        while True:
            try:
                stretch = next(stretches, None)
            except StoreError as error:
                stretch, trouble = None, error
            if stretch is not None:
                waiting.append(_Stretch(stretch, ahead.plan(stretch), workers))
            settle = stretch is None or executor is None or _is_barrier(stretch[-1])
            while waiting and (settle or len(waiting) > STRETCHES_AHEAD or _bytes_of(waiting) > BYTES_AHEAD):
                oldest = waiting.popleft()
                yield _judge(record, oldest, observe)
                ahead.judged(oldest.entries)
            if trouble is not None:
                raise trouble
            if stretch is None:
                return
    finally:
        record.state.proven = frozenset()
        for left in waiting:
            left.cancel()


class _Workers:
    """Whoever does the jobs, and how long they are waited for.

    One that is stopped, not killed, never says so. Who has given no result for so long is not waited for again until
    a result has come.
    """

    def __init__(self, executor: Executor | None, stalled: Callable[[], None]) -> None:
        self._executor = executor
        self._stalled = stalled
        self._lost = self._told = False
        self._head_start = HEAD_START

    def submit(self, job: Job) -> Future[object] | None:
        """Hand out a job, if somebody takes it."""
        if self._executor is None:
            return None
        try:
            return self._executor.submit(run_job, job)
        except Exception:  # noqa: BLE001  # whatever keeps the executor from working, the work is done here
            return None

    def result(self, future: Future[object] | None) -> object:
        """Return what came of a job; None if nothing did."""
        if future is None:
            return None
        try:
            result = future.result(timeout=0 if self._lost or self._head_start else PATIENCE)
        except Exception:  # noqa: BLE001  # a lost worker says nothing about the record
            if not future.done():
                self._give_up(future)
            return None
        self._lost, self._head_start = False, 0
        return result

    def _give_up(self, future: Future[object]) -> None:
        future.cancel()
        if self._head_start:
            self._head_start -= 1
            return
        self._lost = True
        if not self._told:
            self._told = True
            self._stalled()


class _Stretch:
    """Entries whose jobs have been handed out."""

    def __init__(self, entries: list[ReadEntry], plan: Plan, workers: _Workers) -> None:
        self.entries = entries
        self.size = sum([len(read.data) for read in entries])
        self.plan = plan
        self._workers = workers
        self._futures = [workers.submit(job) for job, _ in plan.jobs]

    def finish(self) -> None:
        """Take the results, and do here what nobody has done."""
        for number, (job, _) in enumerate(self.plan.jobs):
            if not self.plan.accept(number, self._workers.result(self._futures[number])):
                self.plan.accept(number, run_job(job))

    def cancel(self) -> None:
        """Call off what has not begun."""
        for future in self._futures:
            if future is not None:
                future.cancel()


def _bytes_of(stretches: Iterable[_Stretch]) -> int:
    return sum([stretch.size for stretch in stretches])


def _judge(record: SittingRecord, stretch: _Stretch, observe: Callable[[Judgement, bytes], None]) -> int:
    stretch.finish()
    record.state.proven = stretch.plan.proven
    verdicts = stretch.plan.verdicts
    for position, read in enumerate(stretch.entries):
        observe(record.append(read, verdict=verdicts.get(position)), read.data)
    return len(record)


def _stretches(entries: Iterable[bytes], most: int) -> Iterator[list[ReadEntry]]:
    stretch: list[ReadEntry] = []
    size = 0
    for data in entries:
        read = read_entry(data)
        stretch.append(read)
        size += len(data)
        if len(stretch) >= most or size >= STRETCH_BYTES or _is_barrier(read):
            yield stretch
            stretch, size = [], 0
    if stretch:
        yield stretch


def _is_barrier(read: ReadEntry) -> bool:
    return isinstance(read.entry, Entry) and read.entry.kind in BARRIERS
