"""Documents, openings, extensions and annulments: what fits, and every way in which they do not."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import Party
from secballot.record import Outcome
from secballot.records.closing import Annulment
from secballot.records.document import Document
from secballot.records.opening import Contest, Extension, Opening, Option
from secballot.roles.party import sign_entry
from secballot.signing import SigningKey
from tests.simulator import election, resolution
from tests.stages import FOR, Stream, verdict

if TYPE_CHECKING:
    from collections.abc import Callable


TEXT = "Rules of procedure.\nThey are long, as such rules are: " + "§" * 100
STRANGER = SigningKey.from_seed(bytes(31) + b"s")


def chunks(text: str, *cuts: int, name: bytes = b"") -> list[Document]:
    """Return the chunks of a text cut at these places, under its hash or another name."""
    edges = [0, *cuts, len(text)]
    pieces = [text[low:high] for low, high in pairwise(edges)]
    digest = name or hashlib.sha256(text.encode()).digest()
    return [Document(number, len(pieces), piece, digest) for number, piece in enumerate(pieces, 1)]


def naming(document: bytes) -> Contest:
    """Return a contest that rests on a document."""
    return msgspec.structs.replace(resolution(), documents=(document,))


# --- documents


def test_a_document_is_complete_with_its_last_chunk() -> None:
    """POL-01: openings may name it from then on, and not before."""
    stream = Stream()
    first, second, third = chunks(TEXT, 10, 20)
    for chunk in (first, second):
        assert verdict(stream.post(stream.officers[0], "document", chunk)) == ("effect", None)
    opening = stream.opening([naming(first.document)])
    assert verdict(stream.act("opening", opening)) == ("no effect", "POL-02")
    assert verdict(stream.post(stream.officers[0], "document", third)) == ("effect", None)
    assert stream.board.record.state.complete_documents == {hashlib.sha256(TEXT.encode()).digest()}
    # The opening's last signature was not collected, so it alone is missing.
    assert verdict(stream.post(stream.officers[1], "opening", opening)) == ("effect", None)


def test_chunks_follow_each_other_under_one_key() -> None:
    """A gap, another document, another number of chunks or another officer's chunk is out of phase."""
    stream = Stream()
    first, second, third = chunks(TEXT, 10, 20)
    one, other = stream.officers
    assert verdict(stream.post(one, "document", second)) == ("no effect", "ENT-06")
    stream.post(one, "document", first)
    for key, chunk in (
        (one, third),
        (other, second),
        (one, msgspec.structs.replace(second, chunks=4)),
        (one, msgspec.structs.replace(second, document=bytes(32))),
    ):
        assert verdict(stream.post(key, "document", chunk)) == ("no effect", "ENT-06")
    assert stream.post(one, "document", second).outcome is Outcome.EFFECT
    assert verdict(stream.post(one, "document", second)) == ("no effect", "ENT-06")
    assert stream.post(one, "document", third).outcome is Outcome.EFFECT
    assert verdict(stream.post(one, "document", third)) == ("no effect", "ENT-06")
    assert stream.board.record.state.documents == {}


def test_two_officers_may_post_documents_at_once() -> None:
    """Each key has a document of its own in progress."""
    stream = Stream()
    one, other = chunks(TEXT, 10), chunks(TEXT[::-1], 10)
    for mine, theirs in zip(one, other, strict=True):
        assert stream.post(stream.officers[0], "document", mine).outcome is Outcome.EFFECT
        assert stream.post(stream.officers[1], "document", theirs).outcome is Outcome.EFFECT
    assert len(stream.board.record.state.complete_documents) == 2


def test_a_document_of_another_hash_is_abandoned() -> None:
    """POL-01: the last chunk has no effect, and the chunks before it are gone."""
    stream = Stream()
    first, last = chunks(TEXT, 10, name=bytes(32))
    key = stream.officers[0]
    stream.post(key, "document", first)
    judgement = stream.post(key, "document", last)
    assert (*verdict(judgement), judgement.culprit) == ("no effect", "POL-01", Party("presidium", 1))
    assert verdict(stream.post(key, "document", last)) == ("no effect", "ENT-06")
    assert stream.board.record.state.documents == {}


