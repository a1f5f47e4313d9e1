"""How a database is named: by the path of an SQLite file, or by a URL.

Apart from `store.engine`, so that whoever only reads folders does not load the database layer.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def is_url(where: str | Path) -> bool:
    """Tell whether a database is named by a URL, and not by the path of a file."""
    return isinstance(where, str) and "://" in where
