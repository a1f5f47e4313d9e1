"""The three ways of a bad ballot: refused at the door, excluded on the log, and no way to count it all the same.

(a) The board refuses it with the check. (b) A board that logs it anyway changes nothing: every verifier excludes it
with the same check and names nobody, and the honest tally opens. (c) Whoever counts it all the same is named: a
trustee's document over such a tally is that trustee's fault, and the presidium's result with it fails the record, with
evidence that a stranger can check.

    counts_in_none_of_three_ways(copied, "BAL-12")

The second verifier judges every log again when the test is over (`tests.second_verifier`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, Party, RefusalError, SecballotError
from secballot.protocol.tallying import tally_id
from secballot.records.entry import decode_entry, signing_message
from secballot.records.result import RESULT
from secballot.roles.delegate import ballot_entry
from secballot.signing import VerifyKey, verify
from tests.second_verifier import mark
from tests.simulator import TAGS, replay, resolution
from tests.stages import AGAINST, FOR, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.record import Judgement
    from secballot.records.ballot import Ballot

    Fault = Callable[[Stream], Ballot | bytes]
    """Makes the bad ballot, or the bad bytes of an entry, for the poll that is open on this log."""

HONEST: Final = (2, 2, 0)
"""What each contest of the honest ballots comes to: both delegates are of the class that weighs 2."""


def opened(contests: int = 1) -> tuple[Stream, str]:
    """Return a poll of so many contests, all alike, with three ballots of the first class, one of them a revote."""
    stream = Stream()
    note = stream.open(*(resolution(f"Declaration {number}") for number in range(contests)))
    stream.vote((FOR,) * contests, (FOR,) * contests)
    stream.cast(stream.ballot(0, (AGAINST,) * contests, tag=TAGS[9]))
    mark(stream.board)
    return stream, note


def counts_in_none_of_three_ways(fault: Fault, check: str, *, contests: int = 1) -> None:
    """Try a bad ballot at the board's door, on the log, and in a tally.

    Args:
        fault: makes it.
        check: the check that it must fail, at the door and on the log.
        contests: of the poll.
    """
    stream, note = opened(contests)
    bad = fault(stream)
    entry = bad if isinstance(bad, bytes) else ballot_entry(bad)
    # (a) the board's door
    size = len(stream.board.entries)
    (answer,) = stream.board.submit([entry], now=stream.now)
    assert isinstance(answer, RefusalError)
    assert (answer.check, len(stream.board.entries)) == (check, size)
    # (b) a board that does not care
    judgement = stream.board.force(entry)
    expected = ("no effect", None) if isinstance(bad, bytes) else ("excluded", NOBODY)
    assert (judgement.outcome.value, judgement.check) == (expected[0], check)
    assert judgement.culprit in {NOBODY, None}
    stream.close(note)
    assert stream.poll().counted() == {1: 2}
    # (c) trustees who count it, and after them a presidium
    assert_no_tally_with(stream, bad)
    for contest in range(1, contests + 1):
        stream.decrypt(3, 4, contest=contest)
    assert [contest.counts for contest in stream.result().contests] == [HONEST] * contests
    assert stream.failures() == []
    assert_no_result_with(stream)
    # a stranger with nothing but the log comes to the same
    record, judgements = replay(stream.board.entries, stream.board.anchor)
    assert judgements == stream.board.judgements
    assert [failure.check for failure in record.state.failures] == ["RES-01"]


def assert_no_tally_with(stream: Stream, bad: Ballot | bytes) -> None:
    """Assert that a decryption of a tally that holds this ballot is a fault of the trustee who made it."""
    poll = stream.poll()
    assert poll.closing is not None
    first = poll.aggregates[0]
    try:
        contests = () if isinstance(bad, bytes) else bad.contests
        aggregate = first + Ciphertexts.decode(contests[0].ciphertexts).scale(2)
    except (SecballotError, ValueError, IndexError):  # it holds no ciphertexts of the contest: another sum stands in
        aggregate = first + first
    leaves = [head.leaf for head in sorted(poll.heads.values(), key=lambda head: head.index)]
    other = tally_id(poll.ctx, poll.closing.leaf, [*leaves, stream.leaves()[-2]], aggregate)
    as_the_tally = stream.decryption(1, aggregates=aggregate)
    as_another = stream.decryption(1, aggregates=aggregate, tally_id=other)
    for body, check in ((as_another, "TAL-03"), (as_the_tally, "TAL-04")):
        judgement = stream.post(stream.keys.trustees[0], "decryption", body)
        assert_shown_by_its_entry(stream, judgement, check, Party("trustee", 1))


def assert_shown_by_its_entry(stream: Stream, judgement: Judgement, check: str, culprit: Party) -> None:
    """Assert a fault, and that its entry alone shows who posted it: signed by the key that the manifest gives them."""
    assert (judgement.outcome.value, judgement.check, judgement.culprit) == ("fault", check, culprit)
    entry = decode_entry(stream.board.entries[judgement.index])
    assert entry.signer == stream.manifest.trustees.keys[culprit.index - 1]
    message = signing_message(entry.kind, stream.board.anchor, entry.body_bytes)
    verify(VerifyKey(entry.signer), message, entry.signature)


def assert_no_result_with(stream: Stream) -> None:
    """Assert that a result with two votes more fails the record, and that the evidence names those who signed it."""
    result = stream.result()
    counts = (HONEST[0] + 2, *HONEST[1:])
    first = msgspec.structs.replace(result.contests[0], counts=counts, outcome="adopted")
    wrong = msgspec.structs.replace(result, contests=(first, *result.contests[1:]))
    assert stream.act("result", wrong).check == "RES-01"
    (failure,) = stream.board.record.state.failures
    assert (failure.check, failure.index) == ("RES-01", len(stream.board.entries) - 1)
    assert RESULT.decode(failure.evidence) == wrong
    signers = []
    for bytes_ in stream.board.entries[-len(stream.officers) :]:
        entry = decode_entry(bytes_)
        assert entry.body_bytes == failure.evidence
        verify(
            VerifyKey(entry.signer), signing_message("result", stream.board.anchor, failure.evidence), entry.signature
        )
        signers.append(entry.signer)
    assert signers == [key.verify_key.encode() for key in stream.officers]
