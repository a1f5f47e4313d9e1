"""Primitives of SPEC.md with keys and bytes of their own: phrases, RSA, entries, promises, trees and notes.

Beside `generate_primitives.py`, which calls these.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from secballot import blind
from secballot.blind.signature import emsa_pss_encode
from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.merkle import InclusionProof, leaf_hash, root_of
from secballot.board.note import ED25519, ED25519_COSIGNATURE, Ed25519Signer, Note, VerifierKey
from secballot.group import Scalars, multiply_base
from secballot.protocol.phrase import Wallet, generate_phrase
from secballot.protocol.registration import certificate_elements, credential_message, key_id
from secballot.record.history import LogHistory
from secballot.records.entry import encode_signed, signing_message
from secballot.records.promise import Promise
from secballot.signing import SigningKey
from tests.registrar_keys import test_key as published_key
from tests.registrar_keys import test_primes as published_primes

Values = dict[str, Any]

ORIGIN = "board.example/" + "ab" * 16
ENTRY_BODY = b'{"registration":1}'


def block(name: str, size: int = 32) -> bytes:
    """Return public bytes of a name."""
    return hashlib.shake_256(b"secballot/v1 primitives/" + name.encode()).digest(size)


def scalar(name: str) -> Scalars:
    """Return the scalar of a name."""
    return Scalars.from_wide(block(name, 64))


def phrase() -> Values:
    """Return what derives from a phrase."""
    entropy, label = block("entropy"), "Délégués 2026"
    phrase = generate_phrase(entropy)
    wallet, sitting_id, name, key = (
        Wallet(phrase, label),
        block("sitting"),
        block("key id", 64),
        published_key(0).public_key,
    )
    blocks = [wallet._derive("blinding", sitting_id, name, counter, length=384) for counter in range(4)]
    return {
        "entropy": entropy,
        "phrase": phrase,
        "label": label,
        "bip39_seed": wallet._seed,
        "sitting_id": sitting_id,
        "registration": 2,
        "poll": 3,
        "key_id": name,
        "modulus": key.encode(),
        "roll_key_seed": wallet._derive("identity", length=32),
        "roll_key": wallet.signing_key().verify_key.encode(),
        "s": wallet.credential_secret(sitting_id, 2, 3).encode(),
        "randomizer": wallet.randomizer(sitting_id, name),
        "salt": wallet.salt(sitting_id, name),
        "blinding_blocks": blocks,
        "r": wallet.blinding(sitting_id, name, key).to_bytes(384, "big"),
    }


PLACE = (block("sitting"), 1, 2, 3, 4)
"""Sitting, registration, registrar, poll and class."""


def _place() -> Values:
    return dict(zip(("sitting_id", "registration", "registrar", "poll", "class"), PLACE, strict=True))


def certificate() -> Values:
    """Return a registrar's key and its certificate."""
    key = published_key(1)
    rho = certificate_elements(*PLACE, key.public_key.encode())
    roots = blind.certify(key, rho)
    p, q = (prime.to_bytes(192, "big") for prime in published_primes(1))
    elements = [element.to_bytes(384, "big") for element in map(int, rho)]
    name = key_id(*PLACE, key.public_key)
    return {
        **_place(),
        "p": p,
        "q": q,
        "modulus": key.public_key.encode(),
        "key_id": name,
        "rho": elements,
        "roots": list(roots),
    }


