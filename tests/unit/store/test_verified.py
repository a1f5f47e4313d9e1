"""Verified state on disk: only what was kept here, of this log, by this version, comes back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import secballot
from secballot.errors import StoreError
from secballot.store.verified import VerifiedState

if TYPE_CHECKING:
    from pathlib import Path

SITTING, OTHER = bytes(range(32)), bytes(32)
CONTENT = b"what was verified"


def state(folder: Path, purpose: str = "audit", sitting: bytes = SITTING) -> VerifiedState:
    """Return the state that is kept in a folder."""
    return VerifiedState(folder / "made" / "log.verified", purpose, sitting)


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """Nothing before; then the newest."""
    assert state(tmp_path).recall() is None
    state(tmp_path).keep(b"")
    state(tmp_path).keep(CONTENT)
    assert state(tmp_path).recall() == CONTENT
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["log.verified", "log.verified.key"]


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    """32 bytes that nobody else reads, and not the same for two files."""
    state(tmp_path).keep(CONTENT)
    key = tmp_path / "made" / "log.verified.key"
    assert key.stat().st_mode & 0o777 == 0o600
    other = VerifiedState(tmp_path / "other", "audit", SITTING)
    other.keep(CONTENT)
    assert len(key.read_bytes()) == 32
    assert key.read_bytes() != (tmp_path / "other.key").read_bytes()


def test_every_flipped_bit_of_every_byte_is_refused(tmp_path: Path) -> None:
    """Also one byte more or less."""
    state(tmp_path).keep(CONTENT)
    path = tmp_path / "made" / "log.verified"
    good = path.read_bytes()
    spoilt = [good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :] for at in range(len(good)) for bit in range(8)]
    for data in (*spoilt, good[:-1], good + b"\0", b"", good[: len(good) // 2]):
        path.write_bytes(data)
        with pytest.raises(StoreError, match="not one that was kept here"):
            state(tmp_path).recall()
    path.write_bytes(good)
    assert state(tmp_path).recall() == CONTENT


def test_another_logs_or_readers_state_is_refused(tmp_path: Path) -> None:
    """Sitting, purpose and version are under the code, each by itself."""
    state(tmp_path).keep(CONTENT)
    for other in (state(tmp_path, sitting=OTHER), state(tmp_path, purpose="trustee 1"), state(tmp_path, sitting=b"")):
        with pytest.raises(StoreError, match="not one that was kept here"):
            other.recall()


def test_another_versions_state_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have judged by other rules."""
    state(tmp_path).keep(CONTENT)
    monkeypatch.setattr(secballot, "__version__", "0.0.0")
    with pytest.raises(StoreError, match="by this version"):
        state(tmp_path).recall()


def forged(folder: Path) -> Path:
    """Put a file and a key in place, as somebody would who may write in the folder, and return the key's path."""
    other = VerifiedState(folder / "elsewhere", "audit", SITTING)
    other.keep(b"forged")
    (folder / "made").mkdir()
    (folder / "elsewhere").rename(folder / "made" / "log.verified")
    return (folder / "elsewhere.key").rename(folder / "made" / "log.verified.key")


@pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX")
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o602, 0o620, 0o666])
def test_a_key_that_others_may_read_or_write_is_no_key(tmp_path: Path, mode: int) -> None:
    """Whoever knows it, or may replace it, makes a file that would be believed."""
    forged(tmp_path).chmod(mode)
    with pytest.raises(StoreError, match="not this user's alone"):
        state(tmp_path).recall()
    with pytest.raises(StoreError, match="not this user's alone"):
        state(tmp_path).keep(CONTENT)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_key_of_another_user_is_no_key(tmp_path: Path) -> None:
    """In a folder where others write, they can put a file and its key, but none that belongs to this user."""
    os.chown(forged(tmp_path), 65_534, 65_534)
    with pytest.raises(StoreError, match="not this user's alone"):
        state(tmp_path).recall()


@pytest.mark.skipif(os.name != "posix", reason="links as POSIX has them")
def test_a_link_to_a_key_is_no_key(tmp_path: Path) -> None:
    """Else anything of this user's that has 32 known bytes would do; nor does a pipe keep anybody waiting."""
    key = forged(tmp_path)
    key.rename(tmp_path / "key")
    key.symlink_to(tmp_path / "key")
    with pytest.raises(StoreError, match="cannot be read"):
        state(tmp_path).recall()
    key.unlink()
    os.mkfifo(key)
    with pytest.raises(StoreError):
        state(tmp_path).recall()


@pytest.mark.parametrize("key", [None, b"", bytes(31), bytes(32), bytes(33)])
def test_a_lost_or_exchanged_key_is_no_key(tmp_path: Path, key: bytes | None) -> None:
    """The file alone, or with a key of somebody else, is refused, and not written anew under a new key unseen."""
    state(tmp_path).keep(CONTENT)
    path = tmp_path / "made" / "log.verified.key"
    path.unlink()
    if key is not None:
        path.write_bytes(key)
    with pytest.raises(StoreError):
        state(tmp_path).recall()


def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    """As often as one likes."""
    state(tmp_path).keep(CONTENT)
    for _ in range(2):
        state(tmp_path).forget()
        assert state(tmp_path).recall() is None


def test_a_disk_that_takes_nothing_is_an_error_of_ours(tmp_path: Path) -> None:
    """A file stands where the folder should be, or a folder where the file should be."""
    (tmp_path / "made").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be kept"):
        state(tmp_path).keep(CONTENT)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError):
        VerifiedState(tmp_path / "folder", "audit", SITTING).recall()
    with pytest.raises(StoreError, match="cannot be removed"):
        VerifiedState(tmp_path / "folder", "audit", SITTING).forget()
