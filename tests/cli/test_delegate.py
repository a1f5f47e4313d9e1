"""`secballot delegate` as a person uses it: wallet, registration, voting, checking; and every usual mistake."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from secballot.records.entry import decode_entry
from secballot.roles.cards import read_card
from secballot_cli.main import ExitCode, run
from tests.cli.delegate_stage import CHOICES, OTHER_CHOICES, Device, private
from tests.forked import fork
from tests.live_board import LiveBoard, live, write_folder
from tests.loopback import free_port
from tests.stages import convened
from tests.wallets import LABEL, OTHER_TAG, PASSPHRASE, TAG, THIRD_TAG, phrases

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_wallet_and_its_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The phrase goes to a file of its owner's, the card to the commission; the wallet restores to the same key."""
    device = Device(tmp_path / "device", LiveBoard(convened()), capsys)
    phrase, card = tmp_path / "phrase", tmp_path / "anna.card.json"
    new = ("new", "--name", "Anna", "--label", "spring", "--small-device", "--phrase-file", str(phrase))
    facts = device.facts(*new, "--card", str(card))
    assert read_card(card).key.hex() == facts["key"]
    assert read_card(card).role == "delegate"
    assert read_card(card).fingerprint() == facts["fingerprint"]
    assert phrase.stat().st_mode & 0o777 == device.wallet.stat().st_mode & 0o777 == 0o600
    assert len(phrase.read_text().split()) == 24
    assert device.code(*new) == ExitCode.UNCHECKED
    assert "already" in device.err
    assert device.facts("enrol", "--name", "Anna", "--card", str(tmp_path / "again"))["key"] == facts["key"]
    other = tmp_path / "other"
    restored = device.facts(
        *("restore", "--label", " spring ", "--phrase-file", str(phrase)),
        *("--wallet", str(other), "--small-device"),
    )
    assert restored["key"] == facts["key"]
    for file in tmp_path.rglob("*"):
        if file.is_file() and file != phrase:
            assert phrase.read_bytes().split()[0] not in file.read_bytes().split()


def test_the_words_are_shown_on_terminals_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not into a pipe, which may be a log; nothing is left behind."""
    device = Device(tmp_path / "device", LiveBoard(convened()), capsys)
    assert device.code("new", "--name", "Anna", "--label", "spring") == ExitCode.REFUSED
    assert "terminal" in device.err
    assert not device.wallet.exists()


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("abandon " * 24, "do not go together"),
        ("abandon " * 23, "23 words"),
        (" ".join(["nonsense", *phrases()[0].split()[1:]]), "word 1"),
        ("\N{CYRILLIC SMALL LETTER A}bandon " * 24, "word 1"),
        ("", "0 words"),
    ],
)
def test_a_mistyped_phrase_is_told(phrase: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And no wallet is made of it."""
    device = Device(tmp_path / "device", LiveBoard(convened()), capsys)
    file = private(tmp_path / "phrase", phrase)
    assert device.code("restore", "--label", LABEL, "--phrase-file", file) == ExitCode.FAILED
    assert words in device.err
    assert "nonsense" not in device.err
    assert not device.wallet.exists()
    (tmp_path / "phrase").chmod(0o644)
    assert device.code("restore", "--label", LABEL, "--phrase-file", file) == ExitCode.UNCHECKED


