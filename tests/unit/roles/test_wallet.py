"""The wallet: cast or open and never both, whenever the process dies; one sitting, one role, one passphrase."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.encoding import b64encode
from secballot.errors import PhaseError, RefusalError, StoreError
from secballot.protocol.opened import OpenedBallot
from secballot.roles.wallet import DelegateWallet
from secballot.roles.wallet_state import SealedWork, WalletState
from tests.wallets import PASSPHRASE, TAG, contents, make_wallet, phrases

if TYPE_CHECKING:
    from collections.abc import Callable

SEED, FRESH = b"S" * 32, b"F" * 32
WORK = SealedWork(
    choices=((7, 11, 13),),
    ctx=b"c" * 32,
    fresh=FRESH,
    poll=1,
    previous=bytes(32),
    seed=SEED,
    sequence=0,
    tag=TAG,
    tracker=b"t" * 32,
)
SECRETS = (b64encode(SEED).encode(), b64encode(FRESH).encode(), b"[7,11,13]")


def finish(work: SealedWork) -> bytes:
    """Return what stands for a finished entry."""
    assert work == WORK
    return b"finished entry"


def show(work: SealedWork) -> OpenedBallot:
    """Return what stands for an opened ballot."""
    return OpenedBallot(
        choices=work.choices,
        class_index=1,
        commitment=bytes(32),
        credential=bytes(32),
        ctx=work.ctx,
        previous=work.previous,
        randomizers=b"",
        seed=work.seed,
        sequence=0,
        signatures=b"",
        tag=work.tag,
    )


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a wallet with a sealed ballot; not to be changed."""
    path = tmp_path_factory.mktemp("wallet") / "wallet"
    make_wallet(path).seal(WORK)
    return path


@pytest.fixture
def wallet(undecided: Path, tmp_path: Path) -> DelegateWallet:
    """Return a copy of it, open."""
    return DelegateWallet.open(shutil.copy(undecided, tmp_path / "wallet"), PASSPHRASE)


def test_a_cast_ballot_leaves_nothing_to_open(wallet: DelegateWallet) -> None:
    """The entry stays; seed, fresh bytes and choices are gone, and there is nothing left to decide."""
    for secret in SECRETS:
        assert secret in contents(wallet)
    cast = wallet.decide_cast(1, finish)
    assert (cast.entry, cast.tracker, cast.unsent) == (b"finished entry", WORK.tracker, True)
    for secret in SECRETS:
        assert secret not in contents(wallet)
    for again in (lambda: wallet.decide_cast(1, finish), lambda: wallet.decide_open(1, show)):
        with pytest.raises(PhaseError):
            again()


def test_an_opened_ballot_can_never_be_finished(wallet: DelegateWallet) -> None:
    """What is shown stays, to be shown again; the fresh bytes behind the nonce are gone, so z cannot be made."""
    opened = wallet.decide_open(1, show)
    assert opened.ballot().seed == SEED
    assert b64encode(FRESH).encode() not in contents(wallet)
    assert DelegateWallet.open(wallet._box.path, PASSPHRASE).state().opened_in(1) == opened
    for again in (lambda: wallet.decide_cast(1, finish), lambda: wallet.decide_open(1, show)):
        with pytest.raises(PhaseError):
            again()


def test_a_second_process_finds_nothing_to_decide(wallet: DelegateWallet) -> None:
    """Both have read the sealed ballot; the lock and the file decide who was first."""
    other = DelegateWallet.open(wallet._box.path, PASSPHRASE)
    assert other.state().sealed_in(1) == wallet.state().sealed_in(1) == WORK
    wallet.decide_open(1, show)
    with pytest.raises(PhaseError):
        other.decide_cast(1, finish)
    assert not other.state().cast


class Killed(BaseException):
    """The process ends here."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> list[str]:
    """Let the process die before this call to the system; returns the calls made."""
    calls: list[str] = []

    def counted(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            calls.append(name)
            if len(calls) == step:
                raise Killed
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(os, "open", counted("open", os.open))
    monkeypatch.setattr(os, "fsync", counted("fsync", os.fsync))
    monkeypatch.setattr(Path, "replace", counted("replace", Path.replace))
    monkeypatch.setattr(Path, "unlink", counted("unlink", Path.unlink))
    return calls


@pytest.mark.parametrize("act", ["cast", "open"])
def test_a_kill_at_any_step_decides_or_does_not(
    act: str, wallet: DelegateWallet, undecided: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever call is the last one, the file holds the sealed ballot or the decision, and the next change cleans up.

    If the sealed ballot is still there nothing was returned, so nothing was shown or sent, and the other way is free.
    """
    path, step, outcomes = wallet._box.path, 0, []
    while True:
        step += 1
        shutil.copy(undecided, path)
        with monkeypatch.context() as patch:
            calls = _kill_at(patch, step)
            try:
                wallet.decide_cast(1, finish) if act == "cast" else wallet.decide_open(1, show)
            except Killed:
                pass
            else:
                break
            assert len(calls) == step
        state = wallet.state()
        decided = bool(state.cast or state.opened)
        assert decided != bool(state.sealed)
        outcomes.append(decided)
        if decided:
            with pytest.raises(PhaseError):
                wallet.decide_open(1, show)
        else:
            wallet.decide_open(1, show)
            assert len(wallet.state().opened) == 1
            assert not wallet.state().cast
        if act == "cast" and decided:
            assert all(secret not in contents(wallet) for secret in SECRETS)
        assert {file.name for file in tmp_path.iterdir()} == {"wallet", ".wallet.lock"}
    assert outcomes == sorted(outcomes)
    assert {True, False} == set(outcomes)


