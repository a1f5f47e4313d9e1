"""Tallies: any t trustees open the same counts, fewer do not, and a decryption binds all it is about."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.elgamal import Ciphertexts, encrypt
from secballot.errors import (
    NOBODY,
    EncodingError,
    InvalidProofError,
    NotEnoughSharesError,
    Party,
    RecordError,
    RefusalError,
    SecballotError,
    VerificationError,
)
from secballot.group import ORDER, Elements, Scalars, multiply_base, vartime_multiply_base
from secballot.protocol.tallying import (
    aggregate,
    combine,
    count_bounds,
    partial_decrypt,
    tally_id,
    verify_decryption,
)
from secballot.sharing import evaluate
from secballot.transcript import digest
from tests.strategies import threshold_and_trustees

if TYPE_CHECKING:
    from secballot.records.decryption import Decryption

CTX, CLOSING, FRESH = b"c" * 32, b"l" * 32, b"f" * 32
WEIGHTS = {1: 1, 2: 3}
POLYNOMIAL = Scalars.from_ints([101, 202])
KEY = multiply_base(POLYNOMIAL[0])
SHARES = {index: evaluate(POLYNOMIAL, index) for index in (1, 2, 3)}
PUBLIC = {index: multiply_base(share) for index, share in SHARES.items()}


@dataclass(frozen=True)
class Contest:
    """What a tally needs of a contest."""

    options: tuple[int, ...]
    eligible: frozenset[int]


def sealed(values: list[int]) -> Ciphertexts:
    """Encrypt one ballot's values."""
    return encrypt(Scalars.from_ints(values), Scalars.random(len(values)), KEY)


TALLY = sealed([4, 0, 7])
TALLY_ID = tally_id(CTX, CLOSING, [b"1" * 32, b"2" * 32], TALLY)


def decrypted(index: int, tally: Ciphertexts = TALLY, fresh: bytes = FRESH) -> Decryption:
    """Return a trustee's decryption of contest 1."""
    return partial_decrypt(
        ctx=CTX,
        tally_id=TALLY_ID,
        trustee=index,
        public_share=PUBLIC[index],
        contest=1,
        aggregates=tally,
        secret=SHARES[index],
        fresh=fresh,
    )


GOOD = decrypted(2)


def verified(body: Decryption, *, signer: int = 2, tally: Ciphertexts = TALLY) -> Elements:
    """Verify a decryption of contest 1 as that trustee's."""
    return verify_decryption(
        ctx=CTX,
        tally_id=TALLY_ID,
        trustee=signer,
        public_share=PUBLIC[signer],
        contest=1,
        aggregates=tally,
        body=body,
    )


def fault(body: Decryption, *, signer: int = 2, tally: Ciphertexts = TALLY) -> SecballotError:
    """Return the error with which a decryption is refused; it blames the signer."""
    with pytest.raises(SecballotError) as caught:
        verified(body, signer=signer, tally=tally)
    assert caught.value.culprit == Party("trustee", signer)
    return caught.value


@pytest.mark.attack("TL-05")
@given(threshold_and_trustees(4), st.lists(st.integers(0, 50), min_size=1, max_size=3))
@settings(deadline=None, max_examples=25)
def test_every_threshold_subset_opens_the_counts_and_no_smaller_one_does(
    group: tuple[int, list[int]], counts: list[int]
) -> None:
    """Any t factors give the counts; t − 1 are refused, and combined as if t − 1 were needed they open nothing."""
    threshold, trustees = group
    polynomial = Scalars.random(threshold)
    tally = encrypt(Scalars.from_ints(counts), Scalars.random(len(counts)), multiply_base(polynomial[0]))
    factors = {index: tally.alphas * evaluate(polynomial, index) for index in trustees}
    bounds = [50] * len(counts)

    for subset in combinations(trustees, threshold):
        assert combine(threshold, {i: factors[i] for i in subset}, tally, bounds) == tuple(counts)
    assert combine(threshold, factors, tally, bounds) == tuple(counts)
    for subset in combinations(trustees, threshold - 1):
        few = {i: factors[i] for i in subset}
        with pytest.raises(NotEnoughSharesError) as caught:
            combine(threshold, few, tally, bounds)
        assert (caught.value.needed, caught.value.got) == (threshold, threshold - 1)
        if few:
            with pytest.raises(VerificationError):
                combine(threshold - 1, few, tally, bounds)


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.lists(st.integers(0, 1), min_size=3, max_size=3)), max_size=6))
@settings(deadline=None)
def test_aggregates_are_weighted_sums_of_the_ballots(ballots: list[tuple[int, list[int]]]) -> None:
    """Contest by contest against counting in clear; class 1 answers contests 1 and 3, class 2 contests 2 and 3."""
    everyone = frozenset({1, 2})
    contests = [Contest((1, 1), frozenset({1})), Contest((1, 1), frozenset({2})), Contest((1,), everyone)]
    expected = [[0, 0], [0, 0], [0]]
    sums: dict[int, Ciphertexts] = {}
    for class_index, values in ballots:
        sums[class_index] = sums.get(class_index, Ciphertexts.identity(3)) + sealed(values)
        weight = WEIGHTS[class_index]
        own = [x + weight * v for x, v in zip(expected[class_index - 1], values[:2], strict=True)]
        expected[class_index - 1] = own
        expected[2] = [expected[2][0] + weight * values[2]]

    tallies = aggregate(contests, sums, WEIGHTS)
    opened = [tally.betas - tally.alphas * POLYNOMIAL[0] for tally in tallies]
    assert opened == [vartime_multiply_base(counts) for counts in expected]


