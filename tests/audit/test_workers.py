"""Whoever does the work, and whatever becomes of it on the way: one report."""

from __future__ import annotations

import importlib
import json
import os
import signal
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from secballot.audit import replay
from secballot.audit.verifier import audit
from secballot.errors import SecballotError, TransportError
from secballot.record.work import BallotJob, BallotsFound, Confirmed, StatementJob, run_job
from secballot.roles import workers
from secballot.roles.workers import dask_workers, processors, worker_processes, worker_threads
from tests.audit.sources import ListSource, golden_source, recosigned
from tests.audit.test_replay import FIELDS, altered, kinds
from tests.needs import missing
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.audit.report import Report


def spoilt() -> ListSource:
    """Return the golden log with a spoilt copy of the first ballot for each of its fields, in front of it."""
    entries = list(golden().entries)
    first = kinds().index("ballot")
    entries[first:first] = [altered(entries[first], field, 5) for field in FIELDS]
    return ListSource(entries, [recosigned(entries)])


def report_on(source: ListSource, executor: Executor | None = None) -> Report:
    """Return the report of an audit with the golden anchor."""
    return audit(source, anchor=golden().anchor, executor=executor)


class Doing(Executor):
    """Does every job at once, in this process, and counts them by kind; what it answers can be replaced."""

    def __init__(self, answer: Callable[[Any], object] = run_job) -> None:
        """Answer jobs with this."""
        self.done: list[str] = []
        self._answer = answer

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Do it."""
        assert (function, kwargs) == (run_job, {})
        (job,) = args
        self.done.append(type(job).__name__)
        future: Future[Any] = Future()
        try:
            future.set_result(self._answer(job))
        except OSError as error:
            future.set_exception(error)
        return future


def lost(_: object) -> object:
    """Fail like a machine that is gone."""
    raise ConnectionResetError


def short(job: object) -> object:
    """Answer for fewer statements than were asked, and with garbage for ballots."""
    return Confirmed(0, frozenset()) if isinstance(job, StatementJob) else ["BallotsFound"]


def swapped(job: object) -> object:
    """Answer each kind of job with the other's result."""
    return BallotsFound({}, {}) if isinstance(job, StatementJob) else Confirmed(9, frozenset())


class Refusing(Executor):
    """Takes no work."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Refuse."""
        raise RuntimeError("cannot schedule new futures after shutdown")


@pytest.mark.parametrize("answer", [run_job, lost, short, swapped], ids=lambda answer: answer.__name__)
def test_results_that_are_lost_or_garbled_change_nothing(answer: Callable[[Any], object]) -> None:
    """What nobody did is done here: same verdict, same outcomes, same reasons."""
    executor = Doing(answer)

    assert report_on(spoilt(), executor) == report_on(spoilt())
    assert {"BallotJob", "StatementJob"} == set(executor.done)


def test_an_executor_that_takes_no_work_changes_nothing() -> None:
    """As one does whose processes have died."""
    assert report_on(spoilt(), Refusing()) == report_on(spoilt())


def test_results_do_the_work() -> None:
    """A verdict on a ballot is taken from a result: were all of them refused, none would be counted."""

    def refusing_all(job: object) -> object:
        found = run_job(job)  # type: ignore[arg-type]  # jobs are all it gets
        if not isinstance(job, BallotJob):
            return found
        (error, *_) = report_errors
        return BallotsFound(dict.fromkeys(range(len(job.ballots)), error), {})

    source = spoilt()
    report_errors: Sequence[SecballotError] = []

    def learn(job: object) -> object:
        found = run_job(job)  # type: ignore[arg-type]
        nonlocal report_errors
        if isinstance(found, BallotsFound) and found.errors:
            report_errors = list(found.errors.values())
        return found

    report_on(source, Doing(learn))
    assert report_errors
    (line,) = report_on(golden_source(), Doing(refusing_all)).polls
    assert line.accepted == 0


@pytest.mark.parametrize("run", [worker_processes, worker_threads])
def test_processes_and_threads_say_the_same(run: Any) -> None:  # noqa: ANN401
    """Errors come back from another process as they were raised there."""
    with run(2) as executor:
        assert report_on(spoilt(), executor) == report_on(spoilt())


def test_killed_processes_change_nothing() -> None:
    """The pool is broken before the audit begins, and everything is done here."""
    with worker_processes(1) as executor:
        with pytest.raises(Exception, match="terminated abruptly"):
            executor.submit(os._exit, 1).result()
        assert report_on(spoilt(), executor) == report_on(spoilt())


def test_a_process_killed_in_the_middle_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stretch is one entry long; the worker dies after some of them."""
    monkeypatch.setattr(replay, "SHARED_ENTRIES", 1)
    expected = report_on(spoilt())
    with worker_processes(1) as executor:
        told = 0

        def kill_then(done: int, total: int) -> None:
            nonlocal told
            told += 1
            if told == total // 2:
                executor.submit(os._exit, 1)

        assert audit(spoilt(), anchor=golden().anchor, executor=executor, progress=kill_then) == expected
    assert told > 10


def test_work_is_taken_while_processes_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for them; what is called off meanwhile is not done, and errors come back."""
    begin = threading.Event()
    start = workers._Starting.start

    def started(executor: Any, count: int) -> None:  # noqa: ANN401
        begin.wait(60)
        start(executor, count)

    monkeypatch.setattr(workers._Starting, "start", started)
    with worker_processes(1) as executor:
        early, failing, called_off = (executor.submit(*work) for work in ((pow, 2, 5), (pow, 0, -1), (os._exit, 1)))
        assert not early.done()
        assert called_off.cancel()
        begin.set()
        assert early.result(60) == 32
        with pytest.raises(ZeroDivisionError):
            failing.result(60)
        assert executor.submit(pow, 3, 2).result(60) == 9


