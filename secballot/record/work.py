"""What can be verified before an entry's turn comes, as jobs that any process can run: values in, values out.

Whether a ballot's proofs hold depends on its poll and itself alone; whether a signature holds, or a blind signature
answers a blinded message, on the numbers alone. So such statements may be verified ahead, in any order, in blocks and
in other processes. What becomes of the entry stays for the machine to say.

A job only ever *saves* work: a statement that it does not confirm is checked by the machine itself, which also says
what is wrong with it. The verdicts on ballots alone are taken as they are, both ways; they come from the same function.

Source: SPEC.md#data-flow, SPEC.md#admission.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from secballot.blind import ANSWER_DIGEST_BYTES, MODULUS_BYTES, BlindPublicKey, check_all_blinded, check_all_roots
from secballot.elgamal import Ciphertexts
from secballot.errors import EncodingError, SecballotError, VerificationError
from secballot.protocol.ballots import check_block
from secballot.protocol.registration import split_values
from secballot.record.statements import Acceptable, Blinded, Signed
from secballot.record.sums import VerifiedBlock
from secballot.records.entry import signing_message
from secballot.signing import KEY_BYTES, VerifyKey, check_verify_keys, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secballot.protocol.ballot_layout import PackedContext
    from secballot.record.statements import Statement
    from secballot.records.ballot import Ballot


_LARGE_BYTES: Final = 8 << 20
"""More than any piece of a block. What is larger, a whole log's columns, grows in place where it is mapped by itself.
They are never written, so they take no memory."""


class Job(Protocol):
    """Some verification that depends on nothing else than what the job holds."""

    def run(self) -> Confirmed | BallotsFound:
        """Do it."""
        ...


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The result of statements.

    Attributes:
        examined: how many there were.
        doubtful: positions of those that are not confirmed.
    """

    examined: int
    doubtful: frozenset[int]


@dataclass(frozen=True, slots=True)
class StatementJob:
    """Statements of any kind."""

    statements: tuple[Statement, ...]

    def run(self) -> Confirmed:
        """Return which statements hold."""
        doubtful: set[int] = set()
        blinded: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
        for position, statement in enumerate(self.statements):
            if isinstance(statement, Blinded) and len(statement.item) == len(statement.moduli):
                blinded[statement.moduli].append((position, statement.item))
            elif not _holds(statement):
                doubtful.add(position)
        for moduli, items in blinded.items():
            if not _are_blinded(moduli, [item for _, item in items]):
                doubtful.update(position for position, _ in items)
        return Confirmed(len(self.statements), frozenset(doubtful))


def _holds(statement: Statement) -> bool:
    if isinstance(statement, Blinded):
        return False  # whatever its item holds, it is not one value for each modulus
    try:
        if isinstance(statement, Signed):
            message = signing_message(statement.kind, statement.sitting_id, statement.body)
            verify(VerifyKey.accepted(statement.signer), message, statement.signature)
        elif isinstance(statement, Acceptable):
            check_verify_keys(_cut(statement.keys, KEY_BYTES))
        else:
            expected = _cut(statement.expected, ANSWER_DIGEST_BYTES)
            check_all_roots(BlindPublicKey.decode(statement.modulus), expected, split_values(statement.signatures))
    except (EncodingError, VerificationError):
        return False
    return True


def _are_blinded(moduli: bytes, items: list[bytes]) -> bool:
    """Tell whether these items, as long as the moduli, hold a blinded value for each; those of one go together."""
    if not moduli:
        return False
    try:
        for at in range(0, len(moduli), MODULUS_BYTES):
            key = BlindPublicKey.decode(moduli[at : at + MODULUS_BYTES])
            check_all_blinded(key, [item[at : at + MODULUS_BYTES] for item in items])
    except (EncodingError, VerificationError):
        return False
    return True


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@dataclass(frozen=True, slots=True)
class BallotsFound:
    """The result of a block of ballots.

    Attributes:
        errors: position to the error of a ballot that fails.
        sums: class to the encoded sum of the ciphertexts of its ballots that passed.
    """

    errors: Mapping[int, SecballotError]
    sums: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class BallotJob:
    """A block of ballots of one poll.

    Attributes:
        context: the poll.
        ballots: the block.
        known: digests of credentials whose signatures were verified before.
    """

    context: PackedContext
    ballots: tuple[Ballot, ...]
    known: frozenset[bytes]

    def run(self) -> BallotsFound:
        """Return the verdicts."""
        found = check_block(self.context.unpack(), self.ballots, known_credential=self.known.__contains__)
        return BallotsFound(found.errors, {class_index: total.encode() for class_index, total in found.sums.items()})

    def block(self, found: BallotsFound) -> VerifiedBlock:
        """Return what a result means for the sums.

        Raises:
            EncodingError: no result of this job: the errors are none, or the sums are not those of what passed.
        """
        try:
            return self._block(found)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise EncodingError("not what verifying these ballots gives") from error

    def _block(self, found: BallotsFound) -> VerifiedBlock:
        if not all(isinstance(error, SecballotError) for error in found.errors.values()):
            raise EncodingError("what refuses a ballot is no error")
        passed: dict[int, set[int]] = {class_index: set() for class_index in found.sums}
        for position, ballot in enumerate(self.ballots):
            if position not in found.errors:
                passed[ballot.class_index].add(position)
        context = self.context.unpack()
        sums = {class_index: Ciphertexts.decode(data, allow_identity=True) for class_index, data in found.sums.items()}
        if any(len(total) != context.layout(class_index).values for class_index, total in sums.items()):
            raise EncodingError("a sum has other ciphertexts than its class's ballots")
        frozen = {class_index: frozenset(positions) for class_index, positions in passed.items()}
        return VerifiedBlock(self.ballots, frozen, sums)


def keep_memory() -> None:
    """Have this process keep the memory of one block for the next one.

    The allocator of glibc gives large pieces back to the system when they are freed, and gets them again page by page,
    which costs a block 3 % of its time; it stops once it has seen a larger piece come and go. Others do not mind.
    """
    bytes(_LARGE_BYTES)


def run_job(job: Job) -> Confirmed | BallotsFound:
    """Return what the job finds: the function that other processes are asked to call."""
    return job.run()
