"""Receipts: that and where a ballot is, checked with the tag that the delegate remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import EncodingError, RefusalError, SecballotError, StoreError
from secballot.roles.delegate import ballot_entry
from secballot.roles.receipt import RECEIPT, Receipt, check_receipt, make_receipt
from tests.ballot_mutants import mutant
from tests.forked import fork
from tests.simulator import TAGS, Simulator, resolution
from tests.stages import AGAINST, FOR, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.roles.view import WitnessedView


@pytest.fixture
def simulator() -> Simulator:
    """Return an open poll in which two delegates have voted."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution()])
    for who in range(2):
        delegate = simulator.rehearsal.delegates[who]
        delegate.cast(delegate.seal(1, (FOR,), TAGS[who]))
    simulator.rehearsal.witness()
    return simulator


@pytest.fixture
def receipt(simulator: Simulator) -> Receipt:
    """Return the receipt of the first delegate."""
    return simulator.rehearsal.delegates[0].receipt(1)


def fresh(simulator: Simulator) -> WitnessedView:
    """Return what anybody else sees."""
    view = simulator.rehearsal.view()
    view.refresh()
    return view


@pytest.mark.attack("BA-04")
def test_a_receipt_says_number_count_root_and_witnesses(simulator: Simulator, receipt: Receipt) -> None:
    """Never only `included`: number k of k, counted or not yet, under which root, by whose signatures."""
    view = fresh(simulator)
    finding = check_receipt(receipt, view, TAGS[0])
    assert (finding.number, finding.of, finding.counted, finding.status) == (1, 1, False, "open")
    assert view.checkpoint is not None
    assert (finding.root, finding.tree_size) == (view.checkpoint.checkpoint.root, view.size)
    assert len(finding.witnesses) >= simulator.board.manifest.witnesses.quorum
    simulator.rehearsal.close_poll(1)
    after = check_receipt(receipt, fresh(simulator), TAGS[0])
    assert (after.counted, after.status) == (True, "closed")


def test_a_receipt_shows_no_choice_and_survives_its_encoding(receipt: Receipt) -> None:
    """Canonical JSON of six fields."""
    assert RECEIPT.decode(RECEIPT.encode(receipt)) == receipt
    assert set(msgspec.to_builtins(receipt)) == {"index", "poll", "proof", "sitting_id", "tag", "tracker"}


def test_another_tag_is_another_delegates_ballot(simulator: Simulator, receipt: Receipt) -> None:
    """BA-05: a device that shows one ballot to two voters is found out by the second one's tag."""
    with pytest.raises(RefusalError, match="tag"):
        check_receipt(receipt, fresh(simulator), TAGS[1])


def test_a_superseded_receipt_is_refused(simulator: Simulator, receipt: Receipt) -> None:
    """BA-04: whoever voted again in the delegate's name shows in it, also after the closing."""
    delegate = simulator.rehearsal.delegates[0]
    delegate.cast(delegate.seal(1, (AGAINST,), TAGS[9]))
    assert check_receipt(receipt, fresh(simulator), TAGS[0])
    simulator.rehearsal.witness()
    for _ in range(2):
        with pytest.raises(RefusalError, match="later ballot"):
            check_receipt(receipt, fresh(simulator), TAGS[0])
        if simulator.board.record.state.polls[1].status == "open":
            simulator.rehearsal.close_poll(1)


WRONG: dict[str, tuple[Callable[[Receipt, Receipt], Receipt], type[SecballotError]]] = {
    "another sitting": (lambda r, _: msgspec.structs.replace(r, sitting_id=bytes(32)), RefusalError),
    "another tracker": (lambda r, _: msgspec.structs.replace(r, tracker=bytes(32)), RefusalError),
    "another entry": (lambda r, _: msgspec.structs.replace(r, index=0), RefusalError),
    "another ballot's place": (lambda r, o: msgspec.structs.replace(r, index=o.index), RefusalError),
    "an entry ahead of the log": (lambda r, _: msgspec.structs.replace(r, index=10**6), StoreError),
    "another ballot's proof": (lambda r, o: msgspec.structs.replace(r, proof=o.proof), RefusalError),
    "no proof": (lambda r, _: msgspec.structs.replace(r, proof="proof"), EncodingError),
    "a proof without witnesses": (
        lambda r, _: msgspec.structs.replace(r, proof="\n".join(r.proof.split("\n")[:-4]) + "\n"),
        SecballotError,
    ),
    "a proof with another root": (lambda r, _: msgspec.structs.replace(r, proof=_other_root(r.proof)), SecballotError),
}


def _other_root(proof: str) -> str:
    lines = proof.split("\n")
    at = lines.index("") + 3
    lines[at] = "A" * 43 + "="
    return "\n".join(lines)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_receipt_is_refused(wrong: str, simulator: Simulator, receipt: Receipt) -> None:
    """Sitting, tracker, index and proof are checked, each against the log."""
    other = simulator.rehearsal.delegates[1].receipt(1)
    change, error = WRONG[wrong]
    bad = change(receipt, other)
    assert bad != receipt
    with pytest.raises(error):
        check_receipt(bad, fresh(simulator), TAGS[0])


def test_an_excluded_ballot_has_no_receipt(simulator: Simulator) -> None:
    """On the log is not in the vote: an excluded ballot is found, and refused."""
    stream = Stream()
    stream.board = simulator.board
    bad = mutant(stream, 2, stream.ballot(2, (FOR,)), ["BAL-09"])
    simulator.board.force(ballot_entry(bad))
    simulator.rehearsal.witness()
    view = fresh(simulator)
    poll = view.state.polls[1]
    receipt = make_receipt(view, poll, view.size - 1)
    with pytest.raises(RefusalError, match="not accepted"):
        check_receipt(receipt, view, bad.tag)


def test_a_receipt_is_made_for_ballots_of_the_poll_only(simulator: Simulator) -> None:
    """Another entry, and a view that has seen nothing, give none."""
    view = fresh(simulator)
    with pytest.raises(RefusalError):
        make_receipt(view, view.state.polls[1], 3)
    blind = simulator.rehearsal.view()
    with pytest.raises(SecballotError):
        make_receipt(blind, view.state.polls[1], 3)
