"""The witness role: nothing is cosigned before it is on disk, and never backwards, whoever races or restarts."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import ConsistencyProof, leaf_hash, root_of
from secballot.board.note import Ed25519Signer, sign_note
from secballot.board.witness import Request, WitnessRefusalError, WitnessState, read_cosignatures, read_size
from secballot.errors import StoreError
from secballot.roles.witness import WitnessRole
from secballot.signing import SigningKey
from secballot.store.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = "log.example/sitting"
LOG_KEY = SigningKey(bytes([1]) * 32)
LOG = Ed25519Signer(ORIGIN, LOG_KEY)
NAME = "witness.example"
KEY = SigningKey(bytes([2]) * 32)
NOW = 1_700_000_000
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]


def _subtree(level: int, index: int) -> bytes:
    return root_of(LEAVES[index << level : (index + 1) << level])


def _text(size: int) -> str:
    return Checkpoint(ORIGIN, size, root_of(LEAVES[:size])).encode()


def _request(old: int, size: int, signer: Ed25519Signer = LOG) -> bytes:
    proof = ConsistencyProof.prove(old, size, _subtree)
    return Request(old, proof.hashes, sign_note(_text(size), [signer]).encode()).encode()


def _other_log(old: int, size: int) -> bytes:
    note = sign_note(Checkpoint(ORIGIN, size, bytes(32)).encode(), [LOG])
    return Request(old, ConsistencyProof.prove(old, size, _subtree).hashes, note.encode()).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the witness's journal goes."""
    return tmp_path / "witness.db"


@pytest.fixture
def witness(path: Path) -> Iterator[WitnessRole]:
    """Return a witness that follows the log from its beginning."""
    journal = Journal.create(path)
    role = WitnessRole(NAME, KEY, journal)
    role.follow(ORIGIN, LOG_KEY.verify_key.encode())
    yield role
    journal.close()


def _refusal(witness: WitnessRole, body: bytes) -> WitnessRefusalError:
    with pytest.raises(WitnessRefusalError) as caught:
        witness.add_checkpoint(body, now=NOW)
    return caught.value


def test_growth_is_cosigned_and_remembered(witness: WitnessRole, path: Path) -> None:
    """The log grows, each time from the last cosigned size, and a witness that starts again goes on from there."""
    for old, size in [(0, 3), (3, 3), (3, 8)]:
        answer = witness.add_checkpoint(_request(old, size), now=NOW)
        assert len(read_cosignatures(answer, _text(size), [witness.vkey])) == 1
        assert witness.state(ORIGIN) == WitnessState(size, root_of(LEAVES[:size]))
    again = WitnessRole.open(path, NAME, KEY)
    assert again.state(ORIGIN).tree_size == 8
    assert _refusal(again, _request(0, 9)).status == 409
    assert again.add_checkpoint(_request(8, 9), now=NOW)


@pytest.mark.attack("LG-01")
def test_every_refusal_has_its_status_and_changes_nothing(witness: WitnessRole) -> None:
    """Junk, strangers, another log key, an old state, another root: refused with the status of the standard."""
    witness.add_checkpoint(_request(0, 5), now=NOW)
    stranger = Ed25519Signer(ORIGIN, SigningKey(bytes([9]) * 32))
    unknown = sign_note(Checkpoint("other.example", 5, root_of(LEAVES[:5])).encode(), [LOG]).encode()
    assert _refusal(witness, b"junk").status == 400
    assert _refusal(witness, _request(5, 8, stranger)).status == 403
    assert _refusal(witness, Request(0, (), unknown).encode()).status == 404
    conflict = _refusal(witness, _request(3, 8))
    assert (conflict.status, read_size(conflict.body)) == (409, 5)
    assert _refusal(witness, _request(0, 3)).status == 409
    assert _refusal(witness, _other_log(5, 8)).status == 422
    assert _refusal(witness, _other_log(5, 5)).status == 422
    assert witness.state(ORIGIN).tree_size == 5


def test_a_log_that_is_not_followed_is_unknown(path: Path) -> None:
    """A witness cosigns no log that it was not told to follow, and says so of its state too."""
    role = WitnessRole.create(path, NAME, KEY)
    assert _refusal(role, _request(0, 5)).status == 404
    with pytest.raises(StoreError):
        role.state(ORIGIN)


def test_following_again_forgets_nothing(witness: WitnessRole) -> None:
    """Naming a start again, or a successor's key, keeps the state; the new key is then accepted beside the old."""
    witness.add_checkpoint(_request(0, 5), now=NOW)
    successor = SigningKey(bytes([8]) * 32)
    witness.follow(ORIGIN, LOG_KEY.verify_key.encode(), WitnessState())
    witness.follow(ORIGIN, successor.verify_key.encode())
    assert witness.state(ORIGIN).tree_size == 5
    assert _refusal(witness, _request(0, 6)).status == 409
    assert witness.add_checkpoint(_request(5, 6, Ed25519Signer(ORIGIN, successor)), now=NOW)
    assert witness.add_checkpoint(_request(6, 7), now=NOW)


