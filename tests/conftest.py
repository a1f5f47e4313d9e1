"""Fixtures that tests of every part may use."""

from __future__ import annotations

import os
import signal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.postgres import Cluster

# Helpers assert too: with pytest's rewriting their asserts tell more, and hold under `python -O` as well.
_HERE = Path(__file__).resolve().parent
pytest.register_assert_rewrite(
    *(
        ".".join(("tests", *path.relative_to(_HERE).with_suffix("").parts))
        for path in sorted(_HERE.rglob("*.py"))
        if not path.name.startswith(("test_", "conftest"))
    )
)

# Who runs the tests in the background may have told them to ignore Ctrl-C; the programs that they start should not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Whole sittings live as long as the process that made them, each with a dozen databases.
if resource is not None:
    _SOFT, _HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
    _WANTED = 16_384 if _HARD == resource.RLIM_INFINITY else min(_HARD, 16_384)
    if _SOFT != resource.RLIM_INFINITY and _SOFT < _WANTED:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_WANTED, _HARD))

# Tests compare what programs say, and those that they start say it in the language of the environment.
os.environ["LANGUAGE"] = "en"

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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """Return a PostgreSQL server that all tests of this process share; skips where there is none."""
    from tests.postgres import cluster  # noqa: PLC0415  # its driver need not be installed for other tests

    with cluster() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return what names a new database of either engine each time: a path, or a URL."""
    if request.param == "sqlite":
        numbers = count()
        return lambda: str(tmp_path / f"database-{next(numbers)}.db")
    cluster: Cluster = request.getfixturevalue("postgres")
    return cluster.url


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """Return what names one new database of either engine."""
    return new_database()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name samples that are drawn anew in every process by their argument: workers must collect the same ids."""
    drawn = isinstance(val, bytes | dict) or (isinstance(val, int) and abs(val) > _LARGEST_SHOWN)
    return argname if drawn else None
