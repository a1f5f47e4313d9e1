"""Every table and sentence that a person reads of a report. Colour never says anything that the words do not.

Titles, labels and reasons come from entries that anybody may have posted: they are printed as plain text, and
characters that would move the cursor or hide others are replaced.

Source: SPEC.md#checks.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.box import ASCII2, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from secballot.audit.report import Status, Verdict
from secballot_cli.messages import _
from secballot_cli.templates import said, said_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from secballot.audit.report import CheckLine, ContestLine, EntryList, LogLine, PollLine, Report, SittingLine

_SHOWN: Final = 20
"""Lines of a list that are printed; the JSON report has more."""

_PIPE_WIDTH: Final = 132
_GROUP: Final = 4
_RATED_SECONDS: Final = 30.0

_STATUS_STYLES: Final = {Status.PASSED: "green", Status.FAILED: "bold red", Status.NOT_RUN: "dim"}
_VERDICT_STYLES: Final = {Verdict.STANDS: "bold green", Verdict.FAILS: "bold red", Verdict.UNCHECKED: "bold yellow"}


def plain(text: str) -> str:
    """Return the text with every character replaced that does not simply print."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def grouped(digits: str) -> str:
    """Return hexadecimal digits in groups of four, as people compare them."""
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


@contextmanager
def showing_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a callback (done, total) that shows a bar, rate and time left on standard error, if that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _done, _total: None
        return
    # Only a terminal needs it, and a pipe starts sooner without.
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn(_("left")),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=_RATED_SECONDS) as bar:
        task = bar.add_task(what, total=None, rate="")

        def advance(done: int, total: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

        yield advance


def report_text(report: Report) -> str:
    """Return a report as tables for the terminal or pipe that standard output is; the verdict comes last."""
    console = _console()
    with console.capture() as captured:
        _print_report(console, report)
    # Tables are padded to their width; a file or a diff is better without.
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def _print_report(console: Console, report: Report) -> None:
    if report.sitting is not None:
        _print_sitting(console, report.sitting)
    _say(console, _("Anchor: {words}.").format(words=said(report.anchor)))
    _print_log(console, report.log)
    _print_checks(console, report.checks)
    for poll in report.polls:
        _print_poll(console, poll)
    _print_outcomes(console, report)
    _print_entries(console, _("Faults, and whom an entry names"), report.faults)
    _print_entries(console, _("Excluded ballots"), report.excluded)
    _print_entries(console, _("Entries without effect"), report.without_effect)
    for warning in report.warnings[:_SHOWN]:
        _say(console, _("Warning: {words}.").format(words=said(warning.words)), style="yellow")
    _say_rest(console, len(report.warnings) - _SHOWN, _("warnings"))
    if report.timings:
        parts = ", ".join(f"{line.part} {line.seconds:.2f} s ({line.items})" for line in report.timings)
        _say(console, _("Time: {parts}.").format(parts=parts))
    engine = report.engine
    why = f" ({engine.reason})" if engine.reason else ""
    words = _("Checked by secballot {version}; arithmetic by the engine {name}.")
    _say(console, words.format(version=engine.version, name=engine.name + why))
    console.print()
    console.print(Text(verdict_words(report.verdict), style=_VERDICT_STYLES[report.verdict]))
    for sentence in report.words:
        words = said_all(sentence)
        _say(console, f"  {words[:1].upper()}{words[1:]}.")


def verdict_words(verdict: Verdict) -> str:
    """Return the verdict of an audit in a sentence."""
    return {
        Verdict.STANDS: _("The record stands."),
        Verdict.FAILS: _("The record fails."),
        Verdict.UNCHECKED: _("The record could not be checked."),
    }[verdict]


def _console() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(plain(text), style=style), soft_wrap=True)


def _table(console: Console, title: str, *columns: str, numbers: tuple[str, ...] = ()) -> Table:
    box = SIMPLE_HEAD if console.encoding.lower().startswith("utf") else ASCII2
    table = Table(title=Text(plain(title)) if title else None, title_justify="left", title_style="bold", box=box)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table


def _row(table: Table, *cells: object, style: str | None = None) -> None:
    table.add_row(*(Text(plain(str(cell))) for cell in cells), style=style)


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return f"{seconds} s"


def _print_sitting(console: Console, sitting: SittingLine) -> None:
    parties = sitting.parties
    _say(console, _("Sitting: {title}").format(title=sitting.title), style="bold")
    _say(console, "  " + _("id: {id}").format(id=grouped(sitting.sitting_id)))
    _say(
        console,
        "  "
        + _(
            "presidium {presidium_threshold} of {presidium}, commission {commission}, registrars {registrars},"
            " trustees {trustees_threshold} of {trustees}, witnesses {witnesses_quorum} of {witnesses}"
            " ({witnesses_dishonest} may be dishonest)"
        ).format(**parties),
    )
    _say(console, "  " + said_all(sitting.stage))
    for session in sitting.ended_sessions:
        _say(console, "  " + _("ended ceremony {session}").format(session=said_all(session)))


