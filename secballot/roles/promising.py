"""Promises of places in the log: made for what an operator admits, and for what it has taken over from another.

Source: SPEC.md#promise, SPEC.md#handover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from secballot.records.promise import PROMISE, Promise

if TYPE_CHECKING:
    from secballot.signing import SigningKey
    from secballot.store.board import BoardStore


def sign_promise(
    key: SigningKey, sitting_id: bytes, leaf: bytes, index: int, *, now: int, maximum_delay: int
) -> Promise:
    """Return the promise that the entry with this leaf hash stands at this index.

    Args:
        key: the operator's promise key.
        sitting_id: 32 bytes.
        leaf: leaf hash of the entry, 32 bytes.
        index: of its place.
        now: seconds since the epoch.
        maximum_delay: seconds until a checkpoint covers it.
    """
    promise = Promise(index, leaf, maximum_delay, bytes(64), sitting_id, now)
    return msgspec.structs.replace(promise, signature=key.sign(promise.message()))


def promise_taken_over(store: BoardStore, promise: Promise) -> Promise | None:
    """Return the promise of a place that an operator before this one gave, None if there is one of this operator.

    The sender may have had no answer, or one that went down with the board before. From then on it is the same.

    Args:
        store: the log.
        promise: of the entry's place as it stands, by the operator in office.

    Raises:
        StoreError: the store does not answer.

    Source: SPEC.md#handover.
    """
    if store.promise(promise.index) is not None:
        return None
    return PROMISE.decode(store.give_promise(promise.index, PROMISE.encode(promise)))
