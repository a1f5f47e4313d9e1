"""RFC 9591 (FROST) over ristretto255: published shares, commitments and interpolation, where ours are the same.

The record uses the RFC's secret sharing (Appendix C) with hashes of its own, so that shares, commitments and Lagrange
coefficients must agree with the vectors; signatures only show that the coefficients are the right ones.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from secballot.errors import EncodingError, InvalidShareError
from secballot.group import ORDER, Elements, Scalars, multiply_base, reduce_wide, vartime_multiply_base
from secballot.sharing import check_share, commit, evaluate, evaluate_commitments, lagrange_at_zero

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "shamir_dkg"
PARTICIPANTS = (1, 2, 3)


@cache
def inputs(name: str) -> dict[str, Any]:
    """Return a file of vectors."""
    vectors: dict[str, Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return vectors


def dealer() -> dict[str, Any]:
    """Return the signing vectors of the RFC's Appendix E."""
    return inputs("rfc9591_frost_ristretto255_sha512.json")


def dkg() -> dict[str, Any]:
    """Return the inputs of the distributed key generation, two of three."""
    keys: dict[str, Any] = inputs("frost_ristretto255_vectors_dkg.json")["inputs"]
    return keys


def scalar(text: str) -> Scalars:
    """Decode a scalar of the vectors."""
    return Scalars.decode(bytes.fromhex(text))


def frost_hash(purpose: bytes, *parts: bytes) -> int:
    """Return H2 of the RFC's ciphersuite, or its like for another purpose."""
    return reduce_wide(hashlib.sha512(b"FROST-RISTRETTO255-SHA512-v1" + purpose + b"".join(parts)).digest())


def dealt_polynomial() -> Scalars:
    """Return the polynomial of the RFC's trusted dealer."""
    keys = dealer()["inputs"]
    return Scalars.concat([scalar(keys["group_secret_key"]), *map(scalar, keys["share_polynomial_coefficients"])])


def test_the_dealers_polynomial_gives_the_published_shares() -> None:
    """Appendix C.1, and the public key is the commitment to the constant term."""
    shares = dealer()["inputs"]["participant_shares"]

    assert [share["identifier"] for share in shares] == [1, 2, 3]
    for share in shares:
        assert evaluate(dealt_polynomial(), share["identifier"]).encode().hex() == share["participant_share"]
    assert commit(dealt_polynomial())[0].encode().hex() == dealer()["inputs"]["group_public_key"]


@pytest.mark.parametrize("pair", [(1, 2), (1, 3), (2, 3), (3, 1)])
def test_any_two_published_shares_rebuild_the_secret(pair: tuple[int, int]) -> None:
    """Appendix C.1, in any order."""
    shares = {s["identifier"]: scalar(s["participant_share"]) for s in dealer()["inputs"]["participant_shares"]}
    terms = [
        Scalars.from_ints([coefficient]) * shares[index]
        for index, coefficient in zip(pair, lagrange_at_zero(pair), strict=True)
    ]

    assert Scalars.concat(terms).sum().encode().hex() == dealer()["inputs"]["group_secret_key"]


def test_published_shares_pass_the_check_of_their_index_only() -> None:
    """Appendix C.2."""
    commitments = commit(dealt_polynomial())
    for share in dealer()["inputs"]["participant_shares"]:
        check_share(scalar(share["participant_share"]), commitments, share["identifier"])
        with pytest.raises(InvalidShareError):
            check_share(scalar(share["participant_share"]), commitments, share["identifier"] + 1)


