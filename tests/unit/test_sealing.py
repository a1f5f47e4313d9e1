"""Sealed shares and key files: only the right key opens, and every other bytes are refused with our own error."""

from __future__ import annotations

import hashlib
import hmac
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot import sealing
from secballot.errors import EncodingError, InvalidShareError, StoreError
from secballot.sealing import (
    COST_DEFAULT,
    COST_SMALL,
    Cost,
    argon2id,
    hkdf_sha512,
    open_share,
    open_with_passphrase,
    seal_share,
    seal_with_passphrase,
)

KEY = bytes(range(32))
NONCE = bytes(24)
SECRET = b"sixteen secrets!"
FILE = seal_with_passphrase(SECRET, "Müller reist", header=b"trustee 3", cost=COST_SMALL)

keys = st.binary(min_size=32, max_size=32)
nonces = st.binary(min_size=24, max_size=24)


class TestShare:
    """A share sealed under a key of the ceremony."""

    @given(keys, nonces, st.binary(max_size=100), st.binary(max_size=100))
    def test_what_was_sealed_opens(self, key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> None:
        """Sixteen bytes longer, and back."""
        sealed = seal_share(key, nonce, plaintext, associated)
        assert len(sealed) == len(plaintext) + 16
        assert open_share(key, nonce, sealed, associated) == plaintext

    @given(st.data())
    def test_one_bit_anywhere_keeps_it_shut(self, data: st.DataObject) -> None:
        """Key, nonce, ciphertext and associated data are all bound."""
        parts = [KEY, NONCE, seal_share(KEY, NONCE, SECRET, b"dealer 1"), b"dealer 1"]
        index = data.draw(st.integers(0, 3))
        bit = data.draw(st.integers(0, 8 * len(parts[index]) - 1))
        changed = bytearray(parts[index])
        changed[bit // 8] ^= 1 << bit % 8
        parts[index] = bytes(changed)
        with pytest.raises(InvalidShareError):
            open_share(*parts)

    @given(st.binary(max_size=64))
    def test_any_other_bytes_are_refused(self, data: bytes) -> None:
        """Also those shorter than a tag."""
        with pytest.raises(InvalidShareError):
            open_share(KEY, NONCE, data, b"")

    @pytest.mark.parametrize(("key", "nonce"), [(31, 24), (33, 24), (32, 23), (32, 12), (0, 24)])
    def test_lengths_of_key_and_nonce_are_fixed(self, key: int, nonce: int) -> None:
        """Our own code passes them, so a wrong length is a programmer's error."""
        with pytest.raises(ValueError, match="bytes"):
            seal_share(bytes(key), bytes(nonce), b"", b"")
        with pytest.raises(ValueError, match="bytes"):
            open_share(bytes(key), bytes(nonce), bytes(16), b"")


class TestKeyFile:
    """Bytes sealed under a passphrase."""

    def test_the_passphrase_opens_it(self) -> None:
        """In either spelling of its accented letter."""
        assert open_with_passphrase(FILE, "Müller reist", header=b"trustee 3") == SECRET
        assert open_with_passphrase(FILE, "Mu\u0308ller reist", header=b"trustee 3") == SECRET
        assert SECRET not in FILE

    @pytest.mark.attack("OP-01")
    def test_wrong_passphrase_header_and_tampering_are_one_error(self) -> None:
        """The message does not tell which it was."""
        flipped = [
            FILE[:at] + bytes([FILE[at] ^ 1]) + FILE[at + 1 :]
            for at in (18, 33, 34, 57, 58, len(FILE) - 17, len(FILE) - 1)
        ]
        attempts = [
            (FILE, "Müller reist ", b"trustee 3"),
            (FILE, "Müller reist", b"trustee 4"),
            (FILE[:-1], "Müller reist", b"trustee 3"),
            (FILE + b"\0", "Müller reist", b"trustee 3"),
            *[(data, "Müller reist", b"trustee 3") for data in flipped],
        ]
        messages = set()
        for data, passphrase, header in attempts:
            with pytest.raises(StoreError) as caught:
                open_with_passphrase(data, passphrase, header=header)
            messages.add(str(caught.value))
        assert len(messages) == 1

    @pytest.mark.attack("OP-01")
    def test_the_border_between_file_and_header_is_fixed(self) -> None:
        """Bytes cannot move from the ciphertext into the header."""
        with pytest.raises(StoreError):
            open_with_passphrase(FILE[:-1], "Müller reist", header=b"trustee 3" + FILE[-1:])

    def test_no_two_files_are_alike(self) -> None:
        """Salt and nonce are fresh."""
        again = seal_with_passphrase(SECRET, "Müller reist", header=b"trustee 3", cost=COST_SMALL)
        assert again[18:34] != FILE[18:34]
        assert again[34:58] != FILE[34:58]

    @pytest.mark.attack("OP-01", "PA-10")
    @pytest.mark.parametrize("code", [0, 4, 255])
    def test_a_cost_outside_the_allowed_set_is_refused_before_any_work(
        self, code: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No file can make us allocate what it likes."""
        monkeypatch.setattr(sealing, "argon2id", None)
        with pytest.raises(EncodingError) as caught:
            open_with_passphrase(FILE[:17] + bytes([code]) + FILE[18:], "Müller reist", header=b"trustee 3")
        assert caught.value.field == "cost"

    @given(st.binary(max_size=100))
    def test_what_is_no_key_file_is_malformed(self, data: bytes) -> None:
        """Also every file cut short within its prefix."""
        for candidate in (data, FILE[: min(len(data), 73)], b"\0" + FILE):
            with pytest.raises(EncodingError):
                open_with_passphrase(candidate, "x", header=b"")

    def test_files_of_a_later_version_are_refused(self) -> None:
        """The version byte is part of the magic."""
        with pytest.raises(EncodingError):
            open_with_passphrase(FILE[:16] + b"\2" + FILE[17:], "Müller reist", header=b"trustee 3")

    def test_a_cost_of_ones_own_cannot_be_sealed_with(self) -> None:
        """Costs are constants; a cheap one under a known code would be a trap."""
        with pytest.raises(ValueError, match="cost"):
            seal_with_passphrase(b"", "x", header=b"", cost=Cost(COST_DEFAULT.code, 1, 8192))

    @pytest.mark.parametrize("passphrase", ["", "secret\ud800"])
    def test_empty_or_broken_passphrases_are_refused_without_showing_them(self, passphrase: str) -> None:
        """Nothing of the passphrase is in the traceback."""
        with pytest.raises(EncodingError) as caught:
            seal_with_passphrase(b"", passphrase, header=b"", cost=COST_SMALL)
        assert "secret" not in "".join(traceback.format_exception_only(caught.value))
        assert caught.value.__cause__ is None

    def test_memory_that_is_not_to_be_had_is_a_store_error(self) -> None:
        """Not a crash and not a verdict."""
        with pytest.raises(StoreError, match="memory"):
            argon2id(b"x", bytes(16), ops=1, mem=1 << 41, length=32)


class TestHkdf:
    """HKDF-SHA512."""

    @given(st.binary(max_size=80), st.binary(max_size=20), st.binary(max_size=20), st.integers(1, 300))
    def test_shorter_output_is_a_prefix_of_longer(self, secret: bytes, salt: bytes, info: bytes, length: int) -> None:
        """As RFC 5869 has it."""
        assert hkdf_sha512(secret, salt=salt, info=info, length=400)[:length] == hkdf_sha512(
            secret, salt=salt, info=info, length=length
        )

    def test_every_input_matters(self) -> None:
        """Secret, salt and info each change the output."""
        outputs = {
            hkdf_sha512(secret, salt=salt, info=info, length=32)
            for secret in (b"a", b"b")
            for salt in (b"", b"s")
            for info in (b"", b"i")
        }
        assert len(outputs) == 8

    def test_a_value_computed_by_hand(self) -> None:
        """Extract and expand written out with HMAC."""
        extracted = hmac.digest(b"salt", b"secret", hashlib.sha512)
        first = hmac.digest(extracted, b"info\x01", hashlib.sha512)
        second = hmac.digest(extracted, first + b"info\x02", hashlib.sha512)
        assert hkdf_sha512(b"secret", salt=b"salt", info=b"info", length=100) == (first + second)[:100]

    @pytest.mark.parametrize("length", [0, -1, 16321])
    def test_lengths_out_of_range(self, length: int) -> None:
        """A programmer's error."""
        with pytest.raises(ValueError, match="16320"):
            hkdf_sha512(b"", salt=b"", info=b"", length=length)
