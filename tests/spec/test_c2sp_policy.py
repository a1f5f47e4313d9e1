"""C2SP tlog-policy: the files of the published cases, and whom their quorums accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secballot.board.note import VerifierKey
from secballot.board.policy import Policy
from secballot.errors import EncodingError, PolicyError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "c2sp"
CASES = json.loads((VECTORS / "policy.json").read_text())
PLAIN_KEYS = CASES["open_question"][0]["policy"]


@pytest.mark.parametrize("case", CASES["accept"], ids=lambda case: case["policy"][:30])
def test_accepted(case: dict[str, Any]) -> None:
    """The policy is read, and its quorum accepts exactly whom it should."""
    policy = Policy.decode(case["policy"].encode())
    for check in case.get("quorum", []):
        if check["met"]:
            policy.quorum.check(check["cosigned"])
        else:
            with pytest.raises(PolicyError):
                policy.quorum.check(check["cosigned"])


@pytest.mark.parametrize("case", CASES["reject"], ids=lambda case: case["desc"])
def test_refused(case: dict[str, str]) -> None:
    """Every published fault is refused."""
    with pytest.raises(EncodingError):
        Policy.decode(case["policy"].encode())


def test_a_witness_key_is_of_a_cosignature_type() -> None:
    """Where upstream reads a plain Ed25519 key as a cosigner's, this library follows the text and refuses."""
    with pytest.raises(EncodingError):
        Policy.decode(PLAIN_KEYS.encode())


def test_at_least_32_of_each_are_supported() -> None:
    """32 logs, 32 witnesses and 32 groups fit in one policy."""
    logs = [f"log {_vkey(f'l{number}', 0x01, number)}" for number in range(32)]
    witnesses = [f"witness w{number} {_vkey(f'w{number}', 0x04, 64 + number)}" for number in range(32)]
    groups = [f"group g{number} any w{number}" for number in range(31)]
    last = "group all all " + " ".join(f"g{number}" for number in range(31))
    policy = Policy.decode("\n".join([*logs, *witnesses, *groups, last, "quorum all", ""]).encode())
    assert (len(policy.logs), len(policy.witnesses), len(policy.quorum.groups)) == (32, 32, 32)
    policy.quorum.check(f"w{number}" for number in range(31))
    with pytest.raises(PolicyError):
        policy.quorum.check(f"w{number}" for number in range(30))


def _vkey(name: str, kind: int, number: int) -> str:
    return VerifierKey(name, kind, bytes([number]) * 32).encode()
