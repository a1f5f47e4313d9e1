"""What a delegate's tool must not take on trust: that the device commits first, and that the board says so.

Source: SPEC.md#sealing, SPEC.md#receipts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.board.inclusion import TlogProof
from secballot.board.note import Note
from secballot.errors import PhaseError, PolicyError, VerificationError
from secballot.protocol.casting import check_opened
from secballot.roles.delegate import ballot_entry
from secballot.roles.receipt import check_receipt
from tests.forked import fork
from tests.simulator import TAGS, resolution
from tests.stages import FOR, Stream

if TYPE_CHECKING:
    from secballot.roles.receipt import Receipt
    from tests.simulator import Simulator


def test_the_tracker_is_fixed_before_the_delegate_decides() -> None:
    """BA-15: two devices in one state show one tracker; cast or opened, each ends in that tracker, or in nothing.

    Before the decision the sealed ballot shows the tracker and nothing else, and there is no second decision.
    """
    stream = Stream()
    stream.open(resolution())
    first, second = (stream.seal(0, (FOR,)) for _ in range(2))
    assert first.tracker == second.tracker
    shown = [name for name in dir(first) if not name.startswith("_")]
    assert shown == ["cast", "open", "tracker"]
    cast, opened = first.cast(), second.open()
    assert cast.tracker() == first.tracker
    check_opened(stream.poll().context, opened, second.tracker)
    for sealed in (first, second):
        for again in (sealed.cast, sealed.open):
            with pytest.raises(PhaseError):
                again()


def voted() -> tuple[Simulator, Receipt]:
    """Return a poll in which one delegate has voted, and their receipt."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution()])
    delegate = simulator.rehearsal.delegates[0]
    delegate.cast(delegate.seal(1, (FOR,), TAGS[0]))
    simulator.rehearsal.witness()
    return simulator, delegate.receipt(1)


def test_the_boards_word_alone_is_no_receipt() -> None:
    """BA-16: a proof under the board's signature alone, or under fewer witnesses than the quorum, is refused."""
    simulator, receipt = voted()
    view = simulator.rehearsal.view()
    view.refresh()
    proof = TlogProof.decode(receipt.proof.encode())
    note = Note.decode(proof.checkpoint)
    quorum = simulator.board.manifest.witnesses.quorum
    assert len(note.signatures) > quorum
    for kept in range(1, quorum + 1):  # the board's own line, and less than the quorum
        bare = TlogProof(proof.index, proof.hashes, Note(note.text, note.signatures[:kept]).encode())
        with pytest.raises(PolicyError):
            check_receipt(msgspec.structs.replace(receipt, proof=bare.encode().decode()), view, TAGS[0])
    without_board = TlogProof(proof.index, proof.hashes, Note(note.text, note.signatures[1:]).encode())
    with pytest.raises((PolicyError, VerificationError)):
        check_receipt(msgspec.structs.replace(receipt, proof=without_board.encode().decode()), view, TAGS[0])
    assert check_receipt(receipt, view, TAGS[0]).number == 1


def test_a_ballot_that_is_merely_logged_is_not_cast() -> None:
    """BA-04, BA-16: on the log is not counted; a board that logs a ballot without its z has given it no place."""
    stream = Stream()
    stream.open(resolution())
    ballot = stream.ballot(0, (FOR,))
    judgement = stream.board.force(ballot_entry(msgspec.structs.replace(ballot, response=bytes(32))))
    assert (judgement.outcome.value, judgement.check) == ("excluded", "BAL-09")
    assert stream.poll().heads == {}
