"""Every primitive of SPEC.md on fixed inputs, with all intermediate values, as the library computes them.

A list of hash fields is written as objects with one member: `hex`, `text`, `u64`, or `repeat` with `times`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secballot.dlog import BoundedLog
from secballot.elgamal import Ciphertexts, encrypt
from secballot.errors import EncodingError
from secballot.group import ORDER, Elements, FixedBase, Scalars, hash_to_element, multiply_base, reduce_wide
from secballot.proofs import membership
from secballot.proofs.disjunctions import Runs, respond
from secballot.proofs.disjunctions import commit as commit_branches
from secballot.proofs.equality import prove_equality, verify_equality
from secballot.proofs.knowledge import prove_knowledge, verify_knowledge
from secballot.protocol.tallying import tally_id
from secballot.sealing import seal_share
from secballot.sharing import commit, evaluate, evaluate_commitments, lagrange_at_zero
from secballot.transcript import challenge, digest
from tests.vectors import generate_records
from tests.vectors.generate_records import ENTRY_BODY, block, scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.transcript import Field

Values = dict[str, Any]


def primitives() -> Values:
    """Return all groups of cases."""
    return {
        "about": "Every primitive on fixed inputs. Every secret is public: for tests only.",
        "hash": _hashes(),
        "wide": [{"bytes": data, "scalar": _le(reduce_wide(data))} for data in _WIDE],
        "ristretto": _ristretto(),
        "knowledge": _knowledge(),
        "equality": _equality(),
        "membership": [_membership(value, values) for value, values in _DISJUNCTIONS],
        "sharing": _sharing(),
        "sealed_share": _sealed_share(),
        "phrase": generate_records.phrase(),
        "certificate": generate_records.certificate(),
        "blind_signature": generate_records.blind_signature(),
        "tally": _tally(),
        "entry": generate_records.entry(),
        "promise": generate_records.promise(),
        "merkle": [generate_records.merkle(size) for size in (0, 1, 2, 3, 7, 8)],
        "note": generate_records.note(),
    }


_WIDE = (
    bytes(64),
    b"\xff" * 64,
    ORDER.to_bytes(64, "little"),
    (ORDER - 1).to_bytes(64, "little"),
    bytes(range(64)),
)


def _le(number: int) -> bytes:
    return number.to_bytes(32, "little")


def _case(label: str, *fields: Values) -> Values:
    plain: list[Field] = [_field(field) for field in fields]
    return {
        "label": label,
        "fields": list(fields),
        "digest": digest(label, *plain),
        "challenge": _le(challenge(label, *plain)),
    }


def _field(field: Values) -> Field:
    ((name, value), *rest) = field.items()
    if name == "repeat":
        return bytes(value) * int(rest[0][1])
    return value  # type: ignore[no-any-return]  # bytes, integer or text


def _hashes() -> list[Values]:
    sitting, hash32 = {"hex": block("sitting")}, {"hex": block("hash")}
    numbers = [{"u64": number} for number in (1, 2, 3, 2**53 - 1)]
    return [
        _case("entry", {"text": ""}, {"hex": bytes(32)}, {"hex": b""}),
        _case("entry", {"text": "registration"}, sitting, {"hex": ENTRY_BODY}),
        _case("entry", {"text": "Grüße ✓"}, sitting, {"repeat": b"long ", "times": 100_000}),
        _case("promise", sitting, hash32, *numbers[:3]),
        _case("ceremony-commit", sitting, *numbers[:2], {"hex": b""}, hash32, hash32),
        _case(
            "ceremony-transcript",
            sitting,
            numbers[0],
            {"hex": b""},
            {"repeat": b"\0", "times": 96},
            hash32,
            {"hex": b"\1"},
        ),
        _case("key-id", sitting, *numbers, {"repeat": b"\xab", "times": 384}),
        _case("credential", sitting, numbers[0], numbers[3], {"hex": block("key id", 64)}, numbers[1], hash32),
        _case("tally", sitting, hash32, {"hex": b""}, {"hex": b""}),
        _case("tally", sitting, hash32, {"hex": b"\0"}, {"hex": b""}),
    ]


def _ristretto() -> Values:
    numbers = [0, 1, 2, 3, 4, 5, 15, 16, ORDER - 1]
    scalars = [Scalars.from_ints([number]) for number in numbers] + [scalar("multiple")]
    field = 2**255 - 19
    refused = [
        _le(0),  # the identity, where it is not allowed
        _le(field - 1),  # negative
        _le(field + 2),  # not reduced
        _le(1),  # negative
        b"\xff" * 32,
        _le(10**70 % 2**252 & ~1),
    ]
    return {
        "multiples": [{"scalar": one.encode(), "element": multiply_base(one).encode()} for one in scalars],
        "derived": [
            {"bytes": data, "element": hash_to_element(data).encode()}
            for data in (bytes(64), block("one", 64), block("two", 64))
        ],
        "refused_without_identity": [data for data in refused if _is_refused(data)],
        "scalars_refused": [_le(ORDER), _le(ORDER + 1), b"\xff" * 32],
    }


def _is_refused(data: bytes) -> bool:
    try:
        Elements.decode(data)
    except EncodingError:
        return True
    return False


def _proof(label: str, context: Sequence[Values], proof: bytes, **more: bytes) -> Values:
    return {"label": label, "context": list(context), **more, "c": proof[:32], "z": proof[32:], "proof": proof}


def _knowledge() -> Values:
    secret, nonce = scalar("knowledge secret"), scalar("knowledge nonce")
    statement, commitments = multiply_base(secret), block("not decoded here", 64)
    context: list[Values] = [
        {"hex": block("sitting")},
        *({"u64": n} for n in (1, 3, 2, 2)),
        {"hex": block("identity key")},
    ]
    context += [{"hex": statement.encode() + commitments}, {"hex": statement.encode()}]
    plain = [_field(field) for field in context]
    proof = prove_knowledge("ceremony-secret", plain, secret, statement, nonce)
    verify_knowledge("ceremony-secret", plain, statement, proof)
    return _proof(
        "ceremony-secret",
        context,
        proof,
        secret=secret.encode(),
        nonce=nonce.encode(),
        X=statement.encode(),
        R=multiply_base(nonce).encode(),
    )


def _equality() -> list[Values]:
    found = []
    for name, base in (
        ("point", hash_to_element(block("base", 64))),
        ("identity", multiply_base(Scalars.from_ints([0]))),
    ):
        secret, nonce = scalar(f"equality secret {name}"), scalar(f"equality nonce {name}")
        public, image = multiply_base(secret), base * secret
        context: list[Values] = [
            {"hex": block("ctx")},
            {"hex": block("tally id", 64)},
            {"u64": 3},
            {"hex": public.encode()},
        ]
        context += [{"u64": 1}, {"u64": 2}, {"hex": base.encode()}, {"hex": image.encode()}]
        plain = [_field(field) for field in context]
        proof = prove_equality("decryption", plain, secret, base, nonce)
        verify_equality("decryption", plain, base, public, image, proof)
        points = {"H": base, "X": public, "D": image, "A": multiply_base(nonce), "B": base * nonce}
        more = {letter: point.encode() for letter, point in points.items()}
        found.append(_proof("decryption", context, proof, secret=secret.encode(), nonce=nonce.encode(), **more))
    return found


_DISJUNCTIONS = ((0, range(2)), (1, range(2)), (2, range(1, 4)), (3, range(3, 4)), (0, range(3)))


def _membership(value: int, values: range) -> Values:
    name = f"membership {value} {values}"
    key = multiply_base(scalar("joint secret"))
    table, r = FixedBase(key), scalar(f"{name} r")
    nonces = Scalars.concat([scalar(f"{name} u{v}") for v in values])
    drawn = Scalars.concat([scalar(f"{name} c{v}") for v in values])
    cipher = encrypt(Scalars.from_ints([value]), r, table)
    runs = Runs([values])
    commitments = Elements.decode(commit_branches([value], runs, nonces, drawn, table))
    e = reduce_wide(block(f"{name} e", 64))
    challenges, responses = respond([value], runs, r, nonces, drawn, e)
    sent = Scalars.decode(challenges).to_ints() if challenges else []
    disjunction = membership.Disjunction.complete(values, e, sent, Scalars.decode(responses).to_ints())
    membership.verify_membership(cipher, commitments, disjunction, key)
    return {
        "value": value,
        "values": list(values),
        "Y": key.encode(),
        "r": r.encode(),
        "alpha": cipher.alphas.encode(),
        "beta": cipher.betas.encode(),
        "commit": _pieces(nonces.encode()),
        "challenge": _pieces(drawn.encode()),
        "commitments": _pieces(commitments.encode()),
        "e": _le(e),
        "challenges": challenges,
        "last_challenge": _le(disjunction.challenges[-1]),
        "responses": responses,
    }


def _pieces(data: bytes) -> list[bytes]:
    return [data[start : start + 32] for start in range(0, len(data), 32)]


def _sharing() -> Values:
    coefficients = Scalars.concat([scalar(f"coefficient {k}") for k in range(3)])
    commitments, indices = commit(coefficients), [1, 2, 5, 31]
    subset = [1, 5, 31]
    return {
        "coefficients": _pieces(coefficients.encode()),
        "commitments": _pieces(commitments.encode()),
        "shares": [
            {
                "index": index,
                "share": evaluate(coefficients, index).encode(),
                "public": evaluate_commitments(commitments, index).encode(),
            }
            for index in indices
        ],
        "subset": subset,
        "lagrange": [_le(coefficient % ORDER) for coefficient in lagrange_at_zero(subset)],
    }


def _sealed_share() -> Values:
    receiver, ephemeral = scalar("receiver"), scalar("ephemeral")
    key, point, dh = multiply_base(receiver), multiply_base(ephemeral), multiply_base(receiver * ephemeral)
    fields: list[Field] = [
        block("sitting"),
        1,
        2,
        3,
        block("commitments", 64),
        key.encode(),
        point.encode(),
        dh.encode(),
    ]
    share_key, share = digest("share-key", *fields)[:32], scalar("share").encode()
    return {
        "sitting_id": block("sitting"),
        "session": 1,
        "dealer": 2,
        "receiver": 3,
        "commitments": block("commitments", 64),
        "encryption_secret": receiver.encode(),
        "encryption_key": key.encode(),
        "ephemeral_secret": ephemeral.encode(),
        "ephemeral": point.encode(),
        "dh": dh.encode(),
        "share_key": share_key,
        "share": share,
        "sealed": seal_share(share_key, bytes(24), share, b""),
    }


def _tally() -> Values:
    table = FixedBase(multiply_base(scalar("joint secret")))
    votes, weights = [(1, 0), (0, 1), (1, 1)], [1, 2, 5]
    ballots = [
        encrypt(Scalars.from_ints(vote), Scalars.concat([scalar(f"tally {i} {o}") for o in range(2)]), table)
        for i, vote in enumerate(votes)
    ]
    total = Ciphertexts.identity(2)
    for weight, ballot in zip(weights, ballots, strict=True):
        total += ballot.scale(weight)
    opened = total.betas - total.alphas * scalar("joint secret")
    leaves = [block(f"leaf {i}") for i in range(3)]
    return {
        "ctx": block("ctx"),
        "closing_leaf": block("closing"),
        "leaves": leaves,
        "weights": weights,
        "ballots": [ballot.encode() for ballot in ballots],
        "aggregates": total.encode(),
        "tally_id": tally_id(block("ctx"), block("closing"), leaves, total),
        "joint_secret": scalar("joint secret").encode(),
        "opened": _pieces(opened.encode()),
        "counts": [BoundedLog(8).solve(opened[option]) for option in range(2)],
    }
