"""Change the code that decides, one thing at a time, and see whether a test notices: `make mutants ARGS="proofs note"`.

A copy of the tree is mutated by mutmut; `trial.py` tries every mutant against the tests that reach it. What survives
must be in `survivors.toml`, with the reason why no test can tell it apart. Changes of message texts and field names are
left out: nothing is decided by them. All groups take long: with `--folder` the copies are kept, and the next run goes
on where the last one was stopped; with `--again` it tries once more what survived and what took too long. The record
machine has too many changes and too slow tests for all of them to be tried on each: there a budget says how many are.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
GIT: Final = shutil.which("git") or "git"
SURVIVORS: Final = Path(__file__).with_name("survivors.toml")


def _machine(*names: str) -> list[str]:
    """Return the modules of the record machine with these names."""
    return [f"secballot/record/{name}.py" for name in names]


def _record(*names: str) -> list[str]:
    """Return the tests of the record machine with these names."""
    return [f"tests/unit/record/test_{name}.py" for name in names]


def _board(*names: str) -> list[str]:
    """Return the tests of the modules of the board with these names."""
    return [f"tests/unit/board/test_{name}.py" for name in names]


def _c2sp(*names: str) -> list[str]:
    """Return the tests of the C2SP documents with these names."""
    return [f"tests/spec/test_c2sp_{name}.py" for name in names]


GROUPS: Final[dict[str, tuple[list[str], list[str]]]] = {
    "transcript": (
        ["secballot/transcript.py"],
        ["tests/unit/test_transcript.py", "tests/adversary/test_transcripts.py", "tests/unit/proofs"],
    ),
    "proofs": (["secballot/proofs/*.py"], ["tests/unit/proofs", "tests/adversary/test_proof_forgers.py"]),
    "tally": (
        ["secballot/protocol/tallying.py", "secballot/protocol/rules.py"],
        ["tests/unit/protocol/test_tallying.py", "tests/unit/protocol/test_rules.py"],
    ),
    "blind": (
        ["secballot/blind/*.py"],
        ["tests/unit/blind", "tests/spec/test_rfc9474.py", "tests/spec/test_rfc8017_pss.py"],
    ),
    "note": (
        ["secballot/board/note.py", "secballot/board/checkpoint.py"],
        [*_board("note", "checkpoint"), *_c2sp("note", "checkpoint")],
    ),
    "cosignature": (
        ["secballot/board/cosignature.py", "secballot/board/witness.py"],
        [*_board("cosignature", "note", "policy", "witness"), *_c2sp("note", "cosignature", "witness")],
    ),
    "tree": (
        ["secballot/board/merkle.py", "secballot/board/inclusion.py", "secballot/board/tile.py"],
        [*_board("merkle", "inclusion", "tile"), *_c2sp("tiles", "proof"), "tests/spec/test_rfc6962.py"],
    ),
    "policy": (["secballot/board/policy.py"], [*_board("policy"), *_c2sp("policy", "proof")]),
    "record-tally": (
        _machine("tallying", "sums"),
        _record("sums", "sums_of_heads", "tallying", "results", "objections"),
    ),
    "record-ballots": (_machine("ballots"), _record("chains", "ballots", "tallying", "sums")),
    "record-closing": (
        _machine("closing"),
        _record("closing", "objections", "adjournment", "tallying", "acts", "successors"),
    ),
    "record-polls": (
        _machine("polls", "outcome"),
        _record("opening_limits", "polls", "results", "closing", "sitting", "slots", "considering", "saving"),
    ),
    "record-acts": (
        _machine("acts"),
        _record("slots", "acts", "setup", "polls", "results", "adjournment", "convening"),
    ),
    "record-ceremony": (_machine("ceremony"), _record("ceremony", "ceremony_restart", "convening", "sitting", "slots")),
    "record-setup": (
        _machine("setup"),
        _record("setup", "considering", "registrar_keys", "ceremony", "second_registration", "proven"),
    ),
    "record-registration": (
        _machine("registration", "answers", "convening", "rolls"),
        _record("registration", "answers", "second_registration", "convening", "ballots", "saving", "proven", "rolls"),
    ),
    "record-machine": (
        _machine("sitting", "parties", "reading", "rereading"),
        _record("sitting", "parties", "considering", "ballots", "ceremony", "setup", "polls", "results", "closing")
        + _record("sums", "registrar_keys"),
    ),
    "record-state": (
        _machine("state", "history"),
        _record("slots", "history", "acts", "closing", "ceremony", "convening", "registration", "adjournment", "proven")
        + _record("ahead", "polls"),
    ),
    "record-saving": (_machine("saving"), [*_record("saving", "sums"), "tests/audit/test_resuming.py"]),
    "record-ahead": (
        _machine("ahead", "work"),
        [*_record("ahead", "work"), "tests/audit/test_statements.py", "tests/adversary/test_executors.py"],
    ),
}
"""By name: what is changed, and the tests that ought to notice."""

RECORD_BUDGET: Final = 14.0
"""Seconds that the tests for one change of the record machine take, where nothing else is said."""

CONFTEST: Final = """