def test_a_ballots_options_go_to_their_contests() -> None:
    """One after the other, whatever the sizes: here 2, 1 and 3 of the class's own, among others."""
    mine, others = frozenset({1}), frozenset({2})
    contests = [Contest((1,) * size, own) for size, own in ((2, mine), (4, others), (1, mine), (3, mine))]

    tallies = aggregate(contests, {1: sealed([1, 2, 3, 4, 5, 6])}, {1: 10})
    opened = [tally.betas - tally.alphas * POLYNOMIAL[0] for tally in tallies]
    expected = [[10, 20], [0, 0, 0, 0], [30], [40, 50, 60]]
    assert opened == [vartime_multiply_base(counts) for counts in expected]


def test_a_contest_that_nobody_voted_in_is_the_identity() -> None:
    """It is part of the tally id, and opens to zero for everyone."""
    (tally,) = aggregate([Contest((1, 1), frozenset({1}))], {}, WEIGHTS)

    assert tally == Ciphertexts.identity(2)
    body = decrypted(2, tally)
    assert all(verified(body, tally=tally).is_identity())
    assert combine(1, {2: verified(body, tally=tally)}, tally, [0, 0]) == (0, 0)


def test_a_sum_of_another_shape_is_refused() -> None:
    """A class's sum has exactly the options of its contests."""
    for size in (1, 3):
        with pytest.raises(ValueError, match="class 1"):
            aggregate([Contest((1, 1), frozenset({1}))], {1: Ciphertexts.identity(size)}, WEIGHTS)


def test_the_tally_id_binds_everything() -> None:
    """Opening, closing, every counted ballot, their order, and every aggregate."""
    hashes = [b"1" * 32, b"2" * 32]
    ids = [
        TALLY_ID,
        tally_id(b"d" * 32, CLOSING, hashes, TALLY),
        tally_id(CTX, b"m" * 32, hashes, TALLY),
        tally_id(CTX, CLOSING, hashes[::-1], TALLY),
        tally_id(CTX, CLOSING, hashes[:1], TALLY),
        tally_id(CTX, CLOSING, hashes, TALLY + sealed([0, 0, 0])),
        tally_id(CTX, CLOSING, hashes, TALLY[:2]),
        tally_id(CTX, CLOSING, [], Ciphertexts.identity(1)),
    ]

    assert tally_id(CTX, CLOSING, hashes, TALLY) == digest("tally", CTX, CLOSING, b"".join(hashes), TALLY.encode())
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 64 for each in ids)


def test_verified_decryptions_open_the_tally() -> None:
    """Two of three trustees, from bodies as posted."""
    factors = {index: verified(decrypted(index), signer=index) for index in (1, 3)}

    assert combine(2, factors, TALLY, [10, 10, 10]) == (4, 0, 7)


@pytest.mark.parametrize(
    "change",
    [
        {"tally_id": bytes(64)},
        {"ctx": bytes(32)},
        {"contest": 2},
        {"factors": GOOD.factors[:-32]},
        {"factors": GOOD.factors + bytes(32)},
        {"factors": b""},
        {"proofs": GOOD.proofs[:-64]},
        {"proofs": b""},
        {"factors": b"", "proofs": b""},
    ],
    ids="-".join,
)
def test_a_decryption_of_something_else_is_tal_03(change: dict[str, object]) -> None:
    """Another tally, poll or contest, and sizes that are not those of the contest."""
    error = fault(msgspec.structs.replace(GOOD, **change))

    assert isinstance(error, RecordError)
    assert error.check == "TAL-03"


@pytest.mark.parametrize("option", range(3))
def test_every_factor_and_proof_is_bound_to_its_option(option: int) -> None:
    """A factor moved, a proof changed or swapped with the next option's: TAL-04 and the trustee."""
    start = 32 * option
    factor = Elements.decode(GOOD.factors[start : start + 32]) + KEY
    moved = GOOD.factors[:start] + factor.encode() + GOOD.factors[start + 32 :]
    rotated = GOOD.proofs[64:] + GOOD.proofs[:64]
    flipped = bytearray(GOOD.proofs)
    flipped[64 * option] ^= 1

    for change in ({"factors": moved}, {"proofs": rotated}, {"proofs": bytes(flipped)}):
        error = fault(msgspec.structs.replace(GOOD, **change))
        assert error.check == "TAL-04"
        assert isinstance(error, InvalidProofError)


