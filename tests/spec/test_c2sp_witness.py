"""C2SP tlog-witness: published requests in order, and the statuses of the current text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.note import VerifierKey
from secballot.board.witness import TEXT, WitnessRefusalError, WitnessState, decide, open_request, read_cosignatures
from secballot.signing import SigningKey

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "c2sp"
COSIGNER = Ed25519Cosigner("example.com/witness", SigningKey(bytes(32)))
TIME = 1_767_225_600


@pytest.mark.parametrize("name", ["witness_add_checkpoint.json", "witness_sumdb.json"])
def test_published_requests(name: str) -> None:
    """Sent in order to one witness, every request gets the status that today's text asks for."""
    script = json.loads((VECTORS / name).read_text())
    logs = {script["log"]["origin"]: [VerifierKey.decode(script["log"]["vkey"])]}
    state = WitnessState()
    for step in script["steps"]:
        expected = step.get("status_by_current_spec", step["status"])
        body = step["request_body"].encode()
        if expected == 200:
            opened = open_request(body, logs)
            decision = decide(opened, state, [COSIGNER], TIME)
            state = decision.state
            lines = read_cosignatures(decision.body, opened.note.text, [COSIGNER.vkey])
            assert lines == decision.cosignatures
            assert decision.body.startswith("— example.com/witness ".encode())
            continue
        with pytest.raises(WitnessRefusalError) as caught:
            decide(open_request(body, logs), state, [COSIGNER], TIME)
        assert caught.value.status in {expected, step.get("also_acceptable", expected)}
        assert caught.value.content_type == step.get("content_type", TEXT)
        if expected == 409:
            assert step["assert"] == f"body == {json.dumps(caught.value.body.decode())}"
