"""The end of a sitting, and the log's change of hands before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.board.merkle import root_of
from secballot.errors import SecballotError
from secballot.record.history import open_witnessed
from secballot.records.closing import Adjournment, Annulment
from secballot.records.promise import Handover
from secballot.signing import SigningKey
from tests.simulator import cosigned_head, election, resolution
from tests.stages import Stream, verdict

if TYPE_CHECKING:
    from collections.abc import Callable


from tests.poll_endings import dropped, objecting, voted

STRANGER = SigningKey.from_seed(bytes(31) + b"s")


def closing(stream: Stream, note: str, **changes: object) -> tuple[str, str | None]:
    """Return what a closing with these changes does."""
    body = msgspec.structs.replace(stream.closing(note), **changes)
    return verdict(stream.post(stream.officers[0], "closing", body))


# --- adjournment


def test_a_sitting_without_polls_is_adjourned() -> None:
    """POL-09: unused polls are nobody's loss; nothing has effect afterwards, well-formed or not."""
    stream = Stream()
    body = Adjournment(stream.note(stream.now))
    assert verdict(stream.act("adjournment", body)) == ("effect", None)
    assert stream.board.record.state.adjourned
    for entry in (
        stream.entry(stream.officers[0], "opening", stream.opening([resolution()])),
        stream.entry(stream.officers[0], "adjournment", body),
        stream.entry(STRANGER, "adjournment", body),
        stream.board.entries[0],
    ):
        assert verdict(stream.board.force(entry)) == ("no effect", "ENT-03")
    assert verdict(stream.board.force(b"junk")) == ("no effect", "ENT-01")


def test_an_unfinished_poll_keeps_the_sitting_open() -> None:
    """POL-09: open, or closed and not decrypted; the result need not be posted."""
    stream, note = voted()

    def adjourning() -> tuple[str, str | None]:
        return verdict(stream.act("adjournment", Adjournment(stream.note(stream.poll().closes_at + 100))))

    assert adjourning() == ("no effect", "POL-09")
    stream.close(note)
    assert adjourning() == ("no effect", "POL-09")
    stream.decrypt(1)
    assert adjourning() == ("no effect", "POL-09")
    stream.decrypt(3)
    assert adjourning() == ("effect", None)


def test_a_poll_that_nobody_decrypts_does_not_bind_the_sitting_for_ever() -> None:
    """POL-09: every time later than the closing time and the decryption period; the poll stays not opened."""
    stream, note = voted()
    stream.close(note)
    deadline = stream.poll().closes_at + stream.manifest.decryption_period
    for bad in (stream.note(deadline), stream.note(times=[deadline + 1, deadline, deadline + 1])):
        assert verdict(stream.act("adjournment", Adjournment(bad))) == ("no effect", "POL-09")
    stream.decrypt(1)
    assert verdict(stream.act("adjournment", Adjournment(stream.note(deadline + 1)))) == ("effect", None)
    assert not stream.poll().finished()


def test_the_decryption_period_does_not_excuse_an_open_poll() -> None:
    """POL-09: an open poll lapses first."""
    stream, _ = voted()
    late = stream.poll().closes_at + stream.manifest.decryption_period + stream.manifest.grace + 1
    assert verdict(stream.act("adjournment", Adjournment(stream.note(late)))) == ("no effect", "POL-09")


def test_every_poll_counts_for_the_adjournment() -> None:
    """POL-09: annulled and decrypted polls are finished; one that is neither is enough to refuse."""
    stream, note = voted()
    stream.open(election(), number=2)
    stream.close(note)
    stream.decrypt(1, 2)
    late = stream.note(stream.poll().closes_at + 100)
    assert verdict(stream.act("adjournment", Adjournment(late))) == ("no effect", "POL-09")
    body = Annulment(stream.poll(2).ctx, "Nobody stands")
    stream.act("annul", body, [*stream.officers, *stream.keys.trustees[:2]])
    assert verdict(stream.act("adjournment", Adjournment(late))) == ("effect", None)


# --- handover


def handing_over(stream: Stream, **changes: object) -> tuple[str, str | None]:
    """Return what a handover with these changes, signed by two officers and two trustees, does."""
    size = len(stream.board.entries)
    body = msgspec.structs.replace(Handover(root=root_of(stream.leaves()), size=size, successor=1), **changes)
    return verdict(stream.act("handover", body, [*stream.officers, *stream.keys.trustees[:2]]))


def successor_note(stream: Stream, at: int, *, size: int | None = None) -> str:
    """Return a note by the successor's log key."""
    board = stream.board
    origin, key = board.manifest.log.origin, stream.keys.log[1]
    return cosigned_head(origin, key, stream.leaves()[:size], board.witnesses[:3], at).decode()


