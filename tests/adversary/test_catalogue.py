"""The table of docs/attacks.md is complete: every case has a test that names it, or says what is not claimed.

A test names a case in its docstring or by `@pytest.mark.attack("FS-01")`.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from secballot.audit.checks import REGISTER

ROOT: Final = Path(__file__).resolve().parents[2]
TESTS: Final = ROOT / "tests"

SECTIONS: Final = {
    "FS": ("Proofs and their challenges", 19),
    "EN": ("Elements, signatures, batches", 10),
    "TL": ("Tally and decryption", 13),
    "DK": ("Key ceremony", 11),
    "CR": ("Credentials and registrars", 19),
    "BA": ("Ballots, revoting, receipts, opening", 17),
    "LG": ("Log and witnesses", 13),
    "PA": ("Parsers and resources", 11),
    "OP": ("Keys at rest, side channels, operations", 8),
    "SB": ("Attacks on this design", 13),
}
"""Heading and number of cases by prefix. A case that is added here needs a row, and a row needs a place here."""

CASES: Final = (
    *(f"{prefix}-{number:02}" for prefix, (_, count) in SECTIONS.items() for number in range(1, count + 1)),
    "META-1",
    "META-2",
)

_CASE: Final = re.compile(r"\b(?:FS|EN|TL|DK|CR|BA|LG|PA|OP|SB)-\d+\b|\bMETA-\d\b")
_CHECK: Final = re.compile(r"\b[A-Z]{3}-\d\d\b")
_TEST: Final = re.compile(r"`([a-z_/0-9]+\.py(?:::\w+)+)`")
_NOT_CLAIMED: Final = "**Not claimed:** "


class Row(NamedTuple):
    """One case as the table has it."""

    section: str
    case: str
    attack: str
    source: str
    defence: str
    tests: tuple[str, ...]
    not_claimed: str


@cache
def rows() -> tuple[Row, ...]:
    """Return the table's rows in order."""
    found, section = [], ""
    for line in (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if line.startswith("| ") and not line.startswith("| case "):
            case, attack, source, defence, tests = (cell.strip() for cell in line.strip("|").split(" | "))
            tested, _, not_claimed = tests.partition(_NOT_CLAIMED)
            found.append(Row(section, case, attack, source, defence, tuple(_TEST.findall(tested)), not_claimed))
    return tuple(found)


@cache
def named() -> dict[str, frozenset[str]]:
    """Return, for every test function under tests/, the cases that its docstring and its markers name."""
    found = {}
    for path in TESTS.rglob("test_*.py"):
        place = path.relative_to(TESTS).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            members = node.body if isinstance(node, ast.ClassDef) else [node]
            prefix = f"{place}::{node.name}" if isinstance(node, ast.ClassDef) else place
            for member in members:
                if isinstance(member, ast.FunctionDef) and member.name.startswith("test_"):
                    found[f"{prefix}::{member.name}"] = _cases_of(member)
    return found


def _cases_of(function: ast.FunctionDef) -> frozenset[str]:
    cases = set(_CASE.findall(ast.get_docstring(function) or ""))
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.attack":
            cases |= {ast.literal_eval(argument) for argument in decorator.args}
    return frozenset(cases)


def test_the_table_has_every_case_in_its_section_once() -> None:
    """The list above and the rows are the same, in the same order."""
    assert [row.case for row in rows()] == list(CASES)
    for row in rows():
        prefix = row.case.partition("-")[0]
        assert prefix == "META" or row.section == SECTIONS[prefix][0]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.case)
def test_a_case_has_a_test_that_names_it_or_a_reason(row: Row) -> None:
    """Whoever reads the row finds the test, and whoever reads the test finds the row."""
    assert row.tests or len(row.not_claimed) > 30, "neither a test nor a reason why there is none"
    for test in row.tests:
        assert test in named(), f"there is no {test}"
        assert row.case in named()[test], f"{test} does not name {row.case}"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.case)
def test_a_row_says_what_is_attacked_where_it_was_seen_and_what_defeats_it(row: Row) -> None:
    """Its checks are registered; that its links lead to headings is for the tests of the specification's headings."""
    assert all(len(cell) > 5 for cell in (row.attack, row.source, row.defence))
    assert set(_CHECK.findall(row.defence)) <= set(REGISTER)
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in (ROOT / "SPEC.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\.\./SPEC\.md#([a-z0-9-]+)", row.defence)) <= headings


def test_no_test_names_a_case_that_is_not_listed() -> None:
    """A case is not mistyped, and none is added to a test alone."""
    unknown = {test: sorted(cases - set(CASES)) for test, cases in named().items() if cases - set(CASES)}
    assert unknown == {}


def test_every_check_defeats_some_attack_or_orders_the_record() -> None:
    """A check that no attack needs would be one that nobody tests against an adversary.

    Left out are checks of order alone: of phases, counts of chunks and what is merely reported.
    """
    order = {"ENT-03", "CER-04", "POL-01", "POL-09", "REG-08", "BAL-02", "BAL-05", "LOG-05"}
    defeating = {check for row in rows() for check in _CHECK.findall(row.defence)}
    for row in rows():  # "POL-03 to POL-06" names those between as well
        for first, last in re.findall(r"([A-Z]{3}-\d\d) to ([A-Z]{3}-\d\d)", row.defence):
            defeating |= {check for check in REGISTER if first <= check <= last}
    assert set(REGISTER) - defeating - order == set()
