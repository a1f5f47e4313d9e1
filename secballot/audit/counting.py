"""How often each check ran and how often it refused an entry, counted from what the record machine says.

The machine names the first check that an entry fails. From the order of `SEQUENCES` follows which ones it passed
before: so a check is counted when its verdict is known, and never because of an entry that did not reach it.

Source: SPEC.md#checks, SPEC.md#judging-an-entry.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from secballot.audit.checks import SEQUENCES
from secballot.record import Outcome
from secballot.records.document import Document
from secballot.records.entry import decode_entry

if TYPE_CHECKING:
    from secballot.errors import CheckId
    from secballot.record import Judgement
    from secballot.record.state import CeremonyState, SittingState

_AFTER_ROUND_1: Final = 2


class CheckCounts:
    """Counts of checks run and of entries refused.

    Attributes:
        refused: check id to how many entries it refused, or blamed somebody for.
    """

    def __init__(self, *, anchored: bool) -> None:
        """Begin at zero.

        Args:
            anchored: whether a trust anchor is given; without one SIT-01 is never examined.
        """
        self.refused: Counter[CheckId] = Counter()
        self._checked: Counter[CheckId] = Counter()
        # Most entries of a kind pass the same checks, and there are as many entries as ballots.
        self._passed: Counter[tuple[CheckId, ...]] = Counter()
        self._anchored = anchored

    @property
    def checked(self) -> Counter[CheckId]:
        """Check id to how often it was examined."""
        for checks, times in self._passed.items():
            for check in checks:
                if check != "SIT-01" or self._anchored:
                    self._checked[check] += times
        self._passed.clear()
        return self._checked

    def judged(self, judgement: Judgement, data: bytes, state: SittingState) -> None:
        """Count the checks of one entry.

        Args:
            judgement: what the machine said of it.
            data: its bytes.
            state: the state after it.
        """
        if judgement.check is not None:
            self.refused[judgement.check] += 1
        self._passed[_passed(judgement, data)] += 1
        if judgement.check is not None:
            self._checked[judgement.check] += 1
        if judgement.outcome is Outcome.EFFECT and judgement.kind == "ceremony-reveal":
            self._count_joint_key(state.ceremony)

    def ran(self, check: CheckId) -> None:
        """Count a check that the audit itself made, whatever came of it."""
        self._checked[check] += 1

    def _count_joint_key(self, ceremony: CeremonyState | None) -> None:
        """Count CER-09 once a session: at the reveal that completes its round 1, unless it refused the key."""
        if ceremony is not None and ceremony.round == _AFTER_ROUND_1:
            self._checked["CER-09"] += 1


def _passed(judgement: Judgement, data: bytes) -> tuple[CheckId, ...]:
    """Return the checks that this entry is known to have passed."""
    sequence = SEQUENCES.get(judgement.kind, ())
    if judgement.outcome is Outcome.COLLECTED:
        return sequence[: sequence.index("ENT-06") + 1]
    if judgement.kind == "document" and judgement.outcome is Outcome.EFFECT and not _is_last_chunk(data):
        return sequence[: sequence.index("ENT-06") + 1]
    if judgement.check is None:
        return sequence
    if judgement.check in sequence:
        before = sequence[: sequence.index(judgement.check)]
        # A closing that voids its poll meets the floor all the same.
        after = sequence[sequence.index(judgement.check) + 1 :] if judgement.outcome.stands else ()
        return before + after
    # CER-09 ends a session at a reveal that passed everything of its own.
    return sequence if judgement.outcome.stands else sequence[:1]


def _is_last_chunk(data: bytes) -> bool:
    body = decode_entry(data).body
    return isinstance(body, Document) and body.chunk == body.chunks
