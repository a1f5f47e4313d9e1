"""The program as a whole: quick help, one line for every error, and exit codes that mean one thing each."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

import secballot
from secballot import errors
from secballot_cli import main
from secballot_cli.main import COMMANDS, ExitCode, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def raising(error: BaseException) -> click.Command:
    """Return a command that fails in this way."""

    @click.command()
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Return a function that runs a command which raises the given error, and returns the exit code."""

    def run_failing(error: BaseException) -> int:
        monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: raising(error))
        return run(["fail"])

    return run_failing


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments too, and with the sentence of each."""
    assert run(arguments) == ExitCode.PASSED
    output = capsys.readouterr().out
    assert all(name in output and summary[:30] in output for name, (_, summary) in COMMANDS.items())


def test_help_imports_none_of_the_library() -> None:
    """Help and completion start without the arithmetic, the tables and the database."""
    heavy = ["secballot.group", "secballot_cli.audit", "rich", "msgspec", "sqlalchemy", "nacl"]
    program = (
        "import sys; from secballot_cli.main import run; run(['--help']);"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "[]"


def test_an_audit_of_static_files_starts_without_the_database_layer() -> None:
    """Whoever reads a folder does not wait for what only databases need."""
    program = "import sys, secballot_cli.audit; print('sqlalchemy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "False"


def test_an_audit_of_an_empty_board_loads_nothing_that_only_records_need(tmp_path: Path) -> None:
    """No worker processes, no arithmetic, no view of another party: it begins at once."""
    heavy = [
        "secballot.roles.workers",
        "gmpy2",
        "sqlalchemy",
        "httpx",
        "secballot.roles.view",
        "secballot.record.ahead",
    ]
    program = (
        "import sys; from secballot_cli.main import run; code = run(['audit', sys.argv[1]]);"
        f" print([code, *(name for name in {heavy} if name in sys.modules)])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == f"[{ExitCode.UNCHECKED!r}]"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no core files here")
def test_a_crash_leaves_no_memory_behind() -> None:
    """The program forbids core files for its process, and what it starts, before it does anything."""
    program = (
        "import resource as r; from secballot_cli import main;"
        "main.run = lambda _: print(*r.getrlimit(r.RLIMIT_CORE)) or 0; main.cli()"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "0"]


def test_the_version_is_that_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints it."""
    assert run(["--version"]) == ExitCode.PASSED
    assert secballot.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["audit"], ["audit", "--nonsense", "x"]])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line says what is wrong."""
    assert run(arguments) == ExitCode.USAGE
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_every_command_has_help_that_begins_with_its_summary(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the list of commands says is what the command says of itself."""
    assert run([name, "--help"]) == ExitCode.PASSED
    assert "Usage: secballot " + name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.EncodingError("garbled"), ExitCode.FAILED),
        (errors.InvalidProofError("false", check="BAL-12"), ExitCode.FAILED),
        (errors.PolicyError("no quorum"), ExitCode.REFUSED),
        (errors.PhaseError("too early"), ExitCode.REFUSED),
        (errors.RefusalError("no"), ExitCode.REFUSED),
        (errors.NotEnoughSharesError("too few", needed=3, got=2), ExitCode.REFUSED),
        (errors.StoreError("gone"), ExitCode.UNCHECKED),
        (errors.TransportError("unreachable"), ExitCode.UNCHECKED),
        (ValueError("surprise"), ExitCode.BUG),
        (RecursionError("surprise"), ExitCode.BUG),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (click.Abort(), ExitCode.INTERRUPTED),
        (click.UsageError("wrong"), ExitCode.USAGE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.name,
)
def test_every_error_has_its_exit_code_and_one_line(
    failing: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: ExitCode,
) -> None:
    """No traceback, whatever goes wrong."""
    assert failing(error) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err


def test_a_bug_says_that_it_is_one(failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the kind of error, and nothing in it moves the cursor."""
    failing(LookupError("first\nsecond \x1b[31m"))
    line = capsys.readouterr().err

    assert "this is a bug" in line
    assert "LookupError" in line
    assert "\x1b" not in line


def test_an_error_names_check_and_culprit(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """What the library knows of the error is printed."""
    failing(errors.VerificationError("wrong", check="TAL-04", culprit=errors.Party("trustee", 3)))

    assert capsys.readouterr().err == "secballot: [TAL-04] wrong (blames trustee 3)\n"
