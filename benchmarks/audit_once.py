"""One audit in a process of its own, whose memory is nobody else's.

python -m benchmarks.audit_once FOLDER SITTING
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import nullcontext

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
        "memory": 1_024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "parts": {line.part: line.seconds for line in report.timings},
        "seconds": time.perf_counter() - began,
        "verdict": report.verdict.value,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
