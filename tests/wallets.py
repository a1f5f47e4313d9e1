"""Wallets of the simulator's delegates, whose phrases follow from its seed; and what finds secrets in files."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from secballot.protocol.phrase import generate_phrase
from secballot.roles.rehearsal import Entropy
from secballot.roles.voting import VotingDevice
from secballot.roles.wallet import DelegateWallet
from secballot.sealing import COST_SMALL
from tests.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

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
