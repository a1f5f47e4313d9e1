"""C2SP tlog-proof: syntax, and whole proofs made by an independent implementation."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.inclusion import TlogProof
from secballot.board.merkle import Frontier, InclusionProof, leaf_hash
from secballot.board.note import Ed25519Signer, Note, VerifierKey
from secballot.board.policy import Policy
from secballot.errors import EncodingError, SecballotError
from secballot.signing import SigningKey

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "c2sp"
SYNTAX = json.loads((VECTORS / "tlog_proof_syntax.json").read_text())
MADE = json.loads((VECTORS / "tlog_proof_made.json").read_text())
ORIGIN = MADE["log"]["origin"]


def _policy(threshold: int) -> bytes:
    witnesses = [f"witness w{number} {witness['vkey']}" for number, witness in enumerate(MADE["witnesses"], 1)]
    names = " ".join(f"w{number}" for number in range(1, len(witnesses) + 1))
    lines = [f"log {MADE['log']['vkey']}", *witnesses, f"group g {threshold} {names}", "quorum g", ""]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("case", SYNTAX["marshal"], ids=lambda case: f"index {case['index']}")
def test_syntax(case: dict[str, Any]) -> None:
    """The published parts give the published file, and the file the parts."""
    proof = TlogProof(
        case["index"],
        tuple(base64.b64decode(text) for text in case["hashes"]),
        case["checkpoint"].encode(),
        None if case["extra"] is None else base64.b64decode(case["extra"]),
    )
    assert proof.encode() == case["proof"].encode()
    assert TlogProof.decode(case["proof"].encode()) == proof


@pytest.mark.parametrize("case", SYNTAX["reject"], ids=lambda case: case["desc"])
def test_syntax_refused(case: dict[str, str]) -> None:
    """Every published fault is refused."""
    with pytest.raises(EncodingError):
        TlogProof.decode(case["proof"].encode())


@pytest.mark.parametrize("case", MADE["accept"], ids=lambda case: case["entry"])
def test_accepted(case: dict[str, Any]) -> None:
    """A proof from another implementation verifies for its entry under its policy."""
    proof = TlogProof.decode(case["proof"].encode())
    cosigned = proof.open(case["entry"].encode(), origin=ORIGIN, policy=Policy.decode(_policy(case["threshold"])))
    assert proof.index == case["index"]
    assert [cosignature.time for cosignature in cosigned.cosignatures] == [
        witness["timestamp"] for witness in MADE["witnesses"]
    ]
    cosigned.check_exact(2)


@pytest.mark.parametrize("case", MADE["reject"], ids=lambda case: case["desc"])
def test_refused(case: dict[str, Any]) -> None:
    """Every broken proof, and every unmet policy, is refused."""
    with pytest.raises(SecballotError):
        TlogProof.decode(case["proof"].encode()).open(
            case["entry"].encode(), origin=ORIGIN, policy=Policy.decode(_policy(case["threshold"]))
        )


def test_checkpoint_is_reproduced() -> None:
    """Published seeds, entries and times give the published checkpoint, byte for byte."""
    note = Note.decode(MADE["checkpoint"].encode())
    log = Ed25519Signer(ORIGIN, SigningKey(bytes.fromhex(MADE["log"]["seed_hex"])))
    assert log.vkey == VerifierKey.decode(MADE["log"]["vkey"])
    lines = [log.sign(note.text)]
    for witness in MADE["witnesses"]:
        cosigner = Ed25519Cosigner(witness["name"], SigningKey(bytes.fromhex(witness["seed_hex"])))
        lines.append(cosigner.cosign(note.text, witness["timestamp"]))
    assert note.signatures == tuple(lines)


@pytest.mark.parametrize("case", MADE["accept"], ids=lambda case: case["entry"])
def test_proof_is_reproduced(case: dict[str, Any]) -> None:
    """The published entries give the published hashes."""
    frontier = Frontier()
    nodes = {}
    for index, entry in enumerate(MADE["entries"]):
        nodes[0, index] = leaf_hash(entry.encode())
        for level, position, value in frontier.append(nodes[0, index]):
            nodes[level, position] = value
    made = InclusionProof.prove(case["index"], 10, lambda level, index: nodes[level, index])
    assert TlogProof.decode(case["proof"].encode()).hashes == made.hashes
