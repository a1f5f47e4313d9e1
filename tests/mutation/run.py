"""Change the code that decides, one thing at a time, and see whether a test notices: `make mutants ARGS="proofs note"`.

A copy of the tree is mutated by mutmut; every mutant is tried against the tests that reach it. What survives must be in
`survivors.toml`, with the reason why no test can tell it apart. Changes of message texts and field names are left out:
nothing is decided by them. All groups take hours.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
GIT: Final = shutil.which("git") or "git"
SURVIVORS: Final = Path(__file__).with_name("survivors.toml")

GROUPS: Final[dict[str, tuple[list[str], list[str]]]] = {
    "transcript": (
        ["secballot/transcript.py"],
        ["tests/adversary/test_transcripts.py", "tests/unit/proofs", "tests/unit/protocol", "tests/vectors"],
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
    "note": (["secballot/board/note.py", "secballot/board/checkpoint.py"], ["tests/unit/board", "tests/spec"]),
    "cosignature": (
        ["secballot/board/cosignature.py", "secballot/board/witness.py"],
        ["tests/unit/board", "tests/spec"],
    ),
    "tree": (
        ["secballot/board/merkle.py", "secballot/board/inclusion.py", "secballot/board/tile.py"],
        ["tests/unit/board", "tests/spec"],
    ),
    "policy": (["secballot/board/policy.py"], ["tests/unit/board", "tests/spec"]),
    "record": (["secballot/record/*.py"], ["tests/unit/record"]),
}
"""By name: what is changed, and the tests that ought to notice."""

CONFTEST: Final = """

import hypothesis

# One process runs the suite many times, on code that changes under it.
hypothesis.settings.register_profile(
    "mutants", database=None, deadline=None, max_examples=10, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("mutants")
"""

_KILLED, _SURVIVED, _UNTRIED = "killed", "survived", "no test reaches it"
_TEXT = re.compile(r"""(Error\()\s*(?:f?"(?:[^"\\]|\\.)*"|None)""")
_FIELD = re.compile(r""",\s*(?:field=(?:f?"(?:[^"\\]|\\.)*"|\w+))?\s*(?=\))""")


def copy_tree(folder: Path, sources: list[str], tests: list[str]) -> None:
    """Write the tree, as it stands, into a folder, set up for mutmut."""
    listed = subprocess.run(
        [GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    for name in [*names, *(str(path.relative_to(ROOT)) for path in (ROOT / "secballot").glob("_group*.so"))]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    tests = [test for test in tests if (ROOT / test).exists()]
    section = {
        "source_paths": ["secballot"],
        "only_mutate": sources,
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "also_copy": ["cli", "examples", "pyproject.toml", "SPEC.md", "docs", "benchmarks"],
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in section.items())
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.mutmut]\n{lines}")
    with (folder / "tests" / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(CONFTEST)


def results(folder: Path) -> dict[str, str]:
    """Return what became of every mutant."""
    words = {0: _SURVIVED, 33: _UNTRIED}
    found = {}
    for path in sorted((folder / "mutants" / "secballot").rglob("*.meta")):
        codes = json.loads(path.read_text("utf-8")).get("exit_code_by_key", {})
        found.update({name: words.get(code, _KILLED) for name, code in codes.items() if code is not None})
    return found


def is_text_only(diff: str) -> bool:
    """Tell whether a mutant changes nothing but the text, or the field's name, of an error."""

    def plain(sign: str) -> str:
        lines = [line[1:] for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)]
        return _FIELD.sub("", _TEXT.sub(r"\1", " ".join(" ".join(lines).split())))

    return plain("-") == plain("+")


def show(folder: Path, name: str) -> str:
    """Return the difference that a mutant makes."""
    command = [sys.executable, "-m", "mutmut", "show", name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def explained() -> dict[str, list[str]]:
    """Return, by function, the changed lines that are known to be equivalent."""
    table = tomllib.loads(SURVIVORS.read_text("utf-8"))
    return {name: [item["line"] for item in items] for name, items in table.items()}


def is_explained(name: str, diff: str, known: dict[str, list[str]]) -> bool:
    """Tell whether a survivor stands in the list: by its function and the line that it puts in."""
    function = re.sub(r"__mutmut_\d+$", "", name)
    added = [line[1:].strip() for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return any(line in added for line in known.get(function, []))


def run_group(name: str) -> bool:
    """Run one group, print its score and its survivors; tell whether all of them are explained."""
    sources, tests = GROUPS[name]
    with tempfile.TemporaryDirectory(prefix="secballot-mutants-") as place:
        folder = Path(place)
        copy_tree(folder, sources, tests)
        children = str(os.cpu_count() or 1)
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", children]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, errors="replace")
        found = results(folder)
        if not found:
            sys.stdout.write(f"{name}: nothing was tried\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}\n")
            return False
        known, open_ones = explained(), []
        counted = {_KILLED: 0, _SURVIVED: 0, "text": 0, "explained": 0}
        for mutant, outcome in found.items():
            if outcome == _KILLED:
                counted[_KILLED] += 1
                continue
            diff = show(folder, mutant)
            if is_text_only(diff):
                counted["text"] += 1
            elif is_explained(mutant, diff, known):
                counted["explained"] += 1
            else:
                counted[_SURVIVED] += 1
                open_ones.append(f"{mutant}: {outcome}\n{diff}")
    tried = counted[_KILLED] + counted[_SURVIVED] + counted["explained"]
    score = 100 * counted[_KILLED] / tried if tried else 0
    sys.stdout.write(
        f"{name}: {counted[_KILLED]} of {tried} killed ({score:.1f} %), {counted['explained']} explained,"
        f" {counted[_SURVIVED]} survive; {counted['text']} more change texts only\n"
    )
    for one in open_ones:
        sys.stdout.write(f"    {one}\n")
    sys.stdout.flush()
    return not open_ones


def main() -> int:
    """Run the groups named, or all."""
    parser = argparse.ArgumentParser(description="Mutate the code that decides, and see whether a test notices.")
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help="all by default")
    given = parser.parse_args()
    good = [run_group(name) for name in given.groups or GROUPS]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
