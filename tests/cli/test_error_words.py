"""Errors in Russian: every class and every check has its sentence, and what the library said stays to be found."""

from __future__ import annotations

import inspect
import json
import re
import string
from typing import TYPE_CHECKING

import pytest

from secballot import errors
from secballot.audit.checks import CHECKS
from secballot.board.published import MissingFileError
from secballot_cli.error_words import KINDS, check_words, error_words, party_words
from secballot_cli.main import ExitCode, run
from secballot_cli.messages import translated
from secballot_cli.templates import TEMPLATES, said

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.audit.checks import Check

CYRILLIC = re.compile("[а-яё]")
ROLES = ("presidium", "commission", "registrar", "trustee", "witness", "board", "delegate")


def of_class(kind: type[errors.SecballotError]) -> errors.SecballotError:
    """Return an error of a class."""
    if kind is errors.NotEnoughSharesError:
        return errors.NotEnoughSharesError("detail 17", needed=3, got=2)
    return kind("detail 17")


PUBLIC = [
    kind for _name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.SecballotError)
]


def test_every_public_class_has_words() -> None:
    """Each its own, and no other class has any."""
    assert set(KINDS) == set(PUBLIC)
    assert len(set(KINDS.values())) == len(KINDS)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_class_is_said_in_russian(kind: type[errors.SecballotError], russian: None) -> None:
    """The kind in Russian, then what was said."""
    words = error_words(of_class(kind))
    said, _, detail = words.partition(": ")
    assert said == translated(KINDS[kind]) != KINDS[kind]
    assert CYRILLIC.match(said)
    assert detail == "detail 17"


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_in_english_the_line_is_the_librarys(kind: type[errors.SecballotError]) -> None:
    """Nothing is added."""
    error = of_class(kind)
    error.check, error.culprit = "BAL-09", errors.Party("trustee", 2)
    assert error_words(error) == error.diagnostics()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_check_is_said_in_russian(russian: None, check: Check) -> None:
    """Its id, and what has to hold where it passes."""
    words = error_words(errors.RecordError("detail 17", check=check.id, culprit=errors.Party("registrar", 2)))
    statement = translated(check.statement)
    assert statement != check.statement
    assert words.startswith(f"[{check.id}] запись противоречит журналу до неё: detail 17; ")
    assert f"должно быть так: {statement} (виновник: регистратор 2)" in words


def test_a_class_without_words_has_those_of_its_base(russian: None) -> None:
    """Such as one that a module made for itself."""
    assert error_words(MissingFileError("gone")) == "не получилось (файл или база данных): gone"


def test_unknown_checks_and_nobody_add_nothing(russian: None) -> None:
    """An id that is not registered is shown and not explained."""
    assert check_words("XXX-99") == ""
    error = errors.RecordError("detail", check="XXX-99", culprit=errors.NOBODY)
    assert error_words(error) == "[XXX-99] запись противоречит журналу до неё: detail"


@pytest.mark.parametrize("role", ROLES)
def test_parties_are_named_in_russian(russian: None, role: str) -> None:
    """With and without a number."""
    one, alone = party_words(errors.Party(role, 2)), party_words(errors.Party(role))
    assert one.endswith(" 2")
    assert CYRILLIC.match(one)
    assert CYRILLIC.match(alone)


def test_a_message_that_is_always_the_same_is_translated(russian: None) -> None:
    """Such as a refusal that people meet; with values in it, it stays as it is."""
    assert error_words(errors.RefusalError("no poll is open")) == "отказано: ни одно голосование не открыто"
    assert (
        error_words(errors.StoreError("the file x is gone"))
        == "не получилось (файл или база данных): the file x is gone"
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("poll 3 is open", "состояние голосования 3: открыто"),
        ("poll 3 is lapsed; the sealed ballot can only be opened", "голосование 3 больше не идёт (не состоялось);"),
        ("poll 3 is not closed", "голосование 3 не закрыто"),
        ("/a is b/log {x} is missing", "нет файла /a is b/log {x}"),
        ("x.json is no card: there is no such file or folder", "x.json — не карточка: такого файла или папки нет"),
        ("nobody has written this", "nobody has written this"),
    ],
)
def test_messages_with_values_are_translated(russian: None, message: str, expected: str) -> None:
    """By their templates, the most special first; braces in a value are no places."""
    assert error_words(errors.RefusalError(message)).startswith(f"отказано: {expected}")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_finds_its_own(russian: None, template: str) -> None:
    """No other one comes before it, and no value is lost."""
    names = [name for _text, name, _spec, _conversion in string.Formatter().parse(template) if name]
    values = {name: f"<{number}>" for number, name in enumerate(names)}
    assert said(template.format(**values)) == translated(template).format(**values)


def test_programs_are_told_in_the_same_words(russian: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Check id, code and culprit do not depend on the language; the sentence does."""
    code = run(["evidence", "check", f"{tmp_path}/none", "--json"])
    captured = capsys.readouterr()
    said = json.loads(captured.out)["error"]
    assert (code, said["code"], said["check"]) == (ExitCode.UNCHECKED, 3, None)
    assert said["message"].startswith("не получилось (файл или база данных): ")
    assert captured.err == f"secballot: {said['message']}\n"
