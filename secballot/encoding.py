r"""Canonical bytes: base64, decimal and 64-bit integers, record text, and the one JSON codec of all entries.

Every form here has exactly one spelling. A reader parses strictly, encodes again, and refuses any difference, so
two programs that accept the same bytes hold the same value, and a hash of the bytes is a hash of the value.

An entry is a JSON object in RFC 8785 form, narrowed to what every language reads alike: ASCII keys, integers
0..2^53-1, strings, booleans, arrays, and byte strings as standard base64 of a fixed width. No floats, no null, no maps
with free keys::

    {"body":{"poll":3},"kind":"adjournment","signature":"AAEC..."}

- Keys come in byte order, which for ASCII is the UTF-16 order that RFC 8785 asks for.
- Control characters are escaped as ``\b \t \n \f \r`` or ``\u00xx`` in lower case; everything else is raw UTF-8.
- Duplicate keys, spaces, a byte order mark, `-0`, `1.0` and lax base64 all fail by re-encoding or before it.

Source: SPEC.md#encodings; RFC 8785; RFC 7493; RFC 4648 §4.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from bisect import bisect_right
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import inspect as shape

from secballot.errors import EncodingError, NonCanonicalError

MAX_ENTRY_BYTES: Final = 65535
"""Most bytes of an entry; a C2SP entry bundle prefixes each with its length in 16 bits."""

MAX_INTEGER: Final = 2**53 - 1
"""Largest integer of a record: the last that every JSON reader keeps exact (RFC 7493 §2.2)."""

Uint = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
"""An integer field of a record, 0..2^53-1."""

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
"""A field of exactly 32 bytes: a hash, a group element, a scalar or a public key."""

Bytes64 = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
"""A field of exactly 64 bytes: an Ed25519 signature or a SHA-512 hash."""

_DECIMAL: Final = re.compile(rb"0|[1-9][0-9]*")
_FAULT_PATH: Final = re.compile(r" - at `\$\.?([A-Za-z0-9_.\[\]]*)`\Z")
_U64_BYTES: Final = 8

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NEWER_THAN_UNICODE_14: Final = (
    # First and last of every stretch assigned in Unicode 15.0, 15.1 or 16.0. Each Python release brings its own
    # tables, and two auditors must not judge one text differently, so Unicode 14.0 (Python 3.11) decides for all.
    (0x0897, 0x0897), (0x0CF3, 0x0CF3), (0x0ECE, 0x0ECE), (0x1B4E, 0x1B4F), (0x1B7F, 0x1B7F), (0x1C89, 0x1C8A),
    (0x2427, 0x2429), (0x2FFC, 0x2FFF), (0x31E4, 0x31EF), (0xA7CB, 0xA7CD), (0xA7DA, 0xA7DC), (0x105C0, 0x105F3),
    (0x10D40, 0x10D8F), (0x10EC2, 0x10EFF), (0x1123F, 0x11241), (0x11380, 0x113E2), (0x116D0, 0x116E3),
    (0x11B00, 0x11BF9), (0x11F00, 0x11F5A), (0x1342F, 0x1342F), (0x13439, 0x143FA), (0x16100, 0x16139),
    (0x16D40, 0x16D79), (0x18CFF, 0x18CFF), (0x1B132, 0x1B132), (0x1B155, 0x1B155), (0x1CC00, 0x1CEB3),
    (0x1D2C0, 0x1D2D3), (0x1DF25, 0x1DF2A), (0x1E030, 0x1E08F), (0x1E4D0, 0x1E5FF), (0x1F6DC, 0x1F6DC),
    (0x1F774, 0x1F77F), (0x1F7D9, 0x1F7D9), (0x1F8B2, 0x1F8C1), (0x1FA75, 0x1FA77), (0x1FA87, 0x1FA8F),
    (0x1FAAD, 0x1FAAF), (0x1FABB, 0x1FABF), (0x1FAC6, 0x1FACF), (0x1FADA, 0x1FADF), (0x1FAE8, 0x1FAE9),
    (0x1FAF7, 0x1FAF8), (0x1FBCB, 0x1FBEF), (0x2B739, 0x2B739), (0x2EBF0, 0x2EE5D), (0x31350, 0x323AF),
)  # fmt: skip
_NEWER_STARTS: Final = tuple(first for first, _ in _NEWER_THAN_UNICODE_14)

T = TypeVar("T", bound=msgspec.Struct)


def b64encode(data: bytes) -> str:
    """Return the standard base64 of the data, padded, on one line (RFC 4648 §4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def b64decode(text: str, size: int | None) -> bytes:
    """Return the bytes whose one canonical base64 spelling this is.

    Args:
        text: standard alphabet, padded, no white space.
        size: bytes that must come out; None for any number.

    Raises:
        EncodingError: not base64, or another size.
        NonCanonicalError: base64 with stray bits before the padding.

    Source: SPEC.md#encodings; RFC 4648 §3.5, §4.
    """
    if size is not None and len(text) != -(-size // 3) * 4:
        raise EncodingError(f"base64 text of {len(text)} characters cannot hold exactly {size} bytes")
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError as error:  # binascii.Error and UnicodeEncodeError are both ValueErrors
        raise EncodingError("not standard base64") from error
    if b64encode(data) != text:
        raise NonCanonicalError("base64 in another spelling than the canonical one")
    if size is not None and len(data) != size:
        raise EncodingError(f"{len(data)} bytes where exactly {size} belong")
    return data


def parse_decimal(data: bytes, maximum: int) -> int:
    """Return the integer 0..maximum that these ASCII digits spell without sign or leading zero.

    Args:
        data: the digits; length is capped before conversion, so that a megabyte of digits costs nothing.
        maximum: largest value allowed, at least 0.

    Raises:
        EncodingError: not `0|[1-9][0-9]*`, or larger than the maximum.

    Source: SPEC.md#encodings.
    """
    if len(data) > len(str(maximum)) or _DECIMAL.fullmatch(data) is None:
        raise EncodingError(f"not a canonical decimal of at most {maximum}")
    value = int(data)
    if value > maximum:
        raise EncodingError(f"decimal exceeds {maximum}")
    return value


def encode_u64(value: int) -> bytes:
    """Return the integer 0..2^64-1 as 8 bytes, big-endian.

    Raises:
        EncodingError: the value is outside the range.
    """
    try:
        return value.to_bytes(_U64_BYTES, "big")
    except OverflowError as error:
        raise EncodingError("integer does not fit 64 bits") from error


def decode_u64(data: bytes) -> int:
    """Return the integer that exactly 8 big-endian bytes hold.

    Raises:
        EncodingError: not exactly 8 bytes.
    """
    if len(data) != _U64_BYTES:
        raise EncodingError(f"{len(data)} bytes where a 64-bit integer belongs")
    return int.from_bytes(data, "big")


def check_text(text: str, *, max_bytes: int, newlines: bool = False, field: str = "") -> None:
    """Check that a text of a record reads the same to everybody and hides nothing.

    Refused are control characters, format characters (bidirectional controls, zero-width characters, the byte order
    mark), surrogates, private-use and noncharacters, whatever Unicode 14.0 left unassigned, line and paragraph
    separators, and text that is not in normalization form NFC. Letters that merely look alike are not refused.

    Args:
        text: the text; may be empty.
        max_bytes: most bytes it may take in UTF-8.
        newlines: whether U+000A is allowed.
        field: name of the field, for the error.

    Raises:
        EncodingError: with the index of the first refused character as `offset`.

    Source: SPEC.md#text; Unicode Standard Annexes 15 and 44.
    """
    for index, character in enumerate(text):
        if _is_refused(character) and not (newlines and character == "\n"):
            raise EncodingError(f"character U+{ord(character):04X} is not allowed in a text", field=field, offset=index)
    if len(text.encode()) > max_bytes:
        raise EncodingError(f"text is longer than {max_bytes} bytes", field=field)
    if not unicodedata.is_normalized("NFC", text):
        raise EncodingError("text is not in normalization form NFC", field=field)


def _is_refused(character: str) -> bool:
    """Tell whether the character is invisible, unassigned in Unicode 14.0, or not a character at all."""
    if unicodedata.category(character) in _REFUSED_CATEGORIES:
        return True
    position = bisect_right(_NEWER_STARTS, ord(character)) - 1
    return position >= 0 and ord(character) <= _NEWER_THAN_UNICODE_14[position][1]


class CanonicalCodec(Generic[T]):
    """Turns values of one frozen Struct into their only canonical bytes, and only those bytes back into values.

    The record types own their meaning; the codec owns the bytes. A member of type `msgspec.Raw` is carried verbatim
    and is only known to be one well-formed JSON value without surrounding space: whoever opens it decodes it with a
    codec of its own, and that one checks that it is canonical.

    Attributes:
        max_bytes: most bytes of an encoded value.

    Source: SPEC.md#encodings; RFC 8785.
    """

    def __init__(self, struct_type: type[T], *, max_bytes: int = MAX_ENTRY_BYTES) -> None:
        """Build the codec once per record type; the type itself is checked here, not at every value.

        Args:
            struct_type: a frozen Struct with `forbid_unknown_fields`, whose fields have one canonical spelling each.
            max_bytes: most bytes of an encoded value.

        Raises:
            TypeError: the type admits floats, null, free keys, unbounded integers, mutable containers or the like.
        """
        _check_struct(shape.type_info(struct_type), seen=set())
        self._type = struct_type
        self._encoder = msgspec.json.Encoder(order="sorted")
        self._decoder = msgspec.json.Decoder(struct_type, strict=True)
        self.max_bytes = max_bytes

    def encode(self, value: T) -> bytes:
        """Return the canonical bytes of the value; what is returned is always accepted by `decode`.

        Raises:
            EncodingError: a field is out of range or of the wrong kind, or the bytes are too many.
            TypeError: the value is not of this codec's type.
        """
        if type(value) is not self._type:
            raise TypeError(f"codec of {self._type.__name__} cannot encode {type(value).__name__}")
        try:
            data = self._encoder.encode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            raise EncodingError(f"{self._type.__name__} holds a value that JSON cannot carry") from error
        # msgspec checks ranges when it reads, not when it writes, so writing is checked by reading back.
        self.decode(data)
        return data

    def decode(self, data: bytes) -> T:
        """Return the value whose canonical bytes these are.

        Raises:
            EncodingError: too long, not JSON, or not of this shape; `field` names the place where it is known.
            NonCanonicalError: the right shape in another spelling.
        """
        if len(data) > self.max_bytes:
            raise EncodingError(f"{len(data)} bytes where at most {self.max_bytes} are allowed")
        try:
            value = self._decoder.decode(data)
            again = self._encoder.encode(value)
        except msgspec.ValidationError as error:
            place = _FAULT_PATH.search(str(error))
            raise EncodingError(
                f"JSON does not have the shape of {self._type.__name__}", field=place[1] if place else ""
            ) from error
        except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            raise EncodingError("not well-formed JSON in UTF-8") from error
        if again != data:
            raise NonCanonicalError(f"{self._type.__name__} in another spelling than the canonical one")
        return value


def _check_struct(info: shape.Type, seen: set[type]) -> None:
    """Check that a Struct type has one spelling per value: frozen, closed, ASCII keys, every field always written."""
    if not isinstance(info, shape.StructType):
        raise TypeError(f"{info} is not a Struct")
    if info.cls in seen:
        return
    seen.add(info.cls)
    config = info.cls.__struct_config__
    if not (config.frozen and info.forbid_unknown_fields) or config.omit_defaults or info.array_like:
        raise TypeError(f"{info.cls.__name__} must be frozen, forbid unknown fields and write every field by name")
    for field in info.fields:
        if not field.encode_name.isascii():
            raise TypeError(f"{info.cls.__name__}.{field.name} has a key that is not ASCII")
        _check_field(field.type, f"{info.cls.__name__}.{field.name}", seen)


def _check_field(info: shape.Type, name: str, seen: set[type]) -> None:
    """Check that the field type admits nothing that two readers could spell or read in two ways."""
    match info:
        case shape.BoolType() | shape.BytesType() | shape.RawType():
            return
        case shape.IntType(ge=int() as low, le=int() as high) if low >= 0 and high <= MAX_INTEGER:
            return
        case shape.StrType(pattern=pattern) if pattern is None or pattern.endswith(r"\Z"):
            return  # `$` also matches before a final newline
        case shape.LiteralType(values=values) if all(isinstance(value, str) for value in values):
            return
        case shape.VarTupleType(item_type=item):
            _check_field(item, name, seen)
        case shape.TupleType(item_types=items) | shape.UnionType(types=items):
            for item in items:
                _check_field(item, name, seen)
        case shape.StructType():
            _check_struct(info, seen)
        case _:
            raise TypeError(f"{name} has a type without one canonical spelling: {info}")
