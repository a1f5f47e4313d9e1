"""`secballot board mirror`: once, or as long as it runs; a board that changes its mind ends it with evidence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from secballot_cli.main import ExitCode, run
from tests.loopback import serving_folder
from tests.small_sitting import ORIGIN, SITTING_ID
from tests.two_views import View, entries

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HONEST = View(entries(1, 2, 3, 4, 5), sizes=(4, 5, 7))
OTHER = View(entries(1, 2, 9, 4, 5, 6), sizes=(8,))
ANCHOR = ("--sitting", SITTING_ID.hex())


def _follow(*arguments: str) -> subprocess.Popen[str]:
    code = "import sys; from secballot_cli.main import run; sys.exit(run(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, "board", "mirror", *arguments, "--follow", "--interval", "0.1", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def _show(view: View, folder: Path, number: int) -> None:
    """Let the folder show a view, as if its board had written it."""
    with BoardStore.create(folder.parent / f"{number}.db", ORIGIN) as store:
        store.append(view.log[: max(view.sizes)])
        for size in view.sizes:
            store.put_checkpoint(view.note(size))
        write_folder(store, folder)


def test_a_mirror_follows_until_its_board_changes_its_mind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It waits for a board that is away, grows with it, is interrupted, goes on, and keeps the evidence in the end."""
    shown, copy = tmp_path / "shown", str(tmp_path / "copy.db")
    _show(View(HONEST.log, (4,)), shown, 1)
    with serving_folder(shown) as url:
        mirror = _follow(url, copy, *ANCHOR, "--publish", str(tmp_path / "mirror"))
        assert mirror.stdout is not None
        assert json.loads(mirror.stdout.readline())["facts"] == {"evidence": None, "size": 4}
        away = shown.rename(tmp_path / "away")
        time.sleep(1)
        away.rename(shown)
        _show(HONEST, shown, 2)
        assert json.loads(mirror.stdout.readline())["facts"]["size"] == 7
        mirror.send_signal(signal.SIGINT)
        errors = mirror.communicate(timeout=30)[1]
        assert (mirror.returncode, "Traceback" in errors, "not now" in errors) == (ExitCode.INTERRUPTED, False, True)
        mirror = _follow(url, copy, *ANCHOR)
        assert mirror.stdout is not None
        assert json.loads(mirror.stdout.readline())["facts"]["size"] == 7
        shutil.rmtree(shown)
        _show(OTHER, shown, 3)
        errors = mirror.communicate(timeout=30)[1]
        assert (mirror.returncode, f"evidence written: {copy}.evidence" in errors) == (ExitCode.FAILED, True)
    assert run(["evidence", "check", f"{copy}.evidence", *ANCHOR]) == ExitCode.PASSED
    assert "of 7 and 8 entries" in capsys.readouterr().out
    assert run(["audit", str(tmp_path / "mirror"), *ANCHOR]) == ExitCode.PASSED


def test_a_mirror_is_made_once_or_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An archive is written beside the folder; a shorter log, no quorum and another sitting are refused."""
    board, copy = str(HONEST.publish(tmp_path / "one")), str(tmp_path / "copy.db")
    archive = ["--publish", str(tmp_path / "mirror"), "--archive", str(tmp_path / "mirror.zip")]
    for _ in range(2):
        assert run(["board", "mirror", board, copy, *ANCHOR, *archive]) == ExitCode.PASSED
        assert "mirrored: 7 entries" in capsys.readouterr().out
    assert run(["audit", str(tmp_path / "mirror.zip"), *ANCHOR]) == ExitCode.PASSED
    assert run(["board", "mirror", board, copy, *ANCHOR, *archive[2:]]) == ExitCode.USAGE
    short = str(View(HONEST.log[:5], (5,)).publish(tmp_path / "short"))
    assert run(["board", "mirror", short, copy, *ANCHOR]) == ExitCode.FAILED
    assert "the copy 7" in capsys.readouterr().err
    unseen = str(View(HONEST.log, (7,), ("w1.example",)).publish(tmp_path / "unseen"))
    assert run(["board", "mirror", unseen, str(tmp_path / "new.db"), *ANCHOR]) == ExitCode.REFUSED
    assert run(["board", "mirror", board, copy, "--sitting", "00" * 32]) == ExitCode.REFUSED
    assert run(["board", "mirror", str(tmp_path / "nothing"), copy, *ANCHOR]) == ExitCode.UNCHECKED


def test_a_false_checkpoint_beside_the_log_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The log is copied all the same; the exit code tells, and the first evidence is kept."""
    board, copy = HONEST.publish(tmp_path / "one"), str(tmp_path / "copy.db")
    (board / "checkpoint-by-size" / "5").write_bytes(OTHER.note(5))
    kept = []
    for _ in range(2):
        assert run(["board", "mirror", str(board), copy, *ANCHOR]) == ExitCode.FAILED
        assert f"evidence: {copy}.evidence" in capsys.readouterr().out
        kept.append((tmp_path / "copy.db.evidence").read_bytes())
    assert kept[0] == kept[1]
    with BoardStore.open(copy) as store:
        assert (store.size(), store.checkpoint_sizes()) == (7, [4, 7])
