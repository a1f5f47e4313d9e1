"""Rules that hold for every source file of the library and the command line, and that no linter here keeps."""

from __future__ import annotations

import ast

import pytest

from tests.packaging.source_tree import Source, functions, imported_modules, library_sources

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80
SOURCES = library_sources()


def asserts(source: Source) -> list[int]:
    """Return the lines that hold an assert statement."""
    return [node.lineno for node in ast.walk(source.tree) if isinstance(node, ast.Assert)]


def predictable_sources(source: Source) -> list[str]:
    """Return what a file takes from the predictable generators: the `random` module, time-based UUIDs."""
    imported = set(imported_modules(source))
    names = {name.rpartition(".")[2] for name in imported}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
    return sorted(({name.split(".")[0] for name in imported} & {"random"}) | (names & {"uuid1"}))


def test_there_are_sources_to_read() -> None:
    """The rules below are not kept by an empty list."""
    assert {"secballot", "secballot.errors", "secballot_cli"} <= {source.module for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.module)
def test_a_file_can_be_read_in_one_sitting(source: Source) -> None:
    """A file has at most 400 lines."""
    assert len(source.text.splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.module)
def test_a_function_fits_on_a_page(source: Source) -> None:
    """A function has at most 80 lines, decorators and docstring included."""
    assert [(name, lines) for name, lines in functions(source) if lines > MAX_FUNCTION_LINES] == []


@pytest.mark.attack("OP-06")
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.module)
def test_no_check_vanishes_under_optimisation(source: Source) -> None:
    """Library code has no assert statement, since `python -O` drops them."""
    assert asserts(source) == []


@pytest.mark.attack("OP-07")
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.module)
def test_no_predictable_randomness(source: Source) -> None:
    """Library code takes nothing from `random`, and no UUID that tells the time and the machine."""
    assert predictable_sources(source) == []


def test_lengths_are_measured_with_decorators() -> None:
    """The measure itself: a decorated function of three lines counts four, a method counts too."""
    source = Source.parse("sample", "@d\ndef f():\n    x = 1\n    return x\nclass C:\n    async def g(self): ...\n")

    assert sorted(functions(source)) == [("f", 4), ("g", 1)]


def test_an_assert_is_found_in_any_depth() -> None:
    """The search must be able to fail."""
    assert asserts(Source.parse("sample", "class C:\n    def f(self):\n        assert self\n")) == [3]


@pytest.mark.parametrize(
    "line",
    [
        "import random",
        "import random as r",
        "from random import choice",
        "from uuid import uuid1",
        "import uuid\nuuid.uuid1()",
        "def f():\n    import random",
    ],
)
def test_predictable_randomness_is_found_however_it_is_spelt(line: str) -> None:
    """The search must be able to fail."""
    assert predictable_sources(Source.parse("sample", line)) != []


@pytest.mark.parametrize("line", ["import secrets", "from secballot.group import random_scalar", "x = 'random'"])
def test_good_randomness_is_left_alone(line: str) -> None:
    """Names that merely contain the word are no finding."""
    assert predictable_sources(Source.parse("sample", line)) == []
