"""The set-up of mutation testing: what is only a text, and a list of survivors that stays true."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

from tests.mutation.run import (
    GROUPS,
    KILLED,
    ODD,
    SLOW,
    SURVIVED,
    SURVIVORS,
    TEXT,
    UNREACHED,
    is_explained,
    is_text_only,
    outcome,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('raise EncodingError("a", field="b")', 'raise EncodingError("XXaXX", field="b")', True),
        ('raise EncodingError("a", field="b")', 'raise EncodingError(None, field="b")', True),
        ('raise EncodingError("a", field="b")', 'raise EncodingError("a", )', True),
        ("raise PolicyError(_LACKING)", "raise PolicyError(None)", True),
        ("raise PolicyError(_LACKING)", "raise PolicyError()", False),
        ('raise EncodingError("a" if known else "b")', 'raise EncodingError("a" if not known else "b")', False),
        ('raise EncodingError("a", field="b")', 'raise EncodingError(field="b")', False),
        ('raise EncodingError("a", offset=at)', 'raise EncodingError("a", offset=None)', False),
        ('raise EncodingError("a", field="b")', 'raise EncodingError("a", field="XXbXX")', True),
        ('raise RecordError("a", check="TAL-03")', 'raise RecordError("a", check="XXTAL-03XX")', False),
        ('raise RecordError("a", check="TAL-03")', 'raise RecordError("a", )', False),
        ('over = "too few are left"', 'over = "XXtoo few are leftXX"', True),
        ('over = "too few are left"', 'over = "TOO FEW ARE LEFT"', True),
        ('over = "too few are left"', "over = None", False),
        ('reason = f"of {number - 1} and more"', 'reason = f"of {number + 1} and more"', False),
        ('status = "closed"', 'status = "CLOSED"', False),
        ('tag = "secballot tag"', 'tag = "XXsecballot tagXX"', False),
        ("if index <= size:", "if index < size:", False),
    ],
)
def test_only_texts_are_left_out(before: str, after: str, expected: bool) -> None:
    """Ids, comparisons and everything else count."""
    assert is_text_only(f"--- a\n+++ b\n@@\n-    {before}\n+    {after}\n") is expected


def test_a_survivor_is_explained_by_its_function_and_line() -> None:
    """Another change of the same function is not."""
    known = {"secballot.board.tile.x_decode_tile": ["stop = start + 1"]}
    diff = "--- a\n+++ b\n-    stop = start\n+    stop = start + 1\n"

    assert is_explained("secballot.board.tile.x_decode_tile__mutmut_3", diff, known)
    assert not is_explained("secballot.board.tile.x_decode_tile__mutmut_4", diff.replace("+ 1", "+ 2"), known)
    assert not is_explained("secballot.board.tile.x_encode_tile__mutmut_3", diff, known)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(0, SURVIVED), (1, KILLED), (2, ODD), (3, KILLED), (33, UNREACHED), (34, TEXT), (36, SLOW), (-11, ODD), (5, ODD)],
)
def test_only_a_failed_test_kills(code: int, expected: str) -> None:
    """What pytest could not run at all, or what ended otherwise, is no kill."""
    assert outcome(code) == expected


def test_every_group_names_code_and_tests_that_exist() -> None:
    """Nothing is left out by a file that was moved."""
    for sources, tests in GROUPS.values():
        assert all(list(ROOT.glob(source)) for source in sources)
        assert all((ROOT / test).exists() for test in tests)


def test_survivors_are_of_functions_that_exist() -> None:
    """And each has its reason."""
    for name, items in tomllib.loads(SURVIVORS.read_text("utf-8")).items():
        module, _, function = name.rpartition(".")
        found: object = importlib.import_module(module)
        for part in function.split("ǁ")[1:] or [function.removeprefix("x_")]:
            found = getattr(found, part, None)
        assert found is not None, name
        assert all(item["line"] and item["why"].endswith(".") for item in items), name
