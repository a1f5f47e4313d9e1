"""What a measurement gives: rows of numbers, for people and for programs."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import secballot
from benchmarks.cores import available
from secballot.group import engine_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: was measured.
        value: how much of the unit.
        unit: such as `µs`.
        limit: what the same would cost at best, measured in the same run; None where nothing stands beside it.
        note: what the limit is, or else should be known.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return the value as a multiple of the limit."""
        return self.value / self.limit if self.limit else None


@dataclass(frozen=True)
class Table:
    """The figures of one subject."""

    title: str
    rows: Sequence[Row]

    def text(self) -> str:
        """Return the table for people."""
        cells = [("", "", "limit", "ratio", "")]
        for row in self.rows:
            limit = "" if row.limit is None else _number(row.limit)
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            cells.append((row.what, f"{_number(row.value)} {row.unit}", limit, ratio, row.note))
        widths = [max(len(line[column]) for line in cells) for column in range(4)]
        lines = []
        for what, *figures, note in cells:
            aligned = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
            lines.append("  ".join(["", what.ljust(widths[0]), *aligned, note]))
        return "\n".join([self.title, *(line.rstrip() for line in lines), ""])

    def markdown(self) -> str:
        """Return the table for a document."""
        lines = [f"**{self.title}**", "", "| | | limit | ratio | |", "|---|---:|---:|---:|---|"]
        for row in self.rows:
            limit = "" if row.limit is None else _number(row.limit)
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            lines.append(f"| {row.what.strip()} | {_number(row.value)} {row.unit} | {limit} | {ratio} | {row.note} |")
        return "\n".join([*lines, ""])


def put_into(document: Path, section: str, tables: Iterable[Table]) -> None:
    """Replace what stands between two comments of a document by these tables.

    Args:
        document: a Markdown file.
        section: the comments are `<!-- begin SECTION -->` and `<!-- end SECTION -->`.
        tables: to stand there.

    Raises:
        ValueError: the document has no such comments.
    """
    text = document.read_text(encoding="utf-8")
    head, begin, rest = text.partition(f"<!-- begin {section} -->\n")
    _, end, tail = rest.partition(f"<!-- end {section} -->\n")
    if not begin or not end:
        raise ValueError(f"{document} has no section {section}")
    made = "\n".join(table.markdown() for table in tables)
    document.write_text(f"{head}{begin}{_machine_line()}\n\n{made}{end}{tail}", encoding="utf-8")


def _machine_line() -> str:
    facts = machine()
    return f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}."


def to_json(tables: Iterable[Table]) -> str:
    """Return tables and machine for programs."""
    found = [
        {"title": table.title, "rows": [{**asdict(row), "ratio": row.ratio} for row in table.rows]} for table in tables
    ]
    return json.dumps({"machine": machine(), "tables": found}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def machine() -> dict[str, str | int]:
    """Return where and with what was measured."""
    return {
        "cores": len(available()),
        "engine": engine_name(),
        "processor": _processor(),
        "python": platform.python_version(),
        "secballot": secballot.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }


def tell(what: str) -> None:
    """Say on standard error what is being done."""
    sys.stderr.write(f"{what}\n")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004  # three digits are enough
