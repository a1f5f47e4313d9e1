"""What a service writes to its log: one JSON object a line, about batches and not about people.

No entry, no part of one, no client address and no time of a single submission is ever written: a log that is seized
shall tell nothing that the published log does not.

    {"admitted":12,"event":"batch","milliseconds":31,"refused":{"BAL-03":1},"submissions":13}

Source: SPEC.md#security-considerations.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    Value = int | str | bool | None | Mapping[str, int]

LOGGER: Final = logging.getLogger("secballot.service")


def log_event(event: str, **values: Value) -> None:
    """Write one event.

    Args:
        event: what happened, a fixed word.
        values: numbers and fixed words that belong to it; never anything that a client sent.
    """
    LOGGER.info("%s", json.dumps({"event": event, **values}, sort_keys=True, separators=(",", ":")))
