"""H of SPEC.md#hash from the standard library alone, for tests that compute a specified hash by other means."""

from __future__ import annotations

import hashlib


def spec_hash(label: str, *fields: bytes | int) -> bytes:
    """Return H(label, f_1, …, f_n), 64 bytes; integers enter as u64."""
    data = b"secballot/v1"
    for field in (label.encode(), *(f.to_bytes(8, "big") if isinstance(f, int) else f for f in fields)):
        data += len(field).to_bytes(8, "big") + field
    return hashlib.sha512(data).digest()
