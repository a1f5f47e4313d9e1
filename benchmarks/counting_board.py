"""`secballot board serve` in this process, which counts how often a ballot's proofs are decoded.

    python -m benchmarks.counting_board FILE board serve …        the count goes to FILE when the board is stopped

Nothing of what is checked in a ballot's proofs can be checked without decoding them, so the count bounds the proof
arithmetic that anybody has caused.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from secballot.protocol import ballots
from secballot_cli.main import run

if TYPE_CHECKING:
    from secballot.group import Elements
    from secballot.records.ballot import BallotWithoutResponse


def count_into(path: Path, arguments: list[str]) -> int:
    """Run the command line with these arguments and return its exit code."""
    module, count = vars(ballots), 0
    decode = module["decode_elements"]

    def counting(ballot: BallotWithoutResponse) -> Elements:
        nonlocal count
        count += 1
        elements: Elements = decode(ballot)
        return elements

    module["decode_elements"] = counting
    try:
        return run(arguments)
    finally:
        path.write_text(str(count), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(count_into(Path(sys.argv[1]), sys.argv[2:]))
