"""What is installed can be used: run here against the checkout, and by .ci/run against a wheel outside of it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from importlib import metadata, resources

import pytest

import secballot
import secballot_cli


def shipped_modules() -> list[str]:
    """Return the name of every module of both packages, as the import system finds them."""
    found = [
        module.name
        for package in (secballot, secballot_cli)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__")
    ]
    return [secballot.__name__, secballot_cli.__name__, *sorted(found)]


NEEDS_AN_EXTRA = {
    "secballot.net.client": "httpx",
    "secballot.net.door": "starlette",
    "secballot.net.door_service": "starlette",
    "secballot.net.dropbox_server": "starlette",
    "secballot.net.http_protocol": "uvicorn",
    "secballot.net.server": "starlette",
    "secballot.net.witness_server": "starlette",
    "secballot.roles.dropbox": "starlette",
    "secballot.roles.service": "starlette",
}
"""Modules of the extras `client` and `server`, each with the package that it lacks in a plain install."""


@pytest.mark.parametrize("module", shipped_modules())
def test_every_module_can_be_imported(module: str) -> None:
    """No module needs a package that is not shipped or a dependency that is not declared."""
    extra = NEEDS_AN_EXTRA.get(module)
    if extra is not None and importlib.util.find_spec(extra) is None:
        with pytest.raises(ModuleNotFoundError, match=extra):
            importlib.import_module(module)
    else:
        assert importlib.import_module(module).__name__ == module


@pytest.mark.parametrize("package", ["secballot", "secballot_cli"])
def test_type_checkers_find_the_marker(package: str) -> None:
    """The marker of PEP 561 is installed beside the code."""
    assert resources.files(package).joinpath("py.typed").is_file()


def test_the_installed_version_is_that_of_the_code() -> None:
    """What the installer recorded is what the package says of itself."""
    assert metadata.version("secballot") == secballot.__version__


def test_the_command_is_installed() -> None:
    """There is one console script, and it leads to the command line's entry point."""
    scripts = {
        entry.name: entry.value
        for entry in metadata.distribution("secballot").entry_points
        if entry.group == "console_scripts"
    }

    assert scripts == {"secballot": "secballot_cli.main:cli"}
