"""Documents of a poll before it is opened: what the log holds of them, and whether a signer's own file is the same.

Source: SPEC.md#documents.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from secballot.errors import RefusalError, StoreError
from secballot.records.document import MAX_DATA_BYTES
from secballot.records.opening import Opening
from secballot.roles.choosing import document_text
from secballot_cli.connecting import read_text
from secballot_cli.messages import _
from secballot_cli.plain import KnownDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from secballot.roles.view import WitnessedView

MAX_BYTES: Final = MAX_DATA_BYTES * 10_000
"""Most bytes of a document that is read from a file."""


def read_document(path: str) -> tuple[bytes, str]:
    """Return SHA-256, 32 bytes, and text of a document in a file.

    Raises:
        StoreError: it cannot be read, is too long, or is not UTF-8.
    """
    text = read_text(path, MAX_BYTES)
    return hashlib.sha256(text.encode()).digest(), text


def known_documents(view: WitnessedView, body: msgspec.Struct, files: Sequence[str]) -> dict[bytes, KnownDocument]:
    """Return what is known of the documents that an opening names, by their SHA-256; of other acts, nothing.

    Args:
        view: a replay of the log.
        body: of the act.
        files: that somebody holds for documents of the act.

    Raises:
        RefusalError: a file is none of the act's documents.
        StoreError: a file cannot be read.
    """
    contests = body.contests if isinstance(body, Opening) else ()
    named: dict[bytes, list[str]] = {digest: [] for contest in contests for digest in contest.documents}
    for file in files:
        digest, _text = read_document(file)
        if digest not in named:
            raise RefusalError(_("{file} is none of the documents of this act").format(file=file))
        named[digest].append(file)
    return {digest: KnownDocument(_text_of(view, digest), tuple(found)) for digest, found in named.items()}


def _text_of(view: WitnessedView, digest: bytes) -> str | None:
    try:
        return document_text(view, digest)
    except StoreError:
        return None
