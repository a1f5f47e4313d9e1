"""Nothing bad comes in by any door, in any setting: without asserts, under other hash seeds, on either engine.

`tests.adversary.refusals` has the doors and what is tried at each. The long form of META-2, `make meta2`, runs all
negative tests in each of these settings; this file runs the doors alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache, partial
from typing import TYPE_CHECKING

import pytest

from secballot.errors import EncodingError
from secballot.group import Elements, engine_name
from tests.adversary import canary, refusals
from tests.adversary.refusals_of_ballots import bad_ballots
from tests.adversary.refusals_of_parts import bad_elements
from tests.engines import ENGINES

if TYPE_CHECKING:
    from pathlib import Path


@cache
def refused(door: str) -> int:
    """Return how many attempts a door refuses."""
    return refusals.attempt_all(door)


def test_every_entry_point_is_tried() -> None:
    """META-2, EN-04: a door that is new needs attempts; one that is gone needs none."""
    assert refusals.entry_points() == set(refusals.builders())
    assert len(refusals.entry_points()) > 80


@pytest.mark.parametrize("door", refusals.representatives())
def test_every_entry_point_refuses(door: str) -> None:
    """META-2, FS-19: each attempt ends in an error of the library; the doors of one builder are tried together."""
    assert refused(door) > 0


def test_bad_elements_are_refused_at_every_entry_point() -> None:
    """EN-04, EN-01: whatever a ballot, reveal, complaint or decryption holds an element in, goes by one decoder.

    The attempts above put each bad encoding in each of these places; here they are shown to be bad, and many.
    """
    assert len(bad_elements()) > 30
    for bad in bad_elements():
        with pytest.raises(EncodingError):
            Elements.decode(bad)
    assert len(bad_ballots()) > 100


def test_names_that_judge_nothing_are_still_there() -> None:
    """META-2: no exception outlives what it excepts, and each has its reason."""
    found = {door for module in refusals._modules() for door in refusals._doors_of(module)}
    assert set(refusals.NO_DOORS) <= found
    assert all(len(reason) > 10 for reason in refusals.NO_DOORS.values())


def test_a_door_that_lets_something_in_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """META-2: the runner says so of a door that accepts, of one with a bare error, and of one that is not tried."""

    def accepting() -> list[refusals.Attempt]:
        return [lambda: "accepted"]

    def crashing() -> list[refusals.Attempt]:
        return [partial(dict[str, str]().__getitem__, "missing")]

    for builder in (accepting, crashing, list):
        monkeypatch.setitem(refusals.REFUSALS, "encoding:decode_u64", builder)
        with pytest.raises(refusals.AcceptedError):
            refusals.attempt_all("encoding:decode_u64")


def test_asserts_are_executed_here_and_in_helpers() -> None:
    """META-2, OP-06: under `python -O` pytest's rewritten asserts still count, in tests and in what they import."""
    with pytest.raises(AssertionError):
        assert not __name__
    with pytest.raises(AssertionError):
        canary.assert_what_does_not_hold()


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_the_negative_suite_holds_without_asserts(seed: str, project_root: Path) -> None:
    """META-2, OP-06: a process without asserts and with another hash seed refuses as much, on the other engine."""
    others = [name for name in ENGINES if name != engine_name()]
    engine = others[0] if others and seed == "0" else engine_name()
    environment = {**os.environ, "PYTHONHASHSEED": seed, "SECBALLOT_ENGINE": engine}
    command = [sys.executable, "-O", "-m", "tests.adversary.refusals"]
    done = subprocess.run(command, cwd=project_root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = sum(map(refused, refusals.representatives()))
    assert re.fullmatch(
        rf"{expected} refusals at {len(refusals.REFUSALS)} doors, without asserts, engine {engine}\n", done.stdout
    )
