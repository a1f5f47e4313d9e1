"""`secballot info` says which engine does the arithmetic, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import secballot
from secballot.group import engine_name, engine_reason
from secballot_cli.main import run
from tests.cli.command_tree import check_documented

if TYPE_CHECKING:
    import pytest


def test_the_engine_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """For people: name, reason if it is not the native one, and versions."""
    assert run(["info"]) == 0
    output = capsys.readouterr().out

    assert f"engine: {engine_name()}" in output
    assert engine_reason() in output
    assert f"secballot {secballot.__version__}" in output


def test_the_same_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: the same facts, keys sorted."""
    assert run(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)

    check_documented(["info"], facts)
    assert facts["engine"] == engine_name()
    assert facts["engine_reason"] == engine_reason()
    assert list(facts) == sorted(facts)
    assert "cryptography" in facts["packages"]
