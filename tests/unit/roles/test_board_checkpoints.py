"""The board operator's checkpoints: signed, cosigned, published, handed over, and never two that contradict."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from secballot.audit.verifier import audit
from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.note import Note
from secballot.board.witness import MALFORMED, WitnessRefusalError, WitnessState
from secballot.errors import (
    InconsistentLogError,
    InvalidSignatureError,
    PolicyError,
    RefusalError,
    SecballotError,
    StoreError,
    TransportError,
)
from secballot.record.history import open_witnessed
from secballot.records.promise import Handover, Promise
from secballot.roles.board import BoardOperator
from secballot.roles.evidence import promised_by
from secballot.roles.mirroring import Mirror
from secballot.roles.party import embedded_note
from secballot.roles.view import WitnessedView
from secballot.roles.witness import WitnessRole
from secballot.store.board import BoardStore
from secballot.store.folder import FolderReader
from secballot.store.source import DatabaseSource, FolderSource
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public, signed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("w1.example", "w2.example", "w3.example")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[BoardOperator]:
    """Return the operator of a board whose manifest is complete."""
    operator = BoardOperator.create(
        tmp_path / "board.db", SMALL_MANIFEST, log_key=key("log"), promise_key=key("promise")
    )
    operator.submit(founding(), now=NOW)
    yield operator
    operator.close()


@pytest.fixture
def witnesses(tmp_path: Path) -> list[WitnessRole]:
    """Return the manifest's witnesses, following the board."""
    roles = [WitnessRole.create(tmp_path / name, name, key(name)) for name in NAMES]
    for role in roles:
        role.follow(ORIGIN, public("log")[0])
        role.follow(ORIGIN, public("log 2")[0])
    return roles


