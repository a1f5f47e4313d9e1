"""Primitives, and the making of ballots: what a single thing costs."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from typing import TYPE_CHECKING, Final

import gmpy2

from benchmarks.clock import seconds
from benchmarks.cores import pinned
from benchmarks.record.plan import RecordPlan
from benchmarks.record.rsa import QuickKey
from benchmarks.table import Row, Table
from secballot import blind
from secballot.group import BASE, Elements, FixedBase, PublicScalars, Scalars, multiply_base, vartime_multiscalar_mul
from secballot.protocol.ballot_layout import BallotContext, ContestShape
from secballot.protocol.casting import seal
from secballot.protocol.registration import Credential
from secballot.roles.delegate import ballot_entry
from secballot.signing import SigningKey, check_verify_keys, verify
from secballot.transcript import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.clock import Work
    from secballot.records.ballot import Ballot

_MANY: Final = 1_000
_TERMS: Final = 1 << 14
_SALT: Final = 48
_OFTEN: Final = 50
_AS_LONG: Final = 400  # multiplications that take as long as a large ballot, so that disturbances meet both


def primitives() -> Table:
    """Return what the primitives cost on this machine."""
    secret, public = Scalars.random(_MANY), os.urandom(64)
    elements, key = multiply_base(Scalars.random(_TERMS)), FixedBase(multiply_base(Scalars.random()))
    encoded = elements[:_MANY].encode()
    few = elements[:100]
    long = PublicScalars.from_wide(os.urandom(64 * _TERMS))
    short = PublicScalars.from_short(os.urandom(16 * _TERMS))
    signer = SigningKey.generate()
    roll = [SigningKey.generate().verify_key.encode() for _ in range(100)]
    signature, verify_key = signer.sign(public), signer.verify_key
    rsa = QuickKey(RecordPlan(4), 1)
    prepared = blind.prepare(bytes(32), public)
    encoding = blind.emsa_pss_encode(prepared, 3071, bytes(_SALT))
    root = rsa.root(int.from_bytes(encoding, "big")).to_bytes(384, "big")
    sigma, n = gmpy2.mpz(int.from_bytes(root, "big")), gmpy2.mpz(rsa.public_key.n)
    with pinned():
        found = seconds(
            {
                "element: decode": (lambda: Elements.decode(encoded), _MANY),
                "element: encode": (elements[:_MANY].encode, _MANY),
                "element: encode twice of it, in a batch": (elements[:_MANY].encode_doubles, _MANY),
                "element: add": (lambda: elements[:_MANY] + elements[:_MANY], _MANY),
                "multi-scalar multiplication, long scalars": (lambda: vartime_multiscalar_mul(long, elements), _TERMS),
                "multi-scalar multiplication, 128 bits": (lambda: vartime_multiscalar_mul(short, elements), _TERMS),
                "multiplication of G, constant time": (lambda: multiply_base(secret), _MANY),
                "multiplication of a prepared element": (lambda: key.multiply(secret), _MANY),
                "multiplication of any element": (lambda: few * secret[:100], 100),
                "preparing an element": (lambda: FixedBase(BASE), 1),
                "scalar: reduce 64 bytes": (lambda: Scalars.from_wide(public * _MANY), _MANY),
                "Ed25519: sign": _times(lambda: signer.sign(public)),
                "Ed25519: verify": _times(lambda: verify(verify_key, public, signature)),
                "Ed25519: check keys, in a batch": (lambda: check_verify_keys(roll), len(roll)),
                "RSA-3072-PSS: verify": _times(lambda: blind.verify(rsa.public_key, prepared, root)),
                "RSA-3072: power by e": _times(lambda: gmpy2.powmod(sigma, blind.EXPONENT, n)),
                "hash of a few fields": _times(lambda: digest("promise", bytes(32), bytes(32), 1, 2, 3)),
                "SHA-256 of 4 kB": _times(partial(hashlib.sha256, bytes(4_096))),
            }
        )
    return Table("Primitives", [Row(name, 1e6 * taken, "µs") for name, taken in found.items()])


def _times(work: Callable[[], object]) -> Work:
    """Return the same work done often enough not to measure cold caches."""

    def repeated() -> None:
        for _ in range(_OFTEN):
            work()

    return repeated, _OFTEN


def encryption() -> Table:
    """Return what it costs to encrypt, prove and finish a ballot, per selection beside a multiplication."""
    scalars = Scalars.random(_AS_LONG)
    small, large = _Poll(1, 5), _Poll(20, 3)
    with pinned():
        found = seconds(
            {
                "limit": (lambda: multiply_base(scalars).encode(), _AS_LONG),
                "small": (small.seal, 1),
                "large": (large.seal, 1),
                "entry": (lambda: ballot_entry(small.seal()), 1),
            },
            rounds=40,
        )
    limit = 1e6 * found["limit"]
    note = "limit: constant-time fixed-base multiplication with its encoding"
    return Table(
        "Encryption: sealing and casting",
        [
            Row("20 contests of 3 options, sum 1, per selection", 1e6 * found["large"] / 60, "µs", limit, note),
            Row("20 contests of 3 options, sum 1, the ballot", 1e3 * found["large"], "ms"),
            Row("1 contest of 5 options, sum 1, per selection", 1e6 * found["small"] / 5, "µs", limit),
            Row("1 contest of 5 options, sum 1, the ballot", 1e3 * found["small"], "ms"),
            Row("  with its entry", 1e3 * found["entry"], "ms"),
        ],
    )


class _Poll:
    """A poll to vote in, with a credential that nobody has signed: sealing does not look at the signatures."""

    def __init__(self, contests: int, options: int) -> None:
        plan = RecordPlan(4)
        shape = ContestShape((1,) * options, 1, 1, frozenset({1}))
        keys = {1: (QuickKey(plan, 1).public_key,) * plan.registrars}
        joint_key = multiply_base(Scalars.random())
        self._context = BallotContext(bytes(32), bytes(32), joint_key, 1, 1, (shape,) * contests, keys)
        self._secret, S = plan.credential_secret(0)
        self._credential = Credential(S, 1, bytes(32 * plan.registrars), bytes(384 * plan.registrars))
        self._choices = (tuple(int(option == 1) for option in range(options)),) * contests
        self._tag = plan.tag(0, 0)

    def seal(self) -> Ballot:
        """Seal a ballot and finish it."""
        return seal(
            self._context,
            self._credential,
            self._secret,
            self._choices,
            sequence=0,
            previous=bytes(32),
            tag=self._tag,
            seed=os.urandom(32),
            fresh=os.urandom(32),
        ).cast()
