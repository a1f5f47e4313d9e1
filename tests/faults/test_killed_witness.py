"""A witness that is killed under load by a log with two faces: it cosigns one of them, and never a smaller size."""

from __future__ import annotations

import random
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import cosignature_time
from secballot.board.merkle import ConsistencyProof, leaf_hash
from secballot.board.note import ED25519, ED25519_COSIGNATURE, Ed25519Signer, VerifierKey
from secballot.board.witness import Request, WitnessRefusalError, read_cosignatures
from secballot.errors import SecballotError, TransportError
from secballot.net.client import HttpClient, Patience
from secballot.net.witness_client import RemoteWitness
from secballot.record.history import LogHistory
from secballot.roles.witness import WitnessRole
from secballot.roles.witnessing import ask
from secballot.store.journal import Journal
from secballot.store.naming import is_url
from secballot_cli.main import ExitCode, run
from tests.faults.killing import KILLS, SEED, Load, Victim, kill_again_and_again, tell
from tests.running import key_files, passphrase_file
from tests.small_sitting import ORIGIN, key, public

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Cluster

NAME = "w1.example"
VKEY = VerifierKey(NAME, ED25519_COSIGNATURE, public(NAME)[0])
FORK: Final = 3
"""Entries that both views of the log have in common."""

LENGTH: Final = 4_000
CLIENTS = 4


@cache
def view(face: int) -> LogHistory:
    """Return one of the two views of the log, at its full length."""
    history = LogHistory()
    for index in range(LENGTH):
        history.append(leaf_hash(b"%d %d" % (face if index >= FORK else 0, index)))
    return history


def request(face: int, old: int, size: int) -> bytes:
    """Return the request of one face to grow from one size to another."""
    history = view(face)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, history.root(size)), [Ed25519Signer(ORIGIN, key("log"))])
    return Request(old, ConsistencyProof.prove(old, size, history.subtree).hashes, note.encode()).encode()


class Log:
    """A log that asks witnesses about both its faces, and remembers everything that was ever cosigned.

    Attributes:
        cosigned: roots by size.
        largest: the largest size that was cosigned.
        refused: how often a face was refused.
    """

    def __init__(self, urls: list[str]) -> None:
        """Ask at these URLs."""
        clients = [HttpClient(url, patience=Patience(connect=2, read=10)) for url in urls]
        self._clients = clients
        self._witnesses = [RemoteWitness(NAME, client) for client in clients]
        self._lock = threading.Lock()
        self._chance = random.Random(SEED)  # noqa: S311  # which face is shown is no secret
        self.cosigned: dict[int, set[bytes]] = {}
        self.largest = 0
        self.refused = 0

    def act(self) -> None:
        """Ask until a size is cosigned."""
        while not self._ask():
            pass

    def close(self) -> None:
        """End all connections."""
        for client in self._clients:
            client.close()

    def _ask(self) -> bool:
        with self._lock:
            before = self.largest
            witness, face = self._chance.choice(self._witnesses), self._chance.randrange(2)
            size = min(LENGTH, max(1, before + self._chance.randrange(4)))
        answer = ask(witness, lambda known: request(face, min(known, size), size), now=1, known=before)
        if isinstance(answer, TransportError):
            time.sleep(0.02)
            return False
        if isinstance(answer, SecballotError):
            assert isinstance(answer, WitnessRefusalError), answer
            with self._lock:
                self.refused += 1
            return False
        root = view(face).root(size)
        (line,) = read_cosignatures(answer, Checkpoint(ORIGIN, size, root).encode(), [VKEY])
        assert cosignature_time(line) > 0
        # What was released before this was asked must not be larger.
        assert size >= before
        with self._lock:
            self.cosigned.setdefault(size, set()).add(root)
            self.largest = max(self.largest, size)
        return True


@pytest.mark.attack("LG-12")
def test_one_face_is_cosigned_and_never_a_smaller_size(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two processes of one witness share a journal, and are killed by turns while both faces ask both of them."""
    key_files(tmp_path, NAME)
    passphrase = passphrase_file(tmp_path)
    common = (database, "--name", NAME, "--key", str(tmp_path / f"{NAME}.key"), *passphrase)
    log_vkey = VerifierKey(ORIGIN, ED25519, public("log")[0]).encode()
    assert run(["witness", "create", *common]) == ExitCode.PASSED
    assert run(["witness", "follow", *common, "--log", log_vkey]) == ExitCode.PASSED
    victims = [Victim("witness", "serve", *common, log=tmp_path / f"log{number}.txt") for number in range(2)]
    log = Log([victim.url for victim in victims])
    load = Load(log.act, CLIENTS)

    def between(number: int) -> None:
        if is_url(database) and number % 3 == 1:
            postgres: Cluster = request.getfixturevalue("postgres")
            postgres.stop("immediate")
            postgres.start()

    try:
        for victim in victims:
            victim.start()
        for victim in victims:
            victim.wait_until_it_listens()
        with load.running():
            kill_again_and_again(victims, load, KILLS, between)
        for victim in victims:
            victim.stop()
    finally:
        for victim in victims:
            victim.discard()
        log.close()
    _check_one_history(log)
    with Journal.open(database) as journal:
        state = WitnessRole(NAME, key(NAME), journal).state(ORIGIN)
    assert state.tree_size >= log.largest > FORK
    assert any(state.root == view(face).root(state.tree_size) for face in range(2))
    for victim in victims:
        assert "Traceback" not in victim.log.read_text()
    tell(capsys, f"{KILLS} kills of a witness: {len(log.cosigned)} sizes cosigned, {log.refused} requests refused")


def _check_one_history(log: Log) -> None:
    assert all(len(roots) == 1 for roots in log.cosigned.values())
    agreeing = [
        face for face in range(2) if all(roots == {view(face).root(size)} for size, roots in log.cosigned.items())
    ]
    assert len(agreeing) == 1
    assert log.refused > 0
