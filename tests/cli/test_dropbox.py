"""A drop box as a program: killed and started again before boards that come, go and cheat, it loses nothing."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from secballot.board.merkle import leaf_hash
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE
from secballot.roles.posting import open_poster
from secballot.roles.remote import KeptError
from secballot.store.dropbox import Arriving, DropStore
from secballot_cli.main import ExitCode, run
from tests.loopback import free_port
from tests.running import key_files, passphrase_file, running, start
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST, document, founding
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from pathlib import Path

ANCHOR = ("--sitting", SITTING_ID.hex())


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    """Return the file of the sitting's manifest."""
    file = tmp_path / "manifest.json"
    file.write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    return str(file)


@pytest.fixture
def box(tmp_path: Path, manifest: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the database of a new drop box."""
    database = str(tmp_path / "box.db")
    assert run(["dropbox", "create", database, manifest]) == ExitCode.PASSED
    assert capsys.readouterr().out.splitlines()[0].replace(" ", "") == SITTING_ID.hex()
    return database


def _post(url: str, entry: bytes) -> int:
    return httpx.post(f"{url}/entry", content=entry, trust_env=False).status_code


def test_what_was_kept_while_the_board_was_away_reaches_it(
    tmp_path: Path, manifest: str, box: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The drop box is killed, and the board comes later: every entry is promised a place, and its promise kept."""
    keys = ("--log-key", str(tmp_path / "log.key"), "--promise-key", str(tmp_path / "promise.key"))
    key_files(tmp_path, "log", "promise")
    unlock = passphrase_file(tmp_path)
    database, port = str(tmp_path / "board.db"), free_port()
    assert run(["board", "create", database, manifest, *keys, *unlock]) == ExitCode.PASSED
    serve = ("dropbox", "serve", box, *ANCHOR, "--board", f"http://127.0.0.1:{port}")
    first = start(*serve)
    sent = [*founding(), document(1)]
    assert [_post(first.url, entry) for entry in sent] == [202] * 3
    first.kill()
    with running(*serve, "--log", serve[-1]) as second:
        with pytest.raises(KeptError):
            open_poster([second.url], SMALL_MANIFEST, SITTING_ID, rounds=1).post(sent[0])
        with running("board", "serve", database, *ANCHOR, *keys, *unlock, port=port):
            poster = open_poster([second.url], SMALL_MANIFEST, SITTING_ID)
            assert {poster.post(entry).index for entry in sent} == {0, 1, 2}
            capsys.readouterr()
            assert run(["dropbox", "status", box, "--json"]) == ExitCode.PASSED
            facts = json.loads(capsys.readouterr().out)["facts"]
            assert (facts["entries"], facts["promised"], facts["kinds"]) == (3, 3, {"document": 1, "manifest": 2})
        assert poster.post(sent[2]).leaf_hash == leaf_hash(sent[2])


def test_whatever_is_acknowledged_survives_kill_9(box: str) -> None:
    """Killed again and again while entries pour in: each that was answered with 202 is there."""
    acknowledged: list[bytes] = []
    serve = ("dropbox", "serve", box, *ANCHOR, "--board", f"http://127.0.0.1:{free_port()}", "--rate", "2000")
    for number in range(3):
        running_box = start(*serve)

        def pour(lane: int, number: int = number, url: str = running_box.url) -> None:
            with httpx.Client(trust_env=False) as client:
                for at in range(10_000):
                    entry = document(10_000 * (10 * number + lane) + at)
                    try:
                        if client.post(f"{url}/entry", content=entry).status_code == 202:
                            acknowledged.append(entry)
                    except httpx.HTTPError:
                        return

        threads = [threading.Thread(target=pour, args=(lane,)) for lane in range(3)]
        for thread in threads:
            thread.start()
        wanted = len(acknowledged) + 40
        while len(acknowledged) < wanted:
            threads[0].join(0.005)
        running_box.kill()
        for thread in threads:
            thread.join()
    with DropStore.open(box) as store:
        held = {one.data for one in store.entries()}
        assert store.counts()["entries"] == len(held)
    assert set(acknowledged) <= held
    assert len(acknowledged) >= 120


def test_promises_are_compared_with_the_log(tmp_path: Path, box: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Kept, open, broken and void ones are counted; of each broken one there is a file that convinces a stranger."""
    honest = View(entries(1, 2, 3), sizes=(5,))
    board = honest.publish(tmp_path / "log")
    given = (
        (honest.log[3], 3, "promise", 1),
        (document(8), 3, "promise", 1),
        (document(9), 9, "promise", 1),
        (document(7), 4, "promise 2", 2),
    )
    with DropStore.open(box) as store:
        for entry, index, signer, operator in given:
            store.keep([Arriving(entry, "document", 1)], entries=10, size=10**6)
            store.put_promise(leaf_hash(entry), operator, PROMISE.encode(promise(entry, index, signer)))
    out = tmp_path / "evidence"
    check = ["dropbox", "check", box, str(out), "--board", str(board), *ANCHOR, "--json"]
    for _ in range(2):
        assert run(check) == ExitCode.FAILED
        facts = json.loads(capsys.readouterr().out)["facts"]
        assert facts["promises"] == {"broken": 1, "kept": 1, "open": 1, "void": 1}
        assert facts["written"] == [str(out / "2-3.evidence")]
    assert run(["evidence", "check", facts["written"][0], *ANCHOR]) == ExitCode.PASSED
    unseen = View(honest.log, (5,), ("w1.example",)).publish(tmp_path / "unseen")
    check[5] = str(unseen)
    assert run(check) == ExitCode.REFUSED
    check[5] = str(View(honest.log[:4], (4,)).publish(tmp_path / "shorter"))
    assert run(check) == ExitCode.FAILED
    assert "had 5 the last time" in capsys.readouterr().err
    check[5] = str(tmp_path / "nothing")
    assert run(check) == ExitCode.UNCHECKED


def test_another_sittings_drop_box_is_not_served(tmp_path: Path, box: str) -> None:
    """Nor one that is not there, and a second is not made over the first."""
    other = ("--sitting", "00" * 32)
    assert run(["dropbox", "serve", box, *other, "--board", "http://127.0.0.1:9"]) == ExitCode.REFUSED
    assert run(["dropbox", "check", box, str(tmp_path / "out"), "--board", box, *other]) == ExitCode.UNCHECKED
    lost = str(tmp_path / "lost.db")
    assert run(["dropbox", "serve", lost, *ANCHOR, "--board", "http://127.0.0.1:9"]) == ExitCode.UNCHECKED
    assert run(["dropbox", "create", box, str(tmp_path / "manifest.json")]) == ExitCode.UNCHECKED
    assert run(["dropbox", "status", lost]) == ExitCode.UNCHECKED
