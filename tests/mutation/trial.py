"""What `run.py` starts inside of a prepared copy of the tree: mutate it, and try every mutant that was not tried yet.

The tests are collected once. Each mutant gets a process forked from there, which runs the tests that reach the mutant
until one fails: first those that killed another mutant of the same function, then those of the file named like its
module, then the others, each time the quick ones first. What is limited is its processor time, so that a busy machine
kills no mutant. What became of it stands in mutmut's own `.meta` files as soon as it is known: a run that is stopped
loses nothing.

With a budget the tests are run once before, so that every process has what they share (whole sittings), and a mutant
meets only as many of them as fit in the budget. What none of these notices is not noticed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import time
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from _pytest.runner import runtestprotocol
from mutmut.__main__ import create_mutants
from mutmut.configuration import config
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths, walk_mutatable_files
from mutmut.utils.format_utils import mangled_name_from_mutant_name

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSED, FAILED, BROKEN, INTERNAL, UNREACHED, TEXT, STUCK = 0, 1, 2, 3, 33, 34, 36
"""Exit codes, as mutmut gives them."""

SLOWER: Final = 10
"""How many times the processor time that a test takes for the unchanged code a mutant may use, half a second beside."""

STUCK_AFTER: Final = 600.0
"""Seconds after which a process that waits for something is ended."""

_SILENT: Final = (
    "--tb=native",
    "--capture=no",
    "--assert=plain",
    *(f"-pno:{name}" for name in ("cacheprovider", "cov", "xdist")),
)


class Trials:
    """A plugin of pytest that runs the collected tests many times, once for each mutant.

    Attributes:
        fault: why nothing could be tried, empty if something could.
    """

    def __init__(self, metas: Sequence[Path], *, only: Sequence[str], again: bool, budget: float) -> None:
        """Try the mutants of these files whose names are like one of `only`.

        Args:
            metas: mutmut's lists of mutants.
            only: patterns.
            again: try those once more that were tried and not killed.
            budget: seconds of processor time that the tests of one mutant may take together, for the unchanged code.
        """
        self.metas = metas
        self.only = only
        self.again = again
        self.budget = budget
        self.fault = ""
        self._place = Path("trials").resolve()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests for nothing but what they reach, then for every mutant."""
        items = session.items
        if self.budget < float("inf"):
            for item, following in zip(items, [*items[1:], None], strict=True):
                run([item], before=following)
        reached, seconds = self._reach(items)
        if not reached:
            self.fault = self.fault or "no test reaches what is changed"
            return True
        gc.freeze()
        for meta in self.metas:
            found = json.loads(meta.read_text("utf-8"))
            codes = found["exit_code_by_key"]
            for name in [name for name, code in codes.items() if self._is_due(name, code)]:
                running = name.replace("__init__.", "")
                tests = reached.get(mangled_name_from_mutant_name(running), [])
                spent = accumulate(seconds[number] for number in tests)
                tried = [number for number, used in zip(tests, spent, strict=True) if used <= self.budget] or tests[:1]
                limits = [0.5 + SLOWER * seconds[number] for number in tried]
                codes[name], failed = self._try(running, [items[number] for number in tried], limits)
                tests[: failed + 1] = [*tests[failed : failed + 1], *tests[:failed]]
                write_meta(meta, found)
        return True

    def _is_due(self, name: str, code: int | None) -> bool:
        due = code is None or (self.again and code not in {FAILED, INTERNAL, TEXT})
        return due and any(fnmatch(name, pattern) for pattern in self.only)

    def _reach(self, items: Sequence[pytest.Item]) -> tuple[dict[str, list[int]], list[float]]:
        """Return which tests reach each function, by their numbers, and how much processor time each takes."""
        told, tell = os.pipe()
        pid = os.fork()
        if not pid:
            self._begin(items[0].config, "stats")
            with os.fdopen(tell, "w") as stream:
                for number, item in enumerate(items):
                    state()._stats.clear()
                    begun = time.process_time()
                    code = run([item], before=items[number + 1] if number + 1 < len(items) else None)
                    line = (item.nodeid, code, sorted(state()._stats), time.process_time() - begun)
                    stream.write(json.dumps(line) + "\n")
            os._exit(0)
        os.close(tell)
        with os.fdopen(told) as stream:
            lines = [json.loads(line) for line in stream]
        os.waitpid(pid, 0)
        failed = [name for name, code, _, _ in lines if code]
        if failed or len(lines) != len(items):
            self.fault = f"without any change {failed or 'the tests'} failed"
            return {}, []
        reached: dict[str, list[int]] = {}
        for number, (_, _, functions, _) in enumerate(lines):
            for function in functions:
                reached.setdefault(function, []).append(number)
        seconds = [used for *_, used in lines]
        for function, tests in reached.items():
            own = f"test_{function.split('.')[-2]}.py"
            order = {number: (items[number].path.name != own, seconds[number]) for number in tests}
            tests.sort(key=order.__getitem__)
        return reached, seconds

    def _try(self, name: str, items: Sequence[pytest.Item], limits: Sequence[float]) -> tuple[int, int]:
        """Return the exit code of the process that runs the tests on a mutant, and which of them failed."""
        if not items:
            return UNREACHED, 0
        pid = os.fork()
        if not pid:
            self._begin(items[0].config, name)
            os._exit(run(items, limits, told=self._place / str(os.getpid()) / "failed"))
        until = time.monotonic() + STUCK_AFTER
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended or time.monotonic() > until:
                break
            time.sleep(0.005)
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        told = self._place / str(pid) / "failed"
        failed = int(told.read_text("ascii")) if told.exists() else 0
        shutil.rmtree(told.parent, ignore_errors=True)
        code = os.waitstatus_to_exitcode(status) if ended else STUCK
        return STUCK if code == -signal.SIGPROF else code, failed

    def _begin(self, settings: pytest.Config, mutant: str) -> None:
        """Be the process for one mutant: silent, and with a folder of its own."""
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        set_mutant_under_test(mutant)
        place = self._place / str(os.getpid())
        place.mkdir(parents=True)
        settings._tmp_path_factory._basetemp = place  # type: ignore[attr-defined]  # pytest's own is shared, and kept


