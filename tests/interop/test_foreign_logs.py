"""Our witness cosigns logs that nobody here wrote, asked by their own clients; and we read what they publish.

One log is tessera's `posix-oneshot`, run as it comes: it adds files to a log in a folder, has every checkpoint cosigned
as its policy says, and publishes nothing that is not. The other is of PyPI's aics-tlog,
with the client of aics-witness.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from secballot.board.note import ED25519, ED25519_COSIGNATURE, VerifierKey
from secballot.board.policy import Policy
from secballot.net.client import HttpClient
from secballot.net.witness_client import latest_cosigned
from secballot.store.folder import FolderReader
from secballot_cli.main import ExitCode
from secballot_cli.main import run as run_cli
from tests.interop.programs import ask_go, find, started
from tests.running import key_files, passphrase_file, secballot
from tests.small_sitting import key, public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = "log.example/foreign"
LOG_KEY = VerifierKey(ORIGIN, ED25519, public("foreign log")[0])
WITNESS_KEY = VerifierKey("w.example", ED25519_COSIGNATURE, public("w.example")[0])
POLICY = Policy.of([LOG_KEY], [WITNESS_KEY], 1)


@contextmanager
def own_witness(tmp_path: Path) -> Iterator[str]:
    """Run our witness, which follows the foreign log, and yield where."""
    key_files(tmp_path, "w.example")
    journal = str(tmp_path / "w.db")
    common = (journal, "--name", "w.example", "--key", str(tmp_path / "w.example.key"), *passphrase_file(tmp_path))
    assert run_cli(["witness", "create", *common]) == ExitCode.PASSED
    assert run_cli(["witness", "follow", *common, "--log", LOG_KEY.encode()]) == ExitCode.PASSED
    with secballot("witness", "serve", *common) as url:
        yield url


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[str]:
    """Run our witness for a log of tessera."""
    find("go", "posix-oneshot")
    with own_witness(tmp_path) as url:
        yield url


FEEDER = """
import sys
from aics_tlog import Checkpoint, MerkleTree, sign_checkpoint
from aics_witness.feeder import WitnessClient, WitnessRejected
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

url, vkey, origin, state, seed = sys.argv[1:5] + [sys.stdin.readline().strip()]
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
client = WitnessClient(url, vkey, state_path=state)

def submit(tree, size):
    note = sign_checkpoint(Checkpoint(origin, size, tree.root(size)), key, origin)
    return client.submit(note.to_bytes(), tree.consistency_proof)

tree = MerkleTree(b"%d" % number for number in range(300))
for size in (1, 2, 256, 300, 300):
    print(submit(tree, size), end="")
client.known_sizes.clear()
print(submit(tree, 300), end="")
try:
    submit(MerkleTree(b"other %d" % number for number in range(400)), 400)
except WitnessRejected as refusal:
    print(refusal)
