"""What tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot_cli.messages import forget_language

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let readers remember nothing beyond one test, and return where they remember."""
    monkeypatch.setenv("SECBALLOT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Speak English in tests, whatever the language of the machine that runs them."""
    monkeypatch.setenv("LANGUAGE", "en")
    forget_language()
    yield
    forget_language()
