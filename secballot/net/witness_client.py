"""A distant witness, asked over HTTP as C2SP tlog-witness has it: any implementation will do.

Source: SPEC.md#witnesses; C2SP tlog-witness@v1.0.0.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from secballot.board.note import MAX_NOTE_SIZE
from secballot.board.witness import (
    CONFLICT,
    FORBIDDEN,
    MALFORMED,
    TEXT,
    UNKNOWN_LOG,
    UNPROCESSABLE,
    WitnessRefusalError,
    monitoring_path,
)
from secballot.errors import TransportError

if TYPE_CHECKING:
    from secballot.net.client import HttpClient

ADD_CHECKPOINT: Final = "add-checkpoint"
"""Path of the request below a witness's submission prefix."""

_MAX_ANSWER: Final = 100_000
_REFUSALS: Final = (MALFORMED, FORBIDDEN, UNKNOWN_LOG, CONFLICT, UNPROCESSABLE)


class RemoteWitness:
    """The client of one witness.

    Attributes:
        name: its C2SP key name, as the manifest has it.
    """

    def __init__(self, name: str, client: HttpClient) -> None:
        """Ask this witness below its submission prefix; nothing is sent yet."""
        self.name = name
        self._client = client

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Return the body of the 200 answer to an add-checkpoint request, nothing of it verified.

        Args:
            body: the request.
            now: not used; a distant witness has its own clock.

        Raises:
            WitnessRefusalError: an answer that C2SP provides for.
            TransportError: no answer, or another one.
        """
        del now
        answer = self._client.post(ADD_CHECKPOINT, body, _MAX_ANSWER)
        if answer.status in _REFUSALS:
            raise WitnessRefusalError(
                f"the witness answers {answer.status}", status=answer.status, content_type=TEXT, body=answer.body
            )
        if answer.status != HTTPStatus.OK:
            raise TransportError(f"the witness answers {answer.status}")
        return answer.body


def latest_cosigned(client: HttpClient, origin: str) -> bytes | None:
    """Return the newest checkpoint of a log that a witness says it has cosigned, None if there is none.

    Args:
        client: for the witness's monitoring prefix.
        origin: the log's.

    Raises:
        TransportError: no answer, or another one.

    Source: C2SP tlog-witness, monitoring.
    """
    answer = client.get(monitoring_path(origin), MAX_NOTE_SIZE)
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    if answer.status != HTTPStatus.OK:
        raise TransportError(f"the witness answers {answer.status}")
    return answer.body
