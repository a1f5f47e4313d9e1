"""Ballots with false proofs, elements or scalars: refused, excluded, and in no tally (catalogue sections FS and EN)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.elgamal import Ciphertexts
from secballot.group import ORDER, Elements, Scalars, multiply_base
from tests.adversary.ballot_forger import Forger, drawn, times
from tests.adversary.three_ways import counts_in_none_of_three_ways
from tests.ballot_mutants import plus_one
from tests.simulator import TAGS, resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream

if TYPE_CHECKING:
    from secballot.records.ballot import Ballot, BallotContest

ME = 2
"""The dishonest delegate; 0 and 1 are honest."""

NON_CANONICAL = (2**255 - 18).to_bytes(32, "little")
"""1 + p: a second spelling of a field element."""

NEGATIVE = (2**255 - 20).to_bytes(32, "little")
"""−1: a negative field element, which encodes nothing."""


def mine(stream: Stream, contests: int = 1, seed: bytes = b"") -> Ballot:
    """Return an honest ballot of the dishonest delegate."""
    return stream.ballot(ME, (FOR,) * contests, seed=seed)


def victims(stream: Stream, contests: int = 1) -> Ballot:
    """Return delegate 0's first ballot, as anybody can read it on the log."""
    twin = Stream()
    twin.open(*(resolution(f"Declaration {number}") for number in range(contests)))
    assert twin.poll().ctx == stream.poll().ctx
    return twin.ballot(0, (FOR,) * contests)


def changed(ballot: Ballot, **parts: bytes) -> Ballot:
    """Return the ballot with parts of its first contest replaced."""
    first, *rest = ballot.contests
    return msgspec.structs.replace(ballot, contests=(msgspec.structs.replace(first, **parts), *rest))


def forged(stream: Stream, values: list[int], randomness: list[int] | None = None) -> Ballot:
    """Return a ballot for any values, with proofs as good as a forger can make them, finished by its owner."""
    forger = Forger(stream.poll().context, mine(stream), values, randomness or [])
    return stream.resign(ME, forger.prove())


@pytest.mark.parametrize("values", [[drawn("a random huge m"), 0, 0], [0, drawn("another"), 1]])
def test_a_huge_vote_is_not_counted(values: list[int]) -> None:
    """FS-01: a vote whose sum nobody could open: under the real challenge its forger has no proof of it."""
    counts_in_none_of_three_ways(lambda stream: forged(stream, values), "BAL-12")


@pytest.mark.parametrize(
    ("values", "check"),
    [([2, -1, 0], "BAL-12"), ([5, 0, 0], "BAL-12"), ([ORDER - 1, 1, 1], "BAL-12"), ([1, 1, 0], "BAL-13")],
)
def test_values_out_of_range_are_not_counted(values: list[int], check: str) -> None:
    """FS-10, FS-14: (2, −1) and (−1, 1, 1) add up to what one vote adds up to; two honest votes do not."""
    counts_in_none_of_three_ways(lambda stream: forged(stream, values), check)


def test_without_its_option_proofs_a_ballot_is_not_counted() -> None:
    """FS-14: the sum's proof alone has another size than a ballot's proofs."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        (contest,) = ballot.contests
        parts = {"commitments": contest.commitments[-64:], "challenges": b"", "responses": contest.responses[-32:]}
        return stream.resign(ME, changed(ballot, **parts))

    counts_in_none_of_three_ways(fault, "BAL-06")


@pytest.mark.attack("SB-12")
def test_a_ballot_of_another_poll_is_not_counted() -> None:
    """FS-07: a credential of poll 2 is signed by the keys of poll 2, whatever poll its ballot is moved to."""

    def fault(stream: Stream) -> Ballot:
        stream.open(resolution("Declaration 0"), number=2)
        return msgspec.structs.replace(stream.ballot(ME, (FOR,), 2), ctx=stream.poll().ctx)

    counts_in_none_of_three_ways(fault, "BAL-08")


@pytest.mark.parametrize("resigned", [False, True])
def test_a_ballot_with_options_exchanged_is_not_counted(resigned: bool) -> None:
    """FS-08: ciphertexts and proofs of options 1 and 2 change places, with and without the owner's help."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        (c,) = ballot.contests

        def swap(data: bytes, size: int) -> bytes:
            return data[size : 2 * size] + data[:size] + data[2 * size :]

        parts = {"ciphertexts": swap(c.ciphertexts, 64), "commitments": swap(c.commitments, 128)}
        parts |= {"challenges": swap(c.challenges, 32), "responses": swap(c.responses, 64)}
        swapped = changed(ballot, **parts)
        return stream.resign(ME, swapped) if resigned else swapped

    counts_in_none_of_three_ways(fault, "BAL-12" if resigned else "BAL-09")


