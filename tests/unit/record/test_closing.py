"""How polls are closed or lapse: windows of witnessed times, and the notes that show them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.board.cosignature import Ed25519Cosigner
from secballot.errors import Party
from secballot.record.history import open_witnessed
from secballot.records.closing import Adjournment, Annulment, Closing, Lapse
from secballot.records.opening import Extension
from secballot.signing import SigningKey
from tests.ballot_mutants import mutant
from tests.simulator import cosigned_head, election, resolution
from tests.stages import FOR, Stream, verdict

if TYPE_CHECKING:
    from collections.abc import Callable


from tests.poll_endings import voted

MINIMUM = 60
"""Seconds that the rule sets of the sitting ask a poll to stand open."""

STRANGER = SigningKey.from_seed(bytes(31) + b"s")


def closing(stream: Stream, note: str, **changes: object) -> tuple[str, str | None]:
    """Return what a closing with these changes does."""
    body = msgspec.structs.replace(stream.closing(note), **changes)
    return verdict(stream.post(stream.officers[0], "closing", body))


# --- the window


@pytest.mark.attack("LG-10", "SB-05")
def test_the_closing_window_is_closed_at_both_ends() -> None:
    """POL-04: one second before closes_at and one after the grace are refused; the bounds themselves are good."""
    stream, note = voted()
    poll, grace = stream.poll(), stream.manifest.grace
    for at in (poll.closes_at - 1, poll.closes_at + grace + 1):
        assert closing(stream, note, checkpoint=stream.note(at)) == ("no effect", "POL-04")
    assert stream.status() == "open"
    for at in (poll.closes_at, poll.closes_at + grace):
        stream, note = voted()
        assert closing(stream, note, checkpoint=stream.note(at)) == ("effect", None)
        closed = stream.poll().closing
        assert closed is not None
        assert (closed.time, closed.size) == (at, len(stream.board.entries) - 1)


@pytest.mark.attack("LG-10")
@pytest.mark.parametrize("lying", range(3))
def test_every_one_of_the_q_times_lies_in_the_window(lying: int) -> None:
    """POL-04: one early or late cosignature of the q is enough to refuse; the closing time is the latest of them."""
    stream, note = voted()
    closes_at, grace = stream.poll().closes_at, stream.manifest.grace
    for wrong in (closes_at - 1, closes_at + grace + 1, 1):
        times = [closes_at + 5] * 3
        times[lying] = wrong
        assert closing(stream, note, checkpoint=stream.note(times=times)) == ("no effect", "POL-04")
    times = [closes_at + 5] * 3
    times[lying] = closes_at + 9
    assert closing(stream, note, checkpoint=stream.note(times=times)) == ("effect", None)
    assert stream.poll().closing is not None
    assert stream.poll().closing.time == closes_at + 9  # type: ignore[union-attr]  # closed


def test_a_poll_stands_open_for_its_minimum_duration() -> None:
    """POL-04: every time of the second note is at most closes_at less the minimum duration."""
    stream, _ = voted()
    latest = stream.poll().closes_at - MINIMUM
    assert closing(stream, stream.note(latest + 1)) == ("no effect", "POL-04")
    assert closing(stream, stream.note(times=[latest, latest + 1, latest])) == ("no effect", "POL-04")
    assert closing(stream, stream.note(latest)) == ("effect", None)


def test_a_poll_too_short_from_the_start_can_only_lapse_or_be_extended() -> None:
    """POL-04: an opening for fewer seconds than the rules ask is closed by nobody."""
    stream = Stream()
    note = stream.open(resolution(), seconds=MINIMUM - 1)
    stream.vote((FOR,), (FOR,))
    assert closing(stream, note) == ("no effect", "POL-04")
    poll = stream.poll()
    assert verdict(stream.act("extension", Extension(poll.closes_at + 1, poll.ctx))) == ("effect", None)
    assert closing(stream, note) == ("effect", None)


@pytest.mark.attack("SB-05")
def test_an_extension_moves_the_window() -> None:
    """POL-04: what was the right time before is too early now."""
    stream, note = voted()
    early = stream.poll().closes_at
    stream.act("extension", Extension(early + 100, stream.poll().ctx))
    assert closing(stream, note, checkpoint=stream.note(early)) == ("no effect", "POL-04")
    assert closing(stream, note, checkpoint=stream.note(early + 100)) == ("effect", None)


def test_both_notes_cover_the_opening() -> None:
    """POL-04: a checkpoint that ends before the opening's entry says nothing of it."""
    stream, note = voted()
    index = stream.poll().index
    before = stream.note(stream.now, size=index)
    assert closing(stream, before) == ("no effect", "POL-04")
    at_the_end = stream.note(stream.poll().closes_at, size=index)
    assert closing(stream, note, checkpoint=at_the_end) == ("no effect", "POL-04")
    assert closing(stream, stream.note(stream.now, size=index + 1)) == ("effect", None)


