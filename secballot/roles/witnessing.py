"""Asking witnesses for their cosignatures: the client's side of C2SP add-checkpoint, near or far.

Source: SPEC.md#board-profile; C2SP tlog-witness@v1.0.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from secballot.board.witness import CONFLICT, WitnessRefusalError, read_size
from secballot.errors import InconsistentLogError, SecballotError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ATTEMPTS: Final = 3
"""The first may be told the size to start from, and another client may move the witness on in between."""


class WitnessLike(Protocol):
    """A witness in process, or the client of a distant one."""

    @property
    def name(self) -> str:
        """Its C2SP key name."""

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Return the body of the 200 answer to an add-checkpoint request.

        Raises:
            WitnessRefusalError: any other answer.
            TransportError: no answer.
        """


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What asking the witnesses has brought.

    Attributes:
        note: the newest checkpoint with all cosignatures that are kept of it.
        failures: by name of the witness, why it gave none; an `InconsistentLogError` deserves attention.
    """

    note: bytes
    failures: Mapping[str, SecballotError]


def ask(witness: WitnessLike, request: Callable[[int], bytes], *, now: int, known: int = 0) -> bytes | SecballotError:
    """Return a witness's cosignatures, or the error for which there are none; nothing a witness says is verified here.

    A 409 says from which size the proof has to lead, and the witness is asked again.

    Args:
        witness: whom to ask.
        request: returns the body of the request for a witness that knows the log at this size.
        now: seconds since the epoch.
        known: the size that the witness is believed to have cosigned last; a wrong one costs a 409.

    Raises:
        StoreError: the log itself cannot be read.
    """
    size, error = known, SecballotError("the witness was not asked")
    for _ in range(_ATTEMPTS):
        try:
            body = request(size)
        except InconsistentLogError as larger:
            return larger
        try:
            return witness.add_checkpoint(body, now=now)
        except WitnessRefusalError as refusal:
            error = refusal
            if refusal.status != CONFLICT:
                return refusal
        except SecballotError as failure:
            return failure
        try:
            size = read_size(error.body)
        except SecballotError as garbled:
            return garbled
    return error
