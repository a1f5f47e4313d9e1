"""Fixtures that tests of every part may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_LARGEST_SHOWN = 10**12
"""Integers beyond this are keys and hashes, not sample sizes."""


@pytest.fixture(scope="session", autouse=True)
def _no_memory_of_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let readers of logs remember nothing outside the tests."""
    os.environ["SECBALLOT_STATE"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder that holds pyproject.toml, the library, the command line and the tests."""
    return Path(__file__).resolve().parents[1]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name samples that are drawn anew in every process by their argument: workers must collect the same ids."""
    drawn = isinstance(val, bytes | dict) or (isinstance(val, int) and abs(val) > _LARGEST_SHOWN)
    return argname if drawn else None
