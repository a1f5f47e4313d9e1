"""A program that dies at every boundary of durability, one after the other, and then goes on as if nothing had been.

    python boundaries.py BOARD_DATABASE WITNESS_DATABASE FOLDER STEP

A boundary lies before and behind every commit, every fsync and every replacement of a file. For each of them (every
STEP-th): a child works until it is there, and is killed; another goes on by the normal start path, to the end; and
everything that either has said must be true of what is stored. Children are forked, so that nothing is imported twice.

It prints how many boundaries there are, and at how many a child died; it fails with what was not true.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

import secballot.record.rules  # noqa: F401  # otherwise imported late, in every child
from secballot.audit.verifier import audit
from secballot.board.checkpoint import Checkpoint
from secballot.board.note import Note
from secballot.errors import StoreError
from secballot.records.promise import PROMISE, Promise
from secballot.roles.board import BoardOperator
from secballot.roles.witness import WitnessRole
from secballot.store.archive import write_archive
from secballot.store.board import BoardStore
from secballot.store.engine import open_engine
from secballot.store.journal import Journal
from secballot.store.source import open_source
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES: Final = ("w1.example", "w2.example")
BATCHES: Final = (founding(), [document(1)], [document(2), document(3)])
KEYS: Final = {"log_key": key("log"), "promise_key": key("promise")}


class Said(msgspec.Struct):
    """Something that left the process: a promise of an entry, or a head under signatures."""

    what: str
    data: bytes
    entry: bytes = b""


class Boundaries:
    """Counts the boundaries that are passed, and dies at one of them."""

    def __init__(self, fatal: int | None) -> None:
        """Die at this one, counted from 1; None for never."""
        self.passed = 0
        self._fatal = fatal
        DefaultDialect.do_commit = self._around(DefaultDialect.do_commit)  # type: ignore[method-assign]
        for name in ("fsync", "replace"):
            setattr(os, name, self._around(getattr(os, name)))

    def _around(self, action: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: object, **options: object) -> object:
            self._pass()
            result = action(*arguments, **options)
            self._pass()
            return result

        return acting

    def _pass(self) -> None:
        self.passed += 1
        if self.passed == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def work(databases: tuple[str, str], folder: Path, say: Callable[[Said], None]) -> None:
    """Do everything that a board and its witnesses do, from wherever an earlier process left it."""
    with ExitStack() as held:
        operator = _operator(databases[0])
        held.callback(operator.close)
        journal = held.enter_context(Journal.open(databases[1]))
        roles = [WitnessRole(name, key(name), ScopedJournal(journal, name)) for name in NAMES]  # type: ignore[arg-type]
        for number, batch in enumerate(BATCHES):
            for entry, answer in zip(batch, operator.submit(batch, now=NOW), strict=True):
                assert isinstance(answer, Promise), answer
                say(Said("promise", PROMISE.encode(answer), entry))
            say(Said("head", operator.sign_checkpoint()))
            cosigned = operator.collect(roles, now=NOW + number)
            assert not cosigned.failures, cosigned.failures
            say(Said("head", cosigned.note))
            operator.publish(folder / "public")
            write_archive(folder / "public", folder / "public.zip")


def _operator(database: str) -> BoardOperator:
    try:
        return BoardOperator.create(database, SMALL_MANIFEST, **KEYS)
    except StoreError:
        return BoardOperator.open(database, SITTING_ID, **KEYS)


class ScopedJournal:
    """Two witnesses in one journal, so that one database is enough for both."""

    def __init__(self, journal: Journal, name: str) -> None:
        """Keep this witness's notes under its name."""
        self._journal = journal
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """Return a method of the journal that is told the scope with the name in it."""
        return lambda scope, *rest: getattr(self._journal, method)(f"{self._name} {scope}", *rest)


