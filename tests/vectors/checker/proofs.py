"""The three proofs of SPEC.md#proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import ristretto
from .edwards import BASE, Point, add, combine, multiply, multiply_base, subtract
from .transcript import Field, challenge

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cipher(NamedTuple):
    """A ciphertext (α, β)."""

    alpha: Point
    beta: Point


def scalars(proof: bytes) -> tuple[int, int] | None:
    """Return (c, z) of 64 bytes, or None if one is no scalar."""
    c, z = ristretto.scalar(proof[:32]), ristretto.scalar(proof[32:])
    return None if c is None or z is None else (c, z)


def knowledge_holds(label: str, context: Sequence[Field], x: Point, proof: bytes) -> bool:
    """Tell whether the proof shows knowledge of the logarithm of x."""
    pair = scalars(proof)
    if pair is None:
        return False
    c, z = pair
    r = subtract(multiply_base(z), multiply(c, x))
    return c == challenge(label, *context, ristretto.encode(r))


def equality_holds(label: str, context: Sequence[Field], x: Point, image: tuple[Point, Point], proof: bytes) -> bool:
    """Tell whether the proof shows one logarithm of x to G and of d to h, with image = (h, d)."""
    pair = scalars(proof)
    if pair is None:
        return False
    c, z = pair
    h, d = image
    a = combine([z, -c], [BASE, x])
    b = combine([z, -c], [h, d])
    return c == challenge(label, *context, ristretto.encode(a), ristretto.encode(b))


def membership_holds(
    cipher: Cipher,
    key: Point,
    values: range,
    *,
    commitments: Sequence[tuple[Point, Point]],
    challenges: Sequence[int],
    responses: Sequence[int],
    e: int,
) -> bool:
    """Tell whether the disjunction shows that the cipher under the key holds one of the values."""
    every = [*challenges, e - sum(challenges)]
    for value, (a, b), c, z in zip(values, commitments, every, responses, strict=True):
        if not ristretto.equal(combine([z, -c], [BASE, cipher.alpha]), a):
            return False
        # z·Y − c·(β − v·G) = B
        if not ristretto.equal(combine([z, -c, c * value], [key, cipher.beta, BASE]), b):
            return False
    return True


def sum_ciphers(ciphers: Sequence[Cipher], start: Cipher) -> Cipher:
    """Return the component-wise sum of ciphertexts, from a start."""
    total = start
    for cipher in ciphers:
        total = Cipher(add(total.alpha, cipher.alpha), add(total.beta, cipher.beta))
    return total
