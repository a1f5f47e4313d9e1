"""What this machine could do at best: the arithmetic of an audit and nothing around it.

The elements, scalars and signatures are those of the record, parsed beforehand and handed to the engine, to OpenSSL, to
GMP and to libsodium in the blocks that suit them best. Nothing is hashed, compared, looked up or kept.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import gmpy2
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384
from nacl import bindings

from secballot import blind
from secballot.board.merkle import leaf_hash
from secballot.group import ORDER, Elements, PublicScalars, vartime_multiscalar_mul, vartime_prime_order
from secballot.protocol.ballot_layout import BallotContext, ContestShape
from secballot.protocol.registration import credential_message, key_id
from secballot.records.ballot import Ballot
from secballot.records.convening import Consent
from secballot.records.credential import CredentialIssue, CredentialRequest, RegistrarKey
from secballot.records.entry import decode_entry, signing_message
from secballot.records.opening import Opening
from secballot.records.roll import RollChunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from secballot.records.entry import Entry

BLOCKS: Final = (1 << 14, 1 << 15, 1 << 16)
"""Terms of a multi-scalar multiplication; the best of them counts."""

_ELEMENT: Final = 32
_MODULUS: Final = 384
_PSS: Final = padding.PSS(padding.MGF1(SHA384()), 48)


@dataclass(frozen=True)
class BallotLimit:
    """Seconds of a ballot at best.

    Attributes:
        decoding: of its elements.
        multiplying: its equations, weighed and added.
        rsa: its credential's signatures.
        proofs: of the first two together.
        whole: of all three.
    """

    decoding: float
    multiplying: float
    rsa: float

    @property
    def proofs(self) -> float:
        """Seconds without the signatures."""
        return self.decoding + self.multiplying

    @property
    def whole(self) -> float:
        """Seconds with them."""
        return self.proofs + self.rsa


class Sample:
    """Some ballots, requests and answers of a record, ready to be computed with.

    Attributes:
        bodies: the ballots.
        delegates: how many requests, each with all its answers.
        context: of the ballots' poll.
    """

    def __init__(self, entries: Iterable[bytes], sitting_id: bytes, most: int) -> None:
        """Take the first of each kind, so many at most.

        Args:
            entries: the log.
            sitting_id: of the record.
            most: ballots, and requests.
        """
        self._sitting_id = sitting_id
        self._moduli: list[int] = []
        self._requests: dict[bytes, CredentialRequest] = {}
        self._signed: list[tuple[bytes, bytes]] = []
        self._roll: dict[bytes, None] = {}
        self._answers: list[tuple[int, int, int]] = []
        self._encoded: list[bytes] = []
        self._long: list[bool] = []
        self._rsa: list[tuple[rsa.RSAPublicKey, bytes, bytes]] = []
        self.bodies: list[Ballot] = []
        self.delegates = 0
        registrars: list[bytes] = []
        joint_key = b""
        for data in entries:
            if len(self.bodies) == most:
                break
            entry = decode_entry(data)
            body = entry.body
            if isinstance(body, RegistrarKey):
                self._moduli.append(int.from_bytes(body.modulus, "big"))
                registrars.append(entry.signer)
            elif isinstance(body, RollChunk) and len(self._roll) < most:
                self._roll.update(dict.fromkeys(body.keys))
            elif isinstance(body, CredentialRequest) and self.delegates < most:
                self._take_request(data, entry, body)
            elif isinstance(body, CredentialIssue):
                self._take_issue(entry, body, registrars.index(entry.signer))
            elif isinstance(body, Consent):
                joint_key = body.joint_key
            elif isinstance(body, Opening):
                self.context = self._context(body, entry.body_hash, joint_key)
            elif isinstance(body, Ballot):
                self._take_ballot(body)

    def ballot_limit(self) -> BallotLimit:
        """Measure what a ballot costs at best."""
        count = len(self.bodies)
        decoding, elements = _best(lambda size: [Elements.decode(part) for part in _parts(self._encoded, size)])
        sizes = [32 if is_long else 16 for is_long in self._long]
        weights = PublicScalars.from_ints([int.from_bytes(os.urandom(size), "little") % ORDER for size in sizes])
        joined = Elements.concat(elements)
        multiplying, _ = _best(
            lambda size: [
                vartime_multiscalar_mul(weights[at : at + size], joined[at : at + size])
                for at in range(0, len(joined), size)
            ]
        )
        signatures = _timed(lambda: [key.verify(sig, message, _PSS, SHA384()) for key, message, sig in self._rsa])
        return BallotLimit(decoding / count, multiplying / count, signatures / count)

    def delegate_limit(self) -> float:
        """Measure what a delegate's request and answers cost at best, in seconds."""
        signed = _timed(lambda: [bindings.crypto_sign_open(message, key) for key, message in self._signed])
        powers = _timed(lambda: [gmpy2.powmod(sigma, blind.EXPONENT, n) == b for sigma, b, n in self._answers])
        return (signed + powers) / self.delegates

    def roll_key(self) -> float:
        """Measure what it costs to decode a roll key and find it in the prime-order subgroup, in seconds."""
        keys = b"".join(self._roll)
        return _timed(lambda: vartime_prime_order(keys)) / len(self._roll)

    def _context(self, body: Opening, ctx: bytes, joint_key: bytes) -> BallotContext:
        shapes = tuple(
            ContestShape(
                options=tuple(option.maximum for option in contest.options),
                sum_minimum=contest.sum_minimum,
                sum_maximum=contest.sum_maximum,
                eligible=frozenset({1}),
            )
            for contest in body.contests
        )
        keys = {1: tuple(blind.BlindPublicKey(n) for n in self._moduli)}
        return BallotContext(self._sitting_id, ctx, Elements.decode(joint_key), body.poll, 1, shapes, keys)

    def _take_request(self, data: bytes, entry: Entry, body: CredentialRequest) -> None:
        self._requests[leaf_hash(data)] = body
        self.delegates += 1
        self._take_signature(entry)

    def _take_issue(self, entry: Entry, body: CredentialIssue, registrar: int) -> None:
        asked = [(self._requests.get(answer.request), answer) for answer in body.answers]
        for request, answer in asked:
            if request is not None:
                value = request.blinded[0][_MODULUS * registrar : _MODULUS * (registrar + 1)]
                numbers = int.from_bytes(answer.signatures, "big"), int.from_bytes(value, "big")
                self._answers.append((*numbers, self._moduli[registrar]))
        if asked[0][0] is not None:
            self._take_signature(entry)

    def _take_signature(self, entry: Entry) -> None:
        message = signing_message(entry.kind, self._sitting_id, entry.body_bytes)
        self._signed.append((entry.signer, entry.signature + message))

    def _take_ballot(self, body: Ballot) -> None:
        """Take elements, sizes of their coefficients, and signatures.

        Commitments and T have the weight of their equation as coefficient, which is short; all others have long ones.
        """
        self.bodies.append(body)
        ciphertexts = b"".join(contest.ciphertexts for contest in body.contests)
        commitments = b"".join(contest.commitments for contest in body.contests)
        self._encoded.append(body.credential + ciphertexts + body.commitment + commitments)
        self._long += [True] * ((_ELEMENT + len(ciphertexts)) // _ELEMENT)
        self._long += [False] * ((_ELEMENT + len(commitments)) // _ELEMENT)
        for number, n in enumerate(self._moduli, start=1):
            key = blind.BlindPublicKey(n)
            name = key_id(self._sitting_id, 1, number, 1, body.class_index, key)
            message = credential_message(self._sitting_id, 1, number, name, body.class_index, body.credential)
            randomizer = body.randomizers[32 * (number - 1) : 32 * number]
            signature = body.signatures[_MODULUS * (number - 1) : _MODULUS * number]
            loaded = rsa.RSAPublicNumbers(blind.EXPONENT, n).public_key()
            self._rsa.append((loaded, blind.prepare(randomizer, message), signature))


def _parts(encoded: Sequence[bytes], terms: int) -> list[bytes]:
    """Return the encodings in pieces of about so many elements."""
    whole = b"".join(encoded)
    return [whole[at : at + _ELEMENT * terms] for at in range(0, len(whole), _ELEMENT * terms)]


def _best(work: Callable[[int], list[Elements]]) -> tuple[float, list[Elements]]:
    """Return the least seconds over the sizes of blocks, and a result."""
    found = []
    for size in BLOCKS:
        began = time.perf_counter()
        result = work(size)
        found.append((time.perf_counter() - began, size, result))
    seconds, _, result = min(found, key=lambda one: one[0])
    return seconds, result


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
