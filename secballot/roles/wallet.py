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

from typing import TYPE_CHECKING, Final

import msgspec

from secballot.errors import EncodingError, RefusalError, StoreError
from secballot.protocol.phrase import Wallet
from secballot.roles.receipt import RECEIPT, Receipt
from secballot.roles.wallet_state import (
    WALLET,
    CastWork,
    OpenedWork,
    SealedWork,
    WalletState,
    bound,
    undecided,
    with_cast,
    without,
)
from secballot.sealing import COST_DEFAULT, Cost
from secballot.store.lockbox import Lockbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from secballot.protocol.opened import OpenedBallot
    from secballot.records.promise import Promise

ROLE: Final = "delegate"


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
            self._change(lambda state: bound(state, given))
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
            work = undecided(state, poll)
            cast = CastWork(
                entry=finish(work),
                given_up="",
                poll=poll,
                promise=b"",
                receipt=b"",
                sequence=work.sequence,
                tracker=work.tracker,
            )
            return without(state, work, cast=(*state.cast, cast))

        return self._change(change).cast[-1]

    def decide_open(self, poll: int, finish: Callable[[SealedWork], OpenedBallot]) -> OpenedWork:
        """Decide that the sealed ballot of a poll is opened, and return what may be shown from now on.

        Raises:
            PhaseError: there is none: it was cast, opened or dropped.
            StoreError: the file cannot be written; nothing is decided.
        """

        def change(state: WalletState) -> WalletState:
            work = undecided(state, poll)
            opened = OpenedWork(poll=poll, shown=finish(work).encode(), tracker=work.tracker)
            return without(state, work, opened=(*state.opened, opened))

        return self._change(change).opened[-1]

    def keep_promise(self, tracker: bytes, promise: Promise) -> None:
        """Keep the board's promise beside the ballot, and those before: a board could talk itself out of one else."""
        self._change_cast(tracker, lambda work: work.promised(promise))

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
            return with_cast(state, receipt.tracker, kept)

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
        self._change(lambda state: with_cast(state, tracker, change))

    def _change(self, change: Callable[[WalletState], WalletState]) -> WalletState:
        return _decode(self._box.update(lambda contents: WALLET.encode(change(_decode(contents)))))


def _decode(contents: bytes) -> WalletState:
    try:
        return WALLET.decode(contents)
    except EncodingError as error:
        raise StoreError("the wallet was written by another version of this program") from error
