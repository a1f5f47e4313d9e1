"""Exponential ElGamal: what is encrypted comes out, sums are sums of values, and no shape is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.elgamal import Ciphertexts, encrypt
from secballot.errors import EncodingError
from secballot.group import ORDER, Elements, FixedBase, Scalars, multiply_base, vartime_multiply_base
from tests.strategies import scalars

SECRET = Scalars.from_ints([0x5EC2E7])
KEY = multiply_base(SECRET)
values = st.lists(scalars, min_size=1, max_size=4)


def sealed(numbers: list[int]) -> Ciphertexts:
    """Encrypt the numbers with fresh randomness."""
    return encrypt(Scalars.from_ints(numbers), Scalars.random(len(numbers)), KEY)


def opened(ciphertexts: Ciphertexts) -> Elements:
    """Decrypt to v·G with the secret key."""
    return ciphertexts.betas - ciphertexts.alphas * SECRET


@given(values)
@settings(deadline=None)
def test_the_secret_key_opens_what_was_encrypted(numbers: list[int]) -> None:
    """Completeness: v·G comes out, position by position, whether the key was prepared or not."""
    assert opened(sealed(numbers)) == vartime_multiply_base(numbers)
    prepared = encrypt(Scalars.from_ints(numbers), Scalars.random(len(numbers)), FixedBase(KEY))
    assert opened(prepared) == vartime_multiply_base(numbers)


@given(st.lists(st.tuples(scalars, scalars), min_size=1, max_size=4), scalars)
@settings(deadline=None)
def test_operations_on_ciphertexts_are_operations_on_values(pairs: list[tuple[int, int]], weight: int) -> None:
    """Homomorphism of +, −, scale and sum."""
    lefts, rights = [left for left, _ in pairs], [right for _, right in pairs]
    left, right = sealed(lefts), sealed(rights)

    assert opened(left + right) == vartime_multiply_base([(a + b) % ORDER for a, b in pairs])
    assert opened(left - right) == vartime_multiply_base([(a - b) % ORDER for a, b in pairs])
    assert opened(left.scale(weight)) == vartime_multiply_base([weight * a % ORDER for a in lefts])
    assert opened(left.sum()) == vartime_multiply_base([sum(lefts) % ORDER])


@given(values)
@settings(deadline=None)
def test_encoding_is_read_back(numbers: list[int]) -> None:
    """α ‖ β per ciphertext, 64 bytes each, and back."""
    ciphertexts = sealed(numbers)
    data = ciphertexts.encode()

    assert len(data) == 64 * len(numbers)
    assert data[:32] == ciphertexts.alphas[0].encode()
    assert data[32:64] == ciphertexts.betas[0].encode()
    assert Ciphertexts.decode(data) == ciphertexts


def test_parts_and_concatenation_keep_the_order() -> None:
    """A slice is a vector, and the parts make the whole."""
    whole = sealed([1, 2, 3])

    assert Ciphertexts.concat([whole[:1], whole[1:]]) == whole
    assert whole[2] == whole[2:]
    assert whole[0] != whole[1]
    assert len(whole) == 3
    assert len(Ciphertexts.concat([])) == 0


def test_the_identity_is_read_only_where_it_is_allowed() -> None:
    """A posted ciphertext holds no identity; an aggregate may."""
    for data in (bytes(64), bytes(32) + KEY.encode(), KEY.encode() + bytes(32)):
        with pytest.raises(EncodingError):
            Ciphertexts.decode(data)
        assert Ciphertexts.decode(data, allow_identity=True).encode() == data
    assert Ciphertexts.identity(2).encode() == bytes(128)


@given(st.binary(max_size=130))
def test_any_bytes_give_ciphertexts_or_our_own_error(data: bytes) -> None:
    """No other exception leaves the decoder, and what it takes encodes to the same bytes."""
    try:
        ciphertexts = Ciphertexts.decode(data)
    except EncodingError:
        return
    assert ciphertexts.encode() == data


def test_one_randomness_is_not_spread_over_many_values() -> None:
    """The engine would repeat a vector of length one, and two ciphertexts with one r show v_1 − v_2."""
    with pytest.raises(ValueError, match="do not go together"):
        encrypt(Scalars.from_ints([0, 1]), Scalars.random(1), KEY)
    with pytest.raises(ValueError, match="do not go together"):
        encrypt(Scalars.from_ints([1]), Scalars.random(2), KEY)


def test_vectors_of_different_lengths_are_not_added() -> None:
    """Nor is a single ciphertext repeated: a tally with one option too few is a bug, not a sum."""
    with pytest.raises(ValueError, match="do not go together"):
        sealed([1]) + sealed([1, 2])
    with pytest.raises(ValueError, match="do not go together"):
        sealed([1, 2]) - sealed([1])
    with pytest.raises(ValueError, match="alphas"):
        Ciphertexts(KEY, Elements.identity(2))


def test_nothing_counted_is_zero() -> None:
    """The sum of no ballots opens to zero, and adds nothing."""
    ballot = sealed([1, 0])

    assert all(opened(Ciphertexts.identity(2)).is_identity())
    assert ballot + Ciphertexts.identity(2) == ballot
    assert ballot[:0].sum() == Ciphertexts.identity(1)
    assert ballot.scale(0) == Ciphertexts.identity(2)
    assert ballot.scale(1) == ballot