def test_registering_is_done_once_for_all_polls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The status says what is awaited, before and after; the device lost after registering goes on from the phrase."""
    size = next(j.index for j in convened().board.judgements if j.kind == "credential-request")
    simulator = fork(size=size)
    simulator.rehearsal.witness()
    with live(simulator) as board:
        device = Device(tmp_path / "device", board, capsys)
        device.restore()
        assert device.facts("status")["registered"] is False
        assert "secballot delegate register" in device.out
        assert device.facts("register")["posted"] == [size]
        assert simulator.board.entries[size] == convened().board.entries[size]
        assert device.facts("register")["posted"] == []
        facts = device.facts("status")
        assert (facts["registered"], facts["answers"], facts["registrars"], facts["class"]) == (True, 0, 2, 1)
        lost = Device(tmp_path / "lost", board, capsys)
        lost.restore()
        assert lost.facts("status")["registered"] is True
        assert lost.facts("register")["posted"] == []
        assert lost.code("vote", "1") == ExitCode.REFUSED
        stranger = Device(tmp_path / "stranger", board, capsys)
        phrase = private(tmp_path / "phrase", phrases()[0])
        made = ("restore", "--label", "another label", "--small-device", "--phrase-file", phrase)
        stranger.facts(*made)
        for command in ("status", "register"):
            assert stranger.code(command, *stranger.place) == ExitCode.REFUSED
            assert "label" in stranger.err


def test_a_ballot_from_the_file_to_the_count(device: Device, board: LiveBoard) -> None:
    """Sealed, cast, checked with the tag, replaced, counted; each command says what comes next."""
    sealed = device.seal(TAG)
    assert "secballot delegate cast 1" in device.out
    assert device.facts("status")["ballots"] == []
    cast = device.facts("cast")
    assert cast["tracker"] == sealed["tracker"]
    (ballot,) = device.facts("check", "--tag", TAG)["ballots"]
    assert (ballot["number"], ballot["of"], ballot["counted"]) == (1, 1, False)
    assert len(ballot["witnesses"]) == 4
    device.seal(OTHER_TAG, OTHER_CHOICES)
    device.facts("cast", "1")
    assert device.code("check", sealed["short"], "--tag", TAG) == ExitCode.REFUSED
    assert "later ballot" in device.err
    board.simulator.rehearsal.close_poll(1)
    (ballot,) = device.facts("check", "--tag", OTHER_TAG)["ballots"]
    assert (ballot["number"], ballot["of"], ballot["counted"]) == (2, 2, True)
    found = device.facts("watch", "--once")["ballots"]
    assert [(b["place"], b["alarm"]) for b in found] == [("replaced", ""), ("counted", "")]
    assert device.code("vote", "1") == ExitCode.REFUSED
    assert "is closed" in device.err


def test_a_tracker_is_read_as_people_type_it(device: Device, board: LiveBoard) -> None:
    """On any machine, without a wallet; with a wrong tag, a wrong tracker, and with a picture."""
    device.seal(TAG)
    short = device.facts("cast")["short"]
    typed = short.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    bare = ("check", typed, "--no-wallet", *device.place, "--tag")
    (ballot,) = device.facts(*bare, TAG)["ballots"]
    assert ballot["number"] == 1
    assert device.code(*bare, OTHER_TAG) == ExitCode.REFUSED
    assert TAG not in device.err
    assert device.code("check", "00000-00000-00000-00000-00000", "--tag", TAG) == ExitCode.REFUSED
    assert device.code("check", "u" * 25, "--tag", TAG) == ExitCode.FAILED
    assert device.code("check", typed, "--no-wallet") == ExitCode.USAGE
    assert device.code("check", "--tag", TAG, "--qr") == ExitCode.PASSED
    assert "\N{FULL BLOCK}" in device.out
    assert short in device.out


def test_opening_tests_the_device(device: Device, board: LiveBoard, tmp_path: Path) -> None:
    """What is opened is never cast; another device says what was in it, and catches a lie; the board has nothing."""
    out = tmp_path / "opened.json"
    sealed = device.seal(TAG)
    opened = device.facts("open", "--out", str(out))
    assert opened["tracker"] == sealed["tracker"]
    assert "For" in device.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert not board.simulator.board.record.state.polls[1].heads
    assert device.code("cast") == ExitCode.REFUSED
    assert device.facts("open", "--out", str(tmp_path / "again"))["tracker"] == sealed["tracker"]
    assert (tmp_path / "again").read_bytes() == out.read_bytes()
    assert device.code("submit", str(out), *device.place) == ExitCode.FAILED
    checking = ("check-opened", str(out), sealed["short"].lower(), *device.place)
    assert device.facts(*checking)["choices"] == [[1, 0, 0], [1, 0, 1]]
    assert "For" in device.err
    lie = json.loads(out.read_bytes())
    lie["choices"] = [[0, 1, 0], [1, 0, 1]]
    out.write_text(json.dumps(lie, sort_keys=True, separators=(",", ":")))
    assert device.code(*checking) == ExitCode.FAILED
    assert "not the one whose tracker was shown" in device.err
    device.seal(OTHER_TAG)
    assert device.code("open", "--out", str(out)) == ExitCode.REFUSED
    assert device.facts("cast")["poll"] == 1


def test_an_air_gap(device: Device, board: LiveBoard, tmp_path: Path) -> None:
    """Sealed and cast from a memory stick without any network; sent elsewhere without a wallet; brought home."""
    stick = write_folder(board, tmp_path / "stick")
    offline = ("--board", str(stick))
    ballot = tmp_path / "ballot"
    sealed = device.seal(TAG, CHOICES, *offline)
    posted = len(board.posted)
    assert device.facts("cast", "--to", str(ballot), *offline)["tracker"] == sealed["tracker"]
    assert len(board.posted) == posted
    assert device.code("cast", "--to", str(ballot), *offline) == ExitCode.REFUSED
    outside = Device(tmp_path / "outside", board, device.capsys)
    assert outside.code("submit", str(ballot)) == ExitCode.USAGE
    sent = outside.facts("submit", str(ballot), *outside.place)
    assert sent["tracker"] == sealed["tracker"]
    assert board.posted[-1] == ballot.read_bytes()
    assert not outside.wallet.exists()
    device.facts("collect", str(ballot) + ".promise", str(ballot) + ".receipt", *offline)
    assert device.facts("submit", "--board", board.url) == {"receipts": []}
    (found,) = device.facts("check", "--tag", TAG, "--board", board.url)["ballots"]
    assert found["tracker"] == sealed["tracker"]
    for wrong in (tmp_path / "nowhere", private(tmp_path / "junk", "junk"), str(stick / "checkpoint")):
        assert device.code("collect", str(wrong)) in {ExitCode.FAILED, ExitCode.UNCHECKED}
        assert outside.code("submit", str(wrong), *outside.place) in {ExitCode.FAILED, ExitCode.UNCHECKED}


def test_ballots_go_to_whoever_takes_them(
    device: Device, board: LiveBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dead board, a drop box that only keeps, one that refuses, then the board: the same bytes to all of them."""
    dead = f"http://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        keeps, refuses, fails = (
            stack.enter_context(live(board.simulator, how)) for how in ("keeps", "refuses", "fails")
        )
        device.seal(TAG)
        boards = [option for url in (dead, fails.url, keeps.url) for option in ("--board", url)]
        assert device.code("cast", "--wait", "1", *boards) == ExitCode.UNCHECKED
        assert "secballot delegate submit" in device.err
        assert device.facts("status", "--board", board.url)["ballots"][0]["place"] == "underway"
        boards = [option for url in (dead, refuses.url, keeps.url, board.url) for option in ("--board", url)]
        sent = device.facts("submit", "--wait", "20", *boards)["receipts"]
        assert len(sent) == 1
        entries = {*fails.posted, *keeps.posted, *refuses.posted, *board.posted}
        assert {decode_entry(entry).kind for entry in entries} == {"ballot"}
        assert len(entries) == 1
    assert device.facts("submit") == {"receipts": []}


