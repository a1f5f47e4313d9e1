"""From closing to result: aggregates, floors, decryptions, counts, and the result that everybody recomputes."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.elgamal import Ciphertexts
from secballot.errors import Party, RecordError
from secballot.group import ORDER, Elements, Scalars
from secballot.protocol.tallying import tally_id
from secballot.records.closing import Lapse
from secballot.records.opening import Contest, Option
from secballot.records.result import ContestResult
from secballot.roles.delegate import ballot_entry
from tests.adversary.ballot_forger import NONCE, Forger, base, encode
from tests.second_verifier import ignore, mark
from tests.simulator import election, resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream, verdict, voter

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.ballot import Ballot

NOTHING = (0, 0, 0)


def closed(*votes: tuple[tuple[int, ...], ...], contests: tuple[Contest, ...] = ()) -> Stream:
    """Return a closed poll of these votes."""
    stream = Stream()
    note = stream.open(*(contests or (resolution(),)))
    stream.vote(*votes)
    stream.close(note)
    mark(stream.board)
    return stream


def counts(stream: Stream) -> list[tuple[int, ...]]:
    """Return the counts of every contest once trustees 1 and 4 have decrypted what is at the floor."""
    for contest, at_floor in enumerate(stream.poll().at_floor, 1):
        if at_floor:
            stream.decrypt(1, 4, contest=contest)
    return [contest.counts for contest in stream.result().contests]


@pytest.mark.attack("TL-02")
def test_the_tally_is_named_by_what_is_counted() -> None:
    """tally_id covers ctx, the closing, the counted ballots in log order, and all aggregates."""
    stream = Stream()
    note = stream.open(resolution(), election())
    stream.vote((FOR, NOTHING), (FOR, NOTHING))
    stream.cast(stream.ballot(0, (AGAINST, NOTHING)))
    stream.close(note)
    poll = stream.poll()
    (first, second) = sorted(poll.heads.values(), key=lambda head: head.index)
    assert first.sequence == 0
    assert second.sequence == 1
    assert poll.closing is not None
    flat = Ciphertexts.concat(poll.aggregates)
    assert poll.tally_id == tally_id(poll.ctx, poll.closing.leaf, [first.leaf, second.leaf], flat)
    assert len(flat) == 6


def test_weights_are_in_the_aggregates() -> None:
    """Each class's sum is scaled by its weight, and a contest holds the classes it is open to."""
    both = [(FOR, (1, 1, 0))] * 2 + [(AGAINST, (0, 1, 1))] * 2
    stream = closed(*both, (FOR,), (ABSTAIN,), contests=(resolution(), election()))
    sums, aggregates = stream.poll().sums, stream.poll().aggregates
    assert aggregates[0] == sums[1][:3].scale(2) + sums[2]
    assert aggregates[1] == sums[1][3:].scale(2)
    assert counts(stream) == [(2 * 2 + 1, 2 * 2, 1), (2 * 2, 2 * 4, 2 * 2)]


def test_zero_votes_for_an_option_are_a_count() -> None:
    """EN-03: M is the identity, and blank ballots are ballots."""
    stream = closed((FOR, NOTHING), (FOR, NOTHING), contests=(resolution(), election()))
    assert counts(stream) == [(4, 0, 0), (0, 0, 0)]
    assert stream.result().contests[1] == ContestResult(counts=(0, 0, 0), elected=(), outcome="elected", tied=())


def test_scores_and_several_votes_are_counted() -> None:
    """Maxima above 1 and sums above 1: scores, cumulative votes, and the bounds of both at once."""
    scores = Contest(
        documents=(),
        options=(Option("A", 3), Option("B", 5), Option("C", 1)),
        rules="council",
        sum_maximum=9,
        sum_minimum=0,
        text="",
        title="Scores",
    )
    points = msgspec.structs.replace(
        scores, options=tuple(Option(name, 4) for name in "ABC"), sum_maximum=4, sum_minimum=4, title="Four points"
    )
    votes = [((3, 5, 1), (4, 0, 0)), ((0, 5, 0), (1, 3, 0)), ((0, 0, 0), (2, 1, 1))]
    stream = closed(*votes, contests=(scores, points))
    assert counts(stream) == [(6, 20, 2), (14, 8, 2)]


def _owned(stream: Stream, who: int, forger: Forger) -> Ballot:
    """Return what the forger proves, signed by the delegate whose ballot it took over."""
    proved = forger.prove()
    e = forger.challenge(proved)
    z = NONCE + e * voter(who).secret.to_ints()[0]
    return msgspec.structs.replace(proved, response=encode(z))


