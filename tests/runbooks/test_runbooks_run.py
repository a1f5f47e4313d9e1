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

import click

from secballot_cli.main import commands as secballot
from tests.runbooks.documents import PAGES, Ledger, commands, named
from tests.runbooks.play import Play
from tests.runbooks.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
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

OF_NO_PARTY: Final = frozenset({"conformance", "demo", "info", "key"})
"""Commands that no party of a sitting needs: README.md and their help pages show them."""


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
        for name in named(page):
            assert any(words[: len(name)] == name for words in run), (page, name)


def of_parties(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the names of all commands of parties."""
    if not isinstance(command, click.Group):
        yield words
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        if words or name not in OF_NO_PARTY:
            yield from of_parties(found, (*words, name))


def test_every_command_of_a_party_is_in_a_runbook() -> None:
    """A command that no page shows is one that nobody finds."""
    shown = [tuple(shlex.split(line)[1:]) for page in PAGES for line in commands(page)]
    names = list(of_parties(secballot))
    assert ("officer", "countersign") in names
    missing = [name for name in names if not any(line[: len(name)] == name for line in shown)]
    assert not missing


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
