"""The board operator's admission: what is promised is on disk, what is refused leaves nothing, whatever dies when."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import NOBODY, Party, RefusalError, SecballotError, StoreError
from secballot.record.closing import check_promise
from secballot.record.rolls import Roll
from secballot.record.state import RegistrationState
from secballot.records.ceremony import CeremonyCommit
from secballot.records.closing import Adjournment
from secballot.records.credential import CredentialRequest, RegistrarKey
from secballot.records.promise import PROMISE, Promise
from secballot.roles.board import BoardOperator
from tests.registrar_keys import test_key
from tests.sealed_ballots import ONE_OF_THREE, make_context
from tests.small_sitting import (
    CLOSES_AT,
    NOW,
    SITTING_ID,
    SMALL_MANIFEST,
    ballot,
    document,
    founding,
    key,
    open_poll,
    public,
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

CONTEXT = make_context(ONE_OF_THREE)
KEYS = {"log_key": key("log"), "promise_key": key("promise")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the board goes."""
    return tmp_path / "board.db"


@pytest.fixture
def empty(path: Path) -> Iterator[BoardOperator]:
    """Return the operator of a board without entries."""
    operator = BoardOperator.create(path, SMALL_MANIFEST, **KEYS)
    yield operator
    operator.close()


@pytest.fixture
def board(empty: BoardOperator) -> BoardOperator:
    """Return the operator of a board whose manifest is complete."""
    _promised(empty, *founding())
    return empty


def _promised(operator: BoardOperator, *entries: bytes, now: int = NOW) -> list[Promise]:
    answers = operator.submit(entries, now=now)
    for answer in answers:
        assert isinstance(answer, Promise), answer
    return [answer for answer in answers if isinstance(answer, Promise)]


def _refused(operator: BoardOperator, entry: bytes, now: int = NOW) -> SecballotError:
    size, leaves = operator.store.size(), len(operator.record)
    (answer,) = operator.submit([entry], now=now)
    assert isinstance(answer, RefusalError)
    assert (operator.store.size(), len(operator.record)) == (size, leaves)
    return answer


def _agrees_with_the_store(operator: BoardOperator) -> None:
    leaves = list(operator.store.leaf_hashes(0, operator.store.size()))
    assert [operator.record.state.history.leaf(index) for index in range(len(operator.record))] == leaves


def test_the_manifest_comes_first(empty: BoardOperator) -> None:
    """Until the manifest of the anchor is complete nothing else is admitted, and no other manifest ever."""
    other = msgspec.structs.replace(SMALL_MANIFEST, title="Another sitting")
    assert _refused(empty, document(1)).check == "ENT-03"
    assert _refused(empty, signed("manifest", other, "officer 1")).check == "SIT-01"
    first, second = founding()
    _promised(empty, first)
    assert _refused(empty, document(1)).check == "ENT-03"
    _promised(empty, second, document(1))
    assert empty.record.state.sitting_id == empty.anchor == SITTING_ID
    assert _refused(empty, signed("manifest", SMALL_MANIFEST, "officer 3")).check == "ENT-03"


def test_promises_hold(board: BoardOperator) -> None:
    """A promise names index, leaf, time and delay, is signed by the promise key, and is stored with its entry."""
    entries = [document(number) for number in range(3)]
    for number, (entry, promise) in enumerate(zip(entries, _promised(board, *entries), strict=True), 2):
        check_promise(board.record.state, promise)
        assert (promise.index, promise.leaf_hash) == (number, leaf_hash(entry))
        assert (promise.time, promise.maximum_delay, promise.sitting_id) == (NOW, 60, SITTING_ID)
        assert board.store.entry(number) == entry
        assert board.store.promise(number) == PROMISE.encode(promise)