def _print_log(console: Console, log: LogLine) -> None:
    if log.origin:
        _say(console, _("Log: {origin}").format(origin=log.origin))
    if log.root:
        first, last = _time(min(log.times)), _time(max(log.times))
        times = first if last == first else _("{first} to {last}").format(first=first, last=last)
        newest = _("newest checkpoint with quorum: {size} entries judged, root {root}")
        _say(console, "  " + newest.format(size=log.size, root=log.root))
        cosigned = _("cosigned by {count} witnesses at {times}; {agreeing} other checkpoints agree")
        _say(console, "  " + cosigned.format(count=len(log.times), times=times, agreeing=log.agreeing))
    if log.above:
        above = _("{count} entries at hand are above it, or under no checkpoint: ignored")
        _say(console, "  " + above.format(count=log.above))
    for note in log.ignored_notes[:_SHOWN]:
        claimed = (
            _("ignored a note that is no checkpoint: {reason}")
            if note.size is None
            else _("ignored a checkpoint of size {size}: {reason}")
        )
        _say(console, "  " + claimed.format(size=note.size, reason=said(note.reason)))
        for signature in note.signatures:
            _say(console, "    " + _("signature of {name}").format(name=signature))
    _say_rest(console, log.ignored_note_total - _SHOWN, _("notes"))
    for ignored, what in ((log.ignored_lines, _("lines")), (log.ignored_files, _("files"))):
        for line in ignored[:_SHOWN]:
            _say(console, "  " + _("ignored {what}").format(what=line))
        _say_rest(console, len(ignored) - _SHOWN, what)


def _say_rest(console: Console, left: int, what: str) -> None:
    if left > 0:
        _say(console, "  " + _("… and {count} more {what} (--json lists them)").format(count=left, what=what))


def _print_checks(console: Console, checks: tuple[CheckLine, ...]) -> None:
    checked, refused = _("checked"), _("refused")
    columns = (_("id"), _("status"), checked, refused, "SPEC.md", _("what holds"))
    table = _table(console, _("Checks"), *columns, numbers=(checked, refused))
    for line in checks:
        statement = said(line.statement)
        if line.status is Status.NOT_RUN:
            due = _("(due once {due})") if line.expected else _("(due, and missing)")
            statement += " " + due.format(due=said(line.due))
        cells = (line.id, line.status, line.checked, line.refused or "", f"#{line.heading}", statement)
        _row(table, *cells, style=_STATUS_STYLES[line.status])
    console.print(table)


def _print_poll(console: Console, poll: PollLine) -> None:
    _say(console, _("Poll {number}: {words}").format(number=poll.number, words=said_all(poll.words)), style="bold")
    opened = _("ctx {ctx}, opened by entry {index}, closes at {time}")
    _say(console, "  " + opened.format(ctx=poll.ctx, index=poll.index, time=_time(poll.closes_at)))
    _say(console, "  " + _("slack is the most ballots that all registrars together could have added"))
    columns = (_("weight"), _("roll"), _("answered"), _("used"), _("slack"))
    slack = _table(console, "", _("class"), *columns, numbers=columns)
    for line in poll.slack:
        name = f"{line.class_index} {line.name}"
        _row(slack, name, line.weight, line.roll, line.answered, line.used, line.slack)
    console.print(slack)
    for contest in poll.contests:
        _print_contest(console, contest)


def _print_contest(console: Console, contest: ContestLine) -> None:
    title = _("Contest {number}: {title}").format(number=contest.number, title=contest.title)
    table = _table(console, title, _("option"), _("count"), "", numbers=(_("count"),))
    for number, option in enumerate(contest.options, 1):
        count = "" if option.count is None else option.count
        _row(table, f"{number} {option.label}", count, said(option.standing) if option.standing else "")
    console.print(table)
    _say(console, f"  {_contest_words(contest)}")


def _contest_words(contest: ContestLine) -> str:
    words = [_("rules {name}").format(name=contest.rules)]
    if contest.outcome == "unopened" or contest.at_floor is False:
        words.append(_("below the privacy floor: stays closed"))
    elif contest.outcome:
        words.append(_("outcome: {outcome}").format(outcome=said(contest.outcome)))
    if contest.at_floor:
        decryptions = _("{count} decryptions, {needed} needed")
        words.append(decryptions.format(count=contest.decryptions, needed=contest.needed))
    if contest.slack_matters is not None:
        words.append(
            _("the slack could have changed the outcome")
            if contest.slack_matters
            else _("the slack could not have changed the outcome")
        )
    return "; ".join(words)


def _print_outcomes(console: Console, report: Report) -> None:
    counts = ", ".join(f"{number} {said(outcome)}" for outcome, number in report.outcomes.items() if number)
    _say(console, _("Entries: {counts}.").format(counts=counts or _("none judged")))


def _print_entries(console: Console, title: str, listed: EntryList) -> None:
    if not listed.total:
        return
    columns = (_("entry"), _("kind"), _("check"), _("names"), _("reason"))
    table = _table(console, f"{title}: {listed.total}", *columns, numbers=columns[:1])
    for line in listed.entries[:_SHOWN]:
        _row(table, line.index, line.kind or "?", line.check, line.culprit, said(line.reason))
    console.print(table)
    _say_rest(console, listed.total - _SHOWN, _("entries"))
