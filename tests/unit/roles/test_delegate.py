"""A delegate: registers, seals, casts or opens, comes back with another device, and objects."""

from __future__ import annotations

import pytest

from secballot.errors import PhaseError, RefusalError, VerificationError
from secballot.protocol.casting import check_opened
from secballot.protocol.phrase import Wallet, generate_phrase
from secballot.record.rolls import Requests
from secballot.records.credential import CredentialRequest
from secballot.records.entry import decode_entry
from secballot.roles.delegate import Delegate, ballot_entry
from secballot.roles.receipt import check_receipt
from tests.forked import fork
from tests.simulator import Simulator, election, resolution
from tests.stages import AGAINST, FOR, convened

TAG, OTHER_TAG = "3164225163", "6152243316"
BOTH = (FOR, (1, 0, 0))


@pytest.fixture
def delegate(simulator: Simulator) -> Delegate:
    """Return its first delegate."""
    return simulator.rehearsal.delegates[0]


def second_device(simulator: Simulator, delegate: Delegate) -> Delegate:
    """Return the same delegate on a device that knows nothing but the phrase."""
    return Delegate(delegate._wallet, simulator.rehearsal.view(), simulator.rehearsal)


def test_a_ballot_is_cast_and_found_again(simulator: Simulator, delegate: Delegate) -> None:
    """The tracker shown before casting is that of the entry on the log."""
    sealed = delegate.seal(1, BOTH, TAG)
    tracker = sealed.tracker
    promise = delegate.cast(sealed)
    simulator.rehearsal.witness()
    receipt = delegate.receipt(1)
    assert (receipt.tracker, receipt.index, receipt.tag) == (tracker, promise.index, TAG)
    assert check_receipt(receipt, delegate.view, TAG).number == 1


def test_a_second_device_goes_on_where_the_first_stopped(simulator: Simulator, delegate: Delegate) -> None:
    """The phrase and the log are enough: it revotes on top of the first ballot, and the receipt says so."""
    delegate.cast(delegate.seal(1, BOTH, TAG))
    simulator.rehearsal.witness()
    first = delegate.receipt(1)
    other = second_device(simulator, delegate)
    assert other.public_key == delegate.public_key
    other.cast(other.seal(1, (AGAINST, (0, 1, 0)), OTHER_TAG))
    simulator.rehearsal.witness()
    finding = check_receipt(other.receipt(1), other.view, OTHER_TAG)
    assert (finding.number, finding.of) == (2, 2)
    delegate.view.refresh()
    with pytest.raises(RefusalError, match="later ballot"):
        check_receipt(first, delegate.view, TAG)


@pytest.mark.attack("BA-03")
def test_two_devices_at_once_do_not_both_count(simulator: Simulator, delegate: Delegate) -> None:
    """BAL-03: what was sealed on the same head comes second, is refused, and says so."""
    other = second_device(simulator, delegate)
    one, two = delegate.seal(1, BOTH, TAG), other.seal(1, (AGAINST, (0, 0, 0)), OTHER_TAG)
    delegate.cast(one)
    with pytest.raises(RefusalError) as caught:
        other.cast(two)
    assert caught.value.check == "BAL-03"


def test_a_sealed_ballot_is_cast_or_opened_once(delegate: Delegate, simulator: Simulator) -> None:
    """BA-13: an opened ballot cannot be cast, a cast one cannot be opened, neither can be either again."""
    opened, cast = delegate.seal(1, BOTH, TAG), delegate.seal(1, BOTH, OTHER_TAG)
    shown = opened.open()
    for again in (lambda: delegate.cast(opened), opened.open, opened.cast):
        with pytest.raises(PhaseError):
            again()
    assert len(simulator.board.record.state.polls[1].heads) == 0
    delegate.cast(cast)
    for again in (lambda: delegate.cast(cast), cast.open):
        with pytest.raises(PhaseError):
            again()
    context = simulator.board.record.state.polls[1].context
    check_opened(context, shown, opened.tracker)
    with pytest.raises(VerificationError):
        check_opened(context, shown, cast.tracker)


def test_a_ballot_needs_an_open_poll(simulator: Simulator, delegate: Delegate) -> None:
    """Not opened is refused, closed is out of phase."""
    with pytest.raises(RefusalError):
        delegate.seal(2, BOTH, TAG)
    simulator.rehearsal.close_poll(1)
    with pytest.raises(PhaseError):
        delegate.seal(1, BOTH, TAG)
    with pytest.raises(RefusalError, match="no accepted ballot"):
        delegate.receipt(1)


