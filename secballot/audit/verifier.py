"""The audit of one log: find the manifest and the checkpoint that counts, replay everything below it, report.

(0) read every checkpoint note at hand;
(1) replay until a manifest completes, which names log key, witnesses and quorum;
(2) replay up to the largest note that some operator of the manifest and a quorum signed, from where this auditor's last
    audit of the log ended, if that is given;
(3) with the handovers known, choose the newest checkpoint (LOG-01); if it is smaller, replay again up to it;
(4) compare its root, and that of every other one at hand, with the entries (LOG-02);
(5) count, summarise, and say one verdict.

Checks that fail are collected, and the audit goes on. Only trouble with reading ends it early, and then nothing is said
of what the entries mean.

Source: SPEC.md#data-flow, SPEC.md#board-profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secballot.audit.checkpoints import assess, plausible, read_notes
from secballot.audit.counting import CheckCounts
from secballot.audit.findings import Findings
from secballot.audit.report import Verdict
from secballot.audit.timing import Part, Stopwatch
from secballot.errors import EncodingError, StoreError
from secballot.record import Failure, SittingRecord
from secballot.record.sums import MANY_WAITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from secballot.audit.report import Report
    from secballot.audit.timing import Clock
    from secballot.board.reader import LogSource
    from secballot.record.history import LogHistory, WitnessedCheckpoint
    from secballot.record.state import SittingState

    Progress = Callable[[int, int], None]


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def _tell_nobody() -> None:
    """Keep it to oneself."""


def audit(
    source: LogSource,
    *,
    anchor: bytes | None = None,
    progress: Progress = _no_progress,
    clock: Clock | None = None,
    executor: Executor | None = None,
    stalled: Callable[[], None] = _tell_nobody,
    verified: bytes | None = None,
    keep: Callable[[bytes], None] | None = None,
) -> Report:
    """Return the report on everything below the newest checkpoint that satisfies the quorum.

    Args:
        source: the log, whatever somebody did to it.
        anchor: the sitting_id from outside, 32 bytes; without it the verdict is relative to the manifest found.
        progress: is told how many entries are judged, and of how many.
        clock: returns seconds, such as `time.perf_counter`; with it the report says how long each part took.
        executor: verifies proofs and signatures ahead, on threads, processes or other machines (`roles.workers`), and
            is trusted like this process; None does it here. The report is the same.
        stalled: is told once if the executor stops giving results, so that this process goes on alone.
        verified: what an earlier audit with this anchor handed to `keep`, and nobody else can have changed. Then only
            what came since is replayed; if it is of another log, the audit begins at the first entry.
        keep: is given, if the record stands, what the next audit of this log can begin with (`store.verified`).

    Raises:
        ProtocolError: the system's source of randomness is broken, so that no batch can be checked.
        EncodingError: `verified` is not what an audit with this anchor keeps.

    Source: SPEC.md#data-flow.
    """
    return audit_log(
        source,
        anchor=anchor,
        progress=progress,
        clock=clock,
        executor=executor,
        stalled=stalled,
        verified=verified,
        keep=keep,
    ).report


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit's report, and the history of the entries that it is on."""

    report: Report
    history: LogHistory


