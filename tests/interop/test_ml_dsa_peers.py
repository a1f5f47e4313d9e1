"""ML-DSA-44 (type 0x06) between programs: others verify what our services sign by it, and we what others sign.

The board and the witness run as programs, with their second keys in files. Go's side is transparency-dev/formats on
filippo.io/mldsa, Python's is proofbundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from secballot.board.inclusion import TlogProof
from secballot.board.note import ED25519, ED25519_COSIGNATURE, VerifierKey
from secballot.board.policy import Policy
from secballot.errors import InvalidSignatureError
from secballot.net.client import HttpClient
from secballot.records.manifest import MANIFEST
from secballot.roles.board import BoardOperator
from secballot.roles.remote import RemoteBoard
from secballot.sealing import COST_SMALL
from secballot.store.ml_dsa_keyfile import create_ml_dsa_key
from secballot_cli.main import ExitCode
from secballot_cli.main import run as run_cli
from tests.interop.programs import ask, ask_go, run
from tests.running import PASSPHRASE, key_files, passphrase_file, secballot, wait_for_publication
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from pathlib import Path

WITNESSES = ("w1.example", "w2.example")
ED25519_KEYS = [
    VerifierKey(ORIGIN, ED25519, public("log")[0]).encode(),
    *(VerifierKey(name, ED25519_COSIGNATURE, public(name)[0]).encode() for name in WITNESSES),
]


@dataclass(frozen=True)
class Doubled:
    """What a board has shown whose log, and whose first witness, sign by both.

    Attributes:
        note: the checkpoint.
        log: the log's second key.
        witness: the first witness's.
        proof: of the last entry.
        entry: that entry.
    """

    note: bytes
    log: str
    witness: str
    proof: bytes
    entry: bytes


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> Doubled:
    """Run a board and two witnesses until they have shown three entries."""
    folder = tmp_path_factory.mktemp("doubled")
    key_files(folder, "log", "promise", *WITNESSES)
    passphrase, seconds = passphrase_file(folder), {}
    for name in (ORIGIN, WITNESSES[0]):
        file = folder / f"{name.partition('/')[0]}.ml-dsa.key"
        vkey = VerifierKey(name, 0x06, create_ml_dsa_key(file, PASSPHRASE, COST_SMALL)).encode()
        seconds[name] = (str(file), vkey)
    keys = ("--log-key", str(folder / "log.key"), "--promise-key", str(folder / "promise.key"), *passphrase)
    database, manifest, entry = str(folder / "board.db"), folder / "manifest.json", document(1)
    manifest.write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    assert run_cli(["board", "create", database, str(manifest), *keys]) == ExitCode.PASSED
    common = {}
    for name in WITNESSES:
        common[name] = (str(folder / f"{name}.db"), "--name", name, "--key", str(folder / f"{name}.key"), *passphrase)
        assert run_cli(["witness", "create", *common[name]]) == ExitCode.PASSED
        logs = ("--log", ED25519_KEYS[0], "--log", seconds[ORIGIN][1])
        assert run_cli(["witness", "follow", *common[name], *logs]) == ExitCode.PASSED
    second = ("--ml-dsa-key", seconds[WITNESSES[0]][0])
    with (
        secballot("witness", "serve", *common[WITNESSES[0]], *second) as one,
        secballot("witness", "serve", *common[WITNESSES[1]]) as two,
    ):
        asked = ("--witness", f"{WITNESSES[0]}={one}", "--witness", f"{WITNESSES[1]}={two}", "--interval", "0.1")
        more = ("--ml-dsa-key", seconds[ORIGIN][0], "--witness-ml-dsa", seconds[WITNESSES[0]][1])
        serve = ("board", "serve", database, "--sitting", SITTING_ID.hex(), *keys, *asked, *more)
        with secballot(*serve) as url, HttpClient(url) as client:
            board = RemoteBoard(client, SITTING_ID, public("promise"))
            for posted in (*founding(), entry):
                board.post(posted)
            wait_for_publication(url, 3)
            note = httpx.get(f"{url}/checkpoint", trust_env=False).content
    operator = BoardOperator.open(database, SITTING_ID, log_key=key("log"), promise_key=key("promise"))
    proof = TlogProof(2, operator.store.inclusion_proof(2, 3).hashes, note).encode()
    operator.close()
    return Doubled(note, seconds[ORIGIN][1], seconds[WITNESSES[0]][1], proof, entry)


def test_go_verifies_what_our_services_sign(doubled: Doubled, tmp_path: Path) -> None:
    """Both kinds of lines of log and witness are good for transparency-dev/formats; a changed one spoils the note."""
    file = tmp_path / "note"
    file.write_bytes(doubled.note)
    assert ask_go("open", file, doubled.log) == [ORIGIN]
    assert ask_go("open", file, doubled.witness) == [WITNESSES[0]]
    everybody = ask_go("open", file, *ED25519_KEYS, doubled.log, doubled.witness)
    assert everybody == sorted([ORIGIN, ORIGIN, WITNESSES[0], WITNESSES[0], WITNESSES[1]])
    file.write_bytes(doubled.note.replace(b"\n3\n", b"\n4\n", 1))
    for vkey in (doubled.log, doubled.witness):
        assert run("go", "peers", "open", file, vkey).returncode == 1


def test_proofbundle_counts_the_witness_by_its_second_key(doubled: Doubled, tmp_path: Path) -> None:
    """A tlog-proof holds with the witness's ML-DSA key as the only one that is trusted, and not with another's."""
    proof, entry = tmp_path / "proof.tlog-proof", tmp_path / "entry"
    proof.write_bytes(doubled.proof)
    entry.write_bytes(doubled.entry)
    verify = ("verify-proof", proof, "--payload-file", entry, "--log-vkey", ED25519_KEYS[0], "--threshold", "1")
    ask("py312", "proofbundle", *verify, "--witness-vkey", doubled.witness)
    stranger = VerifierKey(WITNESSES[0], 0x06, VerifierKey.decode(doubled.log).key).encode()
    assert run("py312", "proofbundle", *verify, "--witness-vkey", stranger).returncode != 0


def test_we_verify_what_go_signs(doubled: Doubled, tmp_path: Path) -> None:
    """A cosignature that transparency-dev/formats adds counts for a policy that trusts its key."""
    made = ask_go("mldsa-key", "foreign.example")
    note, private = tmp_path / "note", tmp_path / "private"
    note.write_bytes(doubled.note)
    private.write_text(made["private"])
    signed = ask("go", "peers", "mldsa-sign", note, private).encode()
    assert len(signed) > len(doubled.note)
    policy = Policy.of([VerifierKey.decode(doubled.log)], [VerifierKey.decode(made["public"])], 1)
    (cosignature,) = policy.open(signed, origin=ORIGIN).cosignatures
    assert (cosignature.vkey.name, cosignature.time > 1_700_000_000) == ("foreign.example", True)
    with pytest.raises(InvalidSignatureError):
        policy.open(signed.replace(b"\n3\n", b"\n4\n", 1), origin=ORIGIN)
