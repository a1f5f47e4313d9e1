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
from typing import TYPE_CHECKING

from secballot.errors import EncodingError, InvalidProofError
from secballot.group import (
    ORDER,
    Elements,
    vartime_multiply,
    vartime_multiply_base,
)
from secballot.proofs.knowledge import require_single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.elgamal import Ciphertexts


@dataclass(frozen=True, slots=True)
class Folded:
    """What a disjunction adds to a weighted sum of equations that must give the identity.

    Attributes:
        alpha: coefficient of α.
        beta: coefficient of β.
        commitments: coefficients of A_1, B_1, …, A_b, B_b.
        base: coefficient of G.
        key: coefficient of Y.
    """

    alpha: int
    beta: int
    commitments: list[int]
    base: int
    key: int


def fold_branches(  # noqa: PLR0917  # one row for each branch
    owners: Sequence[int],
    values: Sequence[int],
    challenges: Sequence[int],
    responses: Sequence[int],
    weights: Sequence[int],
    disjunctions: int,
) -> tuple[list[int], list[int], int, int]:
    """Return the coefficients of every α, every β, of G and of Y in the weighted sum of all equations, not reduced.

    Those of the commitments are the weights themselves.

    Args:
        owners: for every branch, the number of its disjunction.
        values: for every branch, v_j.
        challenges: for every branch, c_j.
        responses: for every branch, z_j.
        weights: for every branch, that of the equation with A, then with B.
        disjunctions: how many there are, each about a ciphertext (α, β) of its own.

    Source: SPEC.md#membership.
    """
    alphas, betas = [0] * disjunctions, [0] * disjunctions
    base = key = 0
    rows = zip(owners, values, challenges, responses, weights[0::2], weights[1::2], strict=True)
    # s·(A + c·α − z·G) + w·(B + c·β − c·v·G − z·Y) = O
    for owner, v, c, z, s, w in rows:
        shifted = w * c
        alphas[owner] += s * c
        betas[owner] += shifted
        base -= s * z + shifted * v
        key -= w * z
    return alphas, betas, base, key


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

    def fold(self, weights: Sequence[int]) -> Folded:
        """Return the coefficients of the weighted sum of all equations, each 0..ℓ−1.

        Args:
            weights: one per equation: for every branch in order, that of the equation with A, then with B.

        Raises:
            ValueError: there is not one weight per equation.

        Source: SPEC.md#membership.
        """
        if len(weights) != self.equations:
            raise ValueError(f"{len(weights)} weights for {self.equations} equations")
        owners = [0] * len(self.values)
        (alpha,), (beta,), base, key = fold_branches(
            owners, self.values, self.challenges, self.responses, weights, disjunctions=1
        )
        return Folded(alpha % ORDER, beta % ORDER, list(weights), base % ORDER, key % ORDER)


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

    def fold(self, weights: Sequence[int]) -> tuple[list[int], int, int]:
        """Return the coefficients of the elements, of G and of Y in the weighted sum of all equations."""
        folded = self.disjunction.fold(weights)
        return [folded.alpha, folded.beta, *folded.commitments], folded.base, folded.key


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
