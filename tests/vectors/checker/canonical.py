"""Reader and writer of the canonical JSON of SPEC.md: objects, arrays, integers 0..2^53−1, strings, true and false."""

from __future__ import annotations

import base64
import binascii
import re

LARGEST = 2**53 - 1
DEPTH = 64
NUMBER = re.compile(r"0|[1-9][0-9]*")
PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
ESCAPES = {'"': '"', "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
WRITTEN = {value: "\\" + name for name, value in ESCAPES.items()}
CONTROL = re.compile(r'["\\\x00-\x1f]')

Value = dict[str, "Value"] | list["Value"] | int | str


class RefusedError(Exception):
    """The bytes are not canonical."""


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return WRITTEN.get(char, f"\\u{ord(char):04x}")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def write(value: Value) -> str:
    """Return the RFC 8785 text of a value."""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + CONTROL.sub(_escape, value) + '"'
    if isinstance(value, list):
        return "[" + ",".join(write(item) for item in value) + "]"
    return "{" + ",".join(f"{write(key)}:{write(value[key])}" for key in sorted(value, key=_utf16)) + "}"


def encode(value: Value) -> bytes:
    """Return the RFC 8785 bytes of a value."""
    return write(value).encode()


class _Reader:
    """A position in a text; each method reads one thing at it and moves on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def expect(self, literal: str) -> None:
        if not self.text.startswith(literal, self.at):
            raise RefusedError(f"expected {literal!r} at {self.at}")
        self.at += len(literal)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def value(self, depth: int) -> Value:
        if depth > DEPTH:
            raise RefusedError("nested too deep")
        first = self.peek()
        if first == "{":
            return self.object(depth)
        if first == "[":
            return self.array(depth)
        if first == '"':
            return self.string()
        if first in {"t", "f"}:
            self.expect("true" if first == "t" else "false")
            return first == "t"
        match = NUMBER.match(self.text, self.at)
        if match is None or len(match.group()) > 16 or int(match.group()) > LARGEST:
            raise RefusedError(f"no value at {self.at}")
        self.at = match.end()
        return int(match.group())

    def array(self, depth: int) -> list[Value]:
        items: list[Value] = []
        self.expect("[")
        while self.peek() != "]":
            if items:
                self.expect(",")
            items.append(self.value(depth + 1))
        self.expect("]")
        return items

    def object(self, depth: int) -> dict[str, Value]:
        members: dict[str, Value] = {}
        self.expect("{")
        while self.peek() != "}":
            if members:
                self.expect(",")
            key = self.string()
            self.expect(":")
            members[key] = self.value(depth + 1)
        self.expect("}")
        return members

    def string(self) -> str:
        parts = []
        self.expect('"')
        while True:
            match = PLAIN.match(self.text, self.at)
            if match:
                parts.append(match.group())
                self.at = match.end()
            if self.peek() != "\\":
                self.expect('"')
                return "".join(parts)
            self.at += 1
            parts.append(self.escape())

    def escape(self) -> str:
        name = self.peek()
        self.at += 1
        if name in ESCAPES:
            return ESCAPES[name]
        digits = self.text[self.at : self.at + 4]
        if name != "u" or re.fullmatch(r"00[01][0-9a-f]", digits) is None:
            raise RefusedError("an escape that is not canonical")
        self.at += 4
        return chr(int(digits, 16))


def read(data: bytes) -> Value:
    """Return the value whose canonical form the bytes are, or raise RefusedError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("not UTF-8") from error
    reader = _Reader(text)
    value = reader.value(0)
    if reader.at != len(text) or encode(value) != data:
        raise RefusedError("not the canonical form")
    return value


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of a canonical padded base64 text, or None."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return data if base64.b64encode(data).decode() == text else None


def encode_base64(data: bytes) -> str:
    """Return padded base64."""
    return base64.b64encode(data).decode()