@pytest.mark.parametrize(
    "choices", [(FOR,), (FOR, (1, 1, 1)), ((1, 1, 0), (0, 0, 0)), ((2, 0, 0), (0, 0, 0)), ((0, 0, 0), (0, 0, 0))]
)
def test_choices_keep_the_limits(delegate: Delegate, choices: tuple[tuple[int, ...], ...]) -> None:
    """Refused on the device, before anything is encrypted."""
    with pytest.raises(RefusalError):
        delegate.seal(1, choices, TAG)


@pytest.mark.parametrize("tag", ["", "1111111111", "1234561234", "316422516", "3164225167", "31642251634"])
def test_a_tag_is_ten_thrown_digits(delegate: Delegate, tag: str) -> None:
    """BA-05: no default, no pattern that others may choose too."""
    with pytest.raises(RefusalError):
        delegate.seal(1, BOTH, tag)


def test_a_tag_that_is_on_the_log_is_known(simulator: Simulator, delegate: Delegate) -> None:
    """BA-05: the delegate is warned before a clash could be made of it."""
    assert not delegate.tag_is_known(1, TAG)
    other = simulator.rehearsal.delegates[1]
    other.cast(other.seal(1, BOTH, TAG))
    assert not delegate.tag_is_known(1, TAG)
    simulator.rehearsal.witness()
    assert delegate.tag_is_known(1, TAG)
    assert not delegate.tag_is_known(1, OTHER_TAG)


def test_a_dropped_ballot_has_no_receipt(simulator: Simulator, delegate: Delegate) -> None:
    """BA-16: a promise is no receipt, and neither is an entry that no witness has seen."""
    entry = ballot_entry(delegate.seal(1, BOTH, TAG).cast())
    simulator.board.promise(entry, len(simulator.board.entries), simulator.rehearsal.now)
    simulator.rehearsal.witness()
    with pytest.raises(RefusalError, match="no accepted ballot"):
        delegate.receipt(1)
    simulator.board.force(entry)
    with pytest.raises(RefusalError, match="no accepted ballot"):
        delegate.receipt(1)
    simulator.rehearsal.witness()
    assert delegate.receipt(1)


def test_a_broken_promise_becomes_an_objection(simulator: Simulator, delegate: Delegate) -> None:
    """POL-07: promise and ballot are all that the delegate needs."""
    ballot = delegate.seal(1, BOTH, TAG).cast()
    promise = simulator.board.promise(ballot_entry(ballot), len(simulator.board.entries), simulator.rehearsal.now)
    other = simulator.rehearsal.delegates[1]
    other.cast(other.seal(1, BOTH, OTHER_TAG))
    simulator.rehearsal.witness()
    with pytest.raises(RefusalError) as caught:
        delegate.object(1, ballot, promise)
    assert caught.value.check == "ENT-06"
    simulator.rehearsal.close_poll(1)
    delegate.object(1, ballot, promise)
    assert simulator.board.record.state.polls[1].status == "void"


def test_strangers_and_those_who_did_not_register_have_no_credential(simulator: Simulator) -> None:
    """Another phrase, or the right one under another label, is on no roll."""
    stranger = Delegate(
        Wallet(generate_phrase(b"\7" * 32), "rehearsal"), simulator.rehearsal.view(), simulator.rehearsal
    )
    for act in (stranger.request_credentials, lambda: stranger.seal(1, BOTH, TAG)):
        with pytest.raises(RefusalError, match="roll"):
            act()


def test_requests_are_posted_once() -> None:
    """One entry for both polls; asked again, a device posts nothing, and a second device neither."""
    size = next(j.index for j in convened().board.judgements if j.kind == "credential-request")
    simulator = fork(size=size)
    simulator.rehearsal.witness()
    delegate = simulator.rehearsal.delegates[0]
    (promise,) = delegate.request_credentials()
    body = decode_entry(simulator.board.entries[promise.index]).body
    assert isinstance(body, CredentialRequest)
    assert len(body.blinded) == simulator.board.manifest.polls
    simulator.rehearsal.witness()
    assert delegate.request_credentials() == []
    assert second_device(simulator, delegate).request_credentials() == []


def test_a_delegate_that_did_not_register_cannot_vote() -> None:
    """The roll alone is no credential."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution(), election()])
    delegate = simulator.rehearsal.delegates[0]
    delegate.view.refresh()
    registration = delegate.view.state.registrations[0]
    registration.requests = Requests(registration.roll)
    with pytest.raises(RefusalError, match="did not register"):
        delegate.seal(1, BOTH, TAG)
