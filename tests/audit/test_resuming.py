"""An audit that begins where the last one ended says what one says that begins at the first entry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.audit import verifier
from secballot.audit.report import Verdict
from secballot.audit.verifier import audit
from secballot.errors import EncodingError, StoreError
from tests.audit.every_kind import every_kind
from tests.audit.sources import ListSource, recosigned
from tests.audit.test_replay import altered, kinds
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secballot.audit.report import Report


@dataclass
class Counting(ListSource):
    """A log that tells which entries were read in order, but for the first few that are searched for the manifest."""

    first: int | None = None

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries, and note where the last reading began."""
        self.first = start
        return iter(self.log[start:stop])


@dataclass
class Streaming(ListSource):
    """A log that is read in order, and never an entry by itself."""

    def entry(self, index: int) -> bytes:
        """Refuse."""
        raise StoreError(f"entry {index} cannot be read by itself")


def log(size: int, entries: Sequence[bytes] | None = None) -> Counting:
    """Return the golden log, or another, up to a size, under one checkpoint."""
    entries = list(golden().entries if entries is None else entries)[:size]
    return Counting(entries, [recosigned(entries)])


def run(source: ListSource, verified: bytes | None = None) -> tuple[Report, bytes | None]:
    """Return the report, and what is kept for the next audit."""
    kept: list[bytes] = []
    report = audit(source, anchor=golden().anchor, verified=verified, keep=kept.append)
    return report, kept[0] if kept else None


@cache
def kept_at(size: int) -> bytes:
    """Return what an audit of the golden log up to this size keeps."""
    report, kept = run(log(size))
    assert report.verdict is Verdict.STANDS
    assert kept is not None
    return kept


def test_every_prefix_leads_to_the_same_report() -> None:
    """Wherever the last audit ended, once the manifest stood: the same report of the whole, and what is new is read."""
    total = len(golden().entries)
    expected, kept = run(log(total))
    for size in range(2, total):
        source = log(total)
        report, again = run(source, kept_at(size))
        assert report == expected, size
        assert again == kept, size
        assert source.first == size


def test_an_audit_goes_on_step_by_step() -> None:
    """From checkpoint to checkpoint, each from what the one before kept."""
    verified = None
    total = len(golden().entries)
    for size in (*range(2, total, 9), total):
        report, verified = run(log(size), verified)
        assert report == run(log(size))[0], size
    assert report.verdict is Verdict.STANDS


def test_excluded_entries_stay_listed() -> None:
    """What an earlier audit refused is in the report of a later one."""
    entries = list(golden().entries)
    first = kinds().index("ballot")
    entries[first:first] = [altered(entries[first], "responses", 3), b"junk"]
    _, verified = run(log(first + 4, entries))
    report, _ = run(log(len(entries), entries), verified)
    assert report == run(log(len(entries), entries))[0]
    assert [line.check for line in report.excluded.entries] == ["BAL-12"]
    assert report.without_effect.entries[0].check == "ENT-01"


def test_another_log_of_the_same_sitting_is_verified_from_its_beginning() -> None:
    """The state is of a log that forks from this one: nothing of it is used."""
    entries = list(golden().entries)
    first = kinds().index("ballot")
    forked = [*entries[:first], *entries[first + 1 :]]
    _, verified = run(log(first + 3, forked))
    source = log(len(entries))
    report, kept = run(source, verified)
    assert (report, kept) == run(log(len(entries)))
    assert source.first == 0


def handed_over(*extra: bytes, before: bool) -> tuple[ListSource, int]:
    """Return the log of every kind, or only what is before its handover, with more entries, and where that begins."""
    log = every_kind()
    entries, first = list(log.entries), next(i for i, entry in enumerate(log.entries) if b'"handover"' in entry)
    entries = [*(entries[:first] if before else entries), *extra]
    notes = [log.cosign(entries, successor=not before), log.cosign(entries[:first], successor=False)]
    return ListSource(entries, notes), first


