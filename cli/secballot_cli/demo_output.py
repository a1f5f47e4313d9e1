"""What a demonstration shows: how far it is, what was cast beside what was counted, and where everything lies."""

from __future__ import annotations

import time
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from rich.box import ASCII2, SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from secballot.audit.report import Verdict
from secballot_cli.messages import _
from secballot_cli.render import grouped, plain, report_text, verdict_words
from secballot_cli.templates import said, said_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.progress import TaskID

    from secballot.audit.report import ContestLine, Report
    from secballot_cli.demo_input import OptionCast, Scenario
    from secballot_cli.demo_run import HeldReceipt

_PIPE_WIDTH: Final = 120


class StepDisplay:
    """Shows the steps on standard error: a moving bar on a terminal, one line a step in a pipe."""

    def __init__(self, console: Console, bar: Bar | None) -> None:
        """Show on this console, and move this bar if there is one."""
        self._console = console
        self._bar = bar
        self._task: TaskID | None = None
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """Begin a step."""
        text = said(text)
        seconds = time.monotonic() - self._began
        if self._bar is None:
            self._console.print(Text(plain(f"{seconds:6.1f} s  {text}")), soft_wrap=True)
            return
        if self._task is not None:
            self._bar.update(self._task, total=1, completed=1)
        self._task = self._bar.add_task(plain(text), total=None)

    def advance(self, done: int, total: int) -> None:
        """Go on within the step."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)


@contextmanager
def showing_steps(console: Console | None = None) -> Iterator[StepDisplay]:
    """Give a display that is finished with the block, on standard error unless another console is given."""
    console = console or Console(stderr=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        yield StepDisplay(console, None)
        return
    columns = SpinnerColumn(finished_text="•"), TextColumn("{task.description}", markup=False)
    with Bar(*columns, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console) as bar:
        yield StepDisplay(console, bar)


@dataclass(frozen=True, slots=True)
class Performance:
    """What came of a demonstration.

    Attributes:
        scenario: what was played.
        sitting_id: 32 bytes.
        report: the audit of the published folder.
        receipts: of every delegate who voted.
        out: where everything lies.
        seconds: how long all of it took.
    """

    scenario: Scenario
    sitting_id: bytes
    report: Report
    receipts: list[HeldReceipt]
    out: Path
    seconds: float

    @property
    def counts_match(self) -> bool:
        """Whether the board's counts are those of the choices cast, in every contest of every poll."""
        counted = [
            [[option.count for option in contest.options] for contest in poll.contests] for poll in self.report.polls
        ]
        cast = [
            [[option.weighted for option in contest] for contest in self.scenario.cast(poll)]
            for poll in self.scenario.polls
        ]
        return counted == cast

    @property
    def good(self) -> bool:
        """Whether the audit passes and the counts are those of the choices cast."""
        return self.report.verdict is Verdict.STANDS and self.counts_match


def plain_report(report: Report) -> str:
    """Return the report as a file holds it: no colours, whatever standard output is."""
    with redirect_stdout(StringIO()):
        return report_text(report)


def performance_json(performance: Performance) -> dict[str, Any]:
    """Return the outcome for programs."""
    report = performance.report
    return {
        "counts_match": performance.counts_match,
        "engine": report.engine.name,
        "engine_reason": report.engine.reason,
        "out": str(performance.out),
        "polls": [
            {
                "contests": [
                    _contest_json(contest, cast)
                    for contest, cast in zip(line.contests, performance.scenario.cast(poll), strict=True)
                ],
                "number": line.number,
                "voters": line.accepted,
            }
            for line, poll in zip(report.polls, performance.scenario.polls, strict=True)
        ],
        "receipts": len(performance.receipts),
        "seconds": round(performance.seconds, 1),
        "sitting_id": performance.sitting_id.hex(),
        "verdict": str(report.verdict),
    }


def _contest_json(contest: ContestLine, cast: list[OptionCast]) -> dict[str, Any]:
    return {
        "options": [
            {
                "cast": given.unweighted,
                "cast_weighted": given.weighted,
                "counted": option.count,
                "label": option.label,
                "standing": option.standing,
            }
            for option, given in zip(contest.options, cast, strict=True)
        ],
        "outcome": contest.outcome,
        "title": contest.title,
    }


