"""The catalogues: every message of the program stands in one of them, is translated, and is compiled as written."""

from __future__ import annotations

import ast
import re
import shutil
import string
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click
import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from secballot.audit.checks import CHECKS, Phase
from secballot.audit.report import Anchor
from secballot.record.outcome import Outcome
from secballot.roles.offline_receipt import MISSING
from secballot_cli.error_words import KINDS
from secballot_cli.main import COMMANDS, ExitCode, run
from secballot_cli.messages import CATALOGUES, FOLDER, _, compile_catalogues, forget_language, plural
from secballot_cli.spoken import CLICK, paragraphs
from secballot_cli.templates import PLAIN, REPORTED, TEMPLATES
from tests.cli.command_tree import tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from babel.messages.catalog import Catalog, Message

LANGUAGES = sorted(path.name for path in FOLDER.iterdir())

MET: Final = (
    *("RefusalError", "PolicyError", "PhaseError", "LostStateError", "TransportError", "KeptError"),
    "out_of_phase",  # returns a PhaseError
)
"""Classes of errors of the library whose unchanging messages are all translated."""

UNREACHABLE: Final = {
    "Arguments take exactly one parameter declaration, got {length}: {decls}.",
    "Boolean option {decl!r} cannot use the same flag for true/false.",
    "Choice({choices})",
    "Could not determine name for option with declarations {decls!r}",
    "DeprecationWarning: The command {name!r} is deprecated.{extra_message}",
    "DeprecationWarning: The {param_type} {name!r} is deprecated.{extra_message}",
    "Name '{name}' defined twice",
    (
        "No options defined but a name was passed ({name}). Did you mean to declare an argument instead? Did you"
        " mean to pass '--{name}'?"
    ),
    "Show the version and exit.",
    "Unknown color {colour!r}",
    "Unknown standard stream '{name}'",
    "Windows error: {error}",
    "d",
    "{editor}: Editing failed",
    "{editor}: Editing failed: {e}",
    "{value!r} does not match the format {format}.",
    "{value!r} is not a valid UUID.",
}
"""What click tells programmers, says of what this program does not use, or is told by this program in its own words."""


