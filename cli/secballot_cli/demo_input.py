"""What a demonstration plays: parties, polls, and who votes how, read from TOML files and checked before anything runs.

The congress that comes with the command line lies in `examples/first_congress` of the source tree and is installed as
the folder `first_congress` of this package.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from secballot.errors import EncodingError
from secballot.records.opening import Contest, Option
from secballot.roles.rehearsal import Plan
from secballot.roles.toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secballot.records.manifest import RuleSet
    from secballot.roles.delegate import Choices

T = TypeVar("T")


class DemoInputError(EncodingError):
    """The input of the demonstration cannot be played; nothing has been run."""


@dataclass(frozen=True, slots=True)
class Voter:
    """One delegate's part in one poll.

    Attributes:
        delegate: number, from 1, class by class.
        choices: of the ballot that counts in the end.
        replaced: of a ballot cast before, if there is one.
        opens: whether a sealed ballot is opened before the last one is cast.
    """

    delegate: int
    choices: Choices
    replaced: Choices | None = None
    opens: bool = False


@dataclass(frozen=True, slots=True)
class PlannedPoll:
    """One poll: its contests, the long texts they name, how long it is open, and who votes."""

    contests: tuple[Contest, ...]
    documents: tuple[str, ...]
    seconds: int
    voters: tuple[Voter, ...]


@dataclass(frozen=True, slots=True)
class OptionCast:
    """What was cast for one option: number of delegates' points, and the same with weights."""

    unweighted: int
    weighted: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole sitting to play.

    Attributes:
        plan: parties, classes and rules.
        label: of the delegates' phrases.
        absent_trustees: indices of those who stay away from the convening on.
        polls: in order.
    """

    plan: Plan
    label: str
    absent_trustees: frozenset[int]
    polls: tuple[PlannedPoll, ...]

    def class_of(self, delegate: int) -> int:
        """Return the class index of a delegate."""
        last = 0
        for index, count in enumerate(self.plan.delegates, 1):
            last += count
            if delegate <= last:
                return index
        raise DemoInputError(f"there is no delegate {delegate}: they are 1 to {last}")

    def cast(self, poll: PlannedPoll) -> list[list[OptionCast]]:
        """Return for each contest and option what the ballots that count in the end give it."""
        points = [[[0, 0] for _ in contest.options] for contest in poll.contests]
        for voter in poll.voters:
            index = self.class_of(voter.delegate)
            weight = self.plan.classes[index - 1].weight
            for position, values in zip(open_contests(self.plan, poll.contests, index), voter.choices, strict=True):
                for totals, value in zip(points[position], values, strict=True):
                    totals[0] += value
                    totals[1] += weight * value
        return [[OptionCast(*totals) for totals in contest] for contest in points]


def open_contests(plan: Plan, contests: Sequence[Contest], class_index: int) -> list[int]:
    """Return the positions of the contests that are open to a class."""
    rules = {rule.name: rule for rule in plan.rules}
    return [position for position, contest in enumerate(contests) if class_index in rules[contest.rules].eligible]


class _Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a file: no other keys than the ones named."""


class _ContestTable(_Closed, frozen=True):
    title: str
    rules: str
    options: tuple[str, ...]
    sum: tuple[int, int]
    text: str = ""
    documents: tuple[str, ...] = ()
    maximum: int = 1


class _PollTable(_Closed, frozen=True):
    seconds: int
    votes: str
    contests: tuple[_ContestTable, ...]


class _SittingFile(_Closed, frozen=True):
    label: str
    plan: dict[str, Any]
    polls: tuple[_PollTable, ...]
    absent_trustees: tuple[int, ...] = ()


class _BallotTable(_Closed, frozen=True):
    delegates: tuple[int, ...]
    choices: tuple[str | tuple[str, ...], ...]


class _VotesFile(_Closed, frozen=True):
    ballots: tuple[_BallotTable, ...]
    replaced: tuple[_BallotTable, ...] = ()
    opened: tuple[int, ...] = ()


