"""Files of secrets: only owner and passphrase open them, changes are whole, and nothing of another file fits in."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from secballot.errors import EncodingError, StoreError
from secballot.sealing import COST_SMALL
from secballot.store.lockbox import Lockbox

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "correct horse"
FIRST_LINE_BYTES = len(b"secballot-wallet delegate \n") + 24
SLOT_BYTES = 106


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Return the bytes of two files under one passphrase."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("one", "two"):
        Lockbox.create(folder / name, "delegate", name.encode(), PASSPHRASE, COST_SMALL)
    return (folder / "one").read_bytes(), (folder / "two").read_bytes()


def _put(path: Path, data: bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(data)
    return path


def test_contents_come_back_and_are_replaced(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Another holder of the same file sees the change, and a new opening too; nothing else is left in the folder."""
    path = _put(tmp_path / "wallet", made[0])
    box, other = (Lockbox.open(path, "delegate", PASSPHRASE) for _ in range(2))
    assert box.read() == b"one"
    assert box.update(lambda contents: contents + b" more") == b"one more"
    assert other.read() == b"one more"
    assert Lockbox.open(path, "delegate", PASSPHRASE).read() == b"one more"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"wallet", ".wallet.lock"}
    assert b"one" not in path.read_bytes()
    assert "one" not in repr(box)


def test_nothing_is_overwritten(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """A file, a link to nowhere and a folder of this name stay what they are."""
    _put(tmp_path / "file", b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "folder").mkdir()
    for name in ("file", "link", "folder"):
        with pytest.raises(StoreError):
            Lockbox.create(tmp_path / name, "delegate", b"contents", PASSPHRASE, COST_SMALL)
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_is_no_second_file(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """What is decided through one name is decided through the other: the old contents are nowhere any more."""
    path, link = _put(tmp_path / "wallet", made[0]), tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(path)
    through = Lockbox.open(link, "delegate", PASSPHRASE)
    direct = Lockbox.open(path, "delegate", PASSPHRASE)
    assert through.update(lambda _: b"cast") == b"cast"
    assert direct.update(lambda contents: contents + b" and seen") == b"cast and seen"
    assert link.is_symlink()
    assert [file.name for file in link.parent.iterdir()] == ["link"]


def test_a_wrong_passphrase_and_a_changed_file_look_alike(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Nobody learns which it is; and parts of another file under the same passphrase do not fit."""
    one, two = made
    end = FIRST_LINE_BYTES + SLOT_BYTES
    renamed = one[: FIRST_LINE_BYTES - 25] + (b"B" if one[FIRST_LINE_BYTES - 25 :][:1] == b"A" else b"A")
    spoilt = [renamed + one[FIRST_LINE_BYTES - 24 :]]
    for at in (FIRST_LINE_BYTES + 17, end - 1, end + 3, len(one) - 1):
        copy = bytearray(one)
        copy[at] ^= 1
        spoilt.append(bytes(copy))
    mixed = [
        one[:FIRST_LINE_BYTES] + two[FIRST_LINE_BYTES:],
        one[:end] + two[end:],
        one[:FIRST_LINE_BYTES] + two[FIRST_LINE_BYTES:end] + one[end:],
    ]
    messages = set()
    for number, data in enumerate([*spoilt, *mixed, one[:-1], one + b"\0"]):
        path = _put(tmp_path / f"wallet-{number}", data)
        with pytest.raises(StoreError) as error:
            Lockbox.open(path, "delegate", PASSPHRASE)
        messages.add(error.value.message)
    with pytest.raises(StoreError) as error:
        Lockbox.open(_put(tmp_path / "wallet", one), "delegate", "wrong horse")
    assert messages == {error.value.message}
    assert "horse" not in error.value.message


@pytest.mark.parametrize("data", [b"", b"secballot-wallet delegate", b"x" * 400, b"\n" * 400])
def test_other_files_are_told(tmp_path: Path, data: bytes) -> None:
    """Any bytes give our own error."""
    with pytest.raises(EncodingError, match="not a wallet"):
        Lockbox.open(_put(tmp_path / "wallet", data), "delegate", PASSPHRASE)


def test_role_and_mode_are_looked_at(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Another role's file is refused by its first line, whatever the passphrase; one that others may read, too."""
    path = _put(tmp_path / "wallet", made[0])
    with pytest.raises(StoreError, match="another role"):
        Lockbox.open(path, "trustee", PASSPHRASE)
    _put(path, made[0].replace(b"delegate", b"trustee", 1))
    with pytest.raises(StoreError, match="passphrase is wrong"):
        Lockbox.open(path, "trustee", PASSPHRASE)
    _put(path, made[0]).chmod(0o640)
    with pytest.raises(StoreError, match="0600"):
        Lockbox.open(path, "delegate", PASSPHRASE)
    with pytest.raises(StoreError, match="missing"):
        Lockbox.open(tmp_path / "nowhere", "delegate", PASSPHRASE)


def test_a_failed_change_changes_nothing(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Where the function raises, or the disk refuses, the old contents stay; the lock is free again."""
    path = _put(tmp_path / "wallet", made[0])
    box = Lockbox.open(path, "delegate", PASSPHRASE)

    def fail(contents: bytes) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        box.update(fail)
    (tmp_path / ".wallet.new").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        box.update(lambda _: b"other")
    (tmp_path / ".wallet.new").rmdir()
    assert box.read() == b"one"
    assert box.update(lambda _: b"other") == b"other"


def test_what_a_killed_process_left_is_removed(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """An unfinished file may hold what is to be erased: it is gone with the next change, also with a failed one."""
    path = _put(tmp_path / "wallet", made[0])
    unfinished = _put(tmp_path / ".wallet.new", b"secret of another time")
    box = Lockbox.open(path, "delegate", PASSPHRASE)
    with pytest.raises(ZeroDivisionError):
        box.update(lambda _: bytes(1 // 0))
    assert not unfinished.exists()


def test_a_file_replaced_meanwhile_is_not_changed(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Another wallet in its place is not written over."""
    path = _put(tmp_path / "wallet", made[0])
    box = Lockbox.open(path, "delegate", PASSPHRASE)
    for data in (made[1], b"junk"):
        _put(path, data)
        with pytest.raises(StoreError, match="changed while"):
            box.update(lambda contents: contents)
        assert path.read_bytes() == data


def test_changes_of_several_processes_follow_each_other(made: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Every process adds to what the others have written: none is lost."""
    path = _put(tmp_path / "wallet", made[0])
    box = Lockbox.open(path, "delegate", PASSPHRASE)
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            for _ in range(5):
                box.update(lambda contents: contents + b"x")
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert box.read() == b"one" + b"x" * 20
