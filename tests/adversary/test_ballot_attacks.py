"""Attacks on single ballots: copied, replayed, malleated, opened and cast."""

from __future__ import annotations

import msgspec
import pytest

from secballot.errors import PhaseError, SecballotError
from secballot.group import ENCODED_BYTES, Elements, Scalars, multiply_base
from secballot.protocol import ballot_proof, ballots
from secballot.protocol.ballots import ballot_fields, check_ballot, check_ballots, credential_digest
from secballot.protocol.casting import SealedBallot, recompute, seal
from secballot.records.ballot import BALLOT, Ballot, BallotContest
from secballot.transcript import challenge, digest
from tests.adversary.ballot_forger import base, drawn, encode, reason, times
from tests.sealed_ballots import (
    JOINT_SECRET,
    ONE_OF_THREE,
    SINGLE,
    TAGS,
    credential_secret,
    make_context,
    make_credential,
    own,
    seal_sample,
)

CONTEXT = make_context(ONE_OF_THREE)
TWO_CONTESTS = make_context(ONE_OF_THREE, ONE_OF_THREE)
VICTIM = seal_sample(CONTEXT, ((0, 1, 0),)).cast()


# --- copies


def contests_of(ballot: Ballot, *contests: BallotContest) -> Ballot:
    """Return the ballot with other contests."""
    return msgspec.structs.replace(ballot, contests=contests)


def test_a_ballot_under_another_credential_is_no_copy() -> None:
    """FS-09: the body of a ballot with the copier's credential, signed by the copier, proves nothing."""
    copier = make_credential(CONTEXT, number=2)
    copied = msgspec.structs.replace(
        VICTIM, credential=copier.S, randomizers=copier.randomizers, signatures=copier.signatures
    )
    assert reason(CONTEXT, copied) == "BAL-09"
    assert reason(CONTEXT, own(CONTEXT, copied, number=2)) == "BAL-12"


def test_a_copy_with_fresh_randomness_is_refused() -> None:
    """FS-09: (α + δ·G, β + δ·Y) with responses moved by c·δ needs the challenge to stay, and it does not."""
    (contest,) = VICTIM.contests
    e = challenge("ballot", *ballot_fields(CONTEXT, VICTIM), VICTIM.commitment)
    delta = drawn("delta")
    alpha, beta = (Elements.decode(contest.ciphertexts[at : at + 32]) for at in (0, 32))
    cs = [int.from_bytes(contest.challenges[:32], "little")]
    cs.append(e - cs[0])
    zs = [int.from_bytes(contest.responses[32 * j :][:32], "little") + cs[j] * delta for j in range(2)]
    blinded = msgspec.structs.replace(
        contest,
        ciphertexts=(alpha + base(delta)).encode()
        + (beta + times(CONTEXT.joint_key, delta)).encode()
        + contest.ciphertexts[64:],
        responses=b"".join(map(encode, zs)) + contest.responses[64:],
    )
    assert reason(CONTEXT, contests_of(VICTIM, blinded)) == "BAL-09"
    assert reason(CONTEXT, own(CONTEXT, contests_of(VICTIM, blinded))) == "BAL-12"


def test_parts_of_another_ballot_do_not_fit() -> None:
    """FS-09, FS-15: one contest, or one sum proof, of another ballot — even of the same credential — is refused."""
    mine = seal_sample(TWO_CONTESTS, ((1, 0, 0), (0, 0, 0)), seed=b"mine").cast()
    other = seal_sample(TWO_CONTESTS, ((1, 0, 0), (0, 0, 0)), seed=b"other").cast()
    copied = contests_of(mine, mine.contests[0], other.contests[1])
    assert reason(TWO_CONTESTS, copied) == "BAL-09"
    assert reason(TWO_CONTESTS, own(TWO_CONTESTS, copied)) == "BAL-12"
    first, second = mine.contests[0], other.contests[0]
    sums = msgspec.structs.replace(
        first,
        challenges=first.challenges[:-32] + second.challenges[-32:],
        commitments=first.commitments[:-128] + second.commitments[-128:],
        responses=first.responses[:-64] + second.responses[-64:],
    )
    assert reason(TWO_CONTESTS, contests_of(mine, sums, mine.contests[1])) == "BAL-09"


