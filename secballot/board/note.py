"""Signed notes: a text and the signatures of named keys under it.

    example.com/log
    42
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
    — witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbI=

The signed bytes are the text with its final newline, without the empty line that separates it from the signatures.
A signature line carries base64 of a 4-byte key id and the signature. A pair (name, key id) names a key; lines of
unknown pairs are ignored, a known key whose signature is false spoils the whole note.

Source: SPEC.md#signed-notes; C2SP signed-note@v1.0.0.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from secballot import signing
from secballot.encoding import b64decode, b64encode
from secballot.errors import EncodingError, InvalidSignatureError, NonCanonicalError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NOTE_SIZE: Final = 1_000_000
"""Most bytes of a note."""

MAX_SIGNATURE_LINES: Final = 100
MAX_KEY_NAME_SIZE: Final = 255
"""Most bytes of a key name in UTF-8; ML-DSA cosignatures could not carry more."""

KEY_ID_SIZE: Final = 4
ED25519_SIGNATURE_SIZE: Final = 64

ED25519: Final = 0x01
"""Signature type: Ed25519 over the text."""

ED25519_COSIGNATURE: Final = 0x04
"""Signature type: Ed25519 over a checkpoint and a time."""

ML_DSA_COSIGNATURE: Final = 0x06
"""Signature type: ML-DSA-44 over a checkpoint and a time."""

KEY_SIZES: Final = {ED25519: 32, ED25519_COSIGNATURE: 32, ML_DSA_COSIGNATURE: 1312}
"""Bytes of a public key, for each signature type that this library knows."""

_LINE_START = "— "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named public key, written as `name+530d903a+base64(type || key)`.

    Attributes:
        name: key name; not empty, no space, no `+`, at most 255 bytes.
        kind: signature type, one of `KEY_SIZES`.
        key: public key, 32 bytes (1312 for ML-DSA-44).
    """

    name: str
    kind: int
    key: bytes

    def __post_init__(self) -> None:
        """Refuse a name, type or key that no note could refer to.

        Raises:
            EncodingError: name malformed, type unknown, or key of another size.
        """
        check_key_name(self.name)
        if self.kind not in KEY_SIZES:
            raise EncodingError("verifier key of an unknown type", field="type")
        if len(self.key) != KEY_SIZES[self.kind]:
            raise EncodingError(f"a key of this type has {KEY_SIZES[self.kind]} bytes", field="key")

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a signature line refers to this key: a hash of name, type and key."""
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.key
        return hashlib.sha256(data).digest()[:KEY_ID_SIZE]

    def encode(self) -> str:
        """Return the text form."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([self.kind]) + self.key)}"

    @classmethod
    def decode(cls, text: str) -> VerifierKey:
        """Return the key that the text form names.

        Raises:
            EncodingError: malformed, of an unknown type, or with a key id that is not the key's.
        """
        # Only the first two plus signs separate: base64 has plus signs too.
        parts = text.split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 name, id, key
            raise EncodingError("a verifier key reads name+id+key", field="vkey")
        data = b64decode(parts[2], None)
        key = cls(parts[0], data[0] if data else 0, data[1:])
        if key.encode() != text:
            raise NonCanonicalError("the key id is not the one of this key", field="vkey")
        return key


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature of a note.

    Attributes:
        name: key name.
        key_id: 4 bytes.
        signature: at least 1 byte; what it means depends on the key's type.
    """

    name: str
    key_id: bytes
    signature: bytes

    @property
    def key(self) -> tuple[str, bytes]:
        """The pair that names the key."""
        return self.name, self.key_id

    def encode(self) -> str:
        """Return the line with its newline."""
        return f"{_LINE_START}{self.name} {b64encode(self.key_id + self.signature)}\n"

    @classmethod
    def decode(cls, line: str) -> SignatureLine:
        """Return the signature that a line with its newline holds.

        Raises:
            EncodingError: not exactly one signature line.
        """
        if not line.startswith(_LINE_START) or not line.endswith("\n"):
            raise EncodingError("not a signature line", field="signature")
        name, space, text = line.removeprefix(_LINE_START).removesuffix("\n").partition(" ")
        check_key_name(name)
        data = b64decode(text, None)
        if not space or len(data) <= KEY_ID_SIZE:
            raise EncodingError("a signature line holds a name, a key id and a signature", field="signature")
        return cls(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, none of them verified yet.

    Attributes:
        text: ends with a newline; no control character but newlines.
        signatures: 1..100 lines, in order.
    """

    text: str
    signatures: tuple[SignatureLine, ...]

    def encode(self) -> bytes:
        """Return the bytes of the note.

        Raises:
            EncodingError: the text is malformed, or there are no signatures, too many, or too large ones.
        """
        if not 1 <= len(self.signatures) <= MAX_SIGNATURE_LINES:
            raise EncodingError(f"a note has 1..{MAX_SIGNATURE_LINES} signatures", field="signatures")
        data = _encode_text(self.text + "\n" + "".join(line.encode() for line in self.signatures))
        if not self.text.endswith("\n") or len(data) > MAX_NOTE_SIZE:
            raise EncodingError("a note's text ends with a newline, and it is not too long", field="text")
        return data

    @classmethod
    def decode(cls, data: bytes) -> Note:
        """Return the note that these bytes are.

        Raises:
            EncodingError: too long, not UTF-8, control characters, or no well-formed signature block.
        """
        if len(data) > MAX_NOTE_SIZE:
            raise EncodingError("note too long")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise EncodingError("a note is UTF-8", offset=error.start) from error
        # The last empty line separates: the text may have empty lines of its own.
        body, separator, block = text.rpartition("\n\n")
        lines = block.split("\n")
        if not separator or lines.pop() != "":
            raise EncodingError("a note ends with signature lines behind an empty line", field="signatures")
        if len(lines) > MAX_SIGNATURE_LINES:
            raise EncodingError(f"a note has at most {MAX_SIGNATURE_LINES} signatures", field="signatures")
        note = cls(body + "\n", tuple(SignatureLine.decode(line + "\n") for line in lines))
        if note.encode() != data:
            raise NonCanonicalError("the note has another spelling")
        return note

    def with_signatures(self, lines: Iterable[SignatureLine]) -> Note:
        """Return the note with these signatures behind its own; one line a key, of which the newest stays."""
        newer = {line.key: line for line in lines}
        kept = [line for line in self.signatures if line.key not in newer]
        return replace(self, signatures=(*kept, *newer.values()))


