"""A party with several places of the log: one that shows another log is found out, one that shows nothing is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.errors import InconsistentLogError
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.remote import open_source
from secballot.roles.view import WitnessedView
from secballot_cli.connecting import compare_boards, remember_view
from secballot_cli.home import Home
from tests.loopback import free_port, serving_folder
from tests.small_sitting import SITTING_ID
from tests.two_views import View, entries

if TYPE_CHECKING:
    from pathlib import Path

HONEST = View(entries(1, 2, 3), sizes=(4, 5))
BEHIND = View(HONEST.log[:4], sizes=(4,))
OTHER = View(entries(1, 2, 9, 4), sizes=(6,))


def _seat(folder: Path, *boards: str) -> tuple[Home, WitnessedView]:
    """Return a home that knows these places, and the view of the first."""
    home = Home("officer", folder / "home", SITTING_ID, boards)
    home.folder.mkdir(exist_ok=True)
    view = WitnessedView(open_source(boards[0]), SITTING_ID)
    view.refresh()
    return home, view


def test_other_places_may_be_behind_or_down(tmp_path: Path) -> None:
    """Mirrors, drop boxes and what is down: whoever shows this log, or none, stops nobody."""
    one, behind = HONEST.publish(tmp_path / "one"), BEHIND.publish(tmp_path / "behind")
    with serving_folder(tmp_path / "home-of-nothing") as empty:
        places = (str(one), str(behind), empty, f"http://127.0.0.1:{free_port()}", str(tmp_path / "nothing"))
        home, view = _seat(tmp_path, *places)
        compare_boards(home, view)
        remember_view(home, view)
    assert list(home.folder.iterdir()) == [home.seen_folder]


@pytest.mark.parametrize("first", [True, False])
def test_a_place_that_shows_another_log_is_evidence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, first: bool
) -> None:
    """Whichever of the two is read, the party stops, and has a file for strangers."""
    places = [str(HONEST.publish(tmp_path / "one")), str(OTHER.publish(tmp_path / "two"))]
    home, view = _seat(tmp_path, *(places if first else places[::-1]))
    with pytest.raises(InconsistentLogError):
        compare_boards(home, view)
    assert "evidence written" in capsys.readouterr().err
    (evidence,) = home.folder.glob("evidence-*.json")
    finding = check_evidence(decode_evidence(evidence.read_bytes()), SITTING_ID)
    assert finding.sizes == (5, 6)
