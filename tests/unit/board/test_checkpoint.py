"""Checkpoints: strict reading, the profile of the library's own logs, and opening under the log's key."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from secballot.board.cosignature import MlDsaCosigner, verifier
from secballot.board.merkle import EMPTY_ROOT
from secballot.board.note import Ed25519Signer, sign_note
from secballot.errors import EncodingError, InvalidSignatureError, VerificationError
from secballot.signing import SigningKey

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
CHECKPOINT = Checkpoint(ORIGIN, 5, bytes(range(32)))
ROOT = base64.b64encode(bytes(32)).decode()
LINES = [ORIGIN, "5", "05", "-1", "9223372036854775808", ROOT, ROOT[:-2] + "B=", "", "more", "\u2028", "\x0b"]


@pytest.mark.attack("LG-11")
@given(st.lists(st.sampled_from(LINES)).map("\n".join), st.sampled_from(["\n", ""]))
def test_a_checkpoint_has_one_spelling(text: str, end: str) -> None:
    """Any text is refused with the library's own error, or is what encoding the checkpoint gives."""
    try:
        checkpoint = Checkpoint.decode(text + end)
    except EncodingError:
        return
    assert checkpoint.encode() == text + end


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text is refused with the library's own error, or comes back."""
    try:
        checkpoint = Checkpoint.decode(text)
    except EncodingError:
        return
    assert checkpoint.encode() == text


@pytest.mark.attack("LG-11")
@pytest.mark.parametrize(
    "text",
    [
        CHECKPOINT.encode().replace("\n", "\r\n"),
        CHECKPOINT.encode().removesuffix("\n"),
        CHECKPOINT.encode() + "\n",
        CHECKPOINT.encode().replace("5\n", "5 \n"),
        CHECKPOINT.encode().replace("5\n", "5\x0b\n"),
        CHECKPOINT.encode().replace("5\n", "5\u2028\n"),
        f"a\tb\n1\n{ROOT}\n",
        f"\ud800\n1\n{ROOT}\n",
        f"{ORIGIN}\n1\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n1\n{ROOT[:-2]}B=\n",
        f"{ORIGIN}\n1\n{base64.b64encode(bytes(33)).decode()}\n",
        f"{ORIGIN}\n1\n{ROOT}\nok\n\x01\n",
    ],
)
def test_malformed(text: str) -> None:
    """Anything but the one spelling is refused."""
    with pytest.raises(EncodingError):
        Checkpoint.decode(text)


@pytest.mark.parametrize("size", [-1, 2**63])
def test_sizes_out_of_range(size: int) -> None:
    """A checkpoint cannot even be made with a size that no tree has."""
    with pytest.raises(EncodingError):
        Checkpoint(ORIGIN, size, bytes(32))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_root_has_32_bytes(size: int) -> None:
    """Nor with a hash of another size."""
    with pytest.raises(EncodingError, match="a root has 32 bytes"):
        Checkpoint(ORIGIN, 5, bytes(size))


def test_the_shortest_origin() -> None:
    """An origin has at least one character."""
    assert Checkpoint("a", 5, bytes(32)).encode().startswith("a\n5\n")
    with pytest.raises(EncodingError, match=r"1\.\.255 bytes"):
        Checkpoint("", 5, bytes(32))


def test_foreign_logs_may_extend() -> None:
    """Extension lines and odd origins are read, and refused by the profile."""
    foreign = Checkpoint.decode(f"go.sum database tree\n1\n{ROOT}\nmore\n")
    assert foreign.extensions == ("more",)
    for outside in (foreign, Checkpoint("two words", 1, bytes(32)), Checkpoint("a+b", 1, bytes(32))):
        with pytest.raises(EncodingError):
            outside.check_profile()
    CHECKPOINT.check_profile()


def test_the_empty_log_has_one_root() -> None:
    """The library signs no empty log with another root than that of nothing."""
    sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [LOG])
    with pytest.raises(EncodingError):
        sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), [LOG])


def test_open() -> None:
    """What the log signed is what is opened, for its key and its origin."""
    data = sign_checkpoint(CHECKPOINT, [LOG]).encode()
    signed = open_checkpoint(data, origin=ORIGIN, log_keys=[verifier(LOG.vkey)])
    assert signed.checkpoint == CHECKPOINT
    assert signed.note.encode() == data


@pytest.mark.attack("LG-07")
def test_a_checkpoint_of_another_log_is_refused() -> None:
    """A valid signature does not help a checkpoint whose origin is not the expected one."""
    data = sign_note(Checkpoint("other.example", 5, bytes(32)).encode(), [LOG]).encode()
    with pytest.raises(VerificationError) as caught:
        open_checkpoint(data, origin=ORIGIN, log_keys=[verifier(LOG.vkey)])
    assert caught.value.evidence == data


def test_a_checkpoint_by_another_key_is_refused() -> None:
    """Another key under the log's name is another key."""
    stranger = Ed25519Signer(ORIGIN, SigningKey(bytes([9]) * 32))
    with pytest.raises(InvalidSignatureError):
        open_checkpoint(sign_checkpoint(CHECKPOINT, [stranger]).encode(), origin=ORIGIN, log_keys=[verifier(LOG.vkey)])


def test_a_log_may_add_ml_dsa() -> None:
    """A log signs with both keys, and either opens the checkpoint."""
    quantum = MlDsaCosigner(ORIGIN, bytes(32))
    data = sign_checkpoint(CHECKPOINT, [LOG, quantum]).encode()
    for vkey in (LOG.vkey, quantum.vkey):
        open_checkpoint(data, origin=ORIGIN, log_keys=[verifier(vkey)])
