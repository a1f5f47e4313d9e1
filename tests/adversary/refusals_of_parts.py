"""What the lower layers must refuse: encodings, elements, signatures, shares, proofs, blind signatures.

See `tests.adversary.refusals`.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from secballot.blind import BlindPublicKey, BlindSecretKey, ModuliProduct
from secballot.blind import verify as verify_blind
from secballot.blind.certificate import check_coprime, check_public_key
from secballot.blind.keys import PROFILE
from secballot.blind.signature import answer_digest, check_all_blinded, check_all_roots, check_blinded, check_root
from secballot.elgamal import Ciphertexts
from secballot.encoding import check_text, decode_u64, parse_decimal
from secballot.errors import InvalidProofError
from secballot.group import ORDER, Elements, Scalars, multiply_base
from secballot.proofs.batch import find_invalid
from secballot.proofs.equality import prove_equality, verify_equality
from secballot.proofs.knowledge import decode_proof, prove_knowledge, verify_knowledge
from secballot.proofs.membership import verify_membership
from secballot.records.entry import CODECS, decode_body, decode_entry, decode_envelope
from secballot.sealing import COST_SMALL, open_share, open_with_passphrase, seal_share, seal_with_passphrase
from secballot.sharing import check_share
from secballot.signing import SigningKey, VerifyKey, check_verify_keys, verify
from tests.adversary.refusals import refuses
from tests.record_stage import golden_entries
from tests.registrar_keys import test_key as published_key
from tests.unit.proofs.statements import KEY, Membership

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.adversary.refusals import Attempt

_VECTORS: Final = Path(__file__).resolve().parents[1] / "vectors" / "standards" / "ristretto255"

ZERO: Final = bytes(32)

JUNK: Final = (b"", b"\0", b"junk", b"\xff" * 31, b"{}", b"[]", b"null", b"\xef\xbb\xbf{}", b"[" * 9_999, b"\n" * 99)
"""Bytes that are nothing."""


def bad_elements() -> list[bytes]:
    """Return encodings that no decoder takes: those of RFC 9496, the identity, and other lengths."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(_VECTORS.glob("*.json"))]
    found = [bytes.fromhex(item["encoding"]) for file in files for item in file.get("A.2_invalid_encodings", [])]
    if len(found) < 25:  # a table that is not found must not pass for an empty one
        raise FileNotFoundError("the bad encodings of RFC 9496")
    return [*found, ZERO, bytes(31), bytes(33)]


def bad_points() -> list[bytes]:
    """Return those of them that have the size of an element."""
    return [bad for bad in bad_elements() if len(bad) == len(ZERO)]


BAD_SCALARS: Final = tuple(
    value.to_bytes(32, "little") for value in (ORDER, ORDER + 1, 2**255 - 1, 2**255, 2**255 + 1, 2**256 - 1)
)

SMALL_ORDER: Final = tuple(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
    )
)
"""Ed25519 encodings of points of small order, two of them in a second spelling."""


def of_bytes(door: Callable[[bytes], object], *data: bytes) -> Sequence[Attempt]:
    """Return attempts that give a decoder junk and these bytes."""
    return [partial(door, item) for item in (*JUNK, *data)]


@refuses("elgamal:Ciphertexts.decode")
def _ciphertexts() -> Sequence[Attempt]:
    good = multiply_base(Scalars.from_ints([5])).encode()
    Ciphertexts.decode(good + good)
    bad = bad_points()
    return [
        *(partial(Ciphertexts.decode, b + good) for b in bad),
        *(partial(Ciphertexts.decode, good + b) for b in bad),
    ]


@refuses("encoding:parse_decimal")
def _decimals() -> Sequence[Attempt]:
    parse_decimal(b"12", 99)
    bad = (b"", b"-1", b"+1", b"01", b"1_0", b" 1", b"1\n", "\uff11".encode(), b"1e0", b"100", b"9" * 5_000)
    return [partial(parse_decimal, data, 99) for data in bad]


@refuses("encoding:decode_u64")
def _u64() -> Sequence[Attempt]:
    decode_u64(bytes(8))
    return [partial(decode_u64, bytes(size)) for size in (0, 7, 9)]


