"""Having a checkpoint cosigned by many witnesses at once, of whom some are slow and some are dead.

Every witness is asked in a thread of its own, and never twice at a time. Whoever waits, waits only until there are
enough; an answer that comes later is kept all the same, as long as no larger checkpoint has been signed meanwhile.

Source: SPEC.md#log, SPEC.md#witnesses.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.log import witness_request
from secballot.board.note import Note
from secballot.errors import SecballotError
from secballot.roles.witnessing import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.roles.board import BoardOperator
    from secballot.roles.witnessing import WitnessLike

PATIENCE: Final = 15.0
"""Seconds for which a round waits for a quorum."""


class Cosigning:
    """Asks the witnesses of one board.

    Attributes:
        failures: by name of the witness, why its last answer brought nothing.
    """

    def __init__(self, operator: BoardOperator, witnesses: Sequence[WitnessLike], patience: float = PATIENCE) -> None:
        """Ask these witnesses, on behalf of this operator.

        Args:
            operator: keeps the cosignatures.
            witnesses: each with a name of its own.
            patience: seconds for which a round waits.
        """
        self._operator = operator
        self._witnesses = list(witnesses)
        self._patience = patience
        self._pool = ThreadPoolExecutor(max(1, len(self._witnesses)), thread_name_prefix="witness")
        self._busy: dict[str, Future[None]] = {}
        self._known: dict[str, int] = {}
        self._keeping = threading.Lock()
        self._closed = False
        self.failures: dict[str, SecballotError] = {}

    def close(self) -> None:
        """Ask nobody any more; whoever is being asked now runs into the client's own limits, and is not heard."""
        with self._keeping:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def collect(self, note: bytes, *, now: int, enough: Callable[[], bool]) -> None:
        """Ask all witnesses about a checkpoint, and return when there are enough, all have answered, or time is up.

        Args:
            note: the checkpoint, signed and kept by the operator.
            now: seconds since the epoch, for witnesses in process.
            enough: tells whether the operator keeps enough cosignatures of it.
        """
        until = time.monotonic() + self._patience
        for witness in self._witnesses:
            busy = self._busy.get(witness.name)
            if busy is None or busy.done():
                self._busy[witness.name] = self._pool.submit(self._ask, witness, note, now)
        waiting = set(self._busy.values())
        while waiting and not enough() and (left := until - time.monotonic()) > 0:
            waiting = wait(waiting, left, FIRST_COMPLETED).not_done

    def _ask(self, witness: WitnessLike, note: bytes, now: int) -> None:
        decoded = Note.decode(note)
        size = Checkpoint.decode(decoded.text).tree_size
        store = self._operator.store
        try:
            answer = ask(
                witness,
                lambda known: witness_request(store, decoded, known).encode(),
                now=now,
                known=min(self._known.get(witness.name, 0), size),
            )
            if isinstance(answer, SecballotError):
                raise answer
            with self._keeping:
                if self._closed:
                    # Its store may be closed by now, and another process may serve it.
                    return
                self._operator.add_cosignatures(size, answer)
        except SecballotError as error:
            self.failures[witness.name] = error
        else:
            self._known[witness.name] = size
            self.failures.pop(witness.name, None)
