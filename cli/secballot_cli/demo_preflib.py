"""Real ballots to vote again: PrefLib categorical files of two categories, read strictly.

    # NUMBER ALTERNATIVES: 3
    # ALTERNATIVE NAME 1: Ada
    …
    13: 2,{1,3}            thirteen ballots approve of 2 and not of 1 and 3
    4: {},{1,2,3}          four approve of nobody

The first category is approval. Each alternative becomes an option of one contest, worth 0 or 1 in each ballot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.encoding import check_text, parse_decimal
from secballot.errors import EncodingError
from secballot.records.manifest import DelegateClass, Majority, Quorum, RuleSet
from secballot.records.opening import Contest, Option
from secballot.roles.rehearsal import Plan
from secballot_cli.demo_input import PlannedPoll, Scenario, Voter

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES: Final = 10_000_000
MAX_VOTERS: Final = 100_000
MAX_ALTERNATIVES: Final = 200

_FLOOR: Final = 10
_SECONDS_PER_BALLOT: Final = 60
_HEADER: Final = re.compile(r"# ([A-Z]+(?: [A-Z]+)*(?: [1-9][0-9]*)?):(?: (.*))?")
_ALTERNATIVE: Final = re.compile(r"ALTERNATIVE NAME ([1-9][0-9]*)")
_ROW: Final = re.compile(r"([0-9]+): (.+)")
_CATEGORY: Final = re.compile(r"\{([0-9]+(?:,[0-9]+)*)?\}|([0-9]+)")


class PrefLibError(EncodingError):
    """The file is no PrefLib categorical file of approval ballots; `offset` is the line, from 1."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """The ballots of one file.

    Attributes:
        title: of the file.
        names: of the alternatives, in order.
        rows: how many ballots approve of exactly which alternatives, numbered from 1.
    """

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[int, frozenset[int]], ...]

    @property
    def voters(self) -> int:
        """Number of ballots."""
        return sum(count for count, _ in self.rows)


def read_preflib(path: Path) -> Approvals:
    """Return the ballots of a file.

    Raises:
        PrefLibError: it cannot be read, or is not such a file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PrefLibError(f"{path.name} cannot be read") from error
    return parse_preflib(data)


def parse_preflib(data: bytes) -> Approvals:
    """Return the ballots that these bytes are.

    Raises:
        PrefLibError: any other bytes; `offset` is the line at fault where there is one.
    """
    if len(data) > MAX_FILE_BYTES:
        raise PrefLibError(f"more than {MAX_FILE_BYTES} bytes")
    try:
        lines = data.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise PrefLibError("no UTF-8 text") from error
    headers: dict[str, str] = {}
    rows: list[tuple[int, frozenset[int]]] = []
    names: tuple[str, ...] = ()
    for number, line in enumerate((line.removesuffix("\r") for line in lines), 1):
        try:
            if line.startswith("#"):
                _read_header(line, headers, late=bool(rows))
                continue
            if not rows:
                names = _names(headers)
            rows.append(_read_row(line, len(names), _number(headers, "NUMBER CATEGORIES", 2)))
        except EncodingError as error:
            raise PrefLibError(f"line {number}: {error.message}", offset=number) from error
    approvals = Approvals(headers.get("TITLE", ""), names, tuple(rows))
    _check_totals(approvals, headers)
    return approvals


def _read_header(line: str, headers: dict[str, str], *, late: bool) -> None:
    found = _HEADER.fullmatch(line)
    if found is None or late:
        raise PrefLibError("a header line is `# KEY: value`, and stands before the ballots")
    key, value = found[1], (found[2] or "").strip()
    if key in headers:
        raise PrefLibError(f"{key} is given twice")
    headers[key] = value


def _names(headers: dict[str, str]) -> tuple[str, ...]:
    """Return the alternatives' names once all headers are read."""
    if headers.get("DATA TYPE") != "cat":
        raise PrefLibError("the data type is not cat")
    alternatives = _number(headers, "NUMBER ALTERNATIVES", MAX_ALTERNATIVES)
    numbered = {int(found[1]): value for key, value in headers.items() if (found := _ALTERNATIVE.fullmatch(key))}
    if not alternatives or sorted(numbered) != list(range(1, alternatives + 1)):
        raise PrefLibError(f"there is not one name for each of the {alternatives} alternatives")
    names = tuple(numbered[number] for number in range(1, alternatives + 1))
    for name in names:
        check_text(name, max_bytes=300, field="ALTERNATIVE NAME")
    if "" in names or len(set(names)) != len(names):
        raise PrefLibError("two alternatives have one name, or one has none")
    return names


