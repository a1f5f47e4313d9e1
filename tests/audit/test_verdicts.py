"""Polls that end otherwise and sittings that end early are verdicts in plain words; a false result is a failure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.audit.report import Report, Status, Verdict
from secballot.audit.verifier import audit
from secballot.record.tallying import recompute_result
from secballot.records.ceremony import CeremonyCommit
from secballot.records.document import Document
from tests.audit.sources import check_line
from tests.simulator import SMALL, TAGS, Simulator, election, resolution, with_plan

if TYPE_CHECKING:
    from secballot.audit.report import PollLine

LAPSED, ANNULLED, BELOW, OPEN, DECRYPTED = range(1, 6)


def judged(simulator: Simulator) -> Report:
    """Return the report on everything that the simulator's board holds, under a fresh checkpoint."""
    simulator.rehearsal.witness()
    return audit(simulator.board.source(), anchor=simulator.board.anchor)


@cache
def busy_sitting() -> Simulator:
    """Return a sitting whose polls lapse, are annulled, stay below the floor, are open, and are decrypted.

    Made once per process, like every sitting here; a test that posts to it says so.
    """
    simulator = with_plan(polls=5).until_polls()
    rehearsal = simulator.rehearsal
    for number in (LAPSED, ANNULLED, BELOW, DECRYPTED):
        rehearsal.open_poll(number, [resolution(), election()])
    rehearsal.open_poll(OPEN, [resolution()], seconds=10**7)
    one = rehearsal.delegates[0]
    one.cast(one.seal(BELOW, ((1, 0, 0), (0, 0, 0)), TAGS[50]))
    simulator.vote(DECRYPTED)
    for officer in rehearsal.needed_officers():
        officer.annul_poll(ANNULLED, "The text\nwas the wrong one.")
    for trustee in rehearsal.trustees[:2]:
        trustee.annul_poll(ANNULLED, "The text\nwas the wrong one.")
    rehearsal.witness()
    for officer in rehearsal.needed_officers():
        officer.extend_poll(OPEN, rehearsal.now + 10**7 + 60)
    for number in (BELOW, DECRYPTED):
        rehearsal.close_poll(number)
        rehearsal.decrypt(number)
    rehearsal.publish_result(BELOW)
    rehearsal.now += simulator.plan.grace + simulator.plan.objection_period
    rehearsal.witness()
    rehearsal.officers[0].lapse_poll(LAPSED)
    simulator.board.force(b"junk")
    return simulator


@cache
def founded_sitting(ceremony_sessions: int, number: int) -> Simulator:
    """Return a sitting with nothing but its manifest, another one for each number."""
    simulator = Simulator(replace(SMALL, ceremony_sessions=ceremony_sessions), seed=bytes([number]))
    simulator.rehearsal.found()
    return simulator


@pytest.fixture(scope="module")
def report() -> Report:
    """Return the report on the busy sitting, before any test posts to it."""
    return judged(busy_sitting())


def poll(report: Report, number: int) -> PollLine:
    """Return the line of one poll."""
    return next(line for line in report.polls if line.number == number)


def test_none_of_these_ends_is_a_failure(report: Report) -> None:
    """The record stands, and every poll is told in the verdict."""
    assert report.verdict is Verdict.STANDS
    assert [words for words in report.words if words.startswith("poll ")] == [
        "poll 1: lapsed: nobody closed it in time, and it is never decrypted",
        "poll 2: annulled: The text\nwas the wrong one.",
        "poll 3: closed; below the privacy floor; the result is posted; contest 1 stays closed; contest 2 stays closed",
        "poll 4: open",
        "poll 5: closed and decrypted; the presidium has not posted the result; contest 1 adopted; contest 2 elected",
    ]
    assert "poll 4 is not finished" in report.words[2]


def test_below_the_floor_nothing_is_shown(report: Report) -> None:
    """The contests have an outcome by name and no counts, and the slack is told all the same."""
    below = poll(report, BELOW)

    assert [contest.outcome for contest in below.contests] == ["unopened", "unopened"]
    assert [contest.at_floor for contest in below.contests] == [False, False]
    assert {option.count for contest in below.contests for option in contest.options} == {None}
    assert [line.slack for line in below.slack] == [3, 4]
    assert [contest.slack_matters for contest in below.contests] == [None, None]


