"""Values of a vector file beside those recomputed, and what derives from a phrase."""

from __future__ import annotations

import hashlib
import hmac
import math
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from .transcript import DOMAIN, Field, u64, wide

Case = dict[str, Any]


def plain(value: object) -> object:
    """Return a value as the files write it: bytes in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@dataclass
class Comparison:
    """What was compared, and the names of what differs."""

    compared: int = 0
    differing: list[str] = field(default_factory=list)

    def check(self, name: str, given: object, found: object) -> None:
        """Compare a value of the file with the one recomputed."""
        self.compared += 1
        if given != plain(found):
            self.differing.append(name)

    def members(self, name: str, given: Case, **found: object) -> None:
        """Compare members of an object with what was recomputed."""
        for member, value in found.items():
            self.check(f"{name}/{member}", given[member], value)


def big(number: int, size: int = 384) -> bytes:
    """Return an integer modulo N as it is written."""
    return number.to_bytes(size, "big")


def from_hex(case: Case, name: str) -> bytes:
    """Return the bytes of a member."""
    return bytes.fromhex(case[name])


def number(case: Case, name: str) -> int:
    """Return a member that is an integer modulo N."""
    return int(case[name], 16)


def fields(items: list[Case]) -> list[Field]:
    """Return the fields of a hash as they are written."""
    found: list[Field] = []
    for item in items:
        if "repeat" in item:
            found.append(bytes.fromhex(item["repeat"]) * item["times"])
        elif "hex" in item:
            found.append(bytes.fromhex(item["hex"]))
        else:
            found.append(item["u64"] if "u64" in item else item["text"])
    return found


def bip39_seed(phrase: str) -> bytes:
    """Return the seed of a phrase, with the empty passphrase."""
    return hashlib.pbkdf2_hmac("sha512", unicodedata.normalize("NFKD", phrase).encode(), b"mnemonic", 2048)


def hkdf(secret: bytes, info: bytes, size: int) -> bytes:
    """Return HKDF-SHA512 (RFC 5869) with the suite's salt."""
    key, output, last = hmac.digest(DOMAIN, secret, "sha512"), b"", b""
    while len(output) < size:
        last = hmac.digest(key, last + info + bytes([len(output) // 64 + 1]), "sha512")
        output += last
    return output[:size]


@dataclass(frozen=True)
class Phrase:
    """What derives from a seed and a label, SPEC.md#phrase."""

    seed: bytes
    label: str

    def derive(self, purpose: str, *parts: bytes | int, size: int) -> bytes:
        """Return so many bytes for a purpose: derive of SPEC.md#phrase."""
        items = [purpose.encode(), self.label.encode(), *(u64(p) if isinstance(p, int) else p for p in parts)]
        return hkdf(self.seed, b"".join(u64(len(item)) + item for item in items), size)

    def credential(self, sitting_id: bytes, registration: int, poll: int) -> int:
        """Return s."""
        return wide(self.derive("credential", sitting_id, registration, poll, size=64))

    def randomizer(self, sitting_id: bytes, key_id: bytes) -> bytes:
        """Return the randomizer for a key."""
        return self.derive("randomizer", sitting_id, key_id, size=32)

    def salt(self, sitting_id: bytes, key_id: bytes) -> bytes:
        """Return the PSS salt for a key."""
        return self.derive("salt", sitting_id, key_id, size=48)

    def blinding_block(self, sitting_id: bytes, key_id: bytes, counter: int) -> bytes:
        """Return one candidate for r."""
        return self.derive("blinding", sitting_id, key_id, counter, size=384)

    def blinding(self, sitting_id: bytes, key_id: bytes, modulus: int) -> int:
        """Return r."""
        counter = 0
        while True:
            r = int.from_bytes(self.blinding_block(sitting_id, key_id, counter), "big")
            if 1 < r < modulus and math.gcd(r, modulus) == 1:
                return r
            counter += 1
