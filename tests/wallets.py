"""Wallets of the simulator's delegates, whose phrases follow from its seed; and what finds secrets in files."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from secballot.errors import RefusalError, TransportError
from secballot.protocol.phrase import generate_phrase
from secballot.roles.rehearsal import Entropy
from secballot.roles.remote import KeptError
from secballot.roles.submission import Waiting
from secballot.roles.voting import VotingDevice
from secballot.roles.wallet import DelegateWallet
from secballot.sealing import COST_SMALL
from tests.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from secballot.records.promise import Promise

PASSPHRASE = "correct horse"
LABEL = "rehearsal"
TAG, OTHER_TAG, THIRD_TAG = "3164225163", "6152243316", "2516336142"


@cache
def phrases() -> tuple[str, ...]:
    """Return the phrases of the delegates of every simulator of the small plan and the usual seed."""
    rehearsal = Simulator().rehearsal
    drawn: list[bytes] = []
    draw = rehearsal.entropy.draw

    def drawing(size: int) -> bytes:
        drawn.append(draw(size))
        return drawn[-1]

    rehearsal.entropy = Entropy(draw=drawing, rsa_key=rehearsal.entropy.rsa_key)
    rehearsal.enrol()
    return tuple(map(generate_phrase, drawn))


def make_wallet(path: Path, number: int = 0, sitting_id: bytes = b"", label: str = LABEL) -> DelegateWallet:
    """Return the wallet of the delegate with this number, in a new file."""
    return DelegateWallet.create(
        path, phrase=phrases()[number], label=label, sitting_id=sitting_id, passphrase=PASSPHRASE, cost=COST_SMALL
    )


def make_device(path: Path, simulator: Simulator, number: int = 0) -> VotingDevice:
    """Return a device of a delegate with a new wallet, which posts to the simulator's board."""
    wallet = make_wallet(path, number, simulator.board.anchor)
    return VotingDevice(wallet, simulator.rehearsal.view(), [simulator.rehearsal])


def contents(wallet: DelegateWallet) -> bytes:
    """Return what the wallet's file says when it is opened."""
    return wallet._box.read()


@dataclass
class Time:
    """A clock that the waiting itself moves, and something that happens while it does."""

    now: float = 0
    then: Callable[[], object] = lambda: None
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.slept.append(seconds)
        self.then()

    def waiting(self, patience: float = 100) -> Waiting:
        """Return how long to wait by this clock."""
        return Waiting(patience=patience, interval=5, clock=lambda: self.now, sleep=self.sleep)


@dataclass
class Board:
    """A board that takes, refuses, drops or does not answer."""

    simulator: Simulator
    answer: str = "takes"
    seen: list[bytes] = field(default_factory=list)

    def post(self, entry: bytes) -> Promise:
        """Answer as it is told to."""
        self.seen.append(entry)
        rehearsal = self.simulator.rehearsal
        if self.answer == "takes":
            return rehearsal.post(entry)
        if self.answer == "drops":
            return self.simulator.board.promise(entry, len(self.simulator.board.entries), rehearsal.now)
        if self.answer == "keeps":
            raise KeptError("kept")
        if self.answer == "refuses":
            raise RefusalError("no", check="BAL-03")
        raise TransportError("nobody there")
