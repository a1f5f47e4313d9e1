"""The catalogues: every message of the program stands in one of them, is translated, and is compiled as written."""

from __future__ import annotations

import ast
import shutil
import string
import tomllib
from typing import TYPE_CHECKING, BinaryIO

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from secballot_cli.messages import CATALOGUES, FOLDER, _, compile_catalogues, forget_language, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from babel.messages.catalog import Catalog, Message

LANGUAGES = sorted(path.name for path in FOLDER.iterdir())


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
    """What the source asks for is what the catalogues have; no message stands in two of them."""
    known = [singular(message) for _path, catalogue in catalogues(language) for message in catalogue if message.id]

    assert sorted(known) == sorted(messages_in_source(project_root))


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_whole(language: str) -> None:
    """No message is empty or doubtful, and each has the places of its original."""
    for path, catalogue in catalogues(language):
        assert path.stem in CATALOGUES
        for message in catalogue:
            if not message.id:
                continue
            forms = [message.string] if isinstance(message.string, str) else list(message.string or [""])
            assert all(forms), (path.name, message.id)
            assert not message.fuzzy, (path.name, message.id)
            for form in forms:
                assert fields(form) == fields(singular(message)), (path.name, message.id)


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
