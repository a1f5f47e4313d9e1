"""What SPEC.md says in tables, examples and shapes is what the library does; what the library cites is in SPEC.md."""

from __future__ import annotations

import base64
import itertools
import json
import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.audit.checks import REGISTER
from secballot.protocol.opened import OpenedBallot
from secballot.record.acts import ACTS
from secballot.record.parties import SIGNERS
from secballot.record.rules import FAULT_KINDS
from secballot.records.ballot import BallotContest
from secballot.records.credential import Answer
from secballot.records.entry import CODECS, UNSIGNED
from secballot.records.manifest import (
    DelegateClass,
    LogKeys,
    Majority,
    Manifest,
    Presidium,
    Quorum,
    RuleSet,
    Successor,
    Trustees,
    Witness,
    Witnesses,
)
from secballot.records.opening import Contest, Option
from secballot.records.promise import Promise
from secballot.records.result import ContestResult
from secballot.roles.receipt import Receipt
from secballot.transcript import _LABELS
from tests.packaging.source_tree import library_sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHAPE = re.compile(r'`\{("[a-z_]+"(?:,"[a-z_]+")*)\}`')
CHECK_ID = re.compile(r"\b(?:ENT|SIT|CER|REG|CON|POL|BAL|TAL|RES|LOG)-[0-9]{2}\b")


@pytest.fixture(scope="module")
def spec(project_root: Path) -> str:
    """Return the text of SPEC.md."""
    return (project_root / "SPEC.md").read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """Return the anchors of all headings, as they are linked."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next of any level."""
    start = re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE)
    assert start is not None, heading
    end = re.search(r"^#+ ", text[start.end() :], re.MULTILINE)
    return text[start.end() : start.end() + end.start()] if end else text[start.end() :]


def names(shape: str) -> set[str]:
    """Return the members that a shape such as `{"a","b"}` lists."""
    return set(re.findall(r'"([a-z_]+)"', shape))


def fields(record: type[msgspec.Struct]) -> set[str]:
    """Return the members of a record as they are written."""
    return {field.encode_name for field in msgspec.structs.fields(record)}


def shapes_of(text: str, kind: str) -> list[set[str]]:
    """Return the first shape after each line, row or item that begins with a kind of entry."""
    starts = re.finditer(rf"^(?:\| |- )?`{kind}`", text, re.MULTILINE)
    shapes = [SHAPE.search(text, start.start(), start.start() + 2_000) for start in starts]
    return [names(shape[1]) for shape in shapes if shape is not None]


# --- citations


def cited(texts: Iterator[str]) -> set[str]:
    """Return every anchor of SPEC.md that these texts cite."""
    return {anchor for text in texts for anchor in re.findall(r"SPEC\.md#([a-z0-9-]+)", text)}


def test_every_heading_cited_in_the_library_exists(spec: str) -> None:
    """A `Source:` line leads somewhere."""
    found = cited(source.text for source in library_sources())

    assert len(found) > 40
    assert found - anchors(spec) == set()


def test_every_heading_cited_elsewhere_exists(project_root: Path, spec: str) -> None:
    """So do the links of the other documents and of the tests."""
    paths = [*project_root.glob("*.md"), *(project_root / "tests").rglob("*.py"), *project_root.glob("examples/*.py")]
    paths += [*(project_root / "tests").rglob("README.md")]

    assert cited(path.read_text(encoding="utf-8") for path in paths) - anchors(spec) == set()


def test_every_link_inside_the_specification_leads_to_a_heading(spec: str) -> None:
    """`[text](#heading)` names a heading, and no heading has its name twice."""
    headings = re.findall(r"^#+ (.+)$", spec, re.MULTILINE)

    assert set(re.findall(r"\]\(#([^)]+)\)", spec)) - anchors(spec) == set()
    assert len(headings) == len(anchors(spec))


# --- checks


