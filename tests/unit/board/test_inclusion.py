"""Receipt files: any bytes are refused or come back, and writers are as strict as readers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.inclusion import MAX_HASHES, MAX_PROOF_SIZE, TlogProof
from secballot.errors import EncodingError

HASH = "A" * 43 + "="
PIECES = ["c2sp.org/tlog-proof@v1\n", "index ", "extra ", "0", "01", "7", "\n", HASH, HASH[:-2] + "B=", "AA==", "note"]


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are refused with the library's own error, or come back."""
    try:
        proof = TlogProof.decode(data)
    except EncodingError:
        return
    assert proof.encode() == data


@pytest.mark.parametrize(
    "body",
    [
        "index 00\n\nnote\n",
        "index 9223372036854775808\n\nnote\n",
        "index 0\nextra AA==\n\nnote\n",
        "extra \nindex 0\n\nnote\n",
        "extra AB==\nindex 0\n\nnote\n",
        "extra AA==\nextra AA==\nindex 0\n\nnote\n",
        "index 0\nindex 0\n\nnote\n",
        f"index 0\n{HASH}",
        "index 0\r\n\nnote\n",
        "index 0\n" + f"{HASH}\n" * 64 + "\nnote\n",
    ],
)
def test_malformed(body: str) -> None:
    """Anything but the one spelling is refused."""
    with pytest.raises(EncodingError):
        TlogProof.decode(("c2sp.org/tlog-proof@v1\n" + body).encode())


@pytest.mark.parametrize(
    "proof",
    [
        TlogProof(-1, (), b""),
        TlogProof(2**63, (), b""),
        TlogProof(0, (bytes(32),) * (MAX_HASHES + 1), b""),
        TlogProof(0, (bytes(31),), b""),
        TlogProof(0, (), b"", b""),
        TlogProof(0, (), b"", bytes(65_536)),
        TlogProof(0, (), bytes(1_000_001)),
    ],
)
def test_writers_are_strict(proof: TlogProof) -> None:
    """What no reader would take is not written."""
    with pytest.raises(EncodingError):
        proof.encode()


@pytest.mark.parametrize(
    "proof",
    [
        TlogProof(2**63 - 1, (bytes(32),) * MAX_HASHES, bytes(1_000_000), bytes(65_535)),
        TlogProof(0, (), b"", b"\0"),
        TlogProof(0, (), b"", None),
    ],
)
def test_the_ends_of_the_ranges(proof: TlogProof) -> None:
    """The largest file that can be written, and the smallest ones, are read."""
    assert TlogProof.decode(proof.encode()) == proof
    assert len(proof.encode()) < MAX_PROOF_SIZE


def test_a_file_beyond_the_limit_is_not_read() -> None:
    """1,100,000 bytes are looked at, not one more."""
    with pytest.raises(EncodingError, match="checkpoint too long"):
        TlogProof.decode(b"c2sp.org/tlog-proof@v1\nindex 0\n\n".ljust(1_100_000, b"n"))
    with pytest.raises(EncodingError, match="proof too long"):
        TlogProof.decode(bytes(1_100_001))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"c2sp.org/tlog-proof@v1\nindex 0\n", "empty line"),
        (b"c2sp.org/tlog-proof@v1\nindex \xc3\xa4\n\nnote", "ASCII head"),
        (b"c2sp.org/tlog-proof@v2\nindex 0\n\nnote", "version 1"),
        (b"c2sp.org/tlog-proof@v1\n\nnote", "index line is missing"),
        (b"c2sp.org/tlog-proof@v1\nextra AA==\n\nnote", "index line is missing"),
        (b"c2sp.org/tlog-proof@v1\nINDEX 0\n\nnote", "index line is missing"),
        (b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"x\n" * 64 + b"\nnote", "at most 63 hashes"),
    ],
)
def test_what_is_missing_is_said(data: bytes, message: str) -> None:
    """Each part of the head has its own refusal."""
    with pytest.raises(EncodingError, match=message):
        TlogProof.decode(data)
