"""The page on C2SP names tests that exist, and every document of which a version is stated has its demands."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "c2sp.md").read_text(encoding="utf-8")
TEST: Final = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")


def test_named_tests_exist() -> None:
    """A test that was renamed or removed takes its row with it."""
    named = TEST.findall(PAGE)
    assert len(named) > 50
    missing = []
    for file, name in dict.fromkeys(named):
        path = ROOT / "tests" / file
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        if not any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body):
            missing.append(f"{file}::{name}")
    assert missing == []


def test_every_row_has_a_test() -> None:
    """No demand stands there untested."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    demands = PAGE[PAGE.index("## Demands") : PAGE.index("## Where this library")]
    untested = [line for line in demands.splitlines() if line.startswith("| ") and not TEST.search(line)]
    assert untested == ["| demand | tests |"] * 7
    assert len(rows) > 40


def test_every_document_has_its_demands() -> None:
    """A version is stated for exactly the documents whose demands are listed."""
    stated = re.findall(r"^\| (signed-note|tlog-\w+) \| ", PAGE, re.MULTILINE)
    assert re.findall(r"^### (.+)$", PAGE, re.MULTILINE) == stated


def test_versions_of_programs_are_those_that_are_run() -> None:
    """The table of programs follows go.mod and the requirements."""
    go = (ROOT / "tests" / "interop" / "go" / "go.mod").read_text(encoding="utf-8")
    python = (ROOT / "tests" / "interop" / "requirements.in").read_text(encoding="utf-8")
    for module in ("filippo.io/torchwood", "github.com/transparency-dev/tessera", "golang.org/x/mod"):
        (version,) = re.findall(rf"^\t{re.escape(module)} (v\S+)$", go, re.MULTILINE)
        assert re.search(rf"`{re.escape(module)}`[^|]*\| {re.escape(version)} \|", PAGE)
    for name, version in re.findall(r"^(\S+)==(\S+)$", python, re.MULTILINE):
        assert f"| PyPI `{name}` | {version} |" in PAGE