@refuses("encoding:check_text")
def _texts() -> Sequence[Attempt]:
    check_text("Plain", max_bytes=9)
    bad = ("a" * 10, "a\n", "\u202ea", "e\u0301", "\ud800", "\x1b[m", "\u200b")
    return [partial(check_text, text, max_bytes=9) for text in bad]


@refuses("encoding:CanonicalCodec.decode")
def _codecs() -> Sequence[Attempt]:
    return [attempt for codec in CODECS.values() for attempt in of_bytes(codec.decode)]


@refuses("records.entry:decode_entry", "records.entry:decode_envelope")
def _entries() -> Sequence[Attempt]:
    entry = golden_entries("opening")[0]
    decode_entry(entry)
    decode_envelope(entry)
    spoilt = (
        entry + b"\n",
        entry[:-1],
        b" " + entry,
        b"\xef\xbb\xbf" + entry,
        entry.decode().encode("utf-16"),
        entry.replace(b'{"body"', b'{"body":1,"body"', 1),
        entry.replace(b'"kind":"opening"', b'"kind":"unknown"'),
        entry + b" " * 65_536,
    )
    return [attempt for door in (decode_entry,) for attempt in of_bytes(door, *spoilt)]


@refuses("records.entry:decode_body")
def _bodies() -> Sequence[Attempt]:
    return [partial(decode_body, kind, data, ZERO, bytes(64)) for kind in CODECS for data in JUNK]


@refuses("sealing:open_share")
def _sealed_shares() -> Sequence[Attempt]:
    sealed = seal_share(ZERO, bytes(24), b"share", b"")
    open_share(ZERO, bytes(24), sealed, b"")
    return [
        partial(open_share, b"\1" + ZERO[1:], bytes(24), sealed, b""),
        partial(open_share, ZERO, b"\1" + bytes(23), sealed, b""),
        partial(open_share, ZERO, bytes(24), sealed, b"other"),
        partial(open_share, ZERO, bytes(24), sealed[:-1], b""),
        partial(open_share, ZERO, bytes(24), b"", b""),
        *(partial(open_share, ZERO, bytes(24), _flipped(sealed, at), b"") for at in range(len(sealed))),
    ]


@refuses("sealing:open_with_passphrase")
def _sealed_files() -> Sequence[Attempt]:
    sealed = seal_with_passphrase(b"key", "right", header=b"h", cost=COST_SMALL)
    return [
        partial(open_with_passphrase, sealed, "wrong", header=b"h"),
        partial(open_with_passphrase, sealed, "right", header=b"g"),
        partial(open_with_passphrase, _flipped(sealed, len(sealed) - 1), "right", header=b"h"),
        partial(open_with_passphrase, _flipped(sealed, 17), "right", header=b"h"),
        *(partial(open_with_passphrase, data, "right", header=b"h") for data in JUNK),
    ]


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@refuses("sharing:check_share")
def _shares() -> Sequence[Attempt]:
    coefficients = Scalars.from_ints([3, 4])
    commitments = multiply_base(coefficients)
    check_share(Scalars.from_ints([7]), commitments, 1)
    return [partial(check_share, Scalars.from_ints([value]), commitments, 1) for value in (0, 3, 6, 8, ORDER - 7)] + [
        partial(check_share, Scalars.from_ints([7]), commitments, 2)
    ]


@refuses("signing:check_verify_keys")
def _verify_keys() -> Sequence[Attempt]:
    good = SigningKey.from_seed(ZERO).verify_key.encode()
    check_verify_keys([good, good])
    bad = [b"", good[:-1], good + b"\0", bytes(32), b"\1" + bytes(31), b"\xff" * 32, b"\x95" + b"\x99" * 30 + b"\x19"]
    return [partial(check_verify_keys, [good, item]) for item in bad] + [partial(check_verify_keys, bad[:1])]


