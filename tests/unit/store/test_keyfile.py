"""Key files: only the owner and the passphrase open them, and they are never overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.errors import EncodingError, StoreError
from secballot.sealing import COST_SMALL
from secballot.signing import SigningKey
from secballot.store.keyfile import read_key, read_public_key, write_key

if TYPE_CHECKING:
    from pathlib import Path

KEY = SigningKey(bytes(range(32)))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a key file. Not to be changed."""
    where = tmp_path_factory.mktemp("key") / "log.key"
    write_key(where, KEY, "correct horse", COST_SMALL)
    return where


def _copy(path: Path, to: Path, data: bytes | None = None) -> Path:
    to.touch(0o600)
    to.write_bytes(path.read_bytes() if data is None else data)
    return to


def test_a_key_comes_back(path: Path) -> None:
    """The passphrase opens it, the public half is read without, and only the owner may."""
    assert read_key(path, "correct horse").verify_key == KEY.verify_key
    assert read_public_key(path) == KEY.verify_key.encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert KEY.encode_private() not in path.read_bytes()


def test_a_wrong_passphrase_opens_nothing(path: Path) -> None:
    """And the message does not hold it."""
    with pytest.raises(StoreError) as error:
        read_key(path, "wrong horse")
    assert "horse" not in str(error.value)


@pytest.mark.attack("OP-02")
def test_a_key_is_never_overwritten(path: Path) -> None:
    """A second key under the same name is refused."""
    with pytest.raises(StoreError, match="never overwritten"):
        write_key(path, KEY, "correct horse", COST_SMALL)


@pytest.mark.attack("OP-02")
def test_a_file_that_others_may_read_is_refused(path: Path, tmp_path: Path) -> None:
    """A key that others could have copied is not used."""
    copy = _copy(path, tmp_path / "log.key")
    copy.chmod(0o640)
    with pytest.raises(StoreError, match="0600"):
        read_key(copy, "correct horse")


@pytest.mark.attack("OP-01")
def test_the_first_line_is_bound_to_the_rest(path: Path, tmp_path: Path) -> None:
    """Another public key in the first line spoils the file."""
    other = SigningKey(bytes(32))
    write_key(tmp_path / "other.key", other, "correct horse", COST_SMALL)
    line, sealed = (tmp_path / "other.key").read_bytes().partition(b"\n")[0], path.read_bytes().partition(b"\n")[2]
    with pytest.raises(StoreError):
        read_key(_copy(path, tmp_path / "mixed.key", line + b"\n" + sealed), "correct horse")


@pytest.mark.parametrize(
    "data", [b"", b"secballot-key ed25519 ", b"secballot-key ed25519 AAAA\nx", b"\xff\n", b"x" * 4096]
)
def test_any_other_bytes_are_no_key_file(path: Path, tmp_path: Path, data: bytes) -> None:
    """Whatever else lies there is refused by our own error."""
    copy = _copy(path, tmp_path / "log.key", data)
    with pytest.raises(EncodingError):
        read_key(copy, "correct horse")
    with pytest.raises(EncodingError):
        read_public_key(copy)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    """No file, no key."""
    with pytest.raises(StoreError, match="missing"):
        read_key(tmp_path / "log.key", "correct horse")
