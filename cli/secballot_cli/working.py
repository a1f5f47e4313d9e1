"""Who does the work of an audit: options for worker processes, threads, or a Dask cluster.

Source: SPEC.md#data-flow.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import click

from secballot.errors import StoreError
from secballot_cli.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from secballot.board.reader import LogSource

LARGE_RECORD: Final = 4_000
"""Entries from which on starting processes pays for itself, in seconds saved."""

_Command = TypeVar("_Command", bound="Callable[..., object]")


@dataclass(frozen=True, slots=True)
class Working:
    """What was asked for.

    Attributes:
        workers: worker processes; None to decide by the size of the record, 1 to do everything in this process.
        threads: worker threads; None for none.
        dask: address of a Dask scheduler; None for none.
    """

    workers: int | None
    threads: int | None
    dask: str | None


def working_options(command: _Command) -> _Command:
    """Add `--workers`, `--threads` and `--dask` to a command."""
    options = (
        click.option(
            "--workers",
            type=click.IntRange(1, 1_024),
            metavar="N",
            help="Verify in so many processes; for a large record as many as there are processors by default.",
        ),
        click.option(
            "--threads", type=click.IntRange(1, 1_024), metavar="N", help="Verify in so many threads instead."
        ),
        click.option(
            "--dask",
            metavar="ADDRESS",
            help="Verify on the Dask cluster with the scheduler at this address; it is trusted like this machine.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def asked(workers: int | None, threads: int | None, dask: str | None) -> Working:
    """Return what the options ask for.

    Raises:
        UsageError: more than one of them.
    """
    if sum(choice is not None for choice in (workers, threads, dask)) > 1:
        raise click.UsageError(_("--workers, --threads and --dask exclude each other"))
    return Working(workers, threads, dask)


@contextmanager
def at_work(working: Working, source: LogSource) -> Iterator[Executor | None]:
    """Give the executor for this source; None where this process does everything.

    Raises:
        TransportError: the Dask cluster cannot be used.
    """
    undecided = working == Working(workers=None, threads=None, dask=None)
    if working.workers == 1 or (undecided and _size(source) < LARGE_RECORD):
        yield None
        return
    # Only here: a small record is read without loading what starts processes.
    from secballot.roles import workers  # noqa: PLC0415

    if working.dask is not None:
        with workers.dask_workers(working.dask) as executor:
            yield executor
    elif working.threads is not None:
        with workers.worker_threads(working.threads) as executor:
            yield executor
    else:
        count = workers.processors() if working.workers is None else working.workers
        if count == 1:
            yield None
            return
        with workers.worker_processes(count) as executor:
            yield executor


def tell_stalled() -> None:
    """Say on standard error that nobody but this process works any more."""
    click.echo(
        _("The processes that verify give no results any more; this one goes on alone. The verdict is the same."),
        err=True,
    )


def _size(source: LogSource) -> int:
    try:
        return source.size()
    except StoreError:
        return 0  # the audit says what is wrong with it
