"""An executor that answers garbage: whoever verifies elsewhere is trusted for what it says, not for saying it well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from secballot.record.work import BallotsFound, Confirmed, StatementJob, run_job
from tests.audit.sources import golden_source
from tests.audit.test_workers import Doing, report_on

if TYPE_CHECKING:
    from collections.abc import Callable

GARBLED: dict[str, Callable[[BallotsFound], Any]] = {
    "nothing": lambda _: BallotsFound({}, {}),
    "a class less": lambda found: replace(found, sums=dict(list(found.sums.items())[1:])),
    "a class that is none": lambda found: replace(found, sums={**found.sums, 99: b""}),
    "sums cut short": lambda found: replace(found, sums={at: data[:-1] for at, data in found.sums.items()}),
    "a ciphertext less": lambda found: replace(found, sums={at: data[:-64] for at, data in found.sums.items()}),
    "a ciphertext more": lambda found: replace(found, sums={at: data + bytes(64) for at, data in found.sums.items()}),
    "no encodings": lambda found: replace(found, sums={at: b"\xff" * len(data) for at, data in found.sums.items()}),
    "no bytes": lambda found: replace(found, sums=dict.fromkeys(found.sums, "sum")),  # type: ignore[arg-type]
    "no sums": lambda found: replace(found, sums=None),  # type: ignore[arg-type]  # that is the point
    "no errors": lambda found: replace(found, errors=None),  # type: ignore[arg-type]
    "errors that are none": lambda found: replace(found, errors={0: "BAL-12"}),  # type: ignore[dict-item]
    "errors in a list": lambda found: replace(found, errors=[]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", GARBLED)
def test_a_garbled_verdict_on_ballots_is_no_verdict(name: str) -> None:
    """The block is verified here: no traceback, nothing admitted unseen, and the same report."""
    answered = 0

    def answer(job: Any) -> object:  # noqa: ANN401  # any job
        nonlocal answered
        found = run_job(job)
        if isinstance(found, BallotsFound):
            answered += 1
            return GARBLED[name](found)
        return found

    assert report_on(golden_source(), Doing(answer)) == report_on(golden_source())
    assert answered


@pytest.mark.parametrize("doubtful", [None, 0, "", [0], {"0": 1}])
def test_a_garbled_answer_on_statements_is_none(doubtful: Any) -> None:  # noqa: ANN401  # anything
    """The machine verifies them itself."""

    def answer(job: Any) -> object:  # noqa: ANN401  # any job
        return Confirmed(len(job.statements), doubtful) if isinstance(job, StatementJob) else run_job(job)

    assert report_on(golden_source(), Doing(answer)) == report_on(golden_source())
