"""Load on a board: how many ballots a second it admits durably, and what a flood of bad submissions does to it.

The server is the real program in a process of its own, pinned to one core; the client has another one. Every ballot is
of another credential, the board judges and stores what arrives together as one batch, and nothing is answered before it
is synced to disk.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.bad_ballots import WAYS, bad_entries
from benchmarks.cores import available, pinned
from benchmarks.load_client import Client
from benchmarks.record.opened import opened_board
from benchmarks.record.plan import RecordPlan
from benchmarks.table import Row, Table, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.load_client import Outcome
    from benchmarks.record.opened import OpenedBoard

CONNECTIONS: Final = 200
UNLIMITED: Final = 1_000_000
"""Submissions a second that a board takes when it is asked for all it can do."""

VALID_A_SECOND: Final = 100
BAD_A_SECOND: Final = 1_000

_ACCEPTED: Final = 200
_PATIENCE: Final = 600.0
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass
class Server:
    """A running board.

    Attributes:
        port: where it listens.
        process: the program.
        counted: where it writes how many proofs it has decoded, when it is stopped.
    """

    port: int
    process: subprocess.Popen[str]
    counted: Path

    def stop(self) -> int:
        """Stop it, and return how many proofs it has decoded."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(_PATIENCE)
        return int(self.counted.read_text(encoding="ascii"))

    def forget_peak(self) -> None:
        """Begin anew to watch for the most memory, now that its start is over, where the system lets us (proc(5))."""
        with suppress(OSError):
            Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")

    def peak_memory(self) -> float:
        """Return the most memory that it has had since its start, or since `forget_peak`, in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1_000

    def seconds(self) -> float:
        """Return the processor time that it has taken so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def serving(opened: OpenedBoard, *options: str, counting: bool = False) -> Iterator[Server]:
    """Run a board on a copy of an opened one, on the first core that there is."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(opened.database, home / "board.db")
        opened.write_keys(home)
        program = [str(Path(sys.executable).with_name("secballot"))]
        if counting:
            program = [sys.executable, "-m", "benchmarks.counting_board", str(home / "counted")]
        named = ["--sitting", opened.anchor.hex(), "--port", "0", "--passphrase-file", str(home / "passphrase")]
        keys = ["--log-key", str(home / "log.key"), "--promise-key", str(home / "promise.key")]
        command = [*program, "board", "serve", str(home / "board.db"), *keys, *named, *options]
        with (home / "log").open("w", encoding="utf-8") as log, pinned(available()[0]):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        with process:
            try:
                found = _ADDRESS.search(process.stdout.readline() if process.stdout is not None else "")
                if found is None:
                    raise RuntimeError((home / "log").read_text(encoding="utf-8"))
                yield Server(int(found[1]), process, home / "counted")
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                    process.wait(_PATIENCE)


def measure(cache: Path, *, ballots: int, seconds: float) -> Table:
    """Return what a board takes.

    Args:
        cache: where open boards are kept.
        ballots: posted as fast as they are taken.
        seconds: how long good and bad submissions are sent side by side.
    """
    paced = int(VALID_A_SECOND * seconds)
    opened = opened_board(RecordPlan(ballots + paced), cache)
    waiting = opened.ballots()
    return Table(
        "Load: one server process on one core, the client on another",
        [*_fast(opened, waiting[:ballots]), *_flooded(opened, waiting[ballots:], int(BAD_A_SECOND * seconds))],
    )


def _fast(opened: OpenedBoard, ballots: list[bytes]) -> list[Row]:
    tell(f"posting {len(ballots)} ballots")
    with serving(opened, "--rate", str(UNLIMITED)) as server, pinned():
        server.forget_peak()
        before = server.seconds()
        outcome = Client("127.0.0.1", server.port).flood(ballots, CONNECTIONS)
        spent, memory = server.seconds() - before, server.peak_memory()
    _require(outcome, len(ballots))
    return [
        Row("ballots admitted durably", len(ballots) / outcome.elapsed, "/s", note=f"{CONNECTIONS} connections"),
        Row("server's processor time", 1e6 * spent / len(ballots), "µs/ballot"),
        Row("answered within, half of them", 1e3 * outcome.slowest(0.5), "ms"),
        Row("answered within, 99 %", 1e3 * outcome.slowest(0.99), "ms"),
        Row("server's memory at most", memory, "MB", note=f"{opened.plan.credentials} credentials on the log"),
    ]


def _flooded(opened: OpenedBoard, ballots: list[bytes], bad: int) -> list[Row]:
    tell(f"posting {len(ballots)} ballots beside {bad} bad submissions")
    flood = bad_entries(opened.ballots()[: len(ballots)], bad)
    with serving(opened, counting=True) as server:
        with pinned():
            server.forget_peak()
            before = server.peak_memory()
            client = Client("127.0.0.1", server.port)
            good, refused = client.pace([(ballots, VALID_A_SECOND), (flood, BAD_A_SECOND)], CONNECTIONS)
            memory = server.peak_memory()
        counted = server.stop()
    _require(good, len(ballots))
    return [
        Row(f"of {VALID_A_SECOND} good ones/s beside {BAD_A_SECOND} bad ones/s, admitted", 100.0, "%"),
        Row("these answered within, 99 %", 1e3 * good.slowest(0.99), "ms"),
        Row("bad ones admitted", refused.statuses[_ACCEPTED], "", note=f"of {bad}, by {len(WAYS)} ways to be bad"),
        Row("proofs decoded for bad ones", counted - len(ballots), "", note=f"{counted} decoded in all"),
        Row("server's memory before", before, "MB"),
        Row("server's memory at most", memory, "MB"),
    ]


def _require(outcome: Outcome, admitted: int) -> None:
    """Check that every good ballot was admitted: a figure that leaves some out is none.

    Raises:
        RuntimeError: some were not.
    """
    if outcome.statuses != {_ACCEPTED: admitted}:
        raise RuntimeError(f"of {admitted} good ballots, by HTTP status: {dict(outcome.statuses)}")
