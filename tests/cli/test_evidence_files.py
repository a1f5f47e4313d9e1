"""Evidence in files: one for each, private, found again, and never over anything."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from secballot.errors import StoreError
from secballot_cli.delegate_device import keep_evidence
from secballot_cli.evidence_files import write_evidence, write_named_evidence

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = b'{"evidence":1}', b'{"evidence":2}'


def test_each_has_a_file_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two are two files, private, called after what is in them; the same again is the same file."""
    paths = [write_evidence(tmp_path, "evidence", data) for data in (FIRST, SECOND, FIRST)]

    assert paths[0] == paths[2] != paths[1]
    assert [path.read_bytes() for path in paths[:2]] == [FIRST, SECOND]
    assert paths[0].name == f"evidence-{hashlib.sha256(FIRST).hexdigest()[:32]}.json"
    assert [path.stat().st_mode & 0o077 for path in paths] == [0, 0, 0]
    assert sorted(tmp_path.iterdir()) == sorted(set(paths))
    assert capsys.readouterr().err.splitlines() == [f"evidence written: {path}" for path in paths]


@pytest.mark.parametrize("changed", [b"", b"{}", FIRST + b" ", FIRST[:-1] + b"]"])
def test_a_file_that_was_changed_is_left_alone(tmp_path: Path, changed: bytes) -> None:
    """Whatever stands under the name stays, and the evidence gets another one."""
    path = write_evidence(tmp_path, "evidence", FIRST)
    path.write_bytes(changed)

    again = write_evidence(tmp_path, "evidence", FIRST)

    assert again == path.with_name(f"{path.stem}-2.json")
    assert (path.read_bytes(), again.read_bytes()) == (changed, FIRST)
    assert write_evidence(tmp_path, "evidence", FIRST) == again


def test_a_named_file_is_used_once(tmp_path: Path) -> None:
    """The first goes where somebody said, the next beside it; a place that takes nothing is an error."""
    named = tmp_path / "found.evidence"

    assert write_named_evidence(named, FIRST) == named
    assert write_named_evidence(named, FIRST) == named
    second = write_named_evidence(named, SECOND)

    assert second == tmp_path / f"found-{hashlib.sha256(SECOND).hexdigest()[:32]}.evidence"
    assert (named.read_bytes(), second.read_bytes()) == (FIRST, SECOND)
    with pytest.raises(StoreError):
        write_named_evidence(tmp_path / "nothing" / "found", FIRST)


def test_only_what_convinces_strangers_is_kept_beside_a_wallet(tmp_path: Path) -> None:
    """A pair of notes that takes the log to judge is no such file."""
    wallet = tmp_path / "wallet"

    assert keep_evidence(b"note", wallet) is None
    kept = keep_evidence(FIRST, wallet)

    assert kept is not None
    assert kept.name.startswith("wallet-evidence-")
    assert list(tmp_path.iterdir()) == [kept]