def cancelled(votes: tuple[tuple[int, ...], tuple[int, ...]]) -> Stream:
    """Return a closed poll of two ballots with nonces r and −r in every option."""
    stream = Stream()
    note = stream.open(resolution())
    nonces = [11, 12, 13]
    for who, (values, sign) in enumerate(zip(votes, (1, -1), strict=True)):
        victim = stream.ballot(who, (values,))
        randomness = [sign * nonce % ORDER for nonce in nonces]
        forger = Forger(stream.poll().context, victim, list(values), randomness=randomness)
        assert verdict(stream.cast(_owned(stream, who, forger))) == ("accepted", None)
    stream.close(note)
    return stream


@pytest.mark.parametrize("votes", [(FOR, AGAINST), (FOR, FOR)])
def test_two_colluders_cannot_block_a_tally_with_cancelling_nonces(votes: tuple[tuple[int, ...], ...]) -> None:
    """EN-03: Σα is the identity, factors are the identity, their proofs hold, and the counts are right."""
    first, second = votes
    stream = cancelled((first, second))
    aggregates = stream.poll().aggregates[0]
    assert aggregates.alphas.encode() == bytes(96)
    body = stream.decryption(1)
    assert body.factors == bytes(96)
    expected = tuple(2 * (a + b) for a, b in zip(first, second, strict=True))
    assert counts(stream) == [expected]


def test_a_cancelled_aggregate_does_not_excuse_a_wrong_factor() -> None:
    """TAL-04: with α = O only D = O can be proved."""
    stream = cancelled((FOR, AGAINST))
    body = stream.decryption(1)
    wrong = msgspec.structs.replace(body, factors=base(5).encode() + body.factors[32:])
    judgement = stream.post(stream.keys.trustees[0], "decryption", wrong)
    assert (*verdict(judgement), judgement.culprit) == ("fault", "TAL-04", Party("trustee", 1))


def test_whole_ballots_of_opposite_nonces_cancel_the_sum_proofs_too() -> None:
    """EN-03: within one ballot the sum's α may be the identity."""
    stream = Stream()
    note = stream.open(resolution())
    for who in range(2):
        victim = stream.ballot(who, (FOR,))
        forger = Forger(stream.poll().context, victim, list(FOR), randomness=[5 + who, 6, -(11 + who) % ORDER])
        assert verdict(stream.cast(_owned(stream, who, forger))) == ("accepted", None)
    stream.close(note)
    assert counts(stream) == [(4, 0, 0)]


# --- TAL-01


@pytest.mark.attack("CR-15")
def test_more_credentials_than_answers_void_the_poll() -> None:
    """TAL-01: registrars who all collude sign a credential that nobody asked for; the closing names them all."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote(*[(FOR,)] * 8)
    assert verdict(stream.cast(stream.mint(1, (FOR,)))) == ("accepted", None)
    assert stream.poll().counted() == {1: 5, 2: 4}
    judgement = stream.post(stream.officers[0], "closing", stream.closing(note))
    assert (*verdict(judgement), judgement.culprit) == ("effect", "TAL-01", Party("registrars"))
    assert stream.status() == "void"
    assert verdict(stream.decrypt(1)) == ("no effect", "ENT-06")
    assert stream.failures() == []


def test_stuffing_is_counted_class_by_class() -> None:
    """TAL-01: abstentions in one class hide no stuffing in the other."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote(*[(FOR,)] * 4, first=4)
    assert verdict(stream.cast(stream.mint(2, (FOR,)))) == ("accepted", None)
    judgement = stream.post(stream.officers[0], "closing", stream.closing(note))
    assert verdict(judgement) == ("effect", "TAL-01")


