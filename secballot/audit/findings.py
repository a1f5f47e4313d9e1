"""What one audit gathers while it replays a log, and the report that it makes of it.

Source: SPEC.md#outcomes, SPEC.md#board-profile.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import secballot
from secballot.audit.checkpoints import signatures_found
from secballot.audit.checks import CHECKS, Phase
from secballot.audit.repeats import Repeats
from secballot.audit.report import (
    LISTED,
    Anchor,
    CheckLine,
    EngineLine,
    EntryLine,
    EntryList,
    FailureLine,
    IgnoredNote,
    LogLine,
    PollLine,
    Report,
    SittingLine,
    Status,
    Verdict,
    WarningLine,
)
from secballot.audit.summary import phases, sitting_line
from secballot.audit.timing import PARTS, Stopwatch
from secballot.errors import NOBODY, StoreError
from secballot.group import engine_name, engine_reason
from secballot.record import Failure, Outcome

if TYPE_CHECKING:
    from secballot.audit.checkpoints import Assessment, NoteAtHand
    from secballot.audit.counting import CheckCounts
    from secballot.record import Judgement, SittingRecord
    from secballot.record.history import WitnessedCheckpoint
    from secballot.record.state import SittingState


@dataclass(slots=True)
class Findings:
    """What an audit has found so far.

    Attributes:
        record: the machine with every entry that counts.
        counts: how often each check ran.
        founding: the state in which the manifest was found, None if there is none.
        notes: every checkpoint note at hand, the largest claimed size first.
        assessment: these judged by the manifest; None before there is one.
        at_hand: number of entries at hand.
        agreeing: other checkpoints that satisfy the quorum and have the entries' root.
        failures: why the record fails by its checkpoints.
        unreadable: why the record could not be checked; empty if it could.
        discrepancies: what the source keeps and the entries do not give.
        outcomes: how many entries had each outcome.
        listed: per outcome the first `LISTED` entries that did not stand, or that name somebody.
        totals: how many of these there are.
        refused_manifest: whether a manifest had another hash than the anchor.
        stopwatch: where the time goes.
        repeats: elements of accepted ballots.
    """

    record: SittingRecord
    counts: CheckCounts
    founding: SittingState | None = None
    notes: list[NoteAtHand] = field(default_factory=list)
    assessment: Assessment | None = None
    at_hand: int = 0
    agreeing: int = 0
    failures: list[Failure] = field(default_factory=list)
    unreadable: str = ""
    discrepancies: list[str] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    listed: dict[Outcome, list[Judgement]] = field(default_factory=dict)
    totals: Counter[Outcome] = field(default_factory=Counter)
    refused_manifest: bool = False
    stopwatch: Stopwatch = field(default_factory=lambda: Stopwatch(None))
    repeats: Repeats = field(default_factory=Repeats)

    @property
    def newest(self) -> WitnessedCheckpoint | None:
        """The checkpoint that says what the record is, if any satisfies the quorum."""
        return next(iter(self.assessment.witnessed), None) if self.assessment is not None else None

    def observe(self, judgement: Judgement, data: bytes) -> None:
        """Take note of one entry that was just appended."""
        self.counts.judged(judgement, data, self.record.state)
        self.outcomes[judgement.outcome] += 1
        self.stopwatch.charge(PARTS[judgement.kind])
        if judgement.outcome is Outcome.ACCEPTED:
            self.repeats.add(judgement.index, data)
        if judgement.check == "SIT-01":
            self.refused_manifest = True
        if judgement.check is None:
            return
        # An entry that took effect and names somebody stands with the faults.
        sort = Outcome.FAULT if judgement.outcome.stands else judgement.outcome
        self.totals[sort] += 1
        kept = self.listed.setdefault(sort, [])
        if len(kept) < LISTED:
            kept.append(judgement)

    def report(self) -> Report:
        """Return what was found as a report with its verdict."""
        failures = self._failures()
        checks = self._check_lines(failures)
        polls = self._polls()
        verdict, words = self._verdict(failures, checks, polls)
        return Report(
            verdict=verdict,
            words=words,
            anchor=self._anchor(),
            sitting=self._sitting(),
            log=self._log(),
            checks=checks,
            outcomes={outcome.value: self.outcomes[outcome] for outcome in Outcome},
            excluded=self._entries(Outcome.EXCLUDED),
            without_effect=self._entries(Outcome.NO_EFFECT),
            faults=self._entries(Outcome.FAULT),
            failures=tuple(
                FailureLine(failure.check, failure.index, failure.reason, failure.evidence.hex())
                for failure in failures
            ),
            polls=polls,
            engine=EngineLine(engine_name(), engine_reason(), secballot.__version__),
            timings=self.stopwatch.lines(),
            warnings=self._warnings(),
        )

    def _polls(self) -> tuple[PollLine, ...]:
        if self.unreadable or not self.record.state.polls:
            return ()
        # The rules of polls bring the cryptography along, which a record without polls may not have needed so far.
        from secballot.audit.polls import poll_lines  # noqa: PLC0415

        return poll_lines(self.record.state)

    def _warnings(self) -> tuple[WarningLine, ...]:
        if self.unreadable or not self.record.state.polls:
            return ()
        from secballot.audit.cautions import poll_warnings, repeat_warnings  # noqa: PLC0415  # as in `_polls`
        from secballot.record.rereading import bytes_again  # noqa: PLC0415  # the same

        try:
            shared = self.repeats.found(partial(bytes_again, self.record.state))
        except StoreError:  # the source has gone since, or gives other entries: nothing that could be shown
            shared = []
        return poll_warnings(self.record.state) + repeat_warnings(shared[:LISTED])

    def _failures(self) -> list[Failure]:
        """Return why the record fails; entries whose root nobody could compare show nothing."""
        failures = list(self.failures)
        if self.refused_manifest and self.founding is None:
            failures.append(Failure("SIT-01", None, "the manifest is not that of the trust anchor"))
        if not self.unreadable:
            failures += self.record.state.failures
        return failures

    def _check_lines(self, failures: list[Failure]) -> tuple[CheckLine, ...]:
        state, failed = self.record.state, Counter(failure.check for failure in failures)
        reached = phases(state) | ({Phase.MANIFEST} if self.founding is not None else set())
        opened = sum(counts is not None for poll in state.polls.values() for counts in poll.counts)
        lines = []
        for check in CHECKS:
            checked = self.counts.checked[check.id]
            if check.id == "TAL-05":
                checked = opened + failed[check.id]
            ran = checked > 0 or failed[check.id] > 0
            status = Status.FAILED if failed[check.id] else Status.PASSED if ran else Status.NOT_RUN
            lines.append(
                CheckLine(
                    id=check.id,
                    heading=check.heading,
                    statement=check.statement,
                    status=status,
                    checked=checked,
                    refused=self.counts.refused[check.id],
                    due=check.due,
                    expected=ran or check.due not in reached,
                )
            )
        return tuple(lines)

    def _verdict(
        self, failures: list[Failure], checks: tuple[CheckLine, ...], polls: tuple[PollLine, ...]
    ) -> tuple[Verdict, tuple[str, ...]]:
        unchecked = self._unchecked(checks)
        if failures:
            words = [f"the record fails by {failure.check}: {failure.reason}" for failure in failures]
            return Verdict.FAILS, tuple(dict.fromkeys([*words, self.unreadable] if self.unreadable else words))
        if unchecked:
            return Verdict.UNCHECKED, (unchecked,)
        stage = sitting_line(self.record.state).stage
        outcomes = [f"poll {poll.number}: {poll.verdict}" for poll in polls]
        return Verdict.STANDS, ("every check that is due has passed", str(self._anchor()), stage, *outcomes)

    def _unchecked(self, checks: tuple[CheckLine, ...]) -> str:
        """Return why the record could not be checked, or nothing."""
        missing = ", ".join(line.id for line in checks if not line.expected)
        reasons = {
            self.unreadable: bool(self.unreadable),
            f"no manifest is complete in the {self.at_hand} entries at hand": self.founding is None,
            "no checkpoint at hand satisfies the witness quorum (LOG-01)": self.newest is None,
            "the manifest is not complete below the newest checkpoint": self.record.state.manifest is None,
            f"these checks are due and did not run: {missing}": bool(missing),
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def _anchor(self) -> Anchor:
        state = self.record.state
        if state.anchor is None:
            return Anchor.NOT_GIVEN
        return Anchor.MET if self.founding is not None else Anchor.MISSED

    def _sitting(self) -> SittingLine | None:
        state = self.record.state
        if state.manifest is not None and not self.unreadable:
            return sitting_line(state)
        if self.founding is not None:
            return sitting_line(self.founding, stage="not known: the record could not be checked")
        return None

    def _log(self) -> LogLine:
        manifest = self.founding.manifest if self.founding is not None else None
        assessment, newest = self.assessment, self.newest
        if assessment is not None and manifest is not None:
            ignored = [
                IgnoredNote(note.size, reason, signatures_found(manifest, note))
                for note, reason in assessment.ignored[:LISTED]
            ]
            total = len(assessment.ignored)
        else:
            reasons = [note.reason or "no manifest says which keys count" for note in self.notes]
            ignored = [
                IgnoredNote(note.size, reason) for note, reason in zip(self.notes[:LISTED], reasons, strict=False)
            ]
            total = len(self.notes)
        size = len(self.record)
        return LogLine(
            origin=manifest.log.origin if manifest is not None else "",
            size=size,
            root=newest.checkpoint.root.hex() if newest is not None else "",
            times=newest.times if newest is not None else (),
            above=max(0, self.at_hand - size),
            agreeing=self.agreeing,
            ignored_notes=tuple(ignored),
            ignored_note_total=total,
            ignored_lines=assessment.ignored_lines[:LISTED] if assessment is not None else (),
            ignored_files=tuple(self.discrepancies),
        )

    def _entries(self, sort: Outcome) -> EntryList:
        lines = [
            EntryLine(
                index=judgement.index,
                kind=judgement.kind,
                outcome=judgement.outcome.value,
                check=judgement.check or "",
                culprit=str(judgement.culprit) if judgement.culprit not in {None, NOBODY} else "",
                reason=judgement.reason,
            )
            for judgement in self.listed.get(sort, ())
        ]
        return EntryList(tuple(lines), self.totals[sort])
