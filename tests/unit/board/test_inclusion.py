"""Receipt files: any bytes are refused or come back, and writers are as strict as readers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.inclusion import MAX_HASHES, TlogProof
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
