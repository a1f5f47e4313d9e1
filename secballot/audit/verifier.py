"""The audit of one log: find the manifest and the checkpoint that counts, replay everything below it, report.

(0) read every checkpoint note at hand;
(1) replay until a manifest completes, which names log key, witnesses and quorum;
(2) replay up to the largest note that some operator of the manifest and a quorum signed;
(3) with the handovers known, choose the newest checkpoint (LOG-01); if it is smaller, replay again up to it;
(4) compare its root, and that of every other one at hand, with the entries (LOG-02);
(5) count, summarise, and say one verdict.

Checks that fail are collected, and the audit goes on. Only trouble with reading ends it early, and then nothing is said
of what the entries mean.

Source: SPEC.md#data-flow, SPEC.md#board-profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.audit.checkpoints import assess, plausible, read_notes
from secballot.audit.counting import CheckCounts
from secballot.audit.findings import Findings
from secballot.audit.timing import Part, Stopwatch
from secballot.board.merkle import leaf_hash
from secballot.errors import StoreError
from secballot.record import Failure, SittingRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from secballot.audit.report import Report
    from secballot.audit.timing import Clock
    from secballot.board.reader import LogSource
    from secballot.record.history import WitnessedCheckpoint
    from secballot.record.state import SittingState

    Progress = Callable[[int, int], None]


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def audit(
    source: LogSource,
    *,
    anchor: bytes | None = None,
    progress: Progress = _no_progress,
    clock: Clock | None = None,
    executor: Executor | None = None,
) -> Report:
    """Return the report on everything below the newest checkpoint that satisfies the quorum.

    Args:
        source: the log, whatever somebody did to it.
        anchor: the sitting_id from outside, 32 bytes; without it the verdict is relative to the manifest found.
        progress: is told how many entries are judged, and of how many.
        clock: returns seconds, such as `time.perf_counter`; with it the report says how long each part took.
        executor: verifies proofs and signatures ahead, on threads, processes or other machines (`roles.workers`), and
            is trusted like this process; None does it here. The report is the same.

    Raises:
        ProtocolError: the system's source of randomness is broken, so that no batch can be checked.

    Source: SPEC.md#data-flow.
    """
    run = _Audit(source, anchor, progress, Stopwatch(clock), executor)
    try:
        run.replay_all()
    except StoreError as error:
        run.found.unreadable = error.message
    run.found.stopwatch.charge(Part.LOG, items=0)
    return run.found.report()


class _Audit:
    """One run over one source; `found` is what it has found so far."""

    def __init__(
        self,
        source: LogSource,
        anchor: bytes | None,
        progress: Progress,
        stopwatch: Stopwatch,
        executor: Executor | None,
    ) -> None:
        self._stopwatch = stopwatch
        self._executor = executor
        self._source = source
        self._anchor = anchor
        self._progress = progress
        self.found = self._begin()

    def _begin(self) -> Findings:
        def fetch(index: int) -> bytes:
            data = self._source.entry(index)
            if leaf_hash(data) != record.state.history.leaf(index):
                raise StoreError(f"entry {index} has changed while it was being read")
            return data

        record = SittingRecord(self._anchor, fetch=fetch)
        return Findings(record, CheckCounts(anchored=self._anchor is not None), stopwatch=self._stopwatch)

    def _begin_again(self) -> None:
        """Forget every entry that was replayed, and nothing else."""
        before, self.found = self.found, self._begin()
        self._stopwatch.count_anew()
        self.found.founding, self.found.notes, self.found.at_hand = before.founding, before.notes, before.at_hand
        self.found.assessment = before.assessment

    def replay_all(self) -> None:
        """Run all the steps.

        Raises:
            StoreError: something cannot be read; `found` has what was found before.
        """
        self.found.notes = read_notes(self._source.checkpoint_notes())
        self.found.at_hand = self._source.size()
        founding = self._find_manifest()
        if founding is None:
            return
        manifest = founding.the_manifest()
        self._replay_to(min(plausible(manifest, self.found.notes) or 0, self.found.at_hand))
        operators = self.found.record.state.operators or founding.operators
        self.found.assessment = assess(manifest, operators, self.found.notes)
        self._stopwatch.charge(Part.LOG, items=0)
        if self.found.newest is None:
            self._begin_again()  # entries that no checkpoint covers are not judged
            return
        newest = self.found.newest.checkpoint.tree_size
        if newest < len(self.found.record):
            # The largest was signed by a key that is not in force at its size: the record ends before.
            self._begin_again()
            self._replay_to(newest)
        self._check_log()
        self._stopwatch.charge(Part.LOG, items=len(self.found.notes))

    def _find_manifest(self) -> SittingState | None:
        """Return a state that has the manifest; without any, the entries stay as they were judged."""
        found = self.found
        claimed = next((note.size for note in found.notes if note.size is not None), found.at_hand)
        stop = min(claimed, found.at_hand)
        if not stop:
            return None
        for _ in _replay(found, self._source.entries(0, stop), None):
            if found.record.state.manifest is not None:
                found.founding = found.record.state
                self._begin_again()
                return found.founding
        return None

    def _replay_to(self, stop: int) -> None:
        found = self.found
        for done in _replay(found, self._source.entries(len(found.record), stop), self._executor):
            self._progress(done, stop)

    def _check_log(self) -> None:
        """Check the checkpoints that count against the entries and against each other (LOG-01, LOG-02)."""
        found, history = self.found, self.found.record.state.history
        witnessed = found.assessment.witnessed if found.assessment is not None else ()
        found.counts.ran("LOG-01")
        found.counts.ran("LOG-05")  # the replay ended at the newest checkpoint, and the report says what lies beyond
        first: dict[int, WitnessedCheckpoint] = {}
        for one in witnessed:
            size = one.checkpoint.tree_size
            other = first.setdefault(size, one)
            if other.checkpoint.root != one.checkpoint.root:
                reason = f"two checkpoints of size {size} satisfy the quorum and contradict each other"
                found.failures.append(Failure("LOG-02", None, reason, other.note + b"\n" + one.note))
            elif size <= len(history):
                found.counts.ran("LOG-02")
                if history.root(size) != one.checkpoint.root:
                    reason = f"the checkpoint of size {size} has another root than the entries at hand"
                    found.failures.append(Failure("LOG-02", None, reason, one.note))
                elif one is not witnessed[0]:
                    found.agreeing += 1
        newest = witnessed[0].checkpoint.tree_size
        if newest > len(history):
            raise StoreError(f"the newest checkpoint covers {newest} entries, and only {len(history)} are at hand")
        found.discrepancies = list(self._source.discrepancies(newest, history.subtree))


def _replay(found: Findings, entries: Iterable[bytes], executor: Executor | None) -> Iterator[int]:
    """Replay entries into the findings, and yield how many the record has, after each block."""
    # The cryptography is loaded with the first entry: a board that has none yet is read in a moment.
    from secballot.audit.replay import replay  # noqa: PLC0415

    return replay(found.record, entries, found.observe, executor=executor)