def test_the_table_of_checks_names_what_the_code_raises(spec: str) -> None:
    """Every id in the library's code is in the table, and every id of the table is in the code."""
    listed = set(re.findall(r"^\| ([A-Z]{3}-[0-9]{2}) \|", section(spec, "Checks"), re.MULTILINE))
    coded = {check for source in library_sources() for check in CHECK_ID.findall(source.text)}

    assert listed == set(REGISTER)
    assert listed <= coded
    assert coded - listed <= {"ENT-02"}  # retired


def test_the_table_of_ballot_checks_is_in_their_order(spec: str) -> None:
    """The exclusion reasons stand in the order in which they are examined, the stateful ones first."""
    rows = re.findall(r"^\| (BAL-[0-9]{2}) \|.*\| (stateful|stateless) \|$", section(spec, "Admission"), re.MULTILINE)

    assert [check for check, _ in rows] == [f"BAL-{number:02}" for number in range(1, 14)]
    assert [kind for _, kind in rows] == ["stateful"] * 5 + ["stateless"] * 8


# --- entries


@pytest.mark.parametrize("kind", sorted(set(CODECS) - {"manifest"}))
def test_the_body_of_a_kind_has_the_members_stated(spec: str, kind: str) -> None:
    """Where the text comes to a kind of entry, the first shape is that of its body."""
    assert fields(CODECS[kind]._type) in shapes_of(spec, kind)


def test_the_manifest_has_the_members_stated(spec: str) -> None:
    """The table of the manifest, and that of a rule set, list every field."""
    rows = re.findall(r"^\| `([a-z_]+)` \|", section(spec, "Manifest"), re.MULTILINE)
    manifest, rule_set = rows[: len(fields(Manifest))], rows[len(fields(Manifest)) :]

    assert manifest == sorted(fields(Manifest))
    assert rule_set == sorted(fields(RuleSet))


