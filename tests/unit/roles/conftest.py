"""Whatever log a test here makes is judged by both verifiers; and the parts of a board that runs as a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.net.limits import ServiceLimits
from secballot.roles.board import BoardOperator
from secballot.roles.service import BoardService
from secballot.roles.witness import WitnessRole
from secballot.store.journal import Journal
from tests.forked import fork
from tests.loopback import serving
from tests.second_verifier import both_machines_agree
from tests.service_parts import KEYS, NAMES, Clock
from tests.simulator import Simulator, election, resolution
from tests.small_sitting import (
    ORIGIN,
    SMALL_MANIFEST,
    key,
    public,
)
from tests.wallets import make_device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from secballot.roles.voting import VotingDevice

__all__ = ["both_machines_agree"]


@pytest.fixture
def clock() -> Clock:
    """Return the board's clock."""
    return Clock()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[BoardOperator]:
    """Return the operator of a board without entries."""
    board = BoardOperator.create(tmp_path / "board.db", SMALL_MANIFEST, **KEYS)
    yield board
    board.close()


@pytest.fixture
def witnesses(tmp_path: Path) -> list[WitnessRole]:
    """Return the three witnesses of the manifest, in process."""
    roles = [WitnessRole(name, key(name), Journal.create(tmp_path / f"{name}.db")) for name in NAMES]
    for role in roles:
        role.follow(ORIGIN, public("log")[0])
    return roles


@pytest.fixture
def service(operator: BoardOperator, witnesses: list[WitnessRole], clock: Clock) -> Iterator[BoardService]:
    """Return the service of that board, with all witnesses."""
    made = BoardService(operator, witnesses, clock=clock)
    yield made
    made.close()


@pytest.fixture
def url(service: BoardService) -> Iterator[str]:
    """Return the URL of the running service, which publishes only when told to."""
    limits = ServiceLimits(key_burst=2, key_rate=0.001)
    with serving(service.server(limits, interval=3_600).app) as running:
        yield running


@pytest.fixture
def simulator() -> Simulator:
    """Return a sitting with an open poll of two contests."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution(), election()])
    return simulator


@pytest.fixture
def device(simulator: Simulator, tmp_path: Path) -> VotingDevice:
    """Return the first delegate's device."""
    return make_device(tmp_path / "wallet", simulator)
