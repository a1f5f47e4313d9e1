"""Files that somebody hands over or that come back from a disk, as fuzz targets: see `tests.fuzz.targets`."""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import click
import msgspec

from secballot import sealing
from secballot.audit.counting import CheckCounts
from secballot.audit.findings import Findings
from secballot.audit.resuming import restored_findings, saved_findings
from secballot.audit.timing import Stopwatch
from secballot.audit.verifier import audit
from secballot.blind import BlindPublicKey, BlindSecretKey
from secballot.encoding import decode_u64, encode_u64, parse_decimal
from secballot.errors import SecballotError
from secballot.protocol.phrase import Wallet
from secballot.record import SittingRecord
from secballot.record.saving import restored, saved
from secballot.records.manifest import MANIFEST
from secballot.roles.cards import CARD, make_card, read_card
from secballot.roles.choosing import Question, read_answer, read_choices
from secballot.roles.contradictions import _CONTRADICTION, Contradiction, proved_evidence
from secballot.roles.drafting import manifest_of, read_draft
from secballot.roles.poll_draft import read_poll
from secballot.roles.view import WitnessedView
from secballot.roles.wallet import DelegateWallet
from secballot.roles.wallet_state import WALLET
from secballot.sealing import COST_SMALL
from secballot.signing import SigningKey
from secballot.store.board import BoardStore
from secballot.store.dropbox import DropStore
from secballot.store.journal import Journal
from secballot.store.keyfile import KeyHolder, read_cost, read_holder, read_key, read_public_key, write_key
from secballot.store.ml_dsa_keyfile import read_ml_dsa_vkey
from secballot.store.source import open_source
from secballot.store.verified import VerifiedState
from secballot_cli.commission import _read_roll
from secballot_cli.connecting import read_text
from secballot_cli.demo_input import read_scenario
from secballot_cli.demo_preflib import parse_preflib
from secballot_cli.home import Home
from secballot_cli.reading import sitting_id
from tests.audit.sources import ListSource, golden_source
from tests.fuzz.target import BrokenInvariantError, Target, holding, same, scratch
from tests.registrar_keys import test_key
from tests.simulator import election, golden, resolution
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST
from tests.two_views import View, entries
from tests.wallets import PASSPHRASE, make_wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = SigningKey.from_seed(b"f" * 32)
ROOT = Path(__file__).resolve().parents[2]
CONGRESS = ROOT / "examples" / "first_congress"


def _quick_key(passphrase: bytes, salt: bytes, *, ops: int, mem: int, length: int) -> bytes:
    """Stand in for Argon2id, whose price is its purpose."""
    return hashlib.shake_256(passphrase + salt + bytes([ops]) + mem.to_bytes(8, "big")).digest(length)


def key_file(data: bytes) -> None:
    """Read a key file, of an Ed25519 key and of an ML-DSA key, and open it."""
    path = holding("key", data)
    for read in (read_public_key, read_holder, read_cost):
        with suppress(SecballotError):
            read(path)
    with suppress(SecballotError):
        read_ml_dsa_vkey(path, "w.example")
    with suppress(SecballotError), patch.object(sealing, "argon2id", _quick_key):
        read_key(path, PASSPHRASE, KeyHolder("trustee", SITTING_ID))


def wallet_file(data: bytes) -> None:
    """Open a wallet's file."""
    with suppress(SecballotError), patch.object(sealing, "argon2id", _quick_key):
        DelegateWallet.open(holding("wallet", data), PASSPHRASE)


def wallet_state(data: bytes) -> None:
    """Read what is inside of a wallet, and derive from its phrase."""
    with suppress(SecballotError):
        state = WALLET.decode(data)
        same(WALLET.encode(state), data)
        Wallet(state.phrase, state.label)


def card(data: bytes) -> None:
    """Read a card, and a card's file."""
    with suppress(SecballotError):
        same(CARD.encode(CARD.decode(data)), data)
    with suppress(SecballotError):
        same(read_card(holding("1.card.json", data)).encode().rstrip(b"\n"), data.removesuffix(b"\n"))


def phrase(data: bytes) -> None:
    """Read a phrase as somebody types it, and a label."""
    with suppress(SecballotError, UnicodeDecodeError):
        text, _, label = data.decode().partition("\n")
        Wallet(text, label or "rehearsal")


def toml(data: bytes) -> None:
    """Read each kind of file that people write."""
    try:
        text = read_text(str(holding("draft.toml", data)), 200_000)
    except SecballotError:
        return
    with suppress(SecballotError):
        manifest_of(read_draft(text))
    with suppress(SecballotError):
        read_poll(text)
    with suppress(SecballotError):
        read_choices(text, [Question(1, resolution(), ()), Question(2, election(), ())])