class NoteVerifier(Protocol):
    """A key that can check one kind of signature."""

    @property
    def vkey(self) -> VerifierKey:
        """The public key with its name and type."""

    def verify(self, text: str, signature: bytes) -> None:
        """Check a signature of this key.

        Raises:
            InvalidSignatureError: it does not verify.
        """


class NoteSigner(Protocol):
    """A private key that makes one kind of signature that needs no time."""

    @property
    def vkey(self) -> VerifierKey:
        """The public key with its name and type."""

    def sign(self, text: str) -> SignatureLine:
        """Return the signature line under a text that ends with a newline."""


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """Checks signatures of type 0x01.

    Attributes:
        vkey: a key of type 0x01.
    """

    vkey: VerifierKey

    def verify(self, text: str, signature: bytes) -> None:
        """Check an Ed25519 signature over the text.

        Raises:
            InvalidSignatureError: not 64 bytes, it does not verify, or the key is not acceptable.
        """
        verify_ed25519(self.vkey.key, text.encode(), signature)


class Ed25519Signer:
    """Signs notes with type 0x01."""

    __slots__ = ("_key", "vkey")

    def __init__(self, name: str, key: signing.SigningKey) -> None:
        """Sign under this name with this key.

        Raises:
            EncodingError: the name cannot be a key name.
        """
        self._key = key
        self.vkey = VerifierKey(name, ED25519, key.verify_key.encode())

    def sign(self, text: str) -> SignatureLine:
        """Return the signature line under a text that ends with a newline.

        Raises:
            EncodingError: the text cannot be a note's.
        """
        return SignatureLine(self.vkey.name, self.vkey.key_id, self._key.sign(_encode_text(text)))


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note with at least one verified signature and none of a known key that is false.

    Attributes:
        note: the whole note.
        verified: one line for each known key that signed, in the order of the note.
    """

    note: Note
    verified: tuple[SignatureLine, ...]

    def line_of(self, vkey: VerifierKey) -> SignatureLine | None:
        """Return the verified line of a key, None if it did not sign."""
        return next((line for line in self.verified if line.key == (vkey.name, vkey.key_id)), None)


def open_note(note: Note, verifiers: Iterable[NoteVerifier]) -> OpenedNote:
    """Return the note with its verified signatures.

    Every line of a known key is checked, and a key counts once however often it signed.

    Args:
        note: the note.
        verifiers: the known keys.

    Raises:
        PolicyError: two known keys share name and key id.
        InvalidSignatureError: the signature of a known key is false, or no known key signed.

    Source: SPEC.md#signed-notes; C2SP signed-note, Verification.
    """
    known: dict[tuple[str, bytes], NoteVerifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.vkey.name, verifier.vkey.key_id), verifier).vkey != verifier.vkey:
            raise PolicyError("two known keys share name and key id, so a signature line would be ambiguous")
    verified: dict[tuple[str, bytes], SignatureLine] = {}
    for line in note.signatures:
        if line.key in known:
            known[line.key].verify(note.text, line.signature)
            verified.setdefault(line.key, line)
    if not verified:
        raise InvalidSignatureError("the note is not signed by any known key")
    return OpenedNote(note, tuple(verified.values()))


def sign_note(text: str, signers: Iterable[NoteSigner]) -> Note:
    """Return the note of this text under the signatures of all signers.

    Raises:
        EncodingError: the text is malformed, or there are no signers.
    """
    note = Note(text, tuple(signer.sign(text) for signer in signers))
    note.encode()
    return note


def verify_ed25519(key: bytes, message: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature by a key of a `VerifierKey`, 32 bytes.

    Raises:
        InvalidSignatureError: it does not verify, or the key is not acceptable.
    """
    signing.verify(signing.VerifyKey(key), message, signature)


def check_key_name(name: str) -> None:
    """Check that a text can be a key name.

    Raises:
        EncodingError: empty, more than 255 bytes of UTF-8, a `+`, a space of any kind or a control character.
    """
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        raise EncodingError("a key name is not empty and has no space, plus sign or control character", field="name")
    if len(_encode_text(name)) > MAX_KEY_NAME_SIZE:
        raise EncodingError(f"a key name has at most {MAX_KEY_NAME_SIZE} bytes", field="name")


def _encode_text(text: str) -> bytes:
    """Return the UTF-8 bytes of a text, refused if a note may not hold them."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise EncodingError("the text holds a lone surrogate", offset=error.start) from error
    if any(byte < 0x20 and byte != 0x0A for byte in data):  # noqa: PLR2004 control characters
        raise EncodingError("a note holds no control character but newlines")
    return data
