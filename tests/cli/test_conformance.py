"""`secballot conformance`: a verdict in one line, every difference named, and exit codes for programs."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from secballot_cli.main import ExitCode, run
from tests.cli.command_tree import check_documented
from tests.conformance.generate import FOLDER

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """Return a kit of two cases."""
    folder = tmp_path / "kit"
    for name in ("kit.json", "golden/founded.json", "forged/manifest_threshold_one.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / name, folder / name)
    return folder


def test_a_kit_that_is_met_ends_with_0(kit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, with the version and the numbers."""
    assert run(["conformance", str(kit)]) == ExitCode.PASSED
    assert capsys.readouterr().out == "kit 1.0.0 of secballot/v1: 2 records, 0 failed\n"


def test_a_difference_is_named_and_ends_with_1(kit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In words, and as JSON."""
    path = kit / "golden/founded.json"
    case = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**case, "expect": {**case["expect"], "verdict": "fails"}}), "utf-8")

    assert run(["conformance", str(kit)]) == ExitCode.FAILED
    out = capsys.readouterr().out
    assert "golden/founded: In progress: nothing but the manifest.\n    verdict: expected 'fails'" in out
    assert run(["conformance", str(kit), "--json"]) == ExitCode.FAILED
    found = json.loads(capsys.readouterr().out)
    check_documented(["conformance"], found)
    assert found["failed"] == 1
    assert [case["name"] for case in found["cases"] if case["differences"]] == ["golden/founded"]


def test_what_is_no_kit_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says what is missing."""
    assert run(["conformance", str(tmp_path)]) == ExitCode.UNCHECKED
    assert "kit.json" in capsys.readouterr().err