def answer(data: bytes) -> None:
    """Read an answer as a delegate types it."""
    with suppress(SecballotError, UnicodeDecodeError):
        values = read_answer(election(), data.decode())
        if len(values) != len(election().options):
            raise BrokenInvariantError(f"{values} of {data!r}")


@cache
def _congress() -> Path:
    return Path(shutil.copytree(CONGRESS, scratch() / "congress"))


def scenario(data: bytes) -> None:
    """Read a demonstration's plan, or the votes that it names."""
    changed = "sitting.toml" if b"[plan" in data else "votes-1.toml"
    for name in ("sitting.toml", "votes-1.toml"):
        (_congress() / name).write_bytes(data if name == changed else (CONGRESS / name).read_bytes())
    with suppress(SecballotError):
        read_scenario(_congress())


def preflib(data: bytes) -> None:
    """Read a file of PrefLib."""
    with suppress(SecballotError):
        parse_preflib(data)


def home(data: bytes) -> None:
    """Read what the command line keeps in a home, and an id."""
    folder = holding("home/settings.json", data).parent
    holding("home/roll.json", data)
    at_home = Home("commission", folder)
    with suppress(SecballotError):
        at_home.settings()
    with suppress(SecballotError):
        _read_roll(at_home)
    with suppress(click.BadParameter, UnicodeDecodeError):
        same(sitting_id(data.decode()).hex().encode(), b"".join(data.lower().split()))


def numbers(data: bytes) -> None:
    """Read numbers, and public keys of registrars."""
    with suppress(SecballotError):
        same(str(parse_decimal(data, 2**63)).encode(), data)
    with suppress(SecballotError):
        same(encode_u64(decode_u64(data)), data)
    with suppress(SecballotError):
        same(BlindPublicKey.decode(data).encode(), data)


def private_key(data: bytes) -> None:
    """Read a registrar's own key."""
    with suppress(SecballotError):
        same(BlindSecretKey.decode_private(data).encode_private(), data)


def contradiction(data: bytes) -> None:
    """Read what a witness holds against a log, and prove it."""
    with suppress(SecballotError):
        found = _CONTRADICTION.decode(data)
        same(_CONTRADICTION.encode(found), data)
        proved_evidence(SMALL_MANIFEST, found)


def saved_state(data: bytes) -> None:
    """Go on from verified state, of a record, of a view and of an audit, whose code let it pass."""
    source = golden_source()
    fetch = golden().entries.__getitem__
    for read in _readers(data, source, fetch):
        with suppress(SecballotError):
            read()


def _readers(data: bytes, source: ListSource, fetch: Callable[[int], bytes]) -> Iterator[Callable[[], object]]:
    yield lambda: restored(data, fetch=fetch)
    yield lambda: WitnessedView(source, golden().anchor).resume(data)
    yield lambda: restored_findings(data, fetch=fetch, anchor=golden().anchor, stopwatch=Stopwatch(time.process_time))


def saved_file(data: bytes) -> None:
    """Read a file of verified state, and a key that lies beside it."""
    memory = VerifiedState(holding("view", data), "view", SITTING_ID)
    holding("view.key", data[:32] if len(data) % 2 else bytes(32))
    with suppress(SecballotError):
        memory.recall()


def database(data: bytes) -> None:
    """Open a database as a board's, a drop box's, a party's, and as a log to audit."""
    for ending in ("-wal", "-shm", "-journal"):
        (scratch() / f"log.db{ending}").unlink(missing_ok=True)
    path = holding("log.db", data)
    for kind in (BoardStore, Journal, DropStore):
        with suppress(SecballotError):
            kind.open(path).close()
    with suppress(SecballotError):
        audit(open_source(path))


# What is good ---------------------------------------------------------------------------------------------------------


def _fresh(name: str) -> Path:
    path = scratch() / name
    path.unlink(missing_ok=True)
    return path


def _key_files() -> list[bytes]:
    made = []
    for holder in (None, KeyHolder("trustee"), KeyHolder("trustee", SITTING_ID)):
        path = _fresh("new-key")
        with patch.object(sealing, "argon2id", _quick_key):
            write_key(path, KEY, PASSPHRASE, COST_SMALL, holder=holder)
        made.append(path.read_bytes())
    return made


def _wallet_files() -> list[bytes]:
    with patch.object(sealing, "argon2id", _quick_key):
        make_wallet(_fresh("new-wallet"))
    return [(scratch() / "new-wallet").read_bytes()]


def _wallet_states() -> list[bytes]:
    with patch.object(sealing, "argon2id", _quick_key):
        return [WALLET.encode(make_wallet(_fresh("new-wallet"), sitting_id=SITTING_ID).state())]


