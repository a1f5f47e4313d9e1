"""Registrar keys: whose key is staged for which slot, and which is a fault.

Source: SPEC.md#registrar-keys.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.protocol.registration import make_registrar_key
from tests.record_stage import (
    EFFECT,
    Stage,
    fault,
    golden_bodies,
    golden_entries,
    refused,
    said,
)
from tests.registrar_keys import test_key as published_key
from tests.registrar_keys import test_primes as published_primes
from tests.simulator import golden

if TYPE_CHECKING:
    from secballot.records.credential import RegistrarKey

KEYS = golden().simulator.rehearsal.keys


# Registrar keys ------------------------------------------------------------------------------------------------------


def key_body(number: int = 0) -> RegistrarKey:
    """Return a registrar key of the golden sitting: number 0 is registrar 1's for poll 1 and class 1."""
    return golden_bodies("registrar-key")[number][1]  # type: ignore[return-value]  # of that kind


def own_key(stage: Stage) -> bytes:
    """Return the first golden registrar key, as an entry."""
    return stage.entry(stage.keys.registrars[0], "registrar-key", key_body())


@cache
def certified(number: int, *, registration: int = 1, registrar: int = 1, poll: int = 1) -> RegistrarKey:
    """Return a well certified body for the published key of this number, class 1."""
    return make_registrar_key(golden().anchor, registrar, registration, poll, 1, published_key(number))


def with_modulus(n: int) -> RegistrarKey:
    """Return the first golden key with another modulus."""
    return msgspec.structs.replace(key_body(), modulus=n.to_bytes(384, "big"))


def test_a_certified_key_is_staged() -> None:
    """It takes effect for its own slot alone."""
    stage = Stage.after("roll")

    assert stage.log(own_key(stage)) == EFFECT
    assert {slot: set(keys) for slot, keys in stage.state.staged.keys.items()} == {(1, 1): {1}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"registration": 2}, "registration to come"),
        ({"poll": 3}, "no such poll"),
        ({"class_index": 3}, "no such class"),
        ({"poll": 2**53 - 1}, "no such poll"),
    ],
)
def test_a_key_for_no_slot_is_out_of_phase(change: dict[str, int], reason: str) -> None:
    """ENT-06, and no fault: nothing is claimed that is false."""
    stage = Stage.after("roll")
    body = msgspec.structs.replace(key_body(), **change)

    assert stage.post(stage.keys.registrars[0], "registrar-key", body) == refused("ENT-06"), reason


def bad_moduli() -> dict[str, int]:
    """Return moduli that are no honest product of two primes of 1536 bits."""
    p, q = published_primes(20)
    return {
        "zero": 0,
        "even": (p * q) ^ 1,
        "too short": p,
        "square": p * p,
        "small factor": 65_521 * (2**3072 // 65_521 // 2 * 2 - 1),
        "too small": (p * q) >> 1 | 1,
    }


@pytest.mark.parametrize("name", list(bad_moduli()))
def test_a_modulus_that_is_none_is_a_fault(name: str) -> None:
    """REG-02 names the registrar; the entry is the evidence, and the slot stays free."""
    stage = Stage.after("roll")

    body = with_modulus(bad_moduli()[name])
    assert stage.post(stage.keys.registrars[0], "registrar-key", body) == fault("REG-02", "registrar 1")
    assert stage.log(own_key(stage)) == EFFECT


def test_a_prime_modulus_is_a_fault() -> None:
    """REG-02: everyone can take roots modulo a prime."""
    stage = Stage.after("roll")
    entry = stage.entry(stage.keys.registrars[0], "registrar-key", with_modulus(2**3072 - 1_103_717))

    assert said(stage.record.append(entry)) == fault("REG-02", "registrar 1")


def uncertified() -> dict[str, RegistrarKey]:
    """Return bodies whose roots do not certify their modulus for the first slot."""
    body, replace = key_body(), msgspec.structs.replace
    roots = body.roots
    return {
        "no roots": replace(body, roots=bytes(3072)),
        "roots in another order": replace(body, roots=roots[384:] + roots[:384]),
        "one root changed": replace(body, roots=roots[:-1] + bytes([roots[-1] ^ 1])),
        "a root plus the modulus": replace(body, roots=b"\xff" * 384 + roots[384:]),
        "of another poll": replace(key_body(1), poll=1, class_index=1),
        "of another registrar": key_body(4),
        "of another registration": replace(certified(20, registration=2), registration=1),
        "of another key": replace(body, modulus=certified(20).modulus),
    }


@pytest.mark.parametrize("name", list(uncertified()))
def test_a_key_without_its_certificate_is_a_fault(name: str) -> None:
    """REG-03: what 65537 might share with the group's order stays unknown."""
    stage = Stage.after("roll")

    assert stage.post(stage.keys.registrars[0], "registrar-key", uncertified()[name]) == fault("REG-03", "registrar 1")
    assert stage.log(own_key(stage)) == EFFECT


@pytest.mark.attack("CR-05")
def test_a_key_that_another_key_shares_is_a_fault_of_the_later() -> None:
    """REG-04: the same modulus for another poll, another class, by another registrar, in another registration."""
    first, second = KEYS.registrars
    staged = Stage.after("roll")
    assert staged.log(own_key(staged)) == EFFECT
    modulus = int.from_bytes(key_body().modulus, "big")
    at = next(i for i in range(24) if published_key(i).public_key.n == modulus)

    assert staged.post(first, "registrar-key", certified(at, poll=2)) == fault("REG-04", "registrar 1")
    assert staged.post(second, "registrar-key", certified(at, registrar=2)) == fault("REG-04", "registrar 2")

    later = Stage.after("registration")
    again = certified(at, registration=2)
    assert later.post(first, "registrar-key", again) == fault("REG-04", "registrar 1")
    assert later.post(first, "registrar-key", certified(20, registration=2)) == EFFECT


@pytest.mark.attack("CR-02")
def test_a_second_key_for_one_slot_is_a_fault_and_a_repetition_is_none() -> None:
    """REG-02, even if the second is as good as the first; the same body again is ENT-06."""
    stage = Stage.after("registrar-key")
    registrar = stage.keys.registrars[0]

    assert stage.log(own_key(stage)) == refused("ENT-06")
    assert stage.post(registrar, "registrar-key", certified(20)) == fault("REG-02", "registrar 1")
    assert stage.post(registrar, "registrar-key", with_modulus(0)) == fault("REG-02", "registrar 1")


def test_a_key_refused_once_may_come_again() -> None:
    """Posted for a registration to come, the very same bytes have effect when it has come."""
    stage = Stage.after("roll")
    body = certified(21, registration=2)

    assert stage.post(stage.keys.registrars[0], "registrar-key", body) == refused("ENT-06")
    stage.log_all(golden_entries("registrar-key") + golden_entries("registration"))
    assert stage.post(stage.keys.registrars[0], "registrar-key", body) == EFFECT
