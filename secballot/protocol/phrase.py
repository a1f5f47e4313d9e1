"""A delegate's secrets, all of them from 24 words and the label of the sitting; and what the delegate does with them.

The seed of the phrase is the 64 bytes of BIP-39 with an empty passphrase, and everything hangs from it by name::

    HKDF-SHA512(seed, salt = "secballot/v1", info = frame(purpose, label, fields…), n bytes)
    frame(x, f…) = len64(x) ‖ x ‖ len64(f) ‖ f ‖ …

So a lost device is restored from paper, and a request made again is the same bytes. Ballot seeds never come from here,
and neither does anything that is shared by two sittings with different labels.

Source: SPEC.md#phrase, SPEC.md#credentials; BIP-39; RFC 5869; RFC 9474.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final, NoReturn

from mnemonic import Mnemonic

from secballot import blind
from secballot.encoding import check_text, encode_u64
from secballot.errors import EncodingError, ProtocolError
from secballot.group import WIDE_BYTES, Scalars, multiply_base
from secballot.protocol.registration import Credential, credential_message, key_id, polls_of_request
from secballot.records.credential import CredentialRequest
from secballot.sealing import hkdf_sha512
from secballot.signing import KEY_BYTES, SigningKey
from secballot.transcript import SUITE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.blind import BlindPublicKey

__all__ = ["ENTROPY_BYTES", "WORDS", "Credential", "Wallet", "finalize", "generate_phrase", "phrase_words", "request"]

WORDS: Final = 24
"""Words of a phrase."""

ENTROPY_BYTES: Final = 32
"""Bytes of entropy in a phrase; its last word also holds a checksum of 8 bits."""

MAX_LABEL_BYTES: Final = 100
"""Most bytes of a label in UTF-8."""


@cache
def _bip39() -> Mnemonic:
    """Return BIP-39 with the English word list."""
    return Mnemonic("english")


@cache
def _words() -> frozenset[str]:
    """Return the 2048 words of the English list."""
    return frozenset(_bip39().wordlist)


def phrase_words() -> frozenset[str]:
    """Return the 2048 words that a phrase is made of.

    Source: BIP-39.
    """
    return _words()


def generate_phrase(entropy: bytes) -> str:
    """Return the phrase of 24 English words that holds this entropy.

    Args:
        entropy: 32 secret uniform bytes, drawn for this phrase alone.

    Raises:
        ValueError: another length.

    Source: BIP-39.
    """
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"entropy of a phrase is not {ENTROPY_BYTES} bytes")
    return _bip39().to_mnemonic(entropy)


def phrase_seed(phrase: str) -> bytes:
    """Return the 64-byte seed of a phrase, which is checked first.

    Case and white space are forgiven, since people type phrases; nothing else is.

    Raises:
        EncodingError: not 24 words, one that is not on the list (`offset` counts words from 0), or a wrong checksum.
            No word is in the error.

    Source: SPEC.md#phrase; BIP-39.
    """
    words = unicodedata.normalize("NFKD", phrase).lower().split()
    if len(words) != WORDS:
        raise EncodingError(f"phrase has {len(words)} words instead of {WORDS}", field="phrase")
    for at, word in enumerate(words):
        if word not in _words():
            raise EncodingError(f"word {at + 1} of the phrase is not on the list", field="phrase", offset=at)
    canonical = " ".join(words)
    if not _bip39().check(canonical):
        raise EncodingError("words of the phrase do not go together: one is wrong, or two are swapped", field="phrase")
    return Mnemonic.to_seed(canonical)


class Wallet:
    """What a delegate can derive for one sitting. It shows nothing of it, and can be neither pickled nor copied."""

    __slots__ = ("_label", "_seed")

    def __init__(self, phrase: str, label: str) -> None:
        """Take the phrase that the delegate keeps and the label that was given out for the sitting.

        Raises:
            EncodingError: no phrase of 24 words, or a label that is empty, over 100 bytes, or no text of a record.

        Source: SPEC.md#phrase.
        """
        check_text(label, max_bytes=MAX_LABEL_BYTES, field="label")
        if not label:
            raise EncodingError("label is empty", field="label")
        self._seed = phrase_seed(phrase)
        self._label = label

    def __repr__(self) -> str:
        """Show nothing: even the label tells which sitting somebody takes part in."""
        return "Wallet(<redacted>)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled or copied: the phrase on paper is the only other copy."""
        raise TypeError("a wallet cannot be pickled or copied")

    def _derive(self, purpose: str, *fields: bytes | int, length: int) -> bytes:
        """Return the secret bytes of this name; names are framed, so that no two lists of fields give one name.

        Source: SPEC.md#phrase.
        """
        info = bytearray()
        for field in (purpose.encode(), self._label.encode(), *fields):
            data = encode_u64(field) if isinstance(field, int) else field
            info += encode_u64(len(data)) + data
        return hkdf_sha512(self._seed, salt=SUITE.encode(), info=bytes(info), length=length)

    def signing_key(self) -> SigningKey:
        """Return the delegate's roll key."""
        return SigningKey.from_seed(self._derive("identity", length=KEY_BYTES))

    def credential_secret(self, sitting_id: bytes, registration: int, poll: int) -> Scalars:
        """Return s, the secret of the delegate's credential for one poll."""
        return Scalars.from_wide(self._derive("credential", sitting_id, registration, poll, length=WIDE_BYTES))

    def randomizer(self, sitting_id: bytes, name: bytes) -> bytes:
        """Return the message randomizer for the registrar's key of this key id, 32 bytes."""
        return self._derive("randomizer", sitting_id, name, length=blind.RANDOMIZER_BYTES)

    def salt(self, sitting_id: bytes, name: bytes) -> bytes:
        """Return the PSS salt for the registrar's key of this key id, 48 bytes."""
        return self._derive("salt", sitting_id, name, length=blind.SALT_BYTES)

    def blinding(self, sitting_id: bytes, name: bytes, public_key: BlindPublicKey) -> int:
        """Return the blinding factor r for the registrar's key of this key id, a unit in 1 < r < N."""

        def block(counter: int) -> bytes:
            return self._derive("blinding", sitting_id, name, counter, length=blind.MODULUS_BYTES)

        return blind.derive_r(public_key, block)