def test_a_false_document_of_one_chunk_abandons_the_one_in_progress() -> None:
    """POL-01: the key's document in progress is gone, whichever it was."""
    stream = Stream()
    first, last = chunks(TEXT, 10)
    key = stream.officers[0]
    stream.post(key, "document", first)
    (false,) = chunks("short", name=bytes(32))
    assert verdict(stream.post(key, "document", false)) == ("no effect", "POL-01")
    assert verdict(stream.post(key, "document", last)) == ("no effect", "ENT-06")


def test_a_new_first_chunk_abandons_the_document_before() -> None:
    """An officer that begins anew begins from the first chunk."""
    stream = Stream()
    first, last = chunks(TEXT, 10)
    key = stream.officers[0]
    stream.post(key, "document", first)
    assert stream.post(key, "document", chunks("other", 2)[0]).outcome is Outcome.EFFECT
    assert verdict(stream.post(key, "document", last)) == ("no effect", "ENT-06")
    assert stream.post(key, "document", first).outcome is Outcome.EFFECT
    assert stream.post(key, "document", last).outcome is Outcome.EFFECT


def test_only_the_presidium_posts_documents() -> None:
    """ENT-04: a trustee or a stranger may not."""
    stream = Stream()
    (whole,) = chunks(TEXT)
    for key in (stream.keys.trustees[0], stream.keys.registrars[0], STRANGER):
        assert verdict(stream.post(key, "document", whole)) == ("no effect", "ENT-04")


def test_chunk_numbers_beyond_the_count_are_no_entry() -> None:
    """ENT-01: a relation between fields without a check id of its own."""
    stream = Stream()
    entry = stream.entry(stream.officers[0], "document", chunks(TEXT)[0])
    assert verdict(stream.board.force(entry.replace(b'"chunk":1', b'"chunk":2'))) == ("no effect", "ENT-01")


# --- openings

TWO = (Option("For", 1), Option("Against", 1))


def adopting(**changes: object) -> Contest:
    """Return the resolution with changes."""
    return msgspec.structs.replace(resolution(), **changes)


def electing(**changes: object) -> Contest:
    """Return the election with changes."""
    return msgspec.structs.replace(election(), **changes)


def many(count: int) -> tuple[Option, ...]:
    """Return so many options."""
    return tuple(Option(f"Option {number}", 1) for number in range(count))


MISFITS: dict[str, Callable[[], Contest]] = {
    "unknown rule set": lambda: adopting(rules="unknown"),
    "sum beyond all options": lambda: electing(sum_maximum=4),
    "minimum above maximum": lambda: electing(sum_minimum=3, sum_maximum=2),
    "nothing to give": lambda: electing(sum_maximum=0, sum_minimum=0),
    "document not posted": lambda: naming(hashlib.sha256(TEXT.encode()).digest()),
    "one of two documents not posted": lambda: adopting(documents=(bytes(32), bytes(31) + b"1")),
    "adopt with one option": lambda: adopting(options=TWO[:1]),
    "adopt with a score": lambda: adopting(options=(Option("For", 2), Option("Against", 1))),
    "adopt with two votes": lambda: adopting(sum_maximum=2),
    "fewer candidates than seats": lambda: electing(options=many(1), sum_maximum=1),
    "a sum that spans too much": lambda: electing(
        options=tuple(Option(str(number), 100) for number in range(11)), sum_maximum=1_001
    ),
    "ballots too large": lambda: electing(options=many(160), sum_maximum=1),
}


@pytest.mark.attack("FS-15", "PA-10")
@pytest.mark.parametrize("misfit", MISFITS)
def test_a_contest_that_does_not_fit_opens_no_poll(misfit: str) -> None:
    """POL-02: the number is not spent, and a right opening of it still stands."""
    stream = Stream()
    opening = stream.opening([resolution(), MISFITS[misfit]()])
    assert verdict(stream.act("opening", opening)) == ("no effect", "POL-02")
    assert stream.board.record.state.polls == {}
    assert stream.act("opening", stream.opening([resolution()])).outcome is Outcome.EFFECT


