"""With the log at hand a drop box tells voters from anybody: bad ballots stay outside, and junk finds less room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from msgspec.structs import replace

from secballot.errors import InvalidProofError, StoreError, TransportError
from secballot.net.dropbox_server import DropBoxServer
from secballot.net.limits import ServiceLimits
from secballot.record.parties import Parties
from secballot.record.state import RegistrationState
from secballot.records.ballot import Ballot
from secballot.records.closing import Objection
from secballot.records.credential import CredentialRequest
from secballot.records.entry import decode_entry, encode_body, encode_unsigned
from secballot.records.manifest import MANIFEST
from secballot.roles.dropbox import DropBox
from secballot.roles.dropbox_gate import Gate, Standing
from secballot.roles.view import WitnessedView
from secballot.store.dropbox import DropStore
from tests.loopback import serving
from tests.sealed_ballots import ONE_OF_THREE, make_context
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST, ballot, document, open_poll, public, signed
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from secballot.records.promise import Promise

CONTEXT = make_context(ONE_OF_THREE)
LOG = View(entries(1), sizes=(3,))
GOOD = ballot(CONTEXT, 1)


def _body(entry: bytes) -> Ballot:
    body = decode_entry(entry).body
    assert isinstance(body, Ballot)
    return body


def _entry(body: Ballot) -> bytes:
    return encode_unsigned("ballot", encode_body("ballot", body))


BAD = _entry(replace(_body(GOOD), tag="6152243316"))
UNKNOWN = _entry(replace(_body(GOOD), ctx=bytes(32)))


@pytest.fixture
def view() -> WitnessedView:
    """Return a view of a log in which a poll is open, and one key is on the roll."""
    made = WitnessedView(LOG, SITTING_ID)
    made.refresh()
    open_poll(made.state, CONTEXT)
    registration = RegistrationState(1)
    registration.roll.add(public("delegate 1"), 1)
    made.state.registrations.append(registration)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DropStore]:
    """Return an empty drop box."""
    with DropStore.create(tmp_path / "box.db", MANIFEST.encode(SMALL_MANIFEST)) as made:
        yield made


class Away:
    """A board that is not there."""

    def offer(self, entry: bytes) -> Promise:
        """Answer nothing."""
        raise TransportError(f"down: {len(entry)}")


def _objection(body: Ballot) -> bytes:
    given = promise(_entry(body), 3)
    return encode_unsigned("objection", encode_body("objection", Objection(body, body.ctx, given)))


def _request(name: str) -> bytes:
    return signed("credential-request", CredentialRequest(blinded=(), first_poll=1, registration=1), name)


def test_the_gate_tells_who_stands_before_it(view: WitnessedView) -> None:
    """Officials by their keys, voters by proof or roll; what a poll's opening refutes is refused for good."""
    parties = Parties(SMALL_MANIFEST)
    looked = [document(1), GOOD, _objection(_body(GOOD)), UNKNOWN, _objection(_body(UNKNOWN))]
    found = Gate(parties, SITTING_ID, view).look(
        [decode_entry(entry) for entry in (*looked, BAD, _objection(_body(BAD)))]
    )
    assert found[:5] == [Standing.OFFICIAL, Standing.VOTER, Standing.VOTER, Standing.ANYBODY, Standing.ANYBODY]
    assert [type(error) for error in found[5:]] == [InvalidProofError] * 2
    without = Gate(parties, SITTING_ID).look([decode_entry(entry) for entry in (*looked, BAD)])
    assert without == [Standing.OFFICIAL, *[Standing.ANYBODY] * 5]


def test_a_ballot_of_the_log_makes_no_objection_of_a_stranger(view: WitnessedView) -> None:
    """Anybody can copy a ballot from the log; without the board's promise of it, what is around it is anybody's."""
    body = _body(GOOD)
    given = promise(GOOD, 3)
    false = [
        replace(given, index=4),
        promise(GOOD, 3, "somebody"),
        promise(ballot(CONTEXT, 2), 3),
        promise(GOOD, 3, sitting_id=bytes(32)),
    ]
    made = [encode_body("objection", Objection(body, body.ctx, one)) for one in (given, *false)]
    found = Gate(Parties(SMALL_MANIFEST), SITTING_ID, view).look(
        [decode_entry(encode_unsigned("objection", one)) for one in made]
    )
    assert found == [Standing.VOTER, *[Standing.ANYBODY] * 4]


