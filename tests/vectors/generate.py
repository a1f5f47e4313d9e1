"""Make the vectors: `python generate.py [FOLDER]` writes `sitting.json` and `primitives.json`, byte for byte the same.

Everything follows from a public seed and the published RSA keys of `test_registrar_keys.json`. All secrets in the files
are therefore public, and good for nothing but tests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from secballot.records.entry import decode_entry
from secballot.records.manifest import DelegateClass
from secballot.roles.rehearsal import Plan
from tests.simulator import TAGS, Simulator, adopt_rule, elect_rule, election, resolution
from tests.vectors.generate_primitives import primitives
from tests.vectors.generate_values import ballot_values, ceremony_values, poll_values, registration_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.record import Judgement

SEED = b"secballot/v1 public test vectors, 1"
FOLDER = Path(__file__).resolve().parent

PLAN = Plan(
    title="An example sitting",
    classes=(DelegateClass("Deputies", 3, 2), DelegateClass("Representatives", 3, 1)),
    delegates=(3, 3),
    rules=(adopt_rule(), elect_rule()),
    polls=1,
    presidium=(3, 2),
    commission=2,
    registrars=2,
    trustees=(3, 2, 2),
    witnesses=(4, 3, 1),
    minimum_ballots=1,
    ballots_per_credential=3,
    successors=1,
)

VOTES = (
    ((1, 0, 0), (1, 1, 0)),
    ((1, 0, 0), (1, 1, 0)),
    ((0, 1, 0), (0, 0, 0)),
    ((0, 1, 0),),
    ((0, 0, 1),),
    ((1, 0, 0),),
)
"""What each delegate chooses: class 1 in both contests, class 2 in the first."""

REVOTE = ((0, 1, 0), (0, 1, 1))
"""What the first delegate chooses afterwards."""


class Drbg:
    """Stands in for the system's randomness: block n is SHAKE-256 of the seed and n, and every block is remembered."""

    def __init__(self, seed: bytes) -> None:
        """Begin with block 0."""
        self._seed = seed
        self.drawn: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        """Return the next block, of this size."""
        name = self._seed + len(self.drawn).to_bytes(8, "big")
        self.drawn.append(hashlib.shake_256(name).digest(size))
        return self.drawn[-1]


def run_sitting(drbg: Drbg) -> tuple[Simulator, list[dict[str, Any]], dict[str, Any]]:
    """Return the finished sitting of SPEC.md#an-example-sitting, what its ballots were made from, and its ceremony."""
    simulator = Simulator(PLAN, SEED + b", identity keys")
    rehearsal = simulator.rehearsal
    ballots: list[dict[str, Any]] = []

    def vote(number: int, choices: tuple[tuple[int, ...], ...], tag: str) -> None:
        delegate = rehearsal.delegates[number]
        sealed = delegate.seal(1, choices, tag)
        seed, fresh = drbg.drawn[-2:]
        made = {"choices": choices, "delegate": number + 1, "fresh": fresh, "seed": seed}
        ballots.append({**made, "index": delegate.cast(sealed).index})

    simulator.until_polls()
    rehearsal.open_poll(1, [resolution(), election()])
    for number, choices in enumerate(VOTES):
        vote(number, choices, TAGS[number])
    rehearsal.witness()
    vote(0, REVOTE, TAGS[40])
    rehearsal.witness()
    rehearsal.close_poll(1)
    rehearsal.decrypt(1, rehearsal.trustees[::2])
    rehearsal.publish_result(1)
    ceremony = ceremony_values(simulator)  # trustees destroy their secrets when the sitting is adjourned
    rehearsal.adjourn()
    return simulator, ballots, ceremony


def plain(value: Any) -> Any:  # noqa: ANN401  # JSON of any shape
    """Return a value with every byte string in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _expected(judgement: Judgement) -> dict[str, Any]:
    return {
        "index": judgement.index,
        "kind": judgement.kind,
        "outcome": judgement.outcome.value,
        "check": judgement.check,
        "culprit": str(judgement.culprit) if judgement.culprit else None,
    }


def sitting() -> dict[str, Any]:
    """Return the example sitting with every intermediate value."""
    drbg = Drbg(SEED)
    with mock.patch("os.urandom", drbg):
        simulator, ballots, ceremony = run_sitting(drbg)
        receipt = simulator.rehearsal.delegates[0].receipt(1)
    board = simulator.board
    entries = [decode_entry(entry) for entry in board.entries]
    return {
        "about": "A whole sitting from a public seed. Every secret in it is public: for tests only.",
        "made_from": SEED.decode(),
        "sitting_id": board.anchor,
        "checkpoint": board.notes[len(board.entries)].decode(),
        "entries": [base64.b64encode(entry).decode() for entry in board.entries],
        "expected": [_expected(judgement) for judgement in board.judgements],
        "leaf_hashes": [board.record.state.history.leaf(index) for index in range(len(board.entries))],
        "body_hashes": [entry.body_hash for entry in entries],
        "ceremony": ceremony,
        **registration_values(simulator),
        "ballots": [ballot_values(simulator, ballot) for ballot in ballots],
        "receipt": {name: getattr(receipt, name) for name in receipt.__struct_fields__},
        "polls": poll_values(simulator),
    }


FILES: dict[str, Callable[[], dict[str, Any]]] = {"sitting.json": sitting, "primitives.json": primitives}


def main(arguments: list[str]) -> int:
    """Write the files into the folder named, or beside this program."""
    folder = Path(arguments[0]) if arguments else FOLDER
    for name, make in FILES.items():
        text = json.dumps(plain(make()), indent=1, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
