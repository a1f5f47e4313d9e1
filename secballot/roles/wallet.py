"""A delegate's wallet: one encrypted file for one sitting, and the rule that a sealed ballot is cast or opened.

Identity and credentials are in the phrase, and ballots are on the board, so a lost wallet is restored from paper. What
only the wallet holds is what lies between: a sealed ballot that is neither cast nor opened, one that no witness has
seen yet, promises and receipts.

- `seal` keeps what makes the ballot again: seed, fresh bytes, choices, its place after the credential's head.
- A decision is one durable change of the file, before anything is shown or sent: **cast** leaves the finished entry and
  no seed, choices or fresh bytes; **open** leaves what is shown and no fresh bytes, so that z never exists.
- Two processes decide one after the other, and the second finds nothing left to decide.
- A cast ballot's entry stays until a witnessed inclusion proof is there; then the receipt takes its place.

A copy of the file is a second wallet that knows nothing of decisions made since: it should not be copied, and a second
device is made from the phrase.

Source: SPEC.md#phrase, SPEC.md#sealing, SPEC.md#receipts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import msgspec

from secballot.board.merkle import leaf_hash
from secballot.encoding import CanonicalCodec, Uint
from secballot.errors import EncodingError, PhaseError, RefusalError, StoreError
from secballot.protocol.opened import OpenedBallot, Values
from secballot.protocol.phrase import Wallet
from secballot.records.fields import Bytes32, Digest, Index, Record, Tag
from secballot.records.promise import PROMISE, Promise
from secballot.roles.receipt import RECEIPT, Receipt
from secballot.sealing import COST_DEFAULT, Cost
from secballot.store.lockbox import MAX_BYTES, Lockbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLE: Final = "delegate"

_Entry = Annotated[bytes, msgspec.Meta(max_length=65_535)]
_Small = Annotated[bytes, msgspec.Meta(max_length=200_000)]
_Anchor = Annotated[bytes, msgspec.Meta(max_length=32)]
_Places = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=1_000)], ...], msgspec.Meta(max_length=50)]


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
        promise: the board's newest promise, empty before.
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
        """Return the board's promise, None before there is one."""
        return PROMISE.decode(self.promise) if self.promise else None

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