@pytest.mark.parametrize("resigned", [False, True])
def test_a_ballot_with_contests_exchanged_is_not_counted(resigned: bool) -> None:
    """FS-08: two contests of one shape change places."""

    def fault(stream: Stream) -> Ballot:
        ballot = stream.ballot(ME, (FOR, AGAINST))
        swapped = msgspec.structs.replace(ballot, contests=ballot.contests[::-1])
        return stream.resign(ME, swapped) if resigned else swapped

    counts_in_none_of_three_ways(fault, "BAL-12" if resigned else "BAL-09", contests=2)


def test_a_ballot_under_another_class_is_not_counted() -> None:
    """FS-08: class 2 votes on the same contest, but its keys did not sign this credential."""
    counts_in_none_of_three_ways(
        lambda stream: stream.resign(ME, msgspec.structs.replace(mine(stream), class_index=2)), "BAL-08"
    )


def test_a_copied_ballot_is_not_counted() -> None:
    """FS-09: a victim's contests under the copier's credential, finished by the copier."""
    counts_in_none_of_three_ways(
        lambda stream: stream.resign(ME, msgspec.structs.replace(mine(stream), contests=victims(stream).contests)),
        "BAL-12",
    )


def test_a_copied_contest_is_not_counted() -> None:
    """FS-09: one contest of two is a victim's."""

    def fault(stream: Stream) -> Ballot:
        own = mine(stream, 2)
        return stream.resign(
            ME, msgspec.structs.replace(own, contests=(victims(stream, 2).contests[0], own.contests[1]))
        )

    counts_in_none_of_three_ways(fault, "BAL-12", contests=2)


def test_a_copy_with_fresh_randomness_is_not_counted() -> None:
    """FS-09: (α + δ·G, β + δ·Y), every response moved by c·δ: blind copying fits the old challenge only."""

    def fault(stream: Stream) -> Ballot:
        victim, delta = victims(stream), drawn("δ")
        (contest,) = victim.contests
        pair = Ciphertexts.decode(contest.ciphertexts)
        alphas = pair.alphas + multiply_base(Scalars.from_ints([delta] * 3))
        betas = pair.betas + Elements.concat([times(stream.poll().context.joint_key, delta)] * 3)
        copy = changed(victim, ciphertexts=Ciphertexts(alphas, betas).encode())
        return stream.resign(ME, msgspec.structs.replace(mine(stream), contests=copy.contests))

    counts_in_none_of_three_ways(fault, "BAL-12")


@pytest.mark.parametrize("branches", [0, 1, 3])
def test_a_proof_of_another_range_is_not_counted(branches: int) -> None:
    """FS-11: none, one or three branches for an option of 0..1."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        (c,) = ballot.contests
        parts = {
            "commitments": (c.commitments[:64] * branches) + c.commitments[128:],
            "challenges": c.challenges[:32] * (branches - 1) + c.challenges[32:],
            "responses": c.responses[:32] * branches + c.responses[64:],
        }
        return stream.resign(ME, changed(ballot, **parts))

    counts_in_none_of_three_ways(fault, "BAL-06")


@pytest.mark.parametrize("spelling", ["plus order", "top bit"])
@pytest.mark.parametrize("field", ["challenges", "responses", "response"])
def test_a_scalar_in_another_spelling_is_not_counted(field: str, spelling: str) -> None:
    """FS-12: c + ℓ, z + ℓ, or bit 255: equal modulo ℓ, and refused; nobody makes a second form of a ballot."""

    def respell(data: bytes) -> bytes:
        number = int.from_bytes(data[:32], "little")
        other = number + ORDER if spelling == "plus order" else number + 2**255
        return other.to_bytes(32, "little") + data[32:]

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        if field == "response":
            return msgspec.structs.replace(ballot, response=respell(ballot.response))
        return changed(ballot, **{field: respell(getattr(ballot.contests[0], field))})

    counts_in_none_of_three_ways(fault, "BAL-07" if field == "response" else "BAL-10")


@pytest.mark.parametrize("part", ["whole sum", "responses"])
def test_the_sum_proof_of_another_ballot_is_not_counted(part: str) -> None:
    """FS-15: of the same credential, poll and sum."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        (c,), (other,) = ballot.contests, mine(stream, seed=b"other").contests
        if part == "responses":
            return changed(ballot, responses=c.responses[:-32] + other.responses[-32:])
        parts = {
            "commitments": c.commitments[:-64] + other.commitments[-64:],
            "responses": c.responses[:-32] + other.responses[-32:],
        }
        return stream.resign(ME, changed(ballot, **parts))

    # With other commitments the challenge is another one, and the proofs of the options do not fit it either.
    counts_in_none_of_three_ways(fault, "BAL-13" if part == "responses" else "BAL-12")


