"""Recompute every value of `primitives.json` from SPEC.md."""

from __future__ import annotations

import hashlib
import math

from . import aead, canonical, ed25519, merkle, notes, proofs, ristretto, rsa
from .comparing import Case, Comparison, Phrase, big, bip39_seed, fields, from_hex, number
from .edwards import ORDER, Point, add, combine, multiply, multiply_base, subtract
from .machine_tally import logarithm
from .making import le, pss_encode
from .transcript import challenge, digest, wide


def verify_primitives(data: Case) -> Comparison:
    """Return what was compared, group by group; an unknown group is a difference."""
    result = Comparison()
    known = {**_GROUPS, "about": lambda *_: None}
    for name, group in data.items():
        if name not in known:
            result.differing.append(name)
            continue
        for i, case in enumerate(group) if isinstance(group, list) else [("", group)]:
            known[name](result, f"{name}/{i}".rstrip("/"), case)
    result.differing += [name for name in known if name not in data]
    return result


def _scalar(case: Case, name: str) -> int:
    value = ristretto.scalar(from_hex(case, name))
    if value is None:
        raise ValueError(f"{name} is no scalar")
    return value


def _point(data: str, *, identity_allowed: bool = False) -> Point:
    point = ristretto.decode(bytes.fromhex(data), identity_allowed=identity_allowed)
    if point is None:
        raise ValueError("no element")
    return point


def _pieces(data: str) -> list[int]:
    return [int.from_bytes(bytes.fromhex(data[i : i + 64]), "little") for i in range(0, len(data), 64)]


def _hash(result: Comparison, name: str, case: Case) -> None:
    found = fields(case["fields"])
    result.members(name, case, digest=digest(case["label"], *found), challenge=le(challenge(case["label"], *found)))


def _wide(result: Comparison, name: str, case: Case) -> None:
    result.members(name, case, scalar=le(wide(from_hex(case, "bytes"))))


def _ristretto(result: Comparison, name: str, case: Case) -> None:
    for i, one in enumerate(case["multiples"]):
        result.members(f"{name}/multiples/{i}", one, element=ristretto.encode(multiply_base(_scalar(one, "scalar"))))
    for i, one in enumerate(case["derived"]):
        result.members(f"{name}/derived/{i}", one, element=ristretto.encode(ristretto.derive(from_hex(one, "bytes"))))
    for i, text in enumerate(case["refused_without_identity"]):
        result.check(f"{name}/refused/{i}", None, ristretto.decode(bytes.fromhex(text)))
    for i, text in enumerate(case["scalars_refused"]):
        result.check(f"{name}/scalars_refused/{i}", None, ristretto.scalar(bytes.fromhex(text)))


def _answer(result: Comparison, name: str, case: Case, *commitments: Point) -> None:
    """Compare challenge and response of a proof made with the nonce given."""
    encoded = [ristretto.encode(point) for point in commitments]
    c = challenge(case["label"], *fields(case["context"]), *encoded)
    z = le(_scalar(case, "nonce") + c * _scalar(case, "secret"))
    result.members(name, case, c=le(c), z=z, proof=le(c) + z)


def _knowledge(result: Comparison, name: str, case: Case) -> None:
    x, r = multiply_base(_scalar(case, "secret")), multiply_base(_scalar(case, "nonce"))
    result.members(name, case, X=ristretto.encode(x), R=ristretto.encode(r))
    _answer(result, name, case, r)
    proof = from_hex(case, "proof")
    result.check(f"{name} holds", True, proofs.knowledge_holds(case["label"], fields(case["context"]), x, proof))


def _equality(result: Comparison, name: str, case: Case) -> None:
    x, k, h = _scalar(case, "secret"), _scalar(case, "nonce"), _point(case["H"], identity_allowed=True)
    points = {"X": multiply_base(x), "D": multiply(x, h), "A": multiply_base(k), "B": multiply(k, h)}
    result.members(name, case, **{letter: ristretto.encode(point) for letter, point in points.items()})
    _answer(result, name, case, points["A"], points["B"])
    holds = proofs.equality_holds(
        case["label"], fields(case["context"]), points["X"], (h, points["D"]), from_hex(case, "proof")
    )
    result.check(f"{name} holds", True, holds)


