"""Where choices can be: on the delegate's device, and nowhere that a server's code reaches.

Source: SPEC.md#data-flow.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

import secballot.records
from tests.packaging.source_tree import Source, imported_modules, library_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS: Final = (
    "secballot.roles.board",
    "secballot.roles.service",
    "secballot.roles.registrar",
    "secballot.roles.trustee",
    "secballot.roles.witness",
    "secballot.roles.witness_service",
    "secballot.roles.officer",
    "secballot.roles.commission",
    "secballot.roles.dropbox",
    "secballot.net.server",
    "secballot.net.dropbox_server",
    "secballot.net.witness_server",
    "secballot.store.dropbox",
    "secballot.store.serving",
)
"""What runs on machines that are not the delegate's."""

DEVICE: Final = frozenset(
    {
        "secballot.protocol.casting",
        "secballot.protocol.ballot_encryption",
        "secballot.protocol.opened",
        "secballot.protocol.phrase",
        "secballot.roles.delegate",
    }
)
"""What encrypts choices, opens ballots or derives a delegate's secrets."""


@cache
def modules() -> dict[str, Source]:
    """Return every module of the library by name."""
    return {source.module: source for source in library_sources()}


def reached(start: str) -> dict[str, str]:
    """Return every module of the library that importing this one imports, with the one that asks for it.

    Imports that only type checkers make, and such inside of functions, are followed as well: a server has no use
    for any of them.
    """
    sources = modules()
    came_from, todo = {start: ""}, [start]
    while todo:
        module = todo.pop()
        for name in imported_modules(sources[module]):
            if name in sources and name not in came_from:
                came_from[name] = module
                todo.append(name)
    return came_from


def way_to(came_from: dict[str, str], module: str) -> str:
    """Return by which imports a module was reached."""
    steps = [module]
    while came_from[steps[-1]]:
        steps.append(came_from[steps[-1]])
    return " <- ".join(steps)


@pytest.mark.parametrize("server", SERVERS)
def test_no_server_can_encrypt_or_read_choices(server: str) -> None:
    """BA-17: no module of a board, registrar, trustee, witness or officer imports the device's code, at any depth."""
    came_from = reached(server)
    assert [way_to(came_from, module) for module in sorted(DEVICE & set(came_from))] == []


def test_the_device_is_found_where_it_is_imported() -> None:
    """BA-17: the search above can find: a delegate's tool reaches all of it."""
    assert set(reached("secballot.roles.delegate")) >= DEVICE


def test_a_running_server_has_not_loaded_the_device() -> None:
    """BA-17: the same, seen from a process that imports a board."""
    code = "import sys, secballot.roles.board, secballot.roles.trustee, secballot.roles.registrar; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "secballot.roles.board" in loaded
    assert set(loaded) & DEVICE == set()


def fields_of_entries() -> Iterator[str]:
    """Yield the name of every field of every record."""
    for module in pkgutil.iter_modules(secballot.records.__path__, "secballot.records."):
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and issubclass(value, msgspec.Struct):
                yield from value.__struct_fields__


def test_no_entry_has_a_place_for_choices() -> None:
    """BA-17: nothing that is posted or sent has a field for a choice, a seed, a nonce of a ballot or a secret."""
    names = set(fields_of_entries())
    assert {"ciphertexts", "credential", "tag"} <= names
    assert {name for name in names if re.search(r"choice|plain|seed|secret|passphrase|phrase|vote", name)} <= {
        "proof_secret",
        "ballots_per_credential",
    }


def test_parameters_of_servers_are_no_choices() -> None:
    """BA-17: no function of these modules takes one."""
    for source in modules().values():
        if source.module in SERVERS:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.arg):
                    assert not re.search(r"choice|seed_of_ballot|opened_ballot", node.arg), source.module
