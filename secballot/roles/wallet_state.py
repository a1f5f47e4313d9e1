"""What a delegate's wallet holds, and how it changes: records without a file.

No repr shows anything of it. Every change gives a new state; `roles.wallet` makes each durable before it is seen.

Source: SPEC.md#phrase, SPEC.md#sealing, SPEC.md#receipts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import msgspec

from secballot.board.merkle import leaf_hash
from secballot.encoding import CanonicalCodec, Uint
from secballot.errors import PhaseError, RefusalError
from secballot.protocol.opened import OpenedBallot, Values
from secballot.records.fields import Bytes32, Digest, Index, Record, Tag
from secballot.records.promise import PROMISE, Promise
from secballot.roles.receipt import RECEIPT, Receipt
from secballot.store.lockbox import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

_Entry = Annotated[bytes, msgspec.Meta(max_length=65_535)]
_Small = Annotated[bytes, msgspec.Meta(max_length=200_000)]
_Anchor = Annotated[bytes, msgspec.Meta(max_length=32)]
_Places = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=1_000)], ...], msgspec.Meta(max_length=50)]


MAX_PROMISES: Final = 16
"""Promises of one ballot that are kept."""


class _Private(Record, frozen=True):
    """A record of the wallet: no repr shows any of it."""

    def __repr__(self) -> str:
        """Show nothing."""
        return f"{type(self).__name__}(<redacted>)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Keep rich from listing the fields."""
        return []

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the file is the only place for this."""
        raise TypeError("what a wallet holds cannot be pickled")


class SealedWork(_Private, frozen=True):
    """A sealed ballot, neither cast nor opened: what makes it again, byte for byte.

    Attributes:
        choices: per contest open to the class, the value of every option.
        ctx: of the poll, 32 bytes.
        fresh: the bytes behind its nonce.
        poll, previous, sequence: its place.
        seed: of all its other secrets.
        tag: the delegate's.
        tracker: as it was shown, 32 bytes.
    """

    choices: tuple[Values, ...]
    ctx: Digest
    fresh: Bytes32
    poll: Index
    previous: Digest
    seed: Bytes32
    sequence: Uint
    tag: Tag
    tracker: Digest


class OpenedWork(_Private, frozen=True):
    """A ballot that was opened, and what was shown of it; nothing here can complete it."""

    poll: Index
    shown: _Entry
    tracker: Digest

    def ballot(self) -> OpenedBallot:
        """Return what was shown."""
        return OpenedBallot.decode(self.shown)


class CastWork(_Private, frozen=True):
    """A ballot that was cast.

    Attributes:
        entry: its bytes, to be sent again and again; empty once a receipt is there, or the ballot is given up.
        given_up: why it can no longer count, empty if it can.
        poll: its poll.
        promise: the board's promises, the newest last, one a line; empty before the first.
        receipt: empty before.
        sequence: its number, from 0.
        tracker: 32 bytes.
    """

    entry: _Entry
    given_up: Annotated[str, msgspec.Meta(max_length=1_000)]
    poll: Index
    promise: _Small
    receipt: _Small
    sequence: Uint
    tracker: Digest

    @property
    def unsent(self) -> bool:
        """Whether no witnessed inclusion proof is there, and there is hope for one."""
        return bool(self.entry) and not self.given_up

    def leaf(self) -> bytes:
        """Return the leaf hash of the entry, 32 bytes; of no entry, that of none."""
        return leaf_hash(self.entry)

    def the_promise(self) -> Promise | None:
        """Return the board's newest promise, None before there is one."""
        return next(reversed(self.the_promises()), None)

    def the_promises(self) -> tuple[Promise, ...]:
        """Return the board's promises, the newest last: a later one takes back none that was given before."""
        return tuple(PROMISE.decode(line) for line in self.promise.splitlines())

    def promised(self, promise: Promise) -> CastWork:
        """Return the ballot with one more promise; of very many, the first ones and the newest are kept."""
        known = self.the_promises()
        if promise in known:
            return self
        lines = [PROMISE.encode(one) for one in (*known[: MAX_PROMISES - 1], promise)]
        return msgspec.structs.replace(self, promise=b"\n".join(lines))

    def the_receipt(self) -> Receipt | None:
        """Return the receipt, None before there is one."""
        return RECEIPT.decode(self.receipt) if self.receipt else None


class WalletState(_Private, frozen=True):
    """All that a wallet holds.

    Attributes:
        boards: where the log is read, and ballots are sent where it is a URL: board, mirrors, drop boxes; as last used.
        cast: ballots that were cast, in that order.
        checkpoint: note of the last checkpoint seen, empty before.
        label: of the sitting, given out by the commission.
        opened: ballots that were opened, in that order.
        phrase: 24 words.
        proxy: for all requests, empty for none; as last used.
        sealed: at most one for a poll.
        sitting_id: the anchor, empty until it is known.
    """

    boards: _Places
    cast: tuple[CastWork, ...]
    checkpoint: _Small
    label: str
    opened: tuple[OpenedWork, ...]
    phrase: str
    proxy: Annotated[str, msgspec.Meta(max_length=1_000)]
    sealed: tuple[SealedWork, ...]
    sitting_id: _Anchor

    def sealed_in(self, poll: int) -> SealedWork | None:
        """Return the ballot of a poll that is neither cast nor opened, None if there is none."""
        return next((work for work in self.sealed if work.poll == poll), None)

    def opened_in(self, poll: int) -> OpenedWork | None:
        """Return the ballot of a poll that was opened last, None if none was."""
        return next((work for work in reversed(self.opened) if work.poll == poll), None)

    def cast_with(self, tracker: bytes) -> CastWork | None:
        """Return the cast ballot with this tracker, None if there is none."""
        return next((work for work in self.cast if work.tracker == tracker), None)


WALLET: Final = CanonicalCodec(WalletState, max_bytes=MAX_BYTES - 1_000)


def undecided(state: WalletState, poll: int) -> SealedWork:
    """Return the sealed ballot of a poll.

    Raises:
        PhaseError: there is none: it was cast, opened or dropped.
    """
    work = state.sealed_in(poll)
    if work is None:
        raise PhaseError(f"no sealed ballot of poll {poll} waits to be cast or opened")
    return work


def without(state: WalletState, work: SealedWork, **fields: object) -> WalletState:
    """Return the state without a sealed ballot, and with these fields."""
    sealed = tuple(other for other in state.sealed if other is not work)
    return msgspec.structs.replace(state, sealed=sealed, **fields)


def with_cast(state: WalletState, tracker: bytes, change: Callable[[CastWork], CastWork]) -> WalletState:
    """Return the state with a cast ballot changed; one that is not there stays away."""
    cast = tuple(change(work) if work.tracker == tracker else work for work in state.cast)
    return msgspec.structs.replace(state, cast=cast)


def bound(state: WalletState, sitting_id: bytes) -> WalletState:
    """Return the state with the sitting it is for.

    Raises:
        RefusalError: it is for another one.
    """
    if state.sitting_id not in {b"", sitting_id}:
        raise RefusalError("the wallet is for another sitting; every sitting has a wallet of its own")
    return msgspec.structs.replace(state, sitting_id=sitting_id)