def test_a_broken_promise_is_objected_to(device: Device, board: LiveBoard, tmp_path: Path) -> None:
    """The board promises and drops. Evidence at once, and after the closing the objection to board and drop boxes."""
    board.posting = "drops"
    device.seal(TAG)
    assert device.code("cast", "--wait", "1") == ExitCode.UNCHECKED
    board.posting = "takes"
    for number in (1, 2):
        other = Device(tmp_path / f"other-{number}", board, device.capsys)
        other.restore(number)
        other.seal((OTHER_TAG, THIRD_TAG)[number - 1])
        other.facts("cast")
    board.posting = "refuses"
    assert device.code("watch", "--once") == ExitCode.FAILED
    assert "!!!" in device.err
    (evidence,) = device.wallet.parent.glob("wallet-evidence-*.json")
    assert run(["evidence", "check", str(evidence), "--sitting", device.anchor]) == ExitCode.PASSED
    device.capsys.readouterr()
    board.simulator.rehearsal.close_poll(1)
    board.posting = "takes"
    with live(board.simulator, "keeps") as box:
        assert device.code("watch", "--once", "--board", board.url, "--board", box.url) == ExitCode.FAILED
        assert [decode_entry(entry).kind for entry in box.posted] == ["objection"]
    assert "objection posted" in device.err
    assert board.simulator.board.record.state.polls[1].status == "void"
    assert device.code("watch", "--once", "--board", board.url) == ExitCode.FAILED
    assert device.facts("status")["polls"][0]["status"] == "void"


def test_the_device_lost_after_voting(device: Device, board: LiveBoard, tmp_path: Path) -> None:
    """From the phrase: the same ballots, and the next number. The old device is told that another one voted."""
    device.seal(TAG)
    first = device.facts("cast")
    second = Device(tmp_path / "second", board, device.capsys)
    assert second.restore()["found"] == 1
    (ballot,) = second.facts("check", "--tag", TAG)["ballots"]
    assert ballot["tracker"] == first["tracker"]
    second.seal(OTHER_TAG, OTHER_CHOICES)
    second.facts("cast")
    (ballot,) = second.facts("check", "--tag", OTHER_TAG)["ballots"]
    assert (ballot["number"], ballot["of"]) == (2, 2)
    for _look in range(2):
        assert [ballot["place"] for ballot in device.facts("status")["ballots"]] == ["replaced", "unknown"]
        assert device.code("watch", "--once") == ExitCode.FAILED
        assert "phrase" in device.err
    device.facts("check", "--tag", OTHER_TAG)
    assert device.code("watch", "--once") == ExitCode.PASSED