def _number(headers: dict[str, str], key: str, most: int) -> int:
    if key not in headers:
        raise PrefLibError(f"{key} is missing")
    try:
        return parse_decimal(headers[key].encode(), most)
    except EncodingError as error:
        raise PrefLibError(f"{key} is no number up to {most}") from error


def _read_row(line: str, alternatives: int, categories: int) -> tuple[int, frozenset[int]]:
    row = _ROW.fullmatch(line)
    if row is None:
        raise PrefLibError("a line of ballots is `count: category,category`")
    count = parse_decimal(row[1].encode(), MAX_VOTERS)
    found = list(_CATEGORY.finditer(row[2]))
    if not count or ",".join(category[0] for category in found) != row[2] or len(found) != categories:
        raise PrefLibError(f"not a positive count and {categories} categories, each a number or numbers in braces")
    members = [_members(category[1] or category[2] or "", alternatives) for category in found]
    everyone = [number for category in members for number in category]
    if len(set(everyone)) != len(everyone):
        raise PrefLibError("an alternative stands in a row twice")
    return count, frozenset(members[0])


def _members(text: str, alternatives: int) -> list[int]:
    numbers = [parse_decimal(item.encode(), alternatives) for item in text.split(",")] if text else []
    if 0 in numbers:
        raise PrefLibError("alternatives are numbered from 1")
    return numbers


def _check_totals(approvals: Approvals, headers: dict[str, str]) -> None:
    if not approvals.rows:
        raise PrefLibError("there are no ballots")
    stated = _number(headers, "NUMBER VOTERS", MAX_VOTERS), _number(headers, "NUMBER UNIQUE PREFERENCES", MAX_VOTERS)
    held = approvals.voters, len(approvals.rows)
    if stated != held:
        raise PrefLibError(f"{held[0]} ballots in {held[1]} rows, where the headers say {stated[0]} in {stated[1]}")
    if len({approved for _, approved in approvals.rows}) != len(approvals.rows):
        raise PrefLibError("two rows hold the same ballot")
    if approvals.voters < 2:  # noqa: PLR2004  # the privacy floor wants twice its least, which is one
        raise PrefLibError("one ballot alone cannot be voted in secret")


def approval_scenario(approvals: Approvals) -> Scenario:
    """Return a sitting in which one class of delegates votes these ballots in one poll of one contest."""
    voters, options = approvals.voters, len(approvals.names)
    rule = RuleSet(
        decision="elect",
        eligible=(1,),
        majority=Majority(base="cast", denominator=1, numerator=0, strict=True),
        minimum_duration=0,
        name="approval",
        quorum=Quorum(base="roll", denominator=1, measure="count", numerator=0),
        seats=1,
    )
    contest = Contest(
        documents=(),
        options=tuple(Option(label=name, maximum=1) for name in approvals.names),
        rules=rule.name,
        sum_maximum=options,
        sum_minimum=0,
        text="Any number of the alternatives; a blank ballot approves of none.",
        title="Approval ballots",
    )
    plan = Plan(
        title="Approval ballots from a PrefLib file",
        classes=(DelegateClass(name="voters", seats=voters, weight=1),),
        delegates=(voters,),
        rules=(rule,),
        minimum_ballots=min(_FLOOR, voters // 2),
    )
    ballots = [
        tuple(int(number in approved) for number in range(1, options + 1))
        for count, approved in approvals.rows
        for _ in range(count)
    ]
    poll = PlannedPoll(
        contests=(contest,),
        documents=(),
        seconds=3_600 + _SECONDS_PER_BALLOT * voters,
        voters=tuple(Voter(number, (values,)) for number, values in enumerate(ballots, 1)),
    )
    return Scenario(plan, "approval ballots", frozenset(), (poll,))
