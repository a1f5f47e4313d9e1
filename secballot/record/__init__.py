"""The record machine: fed the entries of one log in order, it gives each its outcome and holds only verified state.

Board, parties and auditors run this one machine; no second copy of any check exists. It is pure: no clock, no
randomness, no storage. `SittingRecord` is the way in; the other modules are its rules, one phase each.

Source: SPEC.md#state-machine.
"""

from secballot.record.outcome import Failure, Judgement, Outcome
from secballot.record.reading import ReadEntry, read_entry
from secballot.record.sitting import SittingRecord

__all__ = ["Failure", "Judgement", "Outcome", "ReadEntry", "SittingRecord", "read_entry"]
