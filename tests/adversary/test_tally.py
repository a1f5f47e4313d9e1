"""Attacks on the tally by trustees, presidium, registrars and a board: named, or of no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.elgamal import Ciphertexts
from secballot.errors import Party, RecordError
from secballot.group import ORDER, Elements, Scalars, vartime_multiply
from secballot.protocol.tallying import tally_id
from secballot.records.ballot import Ballot
from secballot.records.closing import Annulment, Lapse
from secballot.records.entry import decode_entry
from secballot.sharing import lagrange_at_zero
from tests.adversary.ballot_forger import base
from tests.second_verifier import mark
from tests.simulator import election, resolution
from tests.stages import AGAINST, FOR, Stream, share

if TYPE_CHECKING:
    from secballot.records.decryption import Decryption


def closed() -> Stream:
    """Return a closed poll of three ballots."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,), (AGAINST,))
    stream.close(note)
    mark(stream.board)
    return stream


def faulty(stream: Stream, trustee: int, body: Decryption) -> str | None:
    """Post a decryption, which must be a fault of that trustee, and return the check."""
    judgement = stream.post(stream.keys.trustees[trustee - 1], "decryption", body)
    assert (judgement.outcome.value, judgement.culprit) == ("fault", Party("trustee", trustee))
    return judgement.check


def test_n_minus_t_garbage_documents_do_not_stop_a_tally() -> None:
    """TL-07: two of four post garbage, each is named, the other two open the poll."""
    stream = closed()
    for trustee in (1, 2):
        body = msgspec.structs.replace(stream.decryption(trustee), factors=base(trustee).encode() * 3)
        assert faulty(stream, trustee, body) == "TAL-04"
    stream.decrypt(3, 4)
    assert stream.result().contests[0].counts == (4, 2, 0)


def test_a_shifted_factor_moves_no_vote() -> None:
    """FS-02: D + δ·G would move a count; the proof is over D."""
    stream = closed()
    honest = stream.decryption(1)
    factors = Elements.decode(honest.factors)
    # λ·D with D one λ-th of G further takes one vote away from the option
    moved = factors[0] + base(pow(lagrange_at_zero([1, 2])[0], -1, ORDER))
    body = msgspec.structs.replace(honest, factors=moved.encode() + honest.factors[32:])
    assert faulty(stream, 1, body) == "TAL-04"
    other = stream.decryption(1, secret=share(1) + Scalars.from_ints([1]), public_share=_public(stream, 1) + base(1))
    assert faulty(stream, 1, other) == "TAL-04"


def _public(stream: Stream, trustee: int) -> Elements:
    return stream.board.record.state.complete_ceremony().public_shares[trustee]


def test_a_trustee_cannot_lend_its_share_to_another() -> None:
    """TL-06: trustee 2's document under trustee 1's name does not count twice."""
    stream = closed()
    stream.decrypt(2)
    assert faulty(stream, 1, stream.decryption(2)) == "TAL-04"
    relabelled = stream.decryption(1, secret=share(2), public_share=_public(stream, 2))
    assert faulty(stream, 1, relabelled) == "TAL-04"
    with pytest.raises(RecordError):
        stream.result()


@pytest.mark.attack("TL-01", "TL-02")
def test_a_single_ballot_is_not_decrypted_as_a_tally() -> None:
    """TL-08, TL-09: a document over one ballot, or over all but one, is none of this tally."""
    stream = closed()
    poll = stream.poll()
    heads = sorted(poll.heads.values(), key=lambda head: head.index)
    bodies = [decode_entry(stream.board.entries[head.index]).body for head in heads]
    ballots = [Ciphertexts.decode(body.contests[0].ciphertexts) for body in bodies if isinstance(body, Ballot)]
    assert len(ballots) == 3
    assert poll.closing is not None
    for aggregate, counted in ((ballots[0], heads[:1]), (ballots[0] + ballots[1], heads[:2])):
        assert faulty(stream, 1, stream.decryption(1, aggregates=aggregate)) == "TAL-04"
        name = tally_id(poll.ctx, poll.closing.leaf, [head.leaf for head in counted], aggregate)
        assert faulty(stream, 1, stream.decryption(1, aggregates=aggregate, tally_id=name)) == "TAL-03"