@pytest.mark.attack("TL-02")
def test_no_accepted_ballot_lies_behind_the_checkpoint() -> None:
    """POL-05: an excluded one may; a ballot of another poll may; an accepted one needs a newer checkpoint."""
    stream, note = voted()
    stream.open(election(), number=2)
    body = stream.closing(note)
    stream.cast(mutant(stream, 3, stream.ballot(3, (FOR,)), ["BAL-08"]))
    stream.vote(((1, 0, 0),), number=2)
    assert verdict(stream.cast(stream.ballot(3, (FOR,)))) == ("accepted", None)
    index = len(stream.board.entries) - 1
    assert verdict(stream.post(stream.officers[0], "closing", body)) == ("no effect", "POL-05")
    assert closing(stream, note, checkpoint=stream.note(stream.poll().closes_at, size=index)) == ("no effect", "POL-05")
    covering = stream.note(stream.poll().closes_at, size=index + 1)
    assert closing(stream, note, checkpoint=covering) == ("effect", None)
    assert stream.poll().counted() == {1: 4}
    assert stream.status(2) == "open"


@pytest.mark.attack("BA-09")
def test_any_officer_or_trustee_closes_a_poll_once() -> None:
    """The first closing that stands counts; a second is out of phase, and no other key may sign one."""
    stream, note = voted()
    body = stream.closing(note)
    for key in (stream.keys.registrars[0], stream.keys.commission[0], STRANGER):
        assert verdict(stream.post(key, "closing", body)) == ("no effect", "ENT-04")
    assert verdict(stream.post(stream.keys.trustees[3], "closing", body)) == ("effect", None)
    again = stream.closing(note, delay=1)
    assert verdict(stream.post(stream.officers[0], "closing", again)) == ("no effect", "ENT-06")
    unknown = msgspec.structs.replace(body, ctx=bytes(32))
    assert verdict(stream.post(stream.officers[0], "closing", unknown)) == ("no effect", "ENT-06")


def test_whoever_posts_a_misfit_is_suspected_of_it() -> None:
    """POL-04, POL-06: without effect it is no fault, but its author is told apart from everybody else."""
    stream, note = voted()
    poll, (officer, trustee) = stream.poll(), (stream.officers[1], stream.keys.trustees[2])
    body = msgspec.structs.replace(stream.closing(note), checkpoint=stream.note(poll.closes_at - 1))
    assert stream.post(officer, "closing", body).culprit == Party("presidium", 2)
    assert stream.post(trustee, "lapse", Lapse(stream.note(poll.closes_at), poll.ctx)).culprit == Party("trustee", 3)


# --- notes


def swapped_lines(stream: Stream, at: int) -> str:
    """Return a good note with two cosignatures in the other order."""
    lines = stream.note(at).splitlines(keepends=True)
    return "".join([*lines[:-2], lines[-1], lines[-2]])


def repeated_line(stream: Stream, at: int) -> str:
    """Return a note in which one witness signs twice and another not at all."""
    lines = stream.note(at).splitlines(keepends=True)
    return "".join([*lines[:-1], lines[-2]])


