"""Cosignatures: their times, and whose are read from a checkpoint."""

from __future__ import annotations

import pytest

from secballot.board.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from secballot.board.cosignature import (
    Cosignature,
    Ed25519Cosigner,
    MlDsaCosigner,
    cosignature_time,
    open_cosignatures,
    verifier,
)
from secballot.board.note import Ed25519Signer, SignatureLine, VerifierKey
from secballot.errors import EncodingError, InvalidSignatureError, PolicyError
from secballot.signing import SigningKey

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
WITNESSES = [Ed25519Cosigner(f"w{number}.example", SigningKey(bytes([10 + number]) * 32)) for number in range(3)]
KEYS = [witness.vkey for witness in WITNESSES]
QUANTUM = MlDsaCosigner("w9.example", bytes(32))
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(range(32))), [LOG])
LATEST = 2**63 - 1


def opened(*lines: SignatureLine, witnesses: list[VerifierKey] | None = None) -> tuple[Cosignature, ...]:
    """Return what is read from the checkpoint under these lines."""
    data = NOTE.with_signatures(lines).encode()
    signed = open_checkpoint(data, origin=ORIGIN, log_keys=[verifier(LOG.vkey)])
    return open_cosignatures(signed, KEYS if witnesses is None else witnesses)


@pytest.mark.parametrize("time", [1, 2, 2**32, LATEST])
def test_a_cosignature_tells_its_time(time: int) -> None:
    """From the first second to the last one that fits."""
    for cosigner in (WITNESSES[0], QUANTUM):
        line = cosigner.cosign(NOTE.text, time)
        assert cosignature_time(line) == time
        assert opened(line, witnesses=[cosigner.vkey]) == (Cosignature(cosigner.vkey, time),)


@pytest.mark.parametrize("time", [-1, LATEST + 1])
def test_no_other_time_is_signed(time: int) -> None:
    """Only a log, with ML-DSA, may leave the time out."""
    for cosigner, earliest in ((WITNESSES[0], 1), (QUANTUM, 0)):
        with pytest.raises(EncodingError, match=rf"{earliest}\.\.2\^63-1"):
            cosigner.cosign(NOTE.text, time)
    with pytest.raises(EncodingError, match=r"1\.\.2\^63-1"):
        WITNESSES[0].cosign(NOTE.text, 0)
    assert cosignature_time(QUANTUM.sign(NOTE.text)) == 0


@pytest.mark.parametrize(
    ("payload", "time"), [(bytes(8), 0), (b"\x7f" + b"\xff" * 7, LATEST), (bytes(7) + b"\5more", 5)]
)
def test_a_time_is_the_first_eight_bytes(payload: bytes, time: int) -> None:
    """Whatever follows, if anything."""
    assert cosignature_time(SignatureLine("w.example", bytes(4), payload)) == time


@pytest.mark.parametrize("payload", [b"", b"\0", bytes(7), b"\x80" + bytes(7), b"\xff" * 72])
def test_without_a_time_there_is_no_cosignature(payload: bytes) -> None:
    """Fewer bytes, or a number that no time has."""
    with pytest.raises(InvalidSignatureError, match="time in 8 bytes"):
        cosignature_time(SignatureLine("w.example", bytes(4), payload))


def test_each_witness_counts_once_in_the_order_of_the_keys() -> None:
    """Lines of strangers, and the order of the lines, do not matter."""
    lines = [witness.cosign(NOTE.text, 7 + number) for number, witness in enumerate(WITNESSES)]
    found = tuple(Cosignature(key, 7 + number) for number, key in enumerate(KEYS))
    assert opened(*reversed(lines)) == found
    assert opened(*lines, witnesses=KEYS[::-1]) == found[::-1]
    assert opened(*lines, witnesses=KEYS[1:2]) == found[1:2]
    assert opened(lines[0], lines[2]) == (found[0], found[2])
    assert opened(lines[0], witnesses=KEYS[1:]) == ()
    assert opened() == ()


def test_a_witness_without_a_time_spoils_the_checkpoint() -> None:
    """It would not say that the checkpoint was the newest; nor do others make up for it."""
    for lines in ([QUANTUM.sign(NOTE.text)], [WITNESSES[0].cosign(NOTE.text, 1), QUANTUM.sign(NOTE.text)]):
        with pytest.raises(InvalidSignatureError, match="gives no time"):
            opened(*lines, witnesses=[KEYS[0], QUANTUM.vkey])


def test_a_key_of_a_log_is_no_witness() -> None:
    """Wherever it stands among the keys, and whether it signed or not."""
    for witnesses in ([LOG.vkey], [KEYS[0], LOG.vkey], [LOG.vkey, KEYS[0]]):
        with pytest.raises(PolicyError, match="cosignature type"):
            opened(witnesses=witnesses)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_an_ml_dsa_seed_has_32_bytes(size: int) -> None:
    """No other one is stretched or cut."""
    with pytest.raises(EncodingError, match="seed has 32 bytes"):
        MlDsaCosigner("w9.example", bytes(size))