def test_the_same_bytes_get_the_same_promise(board: BoardOperator, path: Path) -> None:
    """Repeated in one batch, later, or after a restart, an entry is in the log once and its promise does not change."""
    commit = signed("ceremony-commit", CeremonyCommit(commitment=bytes(64), session=1), "trustee 1")
    first, again = _promised(board, commit, commit)
    later = _promised(board, commit, now=NOW + 500)[0]
    size = board.store.size()
    board.close()
    reopened = BoardOperator.open(path, SITTING_ID, **KEYS)
    assert first == again == later == _promised(reopened, commit, now=NOW + 900)[0]
    assert reopened.store.size() == size == 3


def test_an_abandoned_document_can_be_begun_again(board: BoardOperator) -> None:
    """A repeated chunk of a document under way gets its promise again; after another has begun, a new place."""
    first = _promised(board, document(1, 1, 2))[0]
    assert _promised(board, document(1, 1, 2))[0] == first
    _promised(board, document(2))
    assert _promised(board, document(1, 1, 2))[0].index == first.index + 2
    _promised(board, document(1, 2, 2))
    assert _promised(board, document(1, 1, 2))[0] == first
    assert board.store.size() == 6


@pytest.mark.parametrize(
    ("entry", "check"),
    [
        (b"", "ENT-01"),
        (b"{}", "ENT-01"),
        (b"x" * 65_536, "ENT-01"),
        (document(1)[:-1], "ENT-01"),
        (signed("ceremony-commit", CeremonyCommit(commitment=bytes(64), session=1), "officer 1"), "ENT-04"),
        (document(1).replace(b"part 1", b"part 2"), "ENT-05"),
        (signed("ceremony-commit", CeremonyCommit(commitment=bytes(64), session=2), "trustee 1"), "ENT-06"),
        (document(1, 2, 2), "ENT-06"),
        (ballot(CONTEXT, 1), "BAL-01"),
    ],
)
def test_what_does_not_stand_is_refused_with_its_check(board: BoardOperator, entry: bytes, check: str) -> None:
    """Junk, strangers, forgeries and what comes out of phase: refused by name, and nothing of it stays."""
    assert _refused(board, entry).check == check


def test_an_act_that_does_not_fit_is_refused_at_its_last_signature(board: BoardOperator) -> None:
    """The completing signature of a misfit is refused, and may complete the act later."""
    body = Adjournment(checkpoint="no checkpoint")
    _promised(board, signed("adjournment", body, "officer 1"))
    assert _refused(board, signed("adjournment", body, "officer 2")).check == "LOG-03"


def test_faults_of_officials_are_admitted(board: BoardOperator) -> None:
    """What only the log can show against a registrar is logged and promised, once."""
    body = RegistrarKey(class_index=1, modulus=bytes(384), poll=1, registration=1, roots=bytes(3072))
    entry = signed("registrar-key", body, "registrar 2")
    promise = _promised(board, entry)[0]
    assert _promised(board, entry)[0] == promise
    assert board.store.size() == 3


def test_faults_of_delegates_are_refused(board: BoardOperator) -> None:
    """A wrong request names its delegate to the one who posts it, and takes no place in the log."""
    (delegate,) = public("delegate")
    keys = {(1, 1): {number: test_key(number).public_key for number in (1, 2)}}
    registration = RegistrationState(1, roll=Roll({delegate: 1}), keys=keys)
    registration.freeze(1)
    board.record.state.registrations = [registration]
    body = CredentialRequest(blinded=(bytes(768),), first_poll=1, registration=1)
    refusal = _refused(board, signed("credential-request", body, "delegate"))
    assert (refusal.check, refusal.culprit) == ("REG-06", Party("delegate"))


def _shuffle_backwards(items: list[Any]) -> None:
    items.reverse()