@pytest.mark.attack("SB-12")
def test_a_document_of_one_poll_is_none_of_another() -> None:
    """FS-07, FS-08: two polls of equal votes under one key; nothing carries over."""
    stream = Stream()
    first, second = stream.open(resolution(), number=1), stream.open(resolution(), number=2)
    for number in (1, 2):
        stream.vote((FOR,), (FOR,), number=number)
    stream.close(first, 1)
    stream.close(second, 2)
    body = stream.decryption(1, number=1)
    moved = msgspec.structs.replace(body, ctx=stream.poll(2).ctx)
    assert faulty(stream, 1, moved) == "TAL-03"
    named = msgspec.structs.replace(moved, tally_id=stream.poll(2).tally_id)
    assert faulty(stream, 1, named) == "TAL-04"


def test_a_document_of_one_contest_is_none_of_another() -> None:
    """FS-08: contests of equal shape, options exchanged."""
    stream = Stream()
    note = stream.open(resolution(), resolution("Another"))
    stream.vote((FOR, AGAINST), (FOR, AGAINST))
    stream.close(note)
    body = stream.decryption(1, contest=1)
    assert faulty(stream, 1, msgspec.structs.replace(body, contest=2)) == "TAL-04"
    stream.decrypt(1, 2, contest=1)
    stream.decrypt(1, 2, contest=2)
    assert [contest.counts for contest in stream.result().contests] == [(4, 0, 0), (0, 4, 0)]


def test_t_minus_one_trustees_learn_nothing_from_their_documents() -> None:
    """TL-05: what one trustee's factors say about a count is wrong for every count that there could be."""
    stream = closed()
    body = stream.decryption(1)
    aggregate = stream.poll().aggregates[0]
    (coefficient,) = lagrange_at_zero([1])
    for at in range(3):
        opened = aggregate.betas[at] - vartime_multiply(Elements.decode(body.factors)[at], [coefficient])
        assert all(opened != base(count) for count in range(1, 7))
        assert opened != Elements.identity(1)


def test_colluding_registrars_are_bounded_by_the_answers() -> None:
    """CR-15: with every issued credential used, one minted ballot voids the poll and names them all."""
    stream = Stream()
    note = stream.open(election())
    stream.vote(*[((1, 0, 0),)] * 4)
    assert stream.cast(stream.mint(1, ((0, 1, 0),))).outcome.value == "accepted"
    judgement = stream.post(stream.officers[0], "closing", stream.closing(note))
    assert (judgement.check, judgement.culprit) == ("TAL-01", Party("registrars"))
    # It stays void: no annulment, no lapse, no decryption turns it into anything else.
    keys = [*stream.officers, *stream.keys.trustees[:2]]
    assert stream.act("annul", Annulment(stream.poll().ctx, "void"), keys).check == "POL-08"
    late = stream.note(stream.poll().closes_at + stream.manifest.grace + 1)
    assert stream.post(stream.officers[0], "lapse", Lapse(late, stream.poll().ctx)).check == "ENT-06"
    assert stream.status() == "void"


@pytest.mark.attack("SB-05")
def test_presidium_and_board_cannot_close_early_to_keep_votes_out() -> None:
    """BA-09: the closing needs q witnesses' times in the window; those of a board are worth nothing."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    early = stream.poll().closes_at - 1
    for times in ([early] * 3, [early, early + 1, early + 1]):
        body = msgspec.structs.replace(stream.closing(note), checkpoint=stream.note(times=times))
        assert stream.post(stream.officers[0], "closing", body).check == "POL-04"
    assert stream.cast(stream.ballot(2, (AGAINST,))).outcome.value == "accepted"
    stream.close(note)
    assert stream.poll().counted() == {1: 3}
