"""Key files: a loose umask, links laid in the way, and keys of another role or sitting.

Source: SPEC.md#parties-and-trust (no key serves two parties).
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

import pytest

from secballot.errors import StoreError
from secballot.sealing import COST_SMALL
from secballot.signing import SigningKey
from secballot.store.keyfile import KeyHolder, bind_key, read_key, write_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHEAP: Final = COST_SMALL
KEY: Final = SigningKey.from_seed(b"k" * 32)
WORDS: Final = "correct horse battery staple"
HERE, ELSEWHERE = b"\1" * 32, b"\2" * 32


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Let files be made with whatever mode is asked for."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_loose_umask_opens_no_file(tmp_path: Path, no_umask: None) -> None:
    """OP-02: whatever the process was started with, nobody but the owner reads a key, nor one bound to a sitting."""
    path = tmp_path / "trustee.key"
    write_key(path, KEY, WORDS, CHEAP, holder=KeyHolder("trustee"))
    assert mode(path) == 0o600
    bind_key(path, WORDS, KeyHolder("trustee", HERE))
    assert mode(path) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["trustee.key"]
    assert KEY.encode_private() not in path.read_bytes()
    for readable in (0o640, 0o604, 0o660, 0o666):
        path.chmod(readable)
        with pytest.raises(StoreError):
            read_key(path, WORDS)


def test_no_link_is_followed(tmp_path: Path) -> None:
    """OP-02: a link that waits under the key's name, dangling or not, is not written through."""
    target, link = tmp_path / "target", tmp_path / "board.key"
    for exists in (False, True):
        if exists:
            target.write_bytes(b"precious")
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(StoreError):
            write_key(link, KEY, WORDS, CHEAP)
        assert target.exists() is exists
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "asked",
    [
        KeyHolder("registrar"),
        KeyHolder("registrar", HERE),
        KeyHolder("trustee", ELSEWHERE),
        KeyHolder("board", ELSEWHERE),
    ],
)
def test_a_key_file_of_another_holder_is_refused(tmp_path: Path, asked: KeyHolder) -> None:
    """OP-03: a trustee's key is no registrar's, and that of one sitting none of another's; the passphrase is right."""
    path = tmp_path / "trustee.key"
    write_key(path, KEY, WORDS, CHEAP, holder=KeyHolder("trustee", HERE))
    with pytest.raises(StoreError):
        read_key(path, WORDS, asked)
    with pytest.raises(StoreError):
        bind_key(path, WORDS, asked)
    assert read_key(path, WORDS, KeyHolder("trustee", HERE)).verify_key == KEY.verify_key


@pytest.mark.parametrize("claim", ["registrar " + HERE.hex(), "trustee " + ELSEWHERE.hex(), "trustee -"])
def test_the_holder_in_a_key_file_cannot_be_changed(tmp_path: Path, claim: str) -> None:
    """OP-01, OP-03: whoever writes another role or sitting into the first line spoils the file."""
    path = tmp_path / "trustee.key"
    held = KeyHolder("trustee", HERE)
    write_key(path, KEY, WORDS, CHEAP, holder=held)
    data = path.read_bytes()
    assert data.count(held.encode().encode()) == 1
    path.write_bytes(data.replace(held.encode().encode(), claim.encode()))
    role, _, sitting = claim.partition(" ")
    asked = KeyHolder(role, None if sitting == "-" else bytes.fromhex(sitting))
    for holder in (None, asked):
        with pytest.raises(StoreError):
            read_key(path, WORDS, holder)
