"""Fixtures that tests of every part may use."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder that holds pyproject.toml, the library, the command line and the tests."""
    return Path(__file__).resolve().parents[1]
