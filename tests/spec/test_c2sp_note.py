"""C2SP signed-note: notes, verifier keys and signatures against published cases."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from secballot.board.cosignature import verifier
from secballot.board.note import Ed25519Signer, Note, SignatureLine, VerifierKey, open_note, sign_note
from secballot.errors import EncodingError, InvalidSignatureError
from secballot.signing import SigningKey

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "c2sp"
NOTES = json.loads((VECTORS / "signed_note.json").read_text())["cases"]
SIGNED = json.loads((VECTORS / "signed_note_sign.json").read_text())["cases"]
KEYS = json.loads((VECTORS / "vkeys.json").read_text())["cases"]
REFUSED_WITH = {
    "malformed": EncodingError,
    "malformed or ok by policy": EncodingError,
    "invalid signature": InvalidSignatureError,
    "no verifiable signature": InvalidSignatureError,
}


def _note_bytes(case: dict[str, Any]) -> bytes:
    if "note_hex" in case:
        return bytes.fromhex(case["note_hex"])
    if "note_base64" in case:
        return base64.b64decode(case["note_base64"])
    text: str = case["note"]
    return text.encode()


@pytest.mark.parametrize("case", NOTES, ids=lambda case: case["desc"])
def test_open(case: dict[str, Any]) -> None:
    """Each case opens with the signatures it states, or is refused at the layer it states."""
    verifiers = [verifier(VerifierKey.decode(text)) for text in case["vkeys"]]
    if case["result"] != "ok":
        with pytest.raises(REFUSED_WITH[case["result"]]):
            open_note(Note.decode(_note_bytes(case)), verifiers)
        return
    data = _note_bytes(case)
    opened = open_note(Note.decode(data), verifiers)
    assert opened.note.encode() == data
    verified = [{"name": line.name, "key_id": line.key_id.hex()} for line in opened.verified]
    unverified = [
        {"name": line.name, "key_id": line.key_id.hex()}
        for line in opened.note.signatures
        if line not in opened.verified
    ]
    assert (verified, unverified) == (case["verified"], case["unverified"])


def test_sign_reproduces_the_published_note() -> None:
    """Ed25519 is deterministic: the published seed gives the published note."""
    case = SIGNED[0]
    seed = base64.b64decode(case["private_key"].split("+", 4)[4])[1:]
    signer = Ed25519Signer("PeterNeumann", SigningKey(seed))
    assert signer.vkey.key_id.hex() == "c74f20a3"
    assert sign_note(case["text"], [signer]).encode() == case["note"].encode()


def test_adding_a_signature_reproduces_the_published_note() -> None:
    """A second signer's line stands behind the first."""
    case = SIGNED[1]
    signer = Ed25519Signer(case["name"], SigningKey(bytes.fromhex(case["seed"])))
    assert signer.vkey.encode() == case["vkey"]
    note = Note.decode(SIGNED[0]["note"].encode())
    assert note.with_signatures([signer.sign(note.text)]).encode() == case["note"].encode()


@pytest.mark.parametrize("case", KEYS, ids=lambda case: case["vkey"][:40])
def test_verifier_keys(case: dict[str, Any]) -> None:
    """Keys of the types 0x01, 0x04 and 0x06 are read; others, and wrong key ids, are refused."""
    if case["ok"] is True:
        key = VerifierKey.decode(case["vkey"])
        assert key.kind == case["type"]
        assert key.encode() == case["vkey"]
    else:
        with pytest.raises(EncodingError):
            VerifierKey.decode(case["vkey"])


WHITE_SPACE = [0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
"""Characters with the property White_Space of Unicode that are no control characters below U+0020."""


@pytest.mark.parametrize("character", [*map(chr, WHITE_SPACE), "+", "\t", "\n"])
def test_key_names(character: str) -> None:
    """«Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus (U+002B) characters»."""
    for name in ("", f"a{character}b", f"{character}a", f"a{character}"):
        with pytest.raises(EncodingError):
            VerifierKey(name, 0x01, bytes(32))
    assert VerifierKey("a\u200bb", 0x01, bytes(32)).name == "a\u200bb"


def test_sixteen_large_signatures_are_read() -> None:
    """«MUST accept at least up to 16 signatures … post-quantum signatures can be up to nearly 5kB»."""
    signer = Ed25519Signer("a.example", SigningKey(bytes(32)))
    signed = sign_note("text\n", [signer])
    strangers = [SignatureLine(f"s{number}.example", bytes(4), bytes(5_000)) for number in range(15)]
    data = signed.with_signatures(strangers).encode()
    assert len(open_note(Note.decode(data), [verifier(signer.vkey)]).note.signatures) == 16
