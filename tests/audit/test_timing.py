"""Every moment of an audit is charged to one part, and every kind of entry belongs to one."""

from __future__ import annotations

import itertools
import json

import msgspec

from secballot.audit.timing import PARTS, Part
from secballot.audit.verifier import audit
from secballot.records.entry import CODECS
from tests.audit.sources import golden_source
from tests.simulator import golden


def test_every_kind_belongs_to_one_part() -> None:
    """So does what is no entry."""
    assert set(PARTS) == {*CODECS, ""}


def test_parts_add_up_to_the_whole() -> None:
    """With a clock that ticks once a look, the parts have all ticks but the first, and all entries."""
    ticks = itertools.count()
    report = audit(golden_source(), anchor=golden().anchor, clock=lambda: float(next(ticks)))
    items = {line.part: line.items for line in report.timings}

    assert [line.part for line in report.timings] == list(Part)
    assert sum(line.seconds for line in report.timings) == next(ticks) - 1
    assert sum(items.values()) == len(golden().entries) + len(golden().notes)
    assert items["log"] == len(golden().notes)
    assert all(line.seconds > 0 for line in report.timings)


def test_timings_are_no_part_of_what_was_found() -> None:
    """Without a clock nothing is said of time, and all the rest is the same."""
    silent = audit(golden_source(), anchor=golden().anchor)
    timed = audit(golden_source(), anchor=golden().anchor, clock=lambda: 0.0)

    assert silent.timings == ()
    assert silent == msgspec.structs.replace(timed, timings=())
    assert json.loads(timed.to_json())["timings"][0] == {"items": 18, "part": "setup", "seconds": 0.0}
