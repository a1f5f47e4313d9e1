"""What is refused of requests to services, of what services answer, and of what a delegate's device is shown.

See `tests.adversary.refusals`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from secballot.board.note import Note
from secballot.errors import RefusalError, SecballotError, TransportError
from secballot.net.client import Answer
from secballot.net.source import HttpFiles
from secballot.net.witness_client import RemoteWitness
from secballot.roles.comparing import Shown, judge_promise
from secballot.roles.head_keys import HeadKeys
from secballot.roles.posting import open_places, open_poster
from secballot.roles.remote import open_client, open_source
from secballot.roles.submission import Waiting, check_promise, submit
from secballot.roles.toml import read_toml
from secballot.roles.wallet import DelegateWallet
from secballot.roles.witness_service import WitnessService
from secballot.store.board import BoardStore
from secballot.store.dropbox import DropStore
from secballot.store.journal import Journal
from tests.adversary.refusals import refuses
from tests.adversary.refusals_of_files import files, of_files
from tests.adversary.refusals_of_parts import JUNK, ZERO
from tests.fuzz.targets_of_services import board_running, board_service, drop_box, drop_box_running, witness_running
from tests.simulator import golden
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key
from tests.two_views import View, entries, promise
from tests.wallets import make_device, make_wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.net.door import Reply
    from secballot.records.promise import Promise
    from secballot.roles.voting import VotingDevice
    from tests.adversary.refusals import Attempt
    from tests.fuzz.targets_of_services import Running

HONEST: Final = View(entries(1, 2, 3, 4, 5), sizes=(4, 5, 7))
OTHER: Final = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 8))
BAD_URLS: Final = (
    "",
    "ftp://h/",
    "http://",
    "http://u:p@h/",
    "http://h/?q",
    "http://h/#f",
    "http://xn--/",
    "http://[::1/",
    "h",
    "\0",
)
DATABASE: Final = b"SQLite format 3\0" + bytes(99)


class Saying:
    """A server that gives one answer to everything, or none."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        """Give this answer; status 0 stands for none."""
        self._answer = Answer(status, body)

    def get(self, path: str, limit: int) -> Answer:
        """Answer."""
        return self.post(path, b"", limit)

    def post(self, path: str, body: bytes, limit: int) -> Answer:
        """Answer."""
        if not self._answer.status:
            raise TransportError(f"nobody answers: {path}, {len(body)}, {limit}")
        return self._answer


class Refusing:
    """A place that refuses every entry, or does not answer."""

    def __init__(self, error: SecballotError) -> None:
        """Answer with this error."""
        self._error = error

    def post(self, entry: bytes) -> Promise:
        """Answer."""
        raise type(self._error)(f"{self._error.message}: {len(entry)} bytes")


def raised(replies: Sequence[Reply]) -> Sequence[Reply]:
    """Raise the first reply's error."""
    if replies[0].error is not None:
        raise replies[0].error
    return replies


def asked(running: Callable[[], Running], method: str, path: str, body: bytes = b"", header: bytes = b"") -> int:
    """Return the status of an answer that is no refusal."""
    status = running().ask(method, path, header, body)
    if 300 <= status < 500:
        raise RefusalError(f"answered by {status}")
    return status


@refuses("roles.service:BoardService.submit")
def _boards() -> Sequence[Attempt]:
    service = board_service
    bad = [*JUNK, founding()[0][:-1], founding()[0] + b"\n", document(2)[:-1], document(2).replace(b"2", b"3", 1)]
    paths = ("", "/", "/tile", "/tile/0/0", "/tile/64/000", "/checkpoint/", "/checkpoint-by-size/01", "/etc/passwd")
    return [
        *(lambda data=data: raised(service().submit([data])) for data in bad),
        *(partial(asked, board_running, "POST", "/entry", data) for data in (*bad, bytes(70_000))),
        *(partial(asked, board_running, "GET", path) for path in (*paths, "/tile/../checkpoint", "/entry")),
        partial(asked, board_running, "POST", "/entry", document(2), b"-1"),
        partial(asked, board_running, "POST", "/entry", document(2), b"1e3"),
        partial(asked, board_running, "DELETE", "/checkpoint"),
    ]


