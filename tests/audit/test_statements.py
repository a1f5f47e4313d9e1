"""What is verified ahead: each statement once, by whoever has the company for it, and nothing of it again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secballot.audit import replay
from secballot.audit.verifier import audit
from secballot.record import answers, registration, setup
from secballot.record.statements import Acceptable, Answered, Blinded, Signed
from secballot.record.work import Confirmed, StatementJob, run_job
from secballot.records.credential import CredentialIssue, CredentialRequest
from secballot.records.entry import decode_entry
from secballot.records.roll import RollChunk
from tests.audit.sources import golden_source
from tests.audit.test_workers import Doing, report_on
from tests.simulator import golden

if TYPE_CHECKING:
    from secballot.record.statements import Statement


def bodies(kind: type) -> list[Any]:
    """Return the golden sitting's bodies of a kind, each once, however many have signed it."""
    found = (decode_entry(data).body for data in golden().entries)
    return list(dict.fromkeys(body for body in found if isinstance(body, kind)))


def refuse(*_: object, **__: object) -> None:
    """Stand for a check that nobody should need."""
    raise AssertionError("verified again")


@pytest.mark.parametrize("entries", [1, 3, 1_024])
def test_each_statement_is_verified_once(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ahead of the machine and nowhere else, in stretches of any length, for an act of several signers once in all."""
    expected = report_on(golden_source())
    monkeypatch.setattr(replay, "STRETCH_ENTRIES", entries)
    planned: list[Statement] = []

    def answer(job: Any) -> object:  # noqa: ANN401  # any job
        planned.extend(job.statements if isinstance(job, StatementJob) else ())
        return run_job(job)

    for module, name in (
        (setup, "check_verify_keys"),
        (answers, "check_all_roots"),
        (registration, "check_expected_answer"),
    ):
        monkeypatch.setattr(module, name, refuse)
    report = audit(golden_source(), anchor=golden().anchor, executor=Doing(answer))

    assert report == expected
    kinds = Counter(type(one) for one in planned)
    requests, issues = bodies(CredentialRequest), bodies(CredentialIssue)
    assert kinds[Acceptable] == len(bodies(RollChunk))
    assert kinds[Blinded] == sum(len(body.blinded) for body in requests)
    assert kinds[Signed] == len(requests) + len(issues)
    values = [one.signatures for one in planned if isinstance(one, Answered)]
    assert sum(map(len, values)) == sum(len(answer.signatures) for body in issues for answer in body.answers)
    assert len(set(planned)) == len(planned)


def test_every_statement_is_needed() -> None:
    """What an executor denies of good statements, the machine verifies itself: the report is the same."""
    denied: Counter[type] = Counter()

    def deny(job: Any) -> object:  # noqa: ANN401  # any job
        if not isinstance(job, StatementJob):
            return run_job(job)
        denied.update(type(one) for one in job.statements)
        return Confirmed(len(job.statements), frozenset(range(len(job.statements))))

    assert report_on(golden_source(), Doing(deny)) == report_on(golden_source())
    assert set(denied) == {Acceptable, Answered, Blinded, Signed}


def test_statements_that_do_not_hold_are_doubtful() -> None:
    """Every kind, spoilt in each of its fields, beside good ones that stay what they are."""
    planned: list[Statement] = []

    def answer(job: Any) -> object:  # noqa: ANN401  # any job
        planned.extend(job.statements if isinstance(job, StatementJob) else ())
        return run_job(job)

    report_on(golden_source(), Doing(answer))
    good = [next(one for one in planned if isinstance(one, kind)) for kind in (Acceptable, Answered, Blinded, Signed)]
    found = run_job(StatementJob(tuple(good)))
    assert isinstance(found, Confirmed)
    assert found == Confirmed(len(good), frozenset())
    for one in good:
        for field, value in msgspec.structs.asdict(one).items():
            shorter = (value[:-1], value[1:]) if field != "sitting_id" else ()
            for wrong in (*shorter, value[:-1] + _other(value[-1:])):
                spoilt = msgspec.structs.replace(one, **{field: wrong})
                found = run_job(StatementJob((*good, spoilt)))
                assert isinstance(found, Confirmed)
                if isinstance(one, Blinded):  # values of one modulus are examined together
                    assert len(good) in found.doubtful or _harmless(field, wrong, value)
                else:
                    assert found == Confirmed(len(good) + 1, frozenset({len(good)})), (one, field)


def _other(last: Any) -> Any:  # noqa: ANN401  # a text or bytes of length one
    return chr(ord(last) ^ 1) if isinstance(last, str) else bytes([last[0] ^ 1])


def _harmless(field: str, wrong: Any, value: Any) -> bool:  # noqa: ANN401  # bytes
    """Tell whether a spoilt value is still one that blinding can give: any unit is."""
    return field in {"item", "moduli"} and len(wrong) == len(value)
