"""The three ways of a bad ballot: refused at the door, excluded on the log, and no way to count it all the same.

For every fault, and for every theft of a ballot: (a) the board refuses it with the check; (b) a board that logs it
anyway changes nothing, every verifier excludes it with the same check, and the honest tally opens; (c) trustees and
presidium that count it are named, or fail the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, Party, RefusalError, SecballotError
from secballot.protocol.tallying import tally_id
from secballot.roles.delegate import ballot_entry
from tests.ballot_mutants import MUTATIONS, mutant
from tests.second_verifier import mark
from tests.simulator import TAGS, Simulator, resolution
from tests.stages import AGAINST, FOR, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.ballot import Ballot


def opened() -> tuple[Stream, str]:
    """Return a poll with three ballots of the first class, one of them a revote."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    stream.cast(stream.ballot(0, (AGAINST,), tag=TAGS[9]))
    mark(stream.board)
    return stream, note


def first_ballot(stream: Stream) -> Ballot:
    """Return what delegate 0 cast first, read from the log."""
    twin = Stream()
    twin.open(resolution())
    return twin.ballot(0, (FOR,))


def stolen(stream: Stream) -> Ballot:
    """Return delegate 1's ciphertexts under delegate 2's credential, signed by delegate 2."""
    return stream.resign(2, msgspec.structs.replace(stream.ballot(2, (FOR,)), contests=first_ballot(stream).contests))


def late_copy(stream: Stream) -> Ballot:
    """Return delegate 0's first ballot again."""
    return first_ballot(stream)


def over_voted(stream: Stream) -> Ballot:
    """Return two ballots' worth of ciphertexts under the proofs of one."""
    ballot = stream.ballot(2, (FOR,))
    ciphertexts = Ciphertexts.decode(ballot.contests[0].ciphertexts)
    doubled = msgspec.structs.replace(ballot.contests[0], ciphertexts=(ciphertexts + ciphertexts).encode())
    return stream.resign(2, msgspec.structs.replace(ballot, contests=(doubled,)))


BAD: dict[str, tuple[Callable[[Stream], Ballot], str]] = {
    **{
        f"one fault: {check}": (lambda s, check=check: mutant(s, 2, s.ballot(2, (FOR,)), [check]), check)  # type: ignore[misc]  # bound at once
        for check in sorted(set(MUTATIONS) - {"BAL-04"})
    },
    "a credential changed": (lambda s: mutant(s, 0, s.ballot(0, (FOR,)), ["BAL-04"]), "BAL-04"),
    "an old ballot replayed": (late_copy, "BAL-03"),
    "a ballot copied": (stolen, "BAL-12"),
    "a ballot doubled": (over_voted, "BAL-12"),
    "a credential of one registrar": (lambda s: s.mint(1, (FOR,), colluding=1), "BAL-08"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_ballot_counts_in_none_of_three_ways(name: str) -> None:
    """FS-07 to FS-15, BA-01 to BA-08, CR-03: refused, excluded, and no tally with it."""
    make, check = BAD[name]
    stream, note = opened()
    bad = make(stream)
    # (a) the board's door
    (answer,) = stream.board.submit([ballot_entry(bad)], now=stream.now)
    assert isinstance(answer, RefusalError)
    assert answer.check == check
    # (b) a board that does not care
    judgement = stream.cast(bad)
    assert (judgement.outcome.value, judgement.check, judgement.culprit) == ("excluded", check, NOBODY)
    stream.close(note)
    assert stream.poll().counted() == {1: 2}
    # (c) trustees who count it
    assert_no_tally_with(stream, bad)
    stream.decrypt(3, 4)
    result = stream.result()
    assert result.contests[0].counts == (2, 2, 0)
    assert stream.failures() == []
    # (c) a presidium that counts it
    counts = (4, 2, 0)
    wrong = msgspec.structs.replace(
        result, contests=(msgspec.structs.replace(result.contests[0], counts=counts, outcome="adopted"),)
    )
    assert stream.act("result", wrong).check == "RES-01"
    assert stream.failures() == ["RES-01"]


def assert_no_tally_with(stream: Stream, bad: Ballot) -> None:
    """Assert that a decryption of a tally that holds this ballot is a fault of the trustee who made it."""
    poll = stream.poll()
    assert poll.closing is not None
    try:
        aggregate = poll.aggregates[0] + Ciphertexts.decode(bad.contests[0].ciphertexts).scale(2)
    except SecballotError:
        aggregate = poll.aggregates[0] + poll.aggregates[0]
    leaves = [head.leaf for head in sorted(poll.heads.values(), key=lambda head: head.index)]
    other = tally_id(poll.ctx, poll.closing.leaf, [*leaves, stream.leaves()[-2]], aggregate)
    honest_id = stream.decryption(1, aggregates=aggregate)
    for body, check in ((stream.decryption(1, aggregates=aggregate, tally_id=other), "TAL-03"), (honest_id, "TAL-04")):
        judgement = stream.post(stream.keys.trustees[0], "decryption", body)
        assert (judgement.outcome.value, judgement.check) == ("fault", check)
        assert judgement.culprit == Party("trustee", 1)


def test_a_ballot_of_another_sitting_is_none() -> None:
    """FS-07: same question, same seats, same classes; ctx, keys and sitting are others, and each is enough."""
    other = Simulator(seed=b"another sitting").until_polls()
    other.rehearsal.open_poll(1, [resolution()])
    foreign = other.rehearsal.delegates[0].seal(1, (FOR,), TAGS[0]).cast()
    stream, _ = opened()
    assert stream.cast(foreign).check == "BAL-01"
    moved = msgspec.structs.replace(foreign, ctx=stream.poll().ctx)
    assert stream.cast(moved).check == "BAL-08"


def test_a_flood_of_bad_ballots_hides_nothing() -> None:
    """BA-11: between any number of bad ballots the good ones are found, in whatever order they stand."""
    stream, note = opened()
    good = [stream.ballot(who, (FOR,)) for who in (2, 3)]
    for ballot in good:
        for check in ("BAL-03", "BAL-08", "BAL-09", "BAL-13"):
            assert stream.cast(mutant(stream, 2, ballot, [check])).check == check
        assert stream.cast(ballot).outcome.value == "accepted"
    stream.close(note)
    stream.decrypt(1, 3)
    assert stream.result().contests[0].counts == (6, 2, 0)
