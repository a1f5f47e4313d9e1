"""Forged ballot proofs: what a prover can do if the challenge forgets something, and what it cannot.

Where a forger needs a weak verifier, it is run against one as well, to show that it can forge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.group import ENCODED_BYTES, ORDER, Elements
from secballot.protocol import ballots
from secballot.protocol.ballots import ballot_fields, check_ballot, check_ballots
from secballot.records.ballot import Ballot, BallotContest
from secballot.transcript import challenge
from tests.adversary.ballot_forger import NONCE, Forger, base, drawn, encode, reason, times
from tests.sealed_ballots import (
    ONE_OF_THREE,
    SINGLE,
    credential_secret,
    make_context,
    never_known,
    own,
    seal_sample,
)

if TYPE_CHECKING:
    from secballot.protocol.ballots import BallotContext
    from secballot.transcript import Field

CONTEXT = make_context(ONE_OF_THREE)
VICTIM = seal_sample(CONTEXT, ((0, 1, 0),)).cast()

CIPHERTEXTS = 12
COMMITMENTS = {"option": 13, "sum": 14}
"""Positions of these fields in the label `ballot`; T is number 15."""


def test_the_forger_can_also_be_honest() -> None:
    """With admissible values its ballots are good, so what is refused below is refused for the lie."""
    for values in ([0, 1, 0], [0, 0, 0], [1, 0, 0]):
        assert reason(CONTEXT, Forger(CONTEXT, VICTIM, values).prove()) is None


@pytest.mark.parametrize(
    ("values", "check"),
    [([2, -1, 0], "BAL-12"), ([5, 0, 0], "BAL-12"), ([0, 0, ORDER - 1], "BAL-12"), ([1, 1, 0], "BAL-13")],
)
def test_values_and_sums_out_of_range_cannot_be_proved(values: list[int], check: str) -> None:
    """FS-10, FS-14: (2, −1) adds up to 1, and its honest sum proof does not help it."""
    assert reason(CONTEXT, Forger(CONTEXT, VICTIM, values).prove()) == check


def test_a_foreseeable_challenge_would_let_anyone_vote_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """FS-03: with e known beforehand five votes under a stolen credential verify; under the real challenge nothing."""
    guess, z = drawn("guess"), drawn("z")
    S = Elements.decode(VICTIM.credential)
    forged = Forger(CONTEXT, VICTIM, [5, 0, -4]).guess(guess)
    forged = msgspec.structs.replace(forged, commitment=(base(z) - times(S, guess)).encode(), response=encode(z))
    assert reason(CONTEXT, forged) == "BAL-09"
    assert reason(CONTEXT, own(CONTEXT, forged)) == "BAL-12"

    def foreseen(context: BallotContext, ballot: Ballot) -> int:
        return guess

    monkeypatch.setattr(ballots, "ballot_challenge", foreseen)
    assert reason(CONTEXT, forged) is None


class Weak:
    """A challenge that forgets a part of the ballot."""

    def __init__(self, field: int, halves: int | None = None) -> None:
        """Forget a field, or all first (0) or second (1) halves of its pairs."""
        self.field = field
        self.halves = halves

    def __call__(self, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        """Return the fields with blanks where the challenge does not look."""
        data = fields[self.field]
        assert isinstance(data, bytes)
        blank = bytearray(data)
        for at in range(0, len(data), ENCODED_BYTES):
            if self.halves is None or at // ENCODED_BYTES % 2 == self.halves:
                blank[at : at + ENCODED_BYTES] = bytes(ENCODED_BYTES)
        return (*fields[: self.field], bytes(blank), *fields[self.field + 1 :])

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the verifier use this challenge."""

        def weakened(context: BallotContext, ballot: Ballot) -> int:
            return challenge("ballot", *self((*ballot_fields(context, ballot), ballot.commitment)))

        monkeypatch.setattr(ballots, "ballot_challenge", weakened)


@pytest.mark.parametrize("kind", ["option", "sum"])
@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_commitment_outside_the_challenge_would_be_solved_for_last(
    monkeypatch: pytest.MonkeyPatch, kind: str, letter: str
) -> None:
    """FS-03: a hash without B admits any value or sum, one without A ciphertexts that nobody can decrypt."""
    weak = Weak(COMMITMENTS[kind], "AB".index(letter))
    if letter == "B":
        forger = Forger(CONTEXT, VICTIM, [5, -4, 0] if kind == "option" else [1, 1, 1], solve=(letter, kind))
    else:
        shift = drawn("garbage")
        garbage = [shift, -shift, 0] if kind == "option" else [0, 0, 0]
        forger = Forger(CONTEXT, VICTIM, [0, 1, 0], garbage=garbage, solve=(letter, kind))
    forger.forget = weak
    forged = forger.prove()
    assert reason(CONTEXT, forged) == "BAL-09"
    excluded = reason(CONTEXT, own(CONTEXT, forged))
    assert excluded == "BAL-12"
    weak.install(monkeypatch)
    assert reason(CONTEXT, forged) is None


