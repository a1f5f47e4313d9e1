"""The entry: the envelope of everything on the board, and the register of its kinds.

    {"body":{…},"kind":"closing","signature":"…","signer":"…"}        signed
    {"body":{…},"kind":"ballot"}                                        unsigned: ballot and objection

Source: SPEC.md#entry-envelope.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from secballot.encoding import MAX_ENTRY_BYTES, CanonicalCodec
from secballot.errors import EncodingError
from secballot.records import (
    ballot,
    ceremony,
    closing,
    convening,
    credential,
    decryption,
    document,
    manifest,
    opening,
    promise,
    result,
    roll,
)
from secballot.records.fields import Bytes32, Bytes64, Record
from secballot.transcript import Begun

if TYPE_CHECKING:
    from collections.abc import Mapping

CODECS: Final[Mapping[str, CanonicalCodec[Any]]] = {
    "adjournment": closing.ADJOURNMENT,
    "annul": closing.ANNULMENT,
    "ballot": ballot.BALLOT,
    "ceremony-commit": ceremony.CEREMONY_COMMIT,
    "ceremony-complain": ceremony.CEREMONY_COMPLAIN,
    "ceremony-confirm": ceremony.CEREMONY_CONFIRM,
    "ceremony-restart": ceremony.CEREMONY_RESTART,
    "ceremony-reveal": ceremony.CEREMONY_REVEAL,
    "ceremony-shares": ceremony.CEREMONY_SHARES,
    "closing": closing.CLOSING,
    "consent": convening.CONSENT,
    "convening": convening.CONVENING,
    "credential-issue": credential.CREDENTIAL_ISSUE,
    "credential-request": credential.CREDENTIAL_REQUEST,
    "decryption": decryption.DECRYPTION,
    "document": document.DOCUMENT,
    "extension": opening.EXTENSION,
    "handover": promise.HANDOVER,
    "lapse": closing.LAPSE,
    "manifest": manifest.MANIFEST,
    "objection": closing.OBJECTION,
    "opening": opening.OPENING,
    "registrar-key": credential.REGISTRAR_KEY,
    "registration": roll.REGISTRATION,
    "registration-close": roll.REGISTRATION_CLOSE,
    "result": result.RESULT,
    "roll": roll.ROLL_CHUNK,
}
"""Every kind of entry and the codec of its body."""

UNSIGNED: Final = frozenset({"ballot", "objection"})
"""Kinds without signature: a ballot's proof signs it, an objection carries its own evidence."""

_OPENING: Final = b'{"body":'
_KIND: Final = b',"kind":"'
_BALLOT_END: Final = b',"kind":"ballot"}'
_END_BYTES: Final = 256
"""More than a signed envelope has behind its body: kind, signature and signer."""

NO_SITTING: Final = bytes(32)
"""Stands for the sitting_id in the manifest's own signature."""


class _SignedEnvelope(Record, frozen=True):
    body: msgspec.Raw
    kind: str
    signature: Bytes64
    signer: Bytes32


class _BareEnvelope(Record, frozen=True):
    body: msgspec.Raw
    kind: str


