"""What some tests need from outside the project, and what becomes of them where it is missing.

A stranger without PostgreSQL, Go or a second Python sees these tests skipped, with the reason. Where the environment
variable `SECBALLOT_REQUIRE` names a need (a comma-separated list, as `.ci/run` sets it), missing it is a failure: no
continuous integration is green because nothing was tested.
"""

from __future__ import annotations

import os
from typing import Final, NoReturn

import pytest

NEEDS: Final = frozenset({"dask", "go", "native", "postgres", "py312"})
"""Everything that may be required."""


def required() -> frozenset[str]:
    """Return what `SECBALLOT_REQUIRE` names.

    Raises:
        ValueError: it names something that no test needs, which would require nothing.
    """
    names = frozenset(name for name in os.environ.get("SECBALLOT_REQUIRE", "").split(",") if name)
    if not names <= NEEDS:
        raise ValueError(f"SECBALLOT_REQUIRE names {sorted(names - NEEDS)}, and there is only {sorted(NEEDS)}")
    return names


def missing(need: str, reason: str) -> NoReturn:
    """Skip the test that lacks this need, or fail it where the need is required."""
    if need not in NEEDS:
        raise ValueError(f"{need} is not in the list of needs")
    if need in required():
        pytest.fail(f"{need} is required, and missing: {reason}")
    pytest.skip(f"{need} is missing: {reason}")
