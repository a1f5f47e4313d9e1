"""Signed notes, checkpoints and witness cosignatures (C2SP)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from . import ed25519
from .canonical import LARGEST, decode_base64

LOG_TYPE = 1
WITNESS_TYPE = 4
MOST_LINES = 100
SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
LINE = re.compile("— ([^ +]+) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class Line:
    """One signature line: key name, key id and signature bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A note's text (with its final newline) and its signature lines."""

    text: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says, and how many extension lines follow."""

    origin: str
    size: int
    root: bytes
    extensions: int


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """Return the four bytes that name a key of a type."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def _has_space(text: str) -> bool:
    return any(char.isspace() for char in text)


def parse_note(data: str) -> Note | None:
    """Return the note of a text, or None if it is malformed."""
    if any(char < " " and char != "\n" for char in data) or not data.endswith("\n"):
        return None
    head, separator, tail = data.rpartition("\n\n")
    if not separator or not tail:
        return None
    if tail.count("\n") > MOST_LINES:
        return None
    lines = []
    for row in tail[:-1].split("\n"):
        match = LINE.fullmatch(row)
        raw = decode_base64(match.group(2)) if match else None
        if match is None or raw is None or len(raw) < 5 or _has_space(match.group(1)):
            return None
        lines.append(Line(match.group(1), raw[:4], raw[4:]))
    return Note(head + "\n", tuple(lines))


def parse_checkpoint(text: str) -> Checkpoint | None:
    """Return what a note's text says as a checkpoint, or None."""
    rows = text[:-1].split("\n")
    if len(rows) < 3 or not all(rows):
        return None
    root = decode_base64(rows[2])
    if SIZE.fullmatch(rows[1]) is None or int(rows[1]) > LARGEST or root is None or len(root) != 32:
        return None
    return Checkpoint(rows[0], int(rows[1]), root, len(rows) - 3)


def signed_by_log(note: Note, line: Line, name: str, key: bytes) -> bool:
    """Tell whether a line is a valid log signature (type 0x01) of the note."""
    return (line.name, line.key_id) == (name, key_id(name, LOG_TYPE, key)) and ed25519.verifies(
        key, note.text.encode(), line.signature
    )


def cosigned_at(note: Note, line: Line, name: str, key: bytes) -> int | None:
    """Return the time of a valid witness cosignature (type 0x04) of the note, or None."""
    if (line.name, line.key_id) != (name, key_id(name, WITNESS_TYPE, key)) or len(line.signature) != 72:
        return None
    time = int.from_bytes(line.signature[:8], "big")
    message = f"cosignature/v1\ntime {time}\n{note.text}"
    if not 1 <= time <= LARGEST or not ed25519.verifies(key, message.encode(), line.signature[8:]):
        return None
    return time
