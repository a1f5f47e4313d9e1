"""A board that shows two views of its log, and everything it signed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.merkle import ConsistencyProof, leaf_hash
from secballot.board.note import Ed25519Signer
from secballot.board.witness import Request
from secballot.record.history import LogHistory
from secballot.records.promise import Promise
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, document, founding, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class View:
    """One view of the log, as a `LogSource`.

    Attributes:
        log: its entries.
        sizes: those of its checkpoints.
        witnesses: who cosigned them.
        operator: whose log key signed them.
    """

    log: list[bytes]
    sizes: tuple[int, ...]
    witnesses: tuple[str, ...] = ("w1.example", "w2.example")
    operator: str = "log"
    history: LogHistory = field(init=False)

    def __post_init__(self) -> None:
        """Hash the entries."""
        self.history = LogHistory()
        for entry in self.log:
            self.history.append(leaf_hash(entry))

    def note(self, size: int) -> bytes:
        """Return the checkpoint of a size."""
        checkpoint = Checkpoint(ORIGIN, size, self.history.root(size))
        note = sign_checkpoint(checkpoint, [Ed25519Signer(ORIGIN, key(self.operator))])
        return note.with_signatures(
            Ed25519Cosigner(name, key(name)).cosign(note.text, NOW) for name in self.witnesses
        ).encode()

    def request(self, old: int, size: int, note: bytes | None = None) -> bytes:
        """Return the request by which a witness is asked to cosign a checkpoint, with this view's own proof."""
        proof = ConsistencyProof.prove(old, size, self.history.subtree)
        return Request(old, proof.hashes, note or self.note(size)).encode()

    def publish(self, folder: Path) -> Path:
        """Write the view as a published folder and return it."""
        folder.mkdir()
        with BoardStore.create(folder / "board.db", ORIGIN) as store:
            store.append(self.log)
            for size in sorted(self.sizes):
                store.put_checkpoint(self.note(size))
            write_folder(store, folder / "log")
        return folder / "log"

    def checkpoint_notes(self) -> list[bytes]:
        """Return the checkpoints, newest first."""
        return [self.note(size) for size in sorted(self.sizes, reverse=True)]

    def size(self) -> int:
        """Return the number of entries."""
        return len(self.log)

    def entry(self, index: int) -> bytes:
        """Return an entry."""
        return self.log[index]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries."""
        return iter(self.log[start:stop])

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield nothing."""
        del size, subtree
        return iter(())


def entries(*documents: int) -> list[bytes]:
    """Return a log with the founding entries and these documents."""
    return [*founding(), *(document(number) for number in documents)]


def promise(entry: bytes, index: int, signer: str = "promise", sitting_id: bytes = SITTING_ID) -> Promise:
    """Return a promise of the board."""
    fields = {"index": index, "leaf_hash": leaf_hash(entry), "maximum_delay": 60, "sitting_id": sitting_id, "time": NOW}
    blank = Promise(signature=bytes(64), **fields)  # type: ignore[arg-type]
    return Promise(signature=key(signer).sign(blank.message()), **fields)  # type: ignore[arg-type]