def test_two_devices_racing(device: Device, board: LiveBoard, tmp_path: Path) -> None:
    """Both seal on one head and cast at once: one counts, the other is told and can vote again."""
    other = Device(tmp_path / "other", board, device.capsys)
    other.restore()
    for racer, tag in ((device, TAG), (other, OTHER_TAG)):
        racer.seal(tag)
        assert racer.facts("cast", "--to", str(racer.folder / "ballot"))
    assert device.facts("submit")["receipts"]
    assert other.code("submit") == ExitCode.REFUSED
    assert "another device" in other.err
    assert other.facts("submit") == {"receipts": []}
    assert sorted(ballot["place"] for ballot in other.facts("status")["ballots"]) == ["given-up", "unknown"]
    other.seal(THIRD_TAG)
    other.facts("cast")
    assert device.code("vote", "1", "--choices", str(device.folder / "choices"), "--tag", THIRD_TAG) == ExitCode.REFUSED
    assert "very tag" in device.err
    late = device.seal("5342165234")
    other.seal("2365412361")
    other.facts("cast")
    assert device.code("cast") == ExitCode.REFUSED
    assert late["short"] not in device.err


@pytest.mark.parametrize("what", ["sitting", "board", "log", "file", "passphrase", "poll", "proxy"])
def test_mistakes_are_told_and_bind_nothing(
    what: str, tmp_path: Path, board: LiveBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong sitting, dead board, a file that is no log, one that is no wallet: one line, and the next try works."""
    device = Device(tmp_path / "device", board, capsys)
    phrase = private(device.folder / "phrase", phrases()[0])
    device.facts("restore", "--label", LABEL, "--phrase-file", phrase, "--small-device")
    dead = f"http://127.0.0.1:{free_port()}"
    attempts = {
        "sitting": (("status", "--board", board.url, "--sitting", "00" * 32), ExitCode.REFUSED),
        "board": (("status", "--board", dead, "--sitting", device.anchor), ExitCode.UNCHECKED),
        "log": (("status", "--board", phrase, "--sitting", device.anchor), ExitCode.UNCHECKED),
        "file": (("status", *device.place, "--wallet", phrase), ExitCode.FAILED),
        "passphrase": (("status", *device.place), ExitCode.UNCHECKED),
        "poll": (("vote", "2", *device.place), ExitCode.REFUSED),
        "proxy": (("status", *device.place, "--proxy", f"socks5h://127.0.0.1:{free_port()}"), ExitCode.UNCHECKED),
    }
    arguments, code = attempts[what]
    if what == "passphrase":
        private(device.folder / "passphrase", "wrong horse\n")
    assert device.code(*arguments) == code, device.err
    assert device.err.count("\n") == 1
    private(device.folder / "passphrase", PASSPHRASE + "\n")
    assert device.facts("status", *device.place)["registered"] is True
    assert device.code("status", "--sitting", "00" * 32) == ExitCode.REFUSED
    assert "another sitting" in device.err


def test_a_proxy_once_given_is_kept_to(device: Device) -> None:
    """No command goes without it until that is said: a forgotten option unmasks nobody."""
    proxy = f"socks5h://127.0.0.1:{free_port()}"
    assert device.code("status", "--proxy", proxy) == ExitCode.UNCHECKED
    assert device.code("status") == ExitCode.PASSED
    with live(device.board.simulator) as other:
        facts = device.facts("status", "--board", other.url, "--proxy", "none")
        assert facts["registered"] is True


@pytest.mark.parametrize(
    ("choices", "tag", "code"),
    [
        (CHOICES.replace("For", "Yes"), TAG, ExitCode.REFUSED),
        (CHOICES.replace('"A", "C"', '"A", "B", "C"'), TAG, ExitCode.REFUSED),
        (CHOICES, "1111111111", ExitCode.REFUSED),
        (CHOICES, "31642", ExitCode.REFUSED),
        ("nonsense", TAG, ExitCode.FAILED),
    ],
)
def test_what_may_not_be_voted_is_not_sealed(choices: str, tag: str, code: ExitCode, device: Device) -> None:
    """Limits, labels and tags are looked at before anything is encrypted."""
    file = private(device.folder / "choices", choices)
    assert device.code("vote", "1", "--choices", file, "--tag", tag) == code
    assert device.code("cast") == ExitCode.REFUSED
    assert "no sealed ballot" in device.err


def test_secrets_stay_where_they_belong(device: Device, tmp_path: Path) -> None:
    """Of a whole vote, no file of the device but those made for it shows phrase, passphrase, choices or seed."""
    device.seal(TAG)
    device.facts("cast")
    device.facts("watch", "--once")
    for path in tmp_path.rglob("*"):
        if not path.is_file() or path.name in {"phrase", "passphrase", "choices"}:
            continue
        assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".checkpoint", path
        data = path.read_bytes()
        for secret in (phrases()[0], PASSPHRASE, '"choices"', '"seed"', LABEL):
            assert secret.encode() not in data, (path, secret)
