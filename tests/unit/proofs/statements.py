"""Statements with honest proofs, which the tests of proofs change one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secballot.elgamal import Ciphertexts, encrypt
from secballot.group import BASE, Elements, FixedBase, Scalars, multiply_base
from secballot.proofs.disjunctions import Runs, commit, respond
from secballot.proofs.equality import prove_equality, verify_equality
from secballot.proofs.knowledge import prove_knowledge, verify_knowledge
from secballot.proofs.membership import Disjunction, MembershipClaim, verify_membership

if TYPE_CHECKING:
    from secballot.transcript import Field

KEY_SECRET = Scalars.from_ints([0xDECAF])
KEY = multiply_base(KEY_SECRET)
PREPARED_KEY = FixedBase(KEY)


@dataclass(frozen=True)
class Knowledge:
    """A dealer's proof for the constant term of its polynomial (label `ceremony-secret`)."""

    statement: Elements
    context: tuple[Field, ...]
    proof: bytes

    @classmethod
    def honest(cls, secret: int, nonce: int) -> Knowledge:
        """Prove knowledge of the secret."""
        x = Scalars.from_ints([secret])
        X = multiply_base(x)
        context = (bytes(32), 1, 3, 2, 1, b"i" * 32, X.encode() + BASE.encode(), BASE.encode())
        return cls(X, context, prove_knowledge("ceremony-secret", context, x, X, Scalars.from_ints([nonce])))

    def verify(self, label: str = "ceremony-secret") -> None:
        """Run the verifier."""
        verify_knowledge(label, self.context, self.statement, self.proof)


@dataclass(frozen=True)
class Equality:
    """A trustee's proof for one decryption factor (label `decryption`)."""

    base: Elements
    public: Elements
    image: Elements
    context: tuple[Field, ...]
    proof: bytes

    @classmethod
    def honest(cls, secret: int, base: Elements, nonce: int) -> Equality:
        """Prove that x·G and x·H have one logarithm."""
        x = Scalars.from_ints([secret])
        X, D = multiply_base(x), base * x
        context = (bytes(32), bytes(64), 1, X.encode(), 1, 1, base.encode(), D.encode())
        proof = prove_equality("decryption", context, x, base, Scalars.from_ints([nonce]))
        return cls(base, X, D, context, proof)

    def verify(self, label: str = "decryption") -> None:
        """Run the verifier."""
        verify_equality(label, self.context, self.base, self.public, self.image, self.proof)


@dataclass(frozen=True)
class Membership:
    """A ciphertext under `KEY` with the disjunction that it encrypts one of some values."""

    ciphertext: Ciphertexts
    commitments: Elements
    values: range
    e: int
    challenges: bytes
    responses: bytes

    @classmethod
    def honest(cls, value: int, values: range, e: int) -> Membership:
        """Encrypt the value and prove it to be among the values, under the challenge e."""
        randomness, nonces = Scalars.random(), Scalars.random(len(values))
        challenges = Scalars.random(len(values))
        ciphertext = encrypt(Scalars.from_ints([value]), randomness, PREPARED_KEY)
        runs = Runs([values])
        commitments = commit([value], runs, nonces, challenges, PREPARED_KEY)
        posted = respond([value], runs, randomness, nonces, challenges, e)
        return cls(ciphertext, Elements.decode(commitments), values, e, *posted)

    def disjunction(self) -> Disjunction:
        """Read the scalars as a verifier does."""
        challenges, responses = Scalars.decode(self.challenges), Scalars.decode(self.responses)
        return Disjunction.complete(self.values, self.e, challenges.to_ints(), responses.to_ints())

    def claim(self) -> MembershipClaim:
        """Return the claim for a batch."""
        elements = Elements.concat([self.ciphertext.alphas, self.ciphertext.betas, self.commitments])
        return MembershipClaim(elements, self.disjunction())

    def verify(self) -> None:
        """Run the single verifier."""
        verify_membership(self.ciphertext, self.commitments, self.disjunction(), KEY)


def plus_one(scalar: bytes) -> bytes:
    """Return the encoding of the next scalar."""
    return (Scalars.decode(scalar) + Scalars.from_ints([1])).encode()


def changed(field: Field) -> Field:
    """Return another value of the same size for a field of a context."""
    if isinstance(field, int):
        return field + 1
    data = field if isinstance(field, bytes) else field.encode()
    return data[:-1] + bytes([data[-1] ^ 1])