class _Blinding:
    """One registrar's part of one credential: the prepared message, blinded, and the secret to unblind it with."""

    __slots__ = ("blinded", "inverse", "prepared", "randomizer")

    def __init__(self, wallet: Wallet, place: tuple[bytes, int, int, int, int], S: bytes, key: BlindPublicKey) -> None:  # noqa: N803
        """Derive it for sitting_id, registration, registrar, poll and class."""
        sitting_id, _, registrar, poll, class_index = place
        name = key_id(*place, key)
        self.randomizer = wallet.randomizer(sitting_id, name)
        message = credential_message(sitting_id, poll, registrar, name, class_index, S)
        self.prepared = blind.prepare(self.randomizer, message)
        r = wallet.blinding(sitting_id, name, key)
        self.blinded, self.inverse = blind.blind(key, self.prepared, salt=wallet.salt(sitting_id, name), r=r)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the secret of a blinding is neither pickled nor copied")


def _blindings(
    wallet: Wallet, place: tuple[bytes, int, int, int], keys: Sequence[BlindPublicKey]
) -> tuple[bytes, list[_Blinding]]:
    """Return S and each registrar's part of the credential for sitting_id, registration, poll and class."""
    sitting_id, registration, poll, class_index = place
    S = multiply_base(wallet.credential_secret(sitting_id, registration, poll)).encode()  # noqa: N806
    return S, [
        _Blinding(wallet, (sitting_id, registration, registrar, poll, class_index), S, key)
        for registrar, key in enumerate(keys, start=1)
    ]


def request(
    wallet: Wallet,
    *,
    sitting_id: bytes,
    registration: int,
    first_poll: int,
    class_index: int,
    keys: Sequence[Sequence[BlindPublicKey]],
) -> CredentialRequest:
    """Return the delegate's request for credentials; the same arguments always give the same bytes.

    Args:
        wallet: the delegate's secrets.
        sitting_id: the anchor, 32 bytes.
        registration: the current registration.
        first_poll: the delegate's next poll without a request.
        class_index: the delegate's class.
        keys: for each poll from `first_poll` to the last of the sitting, the registrars' keys of this class as the
            verified record gives them, in manifest order; never from anywhere else.

    Raises:
        ProtocolError: there are no keys.
        InvalidSignatureError: a key is not of the suite.

    Source: SPEC.md#requests.
    """
    if not keys or not keys[0]:
        raise ProtocolError("there is nobody to ask for a credential")
    covered = keys[: polls_of_request(len(keys), len(keys[0]))]
    blinded = []
    for poll, row in enumerate(covered, start=first_poll):
        _, parts = _blindings(wallet, (sitting_id, registration, poll, class_index), row)
        blinded.append(b"".join(part.blinded for part in parts))
    return CredentialRequest(tuple(blinded), first_poll, registration)


def finalize(
    wallet: Wallet,
    *,
    sitting_id: bytes,
    registration: int,
    poll: int,
    class_index: int,
    keys: Sequence[BlindPublicKey],
    signatures: Sequence[bytes],
) -> Credential:
    """Return the delegate's credential for one poll, every signature verified.

    Args:
        wallet: the delegate's secrets.
        sitting_id: the anchor, 32 bytes.
        registration: the registration of the request.
        poll: the poll.
        class_index: the delegate's class.
        keys: the registrars' keys of this registration, poll and class, in manifest order.
        signatures: each registrar's blind signature for this poll, 384 bytes, in manifest order.

    Raises:
        ProtocolError: not one signature per registrar, or no registrar.
        EncodingError: a blind signature has another length.
        InvalidSignatureError: a signature does not verify when unblinded.

    Source: SPEC.md#credentials; RFC 9474 §4.4.
    """
    if not keys or len(signatures) != len(keys):
        raise ProtocolError("not one blind signature per registrar")
    S, parts = _blindings(wallet, (sitting_id, registration, poll, class_index), keys)  # noqa: N806
    unblinded = [
        blind.finalize(key, part.prepared, signature, part.inverse)
        for key, part, signature in zip(keys, parts, signatures, strict=True)
    ]
    return Credential(S, class_index, b"".join(part.randomizer for part in parts), b"".join(unblinded))
