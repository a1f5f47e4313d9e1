"""What the audit warns of although every check passed: counts that show votes, and ballots that show each other's.

A warning changes no verdict: the record may be right in every byte, and say more about people than they expected.

Source: SPEC.md#privacy-floor, SPEC.md#security-considerations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.audit.report import WarningLine
from secballot.record.tallying import turnout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secballot.record.state import PollState, SittingState

FEW: Final = 5
"""Fewer counted ballots than these are remarked upon: a manifest's floor may be lower."""

_NAMED: Final = 10


def poll_warnings(state: SittingState) -> tuple[WarningLine, ...]:
    """Return what the counts of the decrypted contests show of single ballots, by poll and contest."""
    found: list[WarningLine] = []
    for number in sorted(state.polls):
        poll = state.polls[number]
        for position, counts in enumerate(poll.counts):
            if counts is not None:
                found += _contest_warnings(state, poll, position, counts)
    return tuple(found)


def repeat_warnings(found: Sequence[tuple[tuple[int, ...], int]]) -> tuple[WarningLine, ...]:
    """Return a warning for each set of ballots that share elements."""
    return tuple(
        WarningLine(
            kind="repeated-element",
            poll=None,
            contest=None,
            entries=indices,
            words=(
                f"{_entries(indices)} {'share' if len(set(indices)) > 1 else 'repeats'} {shared} ciphertext"
                f" element{'s' * (shared > 1)}: whoever sees them learns whether votes in them are alike, and a device"
                " that made them has no good source of randomness"
            ),
        )
        for indices, shared in found
    )


def _contest_warnings(
    state: SittingState, poll: PollState, position: int, counts: Sequence[int]
) -> Iterator[WarningLine]:
    contest, shape = poll.opening.contests[position], poll.context.contests[position]
    counted = {number: count for number, count in turnout(poll).counted.items() if number in shape.eligible}
    classes = state.the_manifest().classes
    ballots = sum(counted.values())
    weight = sum(classes[number - 1].weight * count for number, count in counted.items())
    where = f"poll {poll.number}, contest {position + 1}"

    def line(kind: str, words: str) -> WarningLine:
        return WarningLine(kind=kind, poll=poll.number, contest=position + 1, entries=(), words=f"{where}: {words}")

    if 0 < ballots < FEW:
        what = "one ballot is" if ballots == 1 else f"{ballots} ballots are"
        yield line("few-ballots", f"only {what} counted, and the counts come close to showing each vote")
    full = [
        option.label
        for option, count in zip(contest.options, counts, strict=True)
        if weight and count == option.maximum * weight
    ]
    settled = len(full) + sum(count == 0 for count in counts) == len(counts)
    if full or (settled and weight):
        given = (
            f"everybody who voted gave all they could to {_labels(full)}" if full else "nobody gave any option a vote"
        )
        shown = "how everybody voted" if settled else "that much of every ballot"
        yield line("unanimous", f"{given}: the result shows {shown}, whatever the privacy floor")


def _labels(labels: Sequence[str]) -> str:
    shown = ", ".join(f"“{label}”" for label in labels[:_NAMED])
    return shown if len(labels) <= _NAMED else f"{shown} and {len(labels) - _NAMED} more options"


def _entries(indices: Sequence[int]) -> str:
    different = sorted(set(indices))
    if len(different) == 1:
        return f"the ballot of entry {different[0]}"
    shown = ", ".join(map(str, different[:_NAMED]))
    rest = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
    return f"the ballots of entries {shown}{rest}"
