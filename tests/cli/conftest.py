"""What tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let readers remember nothing beyond one test, and return where they remember."""
    monkeypatch.setenv("SECBALLOT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"
