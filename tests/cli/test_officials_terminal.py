"""Officials at a terminal: passphrases that are not shown, mistyped ones, interrupted questions, two languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.store.keyfile import read_key
from secballot_cli.main import ExitCode
from tests.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

NEW = ("officer", "new", "--name", "Anna", "--small-device")


def test_a_mistyped_passphrase_is_asked_for_again_and_none_is_shown(tmp_path: Path) -> None:
    """Two entries have to agree; what is typed is never echoed."""
    with Terminal(*NEW, "--home", str(tmp_path)) as terminal:
        terminal.answer("Passphrase:", "correct horse")
        terminal.answer("once more:", "correct hose")
        terminal.answer("Passphrase:", "correct horse")
        terminal.answer("once more:", "correct horse")
        assert terminal.code() == ExitCode.PASSED
    assert "correct ho" not in terminal.shown
    assert "Who has to act: you" in terminal.shown
    assert read_key(tmp_path / "officer" / "new" / "key", "correct horse")


def test_an_interrupted_question_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C at the passphrase makes no key, and the same command works afterwards."""
    with Terminal(*NEW, "--home", str(tmp_path)) as terminal:
        terminal.wait_for("Passphrase:")
        terminal.press(b"\x03")
        assert terminal.code() == ExitCode.INTERRUPTED
    assert "interrupted" in terminal.shown
    assert not list(tmp_path.rglob("key"))
    with Terminal(*NEW, "--home", str(tmp_path)) as terminal:
        terminal.answer("Passphrase:", "correct horse")
        terminal.answer("once more:", "correct horse")
        assert terminal.code() == ExitCode.PASSED
    with Terminal(*NEW, "--home", str(tmp_path)) as terminal:
        assert terminal.code() == ExitCode.UNCHECKED
    assert "one key for each sitting" in terminal.shown


def test_russian_is_spoken_where_it_is_asked_for(tmp_path: Path) -> None:
    """Questions and answers, in the reader's language."""
    with Terminal(*NEW, "--home", str(tmp_path), language="ru") as terminal:
        terminal.answer("Пароль:", "верный конь")
        terminal.answer("Пароль ещё раз:", "верный конь")
        assert terminal.code() == ExitCode.PASSED
    assert "Что дальше:" in terminal.shown
    assert "верный" not in terminal.shown
