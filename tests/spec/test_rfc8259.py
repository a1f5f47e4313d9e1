"""RFC 8259 and RFC 7493: the JSON parsing test suite against the codec.

Each file's bytes stand where a verbatim member stands, and where a whole record stands. `n_` must be refused in both
places; `y_` must be readable as one JSON value; nothing may raise anything but our own error.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from secballot.encoding import CanonicalCodec, Uint
from secballot.errors import EncodingError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "json_parsing"
FILES = sorted(VECTORS.glob("*.json"))


class Verbatim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with a member that is carried as it is."""

    v: msgspec.Raw


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with a string."""

    v: str


class Strings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with an array of strings."""

    v: tuple[str, ...]


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with an integer."""

    v: Uint


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with an array of integers."""

    v: tuple[Uint, ...]


class Empty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The empty record."""


CODECS: list[CanonicalCodec[Any]] = [CanonicalCodec(kind) for kind in (Text, Strings, Number, Numbers, Empty)]


def of_kind(prefix: str) -> list[Path]:
    """Return the files of one expectation."""
    return [file for file in FILES if file.name.startswith(prefix)]


def test_the_suite_is_here() -> None:
    """The counts would change if files went missing."""
    assert [len(of_kind(prefix)) for prefix in ("n_", "y_", "i_", "")] == [124, 63, 24, 211]


@pytest.mark.parametrize("file", of_kind("n_"), ids=lambda file: file.stem)
def test_malformed_json_is_refused_everywhere(file: Path) -> None:
    """As a whole record and as a member of one, typed or verbatim."""
    data = file.read_bytes()
    for codec in [*CODECS, CanonicalCodec(Verbatim)]:
        for candidate in (data, b'{"v":' + data + b"}"):
            with pytest.raises(EncodingError):
                codec.decode(candidate)


@pytest.mark.attack("PA-05")
@pytest.mark.parametrize("file", of_kind("i_"), ids=lambda file: file.stem)
def test_what_rfc_8259_leaves_open_is_refused_in_typed_fields(file: Path) -> None:
    """Invalid UTF-8, lone surrogates, numbers out of range and great depth are no values of the profile."""
    data = file.read_bytes()
    for codec in CODECS:
        for candidate in (data, b'{"v":' + data + b"}"):
            with pytest.raises(EncodingError):
                codec.decode(candidate)


@pytest.mark.parametrize("file", of_kind("y_"), ids=lambda file: file.stem)
def test_well_formed_json_is_read_as_it_is_or_refused(file: Path) -> None:
    """A typed field accepts only its canonical spelling; what it accepts is the value every reader sees."""
    data = file.read_bytes()
    expected = json.loads(data)
    for codec in CODECS:
        candidate = b'{"v":' + data + b"}"
        try:
            value = codec.decode(candidate)
        except EncodingError:
            continue
        assert codec.encode(value) == candidate
        assert msgspec.to_builtins(value)["v"] in (
            expected,
            tuple(expected) if isinstance(expected, list) else expected,
        )


@pytest.mark.parametrize("file", of_kind("y_"), ids=lambda file: file.stem)
def test_well_formed_json_without_space_around_is_carried_verbatim(file: Path) -> None:
    """A verbatim member keeps its bytes."""
    data = file.read_bytes().strip(b" \n\r\t")
    codec = CanonicalCodec(Verbatim)
    assert bytes(codec.decode(b'{"v":' + data + b"}").v) == data


def test_canonical_strings_of_the_suite_are_accepted() -> None:
    """The profile is narrow, but not empty: these files are canonical values of it."""
    names = {"y_string_in_array", "y_string_with_del_character", "y_string_backslash_doublequotes", "y_array_empty"}
    codec = CanonicalCodec(Strings)
    for name in names:
        codec.decode(b'{"v":' + (VECTORS / f"{name}.json").read_bytes() + b"}")


@pytest.mark.attack("PA-01")
@pytest.mark.parametrize("name", ["y_object_duplicated_key", "y_object_duplicated_key_and_value"])
def test_duplicate_keys_are_refused(name: str) -> None:
    """RFC 8259 lets them pass, RFC 7493 forbids them."""
    record = msgspec.defstruct("Record", [("a", str)], frozen=True, forbid_unknown_fields=True)
    with pytest.raises(EncodingError):
        CanonicalCodec(record).decode((VECTORS / f"{name}.json").read_bytes())