@refuses("roles.dropbox:DropBox.submit")
def _drop_boxes() -> Sequence[Attempt]:
    box = drop_box
    return [
        *(lambda data=data: raised(box().submit([data])) for data in (*JUNK, founding()[0][:-1])),
        *(partial(asked, drop_box_running, "POST", "/entry", data) for data in (*JUNK, bytes(70_000))),
        *(partial(asked, drop_box_running, "GET", path) for path in ("/entry", "/checkpoint", "/entries")),
    ]


@refuses("roles.witness_service:WitnessService.add_checkpoint")
def _witnesses() -> Sequence[Attempt]:
    journal = Journal.create(files().fresh("witness.db"))
    service = WitnessService("w1.example", key("w1.example"), journal, clock=lambda: NOW)
    service.role.follow_sitting(SMALL_MANIFEST)
    service.add_checkpoint(HONEST.request(0, 5))
    bad = [*JUNK, HONEST.request(0, 5), HONEST.request(4, 5), OTHER.request(5, 8), HONEST.request(5, 7)[:-1]]
    return [
        *(partial(service.add_checkpoint, body) for body in bad),
        *(partial(asked, witness_running, "POST", "/add-checkpoint", body) for body in (*JUNK, bytes(2_000_000))),
        *(
            partial(asked, witness_running, "GET", path)
            for path in ("/add-checkpoint", "/00/checkpoint", "/x/evidence")
        ),
    ]


@refuses(
    "net.source:HttpFiles.read",
    "net.witness_client:RemoteWitness.add_checkpoint",
    "roles.head_keys:HeadKeys.read_answer",
)
def _answers() -> Sequence[Attempt]:
    text = HONEST.note(5).decode().partition("\n\n")[0] + "\n"
    lines = HONEST.note(5).partition(b"\n\n")[2]
    first = Note.decode(HONEST.note(5)).signatures[1]
    forged = replace(first, signature=bytes(len(first.signature))).encode().encode()
    reader = HeadKeys(ORIGIN, key("log"))

    def served(status: int) -> HttpFiles:
        return HttpFiles(Saying(status))  # type: ignore[arg-type]  # what it asks of a client

    def witness(status: int) -> RemoteWitness:
        return RemoteWitness("w1.example", Saying(status))  # type: ignore[arg-type]  # as above

    statuses = (0, 201, 301, 400, 403, 404, 409, 422, 500)
    return [
        *(partial(served(status).read, "checkpoint", 9) for status in (0, 204, 206, 302, 404, 410, 500)),
        *(partial(witness(status).add_checkpoint, b"", now=NOW) for status in statuses),
        *(partial(reader.read_answer, SMALL_MANIFEST, data, text) for data in (*JUNK[1:], forged, lines[:-1])),
        partial(reader.read_answer, SMALL_MANIFEST, lines, text.replace("\n5\n", "\n6\n")),
    ]


@refuses(
    "roles.posting:open_places", "roles.posting:open_poster", "roles.remote:open_client", "roles.remote:open_source"
)
def _urls() -> Sequence[Attempt]:
    return [
        *(partial(open_client, url) for url in BAD_URLS),
        *(partial(open_client, "http://h/", proxy) for proxy in ("ftp://h/", "http://[::1/", "\0")),
        *(partial(open_places, [url], SMALL_MANIFEST, SITTING_ID) for url in BAD_URLS),
        *(partial(open_poster, [url], SMALL_MANIFEST, SITTING_ID) for url in BAD_URLS),
        *(
            partial(open_source, url)
            for url in ("http://", "http://u:p@h/", "postgresql://h/d", "mysql://h/d", "nowhere")
        ),
    ]


