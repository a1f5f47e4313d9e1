"""What delegates are asked and answer: official texts compared with their hashes, numbers, and files of choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.errors import EncodingError, RefusalError, SecballotError, StoreError
from secballot.records.document import Document
from secballot.records.opening import Contest, Option
from secballot.roles.choosing import Question, document_text, questions, read_answer, read_choices
from tests.forked import fork
from tests.simulator import Simulator, election, resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = "Жизнь\n" + "Жизнь. " * 9_000


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    """Return a sitting with an open poll whose first contest names a long document. Not to be changed."""
    simulator = fork()
    rehearsal = simulator.rehearsal
    stray = Document(chunk=1, chunks=2, data="another text", document=bytes(32))
    simulator.append_signed(rehearsal.keys.presidium[1], "document", stray)
    digest = rehearsal.officers[0].post_document(TEXT)
    contest = resolution()
    fields = {name: getattr(contest, name) for name in contest.__struct_fields__}
    rehearsal.open_poll(1, [Contest(**{**fields, "documents": (digest,)}), election()])
    return simulator


def test_the_official_texts_are_the_logs(simulator: Simulator) -> None:
    """Contests open to the class, and the whole document; other classes are asked less."""
    first = simulator.rehearsal.delegates[0]
    first.view.refresh()
    poll = first.view.state.polls[1]
    asked = questions(first.view, poll, 1)
    assert [(q.number, q.contest.title, len(q.documents)) for q in asked] == [
        (1, "A declaration", 1),
        (2, "A council", 0),
    ]
    assert asked[0].documents == (TEXT,)
    assert [q.number for q in questions(first.view, poll, 2)] == [1]
    assert (asked[0].single, asked[1].single, asked[1].scored) == (True, False, False)
    for missing in (bytes(32), b"x" * 32):
        with pytest.raises(StoreError, match="document"):
            document_text(first.view, missing)


def _contest(*maxima: int) -> Contest:
    return Contest(
        documents=(),
        options=tuple(Option(f"option {number}", maximum) for number, maximum in enumerate(maxima, 1)),
        rules="simple",
        sum_maximum=5,
        sum_minimum=0,
        text="",
        title="Title",
    )


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        ("1", (1, 0, 0)),
        (" 3, 1 ", (1, 0, 1)),
        ("2=3 3=0", (0, 3, 0)),
        ("none", (0, 0, 0)),
        ("None", (0, 0, 0)),
        ("1;2;3", (1, 1, 1)),
    ],
)
def test_answers_are_numbers_of_options(answer: str, values: tuple[int, ...]) -> None:
    """With values where they are not 1."""
    assert read_answer(_contest(1, 3, 3), answer) == values


@pytest.mark.parametrize(
    "answer", ["", "4", "0", "1 1", "1=", "=1", "one", "1=1000", "-1", "1.0", "none 1", "\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_other_answers_are_asked_again(answer: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(EncodingError):
        read_answer(_contest(1, 3, 3), answer)


ASKED = [Question(1, _contest(1, 1), ()), Question(3, election(), ())]
FILE = """
[[contests]]
title = "A council"
choose = ["B"]
[[contests]]
title = "Title"
values = { "option 2" = 3 }
"""


def test_a_file_answers_by_titles_and_labels() -> None:
    """In any order; what is not named gets nothing."""
    assert read_choices(FILE, ASKED) == ((0, 3), (0, 1, 0))


@pytest.mark.parametrize(
    "text",
    [
        FILE.replace("A council", "Another council"),
        FILE.replace('"B"', '"D"'),
        FILE.replace('"B"', '"B", "B"'),
        FILE + FILE,
        '[[contests]]\ntitle = "Title"\n',
        FILE.replace('choose = ["B"]', 'choose = ["B"]\nvalues = { "B" = 1 }'),
    ],
)
def test_a_file_that_answers_something_else_is_refused(text: str) -> None:
    """Also half of the contests, or one twice; the vote is not in the message."""
    with pytest.raises(RefusalError) as error:
        read_choices(text, ASKED)
    assert "option 2" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[[contests]]\ntitle = 'Geheim'\nvalues = { 'option 2' = 101 }", "contests = []", "contests = 1"],
)
def test_what_is_no_file_of_choices_is_said_without_its_words(text: str) -> None:
    """Parsers quote what they read; here they do not."""
    with pytest.raises(EncodingError) as error:
        read_choices(text, ASKED)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__
    assert "Geheim" not in str(error.value)


def test_contests_of_one_title_are_answered_in_order() -> None:
    """Then the order decides, and all must be there."""
    twice = [Question(1, _contest(1, 1), ()), Question(2, _contest(1, 1), ())]
    table = '[[contests]]\ntitle = "Title"\nchoose = ["option {}"]\n'
    assert read_choices(table.format(1) + table.format(2), twice) == ((1, 0), (0, 1))
    with pytest.raises(RefusalError, match="one title"):
        read_choices(table.format(1), twice)


@given(st.text(max_size=60), st.sampled_from([ASKED, []]))
def test_any_text_gives_choices_or_our_own_error(text: str, asked: Sequence[Question]) -> None:
    """Whatever is in a file or typed in."""
    for read in (lambda: read_choices(text, asked), lambda: read_answer(election(), text)):
        try:
            read()
        except SecballotError:
            continue
