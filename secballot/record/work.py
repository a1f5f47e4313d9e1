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
from typing import TYPE_CHECKING, Protocol

from secballot.blind import BlindPublicKey, check_all_blinded, check_root
from secballot.elgamal import Ciphertexts
from secballot.errors import EncodingError, SecballotError, VerificationError
from secballot.protocol.ballots import check_block
from secballot.protocol.registration import split_values
from secballot.record.statements import Acceptable, Answered, Blinded, Signed
from secballot.record.sums import VerifiedBlock
from secballot.records.entry import signing_message
from secballot.signing import VerifyKey, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secballot.protocol.ballot_layout import PackedContext
    from secballot.record.statements import Statement
    from secballot.records.ballot import Ballot


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
        doubtful = {at for at, one in enumerate(self.statements) if not isinstance(one, Blinded) and not _holds(one)}
        return Confirmed(len(self.statements), frozenset(doubtful | self._not_blinded()))

    def _not_blinded(self) -> set[int]:
        """Return the positions of items that may hold a value that is not blinded; those of one modulus go together."""
        columns: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        doubtful: set[int] = set()
        for position, statement in enumerate(self.statements):
            if isinstance(statement, Blinded):
                values = split_values(statement.item)
                if not values or len(values) != len(statement.moduli):
                    doubtful.add(position)
                    continue
                for modulus, value in zip(statement.moduli, values, strict=True):
                    columns[modulus].append((position, value))
        for modulus, column in columns.items():
            if not _are_blinded(modulus, [value for _, value in column]):
                doubtful.update(position for position, _ in column)
        return doubtful


def _holds(statement: Acceptable | Signed | Answered) -> bool:
    try:
        if isinstance(statement, Signed):
            message = signing_message(statement.kind, statement.sitting_id, statement.body)
            verify(VerifyKey.accepted(statement.signer), message, statement.signature)
        elif isinstance(statement, Acceptable):
            VerifyKey(statement.key)
        else:
            check_root(BlindPublicKey(statement.modulus), statement.expected, statement.signature)
    except (EncodingError, VerificationError):
        return False
    return True


def _are_blinded(modulus: int, values: list[bytes]) -> bool:
    try:
        check_all_blinded(BlindPublicKey(modulus), values)
    except (EncodingError, VerificationError):
        return False
    return True


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


def run_job(job: Job) -> Confirmed | BallotsFound:
    """Return what the job finds: the function that other processes are asked to call."""
    return job.run()
