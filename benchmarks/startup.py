"""How long it takes until the program does anything."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.clock import Haste
from benchmarks.programs import as_installed
from benchmarks.table import Row, Table
from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.merkle import EMPTY_ROOT
from secballot.board.note import Ed25519Signer
from secballot.signing import SigningKey

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 7


def startup() -> Table:
    """Return the seconds from before the process was made to its end, the least of several."""
    program = str(Path(sys.executable).with_name("secballot"))
    with tempfile.TemporaryDirectory() as folder:
        key = SigningKey.generate()
        origin = f"board.example/{bytes(16).hex()}"
        note = sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), [Ed25519Signer(origin, key)])
        (Path(folder) / "checkpoint").write_bytes(note.encode())
        return Table(
            "Start",
            [
                Row("python -c pass", 1e3 * _least([sys.executable, "-c", "pass"]), "ms"),
                Row("secballot --help", 1e3 * _least([program, "--help"]), "ms"),
                Row("secballot audit, an empty board", 1e3 * _least([program, "audit", folder]), "ms"),
            ],
        )


def _least(command: Sequence[str]) -> float:
    found = []
    for _ in range(1 if Haste.in_haste else _ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=as_installed(), check=False)
        found.append(time.perf_counter() - began)
    return min(found)