def test_what_occurred_was_checked(report: Report) -> None:
    """Extension, lapse and annulment ran their checks; what did not occur is not due."""
    ran = ("POL-03", "POL-06", "POL-08", "RES-01")

    assert [check_line(report, check).status for check in ran] == [Status.PASSED] * len(ran)
    assert [check_line(report, check).checked for check in ran] == [1] * len(ran)
    assert check_line(report, "POL-09").status is Status.NOT_RUN
    assert check_line(report, "POL-09").expected


def test_junk_is_listed_and_refused_by_the_first_check(report: Report) -> None:
    """Bytes that are no entry have no effect, a reason, and no kind."""
    (line,) = report.without_effect.entries

    assert (line.check, line.kind, line.culprit) == ("ENT-01", "", "")
    assert check_line(report, "ENT-01").refused == 1
    assert check_line(report, "ENT-01").status is Status.PASSED


def test_a_false_result_fails(report: Report) -> None:
    """The presidium signs another outcome than the log gives: the record fails, with the body as evidence."""
    busy = busy_sitting()
    state = busy.board.record.state
    right = recompute_result(state, state.polls[DECRYPTED])
    first = msgspec.structs.replace(right.contests[0], outcome="rejected")
    busy.append_act("result", msgspec.structs.replace(right, contests=(first, *right.contests[1:])))
    failed = judged(busy)

    assert report.verdict is Verdict.STANDS  # before
    assert failed.verdict is Verdict.FAILS
    assert [failure.check for failure in failed.failures] == ["RES-01"]
    assert b'"rejected"' in bytes.fromhex(failed.failures[0].evidence)
    assert check_line(failed, "RES-01").status is Status.FAILED


def test_a_fault_in_the_ceremony_names_the_trustee_and_ends_the_session() -> None:
    """A second content for one round: trustee 2 is named, and the next session goes on without."""
    simulator = founded_sitting(5, 1)
    rehearsal = simulator.rehearsal
    for content in (b"1", b"2"):
        body = CeremonyCommit(commitment=content * 64, session=1)
        simulator.append_signed(rehearsal.keys.trustees[1], "ceremony-commit", body)
    report = judged(simulator)

    assert report.verdict is Verdict.STANDS
    assert [(line.check, line.culprit) for line in report.faults.entries] == [("CER-10", "trustee 2")]
    assert report.sitting is not None
    assert "trustee 2 is blamed" in report.sitting.ended_sessions[0]
    assert "session 2, round 0" in report.sitting.stage
    assert check_line(report, "CER-10").refused == 1


def test_a_sitting_that_is_over_without_a_key_stands() -> None:
    """With too few trustees left nothing can have effect any more, and that is a verdict too."""
    simulator = founded_sitting(1, 2)
    rehearsal = simulator.rehearsal
    for content in (b"1", b"2", b"3"):
        body = CeremonyCommit(commitment=content * 64, session=1)
        simulator.append_signed(rehearsal.keys.trustees[1], "ceremony-commit", body)
    report = judged(simulator)

    assert report.verdict is Verdict.STANDS
    assert report.sitting is not None
    assert report.sitting.stage == "the ceremony has used up its sessions"
    assert [line.check for line in report.without_effect.entries] == ["ENT-03"]


def test_a_document_is_checked_by_its_last_chunk() -> None:
    """POL-01 is counted for each document that ends, right or wrong, and not for the chunks before."""
    simulator = founded_sitting(5, 3)
    rehearsal = simulator.rehearsal
    key, digest = rehearsal.keys.presidium[0], hashlib.sha256(b"ab").digest()
    for chunk, data in ((1, "a"), (2, "b"), (1, "a"), (2, "c")):
        body = Document(chunk=chunk, chunks=2, data=data, document=digest)
        simulator.append_signed(key, "document", body)
    line = check_line(judged(simulator), "POL-01")

    assert (line.checked, line.refused, line.status) == (2, 1, Status.PASSED)
