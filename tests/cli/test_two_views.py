"""A dishonest operator runs two boards with the same keys: readers, witness and mirror convict it, each alone."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx

from secballot.net.client import HttpClient
from secballot.net.witness_server import witness_app
from secballot.records.manifest import MANIFEST
from secballot.roles.remote import RemoteBoard
from secballot.roles.witness_service import WitnessService
from secballot.store.journal import Journal
from secballot_cli.main import ExitCode, run
from tests.loopback import serving
from tests.running import key_files, passphrase_file, secballot, wait_for_publication
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ANCHOR = ("--sitting", SITTING_ID.hex())


class Stage:
    """Two running boards of one operator, an honest witness that is a program, and others that sign for either."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        """Write keys and manifest, and start the honest witness."""
        self.folder, self._running = folder, running
        self._passphrase = passphrase_file(folder)
        key_files(folder, "log", "promise", "w1.example")
        self.manifest = folder / "manifest.json"
        self.manifest.write_bytes(MANIFEST.encode(SMALL_MANIFEST))
        self.journal = str(folder / "w1.db")
        common = (self.journal, "--name", "w1.example", "--key", str(folder / "w1.example.key"), *self._passphrase)
        assert run(["witness", "create", *common]) == ExitCode.PASSED
        assert run(["witness", "follow", *common, "--manifest", str(self.manifest)]) == ExitCode.PASSED
        self.witness = running.enter_context(secballot("witness", "serve", *common))

    def accomplice(self, name: str, view: str) -> str:
        """Return the option of a witness that signs for one view whatever it signs for another."""
        journal = self._running.enter_context(Journal.create(self.folder / f"{name} of {view}"))
        service = WitnessService(name, key(name), journal)
        service.role.follow(ORIGIN, public("log")[0])
        return f"{name}={self._running.enter_context(serving(witness_app(service)))}"

    def board(self, view: str, documents: tuple[int, ...]) -> str:
        """Start the board of one view, post these documents to it, and return its URL when it shows them."""
        keys = ("--log-key", str(self.folder / "log.key"), "--promise-key", str(self.folder / "promise.key"))
        database = str(self.folder / f"{view}.db")
        made = run(["board", "create", database, str(self.manifest), *keys, *self._passphrase])
        assert made == ExitCode.PASSED
        asked = f"w1.example={self.witness}", self.accomplice("w2.example", view), self.accomplice("w3.example", view)
        witnesses = [word for option in asked for word in ("--witness", option)]
        serve = ("board", "serve", database, *ANCHOR, *keys, *self._passphrase, "--interval", "0.1", *witnesses)
        url = self._running.enter_context(secballot(*serve))
        with HttpClient(url) as client:
            for entry in (*founding(), *(document(number) for number in documents)):
                RemoteBoard(client, SITTING_ID, public("promise")).post(entry)
        wait_for_publication(url, 2 + len(documents))
        return url


def test_a_board_with_two_views_is_convicted_three_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two readers who compare, the witness and the mirror each leave a file that a stranger accepts."""
    with ExitStack() as running:
        stage = Stage(tmp_path, running)
        one = stage.board("one", (1, 2, 3))
        copy, folder = str(tmp_path / "mirror.db"), tmp_path / "mirror"
        mirror = ["board", "mirror", "--publish", str(folder), *ANCHOR]
        assert run([*mirror, one, copy]) == ExitCode.PASSED
        assert run([*mirror, one, copy, "--json"]) == ExitCode.PASSED
        facts = json.loads(capsys.readouterr().out.splitlines()[-1])["facts"]
        assert facts == {"evidence": None, "size": 5}
        kept = ["witness", "evidence", stage.journal, str(tmp_path / "w.evidence"), "--manifest", str(stage.manifest)]
        assert run(kept) == ExitCode.PASSED
        two = stage.board("two", (1, 2, 9, 4))
        # (a) two readers who compare
        assert run(["evidence", "compare", one, two, *ANCHOR, "--out", str(tmp_path / "r.evidence")]) == 1
        # (b) the witness, by anybody who asks it or by its operator; the board does not wait for its answer
        address = f"{stage.witness}/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/evidence"
        answer = httpx.get(address, trust_env=False)
        for _ in range(400):
            if answer.status_code == 200:
                break
            time.sleep(0.05)
            answer = httpx.get(address, trust_env=False)
        assert answer.status_code == 200
        (tmp_path / "served.evidence").write_bytes(answer.content)
        assert run([*kept, "--board", two]) == ExitCode.FAILED
        # (c) the mirror, whose copy stays what it was
        assert run([*mirror, two, copy, "--evidence", str(tmp_path / "m.evidence")]) == ExitCode.FAILED
    for name in ("r", "w", "served", "m"):
        assert run(["evidence", "check", str(tmp_path / f"{name}.evidence"), *ANCHOR]) == ExitCode.PASSED
        assert "signed two views" in capsys.readouterr().out
    assert run(["audit", str(folder), *ANCHOR]) == ExitCode.PASSED