def _phrases() -> list[bytes]:
    return [f"{msgspec.json.decode(state)['phrase']}\nrehearsal".encode() for state in _wallet_states()]


def _cards() -> list[bytes]:
    key, promise = KEY.verify_key.encode(), SMALL_MANIFEST.log.promise_key
    board = make_card("board", "board.example", key, promise_key=promise, url="https://board.example/")
    return [make_card("trustee", "Anna", key).encode().rstrip(b"\n"), board.encode()]


def _texts() -> list[bytes]:
    drafts = [path.read_bytes() for path in sorted((ROOT / "examples").rglob("*.toml"))]
    choices = b'[[contests]]\ntitle = "A declaration"\nchoose = ["for"]\n'
    poll = b'minutes = 30\n[[contests]]\ntitle = "Resolution 4"\nrules = "resolution"\noptions = ["a", "b"]\n'
    return [*drafts, choices, poll, b'a = { "b" = 1, c.d = [1, 2.5, 1979-05-27T07:32:00Z] }\n']


def _scenarios() -> list[bytes]:
    return [path.read_bytes() for path in sorted(CONGRESS.glob("*.toml"))]


def _preflib() -> list[bytes]:
    head = b"# FILE NAME: a.cat\n# TITLE: t\n# DATA TYPE: cat\n# NUMBER ALTERNATIVES: 2\n# NUMBER VOTERS: 3\n"
    names = b"# NUMBER UNIQUE ORDERS: 2\n# NUMBER CATEGORIES: 2\n# CATEGORY NAME 1: Yes\n# CATEGORY NAME 2: No\n"
    return [head + names + b"# ALTERNATIVE NAME 1: A\n# ALTERNATIVE NAME 2: B\n2: {1,2},{}\n1: 1,2\n"]


def _homes() -> list[bytes]:
    return [
        b'{"boards":["https://board.example/"],"proxy":null}',
        b'{"delegates":{"%s":"full"}}' % SITTING_ID.hex().encode(),
        SITTING_ID.hex().encode(),
    ]


def _numbers() -> list[bytes]:
    return [b"10", bytes(8), test_key(0).public_key.encode()]


def _private_keys() -> list[bytes]:
    return [test_key(0).encode_private()]


def _contradictions() -> list[bytes]:
    honest, other = View(entries(1, 2, 3, 4, 5), sizes=(4, 5)), View(entries(1, 2, 9, 4, 5), sizes=(5,))
    one = Contradiction(honest.note(5).decode(), (), proved=True, shown=other.note(5).decode())
    return [_CONTRADICTION.encode(one), MANIFEST.encode(SMALL_MANIFEST)]


def _saved_states() -> list[bytes]:
    record = SittingRecord(golden().anchor, fetch=golden().entries.__getitem__)
    for one in golden().entries[:9]:
        record.append(one)
    view = WitnessedView(golden_source(), golden().anchor)
    view.refresh()
    found = Findings(record, CheckCounts(anchored=True), refused_manifest=False, stopwatch=Stopwatch(time.process_time))
    return [saved(record), view.saved(), saved_findings(found)]


def _saved_files() -> list[bytes]:
    memory = VerifiedState(_fresh("new-view"), "view", SITTING_ID)
    memory.keep(b"what was verified")
    return [(scratch() / "new-view").read_bytes()]


def _databases() -> list[bytes]:
    made = []
    BoardStore.create(_fresh("new.db"), SMALL_MANIFEST.log.origin).close()
    made.append((scratch() / "new.db").read_bytes())
    Journal.create(_fresh("new.db")).close()
    made.append((scratch() / "new.db").read_bytes())
    DropStore.create(_fresh("new.db"), MANIFEST.encode(SMALL_MANIFEST)).close()
    made.append((scratch() / "new.db").read_bytes())
    return made


FILE_TARGETS: dict[str, Target] = {
    "answer": Target(answer, lambda: [b"1 3", b"2=3, 1", b"none"]),
    "card": Target(card, _cards),
    "contradiction": Target(contradiction, _contradictions),
    "database": Target(database, _databases),
    "home": Target(home, _homes),
    "key_file": Target(key_file, _key_files),
    "numbers": Target(numbers, _numbers),
    "phrase": Target(phrase, _phrases),
    "preflib": Target(preflib, _preflib),
    # OpenSSL tests the primes; nobody but their owner has them read.
    "private_key": Target(private_key, _private_keys, seconds=0.5),
    "saved_file": Target(saved_file, _saved_files),
    "saved_state": Target(saved_state, _saved_states),
    "scenario": Target(scenario, _scenarios),
    "toml": Target(toml, _texts),
    "wallet_file": Target(wallet_file, _wallet_files),
    "wallet_state": Target(wallet_state, _wallet_states),
}
"""By name."""
