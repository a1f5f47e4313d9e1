"""Both verifiers find of every record of the kit what the kit says, and the kit is what its script makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secballot.audit.conformance import KitFolder, differences
from secballot.audit.report import Verdict
from secballot.errors import EncodingError, SecballotError, StoreError
from tests.audit.two_machines import remembered
from tests.conformance import forged_log, forged_polls, generate
from tests.conformance.drafts import checker_found, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.drafts import Draft

LONG = bool(os.environ.get("SECBALLOT_LONG"))


@pytest.fixture(scope="module")
def kit() -> KitFolder:
    """Return the kit in the repository."""
    return KitFolder(generate.FOLDER)


def test_the_library_finds_what_the_kit_says(kit: KitFolder) -> None:
    """Golden records stand, forged ones are rejected for a listed reason, and nothing else differs."""
    results = [kit.run(name) for name in kit.names()]

    assert [result for result in results if result.differences] == []


def test_the_second_verifier_finds_what_the_kit_says(kit: KitFolder) -> None:
    """It shares no code with the library."""
    with remembered():
        for name in kit.names():
            case = kit.case(name)
            found = checker_found(case.checkpoints, kit.entries(name), bytes.fromhex(case.sitting_id))
            assert list(differences(case, found)) == [], name


@pytest.mark.attack("META-1")
def test_every_forgery_is_rejected_for_a_listed_reason(kit: KitFolder) -> None:
    """At least 150 forged records; golden ones list no reason, and stand."""
    counts: Counter[str] = Counter()
    for name in kit.names():
        case, sort = kit.case(name), name.partition("/")[0]
        counts[sort] += 1
        if sort == "golden":
            assert (case.expect.verdict, case.rejected_by, case.forged_at) == (Verdict.STANDS, (), None), name
            continue
        at = [entry.check for entry in case.expect.entries if case.forged_at in {None, entry.index}]
        unchecked = ["LOG-01"] if case.expect.verdict is Verdict.UNCHECKED else []
        assert {*at, *case.expect.failures, *unchecked} & {*case.rejected_by}, name
        assert case.what.endswith("."), name

    assert counts["forged"] >= 150
    assert counts["golden"] >= 20


def test_specification_and_readme_name_the_version(kit: KitFolder) -> None:
    """Whoever reads either knows which kit is meant."""
    root = Path(__file__).resolve().parents[2]

    assert kit.kit.version == generate.VERSION
    assert f"version {generate.VERSION}" in (root / "SPEC.md").read_text("utf-8")
    assert f"Conformance kit {generate.VERSION}" in (Path(__file__).parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize("make", [forged_log.notes, forged_polls.results], ids=["notes", "results"])
def test_the_same_forgeries_are_rejected_whatever_was_drawn(kit: KitFolder, make: Callable[[], list[Draft]]) -> None:
    """Part of the cases, made anew with other randomness: both verifiers find what the kit says."""
    with remembered():
        for draft in make():
            case = kit.case(f"forged/{draft.name}")
            assert (judge(draft), draft.rejected_by, draft.what) == (case.expect, case.rejected_by, case.what)


@pytest.mark.skipif(not LONG, reason="SECBALLOT_LONG=1 makes the whole kit again")
def test_the_script_makes_the_whole_kit_again(tmp_path: Path) -> None:
    """The same bytes, and no file more or less, in a process that has drawn nothing yet."""
    script = Path(__file__).parent / "generate.py"
    subprocess.run([sys.executable, str(script), str(tmp_path / "kit")], check=True)  # our own script

    def files(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")}

    assert files(tmp_path / "kit") == files(generate.FOLDER)


# A kit that is none --------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a kit of two cases that may be changed."""
    folder = tmp_path / "kit"
    for name in ("kit.json", "golden/founded.json", "forged/manifest_threshold_one.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(generate.FOLDER / name, folder / name)
    return folder


def changed(path: Path, **members: object) -> None:
    """Change members of a case."""
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **members}), "utf-8")


def test_a_case_that_expects_something_else_fails(small: Path) -> None:
    """The comparison can fail: another verdict, failure, entry or poll."""
    case = small / "golden/founded.json"
    for expect in (
        {"entries": [], "failures": [], "polls": [], "verdict": "fails"},
        {"entries": [], "failures": ["LOG-02"], "polls": [], "verdict": "stands"},
        {
            "entries": [{"check": "ENT-01", "index": 1, "outcome": "no effect"}],
            "failures": [],
            "polls": [],
            "verdict": "stands",
        },
        {
            "entries": [],
            "failures": [],
            "polls": [{"contests": None, "number": 1, "status": "open"}],
            "verdict": "stands",
        },
    ):
        changed(case, expect=expect)
        assert len(KitFolder(small).run("golden/founded").differences) == 1


@pytest.mark.parametrize(
    "members",
    [
        {"entries": [[0, 1]]},
        {"entries": ["%"]},
        {"entries": [[1, 0]], "base": "golden/founded"},
        {"entries": [[0, 1]], "base": "golden/founded"},
        {"entries": [[0, 1]], "base": "../../secret"},
        {"entries": 7},
        {"more": 1},
        {"sitting_id": "no"},
    ],
)
def test_a_case_of_another_form_is_named(small: Path, members: dict[str, object]) -> None:
    """Whatever stands in a file gives our own error, also a case that is based on itself."""
    changed(small / "golden/founded.json", **members)
    with pytest.raises(EncodingError):
        KitFolder(small).run("golden/founded")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b"{}"])
def test_any_bytes_give_an_error(small: Path, content: bytes) -> None:
    """For the kit's file and a case's."""
    (small / "golden/founded.json").write_bytes(content)
    with pytest.raises(SecballotError):
        KitFolder(small).run("golden/founded")
    (small / "kit.json").write_bytes(content)
    with pytest.raises(SecballotError):
        KitFolder(small)


def test_a_folder_that_is_no_kit_is_named(tmp_path: Path, small: Path) -> None:
    """Missing altogether, or without one of the two sorts."""
    with pytest.raises(StoreError):
        KitFolder(tmp_path / "nothing")
    shutil.rmtree(small / "forged")
    with pytest.raises(StoreError):
        KitFolder(small).names()
    (small / "forged").mkdir()
    with pytest.raises(StoreError):
        KitFolder(small).names()
