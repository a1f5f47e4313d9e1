"""Killed at every commit, fsync and replacement of a file, board and witness go on, and nothing said is false."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.killing import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

PROGRAM = Path(__file__).with_name("boundaries.py")
STEP = 1 if "SECBALLOT_KILLS" in os.environ else 23
"""Every boundary in the long run; in the short one a few, which are others each time the work grows."""


def test_killed_at_every_boundary(
    new_database: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both databases, the published folder and its archive, with an injected death before and behind each step."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), new_database(), new_database(), str(tmp_path / "folder"), str(STEP)],
        capture_output=True,
        text=True,
        timeout=300 if STEP > 1 else 7_200,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    boundaries, died = map(int, done.stdout.split())
    assert boundaries > 40
    assert died == len(range(1, boundaries + 1, STEP))
    tell(capsys, f"killed at {died} of {boundaries} boundaries of durability")