def other_log(stream: Stream, at: int) -> str:
    """Return a note of another origin, signed by the same keys."""
    board = stream.board
    origin = board.manifest.log.origin[:-1] + ("0" if board.manifest.log.origin[-1] != "0" else "1")
    return cosigned_head(origin, board.log_key, stream.leaves(), board.witnesses[:3], at).decode()


def stranger_log(stream: Stream, at: int) -> str:
    """Return a note that a stranger signed in the log's name."""
    board = stream.board
    return cosigned_head(board.manifest.log.origin, STRANGER, stream.leaves(), board.witnesses[:3], at).decode()


def time_zero(stream: Stream, at: int) -> str:
    """Return a note whose last cosignature says that it was made in 1970."""
    text, _, lines = stream.note(at).partition("\n\n")
    text += "\n"
    witness = stream.board.witnesses[2]
    signature = witness.key.sign(f"cosignature/v1\ntime 0\n{text}".encode())
    name = Ed25519Cosigner(witness.name, witness.key).vkey.key_id
    last = base64.b64encode(name + bytes(8) + signature).decode()
    return text + "\n" + "".join(lines.splitlines(keepends=True)[:-1]) + f"— {witness.name} {last}\n"


NOTES: dict[str, Callable[[Stream, int], str]] = {
    "one cosignature too few": lambda s, at: s.note(at, witnesses=slice(2)),
    "one cosignature too many": lambda s, at: s.note(at, witnesses=slice(4)),
    "no cosignature": lambda s, at: s.note(at, witnesses=slice(0)),
    "cosignatures in another order": swapped_lines,
    "one witness twice": repeated_line,
    "another origin": other_log,
    "another log key": stranger_log,
    "time zero": time_zero,
    "a time beyond 2^53−1": lambda s, _: s.note(2**53),
    "extension lines": lambda s, at: s.note(at).replace("\n\n", "\nextension\n\n", 1),
    "no note at all": lambda _, __: "note",
    "a size in other digits": lambda s, at: s.note(at).replace(f"\n{len(s.leaves())}\n", f"\n0{len(s.leaves())}\n", 1),
    "carriage returns": lambda s, at: s.note(at).replace("\n", "\r\n"),
}


@pytest.mark.parametrize("wrong", NOTES)
def test_an_embedded_note_has_one_good_form(wrong: str) -> None:
    """LOG-03 for either note of a closing, for a lapse and for an adjournment; nothing takes effect, nothing fails."""
    stream, note = voted()
    poll, grace = stream.poll(), stream.manifest.grace
    bad = NOTES[wrong](stream, poll.closes_at)
    assert closing(stream, note, checkpoint=bad) == ("no effect", "LOG-03")
    assert closing(stream, NOTES[wrong](stream, stream.now)) == ("no effect", "LOG-03")
    late = NOTES[wrong](stream, poll.closes_at + grace + 1)
    assert verdict(stream.post(stream.officers[0], "lapse", Lapse(late, poll.ctx))) == ("no effect", "LOG-03")
    assert verdict(stream.act("adjournment", Adjournment(late))) == ("no effect", "LOG-03")
    assert stream.failures() == []
    assert closing(stream, note) == ("effect", None)


def test_any_q_witnesses_in_manifest_order_will_do() -> None:
    """LOG-03 asks for a quorum, not for the first of the witnesses."""
    stream, note = voted()
    assert closing(stream, note, checkpoint=stream.note(stream.poll().closes_at, witnesses=slice(1, 4))) == (
        "effect",
        None,
    )


def test_a_note_covers_only_entries_before_its_own() -> None:
    """LOG-03: a checkpoint over the closing itself, or over nothing, is refused."""
    stream, note = voted()
    board, poll = stream.board, stream.poll()
    future = [*stream.leaves(), bytes(32)]
    beyond = cosigned_head(board.manifest.log.origin, board.log_key, future, board.witnesses[:3], poll.closes_at)
    assert closing(stream, note, checkpoint=beyond.decode()) == ("no effect", "LOG-03")
    empty = stream.note(poll.closes_at, size=0)
    assert closing(stream, note, checkpoint=empty) == ("no effect", "LOG-03")


