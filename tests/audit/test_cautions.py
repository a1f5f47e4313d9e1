"""What an audit warns of although nothing is wrong: counts that show votes, and ballots with shared randomness."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from secballot.audit.repeats import Repeats
from secballot.audit.report import Report, Verdict, WarningLine
from secballot.audit.verifier import audit, audit_log
from secballot.roles.delegate import ballot_entry
from secballot_cli.render import report_text
from tests.adversary.ballot_forger import Forger
from tests.audit.sources import ListSource, golden_source
from tests.simulator import golden, resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream

if TYPE_CHECKING:
    from secballot.protocol.casting import Choices


def source_of(stream: Stream) -> ListSource:
    """Return the log of a stream under one checkpoint."""
    return ListSource(list(stream.board.entries), [stream.note(stream.now + 9_999).encode()])


def audited(stream: Stream) -> Report:
    """Return the report on a log, which stands."""
    report = audit(source_of(stream), anchor=stream.board.anchor)
    assert report.verdict is Verdict.STANDS
    return report


def decided(*votes: Choices) -> Stream:
    """Return a finished poll of one contest in which these choices were made."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote(*votes)
    stream.close(note)
    stream.decrypt(1, 2, 3)
    return stream


def repeating(*, within: bool = False) -> Stream:
    """Return a poll in which delegate 1 uses the randomness of delegate 0, or delegate 0 the same one twice."""
    stream = Stream()
    stream.open(resolution())
    for who, values in enumerate(([1, 0, 0], [0, 1, 0])):
        randomness = [5, 5, 6] if within else [5, 6, 7 + 10 * who]
        forger = Forger(stream.poll().context, stream.ballot(who, (FOR,)), values, randomness)
        assert stream.cast(stream.resign(who, forger.prove())).outcome.value == "accepted"
        if within:
            break
    return stream


def kinds(report: Report) -> list[str]:
    """Return the kinds of the warnings."""
    return [line.kind for line in report.warnings]


def test_a_mixed_result_warns_of_nothing() -> None:
    """The golden sitting's first contest divides its voters; what is said of the second, everybody can count."""
    report = audit(golden_source(), anchor=golden().anchor)
    assert [line.contest for line in report.warnings if line.kind == "few-ballots"] == [2]
    assert "unanimous" not in kinds(report)


def test_a_unanimous_result_shows_every_vote() -> None:
    """TL-11: all for, and the report says that this is how each of them voted."""
    report = audited(decided((FOR,), (FOR,)))
    few, all_alike = report.warnings
    assert (few.kind, few.poll, few.contest) == ("few-ballots", 1, 1)
    assert "only 2 ballots are counted" in few.words
    assert (all_alike.kind, all_alike.poll, all_alike.contest, all_alike.entries) == ("unanimous", 1, 1, ())
    assert "“For”" in all_alike.words
    assert "how everybody voted" in all_alike.words


def test_a_divided_result_of_few_warns_of_that_alone() -> None:
    """TL-11: two voters who differ know of each other."""
    assert kinds(audited(decided((FOR,), (AGAINST,)))) == ["few-ballots"]


def test_enough_who_differ_warn_of_nothing() -> None:
    """From five ballots on, divided, there is nothing to remark upon; of a result without a vote there is."""
    assert kinds(audited(decided(*[(FOR,)] * 7, (AGAINST,)))) == []
    assert kinds(audited(decided(*[(FOR,)] * 8))) == ["unanimous"]
    (line,) = audited(decided(*[(ABSTAIN,)] * 8)).warnings
    assert "gave all they could to “Abstain”" in line.words


def test_an_open_poll_warns_of_nothing() -> None:
    """Before there are counts nothing is shown."""
    stream = Stream()
    stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    assert audited(stream).warnings == ()


def test_ballots_with_shared_randomness_are_named() -> None:
    """EN-06: two credentials, one α: both ballots count, and the report names them."""
    stream = repeating()
    (line,) = audited(stream).warnings
    size = len(stream.board.entries)
    assert (line.kind, line.poll, line.contest, line.entries) == ("repeated-element", None, None, (size - 2, size - 1))
    assert f"entries {size - 2}, {size - 1} share 2 ciphertext elements" in line.words


def test_a_ballot_that_repeats_itself_is_named() -> None:
    """EN-06: the same randomness for two options of one ballot tells whether they got the same."""
    stream = repeating(within=True)
    (line,) = audited(stream).warnings
    at = len(stream.board.entries) - 1
    assert line.entries == (at, at)
    assert f"the ballot of entry {at} repeats 1 ciphertext element:" in line.words


def test_a_resumed_audit_warns_of_the_same() -> None:
    """What was seen of ballots before is kept with what was verified."""
    stream = repeating()
    kept: list[bytes] = []
    first = ListSource(
        stream.board.entries[:-1], [stream.note(stream.now, size=len(stream.board.entries) - 1).encode()]
    )
    assert audit_log(first, anchor=stream.board.anchor, keep=kept.append).report.warnings == ()
    again = audit_log(source_of(stream), anchor=stream.board.anchor, verified=kept[-1]).report
    assert again.warnings == audited(stream).warnings != ()


def test_warnings_are_in_the_json() -> None:
    """Programs read them as people do."""
    report = audited(decided((FOR,), (FOR,)))
    held = json.loads(report.to_json())["warnings"]
    assert [WarningLine(**{**line, "entries": tuple(line["entries"])}) for line in held] == list(report.warnings)
    shown = report_text(report)
    assert all(f"Warning: {line.words}." in shown for line in report.warnings)


def test_elements_that_only_begin_alike_are_not_named() -> None:
    """Four bytes decide what is looked at, and 32 what is said: anybody can make the former alike."""
    stream = Stream()
    stream.open(resolution())
    ballot = ballot_entry(stream.ballot(0, (FOR,)))
    repeats = Repeats()
    repeats.add(0, ballot)
    repeats.add(1, ballot)
    assert repeats.found([ballot, ballot].__getitem__) == [((0, 1), 3)]
    assert repeats.found([ballot, ballot_entry(stream.ballot(1, (FOR,)))].__getitem__) == []
