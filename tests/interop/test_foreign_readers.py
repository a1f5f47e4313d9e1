"""Readers that nobody here wrote read a running board and a published folder, and check our proofs.

Go: `golang.org/x/mod` (notes, tiles, proofs), torchwood (policy, entries, tlog-proofs), tessera's client. Python:
aics-tlog, tlog-scales and proofbundle. What they find is compared with what we say, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from secballot.board.checkpoint import Checkpoint
from secballot.board.inclusion import TlogProof
from secballot.board.log import newest_reading
from secballot.board.merkle import leaf_hash
from secballot.board.note import ED25519, ED25519_COSIGNATURE, Note, VerifierKey
from secballot.board.policy import Policy
from secballot.encoding import b64encode
from secballot.roles.board import BoardOperator
from secballot.roles.witness import WitnessRole
from secballot.store.folder import write_folder
from tests.interop.programs import ask, ask_go, run
from tests.loopback import serving_folder
from tests.running import key_files, passphrase_file, secballot
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTRIES = 300
"""More than one bundle, so that there are full tiles, partial ones, and a second level."""

WITNESSES = ("w1.example", "w2.example")
LOG_KEY = VerifierKey(ORIGIN, ED25519, public("log")[0]).encode()
WITNESS_KEYS = [VerifierKey(name, ED25519_COSIGNATURE, public(name)[0]).encode() for name in WITNESSES]
POLICY = "".join(
    [
        f"log {LOG_KEY}\n",
        *(f"witness w{number} {vkey}\n" for number, vkey in enumerate(WITNESS_KEYS, 1)),
        "group both all w1 w2\nquorum both\n",
    ]
)


@dataclass(frozen=True)
class Published:
    """A board that runs, and the same as static files."""

    url: str
    folder: Path
    operator: BoardOperator
    note: bytes
    policy: Path

    @property
    def checkpoint(self) -> Checkpoint:
        """What the newest checkpoint says."""
        return Checkpoint.decode(Note.decode(self.note).text)

    def tlog_proof(self, index: int) -> bytes:
        """Return our tlog-proof of an entry."""
        proof = self.operator.store.inclusion_proof(index, ENTRIES)
        return TlogProof(index, proof.hashes, self.note).encode()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Run a board with full and partial tiles, cosigned by two witnesses of ours."""
    folder = tmp_path_factory.mktemp("published")
    key_files(folder, "log", "promise")
    keys = ("--log-key", str(folder / "log.key"), "--promise-key", str(folder / "promise.key"))
    database = folder / "board.db"
    operator = BoardOperator.create(database, SMALL_MANIFEST, log_key=key("log"), promise_key=key("promise"))
    operator.submit(founding(), now=NOW)
    operator.submit([document(number) for number in range(ENTRIES - 2)], now=NOW)
    witnesses = [WitnessRole.create(folder / f"{name}.db", name, key(name)) for name in WITNESSES]
    for witness in witnesses:
        witness.follow_sitting(SMALL_MANIFEST)
    operator.sign_checkpoint()
    operator.collect(witnesses, now=NOW)
    # Asked again about the same size, so that the kept note has two cosignatures of each; strangers are shown one.
    note = newest_reading(operator.collect(witnesses, now=NOW + 100).note)
    write_folder(operator.store, folder / "log")
    (folder / "policy").write_text(POLICY)
    serve = ("board", "serve", str(database), "--sitting", SITTING_ID.hex(), *keys, *passphrase_file(folder))
    with secballot(*serve) as url:
        yield Published(url, folder / "log", operator, note, folder / "policy")
    operator.close()


def entry_digests(published: Published) -> list[str]:
    """Return the SHA-256 of every entry."""
    return [hashlib.sha256(entry).hexdigest() for entry in published.operator.store.entries(0, ENTRIES)]


def test_go_reads_the_running_board(published: Published) -> None:
    """x/mod, torchwood and tessera read everything and make the same proofs as we."""
    check_reading(published, published.url)


def test_go_reads_static_files(published: Published) -> None:
    """The same from the published folder behind any web server, which may guess other content types."""
    with serving_folder(published.folder) as url:
        check_reading(published, url, "-types=false")


def check_reading(published: Published, url: str, *options: str) -> None:
    """Check that Go finds at this URL what we say."""
    trusted = ("-origin", ORIGIN, "-log", LOG_KEY, "-policy", published.policy)
    found = ask_go("read", "-url", url, *trusted, *options)
    store = published.operator.store
    assert (found["size"], found["root"]) == (ENTRIES, b64encode(published.checkpoint.root))
    assert found["entries"] == entry_digests(published)
    inclusion = [store.inclusion_proof(index, ENTRIES).hashes for index in range(ENTRIES)]
    assert found["inclusion"] == [[b64encode(value) for value in hashes] for hashes in inclusion]
    consistency = [store.consistency_proof(size, ENTRIES).hashes for size in range(1, ENTRIES + 1)]
    assert found["consistency"] == [[b64encode(value) for value in hashes] for hashes in consistency]


