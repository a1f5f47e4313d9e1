"""A trustee reads its own drop box against the log: what was dropped stops it, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from secballot.errors import RefusalError
from secballot.records.closing import Objection
from secballot.records.entry import decode_entry, encode_body, encode_unsigned
from secballot.records.manifest import MANIFEST
from secballot.roles.delegate import ballot_entry
from secballot.roles.held import held_against
from secballot.store.dropbox import Arriving, DropStore
from tests.forked import closed_poll, fork
from tests.stages import FOR, Stream

if TYPE_CHECKING:
    from pathlib import Path


def test_its_own_drop_box_is_read_against_the_log(tmp_path: Path) -> None:
    """Dropped ballots and objections come from the box's database; what is logged, or of another poll, does not."""
    simulator = fork(closed_poll())
    simulator.rehearsal.now += simulator.plan.objection_period + 1
    trustee = simulator.rehearsal.trustees[0]
    stream = Stream()
    stream.board = simulator.board
    entry = ballot_entry(stream.ballot(1, (FOR, (1, 0, 0)), tag="3164225163"))
    index = simulator.board.record.state.polls[1].index + 1
    promise = simulator.board.promise(entry, index, simulator.rehearsal.now)
    board, poll = simulator.board, simulator.board.record.state.polls[1]
    deadline = poll.closes_at - board.manifest.log.maximum_delay
    body = Objection(decode_entry(entry).body, poll.ctx, promise)  # type: ignore[arg-type]  # a ballot
    objection = encode_unsigned("objection", encode_body("objection", body))
    other = encode_unsigned("objection", encode_body("objection", replace(body, ctx=bytes(32))))
    logged = next(e for e in board.entries if b'"kind":"ballot"' in e)
    arriving = [
        *(Arriving(data, "ballot", deadline) for data in (entry, logged)),
        *(Arriving(data, "objection", deadline) for data in (objection, other)),
        Arriving(board.entries[0], "manifest", deadline),
    ]
    trustee.view.refresh()
    with DropStore.create(tmp_path / "box.db", MANIFEST.encode(board.manifest)) as store:
        store.keep(arriving, entries=9, size=10**6)
        dropped, objections = held_against([store], trustee.view, poll)
    assert ([one.entry for one in dropped], objections) == ([entry], [objection])
    now = simulator.rehearsal.now
    with pytest.raises(RefusalError, match="missing"):
        trustee.decrypt(1, now=now, drop_box=dropped)
    with pytest.raises(RefusalError, match="objection"):
        trustee.decrypt(1, now=now, objections=objections)
    assert trustee.decrypt(1, now=now)
