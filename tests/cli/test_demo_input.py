"""The input of a demonstration: what the first congress is, and what cannot be played."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from secballot_cli.demo_input import DemoInputError, Scenario, congress_folder, read_scenario

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def congress() -> Scenario:
    """Return the congress that comes with the command line."""
    return read_scenario(congress_folder())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of its files, to be spoilt."""
    return shutil.copytree(congress_folder(), tmp_path / "congress")


def test_the_congress_has_the_parties_that_it_is_to_show(congress: Scenario) -> None:
    """78 delegates in two classes of different weight, and every kind of threshold below its number."""
    plan = congress.plan

    assert plan.delegates == (58, 20)
    assert [held.weight for held in plan.classes] == [2, 1]
    assert (plan.presidium, plan.commission, plan.registrars) == ((3, 2), 2, 3)
    assert (plan.trustees, plan.witnesses) == ((5, 4, 3), (4, 3, 1))
    assert congress.absent_trustees == {5}


def test_the_congress_has_its_three_polls(congress: Scenario) -> None:
    """One founding declaration, five contests side by side, and eleven seats among seventeen letters."""
    declaration, five, council = congress.polls

    assert [len(poll.contests) for poll in congress.polls] == [1, 5, 1]
    assert [len(poll.documents) for poll in congress.polls] == [1, 5, 0]
    assert declaration.contests[0].title == "Founding Declaration"
    assert {contest.rules for contest in five.contests} == {"founding", "resolution"}
    assert [option.label for option in council.contests[0].options] == list("ABCDEFGHIJKLMNOPQ")
    assert (council.contests[0].sum_minimum, council.contests[0].sum_maximum) == (0, 11)


def test_in_every_poll_some_vote_again_some_open_and_some_are_absent(congress: Scenario) -> None:
    """The demonstration shows each of these at least once a poll."""
    for poll in congress.polls:
        assert any(voter.replaced is not None and voter.replaced != voter.choices for voter in poll.voters)
        assert any(voter.opens for voter in poll.voters)
        assert 60 < len(poll.voters) < 78


def test_weights_count_in_what_was_cast(congress: Scenario) -> None:
    """Of every poll the weighted sum is twice the first class's plus the second's."""
    for poll in congress.polls[:2]:
        first = sum(voter.delegate <= 58 for voter in poll.voters)
        for contest in congress.cast(poll):
            assert sum(option.unweighted for option in contest) == len(poll.voters)
            assert sum(option.weighted for option in contest) == 2 * first + len(poll.voters) - first


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("sitting.toml", "[plan]", "[plan", id="no TOML"),
        pytest.param("sitting.toml", "label =", "lable =", id="unknown key"),
        pytest.param("sitting.toml", "commission = 2", "comission = 2", id="unknown key of the plan"),
        pytest.param("sitting.toml", "commission = 2", 'commission = "2"', id="a text for a number"),
        pytest.param("sitting.toml", "seats = 11", "seats = 11_000", id="more seats than a rule may have"),
        pytest.param("sitting.toml", 'rules = "council"', 'rules = "counsel"', id="unknown rules"),
        pytest.param("sitting.toml", '"Council of eleven"', '""', id="an empty title"),
        pytest.param("sitting.toml", '"founding-declaration.txt"', '"another.txt"', id="a missing text"),
        pytest.param("sitting.toml", '"votes-1.toml"', '"votes-4.toml"', id="missing votes"),
        pytest.param("votes-1.toml", "delegates = [1, ", "delegates = [1, 1, ", id="a delegate twice"),
        pytest.param("votes-1.toml", "delegates = [1, ", "delegates = [0, ", id="delegate zero"),
        pytest.param("votes-1.toml", "delegates = [1, ", "delegates = [79, ", id="a delegate too many"),
        pytest.param("votes-1.toml", "opened = [11]", "opened = [7]", id="an absent delegate opens a ballot"),
        pytest.param("votes-1.toml", 'choices = ["abstain"] },\n]', 'choices = ["perhaps"] },\n]', id="unknown option"),
        pytest.param("votes-1.toml", 'choices = ["abstain"] },\n]', "choices = [] },\n]", id="no answer"),
        pytest.param("votes-1.toml", 'choices = ["abstain"] },\n]', "choices = [[]] },\n]", id="too few options"),
        pytest.param("votes-3.toml", 'choices = [["Q"]]', 'choices = [["Q", "Q"]]', id="one option twice"),
        pytest.param("votes-3.toml", 'choices = [["A", "B", "C"]]', f"choices = [{list('ABCDEFGHIJKL')}]", id="twelve"),
    ],
)
def test_one_defect_is_enough_to_refuse(copy: Path, name: str, old: str, new: str) -> None:
    """Each of these differs from the congress in its first such place."""
    path = copy / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DemoInputError):
        read_scenario(copy)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Without files there is nothing to play."""
    with pytest.raises(DemoInputError):
        read_scenario(tmp_path)
