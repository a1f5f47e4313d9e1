"""Side channels as far as the library decides them: which calls of the engine secrets meet, and whether choices matter.

What an engine's call does inside is the engine's business, and not claimed here (SPEC.md#security-considerations).
`tests.adversary.recording_engine` records the calls in a process of its own.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest

from secballot import group
from tests.engines import ENGINES
from tests.packaging.source_tree import ROOT, library_sources

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif("libsodium" not in ENGINES, reason="the recording engine wraps libsodium's")

HASHED_OR_SEALED = {
    "protocol.casting:seal": "s goes into the hash behind T, beside fresh bytes",
    "protocol.ceremony_session:seal": "a share is sealed for its receiver",
    "protocol.tallying:partial_decrypt": "x goes into the hash behind a nonce, beside fresh bytes",
}
"""Who may encode a secret that is not posted as it is, and what becomes of the bytes."""

RESPONSES = {"proofs.knowledge:respond"}
"""Who encodes what is posted: a response, in which the nonce hides the secret."""


PLACES = {
    "to_ints": {
        "proofs.batch": "coefficients of a batch, which are public scalars",
        "proofs.knowledge": "both scalars of a posted proof",
        "protocol.ballot_proof": "posted challenges and responses, which are public scalars",
    },
    "from_ints": {
        "elgamal": "one half, and votes, which go on as scalars",
        "proofs.disjunctions": "the challenge, one half, and which branch is the true one, which go on as scalars",
        "proofs.knowledge": "the challenge",
        "protocol.ballot_encryption": "votes, which go on as scalars",
        "protocol.casting": "the challenge",
        "sharing": "an index",
    },
}
"""Which modules turn scalars into integers or back, and what these are."""


@cache
def recorded() -> dict[str, Any]:
    """Return what the recording engine saw."""
    environment = {**os.environ, "SECBALLOT_ENGINE": "libsodium"}
    command = [sys.executable, "-m", "tests.adversary.recording_engine"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_choice_takes_the_same_engine_calls() -> None:
    """OP-05, BA-12: any choice makes the same calls, on vectors of the same lengths, in the same order."""
    calls = recorded()["sealing"]["calls"]
    assert len(calls) == 20
    assert len({tuple(made) for made in calls}) == 1
    assert len(calls[0]) > 50
    assert any(made.startswith("multiply_base") for made in calls[0])


@pytest.mark.parametrize("where", ["sealing", "ceremony"])
def test_secret_scalars_meet_constant_time_calls_alone(where: str) -> None:
    """OP-05: no secret becomes a Python integer, or is given to a call that is named `vartime`."""
    found = recorded()[where]
    assert found["integers"] == []
    assert recorded()["ceremony"]["secrets"] > 100


def test_secrets_leave_the_engine_to_be_hashed_sealed_or_posted() -> None:
    """OP-05: whoever encodes a secret scalar is listed above; in a ballot all others are posted as they are."""
    assert set(recorded()["sealing"]["encoded"]) <= set(HASHED_OR_SEALED)
    assert set(recorded()["ceremony"]["encoded"]) == (set(HASHED_OR_SEALED) | RESPONSES) - {"protocol.casting:seal"}


def test_calls_in_variable_time_say_so_and_take_integers() -> None:
    """OP-05: a name tells, and the types keep secrets out: what is secret lives in `Scalars`, which they refuse."""
    named = {name for name in group.__all__ if name.startswith("vartime")}
    assert named == {"vartime_multiply", "vartime_multiply_base", "vartime_multiscalar_mul", "vartime_prime_order"}
    secret = group.Scalars.from_ints([5])
    calls: list[Callable[[], object]] = [
        partial(group.vartime_multiply_base, secret),  # type: ignore[arg-type]
        partial(group.vartime_multiply, group.BASE, secret),  # type: ignore[arg-type]
        partial(group.vartime_multiscalar_mul, secret, group.BASE),  # type: ignore[arg-type]
        partial(group.vartime_prime_order, secret),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises((TypeError, ValueError)):
            call()


def test_secrets_are_compared_in_constant_time() -> None:
    """OP-05: scalars cannot be compared by `==`; tags and trackers are compared by `hmac.compare_digest`."""
    secret = group.Scalars.from_ints([5])
    with pytest.raises(TypeError):
        secret == secret  # noqa: B015, PLR0124
    assert secret.equals(group.Scalars.from_ints([5]))
    compared = {
        source.module
        for source in library_sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr == "compare_digest"
    }
    assert {"secballot.protocol.opened", "secballot.roles.receipt", "secballot.roles.offline_receipt"} <= compared


@pytest.mark.parametrize("call", ["to_ints", "from_ints"])
def test_integers_of_scalars_are_asked_for_where_they_are_public(call: str) -> None:
    """OP-05: every place that turns scalars into integers or back is known; a new one has to be looked at here."""
    places = {
        source.module.removeprefix("secballot.")
        for source in library_sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr == call and source.module != "secballot._sodium"
        if not (isinstance(node.value, ast.Name) and node.value.id == "PublicScalars")
    }
    assert places == set(PLACES[call])