def test_published_signature_shares_use_our_coefficients() -> None:
    """Section 5.2: z_i = d_i + ρ_i·e_i + λ_i·s_i·c, and their sum is the published signature."""
    vectors = dealer()
    keys = vectors["inputs"]
    signature = bytes.fromhex(vectors["final_output"]["sig"])
    c = frost_hash(b"chal", signature[:32], bytes.fromhex(keys["group_public_key"]), bytes.fromhex(keys["message"]))
    signers = keys["participant_list"]
    total = 0
    for index, coefficient, nonces, published in zip(
        signers,
        lagrange_at_zero(signers),
        vectors["round_one_outputs"]["outputs"],
        vectors["round_two_outputs"]["outputs"],
        strict=True,
    ):
        hiding, binding, factor, share = (
            scalar(text).to_ints()[0]
            for text in (
                nonces["hiding_nonce"],
                nonces["binding_nonce"],
                nonces["binding_factor"],
                keys["participant_shares"][index - 1]["participant_share"],
            )
        )
        z = (hiding + factor * binding + coefficient * share * c) % ORDER
        assert z == scalar(published["sig_share"]).to_ints()[0]
        total += z
    assert total % ORDER == Scalars.decode(signature[32:]).to_ints()[0]


@pytest.mark.parametrize("index", PARTICIPANTS)
def test_distributed_dealings_are_as_published(index: int) -> None:
    """Commitments, and the share for every other participant; a `signing_shares` map holds what was received."""
    own = dkg()[str(index)]
    polynomial = Scalars.concat([scalar(own["signing_key"]), scalar(own["coefficient"])])
    commitments = Elements.decode(bytes.fromhex("".join(own["vss_commitments"])))

    assert commit(polynomial) == commitments
    for receiver in set(PARTICIPANTS) - {index}:
        received = dkg()[str(receiver)]["signing_shares"][str(index)]
        assert evaluate(polynomial, receiver).encode().hex() == received
        check_share(scalar(received), commitments, receiver)


def test_distributed_keys_are_sums_of_dealings() -> None:
    """The joint key, every participant's secret share, and its public share from the commitments alone."""
    dealings = [Elements.decode(bytes.fromhex("".join(dkg()[str(i)]["vss_commitments"]))) for i in PARTICIPANTS]
    total = dealings[0] + dealings[1] + dealings[2]

    assert total[0].encode().hex() == dkg()["verifying_key"]
    for index in PARTICIPANTS:
        own = dkg()[str(index)]
        kept = evaluate(Scalars.concat([scalar(own["signing_key"]), scalar(own["coefficient"])]), index)
        share = Scalars.concat([kept, *map(scalar, own["signing_shares"].values())]).sum()
        assert share.encode().hex() == own["signing_share"]
        assert evaluate_commitments(total, index) == multiply_base(share)
        assert evaluate_commitments(total, index).encode().hex() == own["verifying_share"]


@pytest.mark.parametrize("index", PARTICIPANTS)
def test_published_proofs_of_knowledge_satisfy_the_equation(index: int) -> None:
    """R = z·G − c·X with the vectors' own hash: the equation of our proofs, with R posted in place of c."""
    own = dkg()[str(index)]
    proof, statement = bytes.fromhex(own["proof_of_knowledge"]), bytes.fromhex(own["vss_commitments"][0])
    c = frost_hash(b"dkg", index.to_bytes(32, "little"), statement, proof[:32])
    X, z = Elements.decode(statement), Scalars.decode(proof[32:])

    assert multiply_base(z) - X * Scalars.from_ints([c]) == Elements.decode(proof[:32])


def test_published_samples_decode() -> None:
    """Elements and scalars are read and written alike; the sample proof of knowledge is R ‖ z."""
    samples = inputs("frost_ristretto255_samples.json")

    for name in ("element1", "element2"):
        assert Elements.decode(bytes.fromhex(samples[name])).encode().hex() == samples[name]
    assert vartime_multiply_base([1, 2]).encode().hex() == samples["element1"] + samples["element2"]
    for name in ("scalar1", "identifier"):
        assert scalar(samples[name]).encode().hex() == samples[name]
    assert samples["proof_of_knowledge"] == samples["element1"] + samples["scalar1"]
    with pytest.raises(EncodingError):
        Scalars.decode(bytes.fromhex(samples["element1"]))
