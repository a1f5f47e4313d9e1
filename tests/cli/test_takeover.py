"""`secballot board takeover` and `pending`, `secballot witness takeup`: what they refuse, and what they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from secballot.net.witness_server import witness_app
from secballot.roles.witness_service import WitnessService
from secballot.store.board import BoardStore
from secballot.store.journal import Journal
from secballot_cli.main import ExitCode, run
from tests.loopback import free_port, serving
from tests.running import key_files, passphrase_file
from tests.small_sitting import ORIGIN, SITTING_ID, document, key, public
from tests.two_views import View, entries

if TYPE_CHECKING:
    from pathlib import Path

LOG = View(entries(1, 2, 3), sizes=(4, 5))
ANCHOR = ("--sitting", SITTING_ID.hex())


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, ...]:
    """Return the options that name the successor's key files; others lie beside them."""
    key_files(tmp_path, "log", "promise", "log 2", "promise 2", "w1.example")
    return ("--log-key", str(tmp_path / "log 2.key"), "--promise-key", str(tmp_path / "promise 2.key"))


def test_a_takeover_says_what_comes_next(
    tmp_path: Path, keys: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """From folder, archive or database; unheard witnesses are named, and too many of them are warned of."""
    folder, database = str(LOG.publish(tmp_path / "log")), str(tmp_path / "new.db")
    takeover = ["board", "takeover", folder, database, *ANCHOR, *keys]
    assert run(takeover) == ExitCode.PASSED
    output = capsys.readouterr().out
    assert "Taken over: 5 entries, for successor 1" in output
    assert "3 witnesses were not heard" in output
    assert "secballot witness takeup" in output
    takeover[2] = str(tmp_path / "log" / "board.db")
    dead = f"w2.example=http://127.0.0.1:{free_port()}"
    assert run([*takeover, "--witness", dead, "--json"]) == ExitCode.PASSED
    facts = json.loads(capsys.readouterr().out)["facts"]
    assert facts == {
        "asked": [],
        "root": LOG.history.root(5).hex(),
        "silent": ["w2.example"],
        "size": 5,
        "successor": 1,
    }
    with BoardStore.open(database) as store:
        assert (store.size(), store.checkpoint_sizes()) == (5, [4, 5])


def test_what_a_witness_has_seen_beyond_the_mirror_is_needed(
    tmp_path: Path, keys: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The witness that runs tells; its name has to be one of the manifest's."""
    longer = View([*LOG.log, document(4)], sizes=(6,), witnesses=())
    with Journal.create(tmp_path / "w1.db") as journal:
        service = WitnessService("w1.example", key("w1.example"), journal)
        service.role.follow(ORIGIN, public("log")[0])
        service.add_checkpoint(longer.request(0, 6))
        with serving(witness_app(service)) as url:
            takeover = [
                "board",
                "takeover",
                str(LOG.publish(tmp_path / "log")),
                str(tmp_path / "new.db"),
                *ANCHOR,
                *keys,
            ]
            assert run([*takeover, "--witness", f"w1.example={url}"]) == ExitCode.REFUSED
            assert "cosigned 6 entries, and 5 are here" in capsys.readouterr().err
            for wrong in (f"w9.example={url}", url):
                assert run([*takeover, "--witness", wrong]) == ExitCode.USAGE


def test_others_do_not_take_over(tmp_path: Path, keys: tuple[str, ...]) -> None:
    """Keys of nobody, or of the first operator; another log than the database holds; nothing to read."""
    folder, database = str(LOG.publish(tmp_path / "log")), str(tmp_path / "new.db")
    first = ("--log-key", str(tmp_path / "log.key"), "--promise-key", str(tmp_path / "promise.key"))
    assert run(["board", "takeover", folder, str(tmp_path / "first.db"), *ANCHOR, *first]) == ExitCode.REFUSED
    assert run(["board", "takeover", folder, database, *ANCHOR, *keys]) == ExitCode.PASSED
    other = str(View(entries(1, 2, 9), sizes=(5,)).publish(tmp_path / "other"))
    assert run(["board", "takeover", other, database, *ANCHOR, *keys]) == ExitCode.FAILED
    assert run(["board", "takeover", str(tmp_path / "none"), database, *ANCHOR, *keys]) == ExitCode.UNCHECKED
    assert run(["board", "pending", database, str(tmp_path / "out")]) == ExitCode.REFUSED


def test_pending_entries_are_lines(tmp_path: Path, keys: tuple[str, ...]) -> None:
    """What no witnessed checkpoint covers is written, one entry a line, into a new file."""
    database, out = tmp_path / "new.db", tmp_path / "out"
    assert run(["board", "takeover", str(LOG.publish(tmp_path / "log")), str(database), *ANCHOR, *keys]) == 0
    behind = [document(4), document(5)]
    with BoardStore.open(database) as store:
        store.append(behind)
    assert run(["board", "pending", str(database), str(out)]) == ExitCode.PASSED
    assert out.read_bytes().split(b"\n") == [*behind, b""]
    assert run(["board", "pending", str(database), str(out)]) == ExitCode.UNCHECKED


def test_without_a_handover_no_successor_is_taken_up(
    tmp_path: Path, keys: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The witness goes on following the first operator."""
    assert keys
    common = (str(tmp_path / "w1.db"), "--name", "w1.example", "--key", str(tmp_path / "w1.example.key"))
    unlock = passphrase_file(tmp_path)
    assert run(["witness", "create", *common, *unlock]) == ExitCode.PASSED
    board = ("--board", str(LOG.publish(tmp_path / "log")), *ANCHOR)
    (tmp_path / "acts").write_bytes(document(4) + b"\njunk\n")
    takeup = ["witness", "takeup", *common, *unlock, *board, "--handover", str(tmp_path / "acts")]
    assert run(takeup) == ExitCode.REFUSED
    assert "no complete handover" in capsys.readouterr().err
