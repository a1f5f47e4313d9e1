"""C2SP tlog-checkpoint: the text of a checkpoint against published cases."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from secballot.board.checkpoint import Checkpoint
from secballot.errors import EncodingError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "c2sp"
CASES = json.loads((VECTORS / "checkpoint_body.json").read_text())
ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["desc"])
def test_upstream_bodies(case: dict[str, str]) -> None:
    """None of the upstream bodies has a 32-byte root, so all are refused, the accepted ones for the root alone."""
    with pytest.raises(EncodingError) as caught:
        Checkpoint.decode(case["body"])
    accepted_but_for_the_root = case["spec"].startswith("accept")
    assert ("bytes" in caught.value.message) or not accepted_but_for_the_root


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["desc"])
def test_upstream_bodies_with_a_whole_root(case: dict[str, str]) -> None:
    """With a 32-byte root in place, exactly the bodies are read that the specification accepts."""
    lines = case["body"].split("\n")
    if len(lines) > 3 and lines[2] in {"YmFuYW5hcw==", "dGhlIHZpZXcgZnJvbSB0aGUgdHJlZSB0b3BzIGlzIGdyZWF0IQ=="}:
        lines[2] = ROOT
    body = "\n".join(lines)
    if case["spec"].startswith("accept"):
        assert Checkpoint.decode(body).encode() == body
    else:
        with pytest.raises(EncodingError):
            Checkpoint.decode(body)


@pytest.mark.parametrize("case", CASES["valid_real"], ids=lambda case: case["body"].split("\n")[0])
def test_real_checkpoints(case: dict[str, str]) -> None:
    """Checkpoints of public logs are read, one of them with spaces in its origin."""
    assert Checkpoint.decode(case["body"]).encode() == case["body"]


@pytest.mark.parametrize("size", CASES["sizes"]["accept"])
def test_sizes_read(size: str) -> None:
    """A size is ASCII decimal, below 2^63."""
    assert Checkpoint.decode(f"log\n{size}\n{ROOT}\n").tree_size == int(size)


@pytest.mark.parametrize("size", [*CASES["sizes"]["reject"], "9223372036854775808", "1_0", "\uff11"])
def test_sizes_refused(size: str) -> None:
    """A size in any other spelling is refused."""
    with pytest.raises(EncodingError):
        Checkpoint.decode(f"log\n{size}\n{ROOT}\n")


@pytest.mark.parametrize("character", ["a", "ä"])
def test_origin_length(character: str) -> None:
    """An origin has 1..255 bytes, counted in UTF-8."""
    longest = character * (255 // len(character.encode()))
    assert Checkpoint.decode(f"{longest}\n0\n{ROOT}\n").origin == longest
    for origin in ("", longest + character):
        with pytest.raises(EncodingError):
            Checkpoint.decode(f"{origin}\n0\n{ROOT}\n")
