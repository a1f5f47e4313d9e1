"""The program `secballot`: the group of commands, the errors a person sees, and the exit codes a program reads.

    0    nothing failed, and whatever did not run is not due yet
    1    a check failed
    2    wrong usage
    3    it could not be checked: something cannot be read or reached
    4    a bug in this program
    5    refused: a policy is not met, or it is not the time for it
    130  interrupted

With `--json` an error is an object on standard output, too:

    {"error":{"check":"REG-05","code":5,"culprit":"registrar 2","message":"…"}}

A command's module is imported when the command runs, so that help and completion are quick.

Source: SPEC.md#errors-and-blame.
"""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from gettext import gettext
from typing import TYPE_CHECKING, Final, NoReturn

import click

import secballot
from secballot import errors
from secballot_cli.error_words import error_words
from secballot_cli.messages import _, translated
from secballot_cli.spoken import speak_click, spoken

if sys.platform == "win32":
    resource = None
else:
    import resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ExitCode(IntEnum):
    """What the exit code of every command means."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    UNCHECKED = 3
    BUG = 4
    REFUSED = 5
    INTERRUPTED = 130


COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "audit": ("secballot_cli.audit:audit", "Check a whole published record, and say what it shows."),
    "board": ("secballot_cli.board:board", "Run a board, or publish its log as static files."),
    "commission": ("secballot_cli.commission:commission", "Vouch for who may vote, as one of the mandate commission."),
    "conformance": ("secballot_cli.conformance:conformance", "Hold this verifier to golden and forged records."),
    "delegate": ("secballot_cli.delegate:delegate", "Vote: register, seal, cast or open, and check that you count."),
    "demo": ("secballot_cli.demo:demo", "Run a whole sitting, from ceremony to audit, in one process."),
    "dropbox": ("secballot_cli.dropbox:dropbox", "Keep entries for boards that are down, or turn people away."),
    "evidence": ("secballot_cli.evidence:evidence", "Check what shows a fault of a board to strangers."),
    "info": ("secballot_cli.info:info", "Say which engine does the arithmetic, and all versions."),
    "key": ("secballot_cli.key:key", "Make the key file of a party or a service."),
    "officer": ("secballot_cli.officer:officer", "Found a sitting, and sign its acts as one of the presidium."),
    "page": ("secballot_cli.page:page", "Make the page of a result again, and compare it with what was signed."),
    "receipt": ("secballot_cli.receipt:receipt", "Check that your ballot is on the board, and is counted."),
    "registrar": ("secballot_cli.registrar:registrar", "Give delegates their credentials, not knowing whose is whose."),
    "status": ("secballot_cli.status:status", "Say where a sitting stands, what it waits for, and the next command."),
    "trustee": ("secballot_cli.trustee:trustee", "Hold a share of the key that opens the sum of all ballots."),
    "witness": ("secballot_cli.witness:witness", "Run a witness that cosigns the checkpoints of logs."),
}
"""Every command: where it is, and its line in the help."""


_NO_ARGUMENTS: Final = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click raises from 8.2 on where only the name of a group is typed; before, it prints the help page itself."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None if there is none of this name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return spoken(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section(gettext("Commands")):
            formatter.write_dl([(name, translated(COMMANDS[name][1])) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(secballot.__version__, prog_name="secballot")
def commands() -> None:
    """Verifiable anonymous voting: run a sitting's parties, and check its public record."""


def cli() -> NoReturn:
    """Run the program with the arguments of this process, and exit."""
    leave_no_core()
    sys.exit(run(sys.argv[1:]))


def leave_no_core() -> None:
    """Let no crash of this process write its memory to a file: keys, words and choices are in it."""
    if resource is None:
        return
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What is said instead of a result."""

    message: str
    code: ExitCode
    check: str | None = None
    culprit: str | None = None

    def say(self, *, as_json: bool) -> int:
        """Print one line on standard error, and for a program an object on standard output; return the exit code."""
        line = " ".join(self.message.split())
        readable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
        click.echo(f"secballot: {readable}", err=True)
        if as_json:
            error = {"check": self.check, "code": int(self.code), "culprit": self.culprit, "message": readable}
            click.echo(json.dumps({"error": error}, ensure_ascii=False, sort_keys=True))
        return self.code


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever goes wrong is one line on standard error."""
    _print_anything()
    speak_click()
    try:
        value = spoken(commands).main(list(arguments) or ["--help"], prog_name="secballot", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        complaint = _Complaint(_("interrupted"), ExitCode.INTERRUPTED)
    except click.ClickException as error:
        complaint = _usage_complaint(error)
    except Exception as error:  # noqa: BLE001  # the last resort: nobody is shown a traceback
        complaint = _complaint(error)
    else:
        return value if isinstance(value, int) else ExitCode.PASSED
    return complaint.say(as_json="--json" in arguments)


def _print_anything() -> None:
    """Let no character of a record stop a terminal or a pipe with a smaller alphabet."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _usage_complaint(error: click.ClickException) -> _Complaint:
    context = getattr(error, "ctx", None)
    hint = _(" (see: {command} --help)").format(command=context.command_path) if context is not None else ""
    if isinstance(error, _NO_ARGUMENTS):
        click.echo(error.format_message(), err=True)  # the help page of a group
        return _Complaint(gettext("Missing command.") + hint, ExitCode.USAGE)
    return _Complaint(error.format_message() + hint, ExitCode.USAGE)


def _complaint(error: Exception) -> _Complaint:
    if not isinstance(error, errors.SecballotError):
        where = type(error).__name__
        words = _("this is a bug in secballot, please report it: {where}: {error}").format(where=where, error=error)
        return _Complaint(words, ExitCode.BUG)
    if isinstance(error, (errors.EncodingError, errors.VerificationError)):
        code = ExitCode.FAILED
    elif isinstance(error, (errors.PolicyError, errors.ProtocolError)):
        code = ExitCode.REFUSED
    else:
        code = ExitCode.UNCHECKED
    culprit = None if error.culprit is None else str(error.culprit)
    return _Complaint(error_words(error), code, error.check, culprit)
