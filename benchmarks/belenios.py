"""The same question asked of Belenios: one of five options, verified by `belenios-tool election verify`.

Group BELENIOS-2048, one trustee, as many voters as ballots. What verifying an election without ballots takes is
subtracted, so that start and setup are on nobody's account.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.auditing import audit_once
from benchmarks.cores import available, pinned
from benchmarks.programs import as_installed
from benchmarks.record.generate import record_of
from benchmarks.record.plan import OPTIONS, RecordPlan
from benchmarks.table import Row, Table, tell

TOOL: Final = "belenios-tool"
GROUP: Final = "BELENIOS-2048"

_TEMPLATE: Final = {
    "administrator": "nobody",
    "credential_authority": "nobody",
    "description": "",
    "name": "A choice among five",
    "questions": [
        {
            "answers": [f"Option {number}" for number in range(1, OPTIONS + 1)],
            "max": 1,
            "min": 1,
            "question": "Who shall it be?",
        }
    ],
}


class MissingToolError(Exception):
    """There is no `belenios-tool` on this machine."""


@dataclass(frozen=True)
class Verified:
    """What a ballot of Belenios costs.

    Attributes:
        seconds: to verify it.
        size: its bytes.
    """

    seconds: float
    size: float


def measure(ballots: int, cache: Path, *, against: int) -> Table:
    """Return our audit beside theirs, in one run.

    Args:
        ballots: of our record.
        cache: where records are kept.
        against: ballots of their election.

    Raises:
        MissingToolError: there is nothing to compare with.
    """
    if shutil.which(TOOL) is None:
        raise MissingToolError(f"{TOOL} is not installed (Debian: apt-get install belenios-tool)")
    record = record_of(RecordPlan(ballots), cache)
    command = [str(Path(sys.executable).with_name("secballot")), "audit", str(record.folder), "--json"]
    command += ["--sitting", record.anchor.hex()]
    with pinned():
        theirs = verify_election(against)
        tell(f"auditing {ballots} ballots")
        alone = audit_once(record)
    with tempfile.TemporaryDirectory() as state:
        began = time.perf_counter()
        done = subprocess.run([*command, "--state", state], stdout=subprocess.PIPE, env=as_installed(), check=True)
        whole = time.perf_counter() - began
    parts = {line["part"]: line["seconds"] for line in json.loads(done.stdout)["timings"]}
    cores = len(available())
    size = record.ballot_bytes / ballots
    return Table(
        f"Against {TOOL}, group {GROUP}: {against} of their ballots, {ballots} of ours",
        [
            Row("theirs", 1e3 * theirs.seconds, "ms/ballot", note="election verify, without start and setup"),
            Row("ours, opening to result, one thread", 1e3 * alone.parts["ballots"] / ballots, "ms/ballot"),
            Row(f"ours, opening to result, {cores} cores", 1e3 * parts["ballots"] / ballots, "ms/ballot"),
            Row(f"ours, whole record and process, {cores} cores", 1e3 * whole / ballots, "ms/ballot"),
            Row("faster, one thread", theirs.seconds * ballots / alone.parts["ballots"], "×"),
            Row(f"faster, {cores} cores", theirs.seconds * ballots / parts["ballots"], "×"),
            Row(f"faster, whole record and process, {cores} cores", theirs.seconds * ballots / whole, "×"),
            Row("bytes of a ballot", size, "B", theirs.size, "limit: theirs"),
        ],
    )


def verify_election(ballots: int) -> Verified:
    """Run an election of Belenios and return what verifying a ballot of it costs."""
    tell(f"making an election of {ballots} ballots with {TOOL}")
    with tempfile.TemporaryDirectory() as folder:
        election = _Election(Path(folder))
        credentials = election.set_up(ballots)
        empty = election.verify()
        sizes = [election.vote(credential, number % OPTIONS) for number, credential in enumerate(credentials)]
        election.tally()
        return Verified((election.verify() - empty) / ballots, sum(sizes) / ballots)


class _Election:
    """One election in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def set_up(self, voters: int) -> list[str]:
        """Make keys and credentials, and return the credentials."""
        uuid = self._run("setup", "generate-token").decode().strip()
        named = ["--uuid", uuid, "--group", GROUP]
        self._run("setup", "generate-credentials", *named, "--count", str(voters))
        self._rename("*.pubcreds", "public_creds.json")
        private = self._rename("*.privcreds", "private_creds.txt").read_text(encoding="utf-8")
        self._run("setup", "generate-trustee-key", "--group", GROUP)
        (key,) = self._folder.glob("*.pubkey")
        shutil.copy(key, self._folder / "public_keys.jsons")
        self._run("setup", "make-trustees")
        self._write("template.json", json.dumps(_TEMPLATE))
        self._run("setup", "make-election", *named, "--template", "template.json")
        self._run("archive", "init")
        for name in ("election.json", "trustees.json", "public_creds.json", "public_keys.jsons"):
            (self._folder / name).unlink(missing_ok=True)
        return [line.split()[1] for line in private.splitlines()]

    def vote(self, credential: str, option: int) -> int:
        """Cast a ballot and return its bytes."""
        self._write("credential", credential)
        self._write("choice", json.dumps([[int(number == option) for number in range(OPTIONS)]]))
        ballot = self._run("election", "generate-ballot", "--privcred", "credential", "--ballot", "choice")
        self._run("archive", "add-event", "--type=Ballot", given=ballot)
        return len(ballot.strip())

    def tally(self) -> None:
        """Close, decrypt and publish the result."""
        self._run("archive", "add-event", "--type=EndBallots")
        encrypted = self._run("election", "compute-encrypted-tally")
        self._run("archive", "add-event", "--type=EncryptedTally", given=encrypted)
        (key,) = self._folder.glob("*.privkey")
        partial = self._run("election", "decrypt", "--privkey", key.name, "--trustee-id", "1")
        self._run("archive", "add-event", "--type=PartialDecryption", given=partial)
        self._run("archive", "add-event", "--type=Result", given=self._run("election", "compute-result"))

    def verify(self) -> float:
        """Verify everything and return the seconds that it took."""
        began = time.perf_counter()
        self._run("election", "verify")
        return time.perf_counter() - began

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            [TOOL, *arguments],
            cwd=self._folder,
            input=given,
            capture_output=True,
            check=False,
            env={**os.environ, "BELENIOS_USE_URANDOM": "1"},
        )
        if done.returncode:
            raise RuntimeError(f"{TOOL} {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout

    def _rename(self, pattern: str, name: str) -> Path:
        (found,) = self._folder.glob(pattern)
        return found.rename(self._folder / name)

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text + "\n", encoding="utf-8")