def test_a_new_ballot_takes_the_place_of_an_undecided_one(wallet: DelegateWallet) -> None:
    """One for a poll; of the one dropped nothing is left, and other polls keep theirs."""
    other = msgspec.structs.replace(WORK, poll=2, seed=b"2" * 32)
    later = msgspec.structs.replace(WORK, seed=b"3" * 32, tracker=b"u" * 32)
    for work in (other, later):
        wallet.seal(work)
    assert wallet.state().sealed == (other, later)
    assert b64encode(SEED).encode() not in contents(wallet)
    wallet.drop_sealed(1)
    assert wallet.state().sealed == (other,)
    with pytest.raises(PhaseError):
        wallet.decide_open(1, show)


def test_a_failing_finish_decides_nothing(wallet: DelegateWallet) -> None:
    """The sealed ballot is still there to be cast or opened."""

    def fail(work: SealedWork) -> bytes:
        raise StoreError("not today")

    with pytest.raises(StoreError, match="not today"):
        wallet.decide_cast(1, fail)
    assert wallet.decide_cast(1, finish)


def test_a_wallet_is_for_one_sitting(wallet: DelegateWallet) -> None:
    """The first sitting named is its own; without any it does not start, with another it refuses."""
    with pytest.raises(RefusalError, match="does not know its sitting"):
        wallet.anchor(None)
    assert wallet.anchor(b"a" * 32) == wallet.anchor(None) == wallet.anchor(b"a" * 32) == b"a" * 32
    with pytest.raises(RefusalError, match="another sitting"):
        wallet.anchor(b"b" * 32)
    assert DelegateWallet.open(wallet._box.path, PASSPHRASE).anchor(None) == b"a" * 32


def test_places_and_checkpoint_are_remembered(wallet: DelegateWallet) -> None:
    """So that a proxy once given is not forgotten by the next command, and a rollback is found out."""
    wallet.remember_places(boards=("https://board.example",), proxy="socks5h://127.0.0.1:9050")
    assert wallet.recall("any") is None
    wallet.keep("any", b"note")
    again = DelegateWallet.open(wallet._box.path, PASSPHRASE)
    assert again.recall("any") == b"note"
    assert (again.state().boards, again.state().proxy) == (("https://board.example",), "socks5h://127.0.0.1:9050")


def test_nothing_is_shown(wallet: DelegateWallet, undecided: Path) -> None:
    """Neither in texts nor in copies nor in the file itself."""
    state = wallet.state()
    opened = wallet.decide_open(1, show)
    word = phrases()[0].split()[0]
    for shown in (wallet, state, WORK, opened, opened.ballot(), wallet._box):
        assert "redacted" in repr(shown)
        assert word not in repr(shown)
    with pytest.raises(TypeError):
        pickle.dumps(wallet.secrets())
    for secret in (*SECRETS, phrases()[0].encode(), b"rehearsal", b"phrase"):
        assert secret not in undecided.read_bytes()
    assert isinstance(state, WalletState)


def test_what_is_no_wallet_state_is_said(wallet: DelegateWallet) -> None:
    """Contents of another version are not guessed at."""
    wallet._box.update(lambda _: b"{}")
    with pytest.raises(StoreError, match="another version"):
        DelegateWallet.open(wallet._box.path, PASSPHRASE)


def test_processes_that_decide_at_once(undecided: Path, tmp_path: Path) -> None:
    """Some cast and some open, all at the same moment: one of them decides, and the file says what it has decided."""
    for round_number in range(3):
        path = tmp_path / f"wallet-{round_number}"
        shutil.copy(undecided, path)
        wallet = DelegateWallet.open(path, PASSPHRASE)
        children = [_decide_in_child(wallet, cast=bool(number % 2)) for number in range(4)]
        decided = [way for child, way in children if os.waitpid(child, 0)[1] == 0]
        state = wallet.state()
        assert len(decided) == len(state.cast) + len(state.opened) == 1
        assert bool(state.cast) == decided[0]
        assert not state.sealed


def _decide_in_child(wallet: DelegateWallet, *, cast: bool) -> tuple[int, bool]:
    child = os.fork()
    if child:
        return child, cast
    code = 1
    try:
        wallet.decide_cast(1, finish) if cast else wallet.decide_open(1, show)
        code = 0
    finally:
        os._exit(code)