def _membership(result: Comparison, name: str, case: Case) -> None:
    key, r, value, values = _point(case["Y"]), _scalar(case, "r"), case["value"], case["values"]
    cipher = proofs.Cipher(multiply_base(r), add(multiply(r, key), multiply_base(value)))
    nonces, drawn = ([_pieces(one)[0] for one in case[part]] for part in ("commit", "challenge"))
    e, at = _scalar(case, "e"), values.index(value)
    pairs = [
        (multiply_base(u), subtract(multiply(u, key), multiply_base(c * (value - v))))
        for u, c, v in zip(nonces, drawn, values, strict=True)
    ]
    final = list(drawn)
    final[at] = (e - sum(drawn) + drawn[at]) % ORDER
    result.members(
        name,
        case,
        alpha=ristretto.encode(cipher.alpha),
        beta=ristretto.encode(cipher.beta),
        commitments=[ristretto.encode(point) for pair in pairs for point in pair],
        challenges=b"".join(map(le, final[:-1])),
        last_challenge=le(final[-1]),
        responses=b"".join(le(u + c * r) for u, c in zip(nonces, final, strict=True)),
    )
    holds = proofs.membership_holds(
        cipher,
        key,
        range(values[0], values[-1] + 1),
        commitments=pairs,
        challenges=_pieces(case["challenges"]),
        responses=_pieces(case["responses"]),
        e=e,
    )
    result.check(f"{name} holds", True, holds)


def lagrange(indices: list[int], i: int) -> int:
    """Return λ_i."""
    over = math.prod(j for j in indices if j != i)
    return over * pow(math.prod(j - i for j in indices if j != i), -1, ORDER) % ORDER


def _sharing(result: Comparison, name: str, case: Case) -> None:
    coefficients = [_pieces(one)[0] for one in case["coefficients"]]
    commitments = [multiply_base(coefficient) for coefficient in coefficients]
    result.members(name, case, commitments=[ristretto.encode(point) for point in commitments])
    shares = {}
    for i, one in enumerate(case["shares"]):
        powers = [one["index"] ** k for k in range(len(coefficients))]
        shares[one["index"]] = sum(c * power for c, power in zip(coefficients, powers, strict=True))
        public = ristretto.encode(combine(powers, commitments))
        result.members(f"{name}/shares/{i}", one, share=le(shares[one["index"]]), public=public)
    weights = [lagrange(case["subset"], i) for i in case["subset"]]
    result.members(name, case, lagrange=[le(weight) for weight in weights])
    secret = sum(weight * shares[i] for weight, i in zip(weights, case["subset"], strict=True))
    result.check(f"{name}/secret", case["coefficients"][0], le(secret))


def _sealed_share(result: Comparison, name: str, case: Case) -> None:
    receiver, ephemeral = _scalar(case, "encryption_secret"), _scalar(case, "ephemeral_secret")
    key, point, dh = (ristretto.encode(multiply_base(x)) for x in (receiver, ephemeral, receiver * ephemeral))
    heads = (from_hex(case, "sitting_id"), case["session"], case["dealer"], case["receiver"])
    share_key = digest("share-key", *heads, from_hex(case, "commitments"), key, point, dh)[:32]
    sealed = aead.seal(share_key, bytes(24), from_hex(case, "share"))
    result.members(name, case, encryption_key=key, ephemeral=point, dh=dh, share_key=share_key, sealed=sealed)


