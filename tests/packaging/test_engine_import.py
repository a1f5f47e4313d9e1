"""The group engines have one importer: import-linter does not see the compiled one, so the sources are read here."""

from __future__ import annotations

import pytest

from tests.packaging.source_tree import Source, imported_modules, library_sources, module_strings

ENGINES = ("secballot._group", "secballot._sodium", "secballot._libsodium", "secballot._public_scalars")
IMPORTERS = ("secballot.group", "secballot._sodium")


def engine_imports(source: Source) -> list[str]:
    """Return the engines, or things in them, that a file imports or names in a string."""
    return sorted(
        name
        for name in {*imported_modules(source), *module_strings(source)}
        if any(name == engine or name.startswith(f"{engine}.") for engine in ENGINES)
    )


def test_only_the_group_module_imports_an_engine() -> None:
    """Whoever wants arithmetic asks `secballot.group`, so both engines always give the same types and checks."""
    trespassers = {
        source.module: found
        for source in library_sources()
        if source.module not in IMPORTERS
        if (found := engine_imports(source))
    }

    assert trespassers == {}
    (sodium,) = [source for source in library_sources() if source.module == "secballot._sodium"]
    parts = {".".join(name.split(".")[:2]) for name in engine_imports(sodium)}
    assert parts == {"secballot._libsodium", "secballot._public_scalars"}


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("secballot.elgamal", "import secballot._group"),
        ("secballot.elgamal", "import secballot._group as engine"),
        ("secballot.elgamal", "from secballot import _group"),
        ("secballot.elgamal", "from secballot._group import Element"),
        ("secballot.elgamal", "from secballot._sodium import Element as E"),
        ("secballot.elgamal", "from . import _group"),
        ("secballot.elgamal", "from ._sodium import Element"),
        ("secballot.proofs.batch", "from .. import _group"),
        ("secballot.proofs.batch", "from .._group import Element"),
        ("secballot_cli.main", "def f():\n    from secballot import _sodium"),
        ("secballot_cli.main", "import importlib\nimportlib.import_module('secballot._group')"),
        ("secballot.elgamal", "import importlib\nimportlib.import_module('._group', 'secballot')"),
    ],
)
def test_an_engine_import_is_found_however_it_is_spelt(module: str, line: str) -> None:
    """The search must be able to fail: each spelling of the import is seen."""
    assert engine_imports(Source.parse(module, line)) != []


@pytest.mark.parametrize(
    "line",
    ["from secballot import group", "from secballot.group import Element", "import secballot.proofs._group_cache"],
)
def test_other_imports_are_no_engine_imports(line: str) -> None:
    """The public module and names that merely look alike are left alone."""
    assert engine_imports(Source.parse("secballot.elgamal", line)) == []