_SIGNED: Final = CanonicalCodec(_SignedEnvelope)
_BARE: Final = CanonicalCodec(_BareEnvelope)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One well-formed entry.

    Attributes:
        kind: one of `CODECS`.
        body: the decoded body.
        body_bytes: its canonical bytes.
        signer: Ed25519 public key, 32 bytes; empty for unsigned kinds.
        signature: 64 bytes; empty for unsigned kinds.
    """

    kind: str
    body: msgspec.Struct
    body_bytes: bytes
    signer: bytes
    signature: bytes

    @property
    def body_hash(self) -> bytes:
        """Return the SHA-256 of the body: sitting_id of a manifest, ctx of an opening."""
        return hashlib.sha256(self.body_bytes).digest()


def decode_envelope(data: bytes) -> tuple[str, bytes, bytes, bytes]:
    """Return kind, body bytes, signer and signature of an entry whose envelope is canonical.

    Raises:
        EncodingError: more than 65,535 bytes, or no canonical envelope (ENT-01).

    Source: SPEC.md#entry-envelope.
    """
    if data.endswith(b'"}') and b'"signer":"' in data[-60:]:
        signed = _SIGNED.decode(data)
        return signed.kind, bytes(signed.body), signed.signer, signed.signature
    bare = _BARE.decode(data)
    return bare.kind, bytes(bare.body), b"", b""


def decode_body(kind: str, body: bytes, signer: bytes, signature: bytes) -> Entry:
    """Return the entry with this body decoded.

    Raises:
        EncodingError: unknown kind, a signature where none belongs or none where one does, or no canonical body of
            this kind (ENT-01).

    Source: SPEC.md#entry-envelope.
    """
    codec = CODECS.get(kind)
    if codec is None:
        raise EncodingError("unknown kind of entry", field="kind")
    if bool(signer) == (kind in UNSIGNED):
        raise EncodingError(f"an entry of kind {kind} is {'un' if kind in UNSIGNED else ''}signed", field="signature")
    return Entry(kind=kind, body=codec.decode(body), body_bytes=body, signer=signer, signature=signature)


def decode_entry(data: bytes) -> Entry:
    """Return the entry that these bytes are.

    Raises:
        EncodingError: as `decode_envelope` and `decode_body`.

    Source: SPEC.md#entry-envelope.
    """
    parts = _parts_in_place(data)
    if parts is not None:
        try:
            return decode_body(*parts)
        except EncodingError:
            pass  # what is wrong, and with which part, the two decoders say that look at all of it
    return decode_body(*decode_envelope(data))


def _parts_in_place(data: bytes) -> tuple[str, bytes, bytes, bytes] | None:
    """Return what `decode_envelope` does, without decoding, of bytes that are an entry if the body is one.

    A canonical envelope has one layout, so it is decoded with another body in the place of its own. If what stands
    there is the canonical body of its kind, the whole is canonical; if not, it may still be an envelope.
    """
    if len(data) > MAX_ENTRY_BYTES or not data.startswith(_OPENING):
        return None
    if data.endswith(_BALLOT_END):
        return "ballot", data[len(_OPENING) : -len(_BALLOT_END)], b"", b""
    at = data.rfind(_KIND, -_END_BYTES)
    if at < 0:
        return None
    try:
        signed = _SIGNED.decode(_OPENING + b"0" + data[at:])
    except EncodingError:
        return None
    return signed.kind, data[len(_OPENING) : at], signed.signer, signed.signature


def encode_body(kind: str, body: msgspec.Struct) -> bytes:
    """Return the canonical bytes of a body of this kind.

    Raises:
        EncodingError: a field is out of range.
        TypeError: the body is not of this kind's type.
    """
    return CODECS[kind].encode(body)


def signing_message(kind: str, sitting_id: bytes, body_bytes: bytes) -> bytes:
    """Return the 64 bytes that the signer of an entry signs.

    Args:
        kind: kind of entry.
        sitting_id: 32 bytes; ignored for a manifest, which cannot sign its own hash.
        body_bytes: canonical bytes of the body.

    Source: SPEC.md#entry-envelope.
    """
    return _begun(kind, NO_SITTING if kind == "manifest" else sitting_id).digest(body_bytes)


@lru_cache(maxsize=256)
def _begun(kind: str, sitting_id: bytes) -> Begun:
    """Return what all signed messages of one kind and sitting begin with."""
    return Begun("entry", kind, sitting_id)


def encode_signed(kind: str, body_bytes: bytes, signer: bytes, signature: bytes) -> bytes:
    """Return the entry of a signed kind.

    Raises:
        EncodingError: the entry exceeds 65,535 bytes, or a field is out of range.
    """
    return _SIGNED.encode(_SignedEnvelope(msgspec.Raw(body_bytes), kind, signature, signer))


def encode_unsigned(kind: str, body_bytes: bytes) -> bytes:
    """Return the entry of an unsigned kind.

    Raises:
        EncodingError: the entry exceeds 65,535 bytes.
    """
    return _BARE.encode(_BareEnvelope(msgspec.Raw(body_bytes), kind))