def test_poll_numbers_and_convening_are_checked() -> None:
    """POL-02: a number beyond the manifest's, another convening."""
    stream = Stream()
    opening = stream.opening([resolution()])
    for wrong in (
        msgspec.structs.replace(opening, poll=3),
        msgspec.structs.replace(opening, convening=bytes(32)),
    ):
        assert verdict(stream.act("opening", wrong)) == ("no effect", "POL-02")


def test_a_poll_number_is_spent_once() -> None:
    """A second opening of a number is out of phase, whoever signs it and whatever it says."""
    stream = Stream()
    stream.open(resolution())
    for body in (stream.opening([resolution()]), stream.opening([election()])):
        for key in stream.keys.presidium:
            assert verdict(stream.post(key, "opening", body)) == ("no effect", "ENT-06")


def test_an_opening_needs_the_presidium_and_nobody_else() -> None:
    """One officer's signature is collected; the same again is a repetition; no other key may sign."""
    stream = Stream()
    body = stream.opening([resolution()])
    one, other, third = stream.keys.presidium
    assert verdict(stream.post(one, "opening", body)) == ("collected", None)
    assert verdict(stream.post(one, "opening", body)) == ("no effect", "ENT-06")
    for key in (stream.keys.trustees[0], STRANGER):
        assert verdict(stream.post(key, "opening", body)) == ("no effect", "ENT-04")
    forged = sign_entry(other, "opening", bytes(32), body)
    assert verdict(stream.board.force(forged)) == ("no effect", "ENT-05")
    assert stream.board.record.state.polls == {}
    assert verdict(stream.post(third, "opening", body)) == ("effect", None)


def test_signatures_under_two_texts_do_not_add_up() -> None:
    """Each body collects its own signatures; the poll that opens is the one whose set completes."""
    stream = Stream()
    one, other, _ = stream.keys.presidium
    first, second = stream.opening([resolution()]), stream.opening([resolution("Another")])
    assert stream.post(one, "opening", first).outcome is Outcome.COLLECTED
    assert stream.post(other, "opening", second).outcome is Outcome.COLLECTED
    assert stream.board.record.state.polls == {}
    assert stream.post(one, "opening", second).outcome is Outcome.EFFECT
    assert stream.poll().opening == second
    assert verdict(stream.post(other, "opening", first)) == ("no effect", "ENT-06")


# --- extensions


@pytest.mark.attack("SB-05")
def test_a_poll_is_extended_once() -> None:
    """POL-03: later, within the limit, once; the slot is then filled."""
    stream = Stream()
    stream.open(resolution())
    poll = stream.poll()
    limit = stream.manifest.extension_limit
    for closes_at in (poll.closes_at, poll.closes_at - 1, poll.closes_at + limit + 1):
        assert verdict(stream.act("extension", Extension(closes_at, poll.ctx))) == ("no effect", "POL-03")
    wanted = poll.closes_at + limit
    assert verdict(stream.act("extension", Extension(wanted, poll.ctx))) == ("effect", None)
    assert stream.poll().closes_at == wanted
    assert verdict(stream.act("extension", Extension(wanted + 1, poll.ctx))) == ("no effect", "ENT-06")


def test_an_extension_needs_an_open_poll() -> None:
    """POL-03 where the poll is closed, ENT-06 where no opening has this ctx."""
    stream = Stream()
    note = stream.open(resolution())
    assert verdict(stream.act("extension", Extension(stream.now, bytes(32)))) == ("no effect", "ENT-06")
    stream.close(note)
    later = Extension(stream.poll().closes_at + 10, stream.poll().ctx)
    assert verdict(stream.act("extension", later)) == ("no effect", "POL-03")


# --- annulments


def signers(stream: Stream, officers: int, trustees: int) -> list[SigningKey]:
    """Return the first keys of each."""
    return [*stream.keys.presidium[:officers], *stream.keys.trustees[:trustees]]


@pytest.mark.attack("SB-05")
@pytest.mark.parametrize(("officers", "trustees"), [(2, 1), (1, 4), (3, 1), (0, 4)])
def test_neither_presidium_nor_trustees_annul_alone(officers: int, trustees: int) -> None:
    """POL-08 takes k of the one and t of the other."""
    stream = Stream()
    stream.open(resolution())
    body = Annulment(stream.poll().ctx, "The ballot paper was wrong.")
    assert stream.act("annul", body, signers(stream, officers, trustees)).outcome is Outcome.COLLECTED
    assert stream.status() == "open"