"""
"""Makes a log of 300 entries with aics-tlog, and submits it with the client of aics-witness; then another log."""


class TesseraLog:
    """A log of tessera in a folder, one key for all of them."""

    def __init__(self, folder: Path, name: str, witness: str) -> None:
        """Make key file and policy; the log itself comes with its first entries."""
        self.log, self.inputs = folder / name, folder / f"{name}-entries"
        self.inputs.mkdir()
        private = ask_go("ed25519-key", ORIGIN, text=key("foreign log").encode_private().hex())
        assert private["public"] == LOG_KEY.encode()
        self.key, self.policy = folder / f"{name}.key", folder / f"{name}.policy"
        self.key.write_text(private["private"])
        self.policy.write_text(f"witness w {WITNESS_KEY.encode()} {witness}\nquorum w\n")
        self.entries: list[bytes] = []
        self.said = ""

    def add(self, count: int, text: str) -> bool:
        """Add entries, and tell whether the log has published them."""
        for file in self.inputs.iterdir():
            file.unlink()
        for number in range(count):
            data = f"{text} {len(self.entries)}".encode()
            (self.inputs / f"{number:05}").write_bytes(data)
            self.entries.append(data)
        files = (f"--storage_dir={self.log}", f"--entries={self.inputs}/*", f"--private_key={self.key}")
        witnessing = (f"--witness_policy_file={self.policy}", "--witness_timeout=20s")
        with started("go", "posix-oneshot", *files, *witnessing) as process:
            for line in process.stdout or ():
                self.said += line
                # It would try again for ever.
                if "policy was not satisfied" in self.said and "422" in self.said:
                    return False
            return process.wait() == 0

    def checkpoint(self) -> bytes:
        """Return the note that the log publishes."""
        return (self.log / "checkpoint").read_bytes()


def test_our_witness_cosigns_a_foreign_log(witness: str, tmp_path: Path) -> None:
    """Its client takes our cosignatures through growth; the checkpoint is a good one for us, and monitors see it."""
    log = TesseraLog(tmp_path, "log", witness)
    for count in (3, 300, 1):
        assert log.add(count, "entry")
        cosigned = POLICY.open(log.checkpoint(), origin=ORIGIN)
        assert cosigned.checkpoint.tree_size == len(log.entries)
        assert [cosignature.vkey for cosignature in cosigned.cosignatures] == [WITNESS_KEY]
        with HttpClient(witness) as client:
            shown = latest_cosigned(client, ORIGIN)
        assert shown is not None
        assert POLICY.open(shown, origin=ORIGIN).checkpoint == cosigned.checkpoint


def test_we_read_a_foreign_log(witness: str, tmp_path: Path) -> None:
    """Tiles, bundles and proofs of tessera, from its folder, hold every entry that was added."""
    log = TesseraLog(tmp_path, "log", witness)
    assert log.add(300, "entry")
    checkpoint = POLICY.open(log.checkpoint(), origin=ORIGIN).checkpoint
    reader = FolderReader(log.log)
    assert sorted(reader.entries(checkpoint)) == sorted(log.entries)
    for index in (0, 255, 256, 299):
        entry, proof = reader.entry(index, checkpoint)
        assert entry in log.entries
        assert proof.tree_size == 300
    assert log.add(5, "later")
    grown = POLICY.open(log.checkpoint(), origin=ORIGIN).checkpoint
    assert reader.consistency_proof(checkpoint, grown).new_size == 305


def test_our_witness_stops_a_foreign_log_with_two_views(witness: str, tmp_path: Path) -> None:
    """A copy of the log that grows otherwise gets no cosignature, so tessera does not publish what it holds."""
    honest, forked = (TesseraLog(tmp_path, name, witness) for name in ("honest", "forked"))
    assert honest.add(3, "entry")
    shutil.copytree(honest.log, forked.log)
    assert honest.add(2, "entry")
    assert not forked.add(5, "another")
    assert "consistency proof is bad: 422" in forked.said
    assert POLICY.open(forked.checkpoint(), origin=ORIGIN).checkpoint.tree_size == 3
    with HttpClient(witness) as client:
        shown = latest_cosigned(client, ORIGIN)
    assert shown is not None
    assert POLICY.open(shown, origin=ORIGIN).checkpoint.tree_size == 5


def test_our_witness_satisfies_another_client(tmp_path: Path) -> None:
    """PyPI's feeder takes our cosignatures as fresh and good, by growth, again and after it has forgotten all sizes."""
    python = find("py312", "python")
    script = tmp_path / "feed.py"
    script.write_text(FEEDER)
    with own_witness(tmp_path) as url:
        command = [python, str(script), url, WITNESS_KEY.encode(), ORIGIN, str(tmp_path / "state.json")]
        seed = key("foreign log").encode_private().hex()
        done = subprocess.run(command, input=seed, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        *lines, refusal = done.stdout.splitlines()
        assert [line.split()[1] for line in lines] == ["w.example"] * 6
        assert "422" in refusal
        with HttpClient(url) as client:
            shown = latest_cosigned(client, ORIGIN)
    assert shown is not None
    assert POLICY.open(shown, origin=ORIGIN).checkpoint.tree_size == 300