def messages_in_source(project_root: Path) -> set[str]:
    """Return the singular of every message that the program asks for."""
    found = set()
    for path in (project_root / "cli" / "secballot_cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"_", "plural"}:
                first = node.args[0]
                assert isinstance(first, ast.Constant), f"{path.name}:{node.lineno}: a message is a literal"
                assert isinstance(first.value, str)
                found.add(first.value)
    return found


def texts_of_help() -> set[str]:
    """Return every paragraph of a help page: of commands, groups and options."""
    texts = [summary for _module, summary in COMMANDS.values()]
    for _words, command in tree():
        texts += [command.help or "", command.short_help or ""]
        texts += [parameter.help or "" for parameter in command.params if isinstance(parameter, click.Option)]
    return {paragraph for text in texts for paragraph in paragraphs(text) if paragraph}


def texts_of_errors() -> set[str]:
    """Return what every check and every class of errors means."""
    return {check.statement for check in CHECKS} | set(KINDS.values()) | set(TEMPLATES)


def texts_of_reports() -> set[str]:
    """Return what an audit's report and a packed receipt say."""
    return {str(value) for enumeration in (Phase, Anchor, Outcome) for value in enumeration} | {
        *MISSING,
        *REPORTED,
        *PLAIN,
    }


def raised_in_library(project_root: Path, classes: Sequence[str]) -> Iterator[ast.expr]:
    """Yield what the library's errors are first given; those of these classes, or of all."""
    for path in (project_root / "secballot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
                continue
            if not classes or ast.unparse(node.exc.func) in classes:
                yield node.exc.args[0]


def messages_of_library(project_root: Path, *classes: str) -> set[str]:
    """Return the messages that errors of the library have every time; of these classes, or of all."""
    given = raised_in_library(project_root, classes)
    return {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def templates_of_library(project_root: Path, *classes: str) -> set[str]:
    """Return the messages of the library's errors that have values in them, `{}` for each; of these classes, or all."""
    return {
        "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in one.values)
        for one in raised_in_library(project_root, classes)
        if isinstance(one, ast.JoinedStr)
    }


def sentences_out_of_reach(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what looks like words for people in a source file and is no message, docstring, help or command."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    reached: set[ast.AST] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            taken = node.func.id in {"_", "plural", "translated", "gettext"}
        else:
            taken = (isinstance(node, ast.keyword) and node.arg == "help") or (
                isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            )
        if taken:
            reached.update(ast.walk(node))
    for node in ast.walk(module):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in reached:
            continue
        if re.search(r"[a-z]{3,} [a-z]{2,}", node.value) and not re.match(r" *secballot |bold ", node.value):
            yield node.lineno, node.value


def messages_of_click() -> set[str]:
    """Return the singular of every message that click may show."""
    found = set()
    for path in Path(click.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"_", "ngettext"}:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def catalogues(language: str) -> Iterator[tuple[Path, Catalog]]:
    """Yield every catalogue of a language with its path."""
    for path in sorted((FOLDER / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            yield path, read_po(file, abort_invalid=True)


def singular(message: Message) -> str:
    """Return the id of a message, whether or not it has a plural."""
    return message.id if isinstance(message.id, str) else message.id[0]


def fields(text: str) -> set[str | None]:
    """Return the names of the values that a message has places for."""
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def strings(catalogue: Iterable[Message]) -> dict[str, tuple[str, ...]]:
    """Return every message of a catalogue with all its forms."""
    return {
        singular(message): (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        for message in catalogue
        if message.id
    }


def compiled(file: BinaryIO) -> dict[str, tuple[str, ...]]:
    """Return the messages of a compiled catalogue."""
    return strings(read_mo(file))


def test_there_is_russian() -> None:
    """The languages shipped are these."""
    assert LANGUAGES == ["ru"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_once_and_nothing_else_is(language: str, project_root: Path) -> None:
    """What the source asks for is what the catalogues have; no message stands in two of them.

    Of the library's errors those have to be there that a person meets who does everything right.
    """
    known = [
        singular(message)
        for path, catalogue in catalogues(language)
        for message in catalogue
        if message.id and path.stem != CLICK
    ]

    needed = messages_in_source(project_root) | texts_of_help() | texts_of_errors() | texts_of_reports()
    met = messages_of_library(project_root, *MET)
    assert len(known) == len(set(known))
    assert (needed | met) - set(known) == set()
    assert set(known) - needed - messages_of_library(project_root) == set()


def test_templates_are_those_of_the_library(project_root: Path) -> None:
    """Each is one that an error of the library has, and none is missing that a person meets."""
    known = {re.sub(r"{[a-z]+}", "{}", template) for template in TEMPLATES}
    assert known - templates_of_library(project_root) == set()
    assert templates_of_library(project_root, *MET) - known == set()


def test_reported_sentences_are_those_of_the_library(project_root: Path) -> None:
    """Each stands somewhere in the library, as it is or as a template."""
    found = set()
    for path in (project_root / "secballot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values))
    needed = {re.sub(r"{[a-z]+}", "{}", sentence) for sentence in (*REPORTED, *PLAIN)}
    pieces = {piece for text in found for piece in text.split("; ")}
    assert needed - pieces == set()


def test_no_words_for_people_are_out_of_translators_reach(project_root: Path) -> None:
    """Whoever adds a sentence is told that it is to be a message; the demonstration's input speaks English only."""
    collected = texts_of_help() | texts_of_errors() | texts_of_reports()
    found = [
        (path.name, line, text)
        for path in sorted((project_root / "cli" / "secballot_cli").glob("*.py"))
        if path.name not in {"demo_input.py", "demo_preflib.py"}
        for line, text in sentences_out_of_reach(path)
        if " ".join(text.split()) not in collected
    ]
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_clicks_own_words_are_translated(language: str) -> None:
    """All that a user of this program can meet."""
    known = {
        singular(message) for path, catalogue in catalogues(language) if path.stem == CLICK for message in catalogue
    }
    assert messages_of_click() - known <= UNREACHABLE


@pytest.mark.parametrize("words", [words for words, _command in tree()], ids=" ".join)
def test_help_is_in_russian(words: tuple[str, ...], russian: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every command and group; what is left in Latin letters are names, values and what one types."""
    assert run([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Использование: secballot")
    assert "Показать эту справку и выйти." in shown
    for english in ("Usage", "Options", "Commands", " the ", " and ", "default", "required"):
        assert english not in shown.replace("DATABASE.evidence", ""), english


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "Нет такой команды: 'nonsense'. (см.: secballot --help)"),
        (["key", "show"], "Не указан аргумент 'FILE'. (см.: secballot key show --help)"),
        (["board", "create", "a", "b"], "Не указан параметр '--log-key'. (см.: secballot board create --help)"),
        (["board"], "Не указана команда. (см.: secballot board --help)"),
        (["info", "x"], "Лишний аргумент (x) (см.: secballot info --help)"),
        (["info", "x", "y"], "Лишние аргументы (x y) (см.: secballot info --help)"),
        (["info", "--x"], "Нет такого параметра: '--x'. (см.: secballot info --help)"),
    ],
)
def test_wrong_usage_is_said_in_russian(
    arguments: list[str], said: str, russian: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """In click's words and ours."""
    assert run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err.endswith(f"secballot: {said}\n")


def test_help_is_in_the_language_of_the_moment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that was loaded in one language speaks another when it is asked to."""
    for language, word in (("ru", "Параметры"), ("en", "Options"), ("ru", "Параметры")):
        monkeypatch.setenv("LANGUAGE", language)
        forget_language()
        run(["key", "show", "--help"])
        assert f"{word}:" in capsys.readouterr().out


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_whole(language: str) -> None:
    """No message is empty or doubtful, and each has the places of its original."""
    for path, catalogue in catalogues(language):
        assert path.stem in {*CATALOGUES, CLICK}
        for message in catalogue:
            if not message.id:
                continue
            forms = [message.string] if isinstance(message.string, str) else list(message.string or [""])
            assert all(forms), (path.name, message.id)
            assert not message.fuzzy, (path.name, message.id)
            originals = [message.id] if isinstance(message.id, str) else list(message.id)
            places = [fields(original) for original in originals]
            for form in forms:
                assert fields(form) in places, (path.name, message.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogues_are_those_of_the_sources(language: str) -> None:
    """A translation that was edited and not compiled would not be seen by anybody."""
    for path, catalogue in catalogues(language):
        with path.with_suffix(".mo").open("rb") as file:
            assert compiled(file) == strings(catalogue), path.name


def test_the_language_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Russian is spoken where Russian is asked for, with its plurals, and English elsewhere."""
    monkeypatch.setenv("LANGUAGE", "ru")
    forget_language()
    assert _("What comes next:") == "Что дальше:"
    assert _("no such message") == "no such message"
    monkeypatch.setenv("LANGUAGE", "fr")
    forget_language()
    assert _("What comes next:") == "What comes next:"
    assert plural("{n} entry", "{n} entries", 2) == "{n} entries"


def test_compiling_gives_what_is_shipped(tmp_path: Path) -> None:
    """The compiler is the one that made the shipped files."""
    shutil.copytree(FOLDER, tmp_path / "locale")
    for path in (tmp_path / "locale").rglob("*.mo"):
        path.unlink()
    compile_catalogues(tmp_path / "locale")

    made = {path.relative_to(tmp_path / "locale") for path in (tmp_path / "locale").rglob("*.mo")}
    assert made == {path.relative_to(FOLDER) for path in FOLDER.rglob("*.mo")}
    for path in made:
        assert (tmp_path / "locale" / path).read_bytes() == (FOLDER / path).read_bytes()


def test_catalogues_are_shipped(project_root: Path) -> None:
    """Every catalogue is matched by a pattern that the build is given."""
    settings = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))
    package = project_root / "cli" / "secballot_cli"
    patterns = settings["tool"]["setuptools"]["package-data"]["secballot_cli"]
    shipped = {path for pattern in patterns for path in package.glob(pattern)}

    assert {path for path in FOLDER.rglob("*") if path.is_file()} <= shipped
