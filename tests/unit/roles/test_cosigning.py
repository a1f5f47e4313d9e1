"""Asking witnesses, of whom some answer when nobody listens any more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from secballot.roles.cosigning import Cosigning
from tests.service_parts import NAMES, DeadWitness
from tests.small_sitting import founding

if TYPE_CHECKING:
    from secballot.roles.board import BoardOperator
    from secballot.roles.witness import WitnessRole


def test_nobody_is_heard_after_the_close(operator: BoardOperator, witnesses: list[WitnessRole]) -> None:
    """Whoever closes this closes the store next, and a late answer would open it again."""
    operator.submit(founding(), now=1_700_000_000)
    note, let = operator.sign_checkpoint(), threading.Event()
    before = {thread.name for thread in threading.enumerate()}
    cosigning = Cosigning(operator, [DeadWitness(NAMES[0], let=let, then=witnesses[0])])
    cosigning.collect(note, now=1_700_000_000, enough=lambda: True)
    cosigning.close()
    kept = operator.store.checkpoint(2)
    let.set()
    for thread in threading.enumerate():
        if thread.name.startswith("witness") and thread.name not in before:
            thread.join(10)
    assert operator.store.checkpoint(2) == kept
    assert cosigning.failures == {}
