"""A poll of three ballots, and a ballot that the board promised a place and dropped: where tests of endings begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.records.closing import Objection
from secballot.records.entry import encode_body, encode_unsigned
from secballot.roles.delegate import ballot_entry
from tests.second_verifier import mark
from tests.simulator import TAGS, resolution
from tests.stages import AGAINST, FOR, Stream, verdict

if TYPE_CHECKING:
    from secballot.records.ballot import Ballot
    from secballot.records.promise import Promise


def voted() -> tuple[Stream, str]:
    """Return a poll with three ballots of the first class, and a note over its opening."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,), (AGAINST,))
    mark(stream.board)
    return stream, note


def dropped(stream: Stream) -> tuple[Ballot, Promise]:
    """Return a ballot that the board promised a place, which it then gave to another's revote."""
    lost, other = stream.ballot(3, (FOR,)), stream.ballot(0, (AGAINST,), tag=TAGS[9])
    promise = stream.board.promise(ballot_entry(lost), len(stream.board.entries), stream.now)
    stream.cast(other)
    return lost, promise


def objecting(stream: Stream, ballot: Ballot, promise: Promise, ctx: bytes = b"") -> tuple[str, str | None]:
    """Return what an objection does."""
    body = Objection(ballot, ctx or ballot.ctx, promise)
    return verdict(stream.board.force(encode_unsigned("objection", encode_body("objection", body))))
