"""A rehearsal: a whole sitting in one process, over the real board, its files and its witnesses."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from secballot.errors import RefusalError
from secballot.roles.rehearsal import Entropy, Rehearsal
from secballot.roles.view import WitnessedView
from tests.registrar_keys import test_key as published_key
from tests.simulator import SMALL, TAGS, Simulator, resolution
from tests.stages import FOR

if TYPE_CHECKING:
    from pathlib import Path

TINY = replace(
    SMALL,
    delegates=(2, 2),
    polls=1,
    registrars=1,
    trustees=(2, 2, 2),
    presidium=(1, 1),
    commission=1,
    minimum_ballots=1,
)


def rehearse(folder: Path, lines: list[str]) -> Rehearsal:
    """Return a tiny sitting after its adjournment."""
    numbers = itertools.count()
    entropy = Entropy(rsa_key=lambda: published_key(next(numbers)))
    rehearsal = Rehearsal(folder, TINY, entropy=entropy, notify=lines.append)
    rehearsal.found()
    rehearsal.run_ceremony()
    rehearsal.enrol()
    rehearsal.register()
    rehearsal.convene()
    rehearsal.open_poll(1, [resolution()])
    for delegate, tag in zip(rehearsal.delegates, TAGS, strict=False):
        delegate.cast(delegate.seal(1, (FOR,), tag))
    rehearsal.witness()
    rehearsal.close_poll(1)
    rehearsal.decrypt(1)
    rehearsal.publish_result(1)
    rehearsal.adjourn()
    return rehearsal


def test_a_whole_sitting_over_the_real_board(tmp_path: Path) -> None:
    """The database, the journals and the witnesses are real; anybody replays the log and finds the same result."""
    lines: list[str] = []
    rehearsal = rehearse(tmp_path / "sitting", lines)
    view = WitnessedView(rehearsal.operator.source(), rehearsal.sitting_id)
    view.refresh()
    assert view.state.adjourned
    poll = view.state.polls[1]
    assert poll.result is not None
    assert [contest.counts for contest in poll.result.contests] == [(6, 0, 0)]
    assert [judgement for judgement in view.judgements if not judgement.outcome.stands] == []
    assert lines[0] == "manifest"
    assert (tmp_path / "sitting" / "board.sqlite").stat().st_mode & 0o077 == 0
    with pytest.raises(RefusalError) as caught:
        rehearsal.post(b"junk")
    assert caught.value.check == "ENT-01"


def test_two_rehearsals_have_nothing_in_common(tmp_path: Path) -> None:
    """Fresh keys and a fresh origin each time."""
    one, other = (Rehearsal(tmp_path / name, TINY) for name in "ab")
    assert one.sitting_id != other.sitting_id
    assert one.manifest.log.origin != other.manifest.log.origin
    assert {*one.manifest.trustees.keys}.isdisjoint(other.manifest.trustees.keys)


def test_the_same_entropy_gives_the_same_parties() -> None:
    """Tests rest on it: keys, phrases and manifest follow from what is drawn."""
    one, other = Simulator(TINY), Simulator(TINY)
    assert one.board.anchor == other.board.anchor
    assert Simulator(TINY, b"other").board.anchor != one.board.anchor