@pytest.mark.parametrize(
    ("heading", "record"),
    [
        ("Manifest", DelegateClass),
        ("Manifest", LogKeys),
        ("Manifest", Presidium),
        ("Manifest", Successor),
        ("Manifest", Trustees),
        ("Manifest", Witness),
        ("Manifest", Witnesses),
        ("Manifest", RuleSet),
        ("Manifest", Majority),
        ("Manifest", Quorum),
        ("Issues", Answer),
        ("Opening", Contest),
        ("Opening", Option),
        ("Promise", Promise),
        ("Ballot form", BallotContest),
        ("Result", ContestResult),
        ("Receipts", Receipt),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_objects_have_the_members_stated(spec: str, heading: str, record: type[msgspec.Struct]) -> None:
    """Every object inside a body is written out under its heading."""
    shapes = [names(shape) for shape in SHAPE.findall(section(spec, heading))]

    assert fields(record) in shapes


def test_an_envelope_is_as_in_the_example(spec: str) -> None:
    """The two lines of the example are canonical, and name the members and the unsigned kinds."""
    unsigned, signed = re.findall(r"^(\{.+\}) +(.+)$", section(spec, "Entry envelope"), re.MULTILINE)

    assert names(unsigned[0].replace("{…}", "").replace("…", "")) == {"body", "kind"}
    assert re.findall(r'"([a-z]+)":', signed[0]) == ["body", "kind", "signature", "signer"]
    assert set(unsigned[1].split(", ")) == set(UNSIGNED)
    assert signed[1] == "every other kind"


@pytest.mark.parametrize(
    ("pattern", "record", "field"),
    [
        (r"[a-z0-9.-]+(/[a-z0-9.-]+)*/[0-9a-f]{32}", LogKeys, "origin"),
        (r"[A-Za-z0-9._/-]{1,128}", Witness, "name"),
        (r"[a-z0-9-]{1,40}", RuleSet, "name"),
    ],
)
def test_patterns_are_those_stated(spec: str, pattern: str, record: type[msgspec.Struct], field: str) -> None:
    """A pattern of SPEC.md is the one that the record asks for, from the first character to the last."""
    info = next(one for one in msgspec.inspect.type_info(record).fields if one.name == field)  # type: ignore[attr-defined]  # a struct's

    assert f"`{pattern}`" in section(spec, "Manifest")
    assert info.type.pattern == rf"\A{pattern}\Z"


# --- acts and blame


def test_the_acts_of_several_signers_are_those_of_the_table(spec: str) -> None:
    """Each such kind has a row, and no other kind has."""
    rows = re.findall(r"^\| (`[a-z`, -]+`) \|", section(spec, "Acts of several signers"), re.MULTILINE)

    assert {kind for row in rows for kind in re.findall(r"`([a-z-]+)`", row)} == set(ACTS)
    assert set(SIGNERS) == set(CODECS) - UNSIGNED


def test_the_kinds_that_prove_faults_are_those_of_the_text(spec: str) -> None:
    """Wrong content of these, and of no other kind, is its signer's fault."""
    text = section(spec, "Judging an entry")
    listed = text[text.index("a **fault** of the signer for the kinds") : text.index("; an\nexclusion")]
    kinds = set(re.findall(r"`([a-z-]+)`", listed))
    rounds = re.search(r"`ceremony-commit/((?:-[a-z]+/?)+)`", listed)
    assert rounds is not None
    kinds |= {"ceremony-commit"} | {f"ceremony{part}" for part in rounds[1].split("/")}

    assert kinds == set(FAULT_KINDS)


# --- hashes


def test_every_label_has_the_fields_stated(spec: str) -> None:
    """The table has every label with as many fields; what only a trustee's own device hashes is not in it."""
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| (.+?) \| .+ \|$", section(spec, "Hash"), re.MULTILINE)
    stated = {label: text for row, text in rows for label in re.findall(r"`([a-z-]+)`", row)}

    assert set(stated) == {label for label in _LABELS if not label.startswith("trustee-")}
    for label, text in stated.items():
        if not text.startswith("see "):
            assert len(text.split(", ")) == len(_LABELS[label]), label


def test_the_fields_of_the_ballot_hash_are_listed(spec: str) -> None:
    """The challenge of a ballot is over as many fields as the text lists."""
    text = section(spec, "Ballot proof")
    listed = text[text.index("in this order: ") : text.index(", T. It holds")].replace("\n", " ")

    assert len(listed.split(", ")) + 1 == len(_LABELS["ballot"])


# --- examples


def test_the_example_sitting_is_the_one_of_the_vectors(project_root: Path, spec: str) -> None:
    """The listing has the kinds of `sitting.json` in order, each with its count."""
    listing = section(spec, "An example sitting").partition("```")[2].partition("```")[0]
    listed = [(kind, int(count)) for kind, count in re.findall(r"\b([a-z-]+) ×([0-9]+)", listing)]
    data = json.loads((project_root / "tests/vectors/sitting.json").read_text(encoding="utf-8"))
    kinds = [json.loads(base64.b64decode(entry))["kind"] for entry in data["entries"]]

    assert listed == [(kind, len(list(group))) for kind, group in itertools.groupby(kinds)]
    assert [row["kind"] for row in data["expected"]] == kinds


def test_an_opened_ballot_shows_what_the_text_says(spec: str) -> None:
    """Everything of the ballot but z, proofs and ciphertexts, and what they are recomputed from."""
    text = section(spec, "Sealing")
    shown = text[text.index("**Open**") :]
    spoken = {"seed", "choices", "credential", "sequence", "previous", "tag"}

    assert all(word in shown for word in spoken)
    assert fields(OpenedBallot) >= spoken
    assert "response" not in fields(OpenedBallot)


def test_documents_named_in_the_text_exist(project_root: Path, spec: str) -> None:
    """Paths in the repository that SPEC.md names are there."""
    paths = re.findall(r"`(tests/[A-Za-z0-9_./]+)`", spec)

    assert len(paths) >= 4
    assert [path for path in paths if not (project_root / path).exists()] == []
