"""The scripts in examples/ are run as a person runs them, on a board that one of them made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TAG = "3164225163"
"""The tag that examples/embed.py throws for everybody."""


def run_example(name: str, *arguments: object, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run one script with its arguments, and type this."""
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'cli'}"},
        input=typed,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what examples/embed.py wrote. Not to be changed."""
    folder = tmp_path_factory.mktemp("meeting")
    done = run_example("embed.py", folder)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "Public meetings: for 4, against 2, abstain 1: adopted\nThe record stands.\n"
    return folder


@pytest.fixture(scope="module")
def sitting(meeting: Path) -> str:
    """Return its sitting_id."""
    return (meeting / "sitting_id.txt").read_text(encoding="ascii").strip()


def test_a_delegate_finds_the_own_ballot_counted(meeting: Path, sitting: str) -> None:
    """With the right tag the receipt says which of how many, that it counts, and who signed the root."""
    done = run_example("verify_my_ballot.py", meeting / "board", meeting / "receipt.json", sitting, typed=f"{TAG}\n")

    assert done.returncode == 0, done.stderr
    assert "number 1 of 1 from your credential" in done.stdout
    assert "It is counted; its poll is closed." in done.stdout
    assert "witness-1.example" in done.stdout


def test_a_ballot_with_another_tag_is_not_mine(meeting: Path, sitting: str) -> None:
    """A client that shows somebody else's ballot does not get past the tag."""
    done = run_example("verify_my_ballot.py", meeting / "board", meeting / "receipt.json", sitting, typed="4" + TAG[1:])

    assert done.returncode == 1
    assert "NOT VERIFIED: the ballot does not carry your tag" in done.stderr


@pytest.mark.parametrize("script", ["verify_my_ballot.py", "recheck_tally.py"])
def test_another_sitting_is_refused(meeting: Path, script: str) -> None:
    """No script takes its anchor from the board."""
    second = meeting / "receipt.json" if script == "verify_my_ballot.py" else 1
    done = run_example(script, meeting / "board", second, "00" * 32, typed=f"{TAG}\n")

    assert done.returncode == 1
    assert "NOT VERIFIED" in done.stderr


def test_an_auditor_recomputes_the_posted_result(meeting: Path, sitting: str) -> None:
    """The ballots that count, added up and opened again, give what the presidium posted."""
    done = run_example("recheck_tally.py", meeting / "board", 1, sitting)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Poll 1: 7 ballots count.",
        "Public meetings: for 4, against 2, abstain 1: adopted",
        "The posted result is the same.",
    ]


def test_a_poll_that_is_not_there_is_said_so(meeting: Path, sitting: str) -> None:
    """A number without a poll is no empty success."""
    done = run_example("recheck_tally.py", meeting / "board", 2, sitting)

    assert done.returncode == 1
    assert "there is no poll 2" in done.stderr


@pytest.mark.parametrize("script", ["embed.py", "verify_my_ballot.py", "recheck_tally.py"])
def test_a_script_without_arguments_says_how_it_is_used(script: str) -> None:
    """Whoever tries a script first learns what it wants."""
    done = run_example(script)

    assert done.returncode == 1
    assert f"usage: python examples/{script}" in done.stderr


def test_every_script_has_a_test() -> None:
    """A new example cannot rot unseen."""
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {
        "embed.py",
        "recheck_tally.py",
        "verify_my_ballot.py",
    }