def test_processes_that_cannot_start_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is done here."""

    def none(*_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(ProcessPoolExecutor, "_start_executor_manager_thread", none)
    monkeypatch.setattr(ProcessPoolExecutor, "_adjust_process_count", none)
    with worker_processes(2) as executor:
        assert report_on(spoilt(), executor) == report_on(spoilt())


def stop(executor: Executor) -> int:
    """Stop a worker process, as Ctrl-Z or a debugger does, and return its number."""
    number = executor.submit(os.getpid).result()
    os.kill(number, signal.SIGSTOP)
    return number


@pytest.mark.parametrize("count", [1, 2])
def test_a_process_that_is_stopped_changes_nothing(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """It is waited for, said to be stalled once, and ended by force; what it owes is done here."""
    monkeypatch.setattr(replay, "HEAD_START", 0)
    monkeypatch.setattr(replay, "PATIENCE", 1.0)
    monkeypatch.setattr(replay, "SHARED_ENTRIES", 8)
    monkeypatch.setattr(workers, "_ENDING_SECONDS", 0.2)
    told: list[str] = []
    source, expected = spoilt(), report_on(spoilt())
    with worker_processes(count) as executor:
        number = stop(executor)
        report = audit(source, anchor=golden().anchor, executor=executor, stalled=lambda: told.append("stalled"))
    assert report == expected
    # A second process does all the work if the first one is stopped while it holds nothing of it.
    assert told == ["stalled"] or (count > 1 and not told)
    with pytest.raises(ProcessLookupError):
        gone(number)


def gone(number: int) -> None:
    """Wait until there is no such process.

    Raises:
        ProcessLookupError: there is none.
    """
    for _ in range(100):
        os.kill(number, 0)
        time.sleep(0.1)


def test_nobody_is_said_to_be_stalled_who_works() -> None:
    """Nor is anything said where workers fail, which shows at once."""
    told: list[str] = []
    for answer in (run_job, lost):
        audit(golden_source(), anchor=golden().anchor, executor=Doing(answer), stalled=lambda: told.append("stalled"))
    assert told == []


class Silent(Executor):
    """Takes every job and never answers, but for those that it is told to."""

    def __init__(self, answers: Callable[[int], bool]) -> None:
        """Answer the jobs whose numbers are chosen, from 1."""
        self.taken: list[Future[Any]] = []
        self._answers = answers

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Take it."""
        future: Future[Any] = Future()
        self.taken.append(future)
        if self._answers(len(self.taken)):
            future.set_result(function(*args, **kwargs))
        return future


@pytest.mark.parametrize("answers", [lambda _: False, lambda number: number % 3 > 0, lambda number: number > 4])
def test_an_executor_that_is_silent_is_waited_for_once_until_it_speaks(
    monkeypatch: pytest.MonkeyPatch, answers: Callable[[int], bool]
) -> None:
    """After that it takes no time: what it owes is called off and done here."""
    monkeypatch.setattr(replay, "HEAD_START", 3)
    monkeypatch.setattr(replay, "PATIENCE", 0.1)
    monkeypatch.setattr(replay, "SHARED_ENTRIES", 4)
    waited: list[float | None] = []
    plain = Future.result

    def noted(future: Future[Any], timeout: float | None = None) -> object:
        if not future.done():
            waited.append(timeout)
        return plain(future, timeout)

    monkeypatch.setattr(Future, "result", noted)
    told: list[str] = []
    executor = Silent(answers)
    report = audit(spoilt(), anchor=golden().anchor, executor=executor, stalled=lambda: told.append("stalled"))

    assert report == report_on(spoilt())
    assert told == ["stalled"]
    assert waited.count(replay.PATIENCE) >= 1
    assert set(waited) <= {0, replay.PATIENCE}
    if not answers(2):
        first = waited.index(replay.PATIENCE)
        assert waited[:first] == [0] * 3
        assert waited[first + 1 :] == [0] * (len(waited) - first - 1)
    assert all(future.done() for future in executor.taken)


def test_progress_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretch by stretch, up to the end, wherever the work is done."""
    monkeypatch.setattr(replay, "SHARED_ENTRIES", 8)
    told: list[tuple[int, int]] = []
    audit(
        golden_source(),
        anchor=golden().anchor,
        executor=Doing(),
        progress=lambda done, total: told.append((done, total)),
    )
    total = len(golden().entries)
    assert told == sorted(told)
    assert told[-1] == (total, total)
    assert len(told) > total // 8


def test_dask_says_when_it_is_not_there() -> None:
    """Neither a missing extra nor an unreachable scheduler is a traceback."""
    with pytest.raises(TransportError), dask_workers("tcp://127.0.0.1:1"):
        raise AssertionError("there is no such scheduler")


def test_a_dask_cluster_says_the_same() -> None:
    """On a cluster of this machine."""
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        missing("dask", "the extra `dask` is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
        ) as cluster,
        dask_workers(cluster.scheduler_address) as executor,
    ):
        assert report_on(spoilt(), executor) == report_on(spoilt())


def test_there_is_a_processor() -> None:
    """This process runs on one."""
    assert processors() >= 1


def test_the_report_is_json_whoever_worked() -> None:
    """Byte for byte, but for the time it took."""
    alone, together = report_on(golden_source()), report_on(golden_source(), Doing())
    assert replace(alone, timings=()).to_json() == replace(together, timings=()).to_json()
    assert json.loads(alone.to_json())["verdict"] == "stands"
