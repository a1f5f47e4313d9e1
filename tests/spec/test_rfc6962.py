"""RFC 6962 §2.1: roots and proofs against the reference tree and the transparency-dev test data."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from secballot.board.merkle import (
    EMPTY_ROOT,
    ConsistencyProof,
    Frontier,
    InclusionProof,
    leaf_hash,
    root_of,
)
from secballot.errors import InconsistentLogError, VerificationError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "merkle"
REFERENCE = json.loads((VECTORS / "rfc6962_reference_tree.json").read_text())
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in REFERENCE["leaf_inputs"]]

# Cases whose sizes and roots RFC 6962 leaves open; each says why this library answers otherwise than upstream.
STRICTER_THAN_UPSTREAM = {
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",  # the roots are texts, not 32 bytes
}


def _cases(kind: str) -> list[str]:
    found = sorted(str(path.relative_to(VECTORS)) for path in (VECTORS / kind).rglob("*.json"))
    assert len(found) > 40
    return found


def _read(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return case


def _hashes(texts: list[str] | None) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(text) for text in texts or [])


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_reference_tree(size: int) -> None:
    """Every prefix of the eight reference leaves has its published root."""
    assert root_of(LEAVES[:size]).hex() == REFERENCE["roots_by_size"][size]


def test_complete_subtrees_of_the_reference_tree() -> None:
    """Growing leaf by leaf reports every inner node once, with its published hash."""
    frontier = Frontier()
    nodes = {(0, index): leaf for index, leaf in enumerate(LEAVES)}
    for leaf in LEAVES:
        for level, index, value in frontier.append(leaf):
            assert nodes.setdefault((level, index), value) is value
    expected = {
        (level, index): bytes.fromhex(text)
        for level, row in enumerate(REFERENCE["node_hashes_by_level"])
        for index, text in enumerate(row)
    }
    assert nodes == expected


def test_root_of_nothing() -> None:
    """The empty tree has SHA-256 of nothing as its root."""
    assert root_of([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("name", _cases("inclusion"))
def test_inclusion(name: str) -> None:
    """Published inclusion proofs verify, and every broken one is refused."""
    case = _read(name)
    proof = InclusionProof(case["leafIdx"], case["treeSize"], _hashes(case["proof"]))
    leaf, root = base64.b64decode(case["leafHash"]), base64.b64decode(case["root"])
    if case["wantErr"]:
        with pytest.raises(VerificationError):
            proof.verify(leaf, root)
    else:
        proof.verify(leaf, root)


@pytest.mark.parametrize("name", _cases("consistency"))
def test_consistency(name: str) -> None:
    """Published consistency proofs verify, and every broken one is refused."""
    case = _read(name)
    proof = ConsistencyProof(case["size1"], case["size2"], _hashes(case["proof"]))
    old_root, new_root = base64.b64decode(case["root1"]), base64.b64decode(case["root2"])
    if case["wantErr"] or name in STRICTER_THAN_UPSTREAM:
        with pytest.raises(InconsistentLogError):
            proof.verify(old_root, new_root)
    else:
        proof.verify(old_root, new_root)
