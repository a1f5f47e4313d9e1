"""The one hash of the protocol: domain-separated, length-prefixed, of fixed arity per label.

    H(label, f1, …, fn) = SHA-512("secballot/v1" ‖ len64(label) ‖ label ‖ Σ len64(f) ‖ f)

Every Fiat–Shamir challenge, commitment and derived scalar is made here and nowhere else. A label fixes how many
fields it has and the size of those whose size never varies, so that two different field lists never hash the same
bytes and a forgotten field is an error in the first run of the code.

Source: SPEC.md#hash.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from secballot.encoding import encode_u64
from secballot.group import reduce_wide

if TYPE_CHECKING:
    from collections.abc import Sequence

SUITE: Final = "secballot/v1"
"""The only suite; constants live in code and a record may only name it."""

DIGEST_BYTES: Final = 64

_U64 = 8
_ANY = -1

_LABELS: Final[dict[str, tuple[int, ...]]] = {
    "entry": (_ANY, 32, _ANY),
    "promise": (32, 32, _U64, _U64, _U64),
    "ceremony-commit": (32, _U64, _U64, _ANY, 32, 32),
    "ceremony-secret": (32, _U64, _U64, _U64, _U64, 32, _ANY, 32, 32),
    "ceremony-encryption": (32, _U64, _U64, _U64, _U64, 32, _ANY, 32, 32),
    "share-key": (32, _U64, _U64, _U64, _ANY, 32, 32, 32),
    "complaint": (32, _U64, _U64, _U64, 32, 32, 32, 32, 32),
    "ceremony-transcript": (32, _U64, _ANY, _ANY, 32, _ANY),
    "certificate-element": (32, _U64, _U64, _U64, _U64, 384, _U64, _U64, _U64),
    "key-id": (32, _U64, _U64, _U64, _U64, 384),
    "credential": (32, _U64, _U64, 64, _U64, 32),
    "ballot": (32, 32, 32, _U64, _U64, 32, _ANY, _ANY, _U64, 32, 10, _U64, _ANY, _ANY, _ANY, 32),
    "ballot-root": (32, 32, 32, _U64, 32, 10, _ANY),
    "ballot-scalar": (64, _ANY, _U64, _U64, _U64),
    "ballot-nonce": (32, 32, 64),
    "tally": (32, 32, _ANY, _ANY),
    "decryption": (32, 64, _U64, 32, _U64, _U64, 32, 32, 32, 32),
    # Nonces and derived secrets of the trustees' own devices: no verifier computes them.
    "trustee-scalar": (32, 32, _U64, _U64, _ANY, _U64),
    "trustee-nonce": (32, 32, _ANY),
}
"""Bytes of every field of every label, in order; -1 where the size depends on the manifest or opening."""

_PREFIXES: Final = {label: SUITE.encode() + encode_u64(len(label)) + label.encode() for label in _LABELS}

_framing = lru_cache(maxsize=1 << 12)(encode_u64)
"""The 8 bytes of a length or integer, of which the same ones come again and again."""

Field = bytes | int | str
"""A field of a hash: bytes as they are, an integer as 8 bytes big-endian, text as UTF-8."""


def digest(label: str, *fields: Field) -> bytes:
    """Return the 64-byte hash of the labelled fields.

    Args:
        label: one of the labels of SPEC.md#hash.
        fields: exactly the label's fields, in its order.

    Raises:
        ValueError: unknown label, wrong number of fields, or a fixed-size field of another size; a bug of the caller.

    Source: SPEC.md#hash.
    """
    sizes = _LABELS.get(label)
    if sizes is None or len(sizes) != len(fields):
        raise ValueError(f"label {label!r} does not take {len(fields)} fields")
    return hashlib.sha512(_framed(_PREFIXES[label], label, sizes, fields)).digest()


def digests(label: str, common: Sequence[Field], rows: Sequence[tuple[int, ...]]) -> bytes:
    """Return the hashes of many field lists that differ only in their last fields, 64 bytes each.

    Args:
        label: one of the labels of SPEC.md#hash.
        common: the first fields of all lists.
        rows: for each hash the fields that follow, all of them integers.

    Raises:
        ValueError: as `digest`.

    Source: SPEC.md#hash.
    """
    sizes = _LABELS.get(label)
    if sizes is None or any(size != _U64 for size in sizes[len(common) :]):
        raise ValueError(f"label {label!r} does not go on with integers after {len(common)} fields")
    begun = _framed(_PREFIXES[label], label, sizes[: len(common)], common)
    return b"".join([hashlib.sha512(begun + end).digest() for end in _ends(tuple(rows), len(sizes) - len(common))])


class Begun:
    """A hash whose first fields are known: for many field lists that have these in common.

    Example: `Begun("credential", sitting_id, 1, 1, name, 1).digest(S)` is `digest("credential", sitting_id, …, S)`.
    """

    __slots__ = ("_begun", "_label", "_left")

    def __init__(self, label: str, *fields: Field) -> None:
        """Frame the first fields.

        Args:
            label: one of the labels of SPEC.md#hash.
            fields: the first of the label's fields, in its order.

        Raises:
            ValueError: as `digest`, but fields may be missing.

        Source: SPEC.md#hash.
        """
        sizes = _LABELS.get(label)
        if sizes is None or len(sizes) < len(fields):
            raise ValueError(f"label {label!r} does not begin with {len(fields)} fields")
        self._label, self._left = label, sizes[len(fields) :]
        self._begun = _framed(_PREFIXES[label], label, sizes[: len(fields)], fields)

    def digest(self, *fields: Field) -> bytes:
        """Return the 64-byte hash of the first fields and these, which are all that is left.

        Raises:
            ValueError: as `digest`.
        """
        if len(self._left) != len(fields):
            raise ValueError(f"label {self._label!r} does not go on with {len(fields)} fields")
        return hashlib.sha512(_framed(self._begun, self._label, self._left, fields)).digest()

    def challenge(self, *fields: Field) -> int:
        """Return the challenge of the first fields and these, as `challenge`."""
        return reduce_wide(self.digest(*fields))


@lru_cache(maxsize=64)
def _ends(rows: tuple[tuple[int, ...], ...], fields: int) -> list[bytes]:
    """Return the framed bytes of each row; the same rows are asked for again and again.

    Raises:
        ValueError: a row has another number of fields.
    """
    if any(len(row) != fields for row in rows):
        raise ValueError(f"a row does not have {fields} fields")
    eight = encode_u64(_U64)
    return [b"".join([eight + encode_u64(field) for field in row]) for row in rows]


def _framed(begun: bytes, label: str, sizes: Sequence[int], fields: Sequence[Field]) -> bytes:
    """Return the bytes that are hashed: what was begun, and then every field behind its length."""
    parts = [begun]
    for size, field in zip(sizes, fields, strict=True):
        data = field if isinstance(field, bytes) else _framing(field) if isinstance(field, int) else field.encode()
        length = len(data)
        if _ANY != size != length:
            raise ValueError(f"a field of {label!r} has {length} bytes where {size} belong")
        parts.append(_framing(length))
        parts.append(data)
    return b"".join(parts)


def challenge(label: str, *fields: Field) -> int:
    """Return the Fiat–Shamir challenge of the labelled fields, 0..ℓ−1: 512 bits reduced, so its bias is below 2^−256.

    Raises:
        ValueError: as `digest`.

    Source: SPEC.md#hash.
    """
    return reduce_wide(digest(label, *fields))
