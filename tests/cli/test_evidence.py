"""`secballot evidence`: a stranger checks a file, and a delegate compares a promise with the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE
from secballot.roles.evidence import encode_evidence, split_view
from secballot.store.archive import write_archive
from secballot_cli.main import ExitCode, run
from tests.loopback import serving_folder
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


def test_a_promise_that_a_handover_has_voided_is_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was the successor's place to give: nobody has broken his word, and the entry has to be posted again."""
    board = View(OTHER.log, OTHER.sizes, operator="log 2").publish(tmp_path / "other")
    given = tmp_path / "promise.json"
    given.write_bytes(PROMISE.encode(promise(HONEST.log[4], 4)))
    code = run(["evidence", "promise", str(given), str(tmp_path / "out"), "--board", str(board), *ANCHOR, "--json"])
    assert code == ExitCode.REFUSED
    assert json.loads(capsys.readouterr().out)["facts"] == {"index": 4, "state": "void"}
    assert not (tmp_path / "out").exists()


def _archive(folder: Path) -> Path:
    write_archive(folder, folder.with_suffix(".zip"))
    return folder.with_suffix(".zip")


def test_readers_who_compare_find_two_views(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Folder, archive, database, URL and a kept checkpoint, each against each other: the file convinces a stranger."""
    one, two = HONEST.publish(tmp_path / "one"), OTHER.publish(tmp_path / "two")
    note = tmp_path / "kept.checkpoint"
    note.write_bytes(OTHER.note(8))
    with serving_folder(one) as url:
        firsts = (str(one), str(_archive(one)), str(one.parent / "board.db"), url)
        for number, (first, second) in enumerate((f, s) for f in firsts for s in (str(two), str(note))):
            out = tmp_path / f"{number}.evidence"
            code = run(["evidence", "compare", first, second, *ANCHOR, "--out", str(out)])
            if second == str(note):  # larger than the log at the first place
                assert code == ExitCode.UNCHECKED
                assert "not compared" in capsys.readouterr().err
                continue
            assert code == ExitCode.FAILED
            assert "two views" in capsys.readouterr().out
            assert run(["evidence", "check", str(out), *ANCHOR]) == ExitCode.PASSED
        note.write_bytes(OTHER.note(5))
        assert run(["evidence", "compare", str(note), url, *ANCHOR, "--json"]) == ExitCode.FAILED
        assert '"sizes": [5, 5]' in capsys.readouterr().out


def test_readers_who_compare_one_log_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether one is behind or not; two bare checkpoints need the manifest, and to be of one size."""
    one = HONEST.publish(tmp_path / "one")
    five, seven, manifest = tmp_path / "five", tmp_path / "seven", tmp_path / "manifest.json"
    five.write_bytes(HONEST.note(5))
    seven.write_bytes(HONEST.note(7))
    manifest.write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    assert run(["evidence", "compare", str(one), str(five), str(seven), *ANCHOR, "--json"]) == ExitCode.PASSED
    assert json.loads(capsys.readouterr().out)["facts"] == {"sizes": {str(one): 7, str(five): 5, str(seven): 7}}
    assert run(["evidence", "compare", str(five), str(seven), *ANCHOR, "--manifest", str(manifest)]) == 3
    capsys.readouterr()
    bare = ["evidence", "compare", str(five), str(five), *ANCHOR, "--state", str(tmp_path / "new")]
    assert run(bare) == ExitCode.REFUSED
    assert run([*bare, "--manifest", str(manifest)]) == ExitCode.PASSED
    other = ["--sitting", "00" * 32, "--manifest", str(manifest)]
    assert run(["evidence", "compare", str(five), *other]) == ExitCode.REFUSED
    assert run(["evidence", "compare", str(manifest), str(one), *ANCHOR]) == ExitCode.UNCHECKED
    assert run(["evidence", "compare", str(tmp_path / "nothing"), str(one), *ANCHOR]) == ExitCode.UNCHECKED
    broken = HONEST.publish(tmp_path / "broken")
    for path in (broken / "tile" / "entries").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])
    capsys.readouterr()
    assert run(["evidence", "compare", str(broken), *ANCHOR]) == ExitCode.UNCHECKED
    assert "manifest" not in capsys.readouterr().err


def test_what_a_reader_saw_before_is_compared_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second place is not needed by whoever has been here before; a shorter log than then is not enough."""
    one, two = HONEST.publish(tmp_path / "one"), OTHER.publish(tmp_path / "two")
    short = View(HONEST.log[:5], (5,)).publish(tmp_path / "short")
    given, out = tmp_path / "promise.json", tmp_path / "evidence"
    given.write_bytes(PROMISE.encode(promise(HONEST.log[3], 3)))
    assert run(["evidence", "compare", str(short), *ANCHOR]) == ExitCode.PASSED
    assert run(["evidence", "compare", str(one), *ANCHOR]) == ExitCode.PASSED
    assert run(["evidence", "compare", str(short), *ANCHOR]) == ExitCode.UNCHECKED
    assert "seen before" in capsys.readouterr().err
    compare = ["evidence", "promise", str(given), str(out), "--board"]
    assert run([*compare, str(one), *ANCHOR]) == ExitCode.PASSED
    assert run([*compare, str(short), *ANCHOR]) == ExitCode.FAILED
    assert "had 7 the last time" in capsys.readouterr().err
    assert run([*compare, str(two), *ANCHOR]) == ExitCode.FAILED
    assert run(["evidence", "check", str(out), *ANCHOR]) == ExitCode.PASSED
    assert run(["evidence", "compare", str(two), *ANCHOR, "--out", str(tmp_path / "more")]) == ExitCode.FAILED
    assert run(["evidence", "check", str(tmp_path / "more"), *ANCHOR]) == ExitCode.PASSED
    unseen = View(HONEST.log, (7,), witnesses=("w1.example",)).publish(tmp_path / "unseen")
    assert run([*compare, str(unseen), *ANCHOR, "--state", str(tmp_path / "new")]) == ExitCode.REFUSED


def test_two_operators_of_two_logs_are_1_without_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They differ, which is said; none of them has contradicted itself."""
    one = HONEST.publish(tmp_path / "one")
    two = View(OTHER.log, OTHER.sizes, operator="log 2").publish(tmp_path / "two")
    out = tmp_path / "evidence"
    assert run(["evidence", "compare", str(one), str(two), *ANCHOR, "--out", str(out)]) == ExitCode.FAILED
    assert "another operator" in capsys.readouterr().err
    assert not out.exists()


def test_evidence_is_written_over_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file named holds something else: the evidence goes beside it, once, and the verdict is the same."""
    one, two = HONEST.publish(tmp_path / "one"), OTHER.publish(tmp_path / "two")
    out = tmp_path / "found.json"
    out.write_text("{}")
    for _again in range(2):
        code = run(["audit", str(one), "--mirror", str(two), *ANCHOR, "--evidence", str(out)])
        assert code == ExitCode.FAILED
    (beside,) = tmp_path.glob("found-*.json")
    assert f"evidence written: {beside}" in capsys.readouterr().err
    assert out.read_text() == "{}"
    assert run(["evidence", "check", str(beside), *ANCHOR]) == ExitCode.PASSED


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
