"""`secballot evidence`: a stranger checks a file, and a delegate compares a promise with the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.records.promise import PROMISE
from secballot.roles.evidence import encode_evidence, split_view
from secballot_cli.main import ExitCode, run
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from pathlib import Path

HONEST = View(entries(1, 2, 3, 4, 5), sizes=(5, 7))
OTHER = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 7, 8), witnesses=("w2.example", "w3.example"))
ANCHOR = ("--sitting", SITTING_ID.hex())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return an evidence file about two views."""
    found = split_view(SMALL_MANIFEST, HONEST.note(5), OTHER.note(8), OTHER.history)
    assert found is not None
    path = tmp_path / "split.evidence"
    path.write_bytes(encode_evidence(found))
    return path


def test_evidence_that_holds_is_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file alone is enough; without the id, it says where its own is from."""
    assert run(["evidence", "check", str(file), *ANCHOR]) == ExitCode.PASSED
    output = capsys.readouterr().out
    assert "signed two views of the log, of 5 and 8 entries" in output
    assert "cosigned both: w2.example" in output
    assert "taken from the file" not in output
    assert run(["evidence", "check", str(file)]) == ExitCode.PASSED
    assert "taken from the file" in capsys.readouterr().out


def test_evidence_that_shows_nothing_is_1(file: Path, tmp_path: Path) -> None:
    """So are changed and junk files; a missing one is 3, and another sitting's 5."""
    data = file.read_bytes()
    at = data.index(b'"root":"') + 9
    file.write_bytes(data[:at] + (b"B" if data[at : at + 1] == b"A" else b"A") + data[at + 1 :])
    assert run(["evidence", "check", str(file), *ANCHOR]) == ExitCode.FAILED
    file.write_bytes(b"junk")
    assert run(["evidence", "check", str(file)]) == ExitCode.FAILED
    assert run(["evidence", "check", str(tmp_path / "nothing")]) == ExitCode.UNCHECKED
    file.write_bytes(data)
    assert run(["evidence", "check", str(file), "--sitting", "00" * 32]) == ExitCode.REFUSED


def test_a_broken_promise_becomes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A delegate's promise, compared with the log, is kept, open or broken; what is broken becomes evidence."""
    board = OTHER.publish(tmp_path / "other")
    given, out = tmp_path / "promise.json", tmp_path / "broken.evidence"

    def compare() -> int:
        return run(["evidence", "promise", str(given), str(out), "--board", str(board), *ANCHOR])

    given.write_bytes(PROMISE.encode(promise(OTHER.log[4], 4)))
    assert compare() == ExitCode.PASSED
    assert "The promise is kept." in capsys.readouterr().out
    given.write_bytes(PROMISE.encode(promise(OTHER.log[4], 40)))
    assert compare() == ExitCode.PASSED
    assert "is open" in capsys.readouterr().out
    given.write_bytes(PROMISE.encode(promise(HONEST.log[4], 4)))
    assert compare() == ExitCode.FAILED
    assert "promised index 4" in capsys.readouterr().out
    assert run(["evidence", "check", str(out), *ANCHOR]) == ExitCode.PASSED
    assert compare() == ExitCode.UNCHECKED  # evidence is not overwritten


def test_an_audit_that_meets_two_views_writes_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mirrors that contradict each other, and a board that has changed its mind, leave a file."""
    one = HONEST.publish(tmp_path / "one")
    two = OTHER.publish(tmp_path / "two")
    for number, arguments in enumerate(([str(one), "--mirror", str(two)], [str(one)], [str(two)])):
        out = tmp_path / f"{number}.evidence"
        code = run(["audit", *arguments, *ANCHOR, "--evidence", str(out)])
        if number == 1:
            assert code == ExitCode.PASSED
            assert not out.exists()
            continue
        assert code == ExitCode.FAILED
        assert "two views" in capsys.readouterr().err
        assert run(["evidence", "check", str(out), *ANCHOR]) == ExitCode.PASSED
