"""Membership proofs: every value of the run is provable, no other is, and every scalar and element counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot import group
from secballot.elgamal import Ciphertexts, encrypt
from secballot.errors import EncodingError, InvalidProofError
from secballot.group import BASE, ORDER, Elements, PublicScalars, Scalars, vartime_multiply_base
from secballot.proofs import disjunctions
from secballot.proofs.disjunctions import Runs, commit, respond
from secballot.proofs.membership import Disjunction, verify_membership
from tests.strategies import nonzero_scalars, scalars
from tests.unit.proofs.statements import KEY, PREPARED_KEY, Membership, plus_one

SAMPLE = Membership.honest(1, range(3), 0xE)
runs = st.builds(lambda first, count: range(first, first + count), st.integers(0, 5), st.integers(1, 5))


@given(runs, st.data(), scalars)
@settings(deadline=None)
def test_every_value_of_the_run_is_provable(values: range, data: st.DataObject, e: int) -> None:
    """Completeness for one branch and many, whatever the challenge."""
    honest = Membership.honest(data.draw(st.sampled_from(values)), values, e)

    honest.verify()
    assert len(honest.challenges) == 32 * (len(values) - 1)
    assert len(honest.responses) == 32 * len(values)
    assert len(honest.commitments) == 2 * len(values)


@given(runs, st.data())
@settings(deadline=None)
def test_no_other_value_is_provable_by_the_same_computation(values: range, data: st.DataObject) -> None:
    """A ciphertext moved to any value outside of the run does not fit, though all else is honest."""
    honest = Membership.honest(data.draw(st.sampled_from(values)), values, data.draw(nonzero_scalars))
    shift = data.draw(nonzero_scalars)
    moved = Ciphertexts(honest.ciphertext.alphas, honest.ciphertext.betas + vartime_multiply_base([shift]))

    with pytest.raises(InvalidProofError):
        replace(honest, ciphertext=moved).verify()


def test_the_prover_refuses_a_value_outside_of_the_run() -> None:
    """And names no value while refusing."""
    for value in (-1, 3):
        with pytest.raises(ValueError, match="holds its value") as caught:
            commit([value], Runs([range(3)]), Scalars.random(3), Scalars.random(3), PREPARED_KEY)
        assert str(value) not in str(caught.value)
        with pytest.raises(ValueError, match="holds its value"):
            respond([value], Runs([range(3)]), Scalars.random(), Scalars.random(3), Scalars.random(3), 1)


class RecordingKey:
    """A prepared key that notes how much is asked of it."""

    def __init__(self, trace: list[tuple[str, int]]) -> None:
        """Note into the trace."""
        self.trace = trace

    def multiply(self, multipliers: Scalars) -> Elements:
        """Multiply and note how many."""
        self.trace.append(("key", len(multipliers)))
        return PREPARED_KEY.multiply(multipliers)


def test_all_values_cost_the_same_and_give_the_same_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prover multiplies as many scalars in the same order whatever it encrypts (BA-12, OP-05)."""
    seen = set()
    for value in range(3):
        trace: list[tuple[str, int]] = []

        def multiply_base(multipliers: Scalars, trace: list[tuple[str, int]] = trace) -> Elements:
            trace.append(("base", len(multipliers)))
            return group.multiply_base(multipliers)

        monkeypatch.setattr(disjunctions, "multiply_base", multiply_base)
        nonces, challenges = Scalars.random(3), Scalars.random(3)
        key: Any = RecordingKey(trace)
        commitments = commit([value], Runs([range(3)]), nonces, challenges, key)
        posted, responses = respond([value], Runs([range(3)]), Scalars.random(), nonces, challenges, 5)
        seen.add((tuple(trace), len(commitments), len(posted), len(responses)))

    assert seen == {((("base", 2), ("base", 3), ("key", 3)), 6 * 32, 64, 96)}


@pytest.mark.parametrize("position", range(6))
def test_every_commitment_counts(position: int) -> None:
    """One A or B moved is refused."""
    moved = [BASE if index == position else Elements.identity() for index in range(6)]

    with pytest.raises(InvalidProofError):
        replace(SAMPLE, commitments=SAMPLE.commitments + Elements.concat(moved)).verify()


@pytest.mark.parametrize(
    ("name", "position"), [("challenges", 0), ("challenges", 1)] + [("responses", j) for j in range(3)]
)
def test_every_scalar_counts_and_has_one_form(name: str, position: int) -> None:
    """The next scalar is refused as false, the same scalar plus ℓ as malformed (FS-12)."""
    posted = getattr(SAMPLE, name)
    start = 32 * position
    scalar = posted[start : start + 32]
    unreduced = (int.from_bytes(scalar, "little") + ORDER).to_bytes(32, "little")

    with pytest.raises(InvalidProofError):
        replace(SAMPLE, **{name: posted[:start] + plus_one(scalar) + posted[start + 32 :]}).verify()
    with pytest.raises(EncodingError):
        replace(SAMPLE, **{name: posted[:start] + unreduced + posted[start + 32 :]}).verify()