def _phrase(result: Comparison, name: str, case: Case) -> None:
    seed = bip39_seed(case["phrase"])
    phrase, place = Phrase(seed, case["label"]), (from_hex(case, "sitting_id"), from_hex(case, "key_id"))
    roll = phrase.derive("identity", size=32)
    result.members(
        name,
        case,
        bip39_seed=seed,
        roll_key_seed=roll,
        roll_key=ed25519.public_key(roll),
        s=le(phrase.credential(place[0], case["registration"], case["poll"])),
        randomizer=phrase.randomizer(*place),
        salt=phrase.salt(*place),
        blinding_blocks=[phrase.blinding_block(*place, counter) for counter in range(len(case["blinding_blocks"]))],
        r=big(phrase.blinding(*place, number(case, "modulus"))),
    )


def private_exponent(p: int, q: int) -> int:
    """Return d."""
    return pow(rsa.EXPONENT, -1, (p - 1) * (q - 1))


def _key(result: Comparison, name: str, case: Case) -> tuple[int, int, bytes, tuple[bytes, int, int, int, int]]:
    p, q = number(case, "p"), number(case, "q")
    place = (from_hex(case, "sitting_id"), case["registration"], case["registrar"], case["poll"], case["class"])
    key_id = digest("key-id", *place, big(p * q))
    result.members(name, case, modulus=big(p * q), key_id=key_id)
    return p * q, private_exponent(p, q), key_id, place


def certificate_elements(place: tuple[bytes, int, int, int, int], modulus: int) -> list[int]:
    """Return ρ_1..ρ_8."""
    found = []
    for i in range(1, 9):
        blocks = [digest("certificate-element", *place, big(modulus), rsa.EXPONENT, i, j) for j in range(1, 9)]
        found.append(int.from_bytes(b"".join(blocks), "big") % modulus)
    return found


def _certificate(result: Comparison, name: str, case: Case) -> None:
    modulus, d, _, place = _key(result, name, case)
    rho = certificate_elements(place, modulus)
    roots = [pow(element, d, modulus) for element in rho]
    result.members(name, case, rho=[big(element) for element in rho], roots=[big(root) for root in roots])
    result.check(f"{name}/modulus is right", True, rsa.modulus_is_right(modulus))


def _blind_signature(result: Comparison, name: str, case: Case) -> None:
    modulus, d, key_id, (sitting_id, _, registrar, poll, kind) = _key(result, name, case)
    message = digest("credential", sitting_id, poll, registrar, key_id, kind, from_hex(case, "S"))
    prepared, r = from_hex(case, "randomizer") + message, number(case, "r")
    encoded = pss_encode(prepared, from_hex(case, "salt"), 3071)
    blinded = encoded * pow(r, rsa.EXPONENT, modulus) % modulus
    blind_signature, inverse = pow(blinded, d, modulus), pow(r, -1, modulus)
    signature = big(blind_signature * inverse % modulus)
    result.members(
        name,
        case,
        message=message,
        prepared=prepared,
        encoded=big(encoded),
        r_inverse=big(inverse),
        blinded=big(blinded),
        blind_signature=big(blind_signature),
        signature=signature,
    )
    result.check(f"{name} verifies", True, rsa.pss_verifies(modulus, rsa.EXPONENT, prepared, signature))


def _tally(result: Comparison, name: str, case: Case) -> None:
    rows = [[_point(text[i : i + 64]) for i in range(0, len(text), 64)] for text in case["ballots"]]
    width, secret = len(rows[0]), _scalar(case, "joint_secret")
    total = [combine(case["weights"], [row[place] for row in rows]) for place in range(width)]
    aggregates = b"".join(ristretto.encode(point) for point in total)
    leaves = b"".join(bytes.fromhex(leaf) for leaf in case["leaves"])
    opened = [subtract(total[i + 1], multiply(secret, total[i])) for i in range(0, width, 2)]
    result.members(
        name,
        case,
        aggregates=aggregates,
        tally_id=digest("tally", from_hex(case, "ctx"), from_hex(case, "closing_leaf"), leaves, aggregates),
        opened=[ristretto.encode(point) for point in opened],
        counts=[logarithm(point, sum(case["weights"])) for point in opened],
    )


