"""A board whose poll is open, and ballots that nobody has posted yet: to measure how fast they are admitted.

    <cache>/opened-1000-<digest of the plan>/board.db      everything up to the opening; to be copied before use
    <cache>/opened-1000-<digest of the plan>/ballots       each behind its length in four bytes

The poll closes far in the future, since a service goes by its clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.record.generate import BallotFiles, all_ballots, entry_makers, kept, until_open
from benchmarks.record.sitting import Sitting
from secballot.sealing import COST_SMALL
from secballot.store.board import BoardStore
from secballot.store.keyfile import write_key

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.record.plan import RecordPlan

CLOSES_AT: Final = 4_000_000_000
PASSPHRASE: Final = "for measuring"

_AT_ONCE: Final = 256


@dataclass(frozen=True)
class OpenedBoard:
    """A board that waits for ballots.

    Attributes:
        plan: what it was made from.
        folder: holds it.
        anchor: the sitting_id.
    """

    plan: RecordPlan
    folder: Path
    anchor: bytes

    @property
    def database(self) -> Path:
        """The board's database, not to be changed."""
        return self.folder / "board.db"

    def ballots(self) -> list[bytes]:
        """Return the ballots, which are good in any order of their credentials."""
        data, found, at = (self.folder / "ballots").read_bytes(), [], 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            found.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        return found

    def write_keys(self, folder: Path) -> None:
        """Write `log.key`, `promise.key` and their `passphrase` into a folder, as the command line takes them."""
        keys = self.plan.keys
        for name, key in (("log", keys.log[0]), ("promise", keys.promise[0])):
            write_key(folder / f"{name}.key", key, PASSPHRASE, COST_SMALL)
        passphrase = folder / "passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")


def opened_board(plan: RecordPlan, cache: Path, *, workers: int | None = None) -> OpenedBoard:
    """Return the open board of a plan, made now if the cache does not hold it; the plan's closing time is replaced."""
    plan = replace(plan, closes_at=CLOSES_AT)
    home = kept(plan, cache, "opened", partial(_make, plan, workers=workers))
    facts = json.loads((home / "facts.json").read_text(encoding="utf-8"))
    return OpenedBoard(plan, home, bytes.fromhex(facts["anchor"]))


def _make(plan: RecordPlan, folder: Path, *, workers: int | None) -> dict[str, object]:
    entries: list[bytes] = []
    scratch = folder / "scratch"
    scratch.mkdir()
    sitting = Sitting(plan, entries.append, entries.__getitem__)
    with entry_makers(workers) as pool, (folder / "ballots").open("wb") as file:
        stage = until_open(sitting, scratch, pool)
        for ballot in all_ballots(stage, BallotFiles(plan, scratch), pool):
            file.write(len(ballot).to_bytes(4, "big") + ballot)
    with BoardStore.create(folder / "board.db", plan.manifest.log.origin) as store:
        for start in range(0, len(entries), _AT_ONCE):
            store.append(entries[start : start + _AT_ONCE])
    for path in scratch.iterdir():
        path.unlink()
    scratch.rmdir()
    return {"anchor": sitting.anchor.hex()}