@given(scalars.filter(lambda e: e != 0xE))
@settings(deadline=None)
def test_another_challenge_is_refused(e: int) -> None:
    """The challenge over the ballot is the sum of the branches', modulo ℓ."""
    with pytest.raises(InvalidProofError):
        replace(SAMPLE, e=e).verify()


def test_the_sum_of_challenges_wraps_around_the_order() -> None:
    """c_1 + c_2 = e + ℓ is as good as e (FS-10)."""
    value, values, e = 0, range(2), 1
    randomness, nonces = Scalars.random(), Scalars.random(2)
    challenges = Scalars.from_ints([5, ORDER - 1])
    ciphertext = encrypt(Scalars.from_ints([value]), randomness, PREPARED_KEY)
    commitments = Elements.decode(commit([value], Runs([values]), nonces, challenges, PREPARED_KEY))
    posted, responses = respond([value], Runs([values]), randomness, nonces, challenges, e)

    assert Scalars.decode(posted).to_ints() == [2]
    disjunction = Disjunction.complete(values, e, [2], Scalars.decode(responses).to_ints())
    assert sum(disjunction.challenges) == e + ORDER
    verify_membership(ciphertext, commitments, disjunction, KEY)


@pytest.mark.parametrize("values", [range(2), range(4), range(1, 4)], ids=repr)
def test_a_proof_for_one_run_is_none_for_another(values: range) -> None:
    """More, fewer or other branches than the opening allows (FS-11)."""
    with pytest.raises((EncodingError, InvalidProofError)):
        replace(SAMPLE, values=values).verify()


def test_branches_and_elements_are_counted() -> None:
    """Missing and surplus scalars or commitments are malformed before any arithmetic."""
    for challenges, responses in (([1], [1, 2, 3]), ([1, 2, 3], [1, 2, 3]), ([1, 2], [1, 2]), ([], [])):
        with pytest.raises(EncodingError):
            Disjunction.complete(range(3), 1, challenges, responses)
    for commitments in (SAMPLE.commitments[:4], SAMPLE.commitments[:0]):
        with pytest.raises(EncodingError):
            replace(SAMPLE, commitments=commitments).verify()
        with pytest.raises(EncodingError):
            replace(SAMPLE, commitments=commitments).claim()
    with pytest.raises(ValueError, match="5 weights"):
        SAMPLE.claim().fold(PublicScalars.from_ints([1] * 5))


@pytest.mark.parametrize("values", [range(0), range(0, 4, 2), range(2, -1, -1), range(-1, 2)], ids=repr)
def test_values_are_a_run_from_zero_up(values: range) -> None:
    """An empty disjunction would hold for everything."""
    with pytest.raises(ValueError, match="consecutive"):
        Disjunction.complete(values, 1, [], [])


def test_swapped_branches_are_refused() -> None:
    """Each branch is about its own value."""
    challenges = SAMPLE.challenges[32:] + SAMPLE.challenges[:32]
    responses = SAMPLE.responses[32:64] + SAMPLE.responses[:32] + SAMPLE.responses[64:]
    commitments = Elements.concat([SAMPLE.commitments[2:4], SAMPLE.commitments[:2], SAMPLE.commitments[4:]])

    with pytest.raises(InvalidProofError):
        replace(SAMPLE, challenges=challenges, responses=responses, commitments=commitments).verify()


def test_a_claim_has_no_parts() -> None:
    """It is one, whole or not at all."""
    claim = SAMPLE.claim()

    assert len(claim) == 1
    assert claim[:1] is claim
    assert claim[0:5] is claim
    for outside in (slice(1, 2), slice(0, 0), slice(1, None)):
        with pytest.raises(IndexError, match="one claim"):
            claim[outside]


def test_a_proof_is_about_one_ciphertext_under_one_key() -> None:
    """Neither none nor two, which arithmetic would repeat or leave out."""
    pair, none = Elements.concat([KEY, KEY]), Elements.identity(0)
    one = SAMPLE.ciphertext
    for key in (pair, none):
        with pytest.raises(ValueError, match="single"):
            verify_membership(one, SAMPLE.commitments, SAMPLE.disjunction(), key)
    for ciphertext in (Ciphertexts(none, none), Ciphertexts.identity(2)):
        with pytest.raises(ValueError, match="single"):
            verify_membership(ciphertext, SAMPLE.commitments, SAMPLE.disjunction(), KEY)


def test_which_half_does_not_fit_is_said() -> None:
    """That of α or that of β."""
    moved = Ciphertexts(SAMPLE.ciphertext.alphas + BASE, SAMPLE.ciphertext.betas)
    with pytest.raises(InvalidProofError, match="first half"):
        replace(SAMPLE, ciphertext=moved).verify()
    moved = Ciphertexts(SAMPLE.ciphertext.alphas, SAMPLE.ciphertext.betas + BASE)
    with pytest.raises(InvalidProofError, match="second half"):
        replace(SAMPLE, ciphertext=moved).verify()
