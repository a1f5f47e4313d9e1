"""PrefLib categorical files: what is read, and that nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot_cli.demo_preflib import PrefLibError, approval_scenario, parse_preflib, read_preflib

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = """\
# FILE NAME: sample.cat
# TITLE: Sample
# DESCRIPTION:
# DATA TYPE: cat
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 9
# NUMBER UNIQUE PREFERENCES: 4
# NUMBER CATEGORIES: 2
# CATEGORY NAME 1: Yes
# CATEGORY NAME 2: No
# ALTERNATIVE NAME 1: Ada
# ALTERNATIVE NAME 2: Ben
# ALTERNATIVE NAME 3: Cleo
4: 2,{1,3}
2: {},{1,2,3}
2: {1,3},2
1: {1,2,3},{}
"""
APPROVALS = {
    "Megret": 62,
    "Lepage": 36,
    "Gluckstein": 26,
    "Bayrou": 85,
    "Chirac": 139,
    "LePen": 119,
    "Taubira": 33,
    "Saint-Josse": 74,
    "Mamere": 67,
    "Jospin": 87,
    "Boutin": 21,
    "Hue": 37,
    "Chevenement": 67,
    "Madelin": 77,
    "Laguiller": 64,
    "Besancenot": 62,
}
"""As counted from the file by hand; examples/preflib/SOURCES.md."""


def test_a_small_file_is_read() -> None:
    """Names, and how many ballots approve of whom: one number, several in braces, or nobody."""
    approvals = parse_preflib(SAMPLE.encode())

    assert approvals.names == ("Ada", "Ben", "Cleo")
    assert approvals.rows == (
        (4, frozenset({2})),
        (2, frozenset()),
        (2, frozenset({1, 3})),
        (1, frozenset({1, 2, 3})),
    )
    assert approvals.voters == 9


def test_the_scenario_casts_what_the_file_holds() -> None:
    """Every ballot of a row is one delegate's, and the totals are the file's."""
    scenario = approval_scenario(parse_preflib(SAMPLE.encode()))
    (poll,) = scenario.polls

    assert scenario.plan.delegates == (9,)
    assert [voter.choices[0] for voter in poll.voters][3:6] == [(0, 1, 0), (0, 0, 0), (0, 0, 0)]
    assert [option.weighted for option in scenario.cast(poll)[0]] == [3, 5, 3]


def test_the_real_ballots_have_their_known_totals(project_root: Path) -> None:
    """365 ballots and 1,056 approvals, candidate by candidate."""
    scenario = approval_scenario(read_preflib(project_root / "examples" / "preflib" / "00026-00000001.cat"))
    (poll,) = scenario.polls
    labels = [option.label for option in poll.contests[0].options]

    assert len(poll.voters) == 365
    assert dict(zip(labels, [option.weighted for option in scenario.cast(poll)[0]], strict=True)) == APPROVALS
    assert sum(APPROVALS.values()) == 1056


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("DATA TYPE: cat", "DATA TYPE: soc", id="another data type"),
        pytest.param("# DATA TYPE: cat\n", "", id="no data type"),
        pytest.param("# TITLE: Sample", "TITLE: Sample", id="header without a hash"),
        pytest.param("# TITLE: Sample", "#TITLE: Sample", id="header without a space"),
        pytest.param("# TITLE: Sample", "# TITLE: Sample\n# TITLE: Sample", id="header twice"),
        pytest.param("ALTERNATIVES: 3", "ALTERNATIVES: 4", id="a name is missing"),
        pytest.param("ALTERNATIVES: 3", "ALTERNATIVES: 03", id="leading zero"),
        pytest.param("ALTERNATIVES: 3", "ALTERNATIVES: 2", id="a name too many"),
        pytest.param("NAME 2: Ben", "NAME 2: Ada", id="one name twice"),
        pytest.param("NAME 2: Ben", "NAME 2: ", id="an empty name"),
        pytest.param("NAME 2: Ben", "NAME 2: B\u202een", id="a deceptive name"),
        pytest.param("VOTERS: 9", "VOTERS: 10", id="other number of voters"),
        pytest.param("# NUMBER VOTERS: 9\n", "", id="no number of voters"),
        pytest.param("PREFERENCES: 4", "PREFERENCES: 5", id="other number of rows"),
        pytest.param("CATEGORIES: 2", "CATEGORIES: 3", id="three categories"),
        pytest.param("CATEGORIES: 2", "CATEGORIES: 1", id="one category stated, two given"),
        pytest.param("4: 2,{1,3}", "4: 2,{1,4}", id="an alternative that is not there"),
        pytest.param("4: 2,{1,3}", "4: 0,{1,3}", id="alternative zero"),
        pytest.param("4: 2,{1,3}", "4: 2,{2,3}", id="an alternative twice"),
        pytest.param("4: 2,{1,3}", "4: 2,{1,3", id="an open brace"),
        pytest.param("4: 2,{1,3}", "4: 2;{1,3}", id="another separator"),
        pytest.param("4: 2,{1,3}", "4: 2, {1,3}", id="a space"),
        pytest.param("4: 2,{1,3}", "4: 2,{1,,3}", id="an empty number"),
        pytest.param("4: 2,{1,3}", "4: 2,{1,3},", id="a comma at the end"),
        pytest.param("4: 2,{1,3}", "4: 2,{\N{ARABIC-INDIC DIGIT ONE},3}", id="digits of another script"),
        pytest.param("4: 2,{1,3}", "-4: 2,{1,3}", id="a negative count"),
        pytest.param("4: 2,{1,3}", "0: 2,{1,3}", id="a count of zero"),
        pytest.param("4: 2,{1,3}", "4 2,{1,3}", id="no colon"),
        pytest.param("4: 2,{1,3}", "\n4: 2,{1,3}", id="an empty line"),
        pytest.param("4: 2,{1,3}", "4: 2,{1,3}\n# TITLE 2: late", id="a header among the ballots"),
        pytest.param("2: {1,3},2", "2: 2,{1,3}", id="one ballot in two rows"),
    ],
)
def test_one_defect_is_enough_to_refuse(old: str, new: str) -> None:
    """Each of these differs from the sample in one place."""
    assert SAMPLE.count(old) == 1
    with pytest.raises(PrefLibError):
        parse_preflib(SAMPLE.replace(old, new).encode())


def test_a_fault_is_placed() -> None:
    """The error says in which line it is, for a person and for a program."""
    with pytest.raises(PrefLibError, match="line 14: ") as caught:
        parse_preflib(SAMPLE.replace("4: 2,{1,3}", "4: 2,{1,9}").encode())

    assert caught.value.offset == 14


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"# NUMBER VOTERS: 9\n", b"1: {}", bytes(10_000_001)])
def test_other_files_are_refused(data: bytes) -> None:
    """Nothing at all, no text, no headers, no ballots, or too much."""
    with pytest.raises(PrefLibError):
        parse_preflib(data)


def test_a_single_ballot_is_refused() -> None:
    """One ballot alone is no secret."""
    text = SAMPLE.partition("4: 2")[0].replace("VOTERS: 9", "VOTERS: 1").replace("PREFERENCES: 4", "PREFERENCES: 1")

    with pytest.raises(PrefLibError, match="secret"):
        parse_preflib((text + "1: 2,{1,3}\n").encode())


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Reading fails with the same error."""
    with pytest.raises(PrefLibError):
        read_preflib(tmp_path)


@given(st.data())
def test_any_change_of_one_character_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands in a file, there are approvals or a PrefLibError."""
    at = data.draw(st.integers(0, len(SAMPLE) - 1))
    new = data.draw(st.sampled_from("0123456789{},:# \n\u0000\u0661xé") | st.characters())
    try:
        approvals = parse_preflib((SAMPLE[:at] + new + SAMPLE[at + 1 :]).encode(errors="replace"))
    except PrefLibError:
        return
    assert approvals.voters == 9
    assert all(1 <= number <= 3 for _, approved in approvals.rows for number in approved)
