"""The result page: the same bytes for every signer and everybody later, and nothing in it that a record could forge."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from secballot.errors import RecordError, SecballotError
from secballot.records.opening import Contest, Option
from secballot.roles import result_page as made
from secballot.roles.result_page import page_digest, result_page
from tests.forked import closed_poll, fork
from tests.simulator import election

if TYPE_CHECKING:
    from typing import Self

    from secballot.record.state import PollState, SittingState
    from tests.simulator import Simulator


class Reader(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and whether it has to be closed."""
        self.tags.append(tag)
        if tag not in {"meta", "br", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag."""
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data


def read(page: bytes) -> Reader:
    """Return a page as a browser's parser reads it."""
    reader = Reader()
    reader.feed(page.decode())
    reader.close()
    assert not reader.open
    return reader


def decrypted() -> Simulator:
    """Return a sitting with a closed and decrypted poll."""
    simulator = fork(closed_poll())
    simulator.rehearsal.decrypt(1)
    return simulator


def poll_of(simulator: Simulator) -> tuple[SittingState, PollState]:
    """Return state and poll of an officer's own view."""
    view = simulator.rehearsal.officers[0].view
    view.refresh()
    return view.state, view.state.polls[1]


def test_a_page_shows_the_result_and_what_it_rests_on() -> None:
    """Every option with its count, the outcome, the turnout, the sitting, the closing's root and its witnesses."""
    simulator = decrypted()
    state, poll = poll_of(simulator)
    page = result_page(state, poll)
    text = read(page).text

    for position, contest in enumerate(poll.opening.contests):
        counts = poll.counts[position]
        assert counts is not None
        for option, count in zip(contest.options, counts, strict=True):
            assert re.search(rf"{re.escape(option.label)}\s*{count}", text), option.label
    assert poll.closing is not None
    root = state.history.root(poll.closing.size).hex()
    assert root in text.replace(" ", "")
    assert state.sitting_id.hex() in text.replace(" ", "")
    assert "witness-1.example" in text
    assert f"{len(poll.heads)} of" in text


def test_every_signer_makes_the_same_bytes_and_so_does_everybody_later() -> None:
    """Later decryptions, the result itself and the adjournment change nothing on the page."""
    simulator = decrypted()
    state, poll = poll_of(simulator)
    first = result_page(state, poll)
    for officer in simulator.rehearsal.needed_officers():
        officer.publish_result(1, first)
    simulator.rehearsal.witness()
    simulator.rehearsal.adjourn()
    state, poll = poll_of(simulator)

    assert result_page(state, poll) == first
    assert poll.result is not None
    assert poll.result.page == page_digest(first)


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    """No script, no link, no image, no style sheet: what is shown is what was hashed."""
    page = result_page(*poll_of(decrypted()))
    reader = read(page)

    assert not {"script", "a", "img", "link", "iframe", "object", "form"} & set(reader.tags)
    assert b"default-src 'none'" in page
    assert b"http" not in page.replace(b"http-equiv", b"")


def test_texts_of_a_record_are_texts() -> None:
    """Titles and labels that look like HTML are shown as they are written."""
    simulator = fork()
    evil = '<script>alert("x")</script> & \'"'
    contest = Contest(
        documents=(),
        options=tuple(Option(f"{evil}{number}", 1) for number in range(3)),
        rules=simulator.board.manifest.rules[0].name,
        sum_maximum=1,
        sum_minimum=1,
        text=evil,
        title=evil,
    )
    simulator.rehearsal.open_poll(1, [contest, election()])
    simulator.vote(1)
    simulator.rehearsal.close_poll(1)
    simulator.rehearsal.decrypt(1)
    reader = read(result_page(*poll_of(simulator)))

    assert "script" not in reader.tags
    assert reader.text.count(evil) >= 5


def test_there_is_no_page_without_a_result() -> None:
    """A poll that is not decrypted has none."""
    with pytest.raises(RecordError):
        result_page(*poll_of(fork(closed_poll())))
    assert issubclass(RecordError, SecballotError)


def test_times_are_those_of_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems know no time after 2038, or after 3000: their pages are the same all the same."""

    class Elsewhere(datetime):
        """Knows no time at all."""

        @classmethod
        def fromtimestamp(cls, *_: object) -> Self:
            """Fail."""
            raise OSError

    monkeypatch.setattr(made, "datetime", Elsewhere)
    assert made._time(0) == "1970-01-01 00:00:00 UTC"
    assert made._time(32_536_850_400) == "3001-01-19 22:00:00 UTC"
    assert made._time(2**53 - 1) == f"{2**53 - 1} s"
