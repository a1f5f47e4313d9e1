"""A whole sitting of two polls, every party a process of its own with a home of its own; then the audit verifies."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from secballot_cli.main import ExitCode, run
from tests.sitting_processes.congress import Congress
from tests.sitting_processes.secrets_found import check_modes, check_no_secret_is_found, check_processes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_every_party_is_a_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cards to adjournment by commands alone: both polls are decided, pages are signed, nobody's secret is shown."""
    congress = Congress.gather(tmp_path / "congress")
    congress.make_keys()
    congress.draft()
    with congress.services():
        congress.found()
        for party in (*congress.trustees, *congress.registrars):
            congress.run_unattended(party)
        congress.enrol()
        congress.register()
        assert check_processes(congress) > 0 or sys.platform != "linux"
        congress.convene()
        congress.open_both()
        congress.everybody_votes()
        congress.end(1)
        congress.end(2)
        congress.act("adjourn")
        congress.check_ballots()
        congress.stop_unattended()
        assert congress.status()["phase"] == "adjourned"
        capsys.readouterr()
        assert run(["audit", congress.url, "--sitting", congress.sitting]) == ExitCode.PASSED
        report = capsys.readouterr().out
    assert "adopted" in report
    assert "Vera" in report
    assert check_no_secret_is_found(congress, report) > 50
    check_modes(congress)
    for poll in (1, 2):
        congress.check_page(poll, tmp_path / "again.html")
