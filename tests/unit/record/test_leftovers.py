"""What a judged entry leaves behind in memory: nothing, whoever floods a board with junk."""

from __future__ import annotations

import gc

import pytest

from secballot.errors import EncodingError
from secballot.record import SittingRecord
from secballot.record.reading import read_entry
from tests.simulator import golden

JUDGED = 50


@pytest.mark.parametrize("kind", ["junk", "foreign"])
def test_a_judged_entry_leaves_nothing_behind(kind: str) -> None:
    """Neither what is no entry nor what the record refuses, whose exceptions know the frames that held it."""
    record = SittingRecord(None, fetch=lambda _: b"")
    good = golden().entries[-1]
    entries = [b"junk %d" % number if kind == "junk" else good for number in range(JUDGED + 1)]
    record.judge(entries.pop())
    gc.collect()
    before = len(gc.get_objects())
    for entry in entries:
        record.judge(entry)
    gc.collect()
    assert len(gc.get_objects()) - before < JUDGED


def test_what_is_no_entry_holds_on_to_no_frame() -> None:
    """Why it is none is kept beside its bytes, and what its reader had at hand is not."""
    error = read_entry(b"junk").entry
    assert isinstance(error, EncodingError)
    assert error.__traceback__ is None