def test_ballots_are_shuffled_and_acts_keep_their_place(board: BoardOperator) -> None:
    """In the log ballots stand as shuffled among their own places; answers come in the order of the question."""
    open_poll(board.record.state, CONTEXT)
    votes = [ballot(CONTEXT, number) for number in (1, 2, 3)]
    batch = [votes[0], document(1, 1, 2), votes[1], document(1, 2, 2), b"junk", votes[2]]
    answers = board.submit(batch, now=NOW, shuffle=_shuffle_backwards)
    logged = [votes[2], document(1, 1, 2), votes[1], document(1, 2, 2), votes[0]]
    assert list(board.store.entries(2, 7)) == logged
    assert isinstance(answers[4], RefusalError)
    indices = [answer.index if isinstance(answer, Promise) else None for answer in answers]
    assert indices == [6, 3, 4, 5, None, 2]
    assert len(board.record.state.by_ctx[CONTEXT.ctx].heads) == 3


def test_revotes_in_one_batch_stand_whatever_the_shuffle(board: BoardOperator) -> None:
    """Ballots of one credential keep their sequence; the earlier one is found though it is not on disk yet."""
    poll = open_poll(board.record.state, CONTEXT)
    first = ballot(CONTEXT, 1)
    second = ballot(CONTEXT, 1, 1, leaf_hash(first))
    promises = board.submit([first, second], now=NOW, shuffle=_shuffle_backwards)
    assert [promise.index for promise in promises if isinstance(promise, Promise)] == [2, 3]
    (head,) = poll.heads.values()
    assert (head.sequence, head.leaf) == (1, leaf_hash(second))


def test_of_two_ballots_for_one_place_the_first_in_the_final_order_stands(board: BoardOperator) -> None:
    """Admission decides in the final order: what is acknowledged stands, the other is told why not."""
    poll = open_poll(board.record.state, CONTEXT)
    sealed = [ballot(CONTEXT, 1), ballot(CONTEXT, 1).replace(b'"tag":"3164225163"', b'"tag":"6152243316"')]
    forged, good = board.submit([sealed[1], sealed[0]], now=NOW, shuffle=lambda _: None)
    assert isinstance(forged, RefusalError)
    assert (forged.check, forged.culprit) == ("BAL-09", NOBODY)
    assert isinstance(good, Promise)
    assert len(poll.heads) == 1


@pytest.mark.attack("TL-02")
def test_ballots_wait_for_the_closing(board: BoardOperator) -> None:
    """From closes_at the poll's ballots are refused for ten minutes, unless it is extended; other entries are not."""
    poll = open_poll(board.record.state, CONTEXT)
    _promised(board, ballot(CONTEXT, 1), now=CLOSES_AT - 1)
    for now in (CLOSES_AT, CLOSES_AT + 599):
        refusal = _refused(board, ballot(CONTEXT, 2), now=now)
        assert refusal.check is None
        assert "closing" in refusal.message
    _promised(board, document(1), ballot(CONTEXT, 1), now=CLOSES_AT)
    poll.closes_at += 60
    _promised(board, ballot(CONTEXT, 2), now=CLOSES_AT)
    _promised(board, ballot(CONTEXT, 3), now=CLOSES_AT + 660)
    poll.status = "closed"
    assert _refused(board, ballot(CONTEXT, 4), now=CLOSES_AT + 100).check == "BAL-02"


def _failing(append: Callable[..., int], *, written: bool) -> Callable[..., int]:
    def fail(batch: Sequence[bytes], promises: Sequence[bytes | None] | None = None, *, expected_size: int) -> int:
        if written:
            append(list(batch), promises, expected_size=expected_size)
        raise StoreError("the disk has gone")

    return fail


