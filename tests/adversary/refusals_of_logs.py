"""What logs, notes, witnesses and evidence must refuse.

See `tests.adversary.refusals`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.board.checkpoint import Checkpoint, check_origin, open_checkpoint, sign_checkpoint
from secballot.board.cosignature import (
    Ed25519CosignatureVerifier,
    Ed25519Cosigner,
    MlDsaCosigner,
    MlDsaVerifier,
    open_cosignatures,
)
from secballot.board.inclusion import TlogProof
from secballot.board.merkle import ConsistencyProof, InclusionProof, leaf_hash, root_of
from secballot.board.note import (
    Ed25519Signer,
    Ed25519Verifier,
    Note,
    SignatureLine,
    VerifierKey,
    check_key_name,
    open_note,
)
from secballot.board.policy import Policy, Quorum
from secballot.board.published import decode_sizes
from secballot.board.tile import Bundle, Tile, decode_bundle, decode_tile
from secballot.board.witness import Request, open_request, read_cosignatures, read_size
from secballot.roles.evidence import (
    SignedCheckpoint,
    SplitView,
    broken_promise,
    check_evidence,
    decode_evidence,
    encode_evidence,
    split_view,
)
from secballot.signing import SigningKey
from tests.adversary.refusals import refuses
from tests.adversary.refusals_of_parts import JUNK, ZERO, of_bytes
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.adversary.refusals import Attempt

ORIGIN: Final = "log.example/sitting"
LOG: Final = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
OTHER_LOG: Final = Ed25519Signer(ORIGIN, SigningKey(bytes([9]) * 32))
WITNESSES: Final = [Ed25519Cosigner(f"w{number}.example", SigningKey(bytes([10 + number]) * 32)) for number in range(3)]
KEYS: Final = [witness.vkey for witness in WITNESSES]
POLICY: Final = Policy.of([LOG.vkey], KEYS, 2)
LEAVES: Final = [leaf_hash(bytes([number])) for number in range(7)]
NOTE: Final = sign_checkpoint(Checkpoint(ORIGIN, 7, root_of(LEAVES)), [LOG])
COSIGNED: Final = NOTE.with_signatures([witness.cosign(NOTE.text, 1_700_000_000) for witness in WITNESSES[:2]])


def subtree(level: int, index: int) -> bytes:
    """Return the root of a subtree of the log above."""
    return root_of(LEAVES[index << level : (index + 1) << level])


def spoilt_notes(note: Note = COSIGNED) -> list[bytes]:
    """Return a note in other spellings, of another text, and under other signatures."""
    data, (first, *rest) = note.encode(), note.signatures
    forged = SignatureLine(first.name, first.key_id, bytes(len(first.signature)))
    return [
        *JUNK,
        data[:-1],
        data + b"\n",
        data.replace(b"\n", b"\r\n"),
        data.replace(b"\n7\n", b"\n07\n"),
        data.replace(b"\n7\n", b"\n\xef\xbc\x97\n"),
        data.replace(b"\n7\n", b"\n8\n"),
        data.replace(b"log.example", b"LOG.example"),
        data.replace("—".encode(), b"-"),
        data.replace(b"\n\n", b"\nextension\n\n", 1),
        Note(note.text, (forged, *rest)).encode(),
        *([Note(note.text, tuple(rest)).encode()] if rest else []),
        note.text.encode() + b"\n" + first.encode().encode() * 101,
    ]


@refuses("board.note:Note.decode", "board.note:SignatureLine.decode", "board.note:VerifierKey.decode")
def _notes() -> Sequence[Attempt]:
    Note.decode(COSIGNED.encode())
    bad = [*JUNK, COSIGNED.encode()[:-1], COSIGNED.encode().replace(b"\n", b"\r\n"), b"a\n\n", b"\n\n"]
    lines = ["", "-", "— ", "— a", "— a !!!!", "— a AAAA", "x a AAAAAAAA", COSIGNED.signatures[0].encode() + "x"]
    vkey = LOG.vkey.encode()
    keys = ["", "a", "a+b", vkey[:-1], vkey + "A", vkey.replace("+", "-"), vkey.replace("log.", "Log."), " " + vkey]
    return [
        *(partial(Note.decode, data) for data in bad),
        *(partial(SignatureLine.decode, line) for line in lines),
        *(partial(VerifierKey.decode, key) for key in keys),
    ]


@refuses("board.note:open_note", "board.note:Ed25519Verifier.verify", "board.note:check_key_name")
def _opened_notes() -> Sequence[Attempt]:
    verifier = Ed25519Verifier(LOG.vkey)
    open_note(NOTE, [verifier])
    signature = NOTE.signatures[0].signature
    other = Ed25519Verifier(OTHER_LOG.vkey)
    changed = Note(NOTE.text.replace("7", "8"), NOTE.signatures)
    return [
        partial(open_note, changed, [verifier]),
        partial(open_note, NOTE, [other]),
        partial(open_note, NOTE, []),
        partial(verifier.verify, NOTE.text + " ", signature),
        partial(other.verify, NOTE.text, signature),
        partial(verifier.verify, NOTE.text, signature[:-1]),
        partial(verifier.verify, NOTE.text, b""),
        *(partial(check_key_name, name) for name in ("", "a b", "a+b", "a\n", "a\u2028b", "\t")),
    ]


@refuses(
    "board.checkpoint:Checkpoint.decode", "board.checkpoint:Checkpoint.check_profile", "board.checkpoint:check_origin"
)
def _checkpoints() -> Sequence[Attempt]:
    text = NOTE.text
    Checkpoint.decode(text).check_profile()
    root = text.split("\n")[2]
    bad = [
        "",
        "a",
        text[:-1],
        text.replace("\n7\n", "\n07\n"),
        text.replace("\n7\n", "\n+7\n"),
        text.replace("\n7\n", "\n7 \n"),
        text.replace("\n7\n", "\n\u0667\n"),
        text.replace("\n7\n", f"\n{2**64}\n"),
        text.replace(root, root[:-2] + "9="),
        text.replace(root, root[:-1]),
        text.replace(root, ""),
    ]
    extended = replace(Checkpoint.decode(text), extensions=("more",))
    return [
        *(partial(Checkpoint.decode, item) for item in bad),
        extended.check_profile,
        *(partial(check_origin, origin) for origin in ("", "a\n", "a" * 256)),
    ]


@refuses(
    "board.checkpoint:open_checkpoint",
    "board.policy:Policy.open",
    "board.policy:Policy.decode",
    "board.policy:Quorum.check",
    "board.policy:CosignedCheckpoint.check_exact",
)
def _policies() -> Sequence[Attempt]:
    opened = POLICY.open(COSIGNED.encode(), origin=ORIGIN)
    opened.check_exact(2)
    log = Ed25519Verifier(LOG.vkey)
    open_checkpoint(NOTE.encode(), origin=ORIGIN, log_keys=[log])
    one = NOTE.with_signatures([WITNESSES[0].cosign(NOTE.text, 5)])
    twice = NOTE.encode() + 2 * WITNESSES[0].cosign(NOTE.text, 5).encode().encode()
    quorum: Quorum = POLICY.quorum
    return [
        *(partial(POLICY.open, data, origin=ORIGIN) for data in spoilt_notes()),
        partial(POLICY.open, COSIGNED.encode(), origin=ORIGIN + "2"),
        partial(POLICY.open, NOTE.encode(), origin=ORIGIN),
        partial(POLICY.open, one.encode(), origin=ORIGIN),
        partial(POLICY.open, twice, origin=ORIGIN),
        partial(Policy.of([OTHER_LOG.vkey], KEYS, 2).open, COSIGNED.encode(), origin=ORIGIN),
        *(partial(open_checkpoint, data, origin=ORIGIN, log_keys=[log]) for data in spoilt_notes(NOTE)),
        partial(open_checkpoint, NOTE.encode(), origin="other.example", log_keys=[log]),
        partial(open_checkpoint, NOTE.encode(), origin=ORIGIN, log_keys=[Ed25519Verifier(OTHER_LOG.vkey)]),
        partial(opened.check_exact, 1),
        partial(opened.check_exact, 3),
        partial(quorum.check, []),
        partial(quorum.check, [KEYS[0].name]),
        partial(quorum.check, [KEYS[0].name, KEYS[0].name]),
        *of_bytes(Policy.decode, b"log a\n", b"quorum all\n"),
    ]


@refuses(
    "board.cosignature:Ed25519CosignatureVerifier.verify",
    "board.cosignature:MlDsaVerifier.verify",
    "board.cosignature:open_cosignatures",
)
def _cosignatures() -> Sequence[Attempt]:
    line = WITNESSES[0].cosign(NOTE.text, 5)
    verifier = Ed25519CosignatureVerifier(KEYS[0])
    verifier.verify(NOTE.text, line.signature)
    cosigner = MlDsaCosigner("q.example", bytes(32))
    quantum, shown = MlDsaVerifier(cosigner.vkey), cosigner.cosign(NOTE.text, 5)
    quantum.verify(NOTE.text, shown.signature)
    forged_note = Note(NOTE.text, (*NOTE.signatures, SignatureLine(line.name, line.key_id, bytes(72))))
    forged = open_checkpoint(forged_note.encode(), origin=ORIGIN, log_keys=[Ed25519Verifier(LOG.vkey)])
    attempts: list[Attempt] = [partial(open_cosignatures, forged, KEYS)]
    for verify, good in ((verifier.verify, line.signature), (quantum.verify, shown.signature)):
        later = (6).to_bytes(8, "big") + good[8:]
        bad = (good[:-1], good + b"\0", b"", bytes(len(good)), later, good[:-1] + bytes([good[-1] ^ 1]))
        attempts += [partial(verify, NOTE.text, item) for item in bad]
        attempts += [partial(verify, NOTE.text.replace("7", "8"), good), partial(verify, "no checkpoint\n", good)]
    return attempts


@refuses("board.merkle:InclusionProof.verify", "board.merkle:ConsistencyProof.verify")
def _trees() -> Sequence[Attempt]:
    root = root_of(LEAVES)
    proof = InclusionProof.prove(2, 7, subtree)
    proof.verify(LEAVES[2], root)
    growth = ConsistencyProof.prove(3, 7, subtree)
    old = root_of(LEAVES[:3])
    growth.verify(old, root)
    inclusions = [
        InclusionProof(3, 7, proof.hashes),
        InclusionProof(2, 3, proof.hashes),
        InclusionProof(2, 7, proof.hashes[:-1]),
        InclusionProof(2, 7, (*proof.hashes, ZERO)),
        InclusionProof(2, 7, tuple(reversed(proof.hashes))),
        InclusionProof(2, 7, ()),
        InclusionProof(7, 7, proof.hashes),
        InclusionProof(0, 0, ()),
    ]
    growths = [
        ConsistencyProof(3, 7, growth.hashes[:-1]),
        ConsistencyProof(3, 7, (*growth.hashes, ZERO)),
        ConsistencyProof(3, 7, ()),
        ConsistencyProof(7, 7, growth.hashes),
        ConsistencyProof(7, 3, ()),
        ConsistencyProof(0, 7, growth.hashes),
    ]
    return [
        *(partial(item.verify, LEAVES[2], root) for item in inclusions),
        partial(proof.verify, LEAVES[3], root),
        partial(proof.verify, LEAVES[2], ZERO),
        partial(InclusionProof(0, 1, ()).verify, LEAVES[2], root),
        *(partial(item.verify, old, root) for item in growths),
        partial(growth.verify, ZERO, root),
        partial(growth.verify, old, ZERO),
        partial(ConsistencyProof(7, 7, ()).verify, root, ZERO),
    ]


@refuses("board.inclusion:TlogProof.decode", "board.inclusion:TlogProof.open")
def _proofs() -> Sequence[Attempt]:
    inclusion = InclusionProof.prove(2, 7, subtree)
    proof = TlogProof(2, inclusion.hashes, COSIGNED.encode())
    proof.open(bytes([2]), origin=ORIGIN, policy=POLICY)
    data = proof.encode()
    bad = (data[:-1], data.replace(b"index 2", b"index 02"), data.replace(b"@v1", b"@v2"), b"\n" + data)
    lies = [
        TlogProof(3, inclusion.hashes, COSIGNED.encode()),
        TlogProof(2, inclusion.hashes[1:], COSIGNED.encode()),
        TlogProof(2, inclusion.hashes, NOTE.encode()),
        *(TlogProof(2, inclusion.hashes, note) for note in spoilt_notes()),
    ]
    return [
        *of_bytes(TlogProof.decode, *bad[1:]),
        *(partial(lie.open, bytes([2]), origin=ORIGIN, policy=POLICY) for lie in lies),
        partial(proof.open, bytes([3]), origin=ORIGIN, policy=POLICY),
        partial(proof.open, bytes([2]), origin="other.example", policy=POLICY),
    ]


@refuses(
    "board.published:decode_sizes",
    "board.tile:Bundle.decode",
    "board.tile:Tile.parse",
    "board.tile:decode_bundle",
    "board.tile:decode_tile",
)
def _files() -> Sequence[Attempt]:
    paths = ("", "tile", "tile/0", "tile/0/../x", "tile/0/1", "tile/0/x001/001.p/0", "tile/64/000", "/tile/0/000")
    return [
        *(partial(decode_sizes, data) for data in (b"1", b"2\n1\n", b"1\n1\n", b"01\n", b"-1\n", b"a\n", b"\n")),
        *(partial(Tile.parse, path) for path in paths),
        *(partial(decode_tile, data, 2) for data in (b"", bytes(32), bytes(63), bytes(96))),
        *(
            partial(decode, data, 2)
            for data in (b"", b"\0", b"\0\1", b"\0\1a", b"\0\1a\0\1bc", b"\xff\xff")
            for decode in (Bundle.decode, decode_bundle)
        ),
    ]


@refuses(
    "board.witness:Request.decode",
    "board.witness:Request.open",
    "board.witness:open_request",
    "board.witness:read_cosignatures",
    "board.witness:read_size",
)
def _witnesses() -> Sequence[Attempt]:
    logs = {ORIGIN: [LOG.vkey]}
    good = Request(3, ConsistencyProof.prove(3, 7, subtree).hashes, NOTE.encode())
    open_request(good.encode(), logs)
    data = good.encode()
    bad = (
        data.replace(b"old 3", b"old 03"),
        data.replace(b"old 3", b"old -3"),
        data[1:],
        data.replace(b"\n\n", b"\n", 1),
    )
    body = WITNESSES[0].cosign(NOTE.text, 5).encode().encode()
    read_cosignatures(body, NOTE.text, KEYS)
    return [
        *of_bytes(Request.decode, *bad),
        *of_bytes(partial(open_request, logs=logs), *bad),
        partial(good.open, {}),
        partial(good.open, {ORIGIN: [OTHER_LOG.vkey]}),
        *(partial(Request(3, good.hashes, note).open, logs) for note in spoilt_notes(NOTE)),
        partial(read_cosignatures, body, NOTE.text.replace("7", "8"), KEYS),
        partial(read_cosignatures, body[:-1], NOTE.text, KEYS),
        *(partial(read_cosignatures, item, NOTE.text, KEYS) for item in JUNK if item),
        *(partial(read_size, item) for item in (b"", b"7", b"07\n", b"-7\n", b"7\n7\n", b" 7\n", b"x\n")),
    ]


@refuses("roles.evidence:decode_evidence", "roles.evidence:check_evidence", "roles.evidence:SignedCheckpoint.open")
def _evidence() -> Sequence[Attempt]:
    honest = View(entries(1, 2, 3, 4, 5), sizes=(5, 7))
    other = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 7, 8), witnesses=("w2.example", "w3.example"))
    split = split_view(SMALL_MANIFEST, honest.note(5), other.note(7), other.history)
    broken = broken_promise(SMALL_MANIFEST, promise(other.log[4], 4), honest.note(7), honest.history)
    if not isinstance(split, SplitView) or broken is None:
        raise TypeError("the evidence of this test is none")
    for found in (split, broken):
        check_evidence(decode_evidence(encode_evidence(found)), SITTING_ID)
    data = encode_evidence(split)
    swapped = msgspec.structs.replace(split, notes=(split.notes[1], split.notes[0]))
    same = msgspec.structs.replace(split, notes=(split.notes[0], split.notes[0]), proof=())
    return [
        *of_bytes(decode_evidence, data[:-1], data + b"\n", data.replace(b'"kind"', b'"king"')),
        partial(check_evidence, split, ZERO),
        partial(check_evidence, broken, ZERO),
        partial(check_evidence, swapped, SITTING_ID),
        partial(check_evidence, same, SITTING_ID),
        *(partial(SignedCheckpoint.open, SMALL_MANIFEST, note) for note in (NOTE.encode(), *JUNK)),
    ]
