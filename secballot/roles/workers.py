"""Other processes, threads and machines that verify: executors for `audit` and `replay`.

They are given values and return verdicts, so they are trusted like this very process. Losing one costs time only.

Source: SPEC.md#data-flow.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import copy
from functools import partial
from multiprocessing.process import BaseProcess
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from secballot.errors import TransportError
from secballot.record.work import keep_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PRELOADED: Final = ("secballot.record.work",)
_ENDING_SECONDS: Final = 5.0
"""How long processes may take to end; one that is stopped takes for ever."""


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1


@contextmanager
def worker_processes(count: int) -> Iterator[Executor]:
    """Run so many worker processes, and end them when the block is left, by force if they do not end by themselves.

    Each starts from a fresh interpreter, never as a copy of this process with its secrets and locks. They start while
    this process goes on; what they are given meanwhile waits for them.
    """
    methods = multiprocessing.get_all_start_methods()
    context: Any = copy(multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn"))
    context.set_forkserver_preload(list(_PRELOADED))
    make, processes = context.Process, list[BaseProcess]()

    def noted(*args: Any, **kwargs: Any) -> BaseProcess:  # noqa: ANN401  # whatever a process is made of
        processes.append(make(*args, **kwargs))
        return processes[-1]

    context.Process = noted  # of this copy of the context alone
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin)
    executor = _Starting(pool)
    starting = Thread(target=executor.start, args=(count,), name="starting workers")
    starting.start()
    try:
        yield executor
    finally:
        starting.join()
        ending = Thread(target=partial(pool.shutdown, cancel_futures=True), name="ending workers")
        ending.start()
        ending.join(_ENDING_SECONDS)
        for process in processes if ending.is_alive() else ():
            if process.is_alive():
                process.kill()
        ending.join()


class _Starting(Executor):
    """Takes work while a pool still starts its processes, where the pool itself would keep everybody waiting.

    Its futures are its own: those of a pool must not be called off, since a pool that breaks stumbles over them.
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._lock = Lock()
        self._early: list[tuple[Future[Any], Callable[[], Any]]] | None = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Hand out work, or keep it until somebody is there; until then it can be called off."""
        future, work = Future[Any](), partial(function, *args, **kwargs)
        with self._lock:
            if self._early is not None:
                self._early.append((future, work))
                return future
        self._hand_out(future, work)
        return future

    def start(self, count: int) -> None:
        """Have all processes started, and hand out what came meanwhile."""
        with suppress(RuntimeError, OSError):  # if none can be started, nobody takes work, and it is done elsewhere
            for _ in range(count):
                # The pool starts another one for each job that finds none idle.
                self._pool.submit(_nothing)
        with self._lock:
            early, self._early = self._early or [], None
        for future, work in early:
            self._hand_out(future, work)

    def _hand_out(self, future: Future[Any], work: Callable[[], Any]) -> None:
        if future.set_running_or_notify_cancel():
            try:
                self._pool.submit(work).add_done_callback(partial(_pass_on, future))
            except (RuntimeError, OSError) as error:
                future.set_exception(error)


def _pass_on(future: Future[Any], done: Future[Any]) -> None:
    """Give one future what another has come to."""
    try:
        future.set_result(done.result())
    except Exception as error:  # noqa: BLE001  # whatever it was, it is for whoever asks for the result
        future.set_exception(error)


def _nothing() -> None:
    """Do nothing: the job of a process that has just begun."""


@contextmanager
def worker_threads(count: int) -> Iterator[Executor]:
    """Run so many worker threads, and end them when the block is left."""
    executor = ThreadPoolExecutor(count, thread_name_prefix="verifying")
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def dask_workers(address: str) -> Iterator[Executor]:
    """Use the workers of a Dask cluster, and let go of it when the block is left.

    Args:
        address: of its scheduler, such as `tcp://127.0.0.1:8786`. Whoever controls it can falsify the verdict.

    Raises:
        TransportError: the extra `dask` is not installed, or the scheduler cannot be reached.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise TransportError("Dask is not installed: install secballot[dask]") from error
    try:
        client = distributed.Client(address, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise TransportError(f"the Dask scheduler at {address} cannot be reached") from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close()


def _begin() -> None:
    """Leave an interrupt of the keyboard to the process that hands out the work, and get ready for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_memory()
