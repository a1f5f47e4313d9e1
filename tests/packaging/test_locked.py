"""What continuous integration installs: every dependency pinned with hashes, and no word about where it is fetched.

`make lock` writes both files of requirements/ anew.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = ("dev.txt", "installed.txt", "interop.txt", "dask.txt")
_PIN: Final = re.compile(
    r"(?P<pin>[A-Za-z0-9._-]+==[^\s;]+)(?: ;[^\\]*)? \\\n(?P<hashes>(?:    --hash=\S+(?: \\)?\n)+)"
)
_HASH: Final = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


@cache
def project() -> dict[str, Any]:
    """Return pyproject.toml, parsed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def text_of(name: str) -> str:
    """Return a file of pinned requirements."""
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """Return the version of every distribution that a file pins."""
    found: dict[str, str] = {}
    for pin in _PIN.finditer(text_of(name)):
        distribution, version = pin["pin"].split("==")
        assert canonicalize_name(distribution) not in found, distribution
        found[canonicalize_name(distribution)] = version
    return found


_APART: Final = frozenset({"dask"})
"""Extras that only CI installs, each from a file of its own: this one is 45 MB for one test."""


def wanted(*, extras: bool) -> list[Requirement]:
    """Return what pyproject.toml asks for: of the library, and of every extra and the build if told so."""
    stated = list(project()["project"]["dependencies"])
    if extras:
        extras_of = project()["project"]["optional-dependencies"]
        stated += [item for extra, items in extras_of.items() if extra not in _APART for item in items]
        stated += project()["build-system"]["requires"]
    return [Requirement(item) for item in stated]


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_a_pin_a_hash_or_a_remark(name: str) -> None:
    """No index, no link, no option: nothing but versions, each with its hashes."""
    left = _PIN.sub("", text_of(name))
    assert [line for line in left.splitlines() if line and not line.lstrip().startswith("#")] == []
    hashes = [line for pin in _PIN.finditer(text_of(name)) for line in pin["hashes"].splitlines()]
    assert len(hashes) >= len(pins(name)) > 10
    assert all(_HASH.fullmatch(line) for line in hashes)


@pytest.mark.parametrize("name", FILES)
def test_no_package_host_is_named(name: str) -> None:
    """Where a package comes from is the business of whoever installs it; the hash says which one it is."""
    assert not re.search(r"://|index-url|find-links|trusted-host|@ ", text_of(name))


@pytest.mark.parametrize(("name", "extras"), [("dev.txt", True), ("installed.txt", False)])
def test_what_the_project_asks_for_is_pinned(name: str, extras: bool) -> None:
    """Each dependency is there, in a version that pyproject.toml admits."""
    found = pins(name)
    for requirement in wanted(extras=extras):
        version = found.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in requirements/{name}: run `make lock`"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is pinned at {version}"


def test_both_files_pin_the_same_versions() -> None:
    """What is tested as installed is what is tested in the checkout."""
    assert pins("installed.txt").items() <= pins("dev.txt").items()


@pytest.mark.parametrize("extra", sorted(_APART))
def test_what_is_pinned_apart_goes_with_the_rest(extra: str) -> None:
    """It changes no version of what everybody tests with, and CI installs it and insists on its tests."""
    found, rest = pins(f"{extra}.txt"), pins("dev.txt")
    for item in project()["project"]["optional-dependencies"][extra]:
        requirement = Requirement(item)
        assert requirement.specifier.contains(found[canonicalize_name(requirement.name)], prereleases=True)
    assert {name: rest[name] for name in found.keys() & rest.keys()}.items() <= found.items()
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"--require-hashes --requirement requirements/{extra}.txt" in commands
    assert f"SECBALLOT_REQUIRE+=,{extra}" in commands


def test_the_build_needs_nothing_else() -> None:
    """What builds the package is pinned with the development tools, so that no build fetches anything by itself."""
    stated = {Requirement(item).name for item in project()["project"]["optional-dependencies"]["dev"]}
    assert {Requirement(item).name for item in project()["build-system"]["requires"]} <= stated


def test_crates_are_pinned_too() -> None:
    """The native engine is built from the crates of its lock file, or not at all."""
    (extension,) = project()["tool"]["setuptools-rust"]["ext-modules"]
    assert extension["cargo-manifest-args"] == ["--locked"]
    lock = tomllib.loads((ROOT / "native" / "Cargo.lock").read_text(encoding="utf-8"))
    own = tomllib.loads((ROOT / "native" / "Cargo.toml").read_text(encoding="utf-8"))["package"]["name"]
    assert all("checksum" in package for package in lock["package"] if package["name"] != own)


def test_ci_installs_by_hash_only() -> None:
    """Whatever .ci/run or the Makefile lets pip fetch for CI goes by these files."""
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for line in commands.splitlines():
        if re.search(r"pip (install|wheel|download)", line):
            assert "--require-hashes" in line or "--no-deps" in line, line
    assert "--no-isolation" in commands
    development = (ROOT / "Makefile").read_text(encoding="utf-8").split("$(VENV)/.dev:")[1]
    assert "--require-hashes --requirement requirements/dev.txt" in development
    assert "--no-deps --no-build-isolation --editable ." in development
