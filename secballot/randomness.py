"""Fresh random bytes of the operating system, or an error that says so: nothing stands in for them.

Source: SPEC.md#security-considerations.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from secballot.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable


def random_bytes(size: int, source: Callable[[int], bytes] | None = None) -> bytes:
    """Return so many random bytes.

    Args:
        size: how many.
        source: where they come from if not from the system.

    Raises:
        ProtocolError: there are none, or too few.
    """
    with drawing():
        data = os.urandom(size) if source is None else source(size)
    if len(data) != size:
        raise ProtocolError("the source of randomness is broken: it gives too little")
    return data


class drawing:  # noqa: N801  # read as a word: with drawing()
    """Turns the system's refusal to give random bytes into our own error."""

    def __enter__(self) -> None:
        """Begin to draw."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Say what is missing, if that is what happened.

        Raises:
            ProtocolError: the system gives no random bytes.
        """
        if isinstance(error, OSError | NotImplementedError):
            raise ProtocolError(
                "the system gives no random bytes, and nothing is made or signed without: see that getrandom or "
                "/dev/urandom works, and that not too many files are open"
            ) from error
