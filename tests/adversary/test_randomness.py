"""Randomness that fails, repeats in forked processes, or is not there.

Source: SPEC.md#sealing.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest
from nacl.exceptions import CryptoError

from secballot.blind import blind_sign, emsa_pss_encode, prepare
from secballot.errors import SecballotError
from secballot.group import Scalars
from secballot.protocol.ballots import check_ballots
from secballot.sealing import COST_SMALL, seal_with_passphrase
from secballot.signing import SigningKey
from tests.forked import fork
from tests.registrar_keys import test_key as published_key
from tests.simulator import TAGS, resolution
from tests.stages import FOR, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def in_children(action: Callable[[], bytes], count: int = 3) -> list[bytes]:
    """Return what an action gives in so many forked processes that begin alike, and in the parent afterwards."""
    answers = []
    for _ in range(count):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.write(writer, action())
                code = 0
            finally:
                os._exit(code)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answers.append(pipe.read())
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    return [*answers, action()]


@forks
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_devices_seal_differently() -> None:
    """OP-07, FS-17: processes that share every byte of memory share no nonce, seed, key or salt."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution()])
    delegate = simulator.rehearsal.delegates[0]
    message = prepare(bytes(32), b"m" * 64)
    key = published_key(0)

    def sealed() -> bytes:
        ballot = delegate.seal(1, (FOR,), TAGS[0]).cast()
        return ballot.commitment + ballot.contests[0].ciphertexts[:32]

    def factor() -> bytes:
        seen = []

        def draw(size: int) -> bytes:
            seen.append(os.urandom(size))
            return seen[-1]

        blind_sign(key, emsa_pss_encode(message, 3071, bytes(48)), rng=draw)
        return seen[0][:32]

    for action in (sealed, factor, SigningKey.generate().encode_private, lambda: Scalars.random().encode()):
        answers = in_children(action)
        if action.__name__ == "encode_private":
            assert len(set(answers)) == 1, "the control: without fresh bytes all of them agree"
        else:
            assert len(set(answers)) == len(answers)
    assert len(set(in_children(lambda: SigningKey.generate().encode_private()))) == 4
    assert len(set(in_children(lambda: seal_with_passphrase(b"x", "words", header=b"", cost=COST_SMALL)[:48], 1))) == 2


def nothing(size: int) -> bytes:
    """Have no randomness to give, as an operating system says it."""
    raise OSError(38, "no randomness")


def short(size: int) -> bytes:
    """Give less than was asked for."""
    return bytes(size // 2)


@pytest.mark.parametrize("source", [nothing, short])
def test_no_randomness_no_secret(source: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """OP-07: whoever gets no random bytes, or too few, makes no key, ballot, file or verdict; nothing stands in."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution()])
    delegate = simulator.rehearsal.delegates[0]
    ballot = delegate.seal(1, (FOR,), TAGS[0]).cast()
    context = simulator.board.record.state.polls[1].context
    message = emsa_pss_encode(prepare(bytes(32), b"m" * 64), 3071, bytes(48))
    monkeypatch.setattr(os, "urandom", source)
    attempts: list[Callable[[], object]] = [
        partial(delegate.seal, 1, (FOR,), TAGS[0]),
        SigningKey.generate,
        partial(seal_with_passphrase, b"x", "words", header=b"", cost=COST_SMALL),
        partial(blind_sign, published_key(0), message, rng=source),
        partial(check_ballots, context, [ballot], known_credential=lambda _: False, draw=source),
    ]
    for attempt in attempts:
        with pytest.raises(Exception) as raised:  # noqa: PT011  # whatever it is, it is not a result
            attempt()
        assert isinstance(raised.value, OSError | ValueError | SecballotError | CryptoError), raised


def test_one_seed_serves_one_ballot() -> None:
    """OP-07, FS-17: a device whose random bytes repeat seals two ballots that share no nonce and no ciphertext."""
    stream = Stream()
    stream.open(resolution())
    first, other = stream.ballot(0, (FOR,), tag=TAGS[0]), stream.ballot(0, (FOR,), tag=TAGS[1])
    assert first.commitment != other.commitment
    pieces = [
        value[at : at + 32]
        for ballot in (first, other)
        for contest in ballot.contests
        for value in (contest.ciphertexts, contest.commitments)
        for at in range(0, len(value), 32)
    ]
    assert len(set(pieces)) == len(pieces)
