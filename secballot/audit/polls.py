"""What every poll decided, and what slack there is in it, for people.

Nothing is judged here; outcomes and counts are the record machine's and its rules'.

Source: SPEC.md#rules, SPEC.md#closing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.audit.report import ContestLine, OptionLine, PollLine, SlackLine
from secballot.errors import RecordError
from secballot.protocol.rules import slack_matters
from secballot.record.tallying import recompute_result, turnout
from secballot.records.result import NO_PAGE

if TYPE_CHECKING:
    from secballot.record.state import PollState, SittingState
    from secballot.records.result import ContestResult


def poll_lines(state: SittingState) -> tuple[PollLine, ...]:
    """Return every poll, by number."""
    return tuple(_poll_line(state, state.polls[number]) for number in sorted(state.polls))


def _poll_line(state: SittingState, poll: PollState) -> PollLine:
    slack = _slack_lines(state, poll)
    try:
        outcomes: tuple[ContestResult, ...] | None = recompute_result(state, poll).contests
    except RecordError:
        outcomes = None  # not closed, not decrypted, or ended without an outcome: `words` says which
    return PollLine(
        number=poll.number,
        ctx=poll.ctx.hex(),
        status=_status(state, poll),
        words=_poll_words(state, poll),
        closes_at=poll.closes_at,
        index=poll.index,
        accepted=len(poll.heads),
        tally_id=poll.tally_id.hex(),
        result_posted=poll.result is not None,
        page=poll.result.page.hex() if poll.result is not None and poll.result.page != NO_PAGE else "",
        slack=slack,
        contests=tuple(
            _contest_line(state, poll, position, outcomes[position] if outcomes is not None else None, slack)
            for position in range(len(poll.opening.contests))
        ),
    )


def _status(state: SittingState, poll: PollState) -> str:
    """Return the poll's status; after the adjournment it can be that nobody opened it (SPEC.md#adjournment)."""
    return "not opened" if poll.status == "closed" and state.adjourned and not poll.finished() else poll.status


def _poll_words(state: SittingState, poll: PollState) -> str:
    """Return what the poll's status means, in a sentence."""
    words = {
        "open": "open",
        "lapsed": "lapsed: nobody closed it in time, and it is never decrypted",
        "void": f"void: {poll.reason}",
        "annulled": f"annulled: {poll.reason}",
    }.get(poll.status)
    if words is not None:
        return words
    if poll.finished():
        posted = "the result is posted" if poll.result is not None else "the presidium has not posted the result"
        return f"closed and decrypted; {posted}" if poll.opened() else f"closed; below the privacy floor; {posted}"
    unopened = _status(state, poll) == "not opened"
    return "not opened: the sitting was adjourned first" if unopened else "closed; decryptions are awaited"


def _slack_lines(state: SittingState, poll: PollState) -> tuple[SlackLine, ...]:
    present = turnout(poll)
    lines = []
    for number, delegate_class in enumerate(state.the_manifest().classes, 1):
        if poll.context.shapes(number):
            answered, used = present.registered.get(number, 0), present.counted.get(number, 0)
            lines.append(
                SlackLine(
                    class_index=number,
                    name=delegate_class.name,
                    weight=delegate_class.weight,
                    roll=present.roll.get(number, 0),
                    answered=answered,
                    used=used,
                    slack=answered - used,
                )
            )
    return tuple(lines)


def _contest_line(
    state: SittingState,
    poll: PollState,
    position: int,
    outcome: ContestResult | None,
    slack: tuple[SlackLine, ...],
) -> ContestLine:
    contest, counts = poll.opening.contests[position], poll.counts[position]
    options = []
    for number, option in enumerate(contest.options, 1):
        standing = ""
        if outcome is not None:
            standing = "elected" if number in outcome.elected else "tied" if number in outcome.tied else ""
        options.append(OptionLine(option.label, counts[number - 1] if counts is not None else None, standing))
    return ContestLine(
        number=position + 1,
        title=contest.title,
        rules=contest.rules,
        outcome=outcome.outcome if outcome is not None else "",
        at_floor=poll.at_floor[position] if poll.at_floor else None,
        decryptions=len(poll.factors[position]),
        needed=state.the_manifest().trustees.threshold,
        options=tuple(options),
        slack_matters=_slack_matters(state, poll, position, slack),
    )


def _slack_matters(state: SittingState, poll: PollState, position: int, slack: tuple[SlackLine, ...]) -> bool | None:
    """Tell whether the slack could have changed a contest's outcome; None where there is no outcome."""
    manifest, contest, counts = state.the_manifest(), poll.opening.contests[position], poll.counts[position]
    rule = manifest.rule_set(contest.rules)
    if counts is None or rule is None or poll.status != "closed":
        return None
    return slack_matters(
        rule,
        [option.maximum for option in contest.options],
        counts,
        turnout(poll),
        {number: delegate_class.weight for number, delegate_class in enumerate(manifest.classes, 1)},
        slack={line.class_index: max(0, line.slack) for line in slack},
    )