def test_a_start_in_the_middle_is_grown_from(path: Path) -> None:
    """A witness that begins with a known state demands a proof from that state."""
    role = WitnessRole.create(path, NAME, KEY)
    role.follow(ORIGIN, LOG_KEY.verify_key.encode(), WitnessState(5, root_of(LEAVES[:5])))
    assert _refusal(role, _request(0, 8)).status == 409
    assert role.add_checkpoint(_request(5, 8), now=NOW)


@pytest.mark.attack("LG-12")
def test_lost_state_is_not_begun_again(path: Path) -> None:
    """Without its journal, or with another witness's, a witness does not start."""
    with pytest.raises(StoreError, match="state lost"):
        WitnessRole.open(path, NAME, KEY)
    WitnessRole.create(path, NAME, KEY)
    with pytest.raises(StoreError):
        WitnessRole.open(path, "other.example", KEY)
    with pytest.raises(StoreError):
        WitnessRole.open(path, NAME, SigningKey(bytes([7]) * 32))
    with pytest.raises(StoreError):
        WitnessRole.create(path, NAME, KEY)


@pytest.mark.attack("LG-12")
def test_nothing_is_released_that_is_not_stored(witness: WitnessRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the state cannot be written, the cosignature is not given out, and the witness does not try for ever."""

    def full(*_: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(witness._journal, "replace", full)
    with pytest.raises(StoreError, match="disk full"):
        witness.add_checkpoint(_request(0, 5), now=NOW)
    assert witness.state(ORIGIN) == WitnessState()


@pytest.mark.attack("LG-12")
def test_a_race_ends_with_the_larger_tree_or_a_conflict(witness: WitnessRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another size is cosigned between the decision and its storage, the slower request gets a 409."""
    replace = witness._journal.replace
    raced: list[int] = []

    def slow(scope: str, key: bytes, old: bytes | None, new: bytes) -> None:
        if not raced:
            raced.append(1)
            witness.add_checkpoint(_request(0, 9), now=NOW)
        replace(scope, key, old, new)

    monkeypatch.setattr(witness._journal, "replace", slow)
    conflict = _refusal(witness, _request(0, 5))
    assert (conflict.status, read_size(conflict.body)) == (409, 9)
    assert witness.state(ORIGIN).tree_size == 9


def _race(witness: WitnessRole, target: int, cosigned: list[tuple[int, int]]) -> None:
    known = 0
    while known < target:
        try:
            witness.add_checkpoint(_request(known, target), now=NOW)
        except WitnessRefusalError as refusal:
            if refusal.status != 409:
                raise
            known = read_size(refusal.body)
        else:
            cosigned.append((known, target))
            known = target


def test_threads_never_make_it_sign_backwards(witness: WitnessRole) -> None:
    """Many logs' clients at once: the cosigned steps are one chain of growing sizes, without a fork."""
    cosigned: list[tuple[int, int]] = []
    threads = [threading.Thread(target=_race, args=(witness, size, cosigned)) for size in (5, 9, 17, 23, 31, 38)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain = sorted(cosigned)
    assert chain[0][0] == 0
    assert [old for old, _ in chain[1:]] == [new for _, new in chain[:-1]]
    assert witness.state(ORIGIN).tree_size == 38


CLIENT = textwrap.dedent(
    """
    import sys
    from tests.unit.roles.test_witness import KEY, NAME, _race
    from secballot.roles.witness import WitnessRole

    witness = WitnessRole.open(sys.argv[1], NAME, KEY)
    for size in range(int(sys.argv[2]), 40, 2):
        cosigned = []
        _race(witness, size, cosigned)
        for old, new in cosigned:
            print(old, new, flush=True)
    """
)


@pytest.mark.attack("LG-12")
def test_processes_never_make_it_sign_backwards(witness: WitnessRole, path: Path, project_root: Path) -> None:
    """Two witness processes on one journal: the steps of both together are one chain."""
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(path), first], stdout=subprocess.PIPE, text=True, cwd=project_root
        )
        for first in ("1", "2")
    ]
    steps = []
    for client in clients:
        output, _ = client.communicate(timeout=120)
        assert client.returncode == 0
        steps += [tuple(map(int, line.split())) for line in output.splitlines()]
    chain = sorted(steps)
    assert chain[0][0] == 0
    assert [old for old, _ in chain[1:]] == [new for _, new in chain[:-1]]
    assert chain[-1][1] == 39
