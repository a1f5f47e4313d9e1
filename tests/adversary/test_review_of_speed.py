"""What a hostile review of the quick ways found: entries that cost a reader too much, a source that lies late.

What is planned, grouped or read again is not verified yet, and whoever made it may be nobody's friend.
"""

from __future__ import annotations

import tracemalloc

import pytest

from secballot.audit import findings, repeats
from secballot.audit.repeats import Repeats
from secballot.audit.verifier import audit
from secballot.board.merkle import leaf_hash
from secballot.record import read_entry
from secballot.record.ahead import Lookahead
from secballot.record.statements import Signed
from secballot.record.work import StatementJob
from secballot.records.credential import Answer, CredentialIssue, CredentialRequest
from secballot.records.entry import decode_entry, encode_body, encode_signed
from tests.audit.sources import ListSource
from tests.audit.test_cautions import repeating, source_of
from tests.record_stage import Stage

EMPTY_ITEMS = 21_000
"""Items without a byte: as many as an entry holds."""

A_LITTLE = 1_000_000
"""Bytes: more than anything planned for one small entry takes."""


class LaterLiar(ListSource):
    """A mirror that gives every entry while they are read in order, and other bytes when one is asked for again."""

    lie: bytes = b""

    def entry(self, index: int) -> bytes:
        """Return something else than the entry."""
        del index
        return self.lie


def test_an_issue_that_answers_a_request_of_many_empty_items_is_planned_for_nothing() -> None:
    """Neither is signed: with key names alone anybody could make every reader compare millions of nothings."""
    stage = Stage.after("registration")
    roll = stage.state.registrations[-1].roll
    asked = CredentialRequest(blinded=(b"",) * EMPTY_ITEMS, first_poll=1, registration=1)
    request = encode_signed("credential-request", encode_body("credential-request", asked), next(iter(roll)), bytes(64))
    answers = (Answer(request=leaf_hash(request), signatures=b""),) * 100
    answered = encode_body("credential-issue", CredentialIssue(answers=answers, registration=1))
    issue = encode_signed("credential-issue", answered, stage.manifest.registrars[0], bytes(64))

    ahead = Lookahead(stage.state, every_statement=True)
    ahead.plan([read_entry(request)])
    tracemalloc.start()
    try:
        plan = ahead.plan([read_entry(issue)])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < A_LITTLE
    ((job, positions),) = plan.jobs
    assert positions == ()
    assert isinstance(job, StatementJob)
    assert [type(one) for one in job.statements] == [Signed]


@pytest.mark.parametrize(
    "lie",
    [b"", b'{"ciphertexts":"A"}', b'"ciphertexts":"' + b"A" * 88 + b'"', b"\xff" * 70_000],
    ids=["nothing", "no base64", "one element", "much"],
)
def test_a_source_that_lies_when_elements_are_compared_shows_nothing(lie: bytes) -> None:
    """The audit ends with its verdict, and says of no ballot what only the source says of it."""
    stream = repeating()
    honest = source_of(stream)
    expected = audit(honest, anchor=stream.board.anchor)
    assert expected.warnings
    source = LaterLiar(stream.board.entries, list(honest.checkpoint_notes()))
    source.lie = lie
    report = audit(source, anchor=stream.board.anchor)
    assert (report.verdict, report.words, report.warnings) == (expected.verdict, expected.words, ())


def test_a_source_that_swaps_ballots_when_elements_are_compared_blames_no_others() -> None:
    """Any entry given again is held against the one that was judged."""
    stream = repeating()
    entries = stream.board.entries
    ballots = [at for at, data in enumerate(entries) if decode_entry(data).kind == "ballot"]
    source = LaterLiar(entries, list(source_of(stream).checkpoint_notes()))
    source.lie = entries[ballots[0]]
    assert audit(source, anchor=stream.board.anchor).warnings == ()


@pytest.mark.parametrize("at_once", [1, 2, 7, 1_000])
def test_elements_are_compared_in_shares(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few are sorted at a time, the same ballots are named, and only what is repeated is looked at whole."""
    entries = repeating().board.entries
    ballots = [data for data in entries if decode_entry(data).kind == "ballot"]
    assert len(ballots) == 2
    seen = Repeats()
    for index, data in enumerate(ballots):
        seen.add(index, data)
    monkeypatch.setattr(repeats, "SORTED_AT_ONCE", at_once)
    assert seen.found(ballots.__getitem__) == [((0, 1), 2)]


def test_a_report_lists_no_more_sets_of_ballots_than_of_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delegate that repeats elements across many ballots makes no report without end."""
    stream = repeating()
    monkeypatch.setattr(findings, "LISTED", 0)
    assert audit(source_of(stream), anchor=stream.board.anchor).warnings == ()
