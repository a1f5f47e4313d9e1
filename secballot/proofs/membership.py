"""A ciphertext encrypts one of a run of integers, and not even its maker's proof shows which.

The disjunction of Cramer, Damgård and Schoenmakers, under a challenge e that the caller takes over the whole ballot.
For a ciphertext (α, β) under Y and the values v_1..v_b:

    c_1 + … + c_b = e  (mod ℓ)
    z_j·G = A_j + c_j·α               for every branch j
    z_j·Y = B_j + c_j·(β − v_j·G)     for every branch j

The commitments (A_j, B_j) travel and the last challenge does not: this form gives equations that `proofs.batch` can
weigh and add, and leaves one way to write a proof.

Here is the verifier; the prover, `disjunctions`, makes all of a ballot's proofs together.

Source: SPEC.md#membership; Cramer, Damgård and Schoenmakers, CRYPTO '94.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from secballot.errors import EncodingError, InvalidProofError
from secballot.group import ORDER, Elements, PublicScalars, vartime_multiply, vartime_multiply_base
from secballot.proofs.batch import Folded
from secballot.proofs.knowledge import require_single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.elgamal import Ciphertexts


def fold_branches(  # noqa: PLR0917  # two scalars for each branch, and where it belongs
    owners: Sequence[int],
    values: PublicScalars,
    challenges: PublicScalars,
    responses: PublicScalars,
    weights: PublicScalars,
    disjunctions: int,
) -> tuple[PublicScalars, PublicScalars, PublicScalars, PublicScalars]:
    """Return the coefficients of every α, every β, of G and of Y in the weighted sum of all equations.

    Those of the commitments are the weights themselves. All vectors may hold those of many proofs of one form.

    Args:
        owners: for every branch of the form, the number of its disjunction.
        values: for every branch of the form, v_j.
        challenges: for every branch, c_j.
        responses: for every branch, z_j.
        weights: for every branch, that of the equation with A, then with B.
        disjunctions: how many the form has, each about a ciphertext (α, β) of its own.

    Raises:
        ValueError: there is not one of everything for each branch.

    Source: SPEC.md#membership.
    """
    s, w, c, z = weights[0::2], weights[1::2], challenges, responses
    # One scalar would stand for any number of them.
    if not len(s) == len(w) == len(c) == len(z):
        raise ValueError("not one challenge, response and pair of weights for each branch")
    v = values.repeat(len(challenges) // len(owners))
    # s·(A + c·α − z·G) + w·(B + c·β − c·v·G − z·Y) = O
    shifted = w * c
    alphas, betas = (s * c).scatter(owners, disjunctions), shifted.scatter(owners, disjunctions)
    return alphas, betas, -(s * z + shifted * v).sum(), -(w * z).sum()


@dataclass(frozen=True, slots=True)
class Disjunction:
    """The scalars of one membership proof as a verifier holds them, all challenges included.

    Attributes:
        values: v_1..v_b, consecutive.
        challenges: c_1..c_b, which sum to e by construction.
        responses: z_1..z_b.
    """

    values: range
    challenges: tuple[int, ...]
    responses: tuple[int, ...]

    @classmethod
    def complete(cls, values: range, e: int, challenges: Sequence[int], responses: Sequence[int]) -> Disjunction:
        """Return the disjunction with its last challenge, e − (c_1 + … + c_{b−1}) mod ℓ.

        Args:
            values: v_1..v_b, consecutive, at least one.
            e: the challenge over everything, 0..ℓ−1.
            challenges: c_1..c_{b−1} as posted, decoded.
            responses: z_1..z_b as posted, decoded.

        Raises:
            EncodingError: there are more or fewer branches than values.
            ValueError: there are no values, or they are not consecutive.

        Source: SPEC.md#membership.
        """
        require_run(values)
        if len(challenges) != len(values) - 1 or len(responses) != len(values):
            raise EncodingError(f"a disjunction of {len(values)} branches has other numbers of scalars")
        last = (e - sum(challenges)) % ORDER
        return cls(values, (*challenges, last), tuple(responses))

    @property
    def equations(self) -> int:
        """Return the number of equations, two per branch."""
        return 2 * len(self.values)


@dataclass(frozen=True, slots=True)
class MembershipClaim:
    """One ciphertext with its disjunction, as `proofs.batch` takes it.

    Attributes:
        elements: α, β, A_1, B_1, …, A_b, B_b.
        disjunction: the scalars.
    """

    elements: Elements
    disjunction: Disjunction

    def __post_init__(self) -> None:
        """Refuse elements that are not two of the ciphertext and two per branch.

        Raises:
            EncodingError: there are more or fewer.
        """
        _require_commitments(len(self.elements) - 2, self.disjunction)

    @property
    def equations(self) -> int:
        """Return the number of equations, two per branch."""
        return self.disjunction.equations

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def __getitem__(self, key: slice) -> Self:
        """Return the claim, which has no parts.

        Raises:
            IndexError: the slice leaves it out.
        """
        if not range(1)[key]:
            raise IndexError("there is one claim")
        return self

    def fold(self, weights: PublicScalars) -> Folded:
        """Return the weighted sum of all equations.

        Args:
            weights: one per equation: for every branch in order, that of the equation with A, then with B.

        Raises:
            ValueError: there is not one weight per equation.

        Source: SPEC.md#membership.
        """
        if len(weights) != self.equations:
            raise ValueError(f"{len(weights)} weights for {self.equations} equations")
        own = self.disjunction
        values, challenges, responses = map(PublicScalars.from_ints, (own.values, own.challenges, own.responses))
        alpha, beta, base, key = fold_branches([0] * len(values), values, challenges, responses, weights, 1)
        return Folded(self.elements, PublicScalars.concat([alpha, beta, weights]), base, key)


def verify_membership(ciphertext: Ciphertexts, commitments: Elements, disjunction: Disjunction, key: Elements) -> None:
    """Check that a ciphertext encrypts one of the values of a disjunction, every equation by itself.

    The challenge e inside the disjunction must be taken over ciphertext and commitments; that is the caller's.

    Args:
        ciphertext: (α, β), one; a sum of ciphertexts may be the identity.
        commitments: A_1, B_1, …, A_b, B_b.
        disjunction: the scalars, for the values that are allowed.
        key: the joint key Y.

    Raises:
        EncodingError: there are not two commitments per branch.
        InvalidProofError: an equation does not hold.
        ValueError: there is not exactly one ciphertext and key.

    Source: SPEC.md#membership.
    """
    require_single(ciphertext.alphas, key)
    _require_commitments(len(commitments), disjunction)
    c, z = disjunction.challenges, disjunction.responses
    everywhere = [0] * len(disjunction.values)
    A, B = commitments[0::2], commitments[1::2]
    alpha, Y = ciphertext.alphas.take(everywhere), key.take(everywhere)
    # z_j·G = A_j + c_j·α
    if vartime_multiply_base(z) != A + vartime_multiply(alpha, c):
        raise InvalidProofError("a membership proof does not fit the first half of its ciphertext")
    # z_j·Y = B_j + c_j·(β − v_j·G)
    shifted = ciphertext.betas - vartime_multiply_base(disjunction.values)
    if vartime_multiply(Y, z) != B + vartime_multiply(shifted, c):
        raise InvalidProofError("a membership proof does not fit the second half of its ciphertext")


def _require_commitments(count: int, disjunction: Disjunction) -> None:
    """Refuse commitments that are not two per branch.

    Raises:
        EncodingError: there are more or fewer.
    """
    if count != disjunction.equations:
        raise EncodingError("a disjunction has two commitments per branch", field="commitments")


def require_run(values: range) -> None:
    """Refuse values that are no run of consecutive integers.

    Raises:
        ValueError: they are empty, negative, or leave some out.
    """
    if not values or values.step != 1 or values.start < 0:
        raise ValueError("a disjunction is over consecutive integers from 0 up, at least one")
