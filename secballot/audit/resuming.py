"""What an audit found, as bytes, so that the next one goes on from there.

Only who verified a log can use them, kept under a key of their own (`store.verified`): to everybody else they say
nothing. An audit that resumes gives the report of one that begins at the first entry, or begins there itself.

Source: SPEC.md#data-flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from secballot.audit.counting import CheckCounts
from secballot.audit.findings import Findings
from secballot.audit.repeats import Repeats
from secballot.audit.timing import Part
from secballot.errors import EncodingError, Party
from secballot.record import Judgement, Outcome
from secballot.record.saving import restored, saved
from secballot.record.sums import MANY_WAITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from secballot.audit.timing import Stopwatch

SavedJudgement = tuple[int, str, str, str | None, tuple[str, int] | None, str]
"""Index, kind, outcome, check, culprit and reason of an entry."""


class _Findings(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    record: bytes
    checked: dict[str, int]
    refused: dict[str, int]
    outcomes: dict[str, int]
    listed: dict[str, tuple[SavedJudgement, ...]]
    totals: dict[str, int]
    refused_manifest: bool
    items: dict[str, int]
    repeats: tuple[bytes, bytes, bytes, bytes]


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(_Findings, strict=True)


def saved_judgements(judgements: Iterable[Judgement]) -> tuple[SavedJudgement, ...]:
    """Return judgements as plain values."""
    return tuple(
        (
            one.index,
            one.kind,
            one.outcome.value,
            one.check,
            (one.culprit.role, one.culprit.index) if one.culprit is not None else None,
            one.reason,
        )
        for one in judgements
    )


def restored_judgements(values: Iterable[SavedJudgement]) -> list[Judgement]:
    """Return the judgements that `saved_judgements` wrote.

    Raises:
        ValueError: an outcome is none.
    """
    return [
        Judgement(index, kind, Outcome(outcome), check, Party(*culprit) if culprit is not None else None, reason)
        for index, kind, outcome, check, culprit, reason in values
    ]


def saved_findings(found: Findings) -> bytes:
    """Return what was found by replaying entries: the record, and what was counted and listed of them."""
    return _ENCODER.encode(
        _Findings(
            record=saved(found.record),
            checked=dict(found.counts.checked),
            refused=dict(found.counts.refused),
            outcomes={outcome.value: count for outcome, count in found.outcomes.items()},
            listed={sort.value: saved_judgements(kept) for sort, kept in found.listed.items()},
            totals={sort.value: count for sort, count in found.totals.items()},
            refused_manifest=found.refused_manifest,
            items={part.value: count for part, count in found.stopwatch.items().items()},
            repeats=found.repeats.packed(),
        )
    )


def restored_findings(
    data: bytes, *, fetch: Callable[[int], bytes], anchor: bytes | None, stopwatch: Stopwatch
) -> Findings:
    """Return the findings that `saved_findings` wrote.

    Args:
        data: kept where nobody else can change it.
        fetch: as in `SittingRecord`.
        anchor: the trust anchor of this audit.
        stopwatch: of this audit; it takes over the items.

    Raises:
        EncodingError: not what `saved_findings` writes, or of an audit with another anchor.
        StoreError: an earlier entry cannot be read again.
    """
    try:
        held = _DECODER.decode(data)
        outcomes = {Outcome(outcome): count for outcome, count in held.outcomes.items()}
        listed = {Outcome(sort): restored_judgements(kept) for sort, kept in held.listed.items()}
        totals = {Outcome(sort): count for sort, count in held.totals.items()}
        items = {Part(part): count for part, count in held.items.items()}
        repeats = Repeats.unpacked(held.repeats)
    except (msgspec.MsgspecError, ValueError) as error:
        raise EncodingError("not saved findings") from error
    record = restored(held.record, fetch=fetch, most_waiting=MANY_WAITING)
    if record.state.anchor != anchor:
        raise EncodingError("findings of an audit with another trust anchor")
    counts = CheckCounts(anchored=anchor is not None)
    counts.checked.update(held.checked)
    counts.refused.update(held.refused)
    found = Findings(record, counts, refused_manifest=held.refused_manifest, stopwatch=stopwatch, repeats=repeats)
    found.outcomes.update(outcomes)
    found.listed.update(listed)
    found.totals.update(totals)
    stopwatch.take_over(items)
    return found
