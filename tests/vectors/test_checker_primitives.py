"""The checker's primitives against published vectors: the checker is believed only after these."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.checker import (
    aead,
    canonical,
    ed25519,
    edwards,
    merkle,
    notes,
    plain_text,
    proofs,
    ristretto,
    rsa,
    transcript,
)

STANDARDS = Path(__file__).resolve().parent / "standards"


def load(name: str) -> Any:  # noqa: ANN401  published files of many shapes
    """Return the JSON of a file of the standards folder."""
    return json.loads((STANDARDS / name).read_text(encoding="utf-8"))


def test_ristretto_multiples_of_the_generator() -> None:
    """RFC 9496 A.1: multiples 0 to 11 encode as published, and decode to themselves."""
    for i, expected in enumerate(load("ristretto255/rfc9496.json")["A.1_multiples_of_generator"]):
        data = ristretto.encode(edwards.multiply_base(i))
        assert data.hex() == expected
        assert data == ristretto.encode(edwards.multiply(i, edwards.BASE))
        decoded = ristretto.decode(data, identity_allowed=True)
        assert decoded is not None
        assert ristretto.encode(decoded) == data


def test_ristretto_refuses_bad_encodings() -> None:
    """RFC 9496 A.2: every bad encoding is refused, and so is the identity unless it is allowed."""
    bad = load("ristretto255/rfc9496.json")["A.2_invalid_encodings"]
    assert bad
    assert all(ristretto.decode(bytes.fromhex(case["encoding"]), identity_allowed=True) is None for case in bad)
    assert ristretto.decode(bytes(32)) is None


def test_ristretto_derivation_and_square_roots() -> None:
    """RFC 9496 A.3 and A.4."""
    vectors = load("ristretto255/rfc9496.json")
    names = [key for key in vectors if key.startswith(("A.3", "A.4"))]
    assert len(names) == 2
    for case in vectors[names[0]]:
        data = bytes.fromhex(case["input"])
        assert ristretto.encode(ristretto.derive(data)).hex() == case["output"]
    for case in vectors[names[1]]:
        u, v, r = (int.from_bytes(bytes.fromhex(case[key]), "little") for key in ("u", "v", "r"))
        assert ristretto.sqrt_ratio_m1(u, v) == (case["was_square"], r)


def test_combination_equals_the_sum_of_products() -> None:
    """Straus, the base table and single multiplication agree on random scalars."""
    rng = random.Random(1)  # noqa: S311  a repeatable sample
    for _ in range(8):
        a, b = rng.randrange(edwards.ORDER), rng.randrange(edwards.ORDER)
        point = ristretto.derive(rng.randbytes(64))
        total = edwards.add(edwards.multiply_base(a), edwards.multiply(b, point))
        assert ristretto.equal(edwards.combine([a, b], [edwards.BASE, point]), total)
        opposite = edwards.multiply(-b, point)
        assert ristretto.is_identity(edwards.add(edwards.multiply(b, point), opposite))


def test_ed25519_wycheproof() -> None:
    """Every Wycheproof signature gets its published verdict."""
    for group in load("ed25519/wycheproof_ed25519.json")["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            good = ed25519.verifies(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert good == (case["result"] == "valid"), case["tcId"]


def test_ed25519_signs_as_published() -> None:
    """The first lines of sign.input: keys and signatures are reproduced and verify."""
    for line in (STANDARDS / "ed25519/sign.input.head256").read_text().splitlines()[:24]:
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        assert ed25519.public_key(secret[:32]) == public
        assert ed25519.sign(secret[:32], message) == signed[:64]
        assert ed25519.verifies(public, message, signed[:64])


def test_ed25519_refuses_small_order_and_mixed_keys() -> None:
    """Cases flagged with low order or a low-order part in A are refused, whatever the equation says."""
    cases = load("ed25519/cctv_ed25519vectors.json")
    for case in cases:
        flags = set(case["flags"] or [])
        good = ed25519.verifies(bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))
        if flags & {"low_order_A", "low_order_component_A", "low_order_R", "low_order_component_R", "non_canonical_A"}:
            assert not good, case
        if not flags:
            assert good, case


def test_xchacha20_poly1305_of_the_draft() -> None:
    """draft-irtf-cfrg-xchacha, A.3.1, and HChaCha20 of 2.2.1."""
    key = bytes(range(0x80, 0xA0))
    nonce = bytes(range(0x40, 0x58))
    associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    start = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip "
    text = start + b"for the future, sunscreen would be it."
    sealed = aead.seal(key, nonce, text, associated)
    assert sealed[:16].hex() == "bd6d179d3e83d43b9576579493c0e939"
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"
    assert aead.unseal(key, nonce, sealed, associated) == text
    assert aead.unseal(key, nonce, sealed[:-1] + bytes([sealed[-1] ^ 1]), associated) is None
    subkey = aead.hchacha20(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927"))
    assert subkey.hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


@pytest.mark.parametrize(
    ("name", "salt", "hash_name"),
    [
        ("wycheproof_rsa_pss_2048_sha384_mgf1_48.json", 48, "sha384"),
        ("wycheproof_rsa_pss_2048_sha256_mgf1_0.json", 0, "sha256"),
    ],
)
def test_rsa_pss_wycheproof(name: str, salt: int, hash_name: str) -> None:
    """Every Wycheproof signature gets its published verdict."""
    for group in load(f"rsa_pss/{name}")["testGroups"]:
        modulus = int(group["publicKey"]["modulus"], 16)
        exponent = int(group["publicKey"]["publicExponent"], 16)
        for case in group["tests"]:
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            good = rsa.pss_verifies(modulus, exponent, message, signature, salt_size=salt, hash_name=hash_name)
            assert good == (case["result"] == "valid"), case["tcId"]


def test_rsa_blind_signatures_of_rfc_9474_verify() -> None:
    """The final signatures of RFC 9474 verify as plain RSASSA-PSS, with a salt of 48 bytes or none."""
    cases = load("rfc9474/rfc9474_vectors.json")
    cases = cases if isinstance(cases, list) else cases["vectors"]
    for case in cases:
        salt = len(bytes.fromhex(case["salt"].removeprefix("0x"))) if case.get("salt") else 0
        prepared = bytes.fromhex(case["input_msg"].removeprefix("0x"))
        signature = bytes.fromhex(case["sig"].removeprefix("0x"))
        assert rsa.pss_verifies(int(case["n"], 16), int(case["e"], 16), prepared, signature, salt_size=salt)


def test_moduli() -> None:
    """Primes, perfect powers and small factors are seen."""
    mersenne = 2**521 - 1
    assert rsa.is_prime(mersenne)
    assert not rsa.is_prime(mersenne * (2**127 - 1))
    assert rsa.is_perfect_power(mersenne**3)
    assert rsa.is_perfect_power((2**89 - 1) ** 7)
    assert not rsa.is_perfect_power(mersenne * (2**127 - 1))
    assert rsa.modulus_is_right((2**1279 - 1) * (2**1279 - 1)) is False


def test_prefix_roots() -> None:
    """RFC 6962: the roots of all prefixes equal the recursive definition, and the published eight."""

    def recursive(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return merkle.node_hash(recursive(leaves[:split]), recursive(leaves[split:]))

    tree = merkle.Tree()
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(70)]
    for leaf in leaves:
        tree.append(leaf)
    assert tree.root(0) == hashlib.sha256().digest()
    assert all(tree.root(size) == recursive(leaves[:size]) for size in range(1, 71))
    published = load("merkle/rfc6962_reference_tree.json")
    tree = merkle.Tree()
    for entry in published["leaf_inputs"]:
        tree.append(merkle.leaf_hash(bytes.fromhex(entry)))
    for size, root in enumerate(published["roots_by_size"]):
        assert tree.root(size).hex() == root


def test_signed_notes_and_cosignatures() -> None:
    """C2SP notes: good ones open, malformed ones do not, cosignatures give their time."""
    for case in load("c2sp/cosignature_ed25519.json")["cases"]:
        note = notes.parse_note(case["note"])
        assert note is not None
        key = ed25519.public_key(bytes.fromhex(case["seed_hex"]))
        times = [notes.cosigned_at(note, line, case["name"], key) for line in note.lines]
        assert case["timestamp"] in times
        body = notes.parse_checkpoint(note.text)
        assert body is not None
        assert body.size == 300
    for case in load("c2sp/signed_note.json")["cases"]:
        if "note" not in case:
            continue
        if case["result"] == "malformed":
            assert notes.parse_note(case["note"]) is None, case["desc"]
        if case["result"] == "ok":
            assert notes.parse_note(case["note"]) is not None, case["desc"]
    for case in load("c2sp/checkpoint_body.json")["valid_real"]:
        assert notes.parse_checkpoint(case["body"]) is not None


def test_canonical_json_of_the_standards() -> None:
    """RFC 8785 outputs without floats, null or negatives are read and written back; no other form is read."""
    for path in sorted((STANDARDS / "json_parsing").glob("n_*.json")):
        with pytest.raises(canonical.RefusedError):
            canonical.read(path.read_bytes())
    for text in ["[1.0]", "[ 1]", '{"b":1,"a":2}', '["\\u0041"]', '["\\/"]', "[-0]", "[9007199254740992]", '"\\ud800"']:
        with pytest.raises(canonical.RefusedError):
            canonical.read(text.encode())
    with pytest.raises(canonical.RefusedError):
        canonical.read(b"[" * 60_000)
    value: canonical.Value = {"a": [0, 2**53 - 1, 'é\n\x01"\\😀'], "b": {"c": True}}
    assert canonical.read(canonical.encode(value)) == value
    for name in ("french", "simpleString", "true"):
        published = (STANDARDS / f"jcs/output/{name}.json").read_bytes()
        assert canonical.encode(canonical.read(published)) == published


def test_text_is_normalized_and_plain() -> None:
    """NFC, no control, format, private or unassigned code points; line feeds only where stated."""
    assert plain_text.is_text("Élection: 1–3 “ja”")
    assert plain_text.is_text("a\nb", lines=True)
    for bad in ["a\nb", "e\u0301", "a\u200bb", "\ue000", "\u2028", "\x7f", "\U0001fae8", "\u0378", "\u202e"]:
        assert not plain_text.is_text(bad)


def test_proofs_of_own_making() -> None:
    """Proofs made here hold, and fail when anything changes."""
    rng = random.Random(2)  # noqa: S311  a repeatable sample
    x, w = rng.randrange(edwards.ORDER), rng.randrange(edwards.ORDER)
    big_x, h = edwards.multiply_base(x), ristretto.derive(rng.randbytes(64))
    r = ristretto.encode(edwards.multiply_base(w))
    c = transcript.challenge("label", b"context", r)
    proof = c.to_bytes(32, "little") + ((w + c * x) % edwards.ORDER).to_bytes(32, "little")
    assert proofs.knowledge_holds("label", [b"context"], big_x, proof)
    assert not proofs.knowledge_holds("label", [b"other"], big_x, proof)
    assert not proofs.knowledge_holds("label", [b"context"], h, proof)
    d, b = edwards.multiply(x, h), edwards.multiply(w, h)
    c = transcript.challenge("label", 5, r, ristretto.encode(b))
    proof = c.to_bytes(32, "little") + ((w + c * x) % edwards.ORDER).to_bytes(32, "little")
    assert proofs.equality_holds("label", [5], big_x, (h, d), proof)
    assert not proofs.equality_holds("label", [5], big_x, (h, h), proof)
