"""A board is seized in the middle of a poll: its successor takes the log over from a mirror, and the poll goes on."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import httpx

from secballot.board.merkle import leaf_hash
from secballot.net.dropbox_server import DropBoxServer
from secballot.net.limits import ServiceLimits
from secballot.net.witness_server import witness_app
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE
from secballot.roles.delegate import ballot_entry
from secballot.roles.dropbox import DropBox
from secballot.roles.evidence import promised_by
from secballot.roles.officer import Closer, Officer
from secballot.roles.posting import open_places, open_poster
from secballot.roles.remote import open_source
from secballot.roles.trustee import Trustee
from secballot.roles.view import WitnessedView
from secballot.roles.witness_service import WitnessService
from secballot.sealing import COST_SMALL
from secballot.store.board import BoardStore
from secballot.store.dropbox import DropStore
from secballot.store.journal import Journal
from secballot.store.keyfile import write_key
from secballot_cli.main import ExitCode, run
from tests.forked import fork
from tests.loopback import free_port, serving
from tests.running import PASSPHRASE, Running, passphrase_file, start, wait_for_publication
from tests.simulator import TAGS, resolution
from tests.stages import FOR

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Stage:
    """A sitting with an open poll, whose board and its successor are programs, and three of whose witnesses run."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        """Write key files and manifest, and start the witnesses."""
        self.folder, self.running = folder, running
        self.simulator = fork()
        rehearsal = self.simulator.rehearsal
        rehearsal.open_poll(1, [resolution()], int(time.time()) - rehearsal.now + 3_600)
        self.manifest = self.simulator.board.manifest
        self.anchor = ("--sitting", self.simulator.board.anchor.hex())
        self.unlock = passphrase_file(folder)
        (folder / "manifest.json").write_bytes(MANIFEST.encode(self.manifest))
        keys = rehearsal.keys
        for name, pair in (("log", keys.log), ("promise", keys.promise)):
            for number, key in enumerate(pair):
                write_key(folder / f"{name}{number}.key", key, PASSPHRASE, COST_SMALL)
        self.witnesses: dict[str, str] = {}
        for witness, key in zip(self.manifest.witnesses.witnesses[:3], keys.witnesses, strict=False):
            write_key(folder / f"{witness.name}.key", key, PASSPHRASE, COST_SMALL)
            assert run(["witness", "create", *self.witness(witness.name)]) == ExitCode.PASSED
            follow = ["witness", "follow", *self.witness(witness.name), "--manifest", str(folder / "manifest.json")]
            assert run(follow) == ExitCode.PASSED
            journal = running.enter_context(Journal.open(folder / f"{witness.name}.db"))
            app = witness_app(WitnessService(witness.name, key, journal))
            self.witnesses[witness.name] = running.enter_context(serving(app))

    def witness(self, name: str) -> tuple[str, ...]:
        """Return the arguments that every command of a witness has."""
        return (
            *(str(self.folder / f"{name}.db"), "--name", name, "--key", str(self.folder / f"{name}.key")),
            *self.unlock,
        )

    def keys(self, number: int) -> tuple[str, ...]:
        """Return the options that name the key files of an operator: 0, or 1 for the successor."""
        files = (str(self.folder / f"{name}{number}.key") for name in ("log", "promise"))
        return tuple(word for pair in zip(("--log-key", "--promise-key"), files, strict=True) for word in pair)

    def asked(self) -> tuple[str, ...]:
        """Return the options that name all witnesses that run."""
        return tuple(word for name, url in self.witnesses.items() for word in ("--witness", f"{name}={url}"))

    def serve(self, number: int, *witnesses: str, port: int = 0) -> Running:
        """Start an operator's board."""
        database = str(self.folder / f"board{number}.db")
        options = ("--interval", "0.1", *self.keys(number), *self.unlock, *witnesses)
        started = start("board", "serve", database, *self.anchor, *options, port=port)
        self.running.callback(started.interrupt)
        return started

    def ballot(self, delegate: int) -> bytes:
        """Return a delegate's ballot."""
        return ballot_entry(self.simulator.rehearsal.delegates[delegate].seal(1, (FOR,), TAGS[delegate]).cast())

    def drop_box(self, *boards: str) -> str:
        """Start a drop box before these boards, and return its URL."""
        store = self.running.enter_context(DropStore.create(self.folder / "box.db", MANIFEST.encode(self.manifest)))
        places = open_places(boards, self.manifest, self.simulator.board.anchor, patience=2.0)
        box = DropBox(store, places, [open_source(board) for board in boards], pause=0.1, look=0.2)
        self.running.callback(box.close)
        return self.running.enter_context(serving(DropBoxServer(box, ServiceLimits(), interval=0.05).app))

    def sign_handover(self, mirror: Path, url: str) -> list[int]:
        """Let as many officers and trustees as it takes sign the handover, each by its own view; return its indices."""
        simulator, manifest = self.simulator, self.manifest
        post = open_poster([url], manifest, simulator.board.anchor)

        def view() -> WitnessedView:
            made = WitnessedView(open_source(mirror), simulator.board.anchor)
            made.refresh()
            return made

        officers = simulator.rehearsal.keys.presidium[: manifest.presidium.threshold]
        trustees = simulator.rehearsal.trustees[: manifest.trustees.threshold]
        signers: list[Closer] = [
            *(Officer(key, view(), post) for key in officers),
            *(Trustee(trustee.key, view(), post, trustee._journal) for trustee in trustees),
        ]
        return [signer.post("handover", signer.handover_body()).index for signer in signers]

    def found(self, port: int, successor_port: int) -> tuple[Running, str]:
        """Let the first operator's board log the sitting so far; return it, and the URL of a drop box before it."""
        create = ["board", "create", str(self.folder / "board0.db"), str(self.folder / "manifest.json")]
        assert run([*create, *self.keys(0), *self.unlock]) == ExitCode.PASSED
        board = self.serve(0, *self.asked(), port=port)
        box = self.drop_box(board.url, f"http://127.0.0.1:{successor_port}")
        poster = open_poster([board.url, box], self.manifest, self.simulator.board.anchor)
        for entry in self.simulator.board.entries:
            poster.post(entry)
        return board, box

    def succeed(self, mirror: Path, port: int) -> tuple[Running, list[int]]:
        """Let the successor take over from a mirror, be handed the log, and be taken up; return it and the acts."""
        database = str(self.folder / "board1.db")
        takeover = ["board", "takeover", str(mirror), database, *self.anchor, *self.keys(1)]
        assert run([*takeover, *self.asked(), "--json"]) == ExitCode.PASSED
        successor = self.serve(1, *self.asked(), port=port)
        indices = self.sign_handover(mirror, successor.url)
        acts = str(self.folder / "handover")
        assert run(["board", "pending", database, acts]) == ExitCode.PASSED
        for name in self.witnesses:
            takeup = ["witness", "takeup", *self.witness(name), "--board", str(mirror), *self.anchor]
            assert run(takeup) == ExitCode.REFUSED
            assert run([*takeup, "--handover", acts]) == ExitCode.PASSED
        return successor, indices


