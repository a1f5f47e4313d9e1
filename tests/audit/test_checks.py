"""The register of checks agrees with SPEC.md and with every place in the library that raises one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from secballot.audit.checks import CHECKS, REGISTER, SEQUENCES, Phase, table
from secballot.records.entry import CODECS
from tests.packaging.source_tree import library_sources

if TYPE_CHECKING:
    from pathlib import Path

CHECK_ID = re.compile(r"\b(?:ENT|SIT|CER|REG|CON|POL|BAL|TAL|RES|LOG)-[0-9]{2}\b")
RETIRED = {"ENT-02"}


def spec(root: Path) -> str:
    """Return the specification."""
    return (root / "SPEC.md").read_text(encoding="utf-8")


def normative(root: Path) -> str:
    """Return the specification without its table of checks."""
    before, _, rest = spec(root).partition("\n## Checks\n")
    return before + rest[rest.index("\n## ") :]


def anchors(text: str) -> set[str]:
    """Return the anchors of all headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_table_in_the_specification_is_the_register(project_root: Path) -> None:
    """SPEC.md#checks holds the generated table, byte for byte."""
    section = spec(project_root).partition("\n## Checks\n")[2].partition("\n## ")[0]

    assert table() in section


def test_every_check_of_the_text_is_in_the_register_and_no_other(project_root: Path) -> None:
    """What the normative text names and what the register holds are the same ids."""
    named = set(CHECK_ID.findall(normative(project_root)))
    ranges = {f"BAL-{number:02}" for number in range(1, 14)}  # "BAL-01 to BAL-13" names those between

    assert {check.id for check in CHECKS} == named | ranges


def test_every_check_that_the_library_raises_is_registered() -> None:
    """An error that names a check names one that a reader can look up."""
    named = {
        check
        for source in library_sources()
        if source.module != "secballot.audit.checks"
        for check in re.findall(r"(?:check=|blaming\(|Failure\(\s*)\"([A-Z]{3}-[0-9]{2})\"", source.text)
    }

    assert len(named) > 40
    assert named - set(REGISTER) == set()


def test_every_registered_check_is_named_where_it_is_made() -> None:
    """No check of the register is one that nothing in the library makes."""
    text = "".join(source.text for source in library_sources() if source.module != "secballot.audit.checks")

    assert [check.id for check in CHECKS if check.id not in text] == []


def test_ids_are_in_one_order_and_given_once() -> None:
    """The register's groups stand as in the life of a sitting, numbers ascend, and retired ids stay retired."""
    ids = [check.id for check in CHECKS]
    groups = ["ENT", "SIT", "CER", "REG", "CON", "POL", "BAL", "TAL", "RES", "LOG"]

    assert ids == sorted(ids, key=lambda check: (groups.index(check[:3]), check))
    assert len(set(ids)) == len(ids) == len(REGISTER)
    assert not RETIRED & set(ids)


def test_every_heading_exists(project_root: Path) -> None:
    """A reader who follows a check's anchor arrives."""
    existing = anchors(spec(project_root))

    assert [check.id for check in CHECKS if check.heading not in existing] == []


def test_every_kind_has_a_sequence_of_registered_checks() -> None:
    """Each kind of entry begins with the form of its bytes, and meets no check twice."""
    assert set(SEQUENCES) == set(CODECS)
    for sequence in SEQUENCES.values():
        assert sequence[:2] == ("ENT-01", "ENT-03")
        assert len(set(sequence)) == len(sequence)
        assert set(sequence) <= set(REGISTER)


def test_a_check_knows_the_kinds_that_meet_it() -> None:
    """Kinds follow from the sequences: a ballot has no slot, only a manifest has parameters."""
    assert "ballot" not in REGISTER["ENT-06"].kinds
    assert REGISTER["SIT-02"].kinds == ("manifest",)
    assert REGISTER["LOG-03"].kinds == ("adjournment", "closing", "convening", "lapse")
    assert REGISTER["LOG-01"].kinds == ()


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_makes_some_check_due(phase: Phase) -> None:
    """No phase stands in the register for nothing."""
    assert any(check.due is phase for check in CHECKS)
