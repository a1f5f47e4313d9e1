"""RFC 8785, JSON Canonicalization Scheme: the published vectors against the codec's profile of it.

The profile has typed records only. A vector whose values the profile can hold must come out byte for byte; one with
floats, null or keys that are not ASCII cannot even be declared as a record.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import msgspec
import pytest
import rfc8785

from secballot.encoding import CanonicalCodec, Uint
from secballot.errors import EncodingError, NonCanonicalError

VECTORS = Path(__file__).parents[1] / "vectors" / "standards" / "jcs"


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A string of a vector."""

    v: str


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An integer of a vector."""

    v: Uint


class Boolean(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A boolean of a vector."""

    v: bool


class Letters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys in two cases, declared in the wrong order."""

    f: str
    F: Uint


class Nested(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A nested object of a vector."""

    f: Letters


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An element of an array of a vector."""

    e: str
    E: str


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The empty object."""


Structures = msgspec.defstruct(
    "Structures",
    [("one", Nested), ("ten", Nothing), ("empty", str), ("a", Nothing), ("many", tuple[Answers, ...]), ("A", Nothing)],
    frozen=True,
    forbid_unknown_fields=True,
    rename={"one": "1", "ten": "10", "empty": "", "many": "111"},
)


def output(name: str) -> bytes:
    """Return the canonical bytes of a vector."""
    return (VECTORS / "output" / f"{name}.json").read_bytes()


def test_the_hexadecimal_outputs_say_the_same() -> None:
    """The two renderings of each expected output agree, so the files were copied whole."""
    files = sorted((VECTORS / "outhex").iterdir())
    assert len(files) == 7
    for file in files:
        assert bytes.fromhex(file.read_text()) == output(file.stem)


def test_the_structures_vector_comes_out_byte_for_byte() -> None:
    """Keys of digits, the empty key, upper and lower case, nesting and arrays are ordered as published."""
    source = json.loads((VECTORS / "input" / "structures.json").read_bytes())
    # The one member that no record can have: its key is a line break.
    assert source["1"].pop("\n") == 56.0
    expected = output("structures").replace(b'{"\\n":56,', b"{")
    codec = CanonicalCodec(Structures)
    value = msgspec.convert(source, Structures)
    assert codec.encode(value) == expected
    assert codec.decode(expected) == value


@pytest.mark.parametrize("name", ["simpleString", "values"])
def test_strings_are_escaped_as_published(name: str) -> None:
    """Control characters, quotes, the solidus and letters beyond ASCII."""
    value = json.loads((VECTORS / "input" / f"{name}.json").read_bytes())
    if name == "values":
        value = value["string"]
        expected = output(name).partition(b'"string":')[2][:-1]
    else:
        expected = output(name)
    assert CanonicalCodec(Text).encode(Text(value)) == b'{"v":' + expected + b"}"


@pytest.mark.parametrize("value", [True, False])
def test_literals_are_written_as_published(*, value: bool) -> None:
    """The booleans."""
    expected = output(str(value).lower())
    assert CanonicalCodec(Boolean).encode(Boolean(value)) == b'{"v":' + expected + b"}"


def test_every_control_character_has_the_spelling_of_section_3_2_2_2() -> None:
    r"""Short forms where RFC 8785 has them, \u00xx in lower case elsewhere, DEL and C1 raw."""
    for code_point in [*range(0xA0), 0x2028, 0x2029, 0xFFFF, 0x10FFFF]:
        text = chr(code_point)
        assert CanonicalCodec(Text).encode(Text(text)) == b'{"v":' + rfc8785.dumps(text) + b"}"


@pytest.mark.parametrize("name", ["arrays", "french", "null", "structures", "values"])
def test_every_input_is_refused_before_canonicalization(name: str) -> None:
    """The pretty-printed inputs are never taken for canonical, whatever the record type."""
    data = (VECTORS / "input" / f"{name}.json").read_bytes()
    with pytest.raises(EncodingError):
        CanonicalCodec(Structures).decode(data)


@pytest.mark.parametrize("annotation", [float, None, "Uint | None"])
def test_the_profile_has_no_floats_and_no_null(annotation: object) -> None:
    """Vectors with them have no record type in the profile."""
    kind = (Uint | None) if annotation == "Uint | None" else annotation
    loose = msgspec.defstruct("Loose", [("v", kind)], frozen=True, forbid_unknown_fields=True)
    with pytest.raises(TypeError):
        CanonicalCodec(loose)


@pytest.mark.attack("PA-06")
def test_the_profile_has_no_keys_beyond_ascii() -> None:
    """The French vector, whose point is UTF-16 order, cannot be declared."""
    french = msgspec.defstruct(
        "French",
        [("peach", str), ("two", str)],
        frozen=True,
        forbid_unknown_fields=True,
        rename={"two": "péché"},
    )
    with pytest.raises(TypeError):
        CanonicalCodec(french)


def _is_profile_integer(text: str) -> bool:
    """Tell whether the number is written as an integer that the profile holds."""
    return text.isdigit() and int(text) < 2**53


def test_numbers_of_appendix_b_are_integers_of_the_profile_or_refused() -> None:
    """Integers within 2^53 stay as written; every other row is refused."""
    rows = json.loads((VECTORS / "rfc8785_appendix_b.json").read_text())
    assert len(rows) == 26
    codec = CanonicalCodec(Number)
    accepted = 0
    for row in rows:
        text = "NaN" if row["json"] is None else row["json"]
        data = b'{"v":' + text.encode() + b"}"
        if _is_profile_integer(text):
            assert codec.encode(codec.decode(data)) == data
            accepted += 1
        else:
            with pytest.raises(EncodingError):
                codec.decode(data)
    assert accepted == sum(row["json"] == "0" for row in rows) > 0


def test_ten_thousand_numbers_are_integers_of_the_profile_or_refused() -> None:
    """Of the generated ES6 numbers only integers below 2^53 are records' integers."""
    codec = CanonicalCodec(Number)
    accepted = 0
    for line in (VECTORS / "es6_numbers_10k.txt").read_text().splitlines():
        bits, text = line.split(",")
        data = b'{"v":' + text.encode() + b"}"
        if _is_profile_integer(text):
            value = codec.decode(data)
            assert struct.pack(">d", value.v).hex().lstrip("0") == bits.lstrip("0") or value.v == 0
            accepted += 1
        else:
            with pytest.raises(EncodingError):
                codec.decode(data)
    assert accepted > 0


@pytest.mark.attack("PA-02")
@pytest.mark.parametrize("data", [b'{"v":1.0}', b'{"v":1e0}', b'{"v":-0.0}'])
def test_floats_that_are_integers_are_not_integers_here(data: bytes) -> None:
    """RFC 8785 would rewrite them as integers; the profile refuses them."""
    with pytest.raises(EncodingError):
        CanonicalCodec(Number).decode(data)


@pytest.mark.attack("PA-02")
def test_minus_zero_is_not_canonical() -> None:
    """RFC 8785 writes minus zero as zero."""
    with pytest.raises(NonCanonicalError):
        CanonicalCodec(Number).decode(b'{"v":-0}')