def test_a_handover_changes_the_key_that_closes() -> None:
    """LOG-06: up to its size the first key's notes are good, from its last entry on only the successor's."""
    stream, note = voted()
    closes_at, size = stream.poll().closes_at, len(stream.board.entries)
    assert closing(stream, note, checkpoint=successor_note(stream, closes_at)) == ("no effect", "LOG-03")
    # (the refused closing is an entry too)
    size += 1
    assert handing_over(stream) == ("effect", None)
    completed = len(stream.board.entries) - 1
    assert stream.board.record.state.handovers == 1
    assert closing(stream, note, checkpoint=stream.note(closes_at)) == ("no effect", "LOG-03")
    for between in range(size + 1, completed + 1):
        for text in (stream.note(closes_at, size=between), successor_note(stream, closes_at, size=between)):
            assert closing(stream, note, checkpoint=text) == ("no effect", "LOG-03"), between
    assert closing(stream, note, checkpoint=successor_note(stream, closes_at, size=size)) == ("no effect", "LOG-03")
    # Old notes stay good, the opening's among them.
    assert closing(stream, note, checkpoint=successor_note(stream, closes_at)) == ("effect", None)
    stream.decrypt(1, 2)
    assert stream.result().contests[0].counts == (4, 2, 0)


def test_the_last_note_of_the_first_operator_can_still_close() -> None:
    """LOG-06: a checkpoint of exactly the size handed over counts under the earlier key."""
    stream, note = voted()
    size = len(stream.board.entries)
    assert handing_over(stream) == ("effect", None)
    text = stream.note(stream.poll().closes_at, size=size)
    assert closing(stream, note, checkpoint=text) == ("effect", None)


def test_the_successors_first_note_covers_the_handover() -> None:
    """LOG-06: the first size that counts under the new key is one above the completing entry's index."""
    stream, note = voted()
    assert handing_over(stream) == ("effect", None)
    completed = len(stream.board.entries) - 1
    stream.board.force(b"junk")
    closes_at = stream.poll().closes_at
    operators = stream.board.record.state.operators
    for size, good in ((completed, False), (completed + 1, True)):
        text = successor_note(stream, closes_at, size=size)
        if good:
            assert open_witnessed(stream.manifest, operators, text.encode()).checkpoint.tree_size == size
            assert closing(stream, note, checkpoint=text) == ("effect", None)
        else:
            with pytest.raises(SecballotError):
                open_witnessed(stream.manifest, operators, text.encode())
            assert closing(stream, note, checkpoint=text) == ("no effect", "LOG-03")


def test_promises_are_held_against_the_key_of_their_place() -> None:
    """POL-07 after a handover: places below its size are the first operator's word, the others the successor's."""
    for by_successor in (False, True):
        stream, note = voted()
        if not by_successor:
            lost, promise = dropped(stream)
        assert handing_over(stream) == ("effect", None)
        if by_successor:
            stream.board.promise_key = stream.keys.promise[1]
            lost, promise = dropped(stream)
        text = successor_note(stream, stream.poll().closes_at)
        assert closing(stream, note, checkpoint=text) == ("effect", None)
        other = stream.keys.promise[0 if by_successor else 1]
        wrong = msgspec.structs.replace(promise, signature=other.sign(promise.message()))
        assert objecting(stream, lost, wrong) == ("no effect", "POL-07")
        assert objecting(stream, lost, promise) == ("effect", None)


HANDOVERS: dict[str, Callable[[Stream], dict[str, object]]] = {
    "no such successor": lambda _: {"successor": 2},
    "another root": lambda _: {"root": bytes(32)},
    "an earlier size": lambda s: {"size": len(s.leaves()) - 1, "root": root_of(s.leaves()[:-1])},
    "a later size": lambda s: {"size": len(s.leaves()) + 1},
}


@pytest.mark.parametrize("wrong", HANDOVERS)
def test_a_handover_names_successor_size_and_root(wrong: str) -> None:
    """LOG-06: otherwise it has no effect, and a right one still stands."""
    stream = Stream()
    assert handing_over(stream, **HANDOVERS[wrong](stream)) == ("no effect", "LOG-06")
    assert stream.board.record.state.handovers == 0
    assert handing_over(stream) == ("effect", None)
    assert handing_over(stream) == ("no effect", "ENT-06")


@pytest.mark.parametrize("between", [b"junk", "the same again"])
def test_nothing_stands_between_the_entries_of_a_handover(between: object) -> None:
    """LOG-06: whatever comes between makes it void, and a new body with a new size is needed."""
    stream = Stream()
    body = Handover(root=root_of(stream.leaves()), size=len(stream.board.entries), successor=1)
    keys = [*stream.officers, *stream.keys.trustees[:2]]
    first = stream.entry(keys[0], "handover", body)
    stream.board.force(first)
    stream.board.force(between if isinstance(between, bytes) else first)
    assert verdict(stream.act("handover", body, keys[1:])) == ("no effect", "LOG-06")
    assert handing_over(stream) == ("effect", None)


@pytest.mark.parametrize(("officers", "trustees"), [(3, 1), (1, 4), (2, 0)])
def test_presidium_and_trustees_hand_over_together(officers: int, trustees: int) -> None:
    """Neither alone takes the log from its operator."""
    stream = Stream()
    body = Handover(root=root_of(stream.leaves()), size=len(stream.board.entries), successor=1)
    keys = [*stream.keys.presidium[:officers], *stream.keys.trustees[:trustees]]
    assert verdict(stream.act("handover", body, keys)) == ("collected", None)
    assert stream.board.record.state.handovers == 0
