"""The audit report: what was checked, what came of every poll, and one verdict; for people and, as JSON, for programs.

Every text in it that an entry brought along is shown as found. Hashes are lower-case hexadecimal. `to_json` has sorted
keys, and fields are only ever added.

Source: SPEC.md#checks, SPEC.md#outcomes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from secballot.audit.checks import Phase
from secballot.errors import CheckId

LISTED: Final = 10_000
"""Entries that a report lists of each sort; `total` says how many there are."""


class Status(StrEnum):
    """What became of one check."""

    PASSED = "PASS"
    FAILED = "FAIL"
    NOT_RUN = "NOT RUN"


class Verdict(StrEnum):
    """What the audit says of the record as a whole."""

    STANDS = "stands"
    FAILS = "fails"
    UNCHECKED = "could not be checked"


class Anchor(StrEnum):
    """How the sitting was identified."""

    MET = "the sitting is that of the anchor given"
    MISSED = "no manifest has the hash of the anchor given"
    NOT_GIVEN = "verified relative to the manifest found; anchor not given"


class CheckLine(msgspec.Struct, frozen=True):
    """One check of the register.

    Attributes:
        id: stable id.
        heading: anchor in SPEC.md.
        statement: what holds where it passes.
        status: FAIL only where the record fails by it; an entry that it refused is no failure.
        checked: how often it was examined.
        refused: how many entries it refused, or blamed somebody for.
        due: from when on it must have run.
        expected: False if it is due and did not run.
    """

    id: CheckId
    heading: str
    statement: str
    status: Status
    checked: int
    refused: int
    due: Phase
    expected: bool = True


class EntryLine(msgspec.Struct, frozen=True):
    """One entry that is listed: excluded, without effect, a fault, or naming somebody."""

    index: int
    kind: str
    outcome: str
    check: CheckId
    culprit: str
    reason: str


class EntryList(msgspec.Struct, frozen=True):
    """Entries of one sort: the first `LISTED` of them, and how many there are."""

    entries: tuple[EntryLine, ...] = ()
    total: int = 0


class FailureLine(msgspec.Struct, frozen=True):
    """Why the record fails, with evidence in hexadecimal that may be published."""

    check: CheckId
    index: int | None
    reason: str
    evidence: str = ""


class IgnoredNote(msgspec.Struct, frozen=True):
    """A checkpoint note that says nothing about this record.

    Attributes:
        size: the tree size it claims, None if it is no checkpoint.
        reason: why it does not count.
        signatures: whose each of its signatures claims to be, and whether it is.
    """

    size: int | None
    reason: str
    signatures: tuple[str, ...] = ()


class LogLine(msgspec.Struct, frozen=True):
    """The log and the checkpoints at hand.

    Attributes:
        origin: of the manifest; empty if none was found.
        size: entries that were judged: all below the newest checkpoint that satisfies the quorum.
        root: that checkpoint's, in hexadecimal; empty if there is none.
        times: its cosignatures' times, seconds since the epoch.
        above: entries at hand above it; they are ignored.
        agreeing: other checkpoints at hand that satisfy the quorum and have the entries' root.
        ignored_notes: notes that do not count, the first `LISTED` of them.
        ignored_note_total: how many these are.
        ignored_lines: signature lines that do not count, in notes that do; the first `LISTED` of them.
        ignored_files: stored hashes and the like that are not what the entries give.
    """

    origin: str = ""
    size: int = 0
    root: str = ""
    times: tuple[int, ...] = ()
    above: int = 0
    agreeing: int = 0
    ignored_notes: tuple[IgnoredNote, ...] = ()
    ignored_note_total: int = 0
    ignored_lines: tuple[str, ...] = ()
    ignored_files: tuple[str, ...] = ()


class SittingLine(msgspec.Struct, frozen=True):
    """The sitting, by its manifest.

    Attributes:
        sitting_id: hash of the manifest, 64 hexadecimal digits.
        title: as the manifest has it.
        stage: how far it has come, in words.
        parties: role to number of keys; `presidium_threshold` and the like beside them.
        ended_sessions: ceremony sessions that ended without a key, and why.
    """

    sitting_id: str
    title: str
    stage: str
    parties: dict[str, int]
    ended_sessions: tuple[str, ...] = ()


class SlackLine(msgspec.Struct, frozen=True):
    """What could have been stuffed into one class of a poll by all registrars together.

    Attributes:
        class_index: class, from 1.
        name: its name.
        weight: weight of each vote.
        roll: keys on the roll.
        answered: credentials that every registrar answered for.
        used: credentials with an accepted ballot.
        slack: answered − used; below zero the poll is void.
    """

    class_index: int
    name: str
    weight: int
    roll: int
    answered: int
    used: int
    slack: int


class OptionLine(msgspec.Struct, frozen=True):
    """One option: label, count if the contest is decrypted, and what an election made of it."""

    label: str
    count: int | None
    standing: str


class ContestLine(msgspec.Struct, frozen=True):
    """One contest.

    Attributes:
        number: from 1.
        title: as the opening has it.
        rules: name of its rule set.
        outcome: `adopted`, `rejected`, `elected`, `inquorate`, `unopened`, or empty while there is none.
        at_floor: whether it may be decrypted; None before the closing.
        decryptions: effective ones.
        needed: the threshold.
        options: in order.
        slack_matters: whether the slack could have changed the outcome; None where there is no outcome.
    """

    number: int
    title: str
    rules: str
    outcome: str
    at_floor: bool | None
    decryptions: int
    needed: int
    options: tuple[OptionLine, ...]
    slack_matters: bool | None


class PollLine(msgspec.Struct, frozen=True):
    """One poll.

    Attributes:
        number: from 1.
        ctx: hash of its opening.
        status: `open`, `closed`, `lapsed`, `void`, `annulled`, or `not opened` after an adjournment.
        words: what that means, in a sentence.
        closes_at: seconds since the epoch.
        index: of its opening.
        accepted: credentials with an accepted ballot; when the poll has closed, counted ballots.
        tally_id: in hexadecimal; empty before the closing.
        result_posted: whether the presidium has posted the result.
        page: SHA-256 of the page for people that it signed with the result, in hexadecimal; empty without one.
        slack: per class.
        contests: in order.
    """

    number: int
    ctx: str
    status: str
    words: str
    closes_at: int
    index: int
    accepted: int
    tally_id: str
    result_posted: bool
    page: str
    slack: tuple[SlackLine, ...]
    contests: tuple[ContestLine, ...]

    @property
    def verdict(self) -> str:
        """What became of the poll and of each of its contests, in one line."""
        outcomes = [
            f"contest {contest.number} {'stays closed' if contest.outcome == 'unopened' else contest.outcome}"
            for contest in self.contests
            if contest.outcome
        ]
        return "; ".join([self.words, *outcomes])


class WarningLine(msgspec.Struct, frozen=True):
    """What a record shows of people although every check passed; no part of the verdict.

    Attributes:
        kind: `few-ballots`, `unanimous` or `repeated-element`.
        poll: number of the poll; None where entries are named.
        contest: its contest, from 1; None where entries are named.
        entries: of the ballots that it is about; empty where a contest is named.
        words: what it is, in a sentence.
    """

    kind: str
    poll: int | None
    contest: int | None
    entries: tuple[int, ...]
    words: str


class EngineLine(msgspec.Struct, frozen=True):
    """What did the arithmetic, why it was not the native engine, and the version of the library."""

    name: str
    reason: str
    version: str


class TimingLine(msgspec.Struct, frozen=True):
    """How long one part of the audit took.

    Attributes:
        part: `setup` (manifest and ceremony), `registration` (roll and registrar keys to convening), `ballots` (opening
            to result), or `log` (checkpoints, roots, stored hashes, and what is no entry).
        seconds: by the clock that the audit was given.
        items: entries of the part; of the log, checkpoints at hand and bytes that are no entry.
    """

    part: str
    seconds: float
    items: int


class Report(msgspec.Struct, frozen=True):
    """One audit.

    Attributes:
        verdict: of the whole record.
        words: the verdict in sentences.
        anchor: how the sitting was identified.
        sitting: None if no manifest was found.
        log: checkpoints and sizes.
        checks: every check of the register, in its order.
        outcomes: outcome to number of entries.
        excluded: ballots that are not counted.
        without_effect: entries that had none.
        faults: entries that name somebody: by their own fault, or because they took effect and blame others.
        failures: why the record fails.
        polls: by number.
        engine: what did the arithmetic.
        timings: seconds and items of every part, if the audit was given a clock; no part of the verdict.
        warnings: what the record shows of people, of ballots that share elements the first `LISTED` sets; no part of
            the verdict.
    """

    verdict: Verdict
    words: tuple[str, ...]
    anchor: Anchor
    sitting: SittingLine | None
    log: LogLine
    checks: tuple[CheckLine, ...]
    outcomes: dict[str, int]
    excluded: EntryList
    without_effect: EntryList
    faults: EntryList
    failures: tuple[FailureLine, ...]
    polls: tuple[PollLine, ...]
    engine: EngineLine
    timings: tuple[TimingLine, ...] = ()
    warnings: tuple[WarningLine, ...] = ()

    def to_json(self) -> bytes:
        """Return the whole report as JSON with sorted keys, indented, with a newline at its end."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=2) + b"\n"
