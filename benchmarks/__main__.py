"""The command line of the benchmarks: `python -m benchmarks --help`."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.record.generate import default_cache, record_of
from benchmarks.record.plan import RecordPlan

cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=default_cache,
    metavar="DIR",
    help="Where records are kept once they are made; the user's cache folder by default.",
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


if __name__ == "__main__":
    main()
