"""Forged acts about polls: openings, closings, objections, decryptions and results that a convened sitting refuses."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from secballot.group import Scalars
from secballot.records.closing import Adjournment, Annulment, Closing, Lapse, Objection
from secballot.records.document import Document
from secballot.records.entry import encode_body, encode_unsigned
from secballot.records.opening import Contest, Extension, Option
from secballot.records.promise import Handover
from secballot.roles.delegate import ballot_entry
from tests.adversary.ballot_forger import base
from tests.conformance.drafts import Draft, forged_of
from tests.conformance.golden import below_the_floor, closed_poll, decrypted_poll, open_poll
from tests.poll_endings import dropped
from tests.simulator import election, resolution
from tests.stages import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from secballot.records.decryption import Decryption
    from secballot.records.promise import Promise
    from secballot.records.result import Result

replace = msgspec.structs.replace


def _contests() -> dict[str, tuple[str, Contest]]:
    """Return contests that POL-02 refuses."""
    long = tuple(Option(f"Option {number}", 1) for number in range(190))
    by_points = (Option("For", 2), Option("Against", 1))
    alone = (Option("A", 1),)
    return {
        "unknown_rules": ("A rule set that there is not.", replace(resolution(), rules="unknown")),
        "sum_beyond_all": ("A sum that no ballot can reach.", replace(election(), sum_maximum=4)),
        "sum_turned_round": ("A least sum above the largest.", replace(election(), sum_minimum=3)),
        "nothing_to_give": ("Nobody may give anything.", replace(election(), sum_maximum=0)),
        "document_not_posted": ("A document that nobody posted.", replace(resolution(), documents=(bytes(32),))),
        "one_option": ("A resolution with one option.", replace(resolution(), options=alone)),
        "adopt_by_points": ("A resolution by points.", replace(resolution(), options=by_points)),
        "adopt_two_votes": ("A resolution with two votes.", replace(resolution(), sum_maximum=2)),
        "too_few_candidates": ("Fewer candidates than seats.", replace(election(), options=alone, sum_maximum=1)),
        "ballots_too_large": ("Ballots that would not fit.", replace(election(), options=long, sum_maximum=1)),
    }


def openings() -> Iterator[Draft]:
    """Yield openings and documents that do not fit (POL-01, POL-02)."""
    for name, (what, contest) in _contests().items():
        stream = Stream()
        stream.act("opening", stream.opening([contest]))
        yield forged_of(f"opening_{name}", what, stream, "POL-02")
    for name, what, change in (
        ("poll_beyond_the_last", "A poll number beyond the manifest's.", {"poll": 3}),
        ("another_convening", "A convening that there is not.", {"convening": bytes(32)}),
    ):
        stream = Stream()
        stream.act("opening", replace(stream.opening([resolution()]), **change))
        yield forged_of(f"opening_{name}", what, stream, "POL-02")
    stream, _ = open_poll()
    stream.act("opening", stream.opening([election()]))
    yield forged_of("opening_of_a_spent_number", "A poll number that is spent.", stream, "ENT-06")
    stream = Stream()
    body = Document(chunk=1, chunks=1, data="A text.\n", document=hashlib.sha256(b"Another text.\n").digest())
    stream.post(stream.officers[0], "document", body)
    yield forged_of("document_of_another_hash", "A text whose hash is another.", stream, "POL-01")
    stream = Stream()
    stream.post(stream.officers[0], "document", replace(body, chunk=2, chunks=2))
    yield forged_of("document_without_beginning", "A second chunk without the first.", stream, "ENT-06")


CLOSINGS: dict[str, tuple[str, str, Callable[[Stream], dict[str, str]]]] = {
    "too_early": (
        "One witness says that it is not time yet.",
        "POL-04",
        lambda s: {"checkpoint": s.note(times=[s.poll().closes_at - 1, s.poll().closes_at, s.poll().closes_at])},
    ),
    "too_late": (
        "The grace is over.",
        "POL-04",
        lambda s: {"checkpoint": s.note(s.poll().closes_at + s.manifest.grace + 1)},
    ),
    "without_duration": (
        "No witness saw the poll early enough.",
        "POL-04",
        lambda s: {"opening_checkpoint": s.note(s.poll().closes_at - 59)},
    ),
    "on_a_checkpoint_before_the_opening": (
        "The first note covers no opening.",
        "POL-04",
        lambda s: {"opening_checkpoint": s.note(s.now, size=s.poll().index)},
    ),
    "that_drops_a_ballot": (
        "An accepted ballot lies behind the checkpoint.",
        "POL-05",
        lambda s: {"checkpoint": s.note(s.poll().closes_at, size=len(s.board.entries) - 1)},
    ),
    "with_two_cosignatures": (
        "One cosignature less than the quorum.",
        "LOG-03",
        lambda s: {"checkpoint": s.note(s.poll().closes_at, witnesses=slice(2))},
    ),
    "with_four_cosignatures": (
        "One cosignature more than the quorum.",
        "LOG-03",
        lambda s: {"checkpoint": s.note(s.poll().closes_at, witnesses=slice(4))},
    ),
    "with_witnesses_in_another_order": (
        "Witnesses not in the manifest's order.",
        "LOG-03",
        lambda s: {"checkpoint": _turned(s.note(s.poll().closes_at))},
    ),
    "with_the_note_of_a_larger_log": (
        "A checkpoint larger than the log.",
        "LOG-03",
        lambda s: {"checkpoint": _note_over(s, [*s.board.entries, b"junk"])},
    ),
    "with_a_spoilt_cosignature": (
        "A cosignature that does not verify.",
        "LOG-03",
        lambda s: {"checkpoint": _spoilt(s.note(s.poll().closes_at))},
    ),
    "on_another_root": (
        "A witnessed root that is not this log's: it was split.",
        "LOG-04",
        lambda s: {"checkpoint": _note_over(s, [*s.board.entries[:-1], b"junk"])},
    ),
}
"""By name: what it is, the check that refuses it, and what differs from the right closing."""


def endings() -> Iterator[Draft]:
    """Yield closings, lapses, extensions, annulments, adjournments and handovers that do not fit."""
    for name, (what, check, change) in CLOSINGS.items():
        stream, note = open_poll()
        stream.post(stream.officers[0], "closing", replace(stream.closing(note), **change(stream)))
        yield forged_of(f"closing_{name}", what, stream, check)
    stream = closed_poll()
    again = Closing(stream.note(stream.poll().closes_at), stream.poll().ctx, stream.note())
    stream.post(stream.officers[1], "closing", again)
    yield forged_of("closing_of_a_closed_poll", "A poll is closed once.", stream, "ENT-06")
    stream, _ = open_poll()
    poll, manifest = stream.poll(), stream.manifest
    limit = poll.closes_at + manifest.extension_limit
    acts: dict[str, tuple[str, str, msgspec.Struct, str]] = {
        "lapse_within_the_grace": (
            "lapse",
            "A lapse while the poll can still be closed.",
            Lapse(stream.note(poll.closes_at + manifest.grace), poll.ctx),
            "POL-06",
        ),
        "extension_backwards": ("extension", "An earlier time.", Extension(poll.closes_at - 1, poll.ctx), "POL-03"),
        "extension_beyond_the_limit": ("extension", "Too late a time.", Extension(limit + 1, poll.ctx), "POL-03"),
        "adjournment_with_an_open_poll": (
            "adjournment",
            "An adjournment while a poll is open.",
            Adjournment(stream.note(poll.closes_at)),
            "POL-09",
        ),
    }
    for name, (kind, what, body, check) in acts.items():
        stream, _ = open_poll()
        stream.act(kind, body)
        yield forged_of(name, what, stream, check)
    stream = decrypted_poll()
    everybody = [*stream.officers, *stream.keys.trustees[:2]]
    stream.act("annul", Annulment(stream.poll().ctx, "Too late."), everybody)
    yield forged_of("annulment_after_the_decryption", "An annulment of a decrypted poll.", stream, "POL-08")
    stream = closed_poll()
    stream.act("adjournment", Adjournment(stream.note(stream.poll().closes_at + manifest.decryption_period)))
    yield forged_of("adjournment_before_the_decryption", "An adjournment while trustees have time.", stream, "POL-09")
    yield from _handovers()


def _turned(note: str) -> str:
    head, _, tail = note.partition("\n\n")
    log, *witnesses = tail.splitlines()
    return head + "\n\n" + "\n".join([log, *reversed(witnesses)]) + "\n"


def _spoilt(note: str) -> str:
    return note[:-8] + ("AAAA" if note[-8:-4] != "AAAA" else "AAAB") + note[-4:]


def _note_over(stream: Stream, entries: list[bytes]) -> str:
    """Return a note, cosigned when the poll's time is up, over other entries than the log's."""
    other = Stream.__new__(Stream)
    other.__dict__ |= stream.__dict__
    other.leaves = lambda: [hashlib.sha256(b"\0" + entry).digest() for entry in entries]  # type: ignore[method-assign]
    return other.note(stream.poll().closes_at)


def _handovers() -> Iterator[Draft]:
    for name, what, change in (
        ("handover_of_another_root", "A root that is not the log's.", {"root": bytes(32)}),
        ("handover_at_a_smaller_size", "A size before this entry.", {"size": 10}),
        ("handover_to_no_successor", "A successor that the manifest does not have.", {"successor": 2}),
    ):
        stream, _ = open_poll()
        size = len(stream.board.entries)
        body = Handover(stream.board.record.state.history.root(size), size, 1)
        stream.act("handover", replace(body, **change), [*stream.officers, *stream.keys.trustees[:2]])
        yield forged_of(name, what, stream, "LOG-06")


def objections() -> Iterator[Draft]:
    """Yield objections that show no broken promise (POL-07)."""
    for name, what in (
        ("to_a_kept_promise", "The log has the promised ballot there."),
        ("with_a_promise_by_nobody", "A promise that the board did not sign."),
        ("with_a_promise_beyond_the_closing", "A promise of a place behind the closing."),
        ("with_a_promise_of_another_ballot", "A promise for other bytes."),
        ("of_another_sitting", "A promise in another sitting."),
        ("with_a_bad_ballot", "A ballot that would have been excluded."),
    ):
        stream, note = open_poll()
        ballot, promise = dropped(stream)
        if name == "to_a_kept_promise":
            promise = stream.board.promise(stream.board.entries[-1], len(stream.board.entries) - 1, stream.now)
        elif name == "with_a_bad_ballot":
            ballot = replace(ballot, response=ballot.response[::-1])
            promise = stream.board.promise(ballot_entry(ballot), promise.index, stream.now)
        else:
            promise = _other_promise(stream, name, ballot_entry(ballot), promise)
        stream.close(note)
        body = Objection(ballot, ballot.ctx, promise)
        stream.board.force(encode_unsigned("objection", encode_body("objection", body)))
        yield forged_of(f"objection_{name}", what, stream, "POL-07")
    stream, note = open_poll()
    ballot, promise = dropped(stream)
    body = Objection(ballot, ballot.ctx, promise)
    stream.board.force(encode_unsigned("objection", encode_body("objection", body)))
    yield forged_of("objection_before_the_closing", "An objection while the poll is open.", stream, "ENT-06")


def _other_promise(stream: Stream, name: str, entry: bytes, promise: Promise) -> Promise:
    return {
        "with_a_promise_by_nobody": replace(promise, signature=bytes(64)),
        "with_a_promise_beyond_the_closing": stream.board.promise(entry, len(stream.board.entries) + 5, stream.now),
        "with_a_promise_of_another_ballot": stream.board.promise(b"other bytes", promise.index, stream.now),
        "of_another_sitting": replace(promise, sitting_id=bytes(32)),
    }[name]


DECRYPTIONS: dict[str, tuple[str, Callable[[Stream], dict[str, object]], str]] = {
    "of_another_tally": ("A document for another tally.", lambda _: {"tally_id": bytes(64)}, "TAL-03"),
    "a_factor_too_few": ("A factor too few.", lambda s: {"factors": s.decryption(1).factors[:-32]}, "TAL-03"),
    "a_proof_too_many": ("A proof too many.", lambda s: {"proofs": s.decryption(1).proofs + bytes(64)}, "TAL-03"),
    "empty": ("No factors, no proofs.", lambda _: {"factors": b"", "proofs": b""}, "TAL-03"),
    "garbage": ("Factors that do not decode.", lambda _: {"factors": b"\xff" * 96}, "TAL-04"),
    "all_identity": ("The identity as every factor.", lambda _: {"factors": bytes(96)}, "TAL-04"),
    "zero_proofs": ("Proofs of zeros.", lambda _: {"proofs": bytes(192)}, "TAL-04"),
    "of_another_trustee": ("Another trustee's factors and proofs.", lambda s: _parts(s.decryption(2)), "TAL-04"),
    "with_proofs_of_another_tally": (
        "Proofs that were made for another tally.",
        lambda s: {"proofs": s.decryption(1, tally_id=bytes(64)).proofs},
        "TAL-04",
    ),
    "with_options_exchanged": (
        "The factors of two options exchanged.",
        lambda s: {"factors": _exchanged(s.decryption(1).factors)},
        "TAL-04",
    ),
    "under_another_key": (
        "Factors under a key of one's own, proved for it.",
        lambda s: _parts(s.decryption(1, secret=Scalars.from_ints([12345]), public_share=base(12345))),
        "TAL-04",
    ),
}


def decryptions() -> Iterator[Draft]:
    """Yield documents that open no tally (TAL-02, TAL-03, TAL-04)."""
    for name, (what, change, check) in DECRYPTIONS.items():
        stream = closed_poll()
        stream.post(stream.keys.trustees[0], "decryption", replace(stream.decryption(1), **change(stream)))
        yield forged_of(f"decryption_{name}", what, stream, check)
    stream = closed_poll()
    body = stream.decryption(1)
    stream.decrypt(1)
    stream.post(stream.keys.trustees[0], "decryption", stream.decryption(1, fresh=b"\1" * 32))
    yield forged_of("decryption_twice", "A second document of a trustee, right as well.", stream, "TAL-03")
    early, _ = open_poll()
    early.post(early.keys.trustees[0], "decryption", body)
    yield forged_of("decryption_before_the_closing", "A document for a poll that is open.", early, "ENT-06")
    stream = below_the_floor()
    stream.post(stream.keys.trustees[0], "decryption", stream.decryption(1))
    yield forged_of("decryption_below_the_floor", "A contest that stays closed.", stream, "ENT-06")


def _parts(body: Decryption) -> dict[str, object]:
    return {"factors": body.factors, "proofs": body.proofs}


def _exchanged(data: bytes) -> bytes:
    return data[32:64] + data[:32] + data[64:]


def _first(result: Result, **changes: object) -> Result:
    one, *rest = result.contests
    return replace(result, contests=(replace(one, **changes), *rest))


def _vote_more(result: Result) -> Result:
    one, *others = result.contests[0].counts
    return _first(result, counts=(one + 1, *others))


RESULTS: dict[str, tuple[str, Callable[[Result], Result]]] = {
    "a_vote_more": ("One vote more for an option.", _vote_more),
    "votes_moved": ("Votes moved between options.", lambda r: _first(r, counts=r.contests[0].counts[::-1])),
    "another_outcome": ("The right counts, and another outcome.", lambda r: _first(r, outcome="adopted")),
    "inquorate": ("The right counts, and no quorum.", lambda r: _first(r, outcome="inquorate")),
    "unopened": ("A contest that was opened as unopened.", lambda r: _first(r, counts=(), outcome="unopened")),
    "somebody_elected": ("Somebody elected by a resolution.", lambda r: _first(r, elected=(1,))),
    "a_tie": ("A tie that there is not.", lambda r: _first(r, tied=(1, 2))),
    "a_contest_more": ("A contest that the poll does not have.", lambda r: replace(r, contests=r.contests * 2)),
    "no_contest": ("No contest at all.", lambda r: replace(r, contests=())),
    "another_tally": ("Another tally's id.", lambda r: replace(r, tally_id=bytes(64))),
}


def results() -> Iterator[Draft]:
    """Yield results that are not those of the log: the record fails (RES-01)."""
    for name, (what, change) in RESULTS.items():
        stream = decrypted_poll()
        stream.act("result", change(stream.result()))
        yield forged_of(f"result_{name}", what, stream, "RES-01")
    right = decrypted_poll().result()
    for name, what, stream in (
        ("before_the_decryption", "A true result before anybody could know it.", closed_poll()),
        ("of_an_open_poll", "A result of a poll that is open.", open_poll()[0]),
    ):
        stream.act("result", right)
        yield forged_of(f"result_{name}", what, stream, "RES-01")
