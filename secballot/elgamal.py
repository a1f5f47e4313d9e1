"""Exponential ElGamal over the group of the suite: encryption, and sums of ciphertexts that are sums of values.

A ciphertext of the value v under the joint key Y with randomness r is

    α = r·G,  β = r·Y + v·G

and adding ciphertexts adds values and randomness. Everything here is a vector of ciphertexts; decryption belongs to
`protocol.tallying`, since nobody ever decrypts one ballot.

Source: SPEC.md#sealing, SPEC.md#aggregates; ElGamal, CRYPTO '84.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from secballot.errors import EncodingError
from secballot.group import BASE, ENCODED_BYTES, HALF, Elements, FixedBase, Scalars, multiply_base, vartime_multiply

if TYPE_CHECKING:
    from collections.abc import Sequence

CIPHERTEXT_BYTES: Final = 2 * ENCODED_BYTES
"""Bytes of one encoded ciphertext, α ‖ β."""


@dataclass(frozen=True)
class Ciphertexts:
    """A vector of public ciphertexts; operators work position by position.

    Attributes:
        alphas: one α per ciphertext.
        betas: one β per ciphertext.
    """

    alphas: Elements
    betas: Elements

    def __post_init__(self) -> None:
        """Refuse halves of different lengths, which no operation could mean.

        Raises:
            ValueError: they differ in length; a bug of the caller.
        """
        if len(self.alphas) != len(self.betas):
            raise ValueError(f"{len(self.alphas)} alphas with {len(self.betas)} betas")

    @classmethod
    def decode(cls, data: bytes, *, allow_identity: bool = False) -> Ciphertexts:
        """Return the ciphertexts whose one encoding this is.

        Args:
            data: 64 bytes per ciphertext, α ‖ β.
            allow_identity: whether α and β may be the identity; never for what a voter posts.

        Raises:
            EncodingError: the size is no multiple of 64 bytes, or an element does not decode; `offset` is then the
                index of that element, α and β counted separately.

        Source: SPEC.md#ballot-form.
        """
        if len(data) % CIPHERTEXT_BYTES:
            raise EncodingError(f"{len(data)} bytes are no whole number of ciphertexts", field="ciphertexts")
        elements = Elements.decode(data, allow_identity=allow_identity)
        return cls(elements[0::2], elements[1::2])

    @classmethod
    def identity(cls, count: int) -> Ciphertexts:
        """Return so many encryptions of zero with randomness zero: the sum of no ballots."""
        return cls(Elements.identity(count), Elements.identity(count))

    @classmethod
    def concat(cls, parts: Sequence[Ciphertexts]) -> Ciphertexts:
        """Return the parts one after the other; the empty vector for no parts."""
        return cls(
            Elements.concat([part.alphas for part in parts]),
            Elements.concat([part.betas for part in parts]),
        )

    def encode(self) -> bytes:
        """Return α ‖ β of every ciphertext in order, 64 bytes each."""
        alphas, betas = self.alphas.encode(), self.betas.encode()
        return b"".join(
            half[start : start + ENCODED_BYTES]
            for start in range(0, len(alphas), ENCODED_BYTES)
            for half in (alphas, betas)
        )

    def __len__(self) -> int:
        """Return the number of ciphertexts."""
        return len(self.alphas)

    def __getitem__(self, key: int | slice) -> Ciphertexts:
        """Return the ciphertext at a position, a vector of length one, or those of a slice."""
        return Ciphertexts(self.alphas[key], self.betas[key])

    def __add__(self, other: Ciphertexts) -> Ciphertexts:
        """Return encryptions of the sums of the values, position by position.

        Raises:
            ValueError: the vectors differ in length; a single ciphertext is not repeated.
        """
        _require_same_length(len(self), len(other))
        return Ciphertexts(self.alphas + other.alphas, self.betas + other.betas)

    def __sub__(self, other: Ciphertexts) -> Ciphertexts:
        """Return encryptions of the differences of the values, position by position.

        Raises:
            ValueError: the vectors differ in length; a single ciphertext is not repeated.
        """
        _require_same_length(len(self), len(other))
        return Ciphertexts(self.alphas - other.alphas, self.betas - other.betas)

    def scale(self, weight: int) -> Ciphertexts:
        """Return encryptions of the values times a public weight, in variable time.

        Args:
            weight: 0..ℓ−1, such as the weight of a class.

        Raises:
            ValueError: the weight is out of range.

        Source: SPEC.md#aggregates.
        """
        if weight == 1:
            return self
        weights = [weight] * len(self)
        return Ciphertexts(vartime_multiply(self.alphas, weights), vartime_multiply(self.betas, weights))

    def sum(self) -> Ciphertexts:
        """Return one encryption of the sum of all values; of zero for the empty vector."""
        return Ciphertexts(self.alphas.sum(), self.betas.sum())


def encrypt(values: Scalars, randomness: Scalars, key: FixedBase | Elements) -> Ciphertexts:
    """Return one encryption per value, in constant time.

    Args:
        values: what to encrypt.
        randomness: one scalar per value, secret and never used for another ciphertext: two ciphertexts with the same
            randomness show the difference of their values to everyone.
        key: the joint key, prepared as a `FixedBase` where many are encrypted.

    Raises:
        ValueError: there is not one randomness per value.

    Source: SPEC.md#sealing.
    """
    _require_same_length(len(values), len(randomness))
    base = key if isinstance(key, FixedBase) else FixedBase(key)
    # α = r·G,  β = r·Y + v·G
    return Ciphertexts(multiply_base(randomness), base.multiply(randomness) + multiply_base(values))


def encrypt_encoded(values: Scalars, randomness: Scalars, key: FixedBase, *, bits: int) -> bytes:
    """Return α ‖ β of one encryption per value, 64 bytes each: those of `encrypt`, for less work.

    Args:
        values: what to encrypt, below 2^bits each.
        randomness: as for `encrypt`.
        key: the joint key, prepared.
        bits: public, 1 to 253.

    Raises:
        ValueError: there is not one randomness per value, or a value has more bits.

    Source: SPEC.md#sealing.
    """
    _require_same_length(len(values), len(randomness))
    halves = randomness * Scalars.from_ints([HALF])
    # ½α = ½r·G,  ½β = ½r·Y + v·½G: encodings of doubles share one inversion
    half = Ciphertexts(multiply_base(halves), key.multiply(halves) + _half_base().multiply_short(values, bits))
    count = len(values)
    order = [index for position in range(count) for index in (position, count + position)]
    return Elements.concat([half.alphas, half.betas]).take(order).encode_doubles()


@cache
def _half_base() -> Elements:
    """Return ½·G."""
    return vartime_multiply(BASE, [HALF])


def _require_same_length(left: int, right: int) -> None:
    """Refuse vectors of different lengths, since the engine would repeat one of length one.

    Raises:
        ValueError: they differ.
    """
    if left != right:
        raise ValueError(f"vectors of {left} and {right} do not go together")
