"""The runbooks, played: one sitting from the cards to the adjournment, and what goes wrong in it, as the pages say.

Every line of every page is run as it stands there. Only names are replaced: of places by those where the services
listen, of the sitting by its id, of key files by the paths that `new` prints. What no story can run stands in
`NOT_RUN` with its reason.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.runbooks.documents import PAGES, Ledger, commands, named
from tests.runbooks.play import Play
from tests.runbooks.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOT_RUN: Final = {
    "needs a PostgreSQL server; tests/unit/store and tests/faults run boards on one": (
        "runbooks/board",
        next(line for line in commands("runbooks/board") if "postgresql+psycopg://?service=board" in line),
    ),
}
"""Reasons, and the lines that are not run for them."""

ELSEWHERE: Final = frozenset({"runbooks/delegate"})
"""Pages that are run, line by line, by tests of their own: tests/cli/test_runbook_delegate.py."""

ONLY_NAMED: Final = {("receipt", "pack"): "tests/cli/test_reading.py"}
"""Commands that sentences name and no page shows, and the tests that run them."""


def complete(ledger: Ledger) -> None:
    """Let a shell learn the commands' names by the line that says how."""
    line = next(line for line in commands("runbooks/README") if line.startswith("eval "))
    program = "import sys; from secballot_cli.main import run; sys.exit(run(sys.argv[1:]))"
    function = f'secballot() {{ {shlex.quote(sys.executable)} -c {shlex.quote(program)} "$@"; }}'
    script = f"{function}\n{ledger.note('runbooks/README', line)}\ncomplete -p secballot\n"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "-F _secballot_completion secballot" in done.stdout


def test_sentences_name_commands_that_are_run() -> None:
    """What a sentence of any document calls by name is run by a story, or by the tests of the page of delegates."""
    lines = {(page, line) for page in PAGES for line in commands(page)} - set(NOT_RUN.values())
    run = {tuple(shlex.split(line)[1:]) for _page, line in lines}
    for page in PAGES:
        for name in named(page) - set(ONLY_NAMED):
            assert any(words[: len(name)] == name for words in run), (page, name)


def test_the_runbooks_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cards, ceremony, registration, polls, a seized board and the end, in one sitting; no line is left out."""
    ledger = Ledger()
    stage = Stage.open(tmp_path, monkeypatch, capsys, ledger)
    play = Play(stage)
    with stage.closing:
        for chapter in (
            *(play.make_cards, play.draft, play.start_services, play.found, play.enrol, play.register),
            *(play.first_poll, play.change_the_roll, play.other_polls, play.seize_the_board, play.end),
        ):
            chapter()
    complete(ledger)
    left = {(page, line) for page, line in ledger.left() if page not in ELSEWHERE}
    assert left == set(NOT_RUN.values())
