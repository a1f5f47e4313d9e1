"""One audit in a process of its own, whose memory is nobody else's.

python -m benchmarks.audit_once FOLDER SITTING
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from secballot.audit.verifier import audit
from secballot.group import engine_name
from secballot.roles.remote import open_source
from secballot.roles.workers import worker_processes


def main(folder: str, sitting: str, workers: str) -> None:
    """Audit with so many worker processes, 0 for none, and print what it found and cost."""
    began = time.perf_counter()
    with worker_processes(int(workers)) if int(workers) else nullcontext() as executor:
        report = audit(open_source(folder), anchor=bytes.fromhex(sitting), clock=time.perf_counter, executor=executor)
    found = {
        "engine": engine_name(),
        "memory": _peak_memory(),
        "parts": {line.part: line.seconds for line in report.timings},
        "seconds": time.perf_counter() - began,
        "verdict": report.verdict.value,
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _peak_memory() -> int:
    """Return the most bytes that this program has had.

    What Linux counts as a process's resources begins with those of whoever started it, so its status is asked instead.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return 1_024 * int(status.read_text(encoding="ascii").partition("VmHWM:")[2].split()[0])
    return 1_024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*sys.argv[1:])