def test_go_refuses_the_board_without_the_quorum(published: Published, tmp_path: Path) -> None:
    """A third witness that has not cosigned is missed."""
    third = VerifierKey("w3.example", ED25519_COSIGNATURE, public("w3.example")[0]).encode()
    policy = tmp_path / "policy"
    policy.write_text(POLICY.replace("group both all w1 w2", f"witness w3 {third}\ngroup both all w1 w2 w3"))
    arguments = ("-url", published.url, "-origin", ORIGIN, "-log", LOG_KEY, "-policy", policy)
    refused = run("go", "peers", "read", *arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "torchwood" in refused.stderr


def merkle_proofs(published: Published) -> list[dict[str, Any]]:
    """Return our proofs between many sizes, as x/mod's judge wants them."""
    store, proofs = published.operator.store, []
    for size in (1, 2, 3, 7, 8, 255, 256, 257, ENTRIES):
        root = b64encode(store.root(size))
        for index in {0, size // 2, size - 1}:
            hashes = [b64encode(value) for value in store.inclusion_proof(index, size).hashes]
            leaf = b64encode(leaf_hash(store.entry(index)))
            proofs.append({"index": index, "size": size, "root": root, "hashes": hashes, "leaf": leaf})
        for old in {1, (size + 1) // 2, size}:
            hashes = [b64encode(value) for value in store.consistency_proof(old, size).hashes]
            older = b64encode(store.root(old))
            proofs.append({"index": old, "size": size, "root": root, "hashes": hashes, "old_root": older})
    return proofs


def test_go_accepts_our_merkle_proofs_and_no_other(published: Published, tmp_path: Path) -> None:
    """Of every proof, and of the same proof to another root, x/mod thinks what we think."""
    good = merkle_proofs(published)
    other = b64encode(bytes(32))
    bad = [proof | {"root": other} for proof in good]
    longer = [proof | {"hashes": [*proof["hashes"], other]} for proof in good]
    file = tmp_path / "proofs.json"
    file.write_text(json.dumps([*good, *bad, *longer]))
    accepted = ask_go("proofs", file)
    assert accepted == [True] * len(good) + [False] * (len(bad) + len(longer))


@pytest.mark.parametrize("index", [0, 255, 256, ENTRIES - 1])
@pytest.mark.parametrize("peer", ["torchwood", "proofbundle"])
def test_our_tlog_proofs_are_verified(published: Published, tmp_path: Path, peer: str, index: int) -> None:
    """Under policy and quorum; not for another entry, nor without a cosignature that the quorum needs."""
    entry = published.operator.store.entry(index)
    proof = published.tlog_proof(index)
    lines = proof.decode().splitlines(keepends=True)
    unwitnessed = "".join(line for line in lines if not line.startswith("— w2.example ")).encode()
    cases = [(entry, proof), (entry + b" ", proof), (entry, unwitnessed)]
    assert [_verified(peer, published, tmp_path, *case) for case in cases] == [True, False, False]


def _verified(peer: str, published: Published, folder: Path, entry: bytes, proof: bytes) -> bool:
    files = folder / "entry", folder / "proof.tlog-proof"
    for file, data in zip(files, (entry, proof), strict=True):
        file.write_bytes(data)
    if peer == "torchwood":
        arguments = ("tlog-proof", "-policy", published.policy, "-entry", files[0], "-proof", files[1])
        return run("go", "peers", *arguments).returncode == 0
    witnesses = [part for vkey in WITNESS_KEYS for part in ("--witness-vkey", vkey)]
    trusted = ("--log-vkey", LOG_KEY, "--expected-origin", ORIGIN, *witnesses, "--threshold", "2")
    return run("py312", "proofbundle", "verify-proof", files[1], "--payload-file", files[0], *trusted).returncode == 0


def places(published: Published) -> list[str]:
    """Return where the log can be read: over HTTP, and as files."""
    return [published.url, str(published.folder)]


def test_aics_tlog_reads_board_and_folder(published: Published, tmp_path: Path) -> None:
    """It opens the checkpoint with a quorum of two, and finds entries and growth in the tiles."""
    witnesses = [part for vkey in WITNESS_KEYS for part in ("--witness-key", vkey)]
    trusted = ("--log-key", LOG_KEY, "--origin", ORIGIN, *witnesses, "--quorum", "2")
    older = tmp_path / "older"
    older.write_bytes(published.note)
    for place in places(published):
        read = (*trusted, "--tiles", place)
        ask("py312", "aics-tlog", "verify-checkpoint", *read)
        for index in (0, 255, 256, ENTRIES - 1):
            out = tmp_path / "entry"
            ask("py312", "aics-tlog", "verify-inclusion", "--index", str(index), "--entry-out", out, *read)
            assert out.read_bytes() == published.operator.store.entry(index)
        ask("py312", "aics-tlog", "verify-consistency", "--old-checkpoint", older, *read)
        wrong = run("py312", "aics-tlog", "verify-checkpoint", *read[:-3], "3", *read[-2:])
        assert wrong.returncode != 0


def test_tlog_scales_makes_proofs_that_we_accept(published: Published) -> None:
    """Leaves and tlog-proofs that it makes of board and folder are the ones that we make."""
    policy = Policy.decode(POLICY.encode())
    for place in places(published):
        for index in (0, 255, 256, ENTRIES - 1):
            entry = published.operator.store.entry(index)
            assert ask("py312", "tlog-tiles", "get-leaf", "--check", place, str(index)).encode() == entry
            made = ask("py312", "tlog-tiles", "gen-proof", place, str(index)).encode()
            assert made == published.tlog_proof(index)
            cosigned = TlogProof.decode(made).open(entry, origin=ORIGIN, policy=policy)
            assert cosigned.checkpoint == published.checkpoint
