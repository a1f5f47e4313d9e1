"""What is the matter with a database or a disk, in words that say what to do about it.

No text of a driver or a server is passed on: it may quote values, and values may be secret.

Source: SPEC.md#errors-and-blame.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

FULL: Final = "the disk is full: make room, and ask again"
READ_ONLY: Final = (
    "the database cannot be written: it, its folder or its disk is read-only for this user; to read, copy it"
)
LOCKED: Final = "another process has kept the database locked for too long: see that only one serves it, and ask again"
DAMAGED: Final = "the database is damaged, or is none: stop, keep it as it is, and go on from no older copy"
FAILING: Final = "the disk failed to read or write: see whether it is full or broken, and ask again"
UNREACHABLE: Final = (
    "the database server cannot be reached, or does not let this user in: see that it runs, and see user, PGPASSFILE "
    "and pg_hba.conf"
)
FORBIDDEN: Final = "the database server does not let this user in: see user, PGPASSFILE and pg_hba.conf"
NO_DATABASE: Final = "the database server has no such database: make it with createdb, for this user alone"
NO_TABLES: Final = "the database holds nothing of the kind: it has to be created first, or is another one's"
LOST_CONNECTION: Final = "the database server ended the connection: see that it runs, and ask again"

_BY_SQLITE: Final = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_IOERR: FAILING,
}
"""By the primary result code: the low byte of the extended one."""

_BY_SQLSTATE: Final = {
    "08": LOST_CONNECTION,
    "25006": READ_ONLY,
    "28": FORBIDDEN,
    "3D": NO_DATABASE,
    "42501": READ_ONLY,
    "42P01": NO_TABLES,
    "53100": FULL,
    "55P03": LOCKED,
    "57P": LOST_CONNECTION,
    "58": FAILING,
    "XX": DAMAGED,
}
"""By the beginning of the state; PostgreSQL, appendix "Error Codes"."""

_BY_ERRNO: Final = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.EIO: FAILING,
}


def explain(error: BaseException) -> str:
    """Return what has happened and what to do, for an error of SQLAlchemy, of its drivers, or of the system."""
    cause = getattr(error, "orig", None) or error
    known = _known(cause)
    if known is not None:
        return known
    # A driver's error without a state never reached the server, or lost it.
    if type(cause).__module__.partition(".")[0] == "psycopg" and getattr(cause, "sqlstate", None) is None:
        return LOST_CONNECTION if getattr(error, "connection_invalidated", False) else UNREACHABLE
    return f"the database does not answer: {type(error).__name__}"


def explain_disk(error: OSError) -> str:
    """Return what has happened and what to do, for a file or folder that is no database."""
    known = _known(error)
    if known == READ_ONLY:
        return "it is read-only for this user, or lies on a disk that is"
    return known or type(error).__name__


def _known(cause: BaseException) -> str | None:
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _BY_SQLITE.get(code & 0xFF)
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return next((words for start, words in _BY_SQLSTATE.items() if state.startswith(start)), None)
    return _BY_ERRNO.get(cause.errno) if isinstance(cause, OSError) and cause.errno else None