def test_the_first_note_is_examined_first() -> None:
    """A split shown by the second note is not seen behind a malformed first one."""
    stream, _ = voted()
    split = split_note(stream, stream.now)
    body = Closing(checkpoint="junk", ctx=stream.poll().ctx, opening_checkpoint=split)
    assert verdict(stream.post(stream.officers[0], "closing", body)) == ("no effect", "LOG-03")
    assert stream.failures() == []


def split_note(stream: Stream, at: int) -> str:
    """Return a fully signed note over a log that differs in its last entry."""
    board = stream.board
    leaves = [*stream.leaves()[:-1], bytes(32)]
    return cosigned_head(board.manifest.log.origin, board.log_key, leaves, board.witnesses[:3], at).decode()


def test_a_witnessed_note_of_another_log_fails_the_record() -> None:
    """LOG-04: quorum and log key signed two logs; the entry has no effect, and the note is the evidence."""
    stream, note = voted()
    split = split_note(stream, stream.poll().closes_at)
    assert closing(stream, note, checkpoint=split) == ("no effect", "LOG-04")
    assert stream.failures() == ["LOG-04"]
    (failure,) = stream.board.record.state.failures
    opened = open_witnessed(stream.manifest, stream.board.record.state.operators, failure.evidence)
    assert opened.checkpoint.root != stream.board.record.state.history.root(opened.checkpoint.tree_size)
    # The machine goes on judging, and a later good closing stands.
    assert closing(stream, note) == ("effect", None)


# --- lapse


def test_a_poll_lapses_when_its_grace_is_over() -> None:
    """POL-06: every time later than closes_at + grace, one second makes the difference, any one key is enough."""
    stream, note = voted()
    poll, grace = stream.poll(), stream.manifest.grace
    end = poll.closes_at + grace
    for bad in (stream.note(end), stream.note(times=[end + 1, end + 1, end])):
        assert verdict(stream.post(stream.keys.trustees[0], "lapse", Lapse(bad, poll.ctx))) == ("no effect", "POL-06")
    early = stream.note(end + 1, size=poll.index)
    assert verdict(stream.post(stream.keys.trustees[0], "lapse", Lapse(early, poll.ctx))) == ("no effect", "POL-06")
    good = Lapse(stream.note(end + 1), poll.ctx)
    assert verdict(stream.post(stream.keys.registrars[0], "lapse", good)) == ("no effect", "ENT-04")
    assert verdict(stream.post(stream.keys.trustees[0], "lapse", good)) == ("effect", None)
    assert stream.status() == "lapsed"
    assert verdict(stream.post(stream.keys.trustees[1], "lapse", good)) == ("no effect", "ENT-06")
    assert closing(stream, note) == ("no effect", "ENT-06")


@pytest.mark.attack("SB-05")
def test_a_closed_poll_does_not_lapse() -> None:
    """ENT-06, also for the ctx of no poll."""
    stream, note = voted()
    stream.close(note)
    end = stream.poll().closes_at + stream.manifest.grace
    for ctx in (stream.poll().ctx, bytes(32)):
        body = Lapse(stream.note(end + 1), ctx)
        assert verdict(stream.post(stream.officers[0], "lapse", body)) == ("no effect", "ENT-06")


def test_nothing_of_a_lapsed_poll_is_decrypted_or_annulled() -> None:
    """A lapse is final, but the sitting goes on and can be adjourned."""
    stream, _ = voted()
    end = stream.poll().closes_at + stream.manifest.grace
    stream.post(stream.officers[0], "lapse", Lapse(stream.note(end + 1), stream.poll().ctx))
    body = Annulment(stream.poll().ctx, "Too late")
    annulment = stream.act("annul", body, [*stream.officers, *stream.keys.trustees[:2]])
    assert verdict(annulment) == ("no effect", "POL-08")
    assert verdict(stream.act("adjournment", Adjournment(stream.note(end + 2)))) == ("effect", None)