def test_a_factor_that_does_not_decode_is_tal_04() -> None:
    """Bytes that are no element, and scalars that are not reduced."""
    for change in ({"factors": b"\xff" * 96}, {"proofs": b"\xff" * 192}):
        error = fault(msgspec.structs.replace(GOOD, **change))
        assert error.check == "TAL-04"
        assert isinstance(error, EncodingError)


@pytest.mark.attack("TL-06")
def test_a_decryption_is_one_trustees_and_one_tallys() -> None:
    """It is refused as another trustee's, and for other ciphertexts under the same id."""
    assert fault(GOOD, signer=3).check == "TAL-04"
    assert fault(GOOD, tally=TALLY + sealed([0, 0, 0])).check == "TAL-04"


def test_a_trustee_refuses_another_ceremonys_key() -> None:
    """Its secret does not belong to the public share that the log shows (DK-09)."""
    with pytest.raises(RefusalError):
        partial_decrypt(
            ctx=CTX,
            tally_id=TALLY_ID,
            trustee=1,
            public_share=PUBLIC[2],
            contest=1,
            aggregates=TALLY,
            secret=SHARES[1],
            fresh=FRESH,
        )


@pytest.mark.attack("TL-04")
def test_an_impossible_count_fails_the_record_and_blames_nobody() -> None:
    """TAL-05, with the option named."""
    factors = {index: TALLY.alphas * SHARES[index] for index in (1, 2)}

    with pytest.raises(VerificationError, match="option 3") as caught:
        combine(2, factors, TALLY, [4, 0, 6])
    assert (caught.value.check, caught.value.culprit) == ("TAL-05", NOBODY)


def test_combining_wrong_shapes_is_refused() -> None:
    """Too few factors, no threshold, and bounds for other options."""
    with pytest.raises(ValueError, match="factors"):
        combine(1, {1: TALLY.alphas[:1]}, TALLY, [1, 1, 1])
    with pytest.raises(NotEnoughSharesError):
        combine(0, {}, TALLY, [1, 1, 1])
    with pytest.raises(ValueError, match="bounds"):
        combine(1, {1: TALLY.alphas}, TALLY, [1, 1])


@pytest.mark.attack("TL-04")
def test_bounds_are_what_the_counted_ballots_could_give() -> None:
    """Weight times ballots times maximum, over the eligible classes."""
    assert count_bounds((1, 3), {1, 2}, {1: 4, 2: 2, 3: 9}, {1: 1, 2: 3, 3: 5}) == [10, 30]
    assert count_bounds((1,), {1}, {}, WEIGHTS) == [0]


def test_the_largest_count_is_still_found() -> None:
    """A count may be as large as its bound, and one more is impossible."""
    factors = {index: TALLY.alphas * SHARES[index] for index in (1, 2)}

    assert combine(2, factors, TALLY, [4, 0, 7]) == (4, 0, 7)
    for option, bounds in enumerate(([3, 0, 7], [4, 0, 6]), 1):
        with pytest.raises(VerificationError, match=f"option {2 * option - 1} has no count from 0 to"):
            combine(2, factors, TALLY, bounds)


def test_only_the_lowest_trustees_are_needed() -> None:
    """Of more factors than the threshold the first are taken, whatever order they came in."""
    factors = {index: TALLY.alphas * SHARES[index] for index in (2, 1)}
    factors[3] = Elements.identity(3)

    assert combine(2, factors, TALLY, [9, 9, 9]) == (4, 0, 7)
    with pytest.raises(NotEnoughSharesError, match="2 of the 3 decryptions needed") as caught:
        combine(3, {1: factors[1], 2: factors[2]}, TALLY, [9, 9, 9])
    assert (caught.value.needed, caught.value.got) == (3, 2)


def test_shapes_that_do_not_fit_are_a_bug_of_the_caller() -> None:
    """More bounds, or more factors of any trustee, than options."""
    with pytest.raises(ValueError, match="4 bounds for 3 options"):
        combine(1, {1: TALLY.alphas}, TALLY, [1, 1, 1, 1])
    with pytest.raises(ValueError, match="2 factors for 3 options"):
        combine(2, {1: TALLY.alphas, 2: TALLY.alphas[:2]}, TALLY, [1, 1, 1])


def test_nonces_depend_on_everything() -> None:
    """Two decryptions of one factor share no commitment, though the fresh bytes are the same."""
    others = [
        decrypted(2, fresh=b"g" * 32),
        partial_decrypt(
            ctx=CTX,
            tally_id=bytes(64),
            trustee=2,
            public_share=PUBLIC[2],
            contest=1,
            aggregates=TALLY,
            secret=SHARES[2],
            fresh=FRESH,
        ),
    ]
    committed = set()
    for body in (GOOD, *others):
        for at in range(0, len(body.proofs), 64):
            c, z = Scalars.decode(body.proofs[at : at + 64]).to_ints()
            committed.add((z - c * SHARES[2].to_ints()[0]) % ORDER)

    assert decrypted(2) == GOOD
    assert len(committed) == 9
