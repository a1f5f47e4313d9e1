"""A delegate's device: registers, seals, decides once, delivers; lost, restored, and in a race with a second one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from secballot.board.merkle import leaf_hash
from secballot.encoding import b64encode
from secballot.errors import (
    EncodingError,
    PhaseError,
    RefusalError,
    StoreError,
    TransportError,
)
from secballot.protocol.casting import check_opened
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.receipt import check_receipt
from secballot.roles.remote import KeptError
from secballot.roles.submission import BrokenPromiseError, ballot_in, submit
from secballot.roles.voting import VotingDevice
from secballot.roles.wallet import DelegateWallet
from tests.forked import fork
from tests.stages import AGAINST, FOR, convened
from tests.wallets import OTHER_TAG, PASSPHRASE, TAG, THIRD_TAG, Board, Time, contents, make_device

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.records.promise import Promise
    from tests.simulator import Simulator

BOTH, OTHER = (FOR, (1, 0, 0)), (AGAINST, (0, 1, 0))


def _with_places(device: VotingDevice, simulator: Simulator, *places: Board) -> VotingDevice:
    return VotingDevice(device.wallet, simulator.rehearsal.view(), places)


def test_a_ballot_is_sealed_cast_and_delivered(device: VotingDevice, simulator: Simulator) -> None:
    """The tracker shown before is the one on the log; with the receipt the entry is no longer kept."""
    work = device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    time = Time(then=simulator.rehearsal.witness)
    receipt = device.deliver(cast, time.waiting())
    assert receipt.tracker == work.tracker == cast.tracker
    assert check_receipt(receipt, device.view, TAG).number == 1
    kept = device.wallet.state().cast_with(work.tracker)
    assert kept is not None
    assert (kept.the_receipt(), kept.entry, kept.unsent) == (receipt, b"", False)
    assert kept.the_promise() is not None
    with pytest.raises(RefusalError, match="has arrived"):
        device.deliver(kept)


def test_the_same_bytes_are_sent_until_they_are_witnessed(device: VotingDevice, simulator: Simulator) -> None:
    """A dead place, one that keeps, then the board: one entry; a new process goes on with what the file has."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    dead = Board(simulator, "is dead")
    with pytest.raises(TransportError):
        _with_places(device, simulator, dead).deliver(cast, Time().waiting(20))
    keeps = Board(simulator, "keeps")
    with pytest.raises(KeptError):
        _with_places(device, simulator, keeps).deliver(cast, Time().waiting(20))
    takes = Board(simulator)
    with pytest.raises(KeptError, match="promised"):
        _with_places(device, simulator, takes).deliver(cast, Time().waiting(20))
    assert set(dead.seen + keeps.seen + takes.seen) == {cast.entry}
    assert len(dead.seen) > 1
    again = DelegateWallet.open(device.wallet._box.path, PASSPHRASE)
    (kept,) = (work for work in again.state().cast if work.unsent)
    assert kept.the_promise() is not None
    simulator.rehearsal.witness()
    fresh = VotingDevice(again, simulator.rehearsal.view(), [Board(simulator, "is dead")])
    assert fresh.deliver(kept, Time().waiting()).tracker == cast.tracker


def test_a_broken_promise_is_evidence(device: VotingDevice, simulator: Simulator) -> None:
    """The board promises and drops: as soon as a witnessed checkpoint shows it, there is a file for strangers."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    other = simulator.rehearsal.delegates[1]

    def go_on() -> None:
        other.cast(other.seal(1, BOTH, OTHER_TAG))
        simulator.rehearsal.witness()

    time = Time(then=go_on)
    with pytest.raises(BrokenPromiseError) as caught:
        _with_places(device, simulator, Board(simulator, "drops")).deliver(cast, time.waiting())
    assert check_evidence(decode_evidence(caught.value.evidence), simulator.board.anchor).kind == "broken-promise"
    kept = device.wallet.state().cast_with(cast.tracker)
    assert kept is not None
    assert kept.unsent
    assert kept.the_promise() is not None


def test_a_promise_not_kept_in_time_is_taken_to_the_next_place(device: VotingDevice, simulator: Simulator) -> None:
    """After the maximum delay, the same bytes go to another place first."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    drops, takes = Board(simulator, "drops"), Board(simulator)
    time = Time(then=lambda: simulator.rehearsal.witness() if takes.seen else None)
    _with_places(device, simulator, drops, takes).deliver(cast, time.waiting(500))
    assert (len(drops.seen), len(takes.seen)) == (1, 1)