class Unwilling:
    """A witness that answers everything with one error, or one body."""

    def __init__(self, name: str, answer: SecballotError | bytes) -> None:
        """Answer like this."""
        self.name = name
        self._answer = answer

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Give the answer."""
        if isinstance(self._answer, bytes):
            return self._answer
        raise self._answer


def _size(note: bytes) -> int:
    return Checkpoint.decode(Note.decode(note).text).tree_size


def _signers(note: bytes) -> set[str]:
    return {line.name for line in Note.decode(note).signatures}


def test_a_checkpoint_is_signed_once(board: BoardOperator) -> None:
    """The same size gives the same note, which keeps its cosignatures; growth gives the next."""
    first = board.sign_checkpoint()
    assert (_size(first), _signers(first)) == (2, {ORIGIN})
    assert board.sign_checkpoint() == first
    board.submit([document(1)], now=NOW)
    assert _size(board.sign_checkpoint()) == 3
    assert board.store.checkpoint_sizes() == [2, 3]


def test_an_empty_log_is_not_signed(tmp_path: Path) -> None:
    """Before the first entry there is nothing to sign or to ask witnesses about."""
    operator = BoardOperator.create(
        tmp_path / "empty.db", SMALL_MANIFEST, log_key=key("log"), promise_key=key("promise")
    )
    with pytest.raises(RefusalError):
        operator.sign_checkpoint()
    with pytest.raises(StoreError):
        operator.witness_request(0)


def test_witnesses_cosign_and_the_folder_appears(
    board: BoardOperator, witnesses: list[WitnessRole], tmp_path: Path
) -> None:
    """Each size is cosigned by all witnesses from wherever they are; a reader of the folder finds the quorum."""
    for number in range(4):
        board.submit([document(number)], now=NOW)
        board.sign_checkpoint()
        cosigned = board.collect(witnesses[number % 2 :], now=NOW + number)
        assert cosigned.failures == {}
    state = board.record.state
    assert board.publish(tmp_path / "log") == 6
    reader = FolderReader(tmp_path / "log")
    opened = open_witnessed(SMALL_MANIFEST, state.operators, reader.checkpoint_note())
    assert opened.checkpoint.tree_size == 6
    assert reader.checkpoint_sizes() == [3, 4, 5, 6]
    assert list(reader.entries(opened.checkpoint)) == list(board.store.entries(0, 6))


def test_a_size_that_is_cosigned_again_keeps_its_first_times(
    board: BoardOperator, witnesses: list[WitnessRole], tmp_path: Path
) -> None:
    """A poll may begin and end without a new entry: whoever reads the log later finds the times of both ends."""
    board.sign_checkpoint()
    board.collect(witnesses, now=NOW)
    board.collect(witnesses, now=NOW + 300)
    note = board.collect(witnesses, now=NOW + 500).note
    assert board.sign_checkpoint() == note
    operators = board.record.state.operators
    assert open_witnessed(SMALL_MANIFEST, operators, note).times == (NOW + 500,) * 3
    board.publish(tmp_path / "log")
    with BoardStore.create(tmp_path / "mirror.db", ORIGIN) as copy:
        Mirror(copy, board.source(), SITTING_ID).update()
        for source in (board.source(), FolderSource(tmp_path / "log"), DatabaseSource(copy)):
            view = WitnessedView(source, SITTING_ID)
            assert view.refresh().times == (NOW + 500,) * 3
            notes = view.quorum_notes()
            assert [checkpoint.times for checkpoint in notes] == [(NOW + 500,) * 3, (NOW,) * 3]
            opened = open_witnessed(SMALL_MANIFEST, operators, embedded_note(SMALL_MANIFEST, notes[1]).encode())
            assert opened.times == (NOW,) * 2
            report = audit(source, anchor=SITTING_ID)
            assert (report.log.ignored_lines, report.log.times) == ((), (NOW + 500,) * 3)


def test_unreachable_and_unwilling_witnesses_are_left_out(
    board: BoardOperator, witnesses: list[WitnessRole], tmp_path: Path
) -> None:
    """Whoever does not answer well is listed; with a quorum the log is published, below it it is not."""
    board.sign_checkpoint()
    forged = Ed25519Cosigner("w2.example", key("nobody")).cosign(Note.decode(board.sign_checkpoint()).text, NOW)
    bad: list[Unwilling] = [
        Unwilling("w1.example", TransportError("no route")),
        Unwilling("w2.example", forged.encode().encode()),
        Unwilling("w3.example", WitnessRefusalError("no", status=MALFORMED)),
        Unwilling("w4.example", b"junk"),
        Unwilling("w5.example", WitnessRefusalError("no", status=409, body=b"junk")),
        Unwilling("w6.example", WitnessRefusalError("no", status=409, body=b"0\n")),
        Unwilling("w7.example", WitnessRefusalError("no", status=409, body=b"99\n")),
    ]
    cosigned = board.collect([*bad, witnesses[0]], now=NOW)
    assert set(cosigned.failures) == {f"w{number}.example" for number in range(1, 8)}
    assert isinstance(cosigned.failures["w2.example"], InvalidSignatureError)
    assert isinstance(cosigned.failures["w7.example"], InconsistentLogError)
    assert _signers(cosigned.note) == {ORIGIN, "w1.example"}
    with pytest.raises(PolicyError):
        board.publish(tmp_path / "log")
    board.collect([witnesses[2]], now=NOW)
    assert board.publish(tmp_path / "log") == 2


def test_false_cosignatures_are_not_kept(board: BoardOperator) -> None:
    """Lines of strangers, false lines of a witness, and lines under another size are refused."""
    text = Note.decode(board.sign_checkpoint()).text
    good = Ed25519Cosigner("w1.example", key("w1.example")).cosign(text, NOW).encode().encode()
    stranger = Ed25519Cosigner("w1.example", key("nobody")).cosign(text, NOW).encode().encode()
    with pytest.raises(InvalidSignatureError):
        board.add_cosignatures(2, stranger)
    with pytest.raises(StoreError):
        board.add_cosignatures(1, good)
    assert _signers(board.add_cosignatures(2, good + stranger)) == {ORIGIN, "w1.example"}
    board.submit([document(1)], now=NOW)
    board.sign_checkpoint()
    with pytest.raises(InvalidSignatureError):
        board.add_cosignatures(3, good)


def test_a_restored_old_copy_is_told_by_the_witnesses(
    board: BoardOperator, witnesses: list[WitnessRole], tmp_path: Path
) -> None:
    """An operator that lost entries under a cosigned size gets no cosignature, and sees why."""
    board.close()
    shutil.copy(tmp_path / "board.db", tmp_path / "old.db")
    board.submit([document(1)], now=NOW)
    board.sign_checkpoint()
    board.collect(witnesses, now=NOW)
    old = BoardOperator.open(tmp_path / "old.db", SITTING_ID, log_key=key("log"), promise_key=key("promise"))
    old.sign_checkpoint()
    failures = old.collect(witnesses, now=NOW).failures
    assert [type(failures[name]) for name in NAMES] == [InconsistentLogError] * 3
    old.submit([document(2)], now=NOW)
    old.sign_checkpoint()
    failures = old.collect(witnesses, now=NOW).failures
    assert [getattr(failures[name], "status", None) for name in NAMES] == [422] * 3
    assert all(witness.state(ORIGIN) == WitnessState(3, board.store.root(3)) for witness in witnesses)
    old.close()


def test_the_log_is_handed_over(board: BoardOperator, witnesses: list[WitnessRole], tmp_path: Path) -> None:
    """The successor takes the log over, admits the handover and nothing before it, and goes on under its own keys."""
    board.sign_checkpoint()
    board.collect(witnesses, now=NOW)
    successor = BoardOperator.create(
        tmp_path / "second.db", SMALL_MANIFEST, log_key=key("log 2"), promise_key=key("promise 2")
    )
    assert successor.take_over(board.store.entries(0, 2)) == 2
    with pytest.raises(RefusalError):
        successor.sign_checkpoint()
    body = Handover(root=board.store.root(2), size=2, successor=1)
    acts = [signed("handover", body, name) for name in ("officer 1", "officer 2", "trustee 1", "trustee 2")]
    for operator in (board, successor):
        ceremony = operator.record.state.ceremony
        assert ceremony is not None
        ceremony.complete = True
    for refused in (successor.submit([document(1), founding()[0]], now=NOW), board.submit(acts, now=NOW)):
        assert all(isinstance(answer, RefusalError) and "another operator" in answer.message for answer in refused)
    answers = [successor.submit([act], now=NOW)[0] for act in acts]
    assert [answer.index for answer in answers if isinstance(answer, Promise)] == [2, 3, 4, 5]
    assert successor.record.state.handovers == 1
    # What it took over it promises as it stands, and from then on in the same words; an unknown entry it judges.
    again = successor.submit(founding(), now=NOW + 5)
    assert again == successor.submit(founding(), now=NOW + 9)
    assert [(one.index, one.time) for one in again if isinstance(one, Promise)] == [(0, NOW + 5), (1, NOW + 5)]
    (given,) = {promised_by(SMALL_MANIFEST, one) for one in again if isinstance(one, Promise)}
    assert given == {2}
    assert isinstance(successor.submit([document(1)], now=NOW)[0], Promise)
    successor.sign_checkpoint()
    assert successor.collect(witnesses, now=NOW).failures == {}
    assert successor.publish(tmp_path / "log") == 7
    with pytest.raises(RefusalError):
        successor.take_over([document(2)])
    successor.close()