def test_contests_and_options_cannot_be_swapped() -> None:
    """FS-08: two contests of equal shape, or two options with their proofs, in the other order, are refused."""
    ballot = seal_sample(TWO_CONTESTS, ((1, 0, 0), (0, 1, 0))).cast()
    swapped = contests_of(ballot, *ballot.contests[::-1])
    assert reason(TWO_CONTESTS, swapped) == "BAL-09"
    assert reason(TWO_CONTESTS, own(TWO_CONTESTS, swapped)) == "BAL-12"
    (contest,) = VICTIM.contests
    exchanged = BallotContest(
        challenges=exchange(contest.challenges, 32),
        ciphertexts=exchange(contest.ciphertexts, 64),
        commitments=exchange(contest.commitments, 128),
        responses=exchange(contest.responses, 64),
    )
    assert reason(CONTEXT, contests_of(VICTIM, exchanged)) == "BAL-09"
    assert reason(CONTEXT, own(CONTEXT, contests_of(VICTIM, exchanged))) == "BAL-12"


def exchange(data: bytes, size: int) -> bytes:
    """Return the data with its first two pieces exchanged."""
    return data[size : 2 * size] + data[:size] + data[2 * size :]


def test_an_option_proof_is_no_sum_proof() -> None:
    """FS-06: with one option the sum has the same ciphertext and values, but its commitments have their own place.

    Under one challenge the proof of the option does hold for the sum as well: it is the same statement. What must not
    happen is that a proof is taken from one place of a finished ballot and put into the other.
    """
    context = make_context(SINGLE)
    ballot = seal_sample(context, ((1,),)).cast()
    (contest,) = ballot.contests
    moved = msgspec.structs.replace(
        contest,
        challenges=contest.challenges[:32] * 2,
        commitments=contest.commitments[:128] * 2,
        responses=contest.responses[:64] * 2,
    )
    assert reason(context, contests_of(ballot, moved)) == "BAL-09"
    assert reason(context, own(context, contests_of(ballot, moved))) == "BAL-12"


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_proof_has_the_branches_of_its_option(number: int) -> None:
    """FS-11, FS-16: proofs of 0..2 for an option of 0..1, of one branch, or of none, have another size."""
    (contest,) = VICTIM.contests
    wrong = msgspec.structs.replace(
        contest,
        challenges=contest.challenges[: 32 * number],
        commitments=contest.commitments[: 128 * number],
        responses=contest.responses[: 64 * number],
    )
    assert reason(CONTEXT, contests_of(VICTIM, wrong)) == "BAL-06"
    longer = msgspec.structs.replace(
        contest,
        challenges=contest.challenges + bytes(32),
        commitments=contest.commitments + contest.commitments[:64],
        responses=contest.responses + bytes(32),
    )
    assert reason(CONTEXT, contests_of(VICTIM, longer)) == "BAL-06"


# --- replays


REPLAYS = {
    "sitting": {"sitting": b"another"},
    "poll of the sitting": {"opening": b"another", "poll": 2},
    "poll number": {"poll": 2},
    "opening": {"opening": b"another"},
    "registration": {"registration": 2},
}


@pytest.mark.parametrize("target", REPLAYS)
def test_a_ballot_is_good_in_one_poll_only(target: str) -> None:
    """FS-07, BA-10: same keys, same roll, same credential secret: a ballot moved into it as it is, is refused."""
    other = make_context(ONE_OF_THREE, **REPLAYS[target])  # type: ignore[arg-type]
    expected = "BAL-01" if other.ctx != CONTEXT.ctx else "BAL-08"
    assert reason(other, VICTIM) == expected
    renamed = msgspec.structs.replace(VICTIM, ctx=other.ctx)
    # A credential names sitting, registration and poll, but not the opening.
    assert reason(other, renamed) == ("BAL-09" if target == "opening" else "BAL-08")
    credential = make_credential(other)
    moved = msgspec.structs.replace(renamed, randomizers=credential.randomizers, signatures=credential.signatures)
    assert reason(other, moved) == "BAL-09"
    assert reason(other, own(other, moved)) == "BAL-12"


