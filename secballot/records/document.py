"""Long texts, posted in chunks under the hash that openings name.

Source: SPEC.md#documents.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Digest, Index, Record, check_text, require

MAX_DATA_BYTES = 48_000


class Document(Record, frozen=True):
    """One chunk, 1..48,000 bytes of text, of the document with this SHA-256."""

    chunk: Index
    chunks: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    data: str
    document: Digest

    def __post_init__(self) -> None:
        """Refuse empty or deceptive text and a chunk number beyond the count."""
        require(self.chunk <= self.chunks, "chunk number exceeds the number of chunks")
        require(bool(self.data), "data is empty")
        check_text(self.data, max_bytes=MAX_DATA_BYTES, newlines=True, field="data")


DOCUMENT = CanonicalCodec(Document)
