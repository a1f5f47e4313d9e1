"""What is shipped: the packages listed in pyproject.toml are those in the tree, typed, and under two names only."""

from __future__ import annotations

import ast
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.packaging.source_tree import PACKAGE_FOLDERS, library_sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pyproject(project_root: Path) -> dict[str, Any]:
    """Return pyproject.toml, parsed."""
    return tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))


def packages_in_tree() -> list[str]:
    """Return the dotted name of every folder that holds Python files, whether or not it says it is a package."""
    names = {
        ".".join((package, *path.parent.relative_to(folder).parts))
        for package, folder in PACKAGE_FOLDERS.items()
        for path in folder.rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    }
    return sorted(names)


DATA_PACKAGE = "secballot_cli.first_congress"
"""The one listed package without code: the input of the demonstration, which lies among the examples."""


def test_the_listed_packages_are_those_in_the_tree(pyproject: dict[str, Any]) -> None:
    """A package that is not listed would be missing from the wheel and nobody here would notice."""
    assert sorted(pyproject["tool"]["setuptools"]["packages"]) == sorted([*packages_in_tree(), DATA_PACKAGE])


def test_the_input_of_the_demonstration_is_shipped(pyproject: dict[str, Any], project_root: Path) -> None:
    """Every file of the data package is matched by a pattern that the build is given, and none of them is code."""
    setuptools = pyproject["tool"]["setuptools"]
    folder = project_root / setuptools["package-dir"][DATA_PACKAGE]
    files = {path for path in folder.rglob("*") if path.is_file()}

    assert files == {path for pattern in setuptools["package-data"][DATA_PACKAGE] for path in folder.glob(pattern)}
    assert folder / "sitting.toml" in files
    assert {path.suffix for path in files} == {".md", ".toml", ".txt"}


def test_every_package_says_what_it_is() -> None:
    """Each listed package has an `__init__.py` that opens with a docstring."""
    documented = {
        source.module
        for source in library_sources()
        if source.path.name == "__init__.py" and ast.get_docstring(source.tree)
    }

    assert sorted(documented) == packages_in_tree()


@pytest.mark.parametrize("package", sorted(PACKAGE_FOLDERS))
def test_types_are_shipped(package: str, pyproject: dict[str, Any]) -> None:
    """Each top-level package has the marker of PEP 561, and the build is told to take it along."""
    assert (PACKAGE_FOLDERS[package] / "py.typed").is_file()
    assert {"py.typed", "*.pyi"} <= set(pyproject["tool"]["setuptools"]["package-data"]["*"])


def test_only_two_top_level_names_are_installed(pyproject: dict[str, Any]) -> None:
    """Nothing takes a name such as `cli` or `tests` that anyone may own."""
    setuptools = pyproject["tool"]["setuptools"]
    installed = {name.split(".")[0] for name in setuptools["packages"]}

    assert installed == set(setuptools["package-dir"]) - {DATA_PACKAGE} == set(PACKAGE_FOLDERS)


def test_the_version_has_one_source(pyproject: dict[str, Any]) -> None:
    """The build reads the version from the package and keeps none of its own."""
    assert "version" not in pyproject["project"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "secballot.__version__"}


def test_the_changelog_has_a_place_for_the_next_release(project_root: Path) -> None:
    """Changes are noted as they are made, above the released versions."""
    headings = [
        line.removeprefix("## ")
        for line in (project_root / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]

    assert headings[0] == "[Unreleased]"
