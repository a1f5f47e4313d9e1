"""Simulators of the convened sitting, and of one with a closed poll, to be taken further by their parties."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from secballot.encoding import encode_u64
from tests.second_verifier import ignore, mark, watch
from tests.simulator import Simulator, election, resolution
from tests.stages import convened, published_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.roles.registrar import Registrar
    from secballot.store.sealed_journal import Notes

SCOPES = ("seed", "tally", "decryption", "objection-clock", "issued", "rsa")
"""What parties note in their journals."""


def copy_journal(source: Notes, target: Notes, scopes: Sequence[str] = SCOPES) -> None:
    """Note in one journal what another holds."""
    for scope in scopes:
        for key, value in source.items(scope):
            target.put_once(scope, key, value)


@cache
def closed_poll() -> Simulator:
    """Return a sitting with a closed poll of two contests and eight ballots; not to be changed."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution(), election()])
    simulator.vote(1)
    simulator.rehearsal.close_poll(1)
    ignore(simulator.board)
    mark(simulator.board)
    return simulator


def fork(base: Simulator | None = None, size: int | None = None) -> Simulator:
    """Return a simulator of its own that stands where another does, journals included.

    Args:
        base: the other; the convened sitting by default.
        size: entries logged, if fewer than all; the parties' journals then know no more than their keys.
    """
    old = base or convened()
    new = Simulator(old.plan, old.seed)
    watch(new.board)
    for entry in old.board.entries[:size]:
        new.board.force(entry)
    new.board.notes = {at: note for at, note in old.board.notes.items() if at <= len(new.board.entries)}
    new.rehearsal.enrol()
    new.rehearsal.now = old.rehearsal.now
    for trustee, twin in zip(old.rehearsal.trustees, new.rehearsal.trustees, strict=True):
        copy_journal(trustee._journal, twin._journal, SCOPES if size is None else SCOPES[:1])
    for registrar, registrars_twin in zip(old.rehearsal.registrars, new.rehearsal.registrars, strict=True):
        if size is None:
            copy_journal(registrar._journal, registrars_twin._journal)
        else:
            _restore_keys(new, registrars_twin)
    return new


def _restore_keys(simulator: Simulator, registrar: Registrar) -> None:
    """Note the registrar's RSA keys of the first registration, as they were before they were destroyed."""
    index = simulator.board.manifest.registrars.index(registrar.public_key) + 1
    for registration in simulator.board.record.state.registrations:
        for (poll, class_index), keys in registration.keys.items():
            slot = encode_u64(1) + encode_u64(poll) + encode_u64(class_index)
            registrar._journal.put_once("rsa", slot, _encoded_secret(keys[index].n))


@cache
def _encoded_secret(modulus: int) -> bytes:
    return published_secret(modulus).encode_private()
