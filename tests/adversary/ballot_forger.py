"""A prover without scruples, for one contest: any values, any randomness, and a hash that may forget a part.

It proves honestly what is true, tries its best with what is not, and solves last for commitments that the challenge
it computes does not cover.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, SecballotError
from secballot.group import ENCODED_BYTES, ORDER, Elements, vartime_multiply, vartime_multiply_base
from secballot.protocol.ballots import ballot_fields, check_ballot, check_ballots
from secballot.records.ballot import Ballot, BallotContest
from secballot.transcript import challenge
from tests.sealed_ballots import credential_secret, never_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.protocol.ballots import BallotContext
    from secballot.transcript import Field

NONCE = 7
"""The t of all ballots made here."""


def everything(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Forget nothing."""
    return fields


def drawn(name: str) -> int:
    """Return a scalar of the attacker's choosing."""
    return int.from_bytes(hashlib.sha512(name.encode()).digest(), "little") % ORDER


def encode(value: int) -> bytes:
    """Return the scalar, 32 bytes."""
    return (value % ORDER).to_bytes(ENCODED_BYTES, "little")


def base(value: int) -> Elements:
    """Return value·G."""
    return vartime_multiply_base([value % ORDER])


def times(element: Elements, value: int) -> Elements:
    """Return value·element."""
    return vartime_multiply(element, [value % ORDER])


@dataclass(frozen=True)
class Branch:
    """One branch of a disjunction."""

    A: Elements
    B: Elements
    c: int
    z: int


def simulate(key: Elements, ciphertext: tuple[Elements, Elements], v: int, c: int, z: int) -> Branch:
    """Return the branch that satisfies both equations for any ciphertext: A = z·G − c·α, B = z·Y − c·(β − v·G)."""
    alpha, beta = ciphertext
    return Branch(base(z) - times(alpha, c), times(key, z) - times(beta - base(v), c), c, z)


@dataclass
class Forger:
    """What is to be voted, and how to cheat.

    Attributes:
        context: a poll with one contest.
        victim: a ballot whose class, credential, sequence, previous and tag are taken over.
        values: anything.
        randomness: of each ciphertext; drawn if empty.
        garbage: added to each α, so that the ciphertext is none of its value.
        forget: what the challenge is taken over instead of all fields.
        solve: the commitments to solve for last: "A" or "B" of "option" or "sum".
    """

    context: BallotContext
    victim: Ballot
    values: list[int]
    randomness: list[int] = field(default_factory=list)
    garbage: list[int] = field(default_factory=list)
    forget: Callable[[tuple[Field, ...]], tuple[Field, ...]] = everything
    solve: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Encrypt."""
        (shape,) = self.context.contests
        key = self.context.joint_key
        self.randomness = self.randomness or [drawn(f"r {at}") for at in range(len(self.values))]
        self.garbage = self.garbage or [0] * len(self.values)
        both = list(zip(self.randomness, self.garbage, strict=True))
        self.alphas = Elements.concat([base(r + extra) for r, extra in both])
        self.betas = Elements.concat(
            [times(key, r) + base(v) for r, v in zip(self.randomness, self.values, strict=True)]
        )
        self.runs = [range(maximum + 1) for maximum in shape.options]
        self.runs.append(range(shape.sum_minimum, shape.sum_maximum + 1))

    def statements(self) -> list[tuple[tuple[Elements, Elements], int, int, range]]:
        """Return (α, β), r, v and the admitted values of every option, then of the sum."""
        rows = [
            ((self.alphas[at], self.betas[at]), self.randomness[at], self.values[at], self.runs[at])
            for at in range(len(self.values))
        ]
        total = ((self.alphas.sum(), self.betas.sum()), sum(self.randomness), sum(self.values), self.runs[-1])
        return [*rows, total]

    def assemble(self, parts: list[list[Branch]]) -> Ballot:
        """Return the ballot with these proofs, T = 7·G, and the victim's z."""
        contest = BallotContest(
            challenges=b"".join(encode(branch.c) for part in parts for branch in part[:-1]),
            ciphertexts=Ciphertexts(self.alphas, self.betas).encode(),
            commitments=b"".join(branch.A.encode() + branch.B.encode() for part in parts for branch in part),
            responses=b"".join(encode(branch.z) for part in parts for branch in part),
        )
        return msgspec.structs.replace(self.victim, contests=(contest,), commitment=base(NONCE).encode())

    def challenge(self, ballot: Ballot) -> int:
        """Return the challenge as the forger would like it to be."""
        return challenge("ballot", *self.forget((*ballot_fields(self.context, ballot), ballot.commitment)))

    def sign(self, ballot: Ballot, number: int = 1) -> Ballot:
        """Return the ballot with the z of the owner with this number."""
        z = NONCE + self.challenge(ballot) * credential_secret(number).to_ints()[0]
        return msgspec.structs.replace(ballot, response=encode(z))

    def guess(self, e: int) -> Ballot:
        """Return a ballot whose proofs hold, whatever the values, if its challenge is e; z is still the victim's."""
        parts = []
        for at, (pair, _, _, run) in enumerate(self.statements()):
            cs = [drawn(f"c {at} {v}") for v in run[:-1]]
            cs.append(e - sum(cs))
            branches = zip(run, cs, strict=True)
            parts.append([simulate(self.context.joint_key, pair, v, c, drawn(f"z {at} {v}")) for v, c in branches])
        return self.assemble(parts)

    def prove(self, number: int = 1) -> Ballot:
        """Return the signed ballot: good if the values are admissible, as good as can be if not."""
        key = self.context.joint_key
        committed = [
            [self._commit(at, v, v_j, drawn(f"c {at} {v_j}")) for v_j in run]
            for at, (_, _, v, run) in enumerate(self.statements())
        ]
        e = self.challenge(self.assemble(committed))
        final = []
        for at, (pair, r, v, run) in enumerate(self.statements()):
            true = run.index(v) if v in run else 0
            kind = "sum" if at == len(self.values) else "option"
            missing = e - sum(branch.c for branch in committed[at])
            part = []
            for j, branch in enumerate(committed[at]):
                c = branch.c + (missing if j == true else 0)
                z = branch.z + c * r
                solved = simulate(key, pair, run[j], c, z)
                A = solved.A if self.solve == ("A", kind) else branch.A
                B = solved.B if self.solve == ("B", kind) else branch.B
                part.append(Branch(A, B, c, z))
            final.append(part)
        return self.sign(self.assemble(final), number)

    def _commit(self, at: int, v: int, v_j: int, c: int) -> Branch:
        """Return A = u·G, B = u·Y − c·(v − v_j)·G, with u in the place of z."""
        u = drawn(f"u {at} {v_j}")
        return Branch(base(u), times(self.context.joint_key, u) - base(c * (v - v_j)), c, u)


def reason(context: BallotContext, ballot: Ballot) -> str | None:
    """Return the check that excludes the ballot, None if it passes; both paths must agree."""
    (batched,) = check_ballots(context, [ballot], known_credential=never_known)
    if not isinstance(batched, SecballotError):
        check_ballot(context, ballot, known_credential=never_known)
        return None
    with pytest.raises(type(batched)) as caught:
        check_ballot(context, ballot, known_credential=never_known)
    assert (caught.value.check, caught.value.message) == (batched.check, batched.message)
    assert caught.value.culprit == NOBODY
    return caught.value.check