@pytest.mark.parametrize("shape", ["missing", "twice", "option more", "none"])
def test_a_ballot_of_another_shape_is_not_counted(shape: str) -> None:
    """FS-16: a contest left out, given twice, or with an option too many; or no contest at all."""

    def longer(contest: BallotContest) -> BallotContest:
        return msgspec.structs.replace(contest, ciphertexts=contest.ciphertexts + contest.ciphertexts[:64])

    def fault(stream: Stream) -> Ballot:
        ballot = stream.ballot(ME, (FOR, ABSTAIN))
        first, second = ballot.contests
        contests = {"missing": (first,), "twice": (first, second, second), "option more": (longer(first), second)}
        return msgspec.structs.replace(ballot, contests=contests.get(shape, ()))

    counts_in_none_of_three_ways(fault, "BAL-06", contests=2)


@pytest.mark.parametrize("encoding", [NON_CANONICAL, NEGATIVE, b"\xff" * 32, bytes(31) + b"\x80"])
@pytest.mark.parametrize("place", ["alpha", "beta", "A", "B"])
def test_an_element_in_a_bad_encoding_is_not_counted(place: str, encoding: bytes) -> None:
    """EN-01: not reduced, negative, no element, or with the highest bit set, in every place of a contest."""
    counts_in_none_of_three_ways(lambda stream: with_element(stream, place, encoding), "BAL-11")


@pytest.mark.parametrize("place", ["alpha", "beta", "A", "B"])
def test_the_identity_is_no_part_of_a_ballot(place: str) -> None:
    """EN-02: 32 zero bytes decode nowhere in a ballot."""
    counts_in_none_of_three_ways(lambda stream: with_element(stream, place, bytes(32)), "BAL-11")


@pytest.mark.parametrize("field", ["credential", "commitment"])
@pytest.mark.parametrize("encoding", [bytes(32), NON_CANONICAL, NEGATIVE])
def test_a_credential_or_commitment_that_does_not_decode_is_not_counted(field: str, encoding: bytes) -> None:
    """EN-01, EN-02: S and T likewise."""
    counts_in_none_of_three_ways(
        lambda stream: msgspec.structs.replace(mine(stream), **{field: encoding}),
        "BAL-07",
    )


def with_element(stream: Stream, place: str, encoding: bytes) -> Ballot:
    """Return a ballot with one element of its first option replaced, finished by its owner."""
    ballot = mine(stream)
    (contest,) = ballot.contests
    name = "ciphertexts" if place in {"alpha", "beta"} else "commitments"
    data, at = getattr(contest, name), 0 if place in {"alpha", "A"} else 32
    return stream.resign(ME, changed(ballot, **{name: data[:at] + encoding + data[at + 32 :]}))


def test_a_vote_in_clear_is_not_counted() -> None:
    """EN-02: randomness zero publishes the vote, and α is the identity."""
    counts_in_none_of_three_ways(lambda stream: forged(stream, [0, 1, 0], [drawn("x"), 0, drawn("y")]), "BAL-11")


def test_a_second_z_is_not_counted() -> None:
    """EN-07: z is unique given the rest, so a relay cannot make a second ballot of the first."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        return msgspec.structs.replace(ballot, response=plus_one(ballot.response))

    counts_in_none_of_three_ways(fault, "BAL-09")


def test_errors_that_cancel_are_not_counted() -> None:
    """EN-08: z_1 + δ and z_2 − δ in one ballot: the weights of a batch are random, the verdict is single."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        (contest,) = ballot.contests
        first, second = (int.from_bytes(contest.responses[at : at + 32], "little") for at in (0, 32))
        moved = [(first + 5) % ORDER, (second - 5) % ORDER]
        data = b"".join(number.to_bytes(32, "little") for number in moved)
        return changed(ballot, responses=data + contest.responses[64:])

    counts_in_none_of_three_ways(fault, "BAL-12")


def test_a_doubled_ballot_is_not_counted() -> None:
    """TL-01: two ballots' worth of ciphertexts under the proofs of one."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        ciphertexts = Ciphertexts.decode(ballot.contests[0].ciphertexts)
        return stream.resign(ME, changed(ballot, ciphertexts=(ciphertexts + ciphertexts).encode()))

    counts_in_none_of_three_ways(fault, "BAL-12")


def test_an_honest_ballot_is_counted() -> None:
    """The harness can fail: a good ballot is none of its cases."""
    with pytest.raises(AssertionError):
        counts_in_none_of_three_ways(lambda stream: stream.ballot(ME, (FOR,), tag=TAGS[5]), "BAL-12")
