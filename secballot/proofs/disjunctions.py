"""The prover of `membership`, for all disjunctions of a ballot at once.

    A_j = u_j·G,  B_j = u_j·Y − c_j·(v − v_j)·G               committed to
    z_j = u_j + c_j·r                                          answered

Every branch is simulated with a challenge of its own, the true one too, whose challenge is moved afterwards onto what
is left of e. In the true branch v − v_j is zero, so b branches have at most b − 1 multiples of G among their B_j: one
is computed for each gap between neighbouring branches, and added to the branch on the far side of the true one. Which
side that is, only constant-time arithmetic of the engine knows.

All scalars are halved first: the encodings of doubles share one inversion (`Elements.encode_doubles`).

Source: SPEC.md#sealing, SPEC.md#membership; Cramer, Damgård and Schoenmakers, CRYPTO '94.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

from secballot.group import HALF, Elements, Scalars, multiply_base
from secballot.proofs.membership import require_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.group import FixedBase


class Runs:
    """The values of several disjunctions, and where their branches stand, one run behind the other.

    Attributes:
        runs: the values of each disjunction.
        values: the value of each branch.
        run_of: the number of the run of each branch, from 0.
        columns: the first branches of all runs, then their second ones, and so on, for `sums_of`.
        sent: the branches whose challenges travel: all but the last of each run.
        gaps: for every gap between neighbouring branches of a run, the branch before it; the other one is next.
        gap_before: for every branch the gap before it, or the number of gaps if there is none.
        gap_after: the same for the gap behind it.
    """

    __slots__ = ("columns", "gap_after", "gap_before", "gaps", "run_of", "runs", "sent", "values")

    def __init__(self, runs: Sequence[range]) -> None:
        """Lay out the branches.

        Raises:
            ValueError: a run is empty, negative, or leaves values out.
        """
        for run in runs:
            require_run(run)
        self.runs = tuple(runs)
        self.values = [value for run in runs for value in run]
        self.run_of = [number for number, run in enumerate(runs) for _ in run]
        ends = [0]
        for run in runs:
            ends.append(ends[-1] + len(run))
        stretches = [range(start, stop) for start, stop in pairwise(ends)]
        self.columns = columns_of(stretches)
        self.sent = [branch for stretch in stretches for branch in stretch[:-1]]
        self.gaps = self.sent
        gap_at = {branch: gap for gap, branch in enumerate(self.gaps)}
        none = len(self.gaps)
        self.gap_after = [gap_at.get(branch, none) for branch in range(ends[-1])]
        # A gap belongs to the branch before it, so the first of a run finds none, unless it is asked of the run before.
        self.gap_before = [gap_at.get(branch - 1, none) for branch in range(ends[-1])]


def commit(values: Sequence[int], runs: Runs, nonces: Scalars, challenges: Scalars, key: FixedBase) -> bytes:
    """Return the commitments A_1, B_1, …, A_b, B_b of every disjunction, 32 bytes each, in constant time.

    Args:
        values: the encrypted value v of each disjunction, secret.
        runs: v_1..v_b of each.
        nonces: u_1..u_b of each, secret and fresh.
        challenges: c_1..c_b of each, secret and fresh; that of the true branch will be replaced.
        key: the joint key Y.

    Raises:
        ValueError: a value is not in its run, or there is not one nonce and challenge per branch.

    Source: SPEC.md#sealing.
    """
    _require_branches(values, runs, nonces, challenges)
    half = Scalars.from_ints([HALF])
    below, above = _sides(values, runs)
    # c_j·(v_j − v), of which that of the true branch is zero
    distances = Scalars.from_ints(runs.values) - Scalars.from_ints([values[run] for run in runs.run_of])
    shifts = challenges * half * distances
    # The shift of a gap: that of its far branch.
    left, right = runs.gaps, [branch + 1 for branch in runs.gaps]
    merged = shifts.take(left) * below.take(left) + shifts.take(right) * above.take(right)
    gaps = Elements.concat([multiply_base(merged), Elements.identity()])
    moved = gaps.take(runs.gap_after).multiply_short(below, 1) + gaps.take(runs.gap_before).multiply_short(above, 1)
    halves = nonces * half
    A, B = multiply_base(halves), key.multiply(halves) + moved
    branches = len(runs.values)
    order = chain.from_iterable((branch, branches + branch) for branch in range(branches))
    return Elements.concat([A, B]).take(order).encode_doubles()


def respond(  # noqa: PLR0917  # those of `commit`, then what came since
    values: Sequence[int], runs: Runs, randomness: Scalars, nonces: Scalars, challenges: Scalars, e: int
) -> tuple[bytes, bytes]:
    """Return challenges c_1..c_{b−1} and responses z_1..z_b of every disjunction, 32 bytes each, in constant time.

    Two responses to different e with the same nonces give values and randomness to everyone.

    Args:
        values: the encrypted value of each disjunction, secret.
        runs: as committed to.
        randomness: r of each ciphertext, secret, one scalar per disjunction.
        nonces: as committed to.
        challenges: as committed to.
        e: the challenge over everything, public.

    Raises:
        ValueError: a value is not in its run, or there is not one nonce and challenge per branch and one randomness
            per disjunction.

    Source: SPEC.md#sealing.
    """
    _require_branches(values, runs, nonces, challenges)
    if len(randomness) != len(runs.runs):
        raise ValueError(f"{len(randomness)} scalars of randomness for {len(runs.runs)} disjunctions")
    # c_true = e − Σ other c: every branch gets what is missing, times 1 if it is the true one and 0 if not.
    missing = Scalars.from_ints([e]) - sums_of(challenges, runs.columns)
    is_true = Scalars.from_ints([int(own == values[run]) for own, run in zip(runs.values, runs.run_of, strict=True)])
    final = challenges + is_true * missing.take(runs.run_of)
    # z_j = u_j + c_j·r
    responses = nonces + final * randomness.take(runs.run_of)
    return final.take(runs.sent).encode(), responses.encode()


def columns_of(stretches: Sequence[range]) -> list[list[int]]:
    """Return the first positions of all stretches, then the second ones, and so on; −1 where a stretch has ended.

    Args:
        stretches: positions in some vector, possibly the same ones in several stretches; none is empty.
    """
    return [
        [stretch[place] if place < len(stretch) else -1 for stretch in stretches]
        for place in range(max(map(len, stretches), default=0))
    ]


def sums_of(scalars: Scalars, columns: Sequence[Sequence[int]]) -> Scalars:
    """Return the sum of each stretch of scalars, in constant time.

    Args:
        scalars: what the positions in the columns, from `columns_of`, refer to.
        columns: none for no stretches.
    """
    padded = Scalars.concat([scalars, Scalars.from_ints([0])])
    if not columns:
        return padded[:0]
    first, *others = columns
    total = padded.take(first)
    for column in others:
        total += padded.take(column)
    return total


def _sides(values: Sequence[int], runs: Runs) -> tuple[Scalars, Scalars]:
    """Return for every branch whether it is below the true one, and whether it is above, as 1 or 0."""
    placed = list(zip(runs.values, runs.run_of, strict=True))
    below = Scalars.from_ints([int(own < values[run]) for own, run in placed])
    return below, Scalars.from_ints([int(own > values[run]) for own, run in placed])


def _require_branches(values: Sequence[int], runs: Runs, nonces: Scalars, challenges: Scalars) -> None:
    """Refuse what no honest prover commits to; the message holds no value.

    Raises:
        ValueError: a value is not in its run, or there is not one nonce and challenge per branch.
    """
    branches = len(runs.values)
    if (
        len(values) != len(runs.runs)
        or any(value not in run for value, run in zip(values, runs.runs, strict=True))
        or len(nonces) != branches
        or len(challenges) != branches
    ):
        raise ValueError("each disjunction holds its value, and one nonce and challenge for each of its branches")