def congress_folder() -> Path:
    """Return where the input of the first congress lies: beside this file if installed, else in the source tree.

    Raises:
        DemoInputError: it is in neither place.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "first_congress", here.parents[1] / "examples" / "first_congress"):
        if folder.is_dir():
            return folder
    raise DemoInputError("the input of the demonstration is not installed")


def read_scenario(folder: Path) -> Scenario:
    """Return the sitting that the files of a folder describe.

    Raises:
        DemoInputError: a file is missing, is no TOML, has unknown or missing keys, or votes what cannot be voted.
    """
    sitting = _read(folder / "sitting.toml", _SittingFile)
    unknown = set(sitting.plan) - {field.name for field in fields(Plan)}
    if unknown:
        raise DemoInputError(f"sitting.toml: the plan has unknown keys: {', '.join(sorted(unknown))}")
    plan = _convert(sitting.plan, Plan, "sitting.toml")
    rules = {rule.name: rule for rule in plan.rules}
    polls = tuple(_read_poll(folder, table, plan, rules) for table in sitting.polls)
    return Scenario(plan, sitting.label, frozenset(sitting.absent_trustees), polls)


def _read_poll(folder: Path, table: _PollTable, plan: Plan, rules: dict[str, RuleSet]) -> PlannedPoll:
    documents: dict[bytes, str] = {}
    contests = []
    for entry in table.contests:
        if entry.rules not in rules:
            raise DemoInputError(f"contest {entry.title!r} names unknown rules")
        texts = [_text(folder / name) for name in entry.documents]
        hashes = tuple(hashlib.sha256(text.encode()).digest() for text in texts)
        documents.update(zip(hashes, texts, strict=True))
        contests.append(_contest(entry, hashes))
    poll = PlannedPoll(tuple(contests), tuple(documents.values()), table.seconds, ())
    votes = _read(folder / table.votes, _VotesFile)
    return PlannedPoll(poll.contests, poll.documents, poll.seconds, _voters(plan, poll, votes, table.votes))


def _contest(entry: _ContestTable, documents: tuple[bytes, ...]) -> Contest:
    low, high = entry.sum
    try:
        return Contest(
            documents=documents,
            options=tuple(Option(label=label, maximum=entry.maximum) for label in entry.options),
            rules=entry.rules,
            sum_maximum=high,
            sum_minimum=low,
            text=entry.text,
            title=entry.title,
        )
    except (ValueError, EncodingError) as error:
        raise DemoInputError(f"contest {entry.title!r}: {error}") from error


def _voters(plan: Plan, poll: PlannedPoll, votes: _VotesFile, name: str) -> tuple[Voter, ...]:
    scenario = Scenario(plan, "", frozenset(), ())
    final = dict(_choices(scenario, poll, votes.ballots, name))
    replaced = dict(_choices(scenario, poll, votes.replaced, name))
    strangers = (replaced.keys() | set(votes.opened)) - final.keys()
    if strangers:
        raise DemoInputError(f"{name}: delegate {min(strangers)} replaces or opens a ballot and casts none")
    return tuple(
        Voter(delegate, final[delegate], replaced.get(delegate), delegate in votes.opened) for delegate in sorted(final)
    )


def _choices(
    scenario: Scenario, poll: PlannedPoll, tables: tuple[_BallotTable, ...], name: str
) -> Iterator[tuple[int, Choices]]:
    """Yield every delegate with their choices, nobody twice."""
    seen: set[int] = set()
    for table in tables:
        for delegate in table.delegates:
            if delegate < 1 or delegate in seen:
                raise DemoInputError(f"{name}: delegate {delegate} does not exist or votes twice in one list")
            seen.add(delegate)
            positions = open_contests(scenario.plan, poll.contests, scenario.class_of(delegate))
            if len(table.choices) != len(positions):
                raise DemoInputError(f"{name}: delegate {delegate} does not answer every contest open to the class")
            yield (
                delegate,
                tuple(
                    _values(poll.contests[at], chosen, name)
                    for at, chosen in zip(positions, table.choices, strict=True)
                ),
            )


def _values(contest: Contest, chosen: str | tuple[str, ...], name: str) -> tuple[int, ...]:
    """Return one value per option; a label that is named twice gets two points."""
    points: dict[str, int] = defaultdict(int)
    for label in (chosen,) if isinstance(chosen, str) else chosen:
        points[label] += 1
    unknown = points.keys() - {option.label for option in contest.options}
    if unknown:
        raise DemoInputError(f"{name}: {contest.title!r} has no option {min(unknown)!r}")
    values = tuple(points[option.label] for option in contest.options)
    too_many = any(value > option.maximum for value, option in zip(values, contest.options, strict=True))
    if too_many or not contest.sum_minimum <= sum(values) <= contest.sum_maximum:
        raise DemoInputError(f"{name}: a ballot breaks the limits of {contest.title!r}")
    return values


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DemoInputError(f"{path.name} cannot be read as text") from error


def _read(path: Path, kind: type[T]) -> T:
    try:
        table = read_toml(_text(path))
    except EncodingError as error:
        raise DemoInputError(f"{path.name} is no TOML: {error.message}") from error
    return _convert(table, kind, path.name)


def _convert(table: object, kind: type[T], name: str) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise DemoInputError(f"{name}: {error}") from error
