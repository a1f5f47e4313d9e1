"""The prover of many disjunctions at once: what it commits to is what the formulas say, whatever the shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.elgamal import encrypt, encrypt_encoded
from secballot.group import ORDER, Elements, Scalars, multiply_base, vartime_multiply_base
from secballot.proofs.disjunctions import Runs, columns_of, commit, respond, sums_of
from tests.unit.proofs.statements import KEY_SECRET, PREPARED_KEY

runs = st.lists(
    st.builds(lambda first, count: range(first, first + count), st.integers(0, 5), st.integers(1, 5)), max_size=6
)


@given(shapes=runs, data=st.data(), e=st.integers(0, ORDER - 1))
@settings(deadline=None)
def test_commitments_and_responses_are_those_of_the_formulas(shapes: list[range], data: st.DataObject, e: int) -> None:
    """A_j = u_j·G, B_j = u_j·Y − c_j·(v − v_j)·G and z_j = u_j + c_j·r, said in integers under a known key."""
    values = [data.draw(st.sampled_from(run)) for run in shapes]
    layout = Runs(shapes)
    branches = len(layout.values)
    nonces, challenges, randomness = Scalars.random(branches), Scalars.random(branches), Scalars.random(len(shapes))
    y, u, c, r = KEY_SECRET.to_ints()[0], nonces.to_ints(), challenges.to_ints(), randomness.to_ints()

    committed, at = [], 0
    sent, answers = [], []
    for run, value, own_r in zip(shapes, values, r, strict=True):
        own_u, own_c = u[at : at + len(run)], c[at : at + len(run)]
        for nonce, challenge, v in zip(own_u, own_c, run, strict=True):
            committed += [nonce % ORDER, (nonce * y - challenge * (value - v)) % ORDER]
        final = [
            challenge if v != value else e - (sum(own_c) - challenge) for challenge, v in zip(own_c, run, strict=True)
        ]
        sent += [challenge % ORDER for challenge in final[:-1]]
        answers += [(nonce + challenge * own_r) % ORDER for nonce, challenge in zip(own_u, final, strict=True)]
        at += len(run)

    assert commit(values, layout, nonces, challenges, PREPARED_KEY) == vartime_multiply_base(committed).encode()
    posted, responses = respond(values, layout, randomness, nonces, challenges, e)
    assert Scalars.decode(posted).to_ints() == sent
    assert Scalars.decode(responses).to_ints() == answers


@given(st.lists(st.integers(0, 100), max_size=5))
@settings(deadline=None)
def test_encoded_ciphertexts_are_the_ciphertexts(values: list[int]) -> None:
    """The quick way to encrypt gives the bytes of the plain one."""
    secret, randomness = Scalars.from_ints(values), Scalars.random(len(values))

    assert (
        encrypt_encoded(secret, randomness, PREPARED_KEY, bits=7) == encrypt(secret, randomness, PREPARED_KEY).encode()
    )


def test_values_that_do_not_fit_are_refused() -> None:
    """Neither one value too few, nor a scalar too many, nor a value longer than announced."""
    layout = Runs([range(2), range(1, 2)])
    three = Scalars.random(3)
    for values, nonces, challenges in (
        ([0], three, three),
        ([0, 0], three, three),
        ([2, 1], three, three),
        ([0, 1], three[:2], three),
        ([0, 1], three, three[:1]),
    ):
        with pytest.raises(ValueError, match="each disjunction"):
            commit(values, layout, nonces, challenges, PREPARED_KEY)
        with pytest.raises(ValueError, match="each disjunction"):
            respond(values, layout, three[:2], nonces, challenges, 1)
    with pytest.raises(ValueError, match="3 scalars"):
        respond([0, 1], layout, three, three, three, 1)
    with pytest.raises(ValueError, match="more than 1 bits"):
        encrypt_encoded(Scalars.from_ints([2]), Scalars.random(), PREPARED_KEY, bits=1)
    with pytest.raises(ValueError, match="consecutive"):
        Runs([range(2), range(0)])


def test_no_disjunctions_are_nothing() -> None:
    """The empty layout has empty proofs."""
    none = Scalars.random(0)

    assert commit([], Runs([]), none, none, PREPARED_KEY) == b""
    assert respond([], Runs([]), none, none, none, 5) == (b"", b"")
    assert Elements.decode(b"") == multiply_base(none)


@pytest.mark.parametrize(
    ("stretches", "columns"),
    [
        ([], []),
        ([range(3)], [[0], [1], [2]]),
        ([range(2), range(2, 5), range(5, 6)], [[0, 2, 5], [1, 3, -1], [-1, 4, -1]]),
        ([range(4, 6), range(3, 6)], [[4, 3], [5, 4], [-1, 5]]),
    ],
)
def test_stretches_are_summed_column_by_column(stretches: list[range], columns: list[list[int]]) -> None:
    """First the first positions, and nothing where a stretch has ended; stretches may overlap."""
    numbers = [3, 1, 4, 15, 92, ORDER - 1]

    assert columns_of(stretches) == columns
    sums = [sum(numbers[at] for at in stretch) % ORDER for stretch in stretches]
    assert sums_of(Scalars.from_ints(numbers), columns).to_ints() == sums


def test_a_layout_is_one_run_behind_the_other() -> None:
    """Which branches are whose, which challenges travel, and which gaps lie before and behind each branch."""
    layout = Runs([range(3), range(5, 6), range(1, 3)])

    assert layout.runs == (range(3), range(5, 6), range(1, 3))
    assert layout.values == [0, 1, 2, 5, 1, 2]
    assert layout.run_of == [0, 0, 0, 1, 2, 2]
    assert layout.columns == [[0, 3, 4], [1, -1, 5], [2, -1, -1]]
    assert layout.sent == layout.gaps == [0, 1, 4]
    assert layout.gap_after == [0, 1, 3, 3, 2, 3]
    assert layout.gap_before == [3, 0, 1, 3, 3, 2]