@refuses("signing:verify", "board.note:verify_ed25519")
def _signatures() -> Sequence[Attempt]:
    from secballot.board.note import verify_ed25519  # noqa: PLC0415  # its own door beside that of signing

    key = SigningKey.from_seed(ZERO)
    signature, encoded = key.sign(b"message"), key.verify_key.encode()
    verify(key.verify_key, b"message", signature)
    verify_ed25519(encoded, b"message", signature)
    S = int.from_bytes(signature[32:], "little")
    bad = [
        signature[:-1],
        signature + b"\0",
        b"",
        bytes(64),
        b"\1" + bytes(63),
        signature[:32] + (S + ORDER).to_bytes(32, "little"),
        *(_flipped(signature, at) for at in range(64)),
    ]
    attempts: list[Attempt] = [partial(verify, key.verify_key, b"message", item) for item in bad]
    attempts += [partial(verify, key.verify_key, b"another", signature)]
    attempts += [partial(verify_ed25519, encoded, b"message", item) for item in bad]
    for point in SMALL_ORDER:
        attempts.append(partial(verify_ed25519, point, b"message", b"\1" + bytes(63)))
        attempts.append(lambda point=point: VerifyKey(point))  # type: ignore[misc]
        attempts.append(lambda point=point: verify(VerifyKey(point), b"message", point + ZERO))  # type: ignore[misc]
    return attempts


@refuses("proofs.knowledge:verify_knowledge", "proofs.knowledge:decode_proof")
def _knowledge() -> Sequence[Attempt]:
    x = Scalars.from_ints([11])
    X = multiply_base(x)
    context = (ZERO, 1, 3, 2, 1, ZERO, X.encode(), X.encode())
    proof = prove_knowledge("ceremony-secret", context, x, X, Scalars.from_ints([12]))
    verify_knowledge("ceremony-secret", context, X, proof)
    spoilt = [*JUNK, bytes(64), *(_flipped(proof, at) for at in (0, 31, 32, 63))]
    spoilt += [proof[:32] + bad for bad in BAD_SCALARS] + [bad + proof[32:] for bad in BAD_SCALARS]
    malformed = [*JUNK, *(bad + proof[32:] for bad in BAD_SCALARS)]
    return [
        *(partial(verify_knowledge, "ceremony-secret", context, X, item) for item in spoilt),
        *(partial(decode_proof, item) for item in malformed),
        partial(verify_knowledge, "ceremony-encryption", context, X, proof),
        partial(verify_knowledge, "ceremony-secret", (b"\1" * 32, *context[1:]), X, proof),
        partial(verify_knowledge, "ceremony-secret", context, X + X, proof),
    ]


@refuses("proofs.equality:verify_equality")
def _equality() -> Sequence[Attempt]:
    x, base = Scalars.from_ints([11]), multiply_base(Scalars.from_ints([5]))
    X, D = multiply_base(x), base * x
    context = (ZERO, 1, 1, 2, X.encode(), base.encode(), D.encode())
    proof = prove_equality("complaint", context, x, base, Scalars.from_ints([12]))
    verify_equality("complaint", context, base, X, D, proof)
    spoilt = [
        *JUNK,
        bytes(64),
        *(_flipped(proof, at) for at in (0, 31, 32, 63)),
        *(proof[:32] + b for b in BAD_SCALARS),
    ]
    return [
        *(partial(verify_equality, "complaint", context, base, X, D, item) for item in spoilt),
        partial(verify_equality, "complaint", context, base, X, D + D, proof),
        partial(verify_equality, "complaint", context, base, D, X, proof),
        partial(verify_equality, "complaint", context, X, X, D, proof),
    ]


@refuses("proofs.membership:verify_membership", "proofs.batch:find_invalid")
def _membership() -> Sequence[Attempt]:
    good, other = Membership.honest(1, range(2), 77), Membership.honest(0, range(2), 78)
    good.verify()
    if find_invalid([good.claim(), other.claim()], KEY):
        raise InvalidProofError("an honest proof was refused")
    shift = multiply_base(Scalars.from_ints([3]))
    lies = [
        (Ciphertexts(good.ciphertext.alphas, good.ciphertext.betas + shift), good.commitments, good.disjunction()),
        (Ciphertexts(good.ciphertext.alphas + shift, good.ciphertext.betas), good.commitments, good.disjunction()),
        (other.ciphertext, good.commitments, good.disjunction()),
        (good.ciphertext, other.commitments, good.disjunction()),
        (good.ciphertext, good.commitments, other.disjunction()),
        (good.ciphertext, good.commitments + shift, good.disjunction()),
    ]

    def in_a_batch(ciphertext: Ciphertexts, commitments: Elements, source: Membership) -> None:
        claim = Membership(ciphertext, commitments, source.values, source.e, source.challenges, source.responses)
        if find_invalid([good.claim(), claim.claim(), other.claim()], KEY) == [1]:
            raise InvalidProofError("the batch names the lie, and it alone")

    sources = [good, good, good, good, other, good]
    return [
        *(partial(verify_membership, *lie, KEY) for lie in lies),
        *(partial(in_a_batch, lie[0], lie[1], source) for lie, source in zip(lies, sources, strict=True)),
    ]