def test_one_delegates_requests_are_limited(view: WitnessedView, store: DropStore) -> None:
    """A key on the roll signs as many requests as it likes, and fills nobody else's room with them."""
    limits = ServiceLimits(key_rate=0.01, key_burst=2)
    box = DropBox(store, [Away()], view=view)
    try:
        with serving(DropBoxServer(box, limits, interval=60).app) as url:
            requests = [CredentialRequest(blinded=(), first_poll=at, registration=1) for at in (1, 2, 3)]
            sent = [signed("credential-request", body, "delegate 1") for body in requests]
            answers = [httpx.post(f"{url}/entry", content=one, trust_env=False).status_code for one in sent]
    finally:
        box.close()
    assert answers == [202, 202, 429]


def test_requests_are_told_by_the_roll(view: WitnessedView) -> None:
    """A key that is not on it, and a false signature, are anybody's."""
    mine, other = decode_entry(_request("delegate 1")), decode_entry(_request("delegate 2"))
    forged = replace(mine, signature=other.signature)
    gate = Gate(Parties(SMALL_MANIFEST), SITTING_ID, view)
    assert gate.look([mine, other, forged]) == [Standing.VOTER, Standing.ANYBODY, Standing.ANYBODY]


def test_a_log_that_cannot_be_read_is_looked_at_again() -> None:
    """What is not known is anybody's; the drop box goes on without it, and with it once it is there."""

    class Broken(View):
        down = True

        def checkpoint_notes(self) -> list[bytes]:
            if self.down:
                raise TransportError("down")
            return super().checkpoint_notes()

    source = Broken(LOG.log, LOG.sizes)
    view = WitnessedView(source, SITTING_ID)
    gate = Gate(Parties(SMALL_MANIFEST), SITTING_ID, view)
    gate.refresh()
    assert view.size == 0
    source.down = False
    gate.refresh()
    assert view.size == 3
    with gate._refreshing:
        gate.refresh()  # somebody is at it: this one does not wait
    Gate(Parties(SMALL_MANIFEST), SITTING_ID).refresh()


def test_junk_finds_less_room_than_voters(store: DropStore, view: WitnessedView) -> None:
    """Bad ballots take none; unknown ones fill half of the box, voters four fifths, officials all of it."""
    box = DropBox(store, [Away()], entries=10, view=view)
    try:
        (refused,) = box.submit([BAD])
        assert (type(refused.error), store.counts()["entries"]) == (InvalidProofError, 0)
        junk = [_entry(replace(_body(UNKNOWN), sequence=number)) for number in range(9)]
        assert [bool(reply.kept) for reply in box.submit(junk)] == [True] * 5 + [False] * 4
        voters = box.submit([ballot(CONTEXT, number) for number in range(1, 6)])
        assert [bool(reply.kept) for reply in voters] == [True] * 3 + [False] * 2
        assert [reply.charged for reply in voters] == [True] * 3 + [False] * 2
        assert [bool(reply.kept) for reply in box.submit([document(at) for at in range(3)])] == [True, True, False]
        assert isinstance(box.submit([junk[-1]])[0].error, StoreError)
        again = box.submit([ballot(CONTEXT, 1), junk[0]])
        assert [(bool(reply.kept), reply.charged) for reply in again] == [(True, False)] * 2
    finally:
        box.close()


def test_a_voter_cannot_flood_a_drop_box(store: DropStore, view: WitnessedView) -> None:
    """Good ballots of one credential are limited in rate; what is held already is answered all the same."""
    box = DropBox(store, [Away()], view=view)
    limits = ServiceLimits(key_burst=2, key_rate=0.001)
    try:
        with serving(DropBoxServer(box, limits, interval=60).app) as url:

            def status(sequence: int, previous: bytes = bytes(32)) -> int:
                entry = ballot(CONTEXT, 1, sequence, previous)
                return httpx.post(f"{url}/entry", content=entry, trust_env=False).status_code

            assert [status(0), status(0), status(1, b"1" * 32), status(2, b"2" * 32)] == [202, 202, 202, 429]
            other = httpx.post(f"{url}/entry", content=ballot(CONTEXT, 2), trust_env=False)
            assert other.status_code == 202
            assert httpx.post(f"{url}/entry", content=BAD, trust_env=False).status_code == 429
    finally:
        box.close()