def test_a_challenge_without_t_would_let_anyone_use_a_stolen_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """FS-03: T = z·G − e·S is set last; the real challenge covers T."""
    weak = Weak(15)
    forger = Forger(CONTEXT, VICTIM, [1, 0, 0], forget=weak)
    e = forger.challenge(forger.prove())
    T = base(drawn("z")) - times(Elements.decode(VICTIM.credential), e)
    forged = msgspec.structs.replace(forger.prove(), commitment=T.encode(), response=encode(drawn("z")))
    assert reason(CONTEXT, forged) == "BAL-09"
    weak.install(monkeypatch)
    assert reason(CONTEXT, forged) is None


def square_root(value: int) -> int | None:
    """Return a square root modulo the group order, which is 5 modulo 8; None if there is none."""
    root = pow(value, (ORDER + 3) // 8, ORDER)
    for candidate in (root, root * pow(2, (ORDER - 1) // 4, ORDER) % ORDER):
        if candidate * candidate % ORDER == value % ORDER:
            return candidate
    return None


def test_a_challenge_without_the_ciphertexts_would_admit_a_random_huge_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    """FS-01: the forgery of Bernhard, Pereira and Warinschi, which makes a tally undecryptable."""
    context, weak = make_context(SINGLE), Weak(CIPHERTEXTS)
    honest = seal_sample(context, ((1,),)).cast()
    root = None
    for attempt in range(20):
        a, d = ([drawn(f"{name} {attempt} {j}") for j in range(2)] for name in ("a", "d"))
        pairs = b"".join(base(a[j]).encode() + (times(context.joint_key, a[j]) - base(d[j])).encode() for j in range(2))
        contest = BallotContest(challenges=b"", ciphertexts=bytes(64), commitments=pairs * 2, responses=b"")
        draft = msgspec.structs.replace(honest, contests=(contest,), commitment=base(NONCE).encode())
        e = challenge("ballot", *weak((*ballot_fields(context, draft), draft.commitment)))
        # e·m² − (e + d0 + d1)·m + d0 = 0
        root = square_root((e + sum(d)) ** 2 - 4 * e * d[0])
        if root is not None:
            break
    assert root is not None
    m = (e + sum(d) + root) * pow(2 * e, -1, ORDER) % ORDER
    c = [d[0] * pow(m, -1, ORDER), d[1] * pow(m - 1, -1, ORDER)]
    assert sum(c) % ORDER == e
    r = drawn("r")
    contest = BallotContest(
        challenges=encode(c[0]) * 2,
        ciphertexts=base(r).encode() + (times(context.joint_key, r) + base(m)).encode(),
        commitments=pairs * 2,
        responses=b"".join(encode(a[j] + c[j] * r) for j in range(2)) * 2,
    )
    z = encode(NONCE + e * credential_secret(1).to_ints()[0])
    forged = msgspec.structs.replace(draft, contests=(contest,), response=z)
    assert reason(context, forged) == "BAL-09"
    assert reason(context, own(context, forged)) == "BAL-12"
    weak.install(monkeypatch)
    assert reason(context, forged) is None


def test_two_errors_do_not_cancel_in_the_batch() -> None:
    """EN-08: one response too large and another as much too small, in one ballot and in two, are both found."""
    second = seal_sample(CONTEXT, ((1, 0, 0),), number=2).cast()
    shifted = [
        shift_response(VICTIM, 1, 0),
        shift_response(second, -1, 0),
        shift_response(shift_response(VICTIM, 1, 0), -1, 2),
    ]
    found = check_ballots(CONTEXT, [VICTIM, *shifted, second], known_credential=never_known)
    assert [getattr(outcome, "check", None) for outcome in found] == [None, "BAL-12", "BAL-12", "BAL-12", None]
    zs = [int.from_bytes(ballot.response, "little") for ballot in (VICTIM, second)]
    crossed = [
        msgspec.structs.replace(ballot, response=encode(z + step))
        for ballot, z, step in zip((VICTIM, second), zs, (1, -1), strict=True)
    ]
    found = check_ballots(CONTEXT, crossed, known_credential=never_known)
    assert [getattr(outcome, "check", None) for outcome in found] == ["BAL-09", "BAL-09"]


def shift_response(ballot: Ballot, step: int, at: int) -> Ballot:
    """Return the ballot with one response of its contest changed by a step."""
    (contest,) = ballot.contests
    start = ENCODED_BYTES * at
    z = int.from_bytes(contest.responses[start : start + ENCODED_BYTES], "little") + step
    responses = contest.responses[:start] + encode(z) + contest.responses[start + ENCODED_BYTES :]
    return msgspec.structs.replace(ballot, contests=(msgspec.structs.replace(contest, responses=responses),))


def test_sums_that_cancel_are_good() -> None:
    """EN-03: randomness chosen so that Σα is the identity makes no verifier stumble."""
    forger = Forger(CONTEXT, VICTIM, [0, 0, 0], randomness=[drawn("x"), drawn("y"), -drawn("x") - drawn("y")])
    ballot = forger.prove()
    ciphertexts = check_ballot(CONTEXT, ballot, known_credential=never_known)
    assert ciphertexts.sum().alphas.is_identity() == [True]
    assert ciphertexts.sum().betas.is_identity() == [True]
    assert reason(CONTEXT, ballot) is None


def test_a_vote_in_clear_is_refused() -> None:
    """EN-02: randomness zero would publish the vote; α is the identity then."""
    forger = Forger(CONTEXT, VICTIM, [0, 1, 0], randomness=[drawn("x"), 0, drawn("y")])
    assert reason(CONTEXT, forger.prove()) == "BAL-11"
