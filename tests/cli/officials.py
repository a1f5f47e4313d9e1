"""Officials at their commands, in one process: homes on disk, a simulated board behind every `--board`."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secballot.sealing import COST_SMALL
from secballot.store.journal import Journal
from secballot.store.keyfile import KeyHolder, write_key
from secballot.store.sealed_journal import SealedJournal
from secballot_cli.main import run
from tests.forked import copy_journal

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from secballot.records.promise import Promise
    from secballot.signing import SigningKey
    from tests.simulator import Simulator

PASSPHRASE = "correct horse battery"
URL = "http://board.invalid"


@dataclass
class Officials:
    """A simulated sitting whose officials work at a command line.

    Attributes:
        simulator: the sitting.
        folder: homes, one base for each official.
        capsys: to read what is said.
    """

    simulator: Simulator
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def connect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the simulated board behind every board that a command is given."""
        for module in ("connecting", "page", "reading"):
            monkeypatch.setattr(f"secballot_cli.{module}.open_source", lambda *_: self.simulator.board.source())
        monkeypatch.setattr("sys.stdin", io.StringIO())
        monkeypatch.setattr("secballot_cli.connecting.open_board", lambda *_: self)
        monkeypatch.setattr("secballot_cli.officer.open_board", lambda *_: self)
        monkeypatch.setattr("secballot_cli.acting.PATIENCE", 0.0)

    def post(self, entry: bytes) -> Promise:
        """Take an entry, as the board would, and have the log witnessed at once."""
        promise = self.simulator.rehearsal.post(entry)
        self.simulator.rehearsal.witness()
        return promise

    def key(self, role: str, number: int) -> SigningKey:
        """Return the key of an official."""
        keys = self.simulator.rehearsal.keys
        groups = {
            "officer": keys.presidium,
            "commission": keys.commission,
            "registrar": keys.registrars,
            "trustee": keys.trustees,
        }
        return groups[role][number - 1]

    def base(self, role: str, number: int = 1) -> Path:
        """Return an official's home base, made with its key on first use."""
        base = self.folder / f"{role}-{number}"
        new = base / role / "new"
        if not base.exists():
            new.mkdir(parents=True, mode=0o700)
            write_key(new / "key", self.key(role, number), PASSPHRASE, COST_SMALL, holder=KeyHolder(role))
            if role == "trustee":
                with Journal.create(new / "journal.sqlite") as journal:
                    known = self.simulator.rehearsal.trustees[number - 1]._journal
                    copy_journal(known, SealedJournal(journal, self.key(role, number)))
        return base

    def secret(self, passphrase: str = PASSPHRASE) -> str:
        """Return a file of mode 0600 that holds a passphrase."""
        path = self.folder / f"secret-{len(passphrase)}"
        path.write_text(passphrase + "\n")
        path.chmod(0o600)
        return str(path)

    def common(self, role: str, number: int = 1) -> list[str]:
        """Return the options of an official who knows everything."""
        anchor = self.simulator.board.anchor.hex()
        base = ["--home", str(self.base(role, number)), "--passphrase-file", self.secret()]
        return [*base, "--sitting", anchor, "--board", URL]

    def run(self, role: str, *arguments: str, number: int = 1, code: int = 0) -> dict[str, Any]:
        """Run a command of an official, expect an exit code, and return its JSON."""
        self.capsys.readouterr()
        command = [role, *arguments] if role != "status" else ["status", *arguments]
        holder = "officer" if role == "status" else role
        found = run([*command, *self.common(holder, number), "--json"])
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        assert found == code, (arguments, out, err)
        said: dict[str, Any] = json.loads([line for line in out.splitlines() if line.startswith("{")][-1])
        return said

    def error(self, role: str, *arguments: str, number: int = 1, code: int = 5) -> str:
        """Run a command that is refused, and return the one line it says."""
        said = self.run(role, *arguments, number=number, code=code)
        assert said["error"]["code"] == code
        return str(said["error"]["message"])
