"""docs/dependencies.md lists what secballot depends on, with what follows if it lies; and nothing else is loaded."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.source_tree import PACKAGE_FOLDERS, imported_modules, library_sources

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENT: Final = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

IMPORTED_AS: Final = {"nacl": "pynacl"}
"""Import names that are not the distribution's."""

LOADED_BY_NAME: Final = {"psycopg", "distributed", "httptools", "uvloop"}
"""What others load for us: a database URL names the driver, and the server takes what is there."""


BY_DEVELOPERS: Final = {"babel": "secballot_cli.messages"}
"""What one module imports in a function that only a developer calls: it writes catalogues of translations."""


def rows() -> dict[str, list[str]]:
    """Return the cells of every row of the document's tables, by package or crate."""
    found = {}
    for line in DOCUMENT.splitlines():
        if line.startswith("| `"):
            name, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            assert name not in found, name
            found[name.strip("` ")] = cells
    return found


def names(requirements: list[str]) -> set[str]:
    """Return the canonical names in a list of requirements."""
    return {canonicalize_name(Requirement(item).name) for item in requirements}


def runtime() -> dict[str, set[str]]:
    """Return, for the plain installation and each extra but the developers', the names of what it needs."""
    extras = {extra: names(items) for extra, items in PROJECT["optional-dependencies"].items() if extra != "dev"}
    return {"": names(PROJECT["dependencies"]), **extras}


def crates() -> set[str]:
    """Return the crates that the native engine names."""
    return set(tomllib.loads((ROOT / "native" / "Cargo.toml").read_text(encoding="utf-8"))["dependencies"])


def test_every_dependency_is_listed_and_no_other() -> None:
    """Packages of the plain installation and of the extras, and crates."""
    stated = {canonicalize_name(name) for name in rows()}
    assert stated == set().union(*runtime().values()) | crates()


def test_every_extra_is_named_with_its_packages() -> None:
    """The row says which extra brings the package."""
    for extra, packages in runtime().items():
        for name, cells in rows().items():
            if canonicalize_name(name) in packages and extra:
                assert f"`{extra}`" in cells[0], f"{name} comes with {extra}"


def test_every_row_says_what_it_is_for_and_what_follows() -> None:
    """Nobody is let off with a word."""
    for name, cells in rows().items():
        assert len(cells) in {2, 3}, name
        assert len(cells[-2]) > 12, name
        assert len(cells[-1]) > 7, name


def loaded() -> dict[str, set[str]]:
    """Return every foreign distribution that a shipped module imports, and the modules that do."""
    found: dict[str, set[str]] = {}
    for source in library_sources():
        for module in imported_modules(source):
            name = module.partition(".")[0]
            if name and name not in {*PACKAGE_FOLDERS, *sys.stdlib_module_names}:
                found.setdefault(canonicalize_name(IMPORTED_AS.get(name, name)), set()).add(source.module)
    return found


def test_nothing_else_is_imported() -> None:
    """What the library and the command line import is Python's own, theirs, or in the list."""
    listed = set().union(*runtime().values())
    assert set(loaded()) - set(BY_DEVELOPERS) <= listed
    assert listed - set(loaded()) <= LOADED_BY_NAME


def test_the_developers_tools_are_not_needed_at_run_time() -> None:
    """What only `dev` names is imported by no module that is shipped, but for the one that says so, in a function."""
    development = names(PROJECT["optional-dependencies"]["dev"]) - set().union(*runtime().values())
    assert {"pytest", "setuptools"} <= development
    assert {name: modules for name, modules in loaded().items() if name in development} == {
        name: {module} for name, module in BY_DEVELOPERS.items()
    }
    for name, module in BY_DEVELOPERS.items():
        (source,) = (source for source in library_sources() if source.module == module)
        assert not re.search(rf"^(import|from) {name}", source.text, re.MULTILINE)


def test_the_policy_for_reports_names_what_there_is() -> None:
    """SECURITY.md links to documents that exist, and says how to report, what is supported and what is not claimed."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for heading in ("How to report", "Supported versions", "What counts as a fault", "What is not claimed"):
        assert f"## {heading}\n" in text
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (ROOT / target).is_file(), target
    assert "SECURITY.md" in (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
