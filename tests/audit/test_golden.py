"""The report on a sound, finished sitting: every number in it is one that the sitting is known to have."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from secballot.audit.checks import CHECKS, SEQUENCES
from secballot.audit.report import Anchor, Status, Verdict
from secballot.audit.verifier import audit
from secballot.record import Outcome
from tests.audit.sources import ListSource, check_line, golden_source, recosigned
from tests.simulator import golden


def test_a_finished_sitting_stands() -> None:
    """Nothing fails, nothing that is due is missing, and the anchor is met."""
    report = audit(golden_source(), anchor=golden().anchor)

    assert report.verdict is Verdict.STANDS
    assert report.anchor is Anchor.MET
    assert report.failures == ()
    assert all(line.expected and line.status is not Status.FAILED for line in report.checks)
    assert report.sitting is not None
    assert report.sitting.sitting_id == golden().anchor.hex()
    assert report.sitting.stage == "the sitting is adjourned"
    assert report.log.size == len(golden().entries)
    assert report.log.above == 0


def test_only_checks_without_occasion_did_not_run() -> None:
    """In a peaceful sitting nobody complains, restarts, extends, lapses, objects, annuls or hands over."""
    report = audit(golden_source(), anchor=golden().anchor)
    idle = {line.id for line in report.checks if line.status is Status.NOT_RUN}

    assert idle == {"CER-05", "CER-06", "CER-08", "POL-01", "POL-03", "POL-06", "POL-07", "POL-08", "LOG-06"}


@pytest.mark.attack("FS-19")
def test_checks_are_counted_as_often_as_entries_meet_them() -> None:
    """Every standing entry is counted once for each check of its kind, a collected one up to its slot only."""
    expected: Counter[str] = Counter()
    for judgement in golden().judgements:
        sequence = SEQUENCES[judgement.kind]
        if judgement.outcome is Outcome.COLLECTED:
            sequence = sequence[: sequence.index("ENT-06") + 1]
        expected.update(sequence)
    report = audit(golden_source(), anchor=golden().anchor)
    of_their_own = {"CER-09", "TAL-05", "LOG-01", "LOG-02", "LOG-05"}

    assert {line.id: line.checked for line in report.checks if line.id not in of_their_own} == {
        check.id: expected[check.id] for check in CHECKS if check.id not in of_their_own
    }
    assert [check_line(report, check).checked for check in ("CER-09", "TAL-05", "LOG-01", "LOG-05")] == [1, 2, 1, 1]
    assert check_line(report, "LOG-02").checked == len(golden().notes)


@pytest.mark.attack("CR-15")
def test_counts_outcomes_and_slack_are_those_of_the_sitting() -> None:
    """The poll is reported with its counts, what came of it, and what the registrars could have added."""
    state = golden().simulator.board.record.state
    poll = state.polls[1]
    (line,) = audit(golden_source(), anchor=golden().anchor).polls

    assert line.ctx == poll.ctx.hex()
    assert [tuple(option.count for option in contest.options) for contest in line.contests] == list(poll.counts)
    assert poll.result is not None
    assert [contest.outcome for contest in line.contests] == [contest.outcome for contest in poll.result.contests]
    assert [(row.answered, row.used, row.slack) for row in line.slack] == [(4, 4, 0), (4, 4, 0)]
    assert [contest.slack_matters for contest in line.contests] == [False, False]
    assert line.result_posted
    assert "result is posted" in line.words


def test_without_anchor_the_report_says_so() -> None:
    """The verdict is relative to the manifest found, and SIT-01 did not run."""
    report = audit(golden_source())

    assert report.verdict is Verdict.STANDS
    assert report.anchor is Anchor.NOT_GIVEN
    assert str(Anchor.NOT_GIVEN) in report.words
    assert check_line(report, "SIT-01").status is Status.NOT_RUN


@pytest.mark.attack("SB-11")
def test_with_another_anchor_the_audit_fails() -> None:
    """A manifest that is not the anchor's is no sitting of this audit."""
    report = audit(golden_source(), anchor=bytes(32))

    assert report.verdict is Verdict.FAILS
    assert report.anchor is Anchor.MISSED
    assert check_line(report, "SIT-01").status is Status.FAILED
    assert report.polls == ()


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_sitting_in_progress_stands(share: float) -> None:
    """However far the sitting has come, what is not due yet is no failure."""
    entries = golden().entries[: round(share * len(golden().entries))]
    report = audit(ListSource(list(entries), [recosigned(entries)]), anchor=golden().anchor)

    assert report.verdict is Verdict.STANDS
    assert report.sitting is not None
    assert "in progress" in report.sitting.stage


def test_the_report_is_json_with_sorted_keys() -> None:
    """Programs read the same report, and its bytes are the same every time."""
    data = audit(golden_source(), anchor=golden().anchor).to_json()
    parsed = json.loads(data)

    assert data == audit(golden_source(), anchor=golden().anchor).to_json()
    assert list(parsed) == sorted(parsed)
    assert parsed["verdict"] == "stands"
    assert parsed["checks"][0]["id"] == "ENT-01"
    assert parsed["polls"][0]["contests"][0]["options"][0]["label"] == "For"


def test_progress_reaches_the_end() -> None:
    """The callback is told of every block, and at last of all entries."""
    told: list[tuple[int, int]] = []
    audit(golden_source(), progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (len(golden().entries), len(golden().entries))