def test_an_open_or_closed_poll_can_be_annulled() -> None:
    """POL-08: it stands, fills its slot, and nothing of the poll goes on."""
    for closed in (False, True):
        stream = Stream()
        note = stream.open(resolution())
        stream.vote((FOR,), (FOR,))
        ballot = stream.ballot(2, (FOR,))
        if closed:
            stream.close(note)
        body = Annulment(stream.poll().ctx, "The ballot paper was wrong.\nSorry.")
        assert verdict(stream.act("annul", body, signers(stream, 2, 2))) == ("effect", None)
        assert stream.status() == "annulled"
        assert verdict(stream.post(stream.keys.trustees[2], "annul", body)) == ("no effect", "ENT-06")
        assert verdict(stream.cast(ballot)) == ("excluded", "BAL-02")
        if closed:
            assert verdict(stream.decrypt(1)) == ("no effect", "ENT-06")
        else:
            assert verdict(stream.post(stream.officers[0], "closing", stream.closing(note))) == ("no effect", "ENT-06")


@pytest.mark.attack("SB-05")
def test_a_decrypted_poll_cannot_be_annulled() -> None:
    """POL-08: with one decryption it can, with t it cannot, or an unwelcome result could be made away with."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    stream.close(note)
    stream.decrypt(1, 2)
    body = Annulment(stream.poll().ctx, "We dislike it.")
    assert verdict(stream.act("annul", body, signers(stream, 2, 2))) == ("no effect", "POL-08")
    assert stream.status() == "closed"


def test_an_annulment_of_nothing_is_out_of_phase() -> None:
    """ENT-06 when it completes, collected before."""
    stream = Stream()
    body = Annulment(bytes(32), "Nothing")
    outcomes = [verdict(stream.post(key, "annul", body)) for key in signers(stream, 2, 2)]
    assert outcomes == [("collected", None)] * 3 + [("no effect", "ENT-06")]


# --- polls beside each other


def test_polls_run_side_by_side() -> None:
    """Two polls are open at once; ballots, closings and results of one leave the other alone."""
    stream = Stream()
    first = stream.open(resolution(), number=1)
    second = stream.open(election(), number=2)
    stream.vote((FOR,), (FOR,), number=1)
    stream.vote(((1, 1, 0),), ((1, 0, 0),), number=2)
    stream.close(first, 1)
    stream.vote(((0, 1, 0),), number=2, first=2)
    stream.decrypt(1, 2, number=1)
    assert stream.status(2) == "open"
    stream.close(second, 2)
    stream.decrypt(3, 4, number=2)
    assert stream.result(1).contests[0].counts == (4, 0, 0)
    assert stream.result(2).contests[0].counts == (4, 4, 0)
    assert stream.poll(1).tally_id != stream.poll(2).tally_id


@pytest.mark.attack("SB-12")
def test_a_ballot_of_one_poll_is_none_of_another() -> None:
    """BAL-08: with the other poll's ctx the credential's signatures are of other keys, and the class of a poll too."""
    stream = Stream()
    stream.open(resolution(), number=1)
    stream.open(resolution(), number=2)
    ballot = stream.ballot(0, (FOR,), 1)
    moved = msgspec.structs.replace(ballot, ctx=stream.poll(2).ctx)
    assert verdict(stream.cast(moved)) == ("excluded", "BAL-08")
    assert verdict(stream.cast(ballot)) == ("accepted", None)


@pytest.mark.attack("BA-10")
def test_an_opening_is_bound_to_its_text() -> None:
    """BAL-01: a ballot for another text of the same poll number names no effective opening."""
    other = Stream()
    other.open(resolution("Another text"))
    ballot = other.ballot(0, (FOR,))
    stream = Stream()
    stream.open(resolution())
    assert verdict(stream.cast(ballot)) == ("excluded", "BAL-01")
    opening: Opening = stream.poll().opening
    assert opening.contests[0].title == "A declaration"
