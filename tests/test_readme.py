"""Every example in README.md is run, in the order in which a reader meets them, and in one folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.test_examples import TAG

if TYPE_CHECKING:
    from pathlib import Path

MAKE_BLOCK = "make demo\nmake test\n"


def blocks(readme: str) -> list[tuple[str, str]]:
    """Return language and text of every fenced block, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def readme(project_root: Path) -> str:
    """Return the text of README.md."""
    return (project_root / "README.md").read_text(encoding="utf-8")


def test_every_block_is_of_a_kind_that_is_run(readme: str) -> None:
    """No example hides behind a language that nobody runs."""
    assert readme.count("```") == 2 * len(blocks(readme))
    assert {language for language, _ in blocks(readme)} == {"python", "sh"}


def test_the_quick_start_names_make_targets_that_do_what_it_says(readme: str, project_root: Path) -> None:
    """The two commands exist, and run the demonstration and the tests."""
    makefile = (project_root / "Makefile").read_text(encoding="utf-8")

    assert ("sh", MAKE_BLOCK) in blocks(readme)
    assert re.search(r"^demo:.*\n\t.*secballot demo", makefile, re.MULTILINE)
    assert re.search(r"^test:.*\n\t.*pytest", makefile, re.MULTILINE)


def test_the_examples_run_one_after_the_other(readme: str, project_root: Path, tmp_path: Path) -> None:
    """The Python block holds what it asserts; each command ends with code 0, the tag typed in where it is asked for."""
    (tmp_path / "examples").symlink_to(project_root / "examples")
    python = shlex.quote(sys.executable)
    cli = "import sys; from secballot_cli.main import run; sys.exit(run(sys.argv[1:]))"
    program = f'python() {{ {python} "$@"; }}; secballot() {{ {python} -c {shlex.quote(cli)} "$@"; }}; set -e\n'
    ran = []
    for language, text in blocks(readme):
        if text == MAKE_BLOCK:
            continue
        command = [sys.executable, "-c", text] if language == "python" else ["bash", "-c", program + text]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{project_root}{os.pathsep}{project_root / 'cli'}"},
            input=f"{TAG}\n",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        ran.append((text, done))
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"

    outputs = "".join(done.stdout for _, done in ran)
    assert "number 1 of 1 from your credential" in outputs
    assert "The record stands." in outputs
    assert "The posted result is the same." in outputs


@pytest.mark.parametrize("heading", ["Who is trusted for what", "What is not claimed", "Audit a sitting"])
def test_headings_that_other_places_point_to_are_there(readme: str, heading: str) -> None:
    """The readme keeps the parts that a user must not miss."""
    assert f"\n## {heading}\n" in readme


def test_links_to_files_lead_somewhere(readme: str, project_root: Path) -> None:
    """Every relative link names something in the repository."""
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", readme)]

    assert targets
    assert [target for target in targets if not (project_root / target).exists()] == []