import hypothesis

# One process runs the suite many times, on code that changes under it; the same examples each time give the same score.
# Whoever only wants to know whether a test fails needs no smaller example.
hypothesis.settings.register_profile(
    "mutants",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=10,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A mutant that survives runs every test to its end.
    for item in items:
        test = getattr(item.obj, "__func__", item.obj)
        own = getattr(test, "_hypothesis_internal_use_settings", None)
        if own is not None and own.max_examples > 50:
            test._hypothesis_internal_use_settings = hypothesis.settings(own, max_examples=50)
"""

SHOW: Final = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
json.dump({name: get_diff_for_mutant(name) for name in json.load(sys.stdin)}, sys.stdout)
"""
"""What mutmut's own interpreter runs to show many mutants at once."""

KILLED, SURVIVED, UNREACHED, SLOW, ODD = "killed", "survived", "no test reaches it", "took too long", "ended oddly"
TEXT = "changes a text"
_OUTCOMES: Final = {1: KILLED, 3: KILLED, 0: SURVIVED, 33: UNREACHED, 34: TEXT, 36: SLOW}
"""What the exit codes of `trial.py` mean."""
_TEXT = re.compile(r"""(Error\(|out_of_phase\()\s*(?:f?"(?:[^"\\]|\\.)*"|_[A-Z]+\b|None)""")
_PROSE = re.compile(r"""f?"(?:XX)?((?:[^"\\ ]+ ){3,}[^"\\]+?)(?:XX)?\"""")
_FIELD = re.compile(r""",\s*(?:field=(?:f?"(?:[^"\\]|\\.)*"|\w+))?\s*(?=\))""")


def copy_tree(folder: Path, sources: list[str], tests: list[str]) -> None:
    """Write the tree, as it stands, into a folder, set up for mutmut; what an earlier run found there stays."""
    listed = subprocess.run(
        [GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    shutil.rmtree(folder / "tests", ignore_errors=True)
    shutil.rmtree(folder / "mutants" / "tests", ignore_errors=True)
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    for name in [*names, *(str(path.relative_to(ROOT)) for path in (ROOT / "secballot").glob("_group*.so"))]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
        stale = folder / "mutants" / name  # mutmut brings up to date only what it changes
        if stale.exists() and not any(fnmatch(name, source) for source in sources):
            shutil.copy2(ROOT / name, stale)
    section = {
        "source_paths": ["secballot"],
        "only_mutate": sources,
        "pytest_add_cli_args_test_selection": [test for test in tests if (ROOT / test).exists()],
        "also_copy": ["cli", "examples", "pyproject.toml", "SPEC.md", "docs", "benchmarks"],
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in section.items())
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.mutmut]\n{lines}")
    with (folder / "tests" / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(CONFTEST)


def results(folder: Path) -> dict[str, str]:
    """Return what became of every mutant that was tried."""
    found = {}
    for path in sorted((folder / "mutants" / "secballot").rglob("*.meta")):
        codes = json.loads(path.read_text("utf-8")).get("exit_code_by_key", {})
        found.update({name: outcome(code) for name, code in codes.items() if code is not None})
    return found


def outcome(code: int) -> str:
    """Return what the exit code of a trial of a mutant means."""
    return _OUTCOMES.get(code, ODD)


def is_text_only(diff: str) -> bool:
    """Tell whether a mutant changes nothing but the text or field of an error, or the letters of a sentence.

    A sentence is a literal of four words and more: no name, tag or format that anything depends on is so long.
    """

    def plain(sign: str) -> str:
        lines = [line[1:] for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)]
        text = _PROSE.sub(lambda found: f'"{found[1].lower()}"', " ".join(" ".join(lines).split()))
        return _FIELD.sub("", _TEXT.sub(r"\1text", text))

    return plain("-") == plain("+")


def show(folder: Path, names: list[str]) -> dict[str, str]:
    """Return the difference that each mutant makes."""
    command = [sys.executable, "-c", SHOW]
    done = subprocess.run(command, cwd=folder, input=json.dumps(names), capture_output=True, text=True, check=True)
    shown: dict[str, str] = json.loads(done.stdout)
    return shown


def explained() -> dict[str, list[str]]:
    """Return, by function, the changed lines that are known to be equivalent."""
    table = tomllib.loads(SURVIVORS.read_text("utf-8"))
    return {name: [item["line"] for item in items] for name, items in table.items()}


def is_explained(name: str, diff: str, known: dict[str, list[str]]) -> bool:
    """Tell whether a survivor stands in the list: by its function and the line that it puts in."""
    function = re.sub(r"__mutmut_\d+$", "", name)
    added = [line[1:].strip() for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return any(line in added for line in known.get(function, []))


def judge(folder: Path, found: dict[str, str]) -> tuple[dict[str, int], list[str]]:
    """Count the mutants by what became of them, and list those that nothing explains, with what they change."""
    known = explained()
    shown = show(folder, [name for name, end in found.items() if end not in {KILLED, SLOW, TEXT}])
    counted = {KILLED: 0, SLOW: 0, TEXT: 0, "explained": 0, SURVIVED: 0}
    open_ones = []
    for name, end in found.items():
        if end in {KILLED, SLOW, TEXT}:
            counted[end] += 1
        elif is_explained(name, shown[name], known):
            counted["explained"] += 1
        else:
            counted[SURVIVED] += 1
            open_ones.append(f"{name}: {end}\n{shown[name]}\n")
    return counted, open_ones


def run_group(name: str, folder: Path, options: list[str]) -> bool:
    """Run one group, print its score and its survivors; tell whether all of them are explained."""
    sources, tests = GROUPS[name]
    copy_tree(folder, sources, tests)
    if name.startswith("record-"):
        options = [f"--budget={RECORD_BUDGET}", *options]
    command = [sys.executable, "-P", "tests/mutation/trial.py", *options]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, errors="replace")
    found = results(folder)
    if not found or done.returncode:
        sys.stdout.write(f"{name}: not tried to the end\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}\n")
        return False
    counted, open_ones = judge(folder, found)
    killed = counted[KILLED] + counted[SLOW]
    tried = killed + counted[SURVIVED] + counted["explained"]
    sys.stdout.write(
        f"{name}: {killed} of {tried} killed ({100 * killed / max(tried, 1):.1f} %), {counted[SLOW]} of them by time;"
        f" {counted['explained']} explained, {counted[SURVIVED]} survive; {counted[TEXT]} more change texts only\n"
    )
    for one in open_ones:
        sys.stdout.write(f"    {one}\n")
    sys.stdout.flush()
    return not open_ones


def main() -> int:
    """Run the groups named, or all."""
    parser = argparse.ArgumentParser(description="Mutate the code that decides, and see whether a test notices.")
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help="all by default")
    parser.add_argument("--folder", type=Path, help="keep the copies here, and go on with what is there")
    parser.add_argument("--only", action="append", default=[], help="mutants by name: secballot.board.note.x_parse*")
    parser.add_argument("--again", action="store_true", help="try once more what an earlier run could not kill")
    parser.add_argument("--budget", type=float, help=f"seconds for a change, {RECORD_BUDGET:.0f} in the record machine")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="secballot-mutants-") as place:
        kept = Path(given.folder or place).resolve()
        options = [*(f"--only={pattern}" for pattern in given.only), *["--again"] * given.again]
        if given.budget:
            options.append(f"--budget={given.budget}")
        good = [run_group(name, kept / name, options) for name in given.groups or GROUPS]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