@refuses("blind.keys:BlindPublicKey.decode", "blind.keys:BlindSecretKey.decode_private", "blind.keys:Suite.check")
def _keys() -> Sequence[Attempt]:
    n = published_key(0).public_key.n
    PROFILE.check(published_key(0).public_key)
    moduli = (0, 1, n - 1, n >> 1, n << 1)
    return [
        *of_bytes(BlindPublicKey.decode, bytes(384), b"\xff" * 383, (n - 1).to_bytes(384, "big")),
        *of_bytes(BlindSecretKey.decode_private, published_key(0).encode_private()[:-1]),
        *(lambda m=m: PROFILE.check(BlindPublicKey(m)) for m in moduli),
        lambda: PROFILE.check(BlindPublicKey(n, 3)),
        lambda: PROFILE.check(published_key(0).public_key, b"short"),
    ]


@refuses(
    "blind.certificate:check_public_key", "blind.certificate:check_coprime", "blind.certificate:ModuliProduct.check"
)
def _certificates() -> Sequence[Attempt]:
    key = published_key(0)
    n = key.public_key.n
    rho = [pow(number, 65537, n) for number in range(2, 10)]
    roots = [number.to_bytes(384, "big") for number in range(2, 10)]
    check_public_key(key.public_key, roots, rho)
    product = ModuliProduct()
    product.add(n)
    return [
        partial(check_public_key, key.public_key, roots[:-1], rho),
        partial(check_public_key, key.public_key, [*roots[1:], roots[0]], rho),
        partial(check_public_key, key.public_key, [(n - 2).to_bytes(384, "big"), *roots[1:]], rho),
        partial(check_public_key, key.public_key, [bytes(384), *roots[1:]], rho),
        partial(check_public_key, key.public_key, [roots[0][1:], *roots[1:]], rho),
        partial(check_public_key, published_key(1).public_key, roots, rho),
        partial(check_coprime, [n, n]),
        partial(check_coprime, [n, published_key(1).public_key.n, n]),
        partial(product.check, n),
    ]


@refuses("blind.signature:check_blinded", "blind.signature:check_all_blinded")
def _blinded() -> Sequence[Attempt]:
    key = published_key(0)
    n = key.public_key.n
    check_blinded(key.public_key, (5).to_bytes(384, "big"))
    bad = [value.to_bytes(384, "big") for value in (0, 1, n - 1, n, n + 1)] + [b"", bytes(383), b"\xff" * 384]
    return [partial(check_blinded, key.public_key, item) for item in bad] + [
        partial(check_all_blinded, key.public_key, [(5).to_bytes(384, "big"), item]) for item in bad
    ]


@refuses("blind.signature:check_root", "blind.signature:check_all_roots", "blind.signature:verify")
def _blind_signatures() -> Sequence[Attempt]:
    key = published_key(0)
    n = key.public_key.n
    root, power = (5).to_bytes(384, "big"), pow(5, 65537, n).to_bytes(384, "big")
    check_root(key.public_key, answer_digest(power), root)
    bad = [bytes(384), (n - 5).to_bytes(384, "big"), n.to_bytes(384, "big"), root[1:], b"", b"\xff" * 384]
    check_all_roots(key.public_key, [answer_digest(power)] * 2, [root, root])
    return [
        *(partial(check_root, key.public_key, answer_digest(power), item) for item in bad),
        *(partial(check_all_roots, key.public_key, [answer_digest(power)] * 2, [root, item]) for item in bad),
        *(partial(check_all_roots, key.public_key, [answer_digest(power)] * 2, [item, root]) for item in bad),
        partial(check_all_roots, key.public_key, [answer_digest(power)], [root, root]),
        partial(check_all_roots, key.public_key, [answer_digest(power)] * 2, [root]),
        partial(check_all_roots, key.public_key, [answer_digest(root), answer_digest(power)], [root, root]),
    ] + [partial(verify_blind, key.public_key, bytes(96), item) for item in (*bad, root, power)]
