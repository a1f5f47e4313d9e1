r"""Cosignatures: what a witness adds to a checkpoint, and when.

A witness signs only checkpoints that grow from the one it signed before, so a cosignature says: at this time this was
the largest tree I had seen of this log, and it contained all earlier ones. The payload of the signature line is a
time, u64 big-endian in seconds since the epoch, and the signature, over

    cosignature/v1                                         Ed25519, type 0x04
    time 1679315147
    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

or, for ML-DSA-44 (type 0x06), over `"subtree/v1\n" || 0x00 || u8 length || cosigner name || u64 time ||
u8 length || origin || u64 start || u64 end || root`, with start 0 and end the tree size.

Source: SPEC.md#cosignatures; C2SP tlog-cosignature@v1.0.1, and v1.1.0-rc.1 for 0x06.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import (
    ED25519,
    ED25519_COSIGNATURE,
    KEY_SIZES,
    ML_DSA_COSIGNATURE,
    Ed25519Verifier,
    SignatureLine,
    VerifierKey,
    open_note,
    verify_ed25519,
)
from secballot.encoding import decode_u64, encode_u64
from secballot.errors import EncodingError, InvalidSignatureError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.board.checkpoint import SignedCheckpoint
    from secballot.board.note import NoteVerifier
    from secballot.signing import SigningKey

try:
    # From release 48 of `cryptography` on, where it is built with OpenSSL 3.5 or newer.
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
except ImportError:  # pragma: no cover - depends on the installed release
    _HAS_ML_DSA = False
else:
    _HAS_ML_DSA = True

MAX_TIME: Final = 2**63 - 1
"""Latest time of a cosignature, in seconds since the epoch."""

ML_DSA_SEED_SIZE: Final = 32

ED25519_COSIGNATURE_SIZE: Final = 72
"""Bytes of a cosignature of type 0x04 in a signature line: time and signature. No other type has as many."""

_TIME_SIZE = 8
_LACKING = "this installation has no ML-DSA: it takes release 48 of the package cryptography, on OpenSSL 3.5 or newer"
_SUBTREE_LABEL = b"subtree/v1\n\x00"


class Cosigner(Protocol):
    """A witness's private key."""

    @property
    def vkey(self) -> VerifierKey:
        """The public key with its name and type."""

    def cosign(self, text: str, time: int) -> SignatureLine:
        """Return the cosignature under a checkpoint's text at a time in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Ed25519CosignatureVerifier:
    """Checks cosignatures of type 0x04.

    Attributes:
        vkey: a key of type 0x04.
    """

    vkey: VerifierKey

    def verify(self, text: str, signature: bytes) -> None:
        """Check a time and an Ed25519 signature over it and the checkpoint.

        Raises:
            InvalidSignatureError: malformed, or it does not verify.
        """
        time, inner = _split_time(signature)
        verify_ed25519(self.vkey.key, _ed25519_message(text, time), inner)


class Ed25519Cosigner:
    """Cosigns checkpoints with type 0x04."""

    __slots__ = ("_key", "vkey")

    def __init__(self, name: str, key: SigningKey) -> None:
        """Cosign under this name. The signature does not bind the name, so use the key for nothing else.

        Raises:
            EncodingError: the name cannot be a key name.
        """
        self._key = key
        self.vkey = VerifierKey(name, ED25519_COSIGNATURE, key.verify_key.encode())

    def cosign(self, text: str, time: int) -> SignatureLine:
        """Return the cosignature line.

        Raises:
            EncodingError: the text is no checkpoint, or the time is not 1..2^63-1.
        """
        Checkpoint.decode(text)
        _check_time(time, earliest=1)
        signature = self._key.sign(_ed25519_message(text, time))
        return SignatureLine(self.vkey.name, self.vkey.key_id, encode_u64(time) + signature)


@dataclass(frozen=True, slots=True)
class MlDsaVerifier:
    """Checks signatures of type 0x06, of witnesses and of logs.

    Attributes:
        vkey: a key of type 0x06.
    """

    vkey: VerifierKey

    def verify(self, text: str, signature: bytes) -> None:
        """Check a time and an ML-DSA-44 signature over it and the checkpoint.

        Raises:
            InvalidSignatureError: malformed, a checkpoint with extension lines, or it does not verify.
            PolicyError: this installation has no ML-DSA, so nothing can be said.
        """
        key = _ml_dsa_key(self.vkey.key)
        time, inner = _split_time(signature)
        try:
            key.verify(inner, _ml_dsa_message(self.vkey.name, Checkpoint.decode(text), time))
        except (InvalidSignature, ValueError, EncodingError) as error:
            raise InvalidSignatureError("the ML-DSA signature does not verify") from error


class MlDsaCosigner:
    """Signs checkpoints with type 0x06: as a witness with a time, as a log with time 0."""

    __slots__ = ("_key", "vkey")

    def __init__(self, name: str, seed: bytes) -> None:
        """Sign under this name with the key that a 32-byte seed expands to.

        Raises:
            EncodingError: the name cannot be a key name, or the seed is not 32 bytes.
            PolicyError: this installation has no ML-DSA.
        """
        if len(seed) != ML_DSA_SEED_SIZE:
            raise EncodingError("an ML-DSA seed has 32 bytes", field="seed")
        check_has_ml_dsa()
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.vkey = VerifierKey(name, ML_DSA_COSIGNATURE, self._key.public_key().public_bytes_raw())

    def cosign(self, text: str, time: int) -> SignatureLine:
        """Return the signature line.

        Raises:
            EncodingError: the text is no checkpoint or has extension lines, or the time is not 0..2^63-1.
        """
        _check_time(time, earliest=0)
        message = _ml_dsa_message(self.vkey.name, Checkpoint.decode(text), time)
        return SignatureLine(self.vkey.name, self.vkey.key_id, encode_u64(time) + self._key.sign(message))

    def sign(self, text: str) -> SignatureLine:
        """Return the signature of a log under its own checkpoint: time 0, which says nothing of recency."""
        return self.cosign(text, 0)


def check_has_ml_dsa() -> None:
    """Check that this installation can sign and verify with ML-DSA-44.

    Raises:
        PolicyError: it cannot.
    """
    _ml_dsa_key(bytes(KEY_SIZES[ML_DSA_COSIGNATURE]))


def verifier(vkey: VerifierKey) -> NoteVerifier:
    """Return what checks the signatures of this key."""
    if vkey.kind == ED25519:
        return Ed25519Verifier(vkey)
    if vkey.kind == ED25519_COSIGNATURE:
        return Ed25519CosignatureVerifier(vkey)
    return MlDsaVerifier(vkey)


def cosignature_time(line: SignatureLine) -> int:
    """Return the time of a cosignature line, in seconds since the epoch.

    Raises:
        InvalidSignatureError: too short to hold a time, or the time is above 2^63-1.
    """
    return _split_time(line.signature)[0]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One verified cosignature of a checkpoint.

    Attributes:
        vkey: the witness's key.
        time: seconds since the epoch, 1..2^63-1.
    """

    vkey: VerifierKey
    time: int