def _promised_by(stage: Stage, url: str, entry: bytes, operator: int) -> int | None:
    """Return the index that this operator has promised, as a drop box tells, None as long as it does not."""
    answer = httpx.post(f"{url}/entry", content=entry, trust_env=False)
    if answer.status_code != 200:
        return None
    promise = PROMISE.decode(answer.content)
    return promise.index if promised_by(stage.manifest, promise) == {operator} else None


def _until(question: partial[int | None]) -> int:
    for _ in range(1_200):
        if (found := question()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(question)


def test_a_seized_board_is_succeeded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was witnessed is kept, what was only promised is posted again, the poll goes on, and the record verifies."""
    with ExitStack() as running:
        stage = Stage(tmp_path, running)
        entries, anchor = stage.simulator.board.entries, stage.simulator.board.anchor
        first, second, third = (stage.ballot(delegate) for delegate in range(3))
        # 1. The first operator's board logs the sitting up to the first ballot, and a mirror follows.
        port, later = free_port(), free_port()
        board, box = stage.found(port, later)
        assert _until(partial(_promised_by, stage, box, first, 1)) == len(entries)
        witnessed = len(entries) + 1
        wait_for_publication(board.url, witnessed)
        folder = tmp_path / "mirror"
        mirror = ["board", "mirror", board.url, str(tmp_path / "mirror.db"), *stage.anchor, "--publish", str(folder)]
        assert run(mirror) == ExitCode.PASSED
        # 2. Cut off from its witnesses, it promises another ballot a place that no mirror sees; then it is gone.
        board.kill()
        alone = stage.serve(0, port=port)
        assert _until(partial(_promised_by, stage, box, second, 1)) == witnessed
        promise = tmp_path / "promise.json"
        promise.write_bytes(httpx.post(f"{box}/entry", content=second, trust_env=False).content)
        alone.kill()
        # 3. The successor takes the log over from the mirror, is handed it, and the witnesses take it up.
        capsys.readouterr()
        successor, acts = stage.succeed(folder, later)
        facts = json.loads(capsys.readouterr().out.splitlines()[0])["facts"]
        assert (facts["size"], facts["successor"], facts["asked"]) == (witnessed, 1, list(stage.witnesses))
        assert acts == list(range(witnessed, witnessed + 4))
        # 4. The drop box offers everything again: what is logged is promised its place, what was lost is logged now.
        assert _until(partial(_promised_by, stage, box, first, 2)) == witnessed - 1
        assert _until(partial(_promised_by, stage, box, second, 2)) == witnessed + 4
        given = open_poster([board.url, successor.url], stage.manifest, anchor, rounds=1).post(third)
        wait_for_publication(successor.url, witnessed + 6)
        assert (given.index, run(["audit", successor.url, *stage.anchor])) == (witnessed + 5, ExitCode.PASSED)
        # 5. The mirror goes on with the successor, and the lost promise is void, and no evidence.
        mirror[2] = successor.url
        assert run(mirror) == ExitCode.PASSED
        judged = ["evidence", "promise", str(promise), str(tmp_path / "e"), "--board", str(folder), *stage.anchor]
        assert run(judged) == ExitCode.REFUSED
        # 6. Whoever has seized the first board gets nothing cosigned any more.
        seized = stage.serve(0, *stage.asked(), port=port)
        time.sleep(0.5)
        assert httpx.get(f"{seized.url}/health", trust_env=False).json()["published"] == witnessed
    assert run(["audit", str(folder), *stage.anchor]) == ExitCode.PASSED
    with BoardStore.open(tmp_path / "mirror.db") as store:
        assert [store.find(leaf_hash(entry)) for entry in (first, second, third)] == [
            witnessed - 1,
            witnessed + 4,
            witnessed + 5,
        ]