def test_a_ballot_under_another_joint_key_is_refused() -> None:
    """FS-04: the key is the verifier's, not the ballot's."""
    key = multiply_base(Scalars.from_ints([JOINT_SECRET + 1]))
    other = ballots.BallotContext(
        sitting_id=CONTEXT.sitting_id,
        ctx=CONTEXT.ctx,
        joint_key=key,
        poll=1,
        registration=1,
        contests=CONTEXT.contests,
        registrar_keys=CONTEXT.registrar_keys,
    )
    assert reason(other, VICTIM) == "BAL-09"


def test_a_ballot_of_another_class_is_refused() -> None:
    """FS-08: the class is what the registrars' keys say."""
    assert reason(CONTEXT, msgspec.structs.replace(VICTIM, class_index=2)) == "BAL-08"
    assert reason(CONTEXT, own(CONTEXT, msgspec.structs.replace(VICTIM, class_index=2))) == "BAL-08"


def test_every_byte_is_under_the_challenge() -> None:
    """BA-06, BA-07: one bit turned anywhere is refused by any check, and anywhere but in z it changes the tracker."""
    body = BALLOT.encode(VICTIM)
    assert BALLOT.decode(body) == VICTIM
    for field in Ballot.__struct_fields__:
        for mutant in mutants(field):
            assert reason(CONTEXT, mutant) is not None
            assert (mutant.tracker() == VICTIM.tracker()) == (field == "response")


def mutants(field: str) -> list[Ballot]:
    """Return ballots with a field changed a little, in every part of it."""
    value = getattr(VICTIM, field)
    if isinstance(value, int):
        return [msgspec.structs.replace(VICTIM, **{field: value + 1})]
    if isinstance(value, str):
        return [msgspec.structs.replace(VICTIM, **{field: value[:-1] + "6"})]
    if isinstance(value, bytes):
        return [msgspec.structs.replace(VICTIM, **{field: changed}) for changed in turned(value)]
    (contest,) = value
    return [
        contests_of(VICTIM, msgspec.structs.replace(contest, **{name: changed}))
        for name in BallotContest.__struct_fields__
        for changed in turned(getattr(contest, name))
    ]


def turned(data: bytes) -> list[bytes]:
    """Return the data with one bit turned, once in each stretch of 32 bytes."""
    return [data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :] for at in range(3, len(data), ENCODED_BYTES)]


# --- cheap junk


class CountingElements:
    """Stands for `Elements` where ballots are decoded, and counts."""

    def __init__(self) -> None:
        """Count from zero."""
        self.decoded = 0

    def decode(self, data: bytes, *, allow_identity: bool = False) -> Elements:
        """Decode and count."""
        self.decoded += len(data) // ENCODED_BYTES
        return Elements.decode(data, allow_identity=allow_identity)

    concat = staticmethod(Elements.concat)


@pytest.mark.attack("PA-09", "SB-09")
@pytest.mark.parametrize("batched", [False, True])
def test_a_copied_credential_with_a_garbage_proof_costs_two_decodings(
    monkeypatch: pytest.MonkeyPatch, batched: bool
) -> None:
    """A copied credential, known to be signed, gets a stranger no further than S and T: no disjunction is decoded."""
    counter = CountingElements()
    monkeypatch.setattr(ballots, "Elements", counter)
    monkeypatch.setattr(ballot_proof, "Elements", counter)
    (contest,) = VICTIM.contests
    junk = msgspec.structs.replace(
        contest,
        challenges=b"\xff" * len(contest.challenges),
        ciphertexts=b"\xff" * len(contest.ciphertexts),
        commitments=b"\xff" * len(contest.commitments),
    )
    copied = contests_of(VICTIM, junk)
    known = {credential_digest(VICTIM)}
    if batched:
        found = check_ballots(CONTEXT, [copied] * 5, known_credential=known.__contains__)
        assert {getattr(outcome, "check", None) for outcome in found} == {"BAL-09"}
        assert counter.decoded == 2 * 5
    else:
        with pytest.raises(SecballotError) as caught:
            check_ballot(CONTEXT, copied, known_credential=known.__contains__)
        assert caught.value.check == "BAL-09"
        assert counter.decoded == 2
    counter.decoded = 0
    check_ballots(CONTEXT, [VICTIM], known_credential=known.__contains__)
    assert counter.decoded == 2 + 6 * 3 + 2 * 2


