"""A system that gives no random bytes: our own error says so and what to do, and nothing is made or signed.

That forked processes repeat no nonce, and that broken sources give nothing, is in tests/adversary/test_randomness.py.
"""

from __future__ import annotations

import os
import random
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import httpx
import pytest

from secballot.blind import blind_sign, emsa_pss_encode, prepare
from secballot.errors import ProtocolError
from secballot.protocol.ballots import check_ballots
from secballot.randomness import random_bytes
from secballot.roles.board import BoardOperator
from secballot.roles.service import BoardService
from secballot.sealing import COST_SMALL, seal_with_passphrase
from secballot.signing import SigningKey
from secballot.store.keyfile import write_key
from secballot.store.ml_dsa_keyfile import create_ml_dsa_key
from secballot_cli.main import ExitCode, run
from tests.forked import fork
from tests.loopback import serving
from tests.registrar_keys import test_key as published_key
from tests.sealed_ballots import ONE_OF_THREE, make_context
from tests.service_parts import KEYS, Clock
from tests.simulator import TAGS, resolution
from tests.small_sitting import NOW, SMALL_MANIFEST, ballot, founding, key, open_poll
from tests.stages import FOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTEXT = make_context(ONE_OF_THREE)


def nothing(size: int) -> bytes:
    """Refuse, as the system does where it has no source, or no file descriptor to read it."""
    raise OSError(24, "Too many open files")


@pytest.fixture
def dry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the process without randomness."""
    monkeypatch.setattr(os, "urandom", nothing)
    monkeypatch.setattr(random, "_urandom", nothing)


@pytest.mark.attack("OP-07")
@pytest.mark.usefixtures("dry")
def test_every_secret_says_what_is_missing(tmp_path: Path) -> None:
    """Keys and key files, and the bytes that others are made of."""
    attempts: list[Callable[[], object]] = [
        partial(random_bytes, 32),
        SigningKey.generate,
        partial(seal_with_passphrase, b"x", "words", header=b"", cost=COST_SMALL),
        partial(write_key, tmp_path / "new.key", key("log"), "words", COST_SMALL),
        partial(create_ml_dsa_key, tmp_path / "ml.key", "words", COST_SMALL),
    ]
    for attempt in attempts:
        with pytest.raises(ProtocolError, match="nothing is made or signed without"):
            attempt()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.attack("OP-07")
def test_no_ballot_and_no_blind_signature_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no proof is passed as good."""
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution()])
    delegate = simulator.rehearsal.delegates[0]
    ballot = delegate.seal(1, (FOR,), TAGS[0]).cast()
    context = simulator.board.record.state.polls[1].context
    message = emsa_pss_encode(prepare(bytes(32), b"m" * 64), 3071, bytes(48))
    monkeypatch.setattr(os, "urandom", nothing)
    attempts: list[Callable[[], object]] = [
        partial(delegate.seal, 1, (FOR,), TAGS[0]),
        partial(blind_sign, published_key(0), message, rng=nothing),
        partial(check_ballots, context, [ballot], known_credential=lambda _: False, draw=nothing),
    ]
    for attempt in attempts:
        with pytest.raises(ProtocolError, match="nothing is made or signed without"):
            attempt()


def test_a_board_promises_nothing_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unshuffled, a batch would tell who voted when: nothing of it is taken, and its senders are to come again."""
    operator = BoardOperator.create(tmp_path / "board.db", SMALL_MANIFEST, **KEYS)
    service = BoardService(operator, (), clock=Clock())
    service.submit(founding())
    open_poll(operator.record.state, CONTEXT)
    ballots = [ballot(CONTEXT, number) for number in range(3)]
    with monkeypatch.context() as drying:
        drying.setattr(random, "_urandom", nothing)
        with pytest.raises(ProtocolError, match="no random bytes"):
            service.submit(ballots)
        assert operator.store.size() == 2
        # Over HTTP it is the whole batch that has no answer yet.
        drying.setattr(service, "submit", lambda _: service_of_nothing(operator, ballots))
        with serving(service.server().app) as url:
            answer = httpx.post(f"{url}/entry", content=ballots[0], trust_env=False)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert operator.store.size() == 2
    assert all(reply.promise for reply in service.submit(ballots))
    assert operator.store.size() == 5
    service.close()
    operator.close()


def service_of_nothing(operator: BoardOperator, ballots: list[bytes]) -> NoReturn:
    """Judge a batch of several at once, however many of them one request brings."""
    operator.submit(ballots, now=NOW)
    raise AssertionError("the batch was taken without randomness")


@pytest.mark.usefixtures("dry")
def test_the_program_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is no bug of the program, and no key file appears."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse\n")
    passphrase.chmod(0o600)
    code = run(["key", "create", str(tmp_path / "new.key"), "--passphrase-file", str(passphrase)])
    assert code == ExitCode.REFUSED
    error = capsys.readouterr().err
    assert "no random bytes" in error
    assert "bug" not in error
    assert not (tmp_path / "new.key").exists()
