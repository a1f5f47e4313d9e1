"""Registrar keys of 3072 bits with six primes instead of two.

Nobody but their maker can tell, and whoever verifies does the same work; but a private operation costs an eighth. Good
for records to measure with and nothing else: primes of 512 bits can be found by the elliptic curve method.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import gmpy2

from secballot.blind import EXPONENT, MODULUS_BYTES, BlindPublicKey
from secballot.protocol.registration import certificate_elements
from secballot.records.credential import RegistrarKey

if TYPE_CHECKING:
    from benchmarks.record.plan import RecordPlan

PRIMES: Final = 6
_PRIME_BYTES: Final = MODULUS_BYTES // PRIMES


class QuickKey:
    """One registrar's secret key; it belongs to a record made up for measuring, and hides nothing.

    Attributes:
        public_key: as in any other sitting.
    """

    def __init__(self, plan: RecordPlan, registrar: int) -> None:
        """Find the primes that the plan's seed leads to."""
        primes = [_prime(plan.draw("prime", registrar, number, size=_PRIME_BYTES)) for number in range(PRIMES)]
        n = math.prod(primes)
        self.public_key = BlindPublicKey(int(n))
        self._parts = [
            (p, gmpy2.invert(EXPONENT, p - 1), (n // p) * gmpy2.invert(n // p, p) % n) for p in map(gmpy2.mpz, primes)
        ]

    def root(self, value: int) -> int:
        """Return value^(1/e) modulo n."""
        return int(sum(gmpy2.powmod(value % p, d, p) * unit for p, d, unit in self._parts) % self.public_key.n)

    def certified(self, sitting_id: bytes, registrar: int) -> RegistrarKey:
        """Return the key with its certificate, for class 1 in poll 1 of registration 1."""
        modulus = self.public_key.encode()
        elements = certificate_elements(sitting_id, 1, registrar, 1, 1, modulus)
        roots = b"".join(self.root(element).to_bytes(MODULUS_BYTES, "big") for element in elements)
        return RegistrarKey(class_index=1, modulus=modulus, poll=1, registration=1, roots=roots)


def _prime(data: bytes) -> int:
    """Return a prime of 512 bits whose top bits are ones, so that six of them make exactly 3072 bits."""
    candidate = int.from_bytes(b"\xff" + data[1:], "big")
    while True:
        candidate = int(gmpy2.next_prime(candidate))
        if candidate % EXPONENT != 1:
            return candidate