# --- opened ballots


@pytest.mark.attack("SB-01")
def test_what_is_shown_of_an_opened_ballot_cannot_be_cast() -> None:
    """Every scalar that the seed gives, and every response of the ballot, is tried as t or z: none completes it."""
    sealed = seal_sample(CONTEXT, ((0, 1, 0),))
    shown = sealed.open()
    body = recompute(CONTEXT, shown)
    fields = {name: getattr(body, name) for name in body.__struct_fields__}
    e = challenge("ballot", *ballot_fields(CONTEXT, body), body.commitment)
    flat = b"".join(value.to_bytes(8, "big") for value in (0, 1, 0))
    root = digest("ballot-root", shown.seed, shown.ctx, shown.credential, 0, bytes(32), shown.tag, flat)
    candidates = [0, 1, e, -e, int.from_bytes(shown.seed, "little")]
    for role in ("encrypt", "commit", "challenge"):
        for option in range(4):
            candidates += [
                int.from_bytes(digest("ballot-scalar", root, role, 1, option, j), "little") for j in range(3)
            ]
    (contest,) = body.contests
    candidates += [
        int.from_bytes(contest.responses[at : at + 32], "little") for at in range(0, len(contest.responses), 32)
    ]
    candidates += [a + b for a in candidates[:20] for b in candidates[:20]]
    T = Elements.decode(shown.commitment)
    S = Elements.decode(shown.credential)
    assert all(base(value) != T for value in candidates)
    assert all(base(value) != S for value in candidates)
    target = T + times(S, e)
    assert all(base(value) != target for value in candidates)
    for z in candidates[:6]:
        assert reason(CONTEXT, Ballot(**fields, response=encode(z))) == "BAL-09"


def test_an_opened_and_a_cast_ballot_of_one_credential_do_not_give_its_secret_away() -> None:
    """BA-13: after opening, the next ballot has a seed, T and tracker of its own, and neither completes the other."""
    opened = seal_sample(CONTEXT, ((0, 1, 0),), seed=b"first", fresh=b"first")
    shown = opened.open()
    body = recompute(CONTEXT, shown)
    cast = seal_sample(CONTEXT, ((0, 1, 0),), seed=b"second", fresh=b"second").cast()
    assert cast.commitment != shown.commitment
    fields = {name: getattr(body, name) for name in body.__struct_fields__}
    assert reason(CONTEXT, Ballot(**fields, response=cast.response)) == "BAL-09"
    assert reason(CONTEXT, msgspec.structs.replace(cast, commitment=shown.commitment)) == "BAL-09"
    with pytest.raises(PhaseError):
        opened.cast()


@pytest.mark.attack("SB-01")
def test_the_nonce_does_not_come_from_the_seed() -> None:
    """One seed with other fresh bytes, or another credential, gives another T; the seed alone gives none."""
    commitments = {
        seal_sample(CONTEXT, ((0, 1, 0),), fresh=fresh, number=number).open().commitment
        for fresh in (b"one", b"two")
        for number in (1, 2)
    }
    assert len(commitments) == 4


def test_a_client_cannot_show_two_delegates_one_ballot_under_two_tags() -> None:
    """BA-05: a ballot whose tag is changed afterwards is refused, and has another tracker."""
    relabelled = msgspec.structs.replace(VICTIM, tag=TAGS[1])
    assert relabelled.tracker() != VICTIM.tracker()
    assert reason(CONTEXT, relabelled) == "BAL-09"
    with pytest.raises(TypeError):
        seal(  # type: ignore[call-arg]
            CONTEXT,
            make_credential(CONTEXT),
            credential_secret(1),
            ((0, 1, 0),),
            sequence=0,
            previous=bytes(32),
            seed=bytes(32),
            fresh=bytes(32),
        )


def test_trackers_tell_ballots_apart() -> None:
    """BA-06: ballots that say the same have trackers of their own."""
    sealed: list[SealedBallot] = [seal_sample(CONTEXT, ((0, 1, 0),), seed=b"%d" % number) for number in range(50)]
    assert len({one.tracker for one in sealed}) == 50
    assert [one.tracker for one in sealed] == [one.cast().tracker() for one in sealed]