@refuses("roles.comparing:judge_promise", "roles.submission:check_promise", "roles.submission:submit")
def _promises() -> Sequence[Attempt]:
    shown = Shown.of_source(SMALL_MANIFEST, HONEST)
    judge_promise(SMALL_MANIFEST, promise(document(1), 2), shown)
    good = promise(document(1), 2)
    false = (
        promise(document(1), 2, "stranger"),
        promise(document(1), 2, "log"),
        promise(document(1), 2, sitting_id=ZERO),
        replace_promise(good, index=3),
        replace_promise(good, time=1),
        replace_promise(good, maximum_delay=61),
        replace_promise(good, signature=bytes(64)),
    )
    view, board = device().view, golden().simulator.board
    check_promise(view, board.promise(golden().entries[3], 3, NOW))
    broken = [board.promise(golden().entries[3], index, NOW) for index in (0, 2, 4, 40)]
    ballot = next(one for one in golden().entries if one.endswith(b'"kind":"ballot"}'))
    elsewhere = Waiting(patience=0, interval=0, clock=lambda: 0.0, sleep=lambda _: None)

    def sent(entry: bytes, error: SecballotError) -> object:
        return submit(entry, view, [Refusing(error)], keep=lambda _: None, waiting=elsewhere)

    of_no_poll = ballot.replace(b'"ctx":"', b'"ctx":"A', 1)
    return [
        *(partial(judge_promise, SMALL_MANIFEST, one, shown) for one in false),
        *(partial(check_promise, view, one) for one in broken),
        *(partial(sent, data, RefusalError("no")) for data in (*JUNK, golden().entries[0], of_no_poll)),
    ]


def replace_promise(given: Promise, **fields: Any) -> Promise:  # noqa: ANN401  # of a promise
    """Return a promise with other fields, and the signature that it had."""
    return type(given)(**{name: fields.get(name, getattr(given, name)) for name in given.__struct_fields__})


@cache
def device() -> VotingDevice:
    """Return the device of the golden sitting's first delegate."""
    made = make_device(files().fresh("wallet"), golden().simulator)
    made.view.refresh()
    return made


@refuses("roles.voting:VotingDevice.check", "roles.voting:VotingDevice.open", "roles.wallet:DelegateWallet.open")
def _devices() -> Sequence[Attempt]:
    good = ((1, 0, 0), (1, 1, 0))
    device().check(1, good)
    bad: list[Any] = [(), good[:1], (*good, good[0]), ((2, 0, 0), good[1]), ((-1, 1, 1), good[1]), ((1, 1, 0), good[1])]
    path = files().fresh("wallet")
    make_wallet(path)
    opened = partial(DelegateWallet.open, passphrase="not it")
    data = path.read_bytes()
    return [
        *(partial(device().check, 1, choices) for choices in bad),
        *(partial(device().check, number, good) for number in (-1, 0, 2)),
        *(partial(device().open, number) for number in (-1, 0, 1, 2)),
        partial(opened, path),
        *of_files(opened, data[:-1], data[: len(data) // 2], data.replace(b"delegate", b"trustees")),
    ]


@refuses(
    "store.board:BoardStore.open",
    "store.board:BoardStore.open_or_create",
    "store.dropbox:DropStore.open",
    "store.journal:Journal.open",
)
def _databases() -> Sequence[Attempt]:
    board = files().fresh("board.db")
    BoardStore.create(board, ORIGIN).close()
    bytes_of_boards = (DATABASE, board.read_bytes()[:4_096], board.read_bytes()[:-4_096])
    doors = (BoardStore.open, Journal.open, DropStore.open)
    urls = ("postgresql://u:secret@h/d", "mysql://h/d", "sqlite://")
    return [
        *(attempt for door in doors for attempt in of_files(door, *bytes_of_boards)),
        *(partial(door, url) for door in doors for url in urls),
        partial(BoardStore.open, board, "other.example/" + "0" * 32),
        partial(BoardStore.open_or_create, board, "other.example/" + "0" * 32),
        partial(BoardStore.open_or_create, files().fresh("board.db"), "no origin"),
        partial(Journal.open, board),
        partial(DropStore.open, board),
    ]


@refuses("roles.toml:read_toml")
def _toml() -> Sequence[Attempt]:
    deep = (".".join("a" * 99) + "=1", "a=" + "[" * 9_000, "a=" + "9" * 9_000, "a=1\na=2", "[", "a=\0", "a='", '"""')
    return [partial(read_toml, text) for text in deep]
