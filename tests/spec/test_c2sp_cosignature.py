"""C2SP tlog-cosignature: Ed25519 and ML-DSA-44 cosignatures against published cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import Ed25519Cosigner, MlDsaCosigner, cosignature_time, verifier
from secballot.board.note import Note, SignatureLine, VerifierKey, open_note
from secballot.board.witness import monitoring_path
from secballot.errors import EncodingError, InvalidSignatureError
from secballot.signing import SigningKey

VECTORS = Path(__file__).parents[1] / "vectors" / "standards"
CASES = json.loads((VECTORS / "c2sp" / "cosignature_ed25519.json").read_text())
ML_DSA = json.loads((VECTORS / "ml_dsa_44" / "wycheproof_mldsa_44_verify_dev.json").read_text())
SEED = bytes(range(32))
TEXT = "example.com/log\n1\n" + "A" * 43 + "=\n"


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_ed25519_is_reproduced(case: dict[str, Any]) -> None:
    """Seed and time give the published key and line, byte for byte."""
    cosigner = Ed25519Cosigner(case["name"], SigningKey(bytes.fromhex(case["seed_hex"])))
    assert cosigner.vkey.encode() == case["vkey"]
    note = Note.decode(case["note"].encode())
    line = cosigner.cosign(note.text, case["timestamp"])
    assert line.encode() in case["note"]
    assert note.signatures[-1] == line


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_ed25519_verifies(case: dict[str, Any]) -> None:
    """The published cosignature verifies and gives its time; with another time it does not."""
    note = Note.decode(case["note"].encode())
    vkey = VerifierKey.decode(case["vkey"])
    line = open_note(note, [verifier(vkey)]).line_of(vkey)
    assert line is not None
    assert cosignature_time(line) == case["timestamp"]
    later = (case["timestamp"] + 1).to_bytes(8, "big") + line.signature[8:]
    with pytest.raises(InvalidSignatureError):
        verifier(vkey).verify(note.text, later)


@pytest.mark.parametrize("example", CASES["origin_hash_examples"], ids=lambda example: example["origin"])
def test_monitoring_path(example: dict[str, str]) -> None:
    """A witness serves a log's checkpoint under the hash of its origin."""
    assert monitoring_path(example["origin"]) == f"{example['sha256_hex']}/checkpoint"


@pytest.mark.parametrize("group", ML_DSA["testGroups"], ids=lambda group: group["tests"][0]["tcId"])
def test_ml_dsa_44(group: dict[str, Any]) -> None:
    """The ML-DSA-44 that cosignatures stand on agrees with Wycheproof."""
    for test in group["tests"]:
        context = bytes.fromhex(test["ctx"]) if "ctx" in test else None
        try:
            key = mldsa.MLDSA44PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]))
            key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]), context)
        except (InvalidSignature, ValueError):
            verdict = "invalid"
        else:
            verdict = "valid"
        assert verdict == test["result"], test["comment"]


def test_ml_dsa_signs_the_message_of_the_specification() -> None:
    """The signed bytes are spelled out here from the document, apart from the code that makes them."""
    line = MlDsaCosigner("witness.example", SEED).cosign(TEXT, 1_700_000_000)
    assert len(line.key_id + line.signature) == 2432
    message = (
        b"subtree/v1\n\x00"
        b"\x0fwitness.example"
        b"\x00\x00\x00\x00\x65\x53\xf1\x00"
        b"\x0fexample.com/log"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x01"
    ) + bytes(32)
    mldsa.MLDSA44PrivateKey.from_seed_bytes(SEED).public_key().verify(line.signature[8:], message)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("1\n", "2\n", 1),
        TEXT.replace(".com", ".org"),
        TEXT.replace("AA=", "AE="),
    ],
)
def test_ml_dsa_binds_the_checkpoint(text: str) -> None:
    """Another size, origin or root is not what was signed."""
    cosigner = MlDsaCosigner("witness.example", SEED)
    check = verifier(cosigner.vkey)
    line = cosigner.cosign(TEXT, 0)
    check.verify(TEXT, line.signature)
    assert Checkpoint.decode(text) != Checkpoint.decode(TEXT)
    with pytest.raises(InvalidSignatureError):
        check.verify(text, line.signature)


def test_ml_dsa_binds_the_cosigners_name_and_time() -> None:
    """The same key under another name, or another time, is another statement."""
    cosigner = MlDsaCosigner("witness.example", SEED)
    line = cosigner.cosign(TEXT, 7)
    other = VerifierKey("other.example", cosigner.vkey.kind, cosigner.vkey.key)
    for vkey, signature in ((other, line.signature), (cosigner.vkey, bytes(8) + line.signature[8:])):
        with pytest.raises(InvalidSignatureError):
            verifier(vkey).verify(TEXT, signature)


def test_ml_dsa_refuses_extension_lines() -> None:
    """Extension lines are not signed, so a checkpoint with any is neither signed nor verified."""
    cosigner = MlDsaCosigner("witness.example", SEED)
    with pytest.raises(EncodingError):
        cosigner.cosign(TEXT + "more\n", 1)
    with pytest.raises(InvalidSignatureError):
        verifier(cosigner.vkey).verify(TEXT + "more\n", cosigner.cosign(TEXT, 1).signature)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 7, b"\xff" * 72, b"\x00" * 72, b"\x00" * 2428])
def test_malformed_payloads_are_false_signatures(signature: bytes) -> None:
    """A payload too short for a time, with a time past 2^63, or of the wrong length does not verify."""
    line = SignatureLine("witness.example", b"\x00" * 4, signature)
    for vkey in (
        Ed25519Cosigner("witness.example", SigningKey(SEED)).vkey,
        MlDsaCosigner("witness.example", SEED).vkey,
    ):
        with pytest.raises(InvalidSignatureError):
            verifier(vkey).verify(TEXT, line.signature)


def test_ed25519_covers_extension_lines() -> None:
    """«Extension lines MAY be included in the checkpoint by the log, and if present MUST be included»."""
    cosigner = Ed25519Cosigner("w.example", SigningKey(bytes(32)))
    line = cosigner.cosign(f"{TEXT}more\n", 1)
    verifier(cosigner.vkey).verify(f"{TEXT}more\n", line.signature)
    for other in (TEXT, f"{TEXT}other\n"):
        with pytest.raises(InvalidSignatureError):
            verifier(cosigner.vkey).verify(other, line.signature)
