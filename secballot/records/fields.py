"""The field types that records share: indices, fixed-width byte strings, names and texts.

Ranges and sizes stated here are those of SPEC.md; msgspec enforces them while it decodes.

Source: SPEC.md#conventions, SPEC.md#canonical-json.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from secballot.encoding import MAX_INTEGER, Bytes32, Bytes64, Uint, check_text

__all__ = [
    "Bytes32",
    "Bytes64",
    "Digest",
    "Index",
    "Modulus",
    "NoteText",
    "Record",
    "RuleName",
    "Seconds",
    "Tag",
    "Uint",
    "Variable",
    "WitnessName",
    "check_text",
    "require",
]

YEAR: Final = 31_536_000

Index = Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]
"""A 1-based position: poll, class, trustee, contest, chunk and the like. Whether it exists is judged later."""

Seconds = Annotated[int, msgspec.Meta(ge=0, le=YEAR)]
"""A period of at most a year of 365 days."""

Digest = Bytes32
"""A SHA-256 hash."""

Modulus = Annotated[bytes, msgspec.Meta(min_length=384, max_length=384)]
"""A 3072-bit integer, 384 bytes, big-endian."""

Variable = Annotated[bytes, msgspec.Meta(max_length=49_151)]
"""Bytes whose exact size follows from the manifest or opening, and is judged with the content."""

NoteText = Annotated[str, msgspec.Meta(min_length=1, max_length=16_000)]
"""A signed note embedded in an entry."""

RuleName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]{1,40}\Z")]
WitnessName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._/-]{1,128}\Z")]
Tag = Annotated[str, msgspec.Meta(pattern=r"\A[1-6]{10}\Z")]
"""The ten dice digits that a delegate makes up for one ballot."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Base of everything that is posted: frozen, closed, compared by value.

    It holds values only, so no cycle leads back to it, and the collector of cycles need not look at it. That goes for
    whatever else is made once an entry.
    """


def require(condition: bool, message: str) -> None:  # noqa: FBT001  # reads as a sentence at every call
    """Refuse a record whose fields do not go together; msgspec turns the ValueError into its own decoding error.

    Raises:
        ValueError: the condition does not hold.
    """
    if not condition:
        raise ValueError(message)
