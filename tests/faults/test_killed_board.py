"""A board that is killed under load: what it acknowledged is there, in one history, and nothing was signed twice."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING

import httpx

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import Note
from secballot.board.witness import Request
from secballot.errors import TransportError
from secballot.net.client import HttpClient, Patience
from secballot.net.witness_server import witness_app
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE, Promise
from secballot.roles.remote import RemoteBoard
from secballot.roles.witness import WitnessRole
from secballot.roles.witness_service import WitnessService
from secballot.store.board import BoardStore
from secballot.store.journal import Journal
from secballot.store.naming import is_url
from secballot_cli.main import ExitCode, run
from tests.faults.killing import KILLS, Load, Victim, kill_again_and_again, tell
from tests.loopback import serving
from tests.running import key_files, passphrase_file, wait_for_publication
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from tests.postgres import Cluster

ANCHOR = ("--sitting", SITTING_ID.hex())
NAMES = ("w1.example", "w2.example")
CLIENTS = 4


class Heads:
    """Every head of the log that left the board, by size: to a witness, or to a reader."""

    def __init__(self) -> None:
        """Begin with none."""
        self.roots: dict[int, set[bytes]] = defaultdict(set)
        self._lock = threading.Lock()

    def note(self, note: bytes) -> None:
        """Remember a head."""
        checkpoint = Checkpoint.decode(Note.decode(note).text)
        with self._lock:
            self.roots[checkpoint.tree_size].add(checkpoint.root)


class WatchingWitness(WitnessService):
    """A witness that remembers what it was asked about."""

    def watch(self, heads: Heads) -> WatchingWitness:
        """Remember it here."""
        self._heads = heads
        return self

    def add_checkpoint(self, body: bytes) -> bytes:
        """Remember the head, and answer as any witness."""
        self._heads.note(Request.decode(body).note)
        return super().add_checkpoint(body)


@contextmanager
def witnesses(folder: Path, heads: Heads) -> Iterator[list[str]]:
    """Run two witnesses that outlive the board, and yield the board's options for them."""
    with ExitStack() as running:
        options = []
        for name in NAMES:
            journal = running.enter_context(Journal.create(folder / f"{name}.db"))
            WitnessRole(name, key(name), journal).follow(ORIGIN, public("log")[0])
            service = WatchingWitness(name, key(name), journal).watch(heads)
            options += ["--witness", f"{name}={running.enter_context(serving(witness_app(service)))}"]
        yield options


class Clients:
    """Whoever posts documents, each until it is promised a place, and reads the log's head now and then."""

    def __init__(self, url: str, heads: Heads) -> None:
        """Post to the board at this URL; nothing is sent yet."""
        self.promised: dict[bytes, Promise] = {}
        self._client = HttpClient(url, patience=Patience(connect=2, read=10))
        self.board = RemoteBoard(self._client, SITTING_ID, public("promise"))
        self._heads = heads
        self._numbers = count()
        self._lock = threading.Lock()

    def act(self) -> None:
        """Post one new document, however often the board dies meanwhile."""
        with self._lock:
            number = next(self._numbers)
        entry = document(number)
        self.promised[entry] = self.post(entry)
        if number % 8 == 0:
            self._read()

    def post(self, entry: bytes) -> Promise:
        """Post the same bytes until there is a promise."""
        while True:
            try:
                answer = self.board.offer(entry)
            except TransportError:
                answer = None
            if isinstance(answer, Promise):
                return answer
            time.sleep(0.02)

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def _read(self) -> None:
        try:
            answer = self._client.get("checkpoint", 100_000)
        except TransportError:
            return
        if answer.status == httpx.codes.OK:
            self._heads.note(answer.body)


def check_history(database: str, promised: dict[bytes, Promise], heads: Heads) -> int:
    """Check what is stored against everything that was ever said, and return the number of entries."""
    with BoardStore.open(database, ORIGIN) as store:
        size = store.size()
        entries = list(store.entries(0, size))
        assert len(set(entries)) == size
        for entry, promise in promised.items():
            assert entries[promise.index] == entry
            assert store.promise(promise.index) == PROMISE.encode(promise)
        for tree_size, roots in heads.roots.items():
            assert roots == {store.root(tree_size)}
        latest = store.latest_checkpoint()
        assert latest is not None
    return size


def test_nothing_acknowledged_is_lost(
    new_database: Callable[[], str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed at random moments of its work and of its start; where it has a server, that is restarted, too."""
    heads, database = Heads(), new_database()
    key_files(tmp_path, "log", "promise")
    (tmp_path / "manifest.json").write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    files = ("--log-key", str(tmp_path / "log.key"), "--promise-key", str(tmp_path / "promise.key"))
    keys = (*files, *passphrase_file(tmp_path))
    assert run(["board", "create", database, str(tmp_path / "manifest.json"), *keys]) == ExitCode.PASSED
    with witnesses(tmp_path, heads) as options:
        serve = ("board", "serve", database, *ANCHOR, *keys, "--interval", "0.1", *options)
        victim = Victim(*serve, "--publish", str(tmp_path / "public"), log=tmp_path / "log.txt")
        clients = Clients(victim.url, heads)
        load = Load(clients.act, CLIENTS)

        def between(number: int) -> None:
            if is_url(database) and number % 3 == 1:
                postgres: Cluster = request.getfixturevalue("postgres")
                postgres.stop("immediate")
                postgres.start()

        try:
            victim.start()
            victim.wait_until_it_listens()
            for entry in founding():
                clients.promised[entry] = clients.post(entry)
            with load.running():
                kill_again_and_again([victim], load, KILLS, between)
            size = len(clients.promised)
            wait_for_publication(victim.url, size)
            for entry, promise in clients.promised.items():
                assert clients.board.offer(entry) == promise
            victim.stop()
        finally:
            victim.discard()
            clients.close()
    assert check_history(database, clients.promised, heads) == size
    for where in (database, str(tmp_path / "public")):
        assert run(["audit", where, *ANCHOR, "--state", str(tmp_path / "state")]) == ExitCode.PASSED
    assert "Traceback" not in victim.log.read_text()
    assert run(["board", "publish", database, str(tmp_path / "again")]) == ExitCode.PASSED
    assert run(["board", "mirror", database, new_database(), *ANCHOR]) == ExitCode.PASSED
    tell(capsys, f"{KILLS} kills of a board: {size} entries acknowledged, {len(heads.roots)} heads shown")
