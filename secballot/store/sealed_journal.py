"""A journal whose values are sealed under a key of its own, so that a stolen disk or backup tells nothing.

    value = nonce (24 random bytes) | XChaCha20-Poly1305(key, value), bound to scope and key of the note

The key derives from the party's identity key, which lies under its passphrase. Scopes and keys of notes are public
anyway: polls, classes, roll keys. A party's seed, its RSA keys and its tallies are values.

Source: SPEC.md#sealing; RFC 5869.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from secballot.encoding import encode_u64
from secballot.errors import InvalidShareError, StoreError
from secballot.randomness import random_bytes
from secballot.sealing import KEY_BYTES, NONCE_BYTES, hkdf_sha512, open_share, seal_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secballot.signing import SigningKey
    from secballot.store.journal import Journal

_SALT: Final = b"secballot/v1"
_INFO: Final = b"journal"


class Notes(Protocol):
    """What a party needs of its journal; `Journal` and `SealedJournal` give it."""

    def put_once(self, scope: str, key: bytes, value: bytes) -> bytes:
        """Return what is durably noted under this key from now on: this value, or the one noted earlier."""

    def get(self, scope: str, key: bytes) -> bytes | None:
        """Return what is noted under this key, None if nothing is."""

    def replace(self, scope: str, key: bytes, old: bytes | None, new: bytes) -> None:
        """Note a new value where the old one still stands, durably."""

    def items(self, scope: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield every key of a scope with its value, by rising key."""


class SealedJournal:
    """Notes as of a `Journal`, whose values only the holder of the party's key can read, or make."""

    __slots__ = ("_journal", "_key")

    def __init__(self, journal: Journal, key: SigningKey) -> None:
        """Seal the values of this journal under a key derived from the party's identity key."""
        self._journal = journal
        self._key = hkdf_sha512(key.encode_private(), salt=_SALT, info=_INFO, length=KEY_BYTES)

    def __repr__(self) -> str:
        """Show nothing of the key."""
        return "SealedJournal(<redacted>)"

    def put_once(self, scope: str, key: bytes, value: bytes) -> bytes:
        """Return what is durably noted under this key from now on: this value, or the one noted earlier.

        Raises:
            StoreError: the database does not answer, or another party's key sealed what is noted.
        """
        return self._open(scope, key, self._journal.put_once(scope, key, self._seal(scope, key, value)))

    def get(self, scope: str, key: bytes) -> bytes | None:
        """Return what is noted under this key, None if nothing is.

        Raises:
            StoreError: as `put_once`.
        """
        sealed = self._journal.get(scope, key)
        return None if sealed is None else self._open(scope, key, sealed)

    def replace(self, scope: str, key: bytes, old: bytes | None, new: bytes) -> None:
        """Note a new value where the old one still stands, durably: compare and swap.

        Raises:
            StoreError: another value stands there, or as `put_once`.
        """
        sealed = self._journal.get(scope, key)
        held = None if sealed is None else self._open(scope, key, sealed)
        if held != old:
            raise StoreError("somebody else has changed this note")
        # Whoever changes the note between the look above and this swap has sealed it anew, so the swap fails.
        self._journal.replace(scope, key, sealed, self._seal(scope, key, new))

    def items(self, scope: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield every key of a scope with its value, by rising key, as they stand at one moment.

        Raises:
            StoreError: as `put_once`.
        """
        for key, sealed in self._journal.items(scope):
            yield key, self._open(scope, key, sealed)

    def _seal(self, scope: str, key: bytes, value: bytes) -> bytes:
        nonce = random_bytes(NONCE_BYTES)
        return nonce + seal_share(self._key, nonce, value, _place(scope, key))

    def _open(self, scope: str, key: bytes, sealed: bytes) -> bytes:
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return open_share(self._key, nonce, ciphertext, _place(scope, key))
        except (InvalidShareError, ValueError) as error:
            raise StoreError("the journal is not this key's, or was changed") from error


def _place(scope: str, key: bytes) -> bytes:
    """Return what a value is bound to: where it stands."""
    name = scope.encode()
    return encode_u64(len(name)) + name + key
