"""Reading a published record from wherever it is: by URL, from an archive, with a memory, against mirrors."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from secballot.board.note import Note
from secballot.board.tile import Tile, encode_bundle
from secballot.roles.receipt import RECEIPT, make_receipt
from secballot.roles.view import WitnessedView
from secballot.store.archive import write_archive
from secballot.store.source import open_source
from secballot_cli.main import ExitCode, run
from tests.audit.sources import golden_source, publish
from tests.cli.command_tree import check_documented
from tests.loopback import free_port, serving_folder
from tests.simulator import golden

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the golden sitting as a published folder. Not to be changed."""
    source = golden_source()
    return publish(tmp_path_factory.mktemp("golden"), source.log, source.notes)


@pytest.fixture(scope="module")
def receipt(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the receipt of a counted ballot, and its tag."""
    view = WitnessedView(open_source(folder), golden().anchor)
    view.refresh()
    poll = view.state.polls[1]
    made = make_receipt(view, poll, max(head.index for head in poll.heads.values()))
    path = tmp_path_factory.mktemp("receipt") / "mine.receipt"
    path.write_bytes(RECEIPT.encode(made))
    return path, made.tag


ANCHOR = "--sitting"  # the option that names the sitting


def _anchor() -> str:
    return golden().anchor.hex()


def _older(folder: Path, to: Path) -> Path:
    """Return a copy of a published folder as it was at an earlier checkpoint."""
    source = open_source(folder)
    notes = list(source.checkpoint_notes())
    older = next(note for note in notes if note != notes[0])
    size = int(Note.decode(older).text.split("\n")[1])
    bundle = tuple(source.entries(0, size))
    path = to / Tile(None, 0, size).path
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_bundle(bundle))
    (to / "checkpoint").write_bytes(older)
    return to


def test_a_record_is_audited_by_url(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What any web server serves is the record."""
    with serving_folder(folder) as url:
        assert run(["audit", url, ANCHOR, _anchor()]) == ExitCode.PASSED
    assert "The record stands." in capsys.readouterr().out


def test_a_record_is_audited_in_its_archive(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So is one file."""
    write_archive(folder, tmp_path / "log.zip")
    assert run(["audit", str(tmp_path / "log.zip"), ANCHOR, _anchor()]) == ExitCode.PASSED
    assert "The record stands." in capsys.readouterr().out


@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}", "http://", "https://user@nowhere"])
def test_a_url_that_does_not_answer_is_3(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of a record that cannot be reached."""
    assert run(["audit", where.format(port=free_port())]) == ExitCode.UNCHECKED
    captured = capsys.readouterr()
    assert "The record stands" not in captured.out


@pytest.mark.attack("LG-02")
def test_a_rollback_is_noticed(folder: Path, tmp_path: Path, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An older record than the last time is 1, although it stands by itself; without the memory it is 0."""
    older = str(_older(folder, tmp_path / "older"))
    assert run(["audit", older, ANCHOR, _anchor()]) == ExitCode.PASSED
    assert run(["audit", str(folder), ANCHOR, _anchor()]) == ExitCode.PASSED
    capsys.readouterr()
    assert run(["audit", older, ANCHOR, _anchor()]) == ExitCode.FAILED
    assert "the last time" in capsys.readouterr().err
    shutil.rmtree(state)
    assert run(["audit", older, ANCHOR, _anchor()]) == ExitCode.PASSED
    assert run(["audit", older, ANCHOR, _anchor(), "--state", str(tmp_path / "mine")]) == ExitCode.PASSED
    assert len(list((tmp_path / "mine").iterdir())) == 1


def test_mirrors_are_compared(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mirrors that agree are named; one that cannot be read is 3."""
    older = _older(folder, tmp_path / "older")
    arguments = ["audit", str(folder), ANCHOR, _anchor(), "--mirror"]
    assert run([*arguments, str(older), "--mirror", str(folder)]) == ExitCode.PASSED
    assert capsys.readouterr().err.count("mirror agrees") == 2
    assert run([*arguments, str(tmp_path / "nowhere")]) == ExitCode.UNCHECKED


def test_a_memory_that_cannot_be_kept_is_said(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine that keeps nothing can still audit."""
    (tmp_path / "file").write_bytes(b"")
    assert run(["audit", str(folder), "--state", str(tmp_path / "file")]) == ExitCode.PASSED
    assert "not remembered" in capsys.readouterr().err


def test_a_receipt_is_checked_against_a_board(
    folder: Path, receipt: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Number, counted, root and witnesses are said."""
    path, tag = receipt
    arguments = ["receipt", "check", str(path), "--board", str(folder), ANCHOR, _anchor()]
    assert run([*arguments, "--tag", tag]) == ExitCode.PASSED
    output = capsys.readouterr().out
    assert "is number " in output
    assert "it is counted" in output
    assert "Witnesses that signed it: witness-1" in output
    assert tag not in output
    with serving_folder(folder) as url:
        arguments[4] = url
        assert run([*arguments, "--tag", tag]) == ExitCode.PASSED


def test_another_tag_is_not_my_ballot(
    folder: Path, receipt: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever remembers another tag is told, and not shown the one in the ballot."""
    path, tag = receipt
    wrong = "1" * 9 + ("2" if tag[-1] == "1" else "1")
    assert (
        run(["receipt", "check", str(path), "--board", str(folder), ANCHOR, _anchor(), "--tag", wrong])
        == ExitCode.REFUSED
    )
    captured = capsys.readouterr()
    assert "does not carry your tag" in captured.err
    assert tag not in captured.out + captured.err


def test_a_bare_receipt_needs_a_board(receipt: tuple[Path, str]) -> None:
    """Without a board and without what it needs beside it, there is nothing to check."""
    path, tag = receipt
    assert run(["receipt", "check", str(path), ANCHOR, _anchor(), "--tag", tag]) == ExitCode.USAGE


def test_a_packed_receipt_is_checked_alone(
    folder: Path, receipt: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With entry and manifest beside it, a receipt shows what it can, and says what it cannot."""
    path, tag = receipt
    packed = str(tmp_path / "packed.receipt")
    common = [ANCHOR, _anchor(), "--tag", tag]
    assert run(["receipt", "pack", str(path), packed, "--board", str(folder), *common]) == ExitCode.PASSED
    capsys.readouterr()
    assert run(["receipt", "check", packed, *common]) == ExitCode.UNCHECKED
    output = capsys.readouterr().out
    assert "Not checked" in output
    assert "whether a later ballot" in output
    assert "Witnesses that signed it" in output
    assert run(["receipt", "check", packed, "--board", str(folder), *common]) == ExitCode.PASSED
    other = hashlib.sha256(b"another sitting").hexdigest()
    assert run(["receipt", "check", packed, ANCHOR, other, "--tag", tag]) == ExitCode.REFUSED
    assert run(["receipt", "check", packed, ANCHOR, _anchor(), "--tag", "1" * 9 + "x"]) == ExitCode.REFUSED


def test_receipts_are_objects_for_programs(
    folder: Path, receipt: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checked with a board, packed, and checked alone: with the keys of the document; and so is an error."""
    path, tag = receipt
    packed, board = str(tmp_path / "packed.receipt"), ("--board", str(folder))
    common = (ANCHOR, _anchor(), "--tag", tag, "--json")
    found = []
    for command, arguments in (
        ("check", (str(path), *board)),
        ("pack", (str(path), packed, *board)),
        ("check", (packed,)),
    ):
        code = run(["receipt", command, *arguments, *common])
        assert code == (ExitCode.UNCHECKED if arguments == (packed,) else ExitCode.PASSED)
        found.append(json.loads(capsys.readouterr().out)["facts"])
        check_documented(("receipt", command), found[-1])
    checked, kept, alone = found
    assert kept == checked | {"written": packed}
    assert (checked["counted"], checked["offline"], alone["offline"]) == (True, False, True)
    assert alone["missing"]
    assert run(["receipt", "check", packed, ANCHOR, _anchor(), "--tag", "1" * 9 + "x", "--json"]) == ExitCode.REFUSED
    assert set(json.loads(capsys.readouterr().out)) == {"error"}


def test_a_spoilt_packed_receipt_is_false(folder: Path, receipt: tuple[Path, str], tmp_path: Path) -> None:
    """A changed hash of the proof is 1, whatever else is right."""
    path, tag = receipt
    packed = tmp_path / "packed.receipt"
    common = [ANCHOR, _anchor(), "--tag", tag]
    assert run(["receipt", "pack", str(path), str(packed), "--board", str(folder), *common]) == ExitCode.PASSED
    data = packed.read_bytes()
    start = data.index(b"\\n", data.index(b"\\nindex ") + 4) + 2
    spoilt = data[:start] + (b"B" if data[start : start + 1] == b"A" else b"A") + data[start + 1 :]
    packed.write_bytes(spoilt)
    assert run(["receipt", "check", str(packed), *common]) == ExitCode.FAILED