def run(
    items: Sequence[pytest.Item],
    limits: Sequence[float] = (),
    *,
    told: Path | None = None,
    before: pytest.Item | None = None,
) -> int:
    """Run tests until one fails, and return what an exit code says.

    Args:
        items: the tests.
        limits: seconds of processor time that each may take, if that is limited: the process ends by it.
        told: where the number of the test that failed is written.
        before: what will be run behind them, so that its fixtures stay.
    """
    following = [*items[1:], before]
    try:
        for number, item in enumerate(items):
            if limits:
                signal.setitimer(signal.ITIMER_PROF, limits[number])
            if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following[number])):
                if told is not None:
                    told.write_text(str(number), "ascii")
                item.session._setupstate.teardown_exact(None)
                return FAILED
    except BaseException:  # noqa: BLE001  # whatever a mutant raises, it ends here
        return BROKEN
    return PASSED


def write_meta(meta: Path, found: object) -> None:
    """Write one of mutmut's lists, whole or not at all."""
    written = meta.with_suffix(".new")
    written.write_text(json.dumps(found), "utf-8")
    written.replace(meta)


def mark_texts(meta: Path, source: Path) -> None:
    """Note which mutants change nothing but texts, so that they are not tried."""
    from tests.mutation.run import is_text_only  # noqa: PLC0415  # from the copy, which is found only now

    found = json.loads(meta.read_text("utf-8"))
    codes = found["exit_code_by_key"]
    for name, code in codes.items():
        if code not in {FAILED, INTERNAL, TEXT} and is_text_only(get_diff_for_mutant(name, path=source)):
            codes[name] = TEXT
    write_meta(meta, found)


def main() -> int:
    """Mutate the copy in the working directory, and try what was not tried yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--budget", type=float, default=float("inf"))
    given = parser.parse_args()
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(1)
    metas = {Path(f"mutants/{path}.meta").resolve(): path for path in walk_mutatable_files()}
    metas = {meta: path for meta, path in metas.items() if meta.exists()}
    for meta, path in metas.items():
        mark_texts(meta, path)
    selection = config().pytest_add_cli_args_test_selection
    trials = Trials([*metas], only=given.only or ["*"], again=given.again, budget=given.budget)
    set_mutant_under_test("")
    os.chdir("mutants")
    code = pytest.main(["--rootdir=.", "-q", *_SILENT, *selection], plugins=[trials])
    if trials.fault:
        sys.stderr.write(f"{trials.fault}\n")
    return int(bool(trials.fault) or code != pytest.ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
