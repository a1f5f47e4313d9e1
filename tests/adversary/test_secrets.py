"""No secret reaches a representation, a log, a message, a traceback, a pickle or a copy.

`tests.adversary.secret_holders` has every class that holds one.
"""

from __future__ import annotations

import copy
import importlib
import json
import logging
import pickle
import traceback
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.pretty import pretty_repr

from secballot.errors import SecballotError
from secballot.protocol.phrase import Wallet, generate_phrase
from secballot.sealing import COST_SMALL, open_with_passphrase, seal_with_passphrase
from secballot.signing import SigningKey
from secballot.store.keyfile import read_key, write_key
from secballot.store.lockbox import Lockbox
from tests.adversary.secret_holders import BY_PARTIES, NO_SECRETS, SEED, found_in, holders, suspects
from tests.sealed_ballots import ONE_OF_THREE, make_context, seal_sample
from tests.simulator import Simulator, resolution
from tests.stages import FOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = sorted(holders(None))  # type: ignore[arg-type]  # no file is made before an object is asked for

SHOWN_BY_DESIGN = {"protocol.opened:OpenedBallot"}
"""What is made to be carried to another device: no text shows it by accident, and its bytes hold it."""

INSIDE_ONE_CALL = {"protocol.ballot_encryption:_Proofs", "protocol.phrase:_Blinding"}
"""Private classes whose objects never leave the call that makes them; they refuse to be pickled all the same."""


def test_every_class_that_holds_a_secret_is_tried() -> None:
    """OP-04: a class that keeps something under such a name is tried, or there is a reason why it need not be."""
    listed = set(NAMES) | set(NO_SECRETS) | INSIDE_ONE_CALL
    assert suspects() - listed == set()
    assert len(suspects() & set(NAMES)) > 10
    for name in INSIDE_ONE_CALL:
        module, _, member = name.partition(":")
        holder = getattr(importlib.import_module(f"secballot.{module}"), member)
        with pytest.raises(TypeError):
            holder.__reduce_ex__(object.__new__(holder), pickle.HIGHEST_PROTOCOL)


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_shown_or_carried_away(name: str, tmp_path: Path) -> None:
    """OP-04: whatever turns an object into text or bytes refuses, or gives something that holds none of its secrets."""
    holder, secrets = holders(tmp_path)[name]()
    assert secrets
    texts: list[Callable[[], str]] = [
        partial(repr, holder),
        partial(str, holder),
        lambda: f"{holder}",
        lambda: repr([holder, {"key": (holder,)}]),
        lambda: "%r %s" % (holder, holder),  # noqa: UP031  # what logging does
        partial(pretty_repr, holder),
        lambda: repr(vars(holder)) if hasattr(holder, "__dict__") else "",
        partial(json.dumps, holder, default=repr),
    ]
    for text in texts:
        assert found_in(text().encode(), secrets) == []
    if name in SHOWN_BY_DESIGN:
        return
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert found_in(carried(partial(pickle.dumps, holder, protocol)), secrets) == []
    for maker in (copy.copy, copy.deepcopy):
        assert found_in(carried(lambda maker=maker: repr(maker(holder)).encode()), secrets) == []  # type: ignore[misc]


def carried(make: Callable[[], bytes]) -> bytes:
    """Return the bytes, or none if they are refused."""
    try:
        return make()
    except (TypeError, AttributeError, pickle.PicklingError, NotImplementedError):
        return b""


CASES = (
    "mistyped phrase",
    "words in another order",
    "wrong passphrase",
    "broken passphrase",
    "another's key file",
    "another's wallet",
    "file over another",
    "choices out of range",
    "key of another size",
)


