"""Key files of ML-DSA-44: as those of Ed25519, and neither is taken for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import verifier
from secballot.board.merkle import EMPTY_ROOT
from secballot.board.note import KEY_SIZES, ML_DSA_COSIGNATURE
from secballot.errors import EncodingError, StoreError
from secballot.sealing import COST_SMALL
from secballot.signing import SigningKey
from secballot.store.keyfile import read_key, write_key
from secballot.store.ml_dsa_keyfile import create_ml_dsa_key, read_ml_dsa_key, read_ml_dsa_vkey

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "correct horse"
TEXT = Checkpoint("log.example", 0, EMPTY_ROOT).encode()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a key file. Not to be changed."""
    where = tmp_path_factory.mktemp("key") / "ml-dsa.key"
    create_ml_dsa_key(where, PASSPHRASE, COST_SMALL)
    return where


def _copy(to: Path, data: bytes) -> Path:
    to.touch(0o600)
    to.write_bytes(data)
    return to


def test_a_key_comes_back_and_signs(path: Path) -> None:
    """The passphrase opens it under any name, the public half is read without, and only the owner may."""
    key = read_ml_dsa_key(path, "log.example", PASSPHRASE)
    verifier(read_ml_dsa_vkey(path, "log.example")).verify(TEXT, key.sign(TEXT).signature)
    assert read_ml_dsa_key(path, "w.example", PASSPHRASE).vkey == read_ml_dsa_vkey(path, "w.example")
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_keys_are_two(path: Path, tmp_path: Path) -> None:
    """Keys come from chance, and none is ever overwritten."""
    other = create_ml_dsa_key(tmp_path / "other.key", PASSPHRASE, COST_SMALL)
    assert other != read_ml_dsa_vkey(path, "w.example").key
    assert len(other) == KEY_SIZES[ML_DSA_COSIGNATURE]
    with pytest.raises(StoreError, match="never overwritten"):
        create_ml_dsa_key(path, PASSPHRASE, COST_SMALL)


def test_a_wrong_passphrase_opens_nothing(path: Path) -> None:
    """And the message does not hold it."""
    with pytest.raises(StoreError) as error:
        read_ml_dsa_key(path, "w.example", "wrong horse")
    assert "horse" not in str(error.value)


def test_a_file_that_others_may_read_is_refused(path: Path, tmp_path: Path) -> None:
    """A key that others could have copied is not used."""
    copy = _copy(tmp_path / "copy.key", path.read_bytes())
    copy.chmod(0o640)
    with pytest.raises(StoreError, match="0600"):
        read_ml_dsa_key(copy, "w.example", PASSPHRASE)


def test_the_first_line_is_bound_to_the_rest(path: Path, tmp_path: Path) -> None:
    """Another public key in the first line spoils the file."""
    create_ml_dsa_key(tmp_path / "other.key", PASSPHRASE, COST_SMALL)
    line, sealed = (tmp_path / "other.key").read_bytes().partition(b"\n")[0], path.read_bytes().partition(b"\n")[2]
    with pytest.raises(StoreError):
        read_ml_dsa_key(_copy(tmp_path / "mixed.key", line + b"\n" + sealed), "w.example", PASSPHRASE)


def test_neither_kind_is_taken_for_the_other(path: Path, tmp_path: Path) -> None:
    """A key file says what it holds."""
    write_key(tmp_path / "ed25519.key", SigningKey(bytes(32)), PASSPHRASE, COST_SMALL)
    with pytest.raises(EncodingError):
        read_ml_dsa_key(tmp_path / "ed25519.key", "w.example", PASSPHRASE)
    with pytest.raises(EncodingError):
        read_key(path, PASSPHRASE)


@pytest.mark.parametrize("data", [b"", b"secballot-key ml-dsa-44 ", b"secballot-key ml-dsa-44 AAAA\nx", b"\xff\n"])
def test_any_other_bytes_are_no_key_file(tmp_path: Path, data: bytes) -> None:
    """Whatever else lies there is refused by our own error."""
    copy = _copy(tmp_path / "other.key", data)
    with pytest.raises(EncodingError):
        read_ml_dsa_key(copy, "w.example", PASSPHRASE)
    with pytest.raises(EncodingError):
        read_ml_dsa_vkey(copy, "w.example")