def blind_signature() -> Values:
    """Return one blind signature."""
    key = published_key(2)
    sitting_id, _, registrar, poll, class_index = PLACE
    name = key_id(*PLACE, key.public_key)
    credential = multiply_base(scalar("credential secret")).encode()
    message = credential_message(sitting_id, poll, registrar, name, class_index, credential)
    randomizer, salt = block("randomizer"), block("salt", 48)
    prepared = blind.prepare(randomizer, message)
    r = int.from_bytes(block("r", 383), "big")
    blinded, inverse = blind.blind(key.public_key, prepared, salt=salt, r=r)
    signed = blind.blind_sign(key, blinded)
    p, q = (prime.to_bytes(192, "big") for prime in published_primes(2))
    return {
        **_place(),
        "p": p,
        "q": q,
        "modulus": key.public_key.encode(),
        "key_id": name,
        "S": credential,
        "message": message,
        "randomizer": randomizer,
        "prepared": prepared,
        "salt": salt,
        "encoded": emsa_pss_encode(prepared, 3071, salt),
        "r": r.to_bytes(384, "big"),
        "r_inverse": inverse.to_bytes(384, "big"),
        "blinded": blinded,
        "blind_signature": signed,
        "signature": blind.finalize(key.public_key, prepared, signed, inverse),
    }


def entry() -> Values:
    """Return signed entries."""
    key = SigningKey.from_seed(block("signing key"))
    found: Values = {
        "seed": block("signing key"),
        "signer": key.verify_key.encode(),
        "sitting_id": block("sitting"),
        "cases": [],
    }
    for kind, body in (("registration-close", ENTRY_BODY), ("manifest", b'{"not":"a manifest"}')):
        message = signing_message(kind, block("sitting"), body)
        signature = key.sign(message)
        entry = encode_signed(kind, body, key.verify_key.encode(), signature)
        found["cases"].append(
            {
                "kind": kind,
                "body": body.decode(),
                "body_hash": hashlib.sha256(body).digest(),
                "message": message,
                "signature": signature,
                "entry": base64.b64encode(entry).decode(),
                "leaf_hash": leaf_hash(entry),
            }
        )
    return found


def promise() -> Values:
    """Return a promise."""
    key = SigningKey.from_seed(block("promise key"))
    blank = Promise(12, block("leaf"), 60, bytes(64), block("sitting"), 1_770_000_000)
    fields = {name: getattr(blank, name) for name in blank.__struct_fields__ if name != "signature"}
    signature = key.sign(blank.message())
    return {
        "seed": block("promise key"),
        "key": key.verify_key.encode(),
        **fields,
        "message": blank.message(),
        "signature": signature,
    }


def merkle(size: int) -> Values:
    """Return a tree of this size with all inclusion proofs."""
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    history = LogHistory()
    for leaf in leaves:
        history.append(leaf)
    proofs = [list(InclusionProof.prove(index, size, history.subtree).hashes) for index in range(size)]
    return {
        "entries": [bytes([number]) for number in range(size)],
        "leaf_hashes": leaves,
        "root": root_of(leaves),
        "inclusion": proofs,
    }


def note() -> Values:
    """Return a cosigned checkpoint."""
    log_key = SigningKey.from_seed(block("log key"))
    witnesses = {f"witness-{n}.example": SigningKey.from_seed(block(f"witness {n}")) for n in (1, 2)}
    note = sign_checkpoint(Checkpoint(ORIGIN, 12, block("root")), [Ed25519Signer(ORIGIN, log_key)])
    lines = [
        Ed25519Cosigner(name, key).cosign(note.text, 1_770_000_000 + n)
        for n, (name, key) in enumerate(witnesses.items())
    ]
    log = VerifierKey(ORIGIN, ED25519, log_key.verify_key.encode())
    keys = [VerifierKey(name, ED25519_COSIGNATURE, key.verify_key.encode()) for name, key in witnesses.items()]
    return {
        "origin": ORIGIN,
        "size": 12,
        "root": block("root"),
        "log_seed": block("log key"),
        "log_key": log.key,
        "log_key_id": log.key_id,
        "witnesses": [
            {
                "name": key.name,
                "seed": block(f"witness {n}"),
                "key": key.key,
                "key_id": key.key_id,
                "time": 1_769_999_999 + n,
            }
            for n, key in enumerate(keys, 1)
        ],
        "text": note.text if isinstance(note.text, str) else note.text.decode(),
        "note": Note(note.text, (*note.signatures, *lines)).encode().decode(),
    }
