"""What a drop box holds against a poll: good ballots that came in time and that the log lacks, and objections.

Source: SPEC.md#partial-decryption, SPEC.md#objection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.records.ballot import Ballot
from secballot.records.closing import Objection
from secballot.records.entry import decode_entry
from secballot.roles.trustee import DroppedBallot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from secballot.record.state import PollState
    from secballot.roles.view import WitnessedView
    from secballot.store.dropbox import DropStore


def held_against(
    stores: Iterable[DropStore], view: WitnessedView, poll: PollState
) -> tuple[list[DroppedBallot], list[bytes]]:
    """Return ballots and objections of a poll that drop boxes hold and the log does not; whether they are good is open.

    Args:
        stores: the drop boxes, of the same sitting.
        view: a verified view of the log.
        poll: the poll.

    Raises:
        StoreError: a drop box does not answer.
        EncodingError: it holds something else than entries.
    """
    history = view.state.history
    logged = {history.leaf(index) for index in range(len(history))}
    ballots, objections = [], []
    for store in stores:
        for held in store.entries(("ballot", "objection")):
            body = decode_entry(held.data).body
            if held.leaf in logged or not isinstance(body, Ballot | Objection) or body.ctx != poll.ctx:
                continue
            if isinstance(body, Ballot):
                ballots.append(DroppedBallot(held.data, held.received))
            else:
                objections.append(held.data)
    return ballots, objections