def check(databases: tuple[str, str], folder: Path, said: list[Said]) -> None:
    """Check that all that was said is true of what is stored."""
    with BoardStore.open(databases[0], ORIGIN) as store:
        entries = list(store.entries(0, store.size()))
        assert sorted(entries) == sorted(entry for batch in BATCHES for entry in batch)
        for one in said:
            if one.what == "promise":
                promise = PROMISE.decode(one.data)
                assert entries[promise.index] == one.entry
                assert store.promise(promise.index) == one.data
            else:
                head = Checkpoint.decode(Note.decode(one.data).text)
                assert head.root == store.root(head.tree_size)
    for where in (databases[0], folder / "public", folder / "public.zip"):
        report = audit(open_source(where), anchor=SITTING_ID)
        assert str(report.verdict) == "stands", (where, report.verdict)
    unfinished = [path for path in (folder / "public").rglob("*") if path.name.startswith(".")]
    assert not unfinished, unfinished


@contextmanager
def listening_to(child: Callable[[Callable[[Said], None]], None]) -> Iterator[tuple[list[Said], int]]:
    """Run a function in a forked child, and yield what it said and how it ended."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        status = 1
        try:
            child(lambda said: _write(writing, said))
            status = 0
        finally:
            sys.stderr.flush()
            if status:
                sys.excepthook(*sys.exc_info())
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().splitlines(keepends=True)
    _, status = os.waitpid(process, 0)
    # A kill may tear the last line; what was not said whole was not said.
    yield [msgspec.json.decode(line, type=Said) for line in lines if line.endswith(b"\n")], status


def _write(pipe: int, said: Said) -> None:
    os.write(pipe, msgspec.json.encode(said) + b"\n")


def reset(databases: tuple[str, str], folder: Path) -> None:
    """Begin anew: an empty database, a witness that follows the log from nothing, an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for database in databases:
        if "://" not in database:
            for path in Path(database).parent.glob(f"{Path(database).name}*"):
                path.unlink()
            continue
        engine = open_engine(database, create=False)
        with engine.begin() as connection:
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
            connection.execute(sa.schema.DropSchema(schema, cascade=True))
            connection.execute(sa.schema.CreateSchema(schema))
        engine.dispose()
    with Journal.create(databases[1]) as journal:
        for name in NAMES:
            WitnessRole(name, key(name), ScopedJournal(journal, name)).follow(ORIGIN, public("log")[0])  # type: ignore[arg-type]


def run_child(databases: tuple[str, str], folder: Path, fatal: int | None) -> tuple[list[Said], int]:
    """Return what a child said that works until a boundary, or to the end and then says how many it has passed."""

    def child(say: Callable[[Said], None]) -> None:
        boundaries = Boundaries(fatal)
        work(databases, folder, say)
        say(Said("boundaries", b"%d" % boundaries.passed))

    with listening_to(child) as (said, status):
        return said, status


def in_child(action: Callable[[], None]) -> None:
    """Run something in a child, since no connection to a database survives a fork."""
    with listening_to(lambda _: action()) as (_, status):
        if status:
            sys.exit(f"failed, status {status}")


def main(board: str, witness: str, where: str, step: str) -> None:
    """Die at every boundary, and say at how many."""
    databases, folder = (board, witness), Path(where)
    in_child(lambda: reset(databases, folder))
    said, status = run_child(databases, folder, None)
    if status:
        sys.exit("the work itself fails")
    number = int(said.pop().data)
    in_child(lambda: check(databases, folder, said))
    died = 0
    for fatal in range(1, number + 1, int(step)):
        in_child(lambda: reset(databases, folder))
        before, status = run_child(databases, folder, fatal)
        died += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        after, status = run_child(databases, folder, None)
        if status:
            sys.exit(f"after boundary {fatal} the work cannot go on")
        everything = before + after[:-1]
        in_child(lambda: check(databases, folder, everything))  # noqa: B023  # called at once
    print(number, died)  # noqa: T201  # the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
