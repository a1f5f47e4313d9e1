"""Base64, integers and texts: one spelling per value, and nothing but our own errors for anything else."""

from __future__ import annotations

import base64
import binascii
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.encoding import (
    b64decode,
    b64encode,
    check_text,
    decode_u64,
    encode_u64,
    parse_decimal,
)
from secballot.errors import EncodingError, NonCanonicalError


class TestBase64:
    """Standard base64 with one spelling per value."""

    @given(st.binary(max_size=100))
    def test_round_trip_agrees_with_the_standard_library(self, data: bytes) -> None:
        """The text is what the standard library writes, and reads back."""
        text = b64encode(data)
        assert text == base64.b64encode(data).decode()
        assert b64decode(text, len(data)) == b64decode(text, None) == data

    @given(st.text(alphabet="AQg+/-_= \n9é", max_size=12))
    def test_accepted_text_is_the_only_spelling(self, text: str) -> None:
        """Whatever is accepted encodes back to itself; the rest is our own error."""
        try:
            data = b64decode(text, None)
        except EncodingError:
            return
        assert b64encode(data) == text

    @pytest.mark.attack("PA-07")
    @pytest.mark.parametrize(
        "text", ["QQ", "QQ=", "QQ===", "QQ==\n", " QQ==", "Q Q==", "QQ==QQ==", "=", "-_8=", "ÄÄ=="]
    )
    def test_lax_base64_is_refused(self, text: str) -> None:
        """Missing or surplus padding, white space, another alphabet."""
        with pytest.raises(EncodingError):
            b64decode(text, None)

    @pytest.mark.attack("PA-07")
    def test_stray_bits_are_not_canonical(self) -> None:
        """The standard library reads both; only one is canonical."""
        assert binascii.a2b_base64("QR==") == binascii.a2b_base64("QQ==")
        with pytest.raises(NonCanonicalError):
            b64decode("QR==", None)

    @pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 33])
    def test_another_size_is_refused(self, size: int) -> None:
        """Two bytes are not any other number of bytes, even where the text has the right length."""
        with pytest.raises(EncodingError):
            b64decode("QUE=", size)


class TestIntegers:
    """Decimal and 64-bit integers."""

    @given(st.integers(0, 2**63))
    def test_every_decimal_is_read_back(self, value: int) -> None:
        """The one spelling of a value gives the value, up to and including the maximum."""
        assert parse_decimal(str(value).encode(), value) == value
        with pytest.raises(EncodingError):
            parse_decimal(str(value + 1).encode(), value)

    @pytest.mark.attack("LG-11")
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"00",
            b"01",
            b"+1",
            b"-0",
            b"-1",
            b" 1",
            b"1 ",
            b"1\n",
            b"1_0",
            b"1.0",
            b"0x1",
            "٣".encode(),
            b"9" * 10**6,
        ],
    )
    def test_other_spellings_of_decimals_are_refused(self, data: bytes) -> None:
        """Signs, zeroes, spaces, underscores and foreign digits that int() would take."""
        with pytest.raises(EncodingError):
            parse_decimal(data, 10**30)

    @given(st.integers(0, 2**64 - 1))
    def test_u64_round_trip(self, value: int) -> None:
        """Eight bytes, most significant first."""
        data = encode_u64(value)
        assert len(data) == 8
        assert data == bytes.fromhex(f"{value:016x}")
        assert decode_u64(data) == value

    @pytest.mark.parametrize("value", [-1, 2**64])
    def test_u64_range(self, value: int) -> None:
        """What does not fit is refused."""
        with pytest.raises(EncodingError):
            encode_u64(value)

    @pytest.mark.parametrize("size", [0, 7, 9])
    def test_u64_length(self, size: int) -> None:
        """Exactly eight bytes."""
        with pytest.raises(EncodingError):
            decode_u64(bytes(size))


class TestText:
    """Texts of records hide nothing and read the same everywhere."""

    @pytest.mark.parametrize("text", ["", "Résolution nº 3", "قرار رقم ٣", "第三号决议", "Да — против", "👍🏽", "a b"])
    def test_ordinary_texts_pass(self, text: str) -> None:
        """Scripts of the world, spaces and emoji are texts."""
        check_text(text, max_bytes=100)

    @pytest.mark.attack("PA-06")
    @pytest.mark.parametrize(
        "code_point",
        [
            *range(0x20), 0x7F, *range(0x80, 0xA0), 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), 0x2060,
            *range(0x2066, 0x206A), 0xFEFF, 0xAD, 0xD800, 0xDFFF, 0xE000, 0xFDD0, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF,
            0x378, 0xE0041,
        ],
    )  # fmt: skip
    def test_invisible_and_unassigned_characters_are_refused_where_they_stand(self, code_point: int) -> None:
        """Controls, bidirectional and zero-width characters, surrogates, private, unassigned and noncharacters."""
        with pytest.raises(EncodingError) as caught:
            check_text("ab" + chr(code_point) + "c", max_bytes=100, field="title")
        assert (caught.value.field, caught.value.offset) == ("title", 2)

    def test_a_newline_is_allowed_only_where_asked_for(self) -> None:
        """Long texts have lines; no other control comes with them."""
        check_text("a\nb", max_bytes=3, newlines=True)
        for text in ("a\r\nb", "a\tb", "a\u2028b"):
            with pytest.raises(EncodingError):
                check_text(text, max_bytes=100, newlines=True)

    @pytest.mark.attack("PA-06")
    def test_text_that_is_not_nfc_is_refused(self) -> None:
        """One letter has one spelling."""
        check_text("é", max_bytes=2)
        with pytest.raises(EncodingError, match="NFC"):
            check_text("e\u0301", max_bytes=10)

    def test_length_counts_utf8_bytes(self) -> None:
        """Two bytes for one letter."""
        with pytest.raises(EncodingError, match="longer"):
            check_text("é", max_bytes=1)

    def test_the_repertoire_is_that_of_unicode_14_on_every_python(self) -> None:
        """Unicode 14.0 has 144,697 graphic and format characters, 165 of them format or line separators.

        What newer Pythons know beyond that is refused by table, so the count is the same for all of them.
        """
        accepted = 0
        for code_point in range(sys.maxunicode + 1):
            try:
                check_text(chr(code_point), max_bytes=4)
            except EncodingError as error:
                accepted += error.offset is None  # visible, but not in NFC by itself
            else:
                accepted += 1
        assert accepted == 144_697 - 165