def test_a_failed_transaction_leaves_nothing(board: BoardOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the batch does not reach the disk nothing is promised, the record goes back, and it may be submitted again."""
    with monkeypatch.context() as patch:
        patch.setattr(board.store, "append", _failing(board.store.append, written=False))
        with pytest.raises(StoreError):
            board.submit([document(1), document(2)], now=NOW)
    _agrees_with_the_store(board)
    assert board.store.size() == 2
    assert not board.record.state.complete_documents
    assert [promise.index for promise in _promised(board, document(2), document(1))] == [2, 3]


def test_a_crash_between_disk_and_answer_loses_nothing(board: BoardOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the batch is on disk and nobody was answered, the same bytes get the stored promise, and stand once."""
    with monkeypatch.context() as patch:
        patch.setattr(board.store, "append", _failing(board.store.append, written=True))
        with pytest.raises(StoreError):
            board.submit([document(1), document(2)], now=NOW)
    _agrees_with_the_store(board)
    answers = _promised(board, document(1), document(2), now=NOW + 77)
    assert [(promise.index, promise.time) for promise in answers] == [(2, NOW), (3, NOW)]
    assert board.store.size() == 4


@pytest.mark.attack("OP-08")
def test_two_operators_on_one_store(board: BoardOperator, path: Path) -> None:
    """Whoever judged behind another's entries gets a `StoreError`, then goes on from the log as it is."""
    other = BoardOperator.open(path, SITTING_ID, **KEYS)
    _promised(board, document(1))
    assert other.store.size() == 3  # that the store has been looked at since does not hide the race
    with pytest.raises(StoreError):
        other.submit([document(2)], now=NOW)
    assert _promised(other, document(2))[0].index == 3
    with pytest.raises(StoreError):
        board.submit([document(3)], now=NOW)
    assert _promised(board, document(1))[0].index == 2
    for operator in (board, other):
        _agrees_with_the_store(operator)
    other.close()


SUBMITTER = textwrap.dedent(
    """
    import sys
    from secballot.roles.board import BoardOperator
    from tests.small_sitting import NOW, SITTING_ID, document, key

    operator = BoardOperator.open(sys.argv[1], SITTING_ID, log_key=key("log"), promise_key=key("promise"))
    for number in range(0, 100000, 2):
        for promise in operator.submit([document(number), document(number + 1)], now=NOW):
            print(promise.index, promise.leaf_hash.hex(), flush=True)
    """
)


def test_a_kill_breaks_no_promise(board: BoardOperator, path: Path, project_root: Path) -> None:
    """After a kill every promise that was given is kept, and the reopened record is that of the store."""
    board.close()
    child = subprocess.Popen(
        [sys.executable, "-c", SUBMITTER, str(path)], stdout=subprocess.PIPE, text=True, cwd=project_root
    )
    assert child.stdout is not None
    given = [next(child.stdout).split() for _ in range(15)]
    child.kill()
    given += [line.split() for line in child.stdout.read().splitlines()]
    child.stdout.close()
    child.wait()
    operator = BoardOperator.open(path, SITTING_ID, **KEYS)
    _agrees_with_the_store(operator)
    assert all(leaf_hash(operator.store.entry(int(index))).hex() == leaf for index, leaf in given)
    assert len(operator.record) in {2 + len(given) + extra for extra in (0, 1, 2, 3)}
    operator.close()


@pytest.mark.attack("OP-03")
def test_only_the_keys_of_the_manifest_operate(path: Path, board: BoardOperator) -> None:
    """Keys of nobody, keys mixed of two operators, and a missing log are refused at the start."""
    for log, promise in (("log", "promise 2"), ("log 2", "promise"), ("officer 1", "promise")):
        with pytest.raises(RefusalError):
            BoardOperator.open(path, SITTING_ID, log_key=key(log), promise_key=key(promise))
    with pytest.raises(StoreError):
        BoardOperator.open(path.with_name("none.db"), SITTING_ID, **KEYS)
    with pytest.raises(StoreError):
        BoardOperator.create(path, SMALL_MANIFEST, **KEYS)


def test_a_copied_board_replays_to_the_same_record(board: BoardOperator, path: Path) -> None:
    """Opening is replaying: a copy of the database gives the record that the first operator has."""
    _promised(board, *(document(number) for number in range(300)))
    board.close()
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copied = BoardOperator.open(copy, SITTING_ID, **KEYS)
    assert copied.record.state.complete_documents == board.record.state.complete_documents
    assert len(copied.record.state.complete_documents) == 300
    copied.close()