def open_cosignatures(signed: SignedCheckpoint, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """Return the verified cosignatures of known witnesses, in the order of the keys, each key once.

    Whether they are enough is for the caller's policy to say.

    Args:
        signed: a checkpoint with the log's signature verified.
        witnesses: known keys of a cosignature type.

    Raises:
        PolicyError: a key of another type, or two keys share name and key id.
        InvalidSignatureError: a cosignature of a known key is false, or says time 0.

    Source: SPEC.md#cosignatures.
    """
    if any(vkey.kind == ED25519 for vkey in witnesses):
        raise PolicyError("a witness key is of a cosignature type")
    named = {(vkey.name, vkey.key_id) for vkey in witnesses}
    if not any(line.key in named for line in signed.note.signatures):
        return ()
    opened = open_note(signed.note, [verifier(vkey) for vkey in witnesses])
    found = []
    for vkey in witnesses:
        line = opened.line_of(vkey)
        if line is not None:
            found.append(Cosignature(vkey, cosignature_time(line)))
    if any(cosignature.time == 0 for cosignature in found):
        raise InvalidSignatureError("a witness that gives no time does not say that the checkpoint was the newest")
    return tuple(found)


def _ed25519_message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _ml_dsa_message(name: str, checkpoint: Checkpoint, time: int) -> bytes:
    if checkpoint.extensions:
        raise EncodingError("ML-DSA cosignatures do not cover extension lines", field="extensions")
    cosigner, origin = name.encode(), checkpoint.origin.encode()
    start, end = encode_u64(0), encode_u64(checkpoint.tree_size)
    # Names and origins have at most 255 bytes, so their length always fits the one byte before them.
    who = bytes([len(cosigner)]) + cosigner
    what = bytes([len(origin)]) + origin + start + end + checkpoint.root
    return _SUBTREE_LABEL + who + encode_u64(time) + what


def _split_time(signature: bytes) -> tuple[int, bytes]:
    time = decode_u64(signature[:_TIME_SIZE]) if len(signature) >= _TIME_SIZE else MAX_TIME + 1
    if time > MAX_TIME:
        raise InvalidSignatureError("a cosignature begins with a time in 8 bytes, below 2^63")
    return time, signature[_TIME_SIZE:]


def _check_time(time: int, *, earliest: int) -> None:
    if not earliest <= time <= MAX_TIME:
        raise EncodingError(f"a cosignature's time is {earliest}..2^63-1 seconds since the epoch", field="time")


def _ml_dsa_key(public: bytes) -> MLDSA44PublicKey:
    if not _HAS_ML_DSA:  # pragma: no cover - depends on the installed release
        raise PolicyError(_LACKING)
    try:
        return MLDSA44PublicKey.from_public_bytes(public)
    except UnsupportedAlgorithm as error:  # pragma: no cover - depends on the installed release
        raise PolicyError(_LACKING) from error
