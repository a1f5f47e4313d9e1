"""Witnesses that nobody here wrote cosign a running board over HTTP, and answer as ours does.

The board's manifest has three witnesses and wants two. One of the two that run is foreign, so that no checkpoint is
shown without its cosignature; the key is the manifest's, the program is not ours.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.merkle import ConsistencyProof, leaf_hash, root_of
from secballot.board.note import ED25519, ED25519_COSIGNATURE, Ed25519Signer, VerifierKey
from secballot.board.policy import Policy
from secballot.board.witness import Request
from secballot.net.client import HttpClient
from secballot.records.manifest import MANIFEST
from secballot.roles.remote import RemoteBoard
from secballot_cli.main import ExitCode
from secballot_cli.main import run as run_cli
from tests.interop.programs import aics_witness, litewitness
from tests.running import key_files, passphrase_file, secballot, wait_for_publication
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Foreign = Callable[[Path, str, bytes, str, str], AbstractContextManager[str]]

LOG_KEY = VerifierKey(ORIGIN, ED25519, public("log")[0]).encode()
FOREIGN, OWN = "w1.example", "w2.example"
POLICY = Policy.of(
    [VerifierKey.decode(LOG_KEY)],
    [VerifierKey(name, ED25519_COSIGNATURE, public(name)[0]) for name in (FOREIGN, OWN)],
    2,
)
PEERS = {"litewitness": litewitness, "aics-witness": aics_witness}


def start_foreign(folder: Path, foreign: Foreign) -> AbstractContextManager[str]:
    """Run a foreign witness with the key that the manifest gives to the first one."""
    return foreign(folder, FOREIGN, key(FOREIGN).encode_private(), ORIGIN, LOG_KEY)


def start_own(folder: Path) -> AbstractContextManager[str]:
    """Run our witness as the second one, with its key and journal in the folder."""
    key_files(folder, OWN)
    journal = folder / f"{OWN}.db"
    common = (str(journal), "--name", OWN, "--key", str(folder / f"{OWN}.key"), *passphrase_file(folder))
    if not journal.exists():
        assert run_cli(["witness", "create", *common]) == ExitCode.PASSED
        assert run_cli(["witness", "follow", *common, "--log", LOG_KEY]) == ExitCode.PASSED
    return secballot("witness", "serve", *common)


@pytest.mark.parametrize("foreign", PEERS.values(), ids=PEERS)
def test_a_foreign_witness_cosigns_a_running_board(foreign: Foreign, tmp_path: Path) -> None:
    """Through growth, and through a restart of the board, which has to be told by a 409 where the witness stands."""
    key_files(tmp_path, "log", "promise")
    keys = ("--log-key", str(tmp_path / "log.key"), "--promise-key", str(tmp_path / "promise.key"))
    database, manifest = str(tmp_path / "board.db"), tmp_path / "manifest.json"
    manifest.write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    assert run_cli(["board", "create", database, str(manifest), *keys, *passphrase_file(tmp_path)]) == ExitCode.PASSED
    with start_foreign(tmp_path, foreign) as theirs, start_own(tmp_path) as ours:
        serve = ("board", "serve", database, "--sitting", SITTING_ID.hex(), *keys, *passphrase_file(tmp_path))
        asked = ("--interval", "0.1", "--witness", f"{FOREIGN}={theirs}", "--witness", f"{OWN}={ours}")
        for entries in ([*founding(), document(1)], [document(2)]):
            with secballot(*serve, *asked) as url, HttpClient(url) as client:
                board = RemoteBoard(client, SITTING_ID, public("promise"))
                size = max(board.post(entry).index for entry in entries) + 1
                wait_for_publication(url, size)
                note = httpx.get(f"{url}/checkpoint", trust_env=False).content
            cosigned = POLICY.open(note, origin=ORIGIN)
            assert cosigned.checkpoint.tree_size == size
            assert [cosignature.vkey.name for cosignature in cosigned.cosignatures] == [FOREIGN, OWN]


LEAVES = [leaf_hash(b"%d" % number) for number in range(8)]


def request(old: int, size: int, *, leaves: list[bytes] = LEAVES, signer: str = "log", origin: str = ORIGIN) -> bytes:
    """Return the body of a request about a log of these leaves."""
    checkpoint = Checkpoint(origin, size, root_of(leaves[:size]))
    note = sign_checkpoint(checkpoint, [Ed25519Signer(origin, key(signer))])

    def subtree(level: int, index: int) -> bytes:
        return root_of(leaves[index << level : (index + 1) << level])

    hashes = ConsistencyProof.prove(old, size, subtree).hashes if old <= size else ()
    return Request(old, hashes, note.encode()).encode()


OTHER = [leaf_hash(b"other %d" % number) for number in range(8)]
"""What a second view of the log would hold."""

WELL = request(3, 5)
ZEROES = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

CASES: dict[str, tuple[bytes, int, dict[str, int]]] = {
    # name: body, status by the text of July 2026, other statuses by peer. They come at size 3, one behind the other.
    "unknown origin": (request(0, 1, origin="other.example/log"), 404, {}),
    "signed by nobody known": (request(3, 5, signer="stranger"), 403, {}),
    "old above new": (request(4, 3), 400, {}),
    "old is not the last": (request(2, 5), 409, {}),
    "second view, larger": (request(3, 5, leaves=OTHER), 422, {}),
    "second view, same size": (request(3, 3, leaves=OTHER), 422, {}),
    "proof missing": (b"old 3\n" + WELL[WELL.index(b"\n\n") + 1 :], 422, {}),
    "proof to itself": (request(3, 3).replace(b"old 3\n", f"old 3\n{ZEROES}\n".encode()), 422, {}),
    "not a request": (b"old 3\n", 400, {}),
    "64 hashes": (WELL.replace(b"old 3\n", f"old 3\n{(ZEROES + chr(10)) * 62}".encode()), 400, {}),
    "short hash": (WELL.replace(b"old 3\n", b"old 3\nAAAA\n"), 400, {}),
    # The text leaves open what becomes of a note that is none; litewitness looks its first line up.
    "no note": (b"old 3\n\nnothing\n", 400, {"litewitness": 404}),
    # A size has one spelling; litewitness reads others, too, and so has moved on before the last request.
    "leading zero": (WELL.replace(b"old 3\n", b"old 03\n"), 400, {"litewitness": 200}),
    "growth": (WELL, 200, {"litewitness": 409}),
}


@pytest.fixture(params=["secballot", *PEERS])
def witness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Run a witness, ours or a foreign one, and return which one it is and where."""
    with ExitStack() as stack:
        peer = request.param
        starting = start_own(tmp_path) if peer == "secballot" else start_foreign(tmp_path, PEERS[peer])
        yield peer, stack.enter_context(starting)


def test_every_witness_answers_as_the_text_says(witness: tuple[str, str]) -> None:
    """The statuses, body and content type of tlog-witness; where a peer differs, that is written here."""
    peer, url = witness

    def ask(body: bytes) -> httpx.Response:
        return httpx.post(f"{url}/add-checkpoint", content=body, trust_env=False)

    assert ask(request(0, 3)).status_code == 200
    found = {name: ask(body).status_code for name, (body, _, _) in CASES.items()}
    assert found == {name: others.get(peer, status) for name, (_, status, others) in CASES.items()}
    conflict = ask(request(2, 5))
    assert (conflict.content, conflict.headers["Content-Type"]) == (b"5\n", "text/x.tlog.size")
