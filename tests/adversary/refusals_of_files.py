"""What is refused of files that somebody hands over, and of what arrives at a board or a witness.

See `tests.adversary.refusals`.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from secballot.board.witness import Request
from secballot.errors import SecballotError
from secballot.roles.board import BoardOperator
from secballot.roles.cards import read_card, read_cards
from secballot.roles.choosing import Question, read_answer, read_choices
from secballot.roles.drafting import read_draft
from secballot.roles.poll_draft import read_poll
from secballot.roles.watching import check_continues
from secballot.roles.witness import WitnessRole
from secballot.sealing import COST_SMALL
from secballot.signing import SigningKey
from secballot.store.archive import ArchiveFiles
from secballot.store.keyfile import (
    KeyHolder,
    read_cost,
    read_holder,
    read_key,
    read_private,
    read_public_key,
    write_key,
)
from secballot.store.lockbox import Lockbox
from secballot.store.ml_dsa_keyfile import read_ml_dsa_key, read_ml_dsa_vkey
from secballot.store.source import open_source
from tests.adversary.refusals import refuses
from tests.adversary.refusals_of_logs import LOG, NOTE, ORIGIN, spoilt_notes
from tests.adversary.refusals_of_parts import JUNK, ZERO
from tests.service_parts import KEYS
from tests.simulator import resolution
from tests.small_sitting import NOW, SITTING_ID, SMALL_MANIFEST, founding
from tests.two_views import View, entries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.adversary.refusals import Attempt

WORDS: Final = "the owner's words"
KEY: Final = SigningKey.from_seed(b"f" * 32)


class Files:
    """A folder for the files of these attempts, removed with this object."""

    def __init__(self) -> None:
        """Make the folder, a key file and a lockbox."""
        self.folder = Path(tempfile.mkdtemp(prefix="refusals-"))
        weakref.finalize(self, shutil.rmtree, self.folder)
        self._count = 0
        write_key(self.folder / "key", KEY, WORDS, COST_SMALL, holder=KeyHolder("trustee", SITTING_ID))
        Lockbox.create(self.folder / "box", "delegate", b"contents", WORDS, COST_SMALL)

    def fresh(self, ending: str) -> Path:
        """Return the path of no file yet."""
        self._count += 1
        return self.folder / f"{self._count}.{ending}"

    def holding(self, data: bytes) -> Path:
        """Return a new file with these bytes, which only its owner reads."""
        path = self.fresh("card.json")
        path.write_bytes(data)
        path.chmod(0o600)
        return path


@cache
def files() -> Files:
    """Return the folder."""
    return Files()


def of_files(door: Callable[[Any], object], *data: bytes) -> list[Attempt]:
    """Return attempts to read files of junk and of these bytes, a folder, and no file at all."""
    paths = [files().holding(item) for item in (*JUNK, *data)]
    return [partial(door, path) for path in (*paths, files().folder / "nothing")]


@refuses(
    "store.keyfile:read_cost",
    "store.keyfile:read_holder",
    "store.keyfile:read_key",
    "store.keyfile:read_private",
    "store.keyfile:read_public_key",
    "store.ml_dsa_keyfile:read_ml_dsa_key",
    "store.ml_dsa_keyfile:read_ml_dsa_vkey",
)
def _key_files() -> Sequence[Attempt]:
    path = files().folder / "key"
    read_key(path, WORDS, KeyHolder("trustee", SITTING_ID))
    data = path.read_bytes()
    line, _, sealed = data.partition(b"\n")
    spoilt = (
        data[:-1],
        data + b"\0",
        line + b"\n",
        sealed,
        line + b"x\n" + sealed,
        data.replace(b"trustee", b"Trustee"),
    )
    shared = files().holding(data)
    shared.chmod(0o644)
    attempts: list[Attempt] = []
    for door in (read_cost, read_holder, read_public_key):
        attempts += of_files(door, sealed, line.replace(b" ", b"  ") + b"\n" + sealed)
    attempts += of_files(read_private)[-1:]
    attempts += of_files(partial(read_key, passphrase=WORDS), *spoilt)
    attempts += of_files(partial(read_ml_dsa_key, name="w.example", passphrase=WORDS), data)
    attempts += of_files(partial(read_ml_dsa_vkey, name="w.example"), data)
    attempts += [
        partial(read_key, path, WORDS + "!"),
        partial(read_key, path, ""),
        partial(read_key, path, WORDS, KeyHolder("registrar", SITTING_ID)),
        partial(read_key, path, WORDS, KeyHolder("trustee", ZERO)),
        partial(read_key, shared, WORDS),
        partial(read_private, shared),
    ]
    return attempts


@refuses("store.lockbox:Lockbox.open", "store.lockbox:Lockbox.read")
def _boxes() -> Sequence[Attempt]:
    path = files().folder / "box"
    Lockbox.open(path, "delegate", WORDS).read()
    data = path.read_bytes()
    spoilt = (data[:-1], data[: len(data) // 2], data[:-40] + b"\1" * 40, data.replace(b"delegate", b"trustees"))
    opened = partial(_read_box, role="delegate", passphrase=WORDS)
    return [
        *of_files(opened, *spoilt),
        partial(_read_box, path, role="trustee", passphrase=WORDS),
        partial(_read_box, path, role="delegate", passphrase=WORDS + "!"),
        partial(_read_box, path, role="delegate", passphrase=""),
    ]


def _read_box(path: Path, role: str, passphrase: str) -> bytes:
    return Lockbox.open(path, role, passphrase).read()


@refuses("store.archive:ArchiveFiles.read", "store.source:open_source")
def _records() -> Sequence[Attempt]:
    def read_archive(path: Path) -> bytes:
        return ArchiveFiles(path).read("checkpoint", 1_000)

    return [
        *of_files(read_archive, b"PK\3\4" + bytes(99), b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 18),
        *of_files(open_source, b"SQLite format 3\0" + bytes(99), b"PK\3\4" + bytes(99)),
    ]


@refuses("roles.cards:read_card", "roles.cards:read_cards")
def _cards() -> Sequence[Attempt]:
    attempts = of_files(read_card, b"[" * 60_000, b'{"key":""}')
    return [*attempts, partial(read_cards, files().folder), partial(read_cards, files().folder / "nothing")]


@refuses(
    "roles.choosing:read_answer",
    "roles.choosing:read_choices",
    "roles.drafting:read_draft",
    "roles.poll_draft:read_poll",
)
def _texts() -> Sequence[Attempt]:
    contest = resolution()
    typed = ("", "for,", "1,1,1,1", "\u202efor", "-1", "9", "for for", "\u0661", "0x1", "1e0", "9" * 5_000)
    drafts = (
        "junk",
        "[",
        "a = 1",
        "title = 1",
        "[sitting]\n",
        "\0",
        "a = " + "[" * 5_000,
        "title = 'x'\nsuite = 'v2'\n",
    )
    return [
        *(partial(read_answer, contest, answer) for answer in typed),
        *(partial(read_choices, text, [Question(1, contest, ())]) for text in ("junk", "[", "[2]\n", "\0", "a = nan")),
        *(partial(read_draft, text) for text in drafts),
        *(partial(read_poll, text) for text in drafts),
    ]


@refuses("roles.watching:check_continues", "roles.watching:compare")
def _views() -> Sequence[Attempt]:
    from secballot.record.history import LogOperator, open_witnessed  # noqa: PLC0415
    from secballot.roles.watching import compare  # noqa: PLC0415

    honest = View(entries(1, 2, 3, 4, 5), sizes=(5, 7))
    other = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 7, 8), witnesses=("w2.example", "w3.example"))
    check_continues(SMALL_MANIFEST, honest.note(5), honest.note(7), honest.history)
    log = SMALL_MANIFEST.log
    operators = [LogOperator(log.key, log.promise_key, 0, None)]
    seen = open_witnessed(SMALL_MANIFEST, operators, honest.note(5))
    compare(SMALL_MANIFEST, seen, honest.history, honest)
    unwitnessed = View(entries(1, 2, 3, 4, 5), sizes=(5,), witnesses=("w1.example",))
    stranger = View(entries(1, 2, 3, 4, 5), sizes=(5, 7), operator="promise")
    return [
        partial(check_continues, SMALL_MANIFEST, honest.note(5), other.note(7), other.history),
        partial(check_continues, SMALL_MANIFEST, honest.note(5), other.note(5), other.history),
        partial(compare, SMALL_MANIFEST, seen, honest.history, other),
        partial(compare, SMALL_MANIFEST, seen, honest.history, unwitnessed),
        partial(compare, SMALL_MANIFEST, seen, honest.history, stranger),
    ]


@refuses("roles.witness:WitnessRole.add_checkpoint", "roles.witness:WitnessRole.open")
def _witnesses() -> Sequence[Attempt]:
    where = files().fresh("witness.db")
    witness = WitnessRole.create(where, "w.example", KEY)
    witness.follow(ORIGIN, LOG.vkey.key)
    request = Request(0, (), NOTE.encode())
    witness.add_checkpoint(request.encode(), now=NOW)
    ask = partial(witness.add_checkpoint, now=NOW)
    bodies = [
        *JUNK,
        Request(0, (), NOTE.encode()).encode(),  # it has grown meanwhile
        Request(7, (ZERO,), NOTE.encode()).encode(),
        Request(9, (), NOTE.encode()).encode(),
        *(b"old 7\n\n" + note for note in spoilt_notes(NOTE)),
    ]
    return [
        *(partial(ask, body) for body in bodies),
        *of_files(lambda path: WitnessRole.open(path, "w.example", KEY), b"SQLite format 3\0" + bytes(99)),
        partial(WitnessRole.open, where, "w.example", SigningKey.from_seed(b"g" * 32)),
    ]


@refuses("roles.board:BoardOperator.submit", "roles.board:BoardOperator.open")
def _boards() -> Sequence[Attempt]:
    where = files().fresh("board.db")
    operator = BoardOperator.create(where, SMALL_MANIFEST, **KEYS)

    def submitted(data: bytes) -> None:
        (answer,) = operator.submit([data], now=NOW)
        if isinstance(answer, SecballotError):
            raise answer

    for entry in founding():
        submitted(entry)

    def open_board(path: Path) -> BoardOperator:
        return BoardOperator.open(path, SITTING_ID, **KEYS)

    swapped = {"log_key": KEYS["promise_key"], "promise_key": KEYS["log_key"]}
    return [
        *(partial(submitted, data) for data in JUNK),
        *(partial(submitted, entry[:-1]) for entry in founding()),
        *(partial(submitted, entry + b"\n") for entry in founding()),
        *of_files(open_board, b"SQLite format 3\0" + bytes(99)),
        lambda: BoardOperator.open(where, SITTING_ID, **swapped),
    ]