def failures(folder: Path) -> dict[str, tuple[Callable[[], object], list[bytes | int | str]]]:
    """Return what fails while it holds a secret, and the secret."""
    phrase, passphrase = generate_phrase(SEED), "a passphrase of the owner's"
    sealed = seal_with_passphrase(b"key", passphrase, header=b"", cost=COST_SMALL)
    key = SigningKey.from_seed(SEED)
    write_key(folder / "key", key, passphrase, COST_SMALL)
    Lockbox.create(folder / "box", "test", b"contents", passphrase, COST_SMALL)
    mistyped = phrase.replace(phrase.split()[5], "zzzzz")
    words: list[bytes | int | str] = [word for word in phrase.split() if len(word) > 5]
    context = make_context(ONE_OF_THREE)
    return {
        "mistyped phrase": (partial(Wallet, mistyped, "label"), words),
        "words in another order": (partial(Wallet, " ".join(reversed(phrase.split())), "label"), words),
        "wrong passphrase": (partial(open_with_passphrase, sealed, passphrase + "!", header=b""), [passphrase]),
        "broken passphrase": (partial(open_with_passphrase, sealed, passphrase + "\ud800", header=b""), [passphrase]),
        "another's key file": (partial(read_key, folder / "key", passphrase + "?"), [passphrase, SEED]),
        "another's wallet": (partial(Lockbox.open, folder / "box", "test", passphrase + "?"), [passphrase]),
        "file over another": (partial(write_key, folder / "key", key, passphrase, COST_SMALL), [passphrase, SEED]),
        "choices out of range": (
            partial(seal_sample, context, ((77_001, 0, 0),), seed=SEED),
            [77_001, SEED],
        ),
        "key of another size": (partial(SigningKey, SEED + b"\1"), [SEED]),
    }


@pytest.mark.parametrize("case", CASES)
def test_no_traceback_shows_a_secret(case: str, tmp_path: Path) -> None:
    """OP-04: neither the message nor anything that it was raised from, printed as a bug report would print it."""
    found = failures(tmp_path)
    assert tuple(found) == CASES
    action, secrets = found[case]
    with pytest.raises((SecballotError, ValueError)) as raised:
        action()
    printed = "".join(traceback.format_exception(raised.value)).encode(errors="backslashreplace")
    assert b"Traceback" in printed
    assert found_in(printed, secrets) == []


def test_a_whole_sitting_logs_no_secret(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """OP-04: of all keys, seeds and phrases of a sitting nothing is logged, printed, or posted to the board."""
    caplog.set_level(logging.DEBUG)
    simulator = Simulator().until_polls()
    rehearsal = simulator.rehearsal
    rehearsal.open_poll(1, [resolution()])
    for who in range(4):
        delegate = rehearsal.delegates[who]
        delegate.cast(delegate.seal(1, (FOR,), "3164225163"))
    rehearsal.witness()
    rehearsal.close_poll(1)
    keys = rehearsal.keys
    groups = (keys.presidium, keys.commission, keys.registrars, keys.trustees, keys.witnesses, keys.log, keys.promise)
    secrets: list[bytes | int | str] = [key.encode_private() for group in groups for key in group]
    secrets += [value for trustee in rehearsal.trustees for _, value in trustee._journal.items("seed")]
    secrets += [delegate._wallet._seed for delegate in rehearsal.delegates]
    secrets += [
        delegate._wallet.credential_secret(simulator.board.anchor, 1, 1).encode() for delegate in rehearsal.delegates
    ]
    assert len(secrets) > 30
    out, err = capfd.readouterr()
    said = "\n".join([out, err, caplog.text, *(repr(record.__dict__) for record in caplog.records)]).encode()
    board = b"".join(simulator.board.entries) + b"".join(simulator.board.notes.values())
    assert found_in(said + board, secrets) == []


def test_a_secret_is_found_in_whatever_spelling() -> None:
    """OP-04: the search above can find."""
    number = int.from_bytes(SEED, "big")
    for text in (SEED, repr(SEED).encode(), SEED.hex().encode(), str(number).encode(), msgspec.json.encode(SEED)):
        assert found_in(b"before " + text + b" after", [SEED])
    assert found_in(str(number).encode(), [number])
    assert not found_in(b"nothing", [SEED, number])
    assert set(BY_PARTIES) <= set(NAMES)
