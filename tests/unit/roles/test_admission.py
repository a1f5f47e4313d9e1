"""The order of a batch: voters' entries change places among themselves, officials' stay, revotes keep theirs."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from secballot.records.ballot import Ballot, BallotContest
from secballot.records.document import Document
from secballot.records.entry import Entry
from secballot.roles.admission import SHUFFLED_KINDS, Arrival, arrange

if TYPE_CHECKING:
    import msgspec

CONTEST = BallotContest(challenges=b"", ciphertexts=b"", commitments=b"", responses=b"")
KINDS = [*SHUFFLED_KINDS, "document", "closing"]


def _ballot(credential: int, sequence: int) -> Ballot:
    return Ballot(
        class_index=1,
        commitment=bytes(32),
        contests=(CONTEST,),
        credential=bytes([credential]) * 32,
        ctx=bytes(32),
        previous=bytes(32),
        randomizers=b"",
        sequence=sequence,
        signatures=b"",
        tag="1234561234",
        response=bytes(32),
    )


def _arrival(number: int, kind: str, credential: int) -> Arrival:
    body: msgspec.Struct = Document(chunk=1, chunks=1, data="text", document=bytes(32))
    if kind == "ballot":
        body = _ballot(credential, number)
    data = b"%d" % number
    return Arrival(data, hashlib.sha256(data).digest(), Entry(kind, body, b"", b"", b""))


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2)), max_size=12), st.integers(0, 2**32))
def test_only_voters_entries_move_and_only_among_their_kind(batch: list[tuple[str, int]], seed: int) -> None:
    """Whatever the shuffle: nothing is lost, places keep their kind, officials' entries stay, revotes are in order."""
    arrivals = [_arrival(number, kind, credential) for number, (kind, credential) in enumerate(batch)]
    final = arrange(arrivals, random.Random(seed).shuffle)  # noqa: S311  # a test's shuffle
    assert sorted(arrival.data for arrival in final) == sorted(arrival.data for arrival in arrivals)
    assert [arrival.entry.kind for arrival in final] == [kind for kind, _ in batch]
    for before, after in zip(arrivals, final, strict=True):
        assert before.entry.kind in SHUFFLED_KINDS or before is after
    for credential in range(3):
        bodies = [arrival.entry.body for arrival in final]
        own = [b.sequence for b in bodies if isinstance(b, Ballot) and b.credential[0] == credential]
        assert own == sorted(own)


def test_every_shuffled_kind_is_handed_to_the_shuffle() -> None:
    """Each kind of voters' entries is permuted by the shuffle that is given; a shuffle that turns round shows it."""
    arrivals = [_arrival(number, kind, number) for number, kind in enumerate([*SHUFFLED_KINDS, *SHUFFLED_KINDS])]
    final = arrange(arrivals, lambda items: items.reverse())
    assert [arrival.data for arrival in final] == [b"3", b"4", b"5", b"0", b"1", b"2"]
