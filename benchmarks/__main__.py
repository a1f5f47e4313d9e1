"""The command line of the benchmarks: `python -m benchmarks --help`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from benchmarks.record.generate import default_cache, record_of
from benchmarks.record.plan import RecordPlan
from benchmarks.table import put_into, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.table import Table

STEPS: Final = ("primitives", "encryption", "verification", "registration", "admission", "tally", "sizes", "start")

cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=default_cache,
    metavar="DIR",
    help="Where records are kept once they are made; the user's cache folder by default.",
)


json_option = click.option(
    "--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the figures as JSON, too."
)
into_option = click.option(
    "--into",
    metavar="FILE#SECTION",
    help="Put the tables into a section of a document, such as docs/benchmarks.md#load.",
)


@click.group()
def main() -> None:
    """Measure secballot beside what this machine could do at best."""


@main.command()
@click.argument("ballots", type=int)
@click.option("--workers", type=int, help="Processes that make entries; as many as processors by default.")
@cache_option
def record(ballots: int, workers: int | None, cache: Path) -> None:
    """Make a record of so many BALLOTS, if the cache has none, and print where it is and its sitting_id."""
    made = record_of(RecordPlan(ballots), cache, workers=workers)
    click.echo(f"{made.folder} {made.anchor.hex()}")


@main.command()
@click.option("--ballots", type=int, multiple=True, default=(1_000, 10_000), show_default=True, help="Of each record.")
@click.option("--engine", type=click.Choice(["native", "libsodium"]), help="Another engine for the audits.")
@click.option("--against", type=click.Choice(["belenios"]), help="Compare the last record's audit with theirs, too.")
@click.option("--single", is_flag=True, help="Leave out the second audit of each record, with worker processes.")
@click.option("--theirs", type=int, default=200, show_default=True, help="Ballots of their election.")
@json_option
@into_option
@cache_option
def audit(
    *,
    ballots: tuple[int, ...],
    engine: str | None,
    against: str | None,
    theirs: int,
    single: bool,
    json_file: Path | None,
    into: str | None,
    cache: Path,
) -> None:
    """Measure the audit of whole records, each part beside its limit."""
    from benchmarks import auditing, belenios  # noqa: PLC0415  # each table loads what it needs

    tables = auditing.measure(list(ballots), cache, engine=engine, single=single)
    if against is not None:
        try:
            tables.append(belenios.measure(ballots[-1], cache, against=theirs))
        except belenios.MissingToolError as missing:
            raise click.ClickException(str(missing)) from missing
    _show(tables, json_file, into)


@main.command()
@click.argument("names", nargs=-1, type=click.Choice(STEPS))
@click.option("--quick", is_flag=True, help="Only see that everything runs: the figures mean nothing.")
@json_option
@into_option
@cache_option
def steps(names: tuple[str, ...], *, quick: bool, json_file: Path | None, into: str | None, cache: Path) -> None:
    """Measure single steps: all, or those that are named."""
    _show(_steps(names or STEPS, cache, quick=quick), json_file, into)


def _steps(names: Sequence[str], cache: Path, *, quick: bool) -> list[Table]:
    from benchmarks import arithmetic, clock, startup  # noqa: PLC0415  # each table loads what it needs
    from benchmarks import steps as own  # noqa: PLC0415  # as above

    clock.Haste.in_haste = quick
    number, batches = (8, (1, 8)) if quick else (1_000, own.BATCHES)
    made: dict[str, Callable[[], Table]] = {
        "primitives": arithmetic.primitives,
        "encryption": arithmetic.encryption,
        "verification": lambda: own.verification(cache, batches),
        "registration": own.registration,
        "admission": lambda: own.admission(cache, number),
        "tally": own.tally,
        "sizes": lambda: own.sizes(cache, number),
        "start": startup.startup,
    }
    return [made[name]() for name in names]


@main.command(name="load")
@click.option("--ballots", type=int, default=20_000, show_default=True, help="Posted as fast as they are taken.")
@click.option("--seconds", type=float, default=20.0, show_default=True, help="Of good and bad ones side by side.")
@json_option
@into_option
@cache_option
def under_load(ballots: int, seconds: float, json_file: Path | None, into: str | None, cache: Path) -> None:
    """Measure a board over HTTP: ballots admitted a second, and what a flood of bad submissions does."""
    from benchmarks.load import measure  # noqa: PLC0415  # as above

    _show([measure(cache, ballots=ballots, seconds=seconds)], json_file, into)


@main.command(name="all")
@json_option
@into_option
@cache_option
def everything(json_file: Path | None, into: str | None, cache: Path) -> None:
    """Measure the steps, two audits and a short load: some minutes."""
    from benchmarks import auditing, load  # noqa: PLC0415  # each table loads what it needs

    tables = _steps(STEPS, cache, quick=False)
    tables += auditing.measure([1_000, 10_000], cache)
    _show([*tables, load.measure(cache, ballots=5_000, seconds=5)], json_file, into)


def _show(tables: Sequence[Table], json_file: Path | None, into: str | None) -> None:
    for table in tables:
        click.echo(table.text())
    if json_file is not None:
        json_file.write_text(to_json(tables), encoding="utf-8")
    if into is not None:
        document, _, section = into.partition("#")
        put_into(Path(document), section, tables)


if __name__ == "__main__":
    main()
