"""Clocks that go backwards: nothing is signed earlier than before, nothing acknowledged is lost, and it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import cosignature_time
from secballot.board.merkle import ConsistencyProof, leaf_hash
from secballot.board.note import Ed25519Signer, SignatureLine
from secballot.board.witness import Request, WitnessState
from secballot.errors import PolicyError, RefusalError, StoreError
from secballot.record.history import LogHistory
from secballot.records.promise import Promise
from secballot.roles.board import BoardOperator
from secballot.roles.service import BoardService
from secballot.roles.witness import WitnessRole
from secballot.store.journal import Journal
from tests.forked import closed_poll, fork
from tests.service_parts import KEYS, NAMES, Clock
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


@pytest.fixture(scope="module")
def history() -> LogHistory:
    """Return a log of some entries."""
    made = LogHistory()
    for number in range(20):
        made.append(leaf_hash(b"entry %d" % number))
    return made


def _request(history: LogHistory, old: int, size: int) -> bytes:
    note = sign_checkpoint(Checkpoint(ORIGIN, size, history.root(size)), [Ed25519Signer(ORIGIN, key("log"))])
    return Request(old, ConsistencyProof.prove(old, size, history.subtree).hashes, note.encode()).encode()


def _time(answer: bytes) -> int:
    return cosignature_time(SignatureLine.decode(answer.decode()))


def test_a_witness_cosigns_nothing_earlier_than_before(database: str, history: LogHistory) -> None:
    """Set back by an hour it says so, also after a restart, and goes on when that time has come again."""
    with Journal.create(database) as journal:
        witness = WitnessRole(NAMES[0], key(NAMES[0]), journal)
        witness.follow(ORIGIN, public("log")[0])
        assert _time(witness.add_checkpoint(_request(history, 0, 2), now=NOW)) == NOW
        with pytest.raises(StoreError, match="3600 seconds before its last cosignature: set it right"):
            witness.add_checkpoint(_request(history, 2, 3), now=NOW - 3_600)
    with Journal.open(database) as journal:
        witness = WitnessRole(NAMES[0], key(NAMES[0]), journal)
        with pytest.raises(StoreError, match="set it right"):
            witness.add_checkpoint(_request(history, 2, 3), now=NOW - 61)
        assert witness.state(ORIGIN) == WitnessState(2, history.root(2))
        assert _time(witness.add_checkpoint(_request(history, 2, 3), now=NOW + 1)) == NOW + 1


def test_a_small_step_back_lets_the_time_stand_still(tmp_path: Path, history: LogHistory) -> None:
    """As when a clock is corrected, or two machines share a journal; and the step is no ratchet."""
    with Journal.create(tmp_path / "journal.db") as journal:
        witness = WitnessRole(NAMES[0], key(NAMES[0]), journal)
        witness.follow(ORIGIN, public("log")[0])
        times = []
        for size, now in enumerate((NOW, NOW - 1, NOW - 60, NOW - 30, NOW, NOW + 5, NOW + 4), 1):
            times.append(_time(witness.add_checkpoint(_request(history, size - 1, size), now=now)))
        assert times == [NOW] * 5 + [NOW + 5] * 2


def test_the_time_is_one_for_all_logs(tmp_path: Path, history: LogHistory) -> None:
    """A clock that was wrong for one log is wrong for the next."""
    other = Checkpoint("other.example", 2, history.root(2))
    note = sign_checkpoint(other, [Ed25519Signer("other.example", key("other log"))])
    with Journal.create(tmp_path / "journal.db") as journal:
        witness = WitnessRole(NAMES[0], key(NAMES[0]), journal)
        witness.follow(ORIGIN, public("log")[0])
        witness.follow("other.example", public("other log")[0])
        witness.add_checkpoint(_request(history, 0, 2), now=NOW)
        with pytest.raises(StoreError, match="set it right"):
            witness.add_checkpoint(Request(0, (), note.encode()).encode(), now=NOW - DAY)


def test_a_board_whose_clock_goes_back_keeps_its_promises(database: str, tmp_path: Path) -> None:
    """It goes on admitting and promising; what it promised stays, and the log is shown once the witnesses agree."""
    clock = Clock()
    operator = BoardOperator.create(database, SMALL_MANIFEST, **KEYS)
    witnesses = [WitnessRole.create(tmp_path / name, name, key(name)) for name in NAMES]
    for witness in witnesses:
        witness.follow(ORIGIN, public("log")[0])
    service = BoardService(operator, witnesses, clock=clock)
    before = {entry: service.submit([entry])[0].promise for entry in (*founding(), document(1))}
    service.publish()
    clock.now -= DAY
    after = {document(2): service.submit([document(2)])[0].promise}
    assert {entry: service.submit([entry])[0].promise for entry in before} == before
    # These witnesses have the board's own clock, and say what is wrong with it.
    with pytest.raises(PolicyError, match="no quorum"):
        service.publish()
    assert service.files.published == 3
    service.close()
    operator.close()
    clock.now += DAY
    operator = BoardOperator.open(database, SITTING_ID, **KEYS)
    service = BoardService(operator, witnesses, clock=clock)
    assert service.files.published == 3
    service.publish()
    assert service.files.published == 4
    assert {entry: service.submit([entry])[0].promise for entry in before | after} == before | after
    service.close()
    operator.close()


def test_a_trustee_whose_clock_goes_back_waits_longer() -> None:
    """The objection period began at a witnessed time that is noted; a clock before it has not seen its end."""
    simulator = fork(closed_poll())
    trustee = simulator.rehearsal.trustees[0]
    began, period = simulator.rehearsal.now, simulator.plan.objection_period
    for now in (began + 1, began - DAY, began + period - 1):
        with pytest.raises(RefusalError, match="objection period lasts until"):
            trustee.decrypt(1, now=now)
    ready = trustee.decrypt(1, now=began + period)
    assert all(isinstance(promise, Promise) for promise in ready)
    # What was released once is the same for ever, whatever the clock says then.
    released = [entry for entry in simulator.board.entries if b'"kind":"decryption"' in entry]
    with pytest.raises(RefusalError, match="objection period lasts until"):
        trustee.decrypt(1, now=began - DAY)
    assert [entry for entry in simulator.board.entries if b'"kind":"decryption"' in entry] == released