def performance_text(performance: Performance) -> str:
    """Return the results as tables for the terminal or pipe that standard output is, and what to do next."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    with console.capture() as captured:
        _print_performance(console, performance)
    return captured.get()


def _print_performance(console: Console, performance: Performance) -> None:
    report, scenario = performance.report, performance.scenario
    delegates = sum(scenario.plan.delegates)
    _say(console, scenario.plan.title, style="bold")
    for line, poll in zip(report.polls, scenario.polls, strict=True):
        voted = _("Poll {number}: {count} of {delegates} delegates voted")
        _say(console, "\n" + voted.format(number=line.number, count=line.accepted, delegates=delegates), style="bold")
        for contest, cast in zip(line.contests, scenario.cast(poll), strict=True):
            _print_contest(console, contest, cast)
    _say(
        console,
        _("The counts on the board are those of the choices cast.")
        if performance.counts_match
        else _("The counts on the board ARE NOT those of the choices cast."),
    )
    passed = sum(line.status == "PASS" for line in report.checks)
    _say(console, _("The audit of the published folder; checks passed: {count}.").format(count=passed))
    _say(console, "  " + verdict_words(report.verdict))
    for words in report.words:
        _say(console, "  " + said_all(words))
    why = f": {report.engine.reason}" if report.engine.reason else ""
    _say(console, _("engine: {name}").format(name=report.engine.name + why))
    _say(console, _("Time: {parts}.").format(parts=f"{performance.seconds:.1f} s"))
    _print_next_steps(console, performance)


def _print_contest(console: Console, contest: ContestLine, cast: list[OptionCast]) -> None:
    box = SIMPLE_HEAD if console.encoding.lower().startswith("utf") else ASCII2
    table = Table(title=Text(plain(contest.title)), title_justify="left", title_style="", box=box)
    table.add_column(_("option"), overflow="fold")
    for heading in (_("cast"), _("weighted"), _("counted")):
        table.add_column(heading, justify="right")
    table.add_column("")
    for option, given in zip(contest.options, cast, strict=True):
        same = option.count == given.weighted
        cells = (option.label, given.unweighted, given.weighted, _("closed") if option.count is None else option.count)
        standing = said(option.standing) if option.standing else ""
        note = standing if same else " ".join([standing, _("DIFFERENT")]).strip()
        table.add_row(*(Text(plain(str(cell))) for cell in (*cells, note)), style="" if same else "bold red")
    console.print(table)
    outcome = said(contest.outcome) if contest.outcome else "–"
    _say(console, "  " + _("outcome: {outcome}").format(outcome=outcome) + "\n")


def _print_next_steps(console: Console, performance: Performance) -> None:
    out = performance.out
    _say(console, "\n" + _("Everything public is in {path}:").format(path=out))
    _say(console, "  board/           " + _("the published log: what any mirror would carry"))
    _say(console, "  board.zip        " + _("the same in one file"))
    _say(console, "  pages/           " + _("the result of each poll as a page, whose hash the officers signed"))
    receipts = _("receipts, each its delegate's own: {count}").format(count=len(performance.receipts))
    _say(console, "  receipts/        " + receipts)
    _say(console, "  audit.txt, audit.json, sitting_id.txt")
    _say(console, _("Sitting: {title}").format(title=grouped(performance.sitting_id.hex())))
    _say(console, _("Check it again:"))
    _say(console, f'  secballot audit {out}/board --sitting "$(cat {out}/sitting_id.txt)"')
    _say(console, _("Or as others see it, from a web server of your own in another terminal:"))
    _say(console, f"  python3 -m http.server --bind 127.0.0.1 --directory {out}/board 8000")
    _say(console, f'  secballot audit http://127.0.0.1:8000 --sitting "$(cat {out}/sitting_id.txt)"')
    if performance.receipts:
        held = performance.receipts[0]
        tag = _("(the tag of {name}, which its delegate remembers, is {tag})").format(name=held.name, tag=held.tag)
        _say(console, "  " + tag)


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text("\n".join(plain(line) for line in text.split("\n")), style=style), soft_wrap=True)