@pytest.mark.attack("CR-15")
def test_stuffing_within_the_slack_is_not_noticed() -> None:
    """What TAL-01 does not claim: where somebody abstains, all registrars together can vote instead."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote(*[(FOR,)] * 3)
    assert verdict(stream.cast(stream.mint(1, (FOR,)))) == ("accepted", None)
    stream.close(note)
    assert stream.status() == "closed"


@pytest.mark.attack("CR-15")
def test_all_but_one_registrar_cannot_mint_a_credential() -> None:
    """BAL-08: one honest registrar is enough."""
    stream = Stream()
    stream.open(resolution())
    assert verdict(stream.cast(stream.mint(1, (FOR,), colluding=1))) == ("excluded", "BAL-08")


# --- TAL-02


FLOORS = {
    "nobody": ([], [], False),
    "one of the first class": ([FOR], [], False),
    "one of either": ([FOR], [FOR], False),
    "two and one": ([FOR, FOR], [FOR], False),
    "two of the first class": ([FOR, FOR], [], True),
    "two of the second class": ([], [FOR, FOR], True),
    "two of either": ([FOR, FOR], [AGAINST, AGAINST], True),
}


@pytest.mark.attack("SB-07", "TL-11")
@pytest.mark.parametrize("turnout", FLOORS)
def test_the_floor_holds_for_the_contest_and_for_each_weight(turnout: str) -> None:
    """TAL-02: at least two ballots, and at least two of each weight that occurs; below, no decryption has effect."""
    first, second, opened = FLOORS[turnout]
    stream = Stream()
    note = stream.open(resolution())
    stream.vote(*[(vote,) for vote in first])
    stream.vote(*[(vote,) for vote in second], first=4)
    stream.close(note)
    assert stream.poll().at_floor == (opened,)
    outcome = ("effect", None) if opened else ("no effect", "ENT-06")
    assert [verdict(stream.decrypt(trustee)) for trustee in (1, 2)] == [outcome] * 2
    (result,) = stream.result().contests
    assert (result.outcome == "unopened") is not opened


@pytest.mark.attack("SB-07")
def test_a_contest_below_the_floor_stays_closed_beside_an_open_one() -> None:
    """TAL-02 is judged contest by contest; the result says `unopened` and gives no counts."""
    stream = Stream()
    note = stream.open(resolution(), election())
    stream.vote((FOR, (1, 1, 0)))
    stream.vote((FOR,), (AGAINST,), first=4)
    stream.cast(stream.ballot(0, (AGAINST, (0, 1, 0))))
    stream.close(note)
    assert stream.poll().at_floor == (False, False)
    stream = Stream()
    note = stream.open(resolution(), election())
    stream.vote((FOR,), (AGAINST,), first=4)
    stream.close(note)
    assert stream.poll().at_floor == (True, False)
    assert verdict(stream.decrypt(1, contest=2)) == ("no effect", "ENT-06")
    stream.decrypt(1, 2)
    assert stream.result().contests[1] == ContestResult(counts=(), elected=(), outcome="unopened", tied=())
    assert verdict(stream.act("result", stream.result())) == ("effect", None)


@pytest.mark.attack("TL-11")
def test_revotes_do_not_lift_a_contest_over_the_floor() -> None:
    """TAL-02 counts ballots that count."""
    stream = Stream()
    note = stream.open(resolution())
    for vote in (FOR, AGAINST, FOR):
        stream.cast(stream.ballot(0, (vote,)))
    stream.close(note)
    assert stream.poll().at_floor == (False,)


# --- TAL-03, TAL-04


WRONG: dict[str, tuple[Callable[[Stream], dict[str, object]], str]] = {
    "another tally": (lambda s: {"tally_id": s.decryption(1, tally_id=bytes(64)).tally_id}, "TAL-03"),
    "a factor too few": (lambda s: {"factors": s.decryption(1).factors[:-32]}, "TAL-03"),
    "a proof too many": (lambda s: {"proofs": s.decryption(1).proofs + bytes(64)}, "TAL-03"),
    "nothing": (lambda _: {"factors": b"", "proofs": b""}, "TAL-03"),
    "garbage factors": (lambda _: {"factors": b"\xff" * 96}, "TAL-04"),
    "all factors the identity": (lambda _: {"factors": bytes(96)}, "TAL-04"),
    "garbage proofs": (lambda _: {"proofs": b"\xff" * 192}, "TAL-04"),
    "proofs of nothing": (lambda _: {"proofs": bytes(192)}, "TAL-04"),
    "another trustee's": (lambda s: {"factors": s.decryption(2).factors, "proofs": s.decryption(2).proofs}, "TAL-04"),
    "proofs for another tally": (lambda s: {"proofs": s.decryption(1, tally_id=bytes(64)).proofs}, "TAL-04"),
    "options swapped": (
        lambda s: {
            "factors": s.decryption(1).factors[32:64] + s.decryption(1).factors[:32] + s.decryption(1).factors[64:]
        },
        "TAL-04",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_garbage_by_one_trustee_names_it_and_blocks_nobody(wrong: str) -> None:
    """TL-07: a fault of that trustee alone, again and again; any t others open, and it may still do it right."""
    stream = closed((FOR,), (FOR,), (AGAINST,))
    change, check = WRONG[wrong]
    bad = msgspec.structs.replace(stream.decryption(1), **change(stream))
    for _ in range(2):
        judgement = stream.post(stream.keys.trustees[0], "decryption", bad)
        assert (*verdict(judgement), judgement.culprit) == ("fault", check, Party("trustee", 1))
    assert stream.poll().factors == [{}]
    stream.decrypt(3, 4)
    assert stream.result().contests[0].counts == (4, 2, 0)
    assert verdict(stream.decrypt(1)) == ("effect", None)
    assert stream.failures() == []


@pytest.mark.attack("TL-05")
def test_a_trustee_decrypts_a_contest_once() -> None:
    """TAL-03: the same document is a repetition, another one a fault, even a right one with other nonces."""
    stream = closed((FOR,), (FOR,))
    body, other = stream.decryption(1), stream.decryption(1, fresh=b"\1" * 32)
    assert other.factors == body.factors
    assert other.proofs != body.proofs
    key = stream.keys.trustees[0]
    assert verdict(stream.post(key, "decryption", body)) == ("effect", None)
    assert verdict(stream.post(key, "decryption", body)) == ("no effect", "ENT-06")
    judgement = stream.post(key, "decryption", other)
    assert (*verdict(judgement), judgement.culprit) == ("fault", "TAL-03", Party("trustee", 1))


def test_a_factor_of_another_secret_is_not_the_trustees() -> None:
    """TL-06: a proof under a key of one's own, D = y·α, is not one for the public share of the ceremony."""
    stream = closed((FOR,), (FOR,))
    secret = Scalars.from_ints([12345])
    body = stream.decryption(1, secret=secret, public_share=base(12345))
    judgement = stream.post(stream.keys.trustees[0], "decryption", body)
    assert (*verdict(judgement), judgement.culprit) == ("fault", "TAL-04", Party("trustee", 1))