class DelegateWallet:
    """The wallet in its file; every change is durable before it is returned."""

    __slots__ = ("_box",)

    def __init__(self, box: Lockbox) -> None:
        """Hold an open file; use `create` or `open`."""
        self._box = box

    def __repr__(self) -> str:
        """Show nothing."""
        return "DelegateWallet(<redacted>)"

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        phrase: str,
        label: str,
        sitting_id: bytes,
        passphrase: str,
        cost: Cost = COST_DEFAULT,
    ) -> DelegateWallet:
        """Make the wallet of a phrase in a new file.

        Args:
            path: of a file that is not there.
            phrase: 24 words.
            label: of the sitting.
            sitting_id: the anchor, empty if it is not known yet.
            passphrase: of the file.
            cost: of one guess at the passphrase.

        Raises:
            EncodingError: phrase, label or passphrase are none.
            StoreError: there is a file already, or the disk does not take it.
        """
        Wallet(phrase, label)
        state = WalletState(
            boards=(),
            cast=(),
            checkpoint=b"",
            label=label,
            opened=(),
            phrase=" ".join(phrase.lower().split()),
            proxy="",
            sealed=(),
            sitting_id=sitting_id,
        )
        return cls(Lockbox.create(path, ROLE, WALLET.encode(state), passphrase, cost))

    @classmethod
    def open(cls, path: str | Path, passphrase: str) -> DelegateWallet:
        """Return the wallet in a file.

        Raises:
            StoreError: it cannot be read, is of another role, or the passphrase is wrong, or the file was changed.
            EncodingError: no wallet file.
        """
        wallet = cls(Lockbox.open(path, ROLE, passphrase))
        wallet.state()
        return wallet

    def state(self) -> WalletState:
        """Return what the wallet holds now."""
        return _decode(self._box.read())

    def secrets(self) -> Wallet:
        """Return what derives the delegate's secrets."""
        state = self.state()
        return Wallet(state.phrase, state.label)

    def anchor(self, given: bytes | None) -> bytes:
        """Return the sitting that the wallet is for, which the first one given decides.

        Raises:
            RefusalError: it is for another sitting, or none was ever given.
        """
        known = self.state().sitting_id
        if not known and given is None:
            raise RefusalError("the wallet does not know its sitting yet: give the sitting's id from the letter")
        if known and given is not None and known != given:
            raise RefusalError("the wallet is for another sitting; every sitting has a wallet of its own")
        if not known and given is not None:
            self._change(lambda state: _bound(state, given))
        return known or given or b""

    def remember_places(self, *, boards: tuple[str, ...], proxy: str) -> None:
        """Keep where the log is read and ballots are sent, and by which proxy."""
        wanted = {"boards": boards, "proxy": proxy}
        state = self.state()
        if any(getattr(state, name) != value for name, value in wanted.items()):
            self._change(lambda state: msgspec.structs.replace(state, **wanted))

    def seal(self, work: SealedWork) -> None:
        """Keep a sealed ballot; one of the same poll that is neither cast nor opened is dropped for good."""
        self._change(
            lambda state: msgspec.structs.replace(
                state, sealed=(*(other for other in state.sealed if other.poll != work.poll), work)
            )
        )

    def drop_sealed(self, poll: int) -> None:
        """Forget the sealed ballot of a poll, which then is neither cast nor opened, ever."""
        self._change(
            lambda state: msgspec.structs.replace(
                state, sealed=tuple(work for work in state.sealed if work.poll != poll)
            )
        )

    def decide_cast(self, poll: int, finish: Callable[[SealedWork], bytes]) -> CastWork:
        """Decide that the sealed ballot of a poll is cast, and return it finished; it may be sent from now on.

        Args:
            poll: its number.
            finish: makes the finished entry; whatever it makes is not seen by anybody before it is durable.

        Raises:
            PhaseError: there is none: it was cast, opened or dropped.
            StoreError: the file cannot be written; nothing is decided.
        """

        def change(state: WalletState) -> WalletState:
            work = _undecided(state, poll)
            cast = CastWork(
                entry=finish(work),
                given_up="",
                poll=poll,
                promise=b"",
                receipt=b"",
                sequence=work.sequence,
                tracker=work.tracker,
            )
            return _without(state, work, cast=(*state.cast, cast))

        return self._change(change).cast[-1]

    def decide_open(self, poll: int, finish: Callable[[SealedWork], OpenedBallot]) -> OpenedWork:
        """Decide that the sealed ballot of a poll is opened, and return what may be shown from now on.

        Raises:
            PhaseError: there is none: it was cast, opened or dropped.
            StoreError: the file cannot be written; nothing is decided.
        """

        def change(state: WalletState) -> WalletState:
            work = _undecided(state, poll)
            opened = OpenedWork(poll=poll, shown=finish(work).encode(), tracker=work.tracker)
            return _without(state, work, opened=(*state.opened, opened))

        return self._change(change).opened[-1]

    def keep_promise(self, tracker: bytes, promise: Promise) -> None:
        """Keep the board's promise beside the ballot."""
        self._change_cast(tracker, lambda work: msgspec.structs.replace(work, promise=PROMISE.encode(promise)))

    def keep_receipt(self, receipt: Receipt, *, sequence: int) -> None:
        """Keep a receipt: from now on the entry need not be sent again. One of an unknown ballot is kept as well.

        Args:
            receipt: checked by the caller.
            sequence: of its ballot, from 0.
        """
        encoded = RECEIPT.encode(receipt)

        def kept(work: CastWork) -> CastWork:
            return msgspec.structs.replace(work, entry=b"", given_up="", receipt=encoded)

        def change(state: WalletState) -> WalletState:
            if state.cast_with(receipt.tracker) is None:
                found = CastWork(
                    entry=b"",
                    given_up="",
                    poll=receipt.poll,
                    promise=b"",
                    receipt=encoded,
                    sequence=sequence,
                    tracker=receipt.tracker,
                )
                return msgspec.structs.replace(state, cast=(*state.cast, found))
            return _with_cast(state, receipt.tracker, kept)

        self._change(change)

    def give_up(self, tracker: bytes, reason: str) -> None:
        """Note that a ballot can no longer count; promise and entry are kept, since they may be evidence."""
        self._change_cast(tracker, lambda work: msgspec.structs.replace(work, given_up=reason[:1_000]))

    def recall(self, origin: str) -> bytes | None:
        """Return the note of the last checkpoint seen, None before the first (a memory of checkpoints)."""
        del origin  # a wallet is of one sitting, and a sitting has one log
        return self.state().checkpoint or None

    def keep(self, origin: str, note: bytes) -> None:
        """Keep a note in place of the one before; the caller has compared the two."""
        del origin
        if self.state().checkpoint != note:
            self._change(lambda state: msgspec.structs.replace(state, checkpoint=note))

    def _change_cast(self, tracker: bytes, change: Callable[[CastWork], CastWork]) -> None:
        self._change(lambda state: _with_cast(state, tracker, change))

    def _change(self, change: Callable[[WalletState], WalletState]) -> WalletState:
        return _decode(self._box.update(lambda contents: WALLET.encode(change(_decode(contents)))))


def _decode(contents: bytes) -> WalletState:
    try:
        return WALLET.decode(contents)
    except EncodingError as error:
        raise StoreError("the wallet was written by another version of this program") from error


def _undecided(state: WalletState, poll: int) -> SealedWork:
    work = state.sealed_in(poll)
    if work is None:
        raise PhaseError(f"no sealed ballot of poll {poll} waits to be cast or opened")
    return work


def _without(state: WalletState, work: SealedWork, **fields: object) -> WalletState:
    sealed = tuple(other for other in state.sealed if other is not work)
    return msgspec.structs.replace(state, sealed=sealed, **fields)


def _with_cast(state: WalletState, tracker: bytes, change: Callable[[CastWork], CastWork]) -> WalletState:
    cast = tuple(change(work) if work.tracker == tracker else work for work in state.cast)
    return msgspec.structs.replace(state, cast=cast)


def _bound(state: WalletState, sitting_id: bytes) -> WalletState:
    if state.sitting_id not in {b"", sitting_id}:
        raise RefusalError("the wallet is for another sitting; every sitting has a wallet of its own")
    return msgspec.structs.replace(state, sitting_id=sitting_id)
