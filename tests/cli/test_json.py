"""`--json` everywhere: every command has it, prints one documented object, and fails with one, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from secballot.records.manifest import MANIFEST
from secballot_cli.main import ExitCode, run
from tests.cli.command_tree import check_documented, documented, leaves
from tests.running import key_files, passphrase_file, start
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, public
from tests.two_views import View, entries

if TYPE_CHECKING:
    from pathlib import Path

    import click

WITHOUT: Final[dict[str, str]] = {}
"""Commands that have no `--json`, each with the reason; none has one."""

LEAVES: Final = leaves()
ANCHOR: Final = ("--sitting", SITTING_ID.hex())


class Program:
    """The program in this process, told to print JSON."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Keep what reads its output."""
        self._capsys = capsys

    def facts(self, *arguments: str, code: ExitCode = ExitCode.PASSED) -> dict[str, Any]:
        """Run a command, look at the shape of what it prints, and return the facts."""
        self._capsys.readouterr()
        assert run([*arguments, "--json"]) == code, self._capsys.readouterr().err
        out = self._capsys.readouterr().out
        assert len(out.splitlines()) == 1
        told: dict[str, Any] = json.loads(out)
        assert set(told) == {"did", "facts", "next", "who"}
        assert all(isinstance(line, str) for line in (*told["did"], *told["next"], told["who"]))
        return dict(told["facts"])

    def error(self, *arguments: str, code: ExitCode) -> dict[str, Any]:
        """Run a command that fails, and return the error object."""
        self._capsys.readouterr()
        assert run([*arguments, "--json"]) == code
        captured = self._capsys.readouterr()
        told: dict[str, Any] = json.loads(captured.out)
        assert set(told) == {"error"}
        assert set(told["error"]) == {"check", "code", "culprit", "message"}
        assert told["error"]["code"] == code
        assert captured.err.strip() == f"secballot: {told['error']['message']}"
        return dict(told["error"])


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """Return the program."""
    return Program(capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with key files, a passphrase and a manifest."""
    key_files(tmp_path, "log", "promise", "w1.example")
    (tmp_path / "manifest.json").write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    return tmp_path


def log_keys(folder: Path) -> tuple[str, ...]:
    """Return the options of a board's two keys."""
    return (
        "--log-key",
        str(folder / "log.key"),
        "--promise-key",
        str(folder / "promise.key"),
        *passphrase_file(folder),
    )


def witness_options(folder: Path) -> tuple[str, ...]:
    """Return journal and options of a witness."""
    key = str(folder / "w1.example.key")
    return (str(folder / "w1.db"), "--name", "w1.example", "--key", key, *passphrase_file(folder))


def options_of(command: click.Command) -> set[str]:
    """Return the options of a command."""
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_prints_json(words: str) -> None:
    """All but those that are listed with a reason."""
    assert ("--json" in options_of(LEAVES[words])) != (words in WITHOUT)


def test_exceptions_are_commands() -> None:
    """An exception of a command that is gone would hide that the next one lacks the option."""
    assert set(WITHOUT) <= set(LEAVES)
    assert len(LEAVES) > 60


def test_every_command_is_documented() -> None:
    """docs/json.md has a line for each command, and for nothing else."""
    assert sorted(documented()) == sorted(set(LEAVES) - set(WITHOUT))


@pytest.mark.parametrize("words", LEAVES)
def test_wrong_usage_is_an_object(words: str, program: Program) -> None:
    """Of every command, whatever else it needs."""
    assert "no-such-option" in program.error(*words.split(), "--no-such-option", code=ExitCode.USAGE)["message"]


@pytest.mark.parametrize("kind", [(), ("--ml-dsa",)])
def test_keys(folder: Path, program: Program, kind: tuple[str, ...]) -> None:
    """What was made is what is shown."""
    file = str(folder / "new.key")
    made = program.facts("key", "create", file, *kind, *passphrase_file(folder))
    check_documented(("key", "create"), made)
    shown = program.facts("key", "show", file, *kind, "--log", ORIGIN, "--witness", "w1.example")
    check_documented(("key", "show"), shown)
    assert (shown["key"], shown["type"]) == (made["key"], made["type"])
    assert shown["log"].startswith(f"{ORIGIN}+")
    assert shown["witness"].startswith("w1.example+")
    assert program.error("key", "show", str(folder / "none"), *kind, "--log", ORIGIN, code=ExitCode.UNCHECKED)
    assert program.error("key", "create", file, *kind, *passphrase_file(folder), code=ExitCode.UNCHECKED)


def test_a_key_without_a_name(folder: Path, program: Program) -> None:
    """Of Ed25519 its public half; of ML-DSA there is none without a name."""
    shown = program.facts("key", "show", str(folder / "log.key"))
    assert shown == {"key": public("log")[0].hex(), "log": None, "type": "ed25519", "witness": None}
    program.error("key", "show", str(folder / "log.key"), "--ml-dsa", code=ExitCode.USAGE)


def test_a_board_is_made_and_served(folder: Path, program: Program) -> None:
    """Its sitting, origin and key are said when it is made, and when it begins to listen."""
    database = str(folder / "board.db")
    create = ("board", "create", database, str(folder / "manifest.json"), *log_keys(folder))
    made = program.facts(*create)
    check_documented(("board", "create"), made)
    assert (made["sitting"], made["origin"]) == (SITTING_ID.hex(), ORIGIN)
    assert program.error(*create, code=ExitCode.UNCHECKED)
    assert program.error("board", "publish", database, str(folder / "out"), code=ExitCode.UNCHECKED)
    running = start("board", "serve", database, *ANCHOR, *log_keys(folder), "--json")
    running.interrupt()
    check_documented(("board", "serve"), running.facts)
    assert {key: running.facts[key] for key in ("key", "origin", "sitting")} == {
        key: made[key] for key in ("key", "origin", "sitting")
    }


def test_a_witness_is_made_and_served(folder: Path, program: Program) -> None:
    """Its key is said when it is made, and when it begins to listen."""
    options = witness_options(folder)
    made = program.facts("witness", "create", *options)
    check_documented(("witness", "create"), made)
    assert program.error("witness", "create", *options, code=ExitCode.UNCHECKED)
    assert program.error("witness", "follow", *options, code=ExitCode.USAGE)
    followed = program.facts("witness", "follow", *options, "--manifest", str(folder / "manifest.json"))
    check_documented(("witness", "follow"), followed)
    assert followed == {"sizes": {ORIGIN: 0}}
    running = start("witness", "serve", *options, "--json")
    running.interrupt()
    check_documented(("witness", "serve"), running.facts)
    assert (running.facts["key"], running.facts["name"]) == (made["key"], "w1.example")


def test_a_drop_box_is_made_and_served(folder: Path, program: Program) -> None:
    """Its sitting and boards are said when it begins to listen."""
    database = str(folder / "box.db")
    check_documented(("dropbox", "create"), program.facts("dropbox", "create", database, str(folder / "manifest.json")))
    running = start("dropbox", "serve", database, *ANCHOR, "--board", "http://127.0.0.1:9", "--json")
    running.interrupt()
    check_documented(("dropbox", "serve"), running.facts)
    assert running.facts["boards"] == ["http://127.0.0.1:9"]
    other = ("dropbox", "serve", database, "--sitting", "00" * 32, "--board", "http://127.0.0.1:9")
    assert program.error(*other, code=ExitCode.REFUSED)


def test_a_board_is_published(tmp_path: Path, program: Program) -> None:
    """How much was published, and where."""
    View(entries(1, 2, 3), sizes=(5,)).publish(tmp_path / "log")
    database, out, archive = (str(tmp_path / name) for name in ("log/board.db", "out", "log.zip"))
    published = program.facts("board", "publish", database, out, "--archive", archive)
    check_documented(("board", "publish"), published)
    assert published == {"archive": archive, "folder": out, "size": 5}