@pytest.mark.parametrize("was_handed_over", [True, False])
def test_another_logs_keys_are_not_in_force(was_handed_over: bool) -> None:
    """A handover on one log changes whose checkpoints count there, and nowhere else."""
    anchor, more = every_kind().anchor, [b"more %d" % number for number in range(12)]
    kept: list[bytes] = []
    source, first = handed_over(*more[: 0 if was_handed_over else 1], before=not was_handed_over)
    assert audit(source, anchor=anchor, keep=kept.append).verdict is Verdict.STANDS

    other, _ = handed_over(*more, before=was_handed_over)
    report = audit(other, anchor=anchor, verified=kept[0])
    assert report == audit(other, anchor=anchor)
    assert report.log.size == len(other.log) > first


def test_another_log_whose_earlier_ballots_are_needed_is_verified() -> None:
    """A revote takes out the ballot before it, which this log has and the state does not know."""
    entries = list(golden().entries)
    ballots = [index for index, kind in enumerate(kinds()) if kind == "ballot"]
    # The same ballots in another order: the revote, which comes last, finds its predecessor elsewhere.
    forked = [*entries[: ballots[0]], entries[ballots[1]], entries[ballots[0]], *entries[ballots[2] : ballots[-1]]]
    _, verified = run(log(len(forked), forked))
    assert run(log(len(entries)), verified) == run(log(len(entries)))


def test_a_source_that_fails_afterwards_changes_neither_the_report_nor_what_is_kept() -> None:
    """A superseded ballot of an open poll need not be read again: not for a verdict, nor to keep what was verified."""
    entries = list(golden().entries[: kinds().index("closing")])
    report, kept = run(Streaming(entries, [recosigned(entries)]))
    assert report.verdict is Verdict.STANDS
    assert (report, kept) == run(log(len(entries)))
    assert kept is not None
    assert run(log(len(golden().entries)), kept) == run(log(len(golden().entries)))


def test_an_older_log_than_the_state_is_verified_from_its_beginning() -> None:
    """A source that is behind shows less than was seen: said by comparing checkpoints, not hidden here."""
    size = kinds().index("ballot")
    assert run(log(size), kept_at(size + 5))[0] == run(log(size))[0]


def test_a_state_of_another_sitting_or_anchor_is_refused() -> None:
    """By name, before anything of it is used."""
    other = every_kind()
    source = ListSource(list(other.entries), [other.checkpoint])
    foreign: list[bytes] = []
    assert audit(source, anchor=other.anchor, keep=foreign.append).verdict is Verdict.STANDS
    with pytest.raises(EncodingError, match="another trust anchor"):
        run(log(len(golden().entries)), foreign[0])

    without: list[bytes] = []
    audit(source, keep=without.append)
    with pytest.raises(EncodingError, match="another sitting"):
        audit(log(len(golden().entries)), verified=without[0])
    with pytest.raises(EncodingError, match="another trust anchor"):
        run(log(len(golden().entries)), without[0])


def test_bytes_that_are_no_state_are_refused() -> None:
    """Any bytes at all give our own error: they should not get here, and say nothing if they do."""
    good = kept_at(2)
    broken = [b"", b"junk", good[: len(good) // 2], msgspec.msgpack.encode([1, 2]), good + b"\0"]
    for data in broken:
        with pytest.raises(EncodingError):
            run(log(5), data)


def test_only_a_record_that_stands_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that fails, nor one that could not be checked."""
    entries = list(golden().entries)
    contradicted = ListSource(entries, [recosigned(entries), recosigned([*entries[:-1], b"other"])])
    report, kept = run(contradicted)
    assert (report.verdict, kept) == (Verdict.FAILS, None)
    report, kept = run(ListSource(entries[:-1], [recosigned(entries)]))
    assert (report.verdict, kept) == (Verdict.UNCHECKED, None)
    monkeypatch.setattr(verifier, "_keepsake", lambda _: pytest.fail("nothing is saved for nobody"))
    assert audit(log(5), anchor=golden().anchor).verdict is Verdict.STANDS