@pytest.mark.attack("TL-10")
def test_a_decryption_is_out_of_phase_before_the_closing_and_for_no_contest() -> None:
    """ENT-06, never a fault: not closed, lapsed, a contest that is none, a ctx that is none."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    twin = closed((FOR,), (FOR,))
    body = twin.decryption(1)
    key = stream.keys.trustees[0]
    assert verdict(stream.post(key, "decryption", body)) == ("no effect", "ENT-06")
    stream.close(note)
    for wrong in (
        msgspec.structs.replace(stream.decryption(1), contest=2),
        msgspec.structs.replace(stream.decryption(1), ctx=bytes(32)),
    ):
        assert verdict(stream.post(key, "decryption", wrong)) == ("no effect", "ENT-06")
    assert verdict(stream.post(stream.officers[0], "decryption", stream.decryption(1))) == ("no effect", "ENT-04")
    lapsing = Stream()
    lapsing.open(resolution())
    late = lapsing.poll().closes_at + lapsing.manifest.grace + 1
    lapsing.post(key, "lapse", Lapse(lapsing.note(late), lapsing.poll().ctx))
    assert verdict(lapsing.post(key, "decryption", body)) == ("no effect", "ENT-06")


def test_any_two_of_four_trustees_give_the_same_counts() -> None:
    """TL-05: every subset of the threshold's size, in whatever order; one alone opens nothing."""
    found = set()
    for first, second in combinations((3, 1, 4, 2), 2):
        stream = closed((FOR,), (AGAINST,), (FOR,))
        stream.decrypt(first)
        with pytest.raises(RecordError):
            stream.result()
        stream.decrypt(second)
        found.add(stream.result())
    (result,) = {result.contests for result in found}
    assert result[0].counts == (4, 2, 0)


def test_decryptions_beyond_the_threshold_change_nothing() -> None:
    """All four may post theirs, also after the result."""
    stream = closed((FOR,), (FOR,))
    stream.decrypt(1, 2)
    before = stream.result()
    stream.act("result", before)
    assert {verdict(stream.decrypt(trustee)) for trustee in (3, 4)} == {("effect", None)}
    assert stream.result() == before


@pytest.mark.attack("TL-04")
def test_a_count_that_cannot_be_fails_the_record() -> None:
    """TAL-05: should proofs ever let too much through, nobody can pass it off as a count; it is said once."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,))
    ballot = stream.ballot(1, (FOR,))
    honest = Ciphertexts.decode(ballot.contests[0].ciphertexts)
    # a machine whose proofs were broken takes a ballot with 100 votes more
    too_many = Ciphertexts(honest.alphas, honest.betas + Elements.concat([base(100)] * 3))
    ignore(board := stream.board)
    board.entries.append(ballot_entry(ballot))
    board.judgements.append(board.record.append(board.entries[-1], verdict=too_many))
    stream.close(note)
    assert {verdict(stream.decrypt(trustee)) for trustee in (1, 2, 3)} == {("effect", None)}
    (failure,) = board.record.state.failures
    told = (failure.check, failure.index, failure.reason[:17])
    assert told == ("TAL-05", len(board.entries) - 2, "poll 1, contest 1")
    with pytest.raises(RecordError) as caught:
        stream.result()
    assert caught.value.check == "RES-01"
