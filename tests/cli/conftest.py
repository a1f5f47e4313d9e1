"""What tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from secballot_cli import telling
from secballot_cli.messages import forget_language
from tests.cli.command_tree import check_documented
from tests.cli.delegate_stage import Device, open_poll
from tests.live_board import LiveBoard, live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let readers remember nothing beyond one test, and return where they remember."""
    monkeypatch.setenv("SECBALLOT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Speak English in tests, whatever the language of the machine that runs them."""
    monkeypatch.setenv("LANGUAGE", "en")
    forget_language()
    yield
    forget_language()


@pytest.fixture(autouse=True)
def documented_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold whatever a command tells programs, in any test, to docs/json.md."""
    tell_undocumented = telling.object_of

    def object_of(told: telling.Told) -> dict[str, object]:
        context = click.get_current_context(silent=True)
        if context is not None:
            check_documented(context.command_path.split()[1:], told.facts)
        return tell_undocumented(told)

    monkeypatch.setattr(telling, "object_of", object_of)


@pytest.fixture
def russian(english: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Speak Russian in a test."""
    monkeypatch.setenv("LANGUAGE", "ru")
    forget_language()
    yield
    forget_language()


@pytest.fixture
def board() -> Iterator[LiveBoard]:
    """Return a board behind HTTP with an open poll of two contests."""
    with live(open_poll()) as running:
        yield running


@pytest.fixture
def device(tmp_path: Path, board: LiveBoard, capsys: pytest.CaptureFixture[str]) -> Device:
    """Return the first delegate's device, restored from the phrase."""
    made = Device(tmp_path / "device", board, capsys)
    made.restore()
    return made
