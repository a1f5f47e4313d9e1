"""The batch says of every ballot what the record machine says of it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.audit.replay import STRETCH_ENTRIES
from secballot.audit.replay import replay as replay_in_blocks
from secballot.errors import StoreError
from secballot.record import Judgement, Outcome, SittingRecord, read_entry
from secballot.record.ahead import Lookahead
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry, encode_body, encode_unsigned
from tests.simulator import golden, replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def in_blocks(entries: Sequence[bytes]) -> list[Judgement]:
    """Return what the replay in blocks says of every entry."""
    found: list[Judgement] = []
    record = SittingRecord(golden().anchor, fetch=lambda index: entries[index])
    for _ in replay_in_blocks(record, entries, lambda judgement, _data: found.append(judgement)):
        pass
    return found


def alone(entries: Sequence[bytes]) -> list[Judgement]:
    """Return what the machine says of every entry without any batch."""
    return replay(entries, golden().anchor)[1]


def kinds() -> list[str]:
    """Return the kind of every golden entry."""
    return [judgement.kind for judgement in golden().judgements]


def altered(entry: bytes, field: str, place: int) -> bytes:
    """Return the ballot with one bit of one field flipped; contests' fields are those of the first contest."""
    ballot = decode_entry(entry).body
    assert isinstance(ballot, Ballot)

    def flip(data: bytes) -> bytes:
        at = place % len(data)
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    if hasattr(ballot, field):
        changed = msgspec.structs.replace(ballot, **{field: flip(getattr(ballot, field))})
    else:
        contest = ballot.contests[0]
        first = msgspec.structs.replace(contest, **{field: flip(getattr(contest, field))})
        changed = msgspec.structs.replace(ballot, contests=(first, *ballot.contests[1:]))
    return encode_unsigned("ballot", encode_body("ballot", changed))


def planned(record: SittingRecord, block: Sequence[bytes]) -> set[int]:
    """Return the positions of the ballots that are verified ahead."""
    plan = Lookahead(record.state).plan([read_entry(data) for data in block])
    plan.run()
    return set(plan.verdicts)


FIELDS = [
    *("credential", "commitment", "response", "randomizers", "signatures", "previous", "ctx"),
    *("ciphertexts", "commitments", "challenges", "responses"),
]


def test_the_golden_sitting_is_judged_alike() -> None:
    """Nine ballots, one of them a revote, in one block with everything around them."""
    assert in_blocks(golden().entries) == list(golden().judgements)


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_spoilt_and_repeated_ballots_are_judged_alike(data: st.DataObject) -> None:
    """Among the ballots of a poll stand altered copies of others, anywhere: same outcomes, same first reasons."""
    entries = list(golden().entries[: kinds().index("closing")])
    opened = kinds().index("opening") + 2
    ballots = [entry for entry, kind in zip(entries, kinds(), strict=False) if kind == "ballot"]
    for _ in range(data.draw(st.integers(1, 4))):
        entry = data.draw(st.sampled_from(ballots))
        if data.draw(st.booleans()):
            entry = altered(entry, data.draw(st.sampled_from(FIELDS)), data.draw(st.integers(0, 10_000)))
        entries.insert(data.draw(st.integers(opened, len(entries))), entry)

    assert in_blocks(entries) == alone(entries)


@pytest.mark.parametrize("field", FIELDS)
def test_a_ballot_spoilt_in_one_field_is_excluded_and_its_successor_counts(field: str) -> None:
    """The right ballot that follows the spoilt copy in the same block is accepted all the same."""
    entries = list(golden().entries[: kinds().index("closing")])
    first = kinds().index("ballot")
    entries.insert(first, altered(entries[first], field, 3))
    found = in_blocks(entries)

    assert found[first].outcome is Outcome.EXCLUDED
    assert found[first + 1].outcome is Outcome.ACCEPTED
    assert found == alone(entries)


@pytest.mark.attack("PA-09")
def test_ballots_that_cannot_be_admitted_cost_no_proof() -> None:
    """Repetitions, ballots of no poll and other entries are left to the machine."""
    before, ballot = golden().entries[: kinds().index("ballot")], golden().entries[kinds().index("ballot")]
    record, _ = replay(before, golden().anchor)
    block = [b"junk", ballot, ballot, altered(ballot, "ctx", 0), b'{"kind":"ballot"}', before[0]]

    assert planned(record, block) == {1}
    assert planned(replay(before[:5], golden().anchor)[0], block) == set()


def test_what_was_read_before_the_trouble_is_judged() -> None:
    """A source that breaks off leaves the blocks before it."""
    entries = golden().entries

    def broken() -> Iterator[bytes]:
        yield from entries
        yield from [b"junk"] * STRETCH_ENTRIES
        raise StoreError("the disk is gone")

    record = SittingRecord(golden().anchor, fetch=lambda index: entries[index])
    with pytest.raises(StoreError, match="the disk is gone"):
        for _ in replay_in_blocks(record, broken(), lambda _judgement, _data: None):
            pass
    assert len(record) >= STRETCH_ENTRIES