def audit_log(
    source: LogSource,
    *,
    anchor: bytes | None = None,
    progress: Progress = _no_progress,
    clock: Clock | None = None,
    executor: Executor | None = None,
    stalled: Callable[[], None] = _tell_nobody,
    verified: bytes | None = None,
    keep: Callable[[bytes], None] | None = None,
) -> Audited:
    """Return the report of `audit` with the history of the log, for whoever compares it with others.

    Args, errors: as `audit`.
    """
    run = _Audit(source, anchor, progress, Stopwatch(clock), executor)
    run.stalled = stalled
    run.verified, run.keeping = verified, keep is not None
    try:
        run.replay_all()
    except StoreError as error:
        run.found.unreadable = error.message
    run.found.stopwatch.charge(Part.LOG, items=0)
    report = run.found.report()
    if keep is not None and run.keepsake and report.verdict is Verdict.STANDS:
        keep(run.keepsake)
    return Audited(report, run.found.record.state.history)


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
        self.stalled = _tell_nobody
        self.verified: bytes | None = None
        self.keeping = False
        self.keepsake = b""
        self.found = self._begin()

    def _begin(self) -> Findings:
        record = SittingRecord(self._anchor, fetch=self._source.entry, most_waiting=MANY_WAITING)
        return Findings(record, CheckCounts(anchored=self._anchor is not None), stopwatch=self._stopwatch)

    def _begin_again(self) -> None:
        """Forget every entry that was replayed, and nothing else."""
        self._stopwatch.count_anew()
        self._go_on_with(self._begin())

    def _go_on_with(self, found: Findings) -> None:
        """Take findings of entries, and keep what is known besides."""
        before, self.found = self.found, found
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
        stop = min(plausible(manifest, self.found.notes) or 0, self.found.at_hand)
        if not self._replay_resumed(founding, stop):
            self._begin_again()
            self._replay_to(stop)
            self._assess(founding)
        if self.found.newest is None:
            self._begin_again()  # entries that no checkpoint covers are not judged
            return
        newest = self.found.newest.checkpoint.tree_size
        if newest < len(self.found.record):
            # The largest was signed by a key that is not in force at its size: the record ends before.
            self._begin_again()
            self._replay_to(newest)
        if self.keeping:
            self.keepsake = _keepsake(self.found)
        self._check_log()
        self._stopwatch.charge(Part.LOG, items=len(self.found.notes))

    def _replay_resumed(self, founding: SittingState, stop: int) -> bool:
        """Replay from where the last audit ended, and tell whether the newest checkpoint confirms all of it.

        If not, what was verified is of another log, and says nothing of this one: not even which log key is in force.

        Raises:
            EncodingError: as `_resume`.
        """
        try:
            if not self._resume(founding.sitting_id, stop):
                return False
            self._replay_to(stop)
        except StoreError:
            return False  # an earlier entry is another one now; if the source is at fault, it will be so again
        self._assess(founding)
        newest, history = self.found.newest, self.found.record.state.history
        if newest is None or newest.checkpoint.tree_size != len(history):
            return False
        return history.root(len(history)) == newest.checkpoint.root

    def _resume(self, sitting_id: bytes, stop: int) -> bool:
        """Go on from what was verified before, and tell whether there was anything that helps.

        Raises:
            EncodingError: it is no such thing, or of another sitting.
        """
        if self.verified is None:
            return False
        # Only here, since it brings the cryptography along.
        from secballot.audit.resuming import restored_findings  # noqa: PLC0415

        found = restored_findings(
            self.verified, fetch=self._source.entry, anchor=self._anchor, stopwatch=self._stopwatch
        )
        if found.record.state.sitting_id != sitting_id:
            raise EncodingError("findings of an audit of another sitting")
        if len(found.record) > stop:
            return False  # older checkpoints than before: that is for others to say, and this log to be verified
        self._go_on_with(found)
        return True

    def _assess(self, founding: SittingState) -> None:
        """Judge the notes by the log keys that the entries replayed put in force."""
        operators = self.found.record.state.operators or founding.operators
        self.found.assessment = assess(founding.the_manifest(), operators, self.found.notes)
        self._stopwatch.charge(Part.LOG, items=0)

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
        for done in _replay(found, self._source.entries(len(found.record), stop), self._executor, self.stalled):
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


def _keepsake(found: Findings) -> bytes:
    # Like the replay, only where there was something to verify.
    from secballot.audit.resuming import saved_findings  # noqa: PLC0415

    return saved_findings(found)


def _replay(
    found: Findings,
    entries: Iterable[bytes],
    executor: Executor | None,
    stalled: Callable[[], None] = _tell_nobody,
) -> Iterator[int]:
    """Replay entries into the findings, and yield how many the record has, after each block."""
    # The cryptography is loaded with the first entry: a board that has none yet is read in a moment.
    from secballot.audit.replay import replay  # noqa: PLC0415

    return replay(found.record, entries, found.observe, executor=executor, stalled=stalled)