def test_a_board_that_promises_for_ever_keeps_no_ballot_from_drop_boxes(
    device: VotingDevice, simulator: Simulator
) -> None:
    """A delay of centuries is not waited for; and in the next run, short as it may be, another place comes first."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)

    class Patient(Board):
        """Promises far away in place and time."""

        def post(self, entry: bytes) -> Promise:
            """Answer with such a promise."""
            return replace(super().post(entry), index=2**40, maximum_delay=2**40)

    board, box = Patient(simulator, "drops"), Board(simulator, "keeps")
    with pytest.raises(KeptError):
        _with_places(device, simulator, board, box).deliver(cast, Time().waiting(40))
    assert (len(board.seen), len(box.seen)) == (1, 1)
    kept = device.wallet.state().cast_with(cast.tracker)
    assert kept is not None
    with pytest.raises(KeptError):
        _with_places(device, simulator, board, box).deliver(kept, Time().waiting(1))
    assert (len(board.seen), len(box.seen)) == (1, 2)


def test_an_opened_ballot_is_checked_elsewhere_and_never_posted(device: VotingDevice, simulator: Simulator) -> None:
    """What is shown gives every byte but z; what remains in the file cannot give z, and the board has nothing."""
    work = device.seal(1, BOTH, TAG)
    opened = device.open(1)
    context = simulator.board.record.state.polls[1].context
    check_opened(context, opened.ballot(), work.tracker)
    assert b64encode(work.fresh).encode() not in contents(device.wallet)
    with pytest.raises(PhaseError):
        device.cast(1)
    assert not simulator.board.record.state.polls[1].heads
    again = device.seal(1, BOTH, TAG)
    assert again.seed != work.seed
    assert again.tracker != work.tracker


def test_cast_goes_on_in_another_process(device: VotingDevice, simulator: Simulator) -> None:
    """The kept ballot is made again byte for byte, from the file and the log."""
    work = device.seal(1, BOTH, TAG)
    other = VotingDevice(
        DelegateWallet.open(device.wallet._box.path, PASSPHRASE), simulator.rehearsal.view(), [simulator.rehearsal]
    )
    cast = other.cast(1)
    assert ballot_in(cast.entry).tracker() == work.tracker
    with pytest.raises(PhaseError):
        device.open(1)


def test_a_sealed_ballot_that_comes_out_otherwise_is_not_used(device: VotingDevice) -> None:
    """A wallet whose kept choices were changed makes no ballot under the tracker that was shown."""
    work = device.seal(1, BOTH, TAG)
    device.wallet._box.update(lambda data: data.replace(b"[[1,0,0],[1,0,0]]", b"[[0,1,0],[1,0,0]]"))
    assert device.wallet.state().sealed_in(1) != work
    for act in (device.cast, device.open):
        with pytest.raises(StoreError, match="another tracker"):
            act(1)
    assert not device.wallet.state().cast


def test_the_device_lost_after_voting(device: VotingDevice, simulator: Simulator, tmp_path: Path) -> None:
    """From phrase and log: the same credentials, the own ballots with receipts, and the next number."""
    device.seal(1, BOTH, TAG)
    first = device.deliver(device.cast(1), Time(then=simulator.rehearsal.witness).waiting())
    restored = make_device(tmp_path / "restored", simulator)
    restored.view.refresh()
    (found,) = restored.recover()
    assert (found.tracker, found.index, found.tag) == (first.tracker, first.index, TAG)
    assert restored.recover() == []
    work = restored.seal(1, OTHER, OTHER_TAG)
    assert (work.sequence, work.previous) == (1, leaf_hash(simulator.board.entries[first.index]))
    second = restored.deliver(restored.cast(1), Time(then=simulator.rehearsal.witness).waiting())
    finding = check_receipt(second, restored.view, OTHER_TAG)
    assert (finding.number, finding.of) == (2, 2)
    device.view.refresh()
    assert [receipt.tracker for receipt in device.recover()] == [second.tracker]


def test_the_device_lost_after_registering(tmp_path: Path) -> None:
    """Its request is on the log; the restored device posts nothing, and has the credential."""
    size = next(j.index for j in convened().board.judgements if j.kind == "credential-request")
    simulator = fork(size=size)
    simulator.rehearsal.witness()
    device = make_device(tmp_path / "wallet", simulator)
    assert device.unrequested() == 0
    (promise,) = device.register()
    assert simulator.board.entries[promise.index] == convened().board.entries[size]
    simulator.rehearsal.witness()
    restored = make_device(tmp_path / "restored", simulator)
    assert restored.register() == []
    assert restored.unrequested() == 0
    late = make_device(tmp_path / "late", simulator, 1)
    late.view.refresh()
    assert late.unrequested() == simulator.board.manifest.polls
    for officer in simulator.rehearsal.needed_officers():
        officer.close_registration()
    simulator.rehearsal.witness()
    with pytest.raises(RefusalError, match="are over"):
        late.register()


def test_two_devices_racing(device: VotingDevice, simulator: Simulator, tmp_path: Path) -> None:
    """Both seal on one head. One arrives; the other finds it on the log, gives up, and can vote on top of it."""
    other = make_device(tmp_path / "other", simulator)
    one, two = device.seal(1, BOTH, TAG), other.seal(1, OTHER, OTHER_TAG)
    assert (one.sequence, one.previous) == (two.sequence, two.previous)
    cast, too_late = device.cast(1), other.cast(1)
    device.deliver(cast, Time(then=simulator.rehearsal.witness).waiting())
    with pytest.raises(RefusalError, match="another device") as caught:
        other.deliver(too_late, Time().waiting())
    assert caught.value.check == "BAL-03"
    kept = other.wallet.state().cast_with(too_late.tracker)
    assert kept is not None
    assert kept.given_up
    again = other.seal(1, OTHER, THIRD_TAG)
    assert again.sequence == 1
    other.deliver(other.cast(1), Time(then=simulator.rehearsal.witness).waiting())
    assert device.seal(1, BOTH, TAG).sequence == 2


def test_a_race_lost_before_the_decision(device: VotingDevice, simulator: Simulator, tmp_path: Path) -> None:
    """What was sealed on an old head is dropped when it is to be cast; opened, it still can be."""
    other = make_device(tmp_path / "other", simulator)
    for act in (device.cast, device.open):
        device.seal(1, BOTH, TAG)
        other.seal(1, OTHER, OTHER_TAG)
        other.deliver(other.cast(1), Time(then=simulator.rehearsal.witness).waiting())
        if act == device.open:
            assert act(1)
            continue
        with pytest.raises(RefusalError, match="dropped"):
            act(1)
        assert device.wallet.state().sealed_in(1) is None


def test_a_refusal_by_the_board_alone_is_not_believed(device: VotingDevice, simulator: Simulator) -> None:
    """BAL-03 by word of mouth: the log shows no other ballot, so this one is kept and sent again."""
    device.seal(1, BOTH, TAG)
    cast = device.cast(1)
    with pytest.raises(RefusalError):
        _with_places(device, simulator, Board(simulator, "refuses")).deliver(cast, Time().waiting())
    kept = device.wallet.state().cast_with(cast.tracker)
    assert kept is not None
    assert kept.unsent
    with pytest.raises(RefusalError, match="still on its way"):
        device.seal(1, BOTH, OTHER_TAG)
    device.deliver(kept, Time(then=simulator.rehearsal.witness).waiting())
    assert device.seal(1, BOTH, OTHER_TAG).sequence == 1


def test_sealing_needs_an_open_poll_a_tag_and_room(device: VotingDevice, simulator: Simulator) -> None:
    """Refused before anything is encrypted; and no more ballots than the manifest allows."""
    for number, choices, tag in ((2, BOTH, TAG), (1, (FOR,), TAG), (1, BOTH, "1111111111")):
        with pytest.raises(RefusalError):
            device.seal(number, choices, tag)
    assert not device.wallet.state().sealed
    time = Time(then=simulator.rehearsal.witness)
    for tag in (TAG, OTHER_TAG, THIRD_TAG):
        device.seal(1, BOTH, tag)
        device.deliver(device.cast(1), time.waiting())
    with pytest.raises(RefusalError, match="3 ballots"):
        device.seal(1, BOTH, TAG)


def test_after_the_closing_a_sealed_ballot_can_only_be_opened(device: VotingDevice, simulator: Simulator) -> None:
    """It was no vote, and the test of the device is still worth something."""
    device.seal(1, BOTH, TAG)
    simulator.rehearsal.close_poll(1)
    with pytest.raises(PhaseError, match="only be opened"):
        device.cast(1)
    assert device.open(1)
    with pytest.raises(PhaseError, match="is closed"):
        device.seal(1, BOTH, TAG)


def test_a_machine_without_a_network_seals_and_casts(device: VotingDevice, simulator: Simulator) -> None:
    """The entry goes by memory stick, and is submitted without any wallet."""
    offline = VotingDevice(device.wallet, simulator.rehearsal.view())
    offline.seal(1, BOTH, TAG)
    cast = offline.cast(1)
    with pytest.raises(StoreError, match="no board"):
        offline.deliver(cast, Time().waiting(10))
    promises: list[Promise] = []
    time = Time(then=simulator.rehearsal.witness)
    receipt = submit(
        cast.entry, simulator.rehearsal.view(), [simulator.rehearsal], keep=promises.append, waiting=time.waiting()
    )
    assert [promise.index for promise in promises] == [receipt.index]
    for data in (b"", b"{}", simulator.board.entries[0]):
        with pytest.raises(EncodingError):
            submit(data, simulator.rehearsal.view(), [simulator.rehearsal], keep=promises.append)
