"""Whatever a delegate's commands are given, they say what is wrong in a line; and nothing they decided is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secballot.records.promise import PROMISE
from secballot_cli.delegate_sending import keep_promise
from secballot_cli.main import ExitCode, run
from tests.cli.delegate_stage import CHOICES, Device, private
from tests.live_board import LiveBoard
from tests.stages import convened
from tests.two_views import promise
from tests.wallets import OTHER_TAG, TAG, THIRD_TAG, phrases

if TYPE_CHECKING:
    from pathlib import Path

ANY = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
OURS = {ExitCode.PASSED, ExitCode.FAILED, ExitCode.USAGE, ExitCode.UNCHECKED, ExitCode.REFUSED}


def test_a_card_that_cannot_be_written_is_told_before_the_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody writes 24 words down in vain."""
    device = Device(tmp_path / "device", LiveBoard(convened()), capsys)
    taken = private(tmp_path / "taken", "mine")
    for card in (taken, str(tmp_path / "nowhere" / "card")):
        new = ("new", "--name", "Anna", "--label", "spring", "--phrase-file", str(tmp_path / "phrase"), "--card", card)
        assert device.code(*new, "--small-device") == ExitCode.UNCHECKED
        assert not (tmp_path / "phrase").exists()
        assert not device.wallet.exists()
    assert device.code("enrol", "--name", "Anna") == ExitCode.UNCHECKED
    assert "delegate new" in device.err


def test_no_promise_is_written_over_another(tmp_path: Path) -> None:
    """Each may be evidence; the same one is written once."""
    file = tmp_path / "ballot"
    given = [promise(b"entry", index) for index in (5, 900, 5, 901)]
    for one in given:
        keep_promise(file, one)
    written = {path.name: PROMISE.decode(path.read_bytes()).index for path in tmp_path.iterdir()}
    assert written == {"ballot.promise": 5, "ballot.promise-2": 900, "ballot.promise-3": 901}


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", "--name", "\x1b[2J", "--label", "x"),
        ("new", "--name", "A", "--label", ""),
        ("new", "--name", "A", "--label", "\u202eevil"),
        ("new", "--name", "A", "--label", "x" * 101),
        ("new", "--name", "", "--label", "x"),
        ("new", "--label", "x"),
        ("restore", "--label", "x", "--phrase-file", "/"),
        ("restore", "--label", "x", "--phrase-file", "/dev/null"),
        ("status", "--sitting", "12"),
        ("vote", "0"),
        ("vote", "one"),
        ("check-opened", "/dev/null", "0" * 25),
        ("check-opened", "/", "0" * 25),
        ("collect",),
        ("submit", "/dev/null"),
        ("nonsense",),
    ],
)
def test_odd_arguments_are_told(arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, an exit code of ours, and nothing made."""
    device = Device(tmp_path / "device", LiveBoard(convened()), capsys)
    more = ("--phrase-file", str(tmp_path / "phrase")) if arguments[0] == "new" else ()
    assert device.code(*arguments, *more) in OURS - {ExitCode.PASSED}
    assert device.err.count("\n") == 1
    assert "\x1b" not in device.err
    assert not device.wallet.exists()
    assert not (tmp_path / "phrase").exists()


def test_any_file_in_place_of_ours(device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As ballot, receipt, opened ballot, choices, phrase or wallet: our own error, never a traceback."""
    file = tmp_path / "file"

    @ANY
    @given(data=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
    def try_it(data: bytes) -> None:
        file.touch(0o600)
        file.write_bytes(data)
        name = str(file)
        for arguments in (
            ("submit", name, *device.place),
            ("check-opened", name, "0" * 25, *device.place),
            ("restore", "--label", "x", "--phrase-file", name, "--wallet", str(tmp_path / "other")),
            ("enrol", "--name", "A", "--wallet", name),
        ):
            assert device.code(*arguments) in OURS - {ExitCode.PASSED}, arguments

    try_it()


def test_any_choices_and_trackers(device: Device, tmp_path: Path) -> None:
    """What people type, and what is in a file of choices; nothing of it is sealed."""

    @settings(ANY, max_examples=5)
    @given(text=st.text(max_size=40).filter(lambda text: not text.startswith("-")))
    def try_it(text: str) -> None:
        file = private(tmp_path / "choices", text)
        assert device.code("vote", "1", "--choices", file, "--tag", TAG) in OURS - {ExitCode.PASSED}
        assert device.code("check", text, "--tag", TAG) in OURS - {ExitCode.PASSED}

    try_it()
    assert device.code("vote", "1", "--choices", private(tmp_path / "c", CHOICES), "--tag", "x\n") == ExitCode.REFUSED


def test_a_ballot_lost_on_its_way_is_written_again(device: Device, board: LiveBoard, tmp_path: Path) -> None:
    """The memory stick is gone: the same bytes once more. A folder that is not there decides nothing."""
    device.seal(TAG)
    assert device.code("cast", "--to", str(tmp_path / "nowhere" / "ballot")) == ExitCode.REFUSED
    device.facts("cast", "--to", str(tmp_path / "one"))
    device.facts("cast", "--to", str(tmp_path / "two"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert device.code("cast") == ExitCode.REFUSED
    assert device.code("open") == ExitCode.REFUSED
    assert len(device.facts("submit")["receipts"]) == 1
    assert device.code("cast", "--to", str(tmp_path / "three")) == ExitCode.REFUSED


def test_a_shorter_log_than_before_is_told(device: Device, board: LiveBoard) -> None:
    """The wallet remembers the last checkpoint it saw: the board cannot lead it back."""
    device.seal(TAG)
    device.facts("cast")
    inner = board.simulator.board
    newest = max(inner.notes)
    kept = inner.notes.pop(newest), inner.entries.pop()
    assert device.code("status") == ExitCode.FAILED
    assert "the last time" in device.err
    inner.notes[newest] = kept[0]
    inner.entries.append(kept[1])
    assert device.code("status") == ExitCode.PASSED


def test_receipts_are_saved_for_other_tools(device: Device, tmp_path: Path) -> None:
    """`secballot receipt check` takes them; the tag is asked for there, too."""
    device.seal(TAG)
    short = device.facts("cast")["short"]
    device.facts("check", "--tag", "31642 25163", "--save", str(tmp_path))
    assert run(["receipt", "check", str(tmp_path / f"{short}.receipt"), *device.place, "--tag", TAG]) == 0
    device.capsys.readouterr()


def test_watching_goes_on_until_the_poll_is_decided(device: Device, board: LiveBoard) -> None:
    """The ballot is under way, then on the board, then counted; what is new is said once."""
    board.witnessing = False
    device.seal(TAG)
    assert device.code("cast", "--wait", "0") == ExitCode.UNCHECKED
    simulator = board.simulator

    def go_on() -> None:
        with board.lock:
            for number, tag in ((1, OTHER_TAG), (2, THIRD_TAG), (5, "2356142536"), (6, "4253616235")):
                other = simulator.rehearsal.delegates[number]
                both = number < simulator.plan.delegates[0]
                other.cast(other.seal(1, ((1, 0, 0), (1, 0, 0)) if both else ((1, 0, 0),), tag))
            simulator.rehearsal.witness()
            simulator.rehearsal.close_poll(1)
            simulator.rehearsal.decrypt(1)

    timer = threading.Timer(1.0, go_on)
    timer.start()
    (found,) = device.facts("watch", "--interval", "1")["ballots"]
    timer.join()
    assert (found["place"], found["alarm"]) == ("counted", "")
    assert device.err.count("it is counted") == 1
    for word in phrases()[0].split():
        assert word not in device.err.split()