def _entry(result: Comparison, name: str, case: Case) -> None:
    seed = from_hex(case, "seed")
    signer = ed25519.public_key(seed)
    result.members(name, case, signer=signer)
    for i, one in enumerate(case["cases"]):
        body, kind = one["body"].encode(), one["kind"]
        sitting_id = bytes(32) if kind == "manifest" else from_hex(case, "sitting_id")
        message = digest("entry", kind, sitting_id, body)
        signature = ed25519.sign(seed, message)
        members = {"signature": canonical.encode_base64(signature), "signer": canonical.encode_base64(signer)}
        entry = canonical.encode({"body": canonical.read(body), "kind": kind, **members})
        result.members(
            f"{name}/cases/{i}",
            one,
            body_hash=hashlib.sha256(body).digest(),
            message=message,
            signature=signature,
            entry=canonical.encode_base64(entry),
            leaf_hash=merkle.leaf_hash(entry),
        )
        result.check(f"{name}/cases/{i} verifies", True, ed25519.verifies(signer, message, signature))


def _promise(result: Comparison, name: str, case: Case) -> None:
    numbers = (case["index"], case["time"], case["maximum_delay"])
    message = digest("promise", from_hex(case, "sitting_id"), from_hex(case, "leaf_hash"), *numbers)
    seed = from_hex(case, "seed")
    result.members(name, case, key=ed25519.public_key(seed), message=message, signature=ed25519.sign(seed, message))


def inclusion_root(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes | None:
    """Return the root that an inclusion proof leads to (RFC 6962 §2.1.1), or None if it has another length."""
    if size == 1:
        return leaf if not path else None
    if not path:
        return None
    *rest, sibling = path
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        node = inclusion_root(index, left, leaf, rest)
        return node and merkle.node_hash(node, sibling)
    node = inclusion_root(index - left, size - left, leaf, rest)
    return node and merkle.node_hash(sibling, node)


def _merkle(result: Comparison, name: str, case: Case) -> None:
    tree = merkle.Tree()
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in case["entries"]]
    for leaf in leaves:
        tree.append(leaf)
    result.members(name, case, leaf_hashes=leaves, root=tree.root(len(leaves)))
    for index, path in enumerate(case["inclusion"]):
        root = inclusion_root(index, len(leaves), leaves[index], [bytes.fromhex(one) for one in path])
        result.check(f"{name}/inclusion/{index}", case["root"], root)


def _note(result: Comparison, name: str, case: Case) -> None:
    seed, root = from_hex(case, "log_seed"), canonical.encode_base64(from_hex(case, "root"))
    text = f"{case['origin']}\n{case['size']}\n{root}\n"
    log_key = ed25519.public_key(seed)
    key_id = notes.key_id(case["origin"], notes.LOG_TYPE, log_key)
    result.members(name, case, text=text, log_key=log_key, log_key_id=key_id)
    lines = [(case["origin"], key_id + ed25519.sign(seed, text.encode()))]
    for i, one in enumerate(case["witnesses"]):
        key = ed25519.public_key(from_hex(one, "seed"))
        witness_id = notes.key_id(one["name"], notes.WITNESS_TYPE, key)
        result.members(f"{name}/witnesses/{i}", one, key=key, key_id=witness_id)
        message = f"cosignature/v1\ntime {one['time']}\n{text}".encode()
        signature = ed25519.sign(from_hex(one, "seed"), message)
        lines.append((one["name"], witness_id + one["time"].to_bytes(8, "big") + signature))
    rows = [f"— {line} {canonical.encode_base64(data)}\n" for line, data in lines]
    result.members(name, case, note=text + "\n" + "".join(rows))


_GROUPS = {
    "hash": _hash,
    "wide": _wide,
    "ristretto": _ristretto,
    "knowledge": _knowledge,
    "equality": _equality,
    "membership": _membership,
    "sharing": _sharing,
    "sealed_share": _sealed_share,
    "phrase": _phrase,
    "certificate": _certificate,
    "blind_signature": _blind_signature,
    "tally": _tally,
    "entry": _entry,
    "promise": _promise,
    "merkle": _merkle,
    "note": _note,
}
