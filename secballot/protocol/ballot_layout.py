"""The form of a ballot: how many bytes each of its parts has, and what its one challenge is over.

The opening fixes, for every class, which contests a ballot answers and how long each string is; nothing of it depends
on what is chosen. One disjunction per option proves a value in 0..maximum, one per contest a sum between its limits::

    contest with options of maxima 1, 1 and limits 0..1
      ciphertexts   α1 β1 α2 β2                                           64 each
      commitments   AB AB | AB AB | AB AB (the sum)                       64 per branch
      challenges    c | c | c                                             32 per branch but the last
      responses     z z | z z | z z                                       32 per branch

Source: SPEC.md#ballot-form.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from secballot.blind import BlindPublicKey
from secballot.encoding import MAX_INTEGER, encode_u64
from secballot.group import ENCODED_BYTES, Elements, FixedBase, PublicScalars
from secballot.protocol.registration import credential_message_begun, key_id
from secballot.records.ballot import BALLOT, Ballot, BallotContest, BallotWithoutResponse
from secballot.records.entry import encode_unsigned
from secballot.transcript import Begun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from secballot.transcript import Field

PAIR_BYTES: Final = 2 * ENCODED_BYTES
"""Bytes of a ciphertext α ‖ β, and of a commitment A ‖ B."""

RANDOMIZER_BYTES: Final = 32
SIGNATURE_BYTES: Final = 384

_CONTEXTS_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class ContestShape:
    """What the opening fixes of one contest, as far as ballots are concerned.

    Attributes:
        options: largest value of each option, 1..100 each, in the opening's order.
        sum_minimum: least sum over the options.
        sum_maximum: largest sum over the options.
        eligible: indices of the classes that the contest is open to.
    """

    options: tuple[int, ...]
    sum_minimum: int
    sum_maximum: int
    eligible: frozenset[int]

    @property
    def option_branches(self) -> int:
        """Return the number of branches of the disjunctions of all options."""
        return sum(self.options) + len(self.options)

    @property
    def sum_branches(self) -> int:
        """Return the number of branches of the sum's disjunction."""
        return self.sum_maximum - self.sum_minimum + 1


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Where one disjunction's parts stand in a ballot, counted over all of its contests.

    Attributes:
        contest: position of the contest in the ballot, from 1.
        option: position of the option in the contest, from 1; 0 for the sum.
        values: the consecutive values it admits, one branch each.
        ciphertexts: positions of the ciphertexts whose sum it is about.
        branches: positions of its commitments, and of its responses.
        challenges: positions of its challenges, one fewer than branches.
    """

    contest: int
    option: int
    values: range
    ciphertexts: range
    branches: range
    challenges: range


@dataclass(frozen=True, slots=True)
class PartSizes:
    """Bytes of the four strings of one contest."""

    ciphertexts: int
    commitments: int
    challenges: int
    responses: int

    @classmethod
    def of(cls, shape: ContestShape) -> PartSizes:
        """Return the sizes that a contest of this shape has in every ballot."""
        disjunctions, branches = len(shape.options) + 1, shape.option_branches + shape.sum_branches
        return cls(
            ciphertexts=PAIR_BYTES * len(shape.options),
            commitments=PAIR_BYTES * branches,
            challenges=ENCODED_BYTES * (branches - disjunctions),
            responses=ENCODED_BYTES * branches,
        )

    def fit(self, contest: BallotContest) -> bool:
        """Tell whether the contest's strings have these sizes."""
        return (
            len(contest.ciphertexts) == self.ciphertexts
            and len(contest.commitments) == self.commitments
            and len(contest.challenges) == self.challenges
            and len(contest.responses) == self.responses
        )


class BallotLayout:
    """The form of every ballot of one class in one poll.

    Attributes:
        shapes: the contests open to the class, in the opening's order.
        sizes: bytes of each contest's strings.
        sum_offsets: per contest, bytes of its option commitments: where those of the sum begin.
        disjunctions: all of them, contest by contest, each contest's sum last.
        values: number of ciphertexts.
        branches: number of branches of all disjunctions.
        elements: number of elements, two per ciphertext and two per branch.
        owners: for every branch, the position of its disjunction.
        branch_values: for every branch, its value.
        about_option: for α and β of every ciphertext, the place of the disjunction about its option in a row of what
            belongs to the α's of all disjunctions, and then to their β's; `about_sum` the same for its contest's sum.
        sent_owners: for every challenge that travels, the position of its disjunction.
        all_challenges: for every branch, the place of its challenge in a row of those that travel, then the last ones.
    """

    def __init__(self, shapes: Sequence[ContestShape]) -> None:
        """Derive sizes and positions once; every ballot of the class shares them."""
        self.shapes = tuple(shapes)
        self.sizes = tuple(PartSizes.of(shape) for shape in self.shapes)
        self.sum_offsets = tuple(PAIR_BYTES * shape.option_branches for shape in self.shapes)
        self.disjunctions = tuple(_disjunctions(self.shapes))
        self.values = sum(len(shape.options) for shape in self.shapes)
        self.branches = sum(shape.option_branches + shape.sum_branches for shape in self.shapes)
        self.owners = [number for number, part in enumerate(self.disjunctions) for _ in part.values]
        self.elements = 2 * self.values + 2 * self.branches
        self.branch_values = PublicScalars.from_ints([value for part in self.disjunctions for value in part.values])
        self.about_option, self.about_sum = _about(self.disjunctions)
        self.sent_owners = [number for number, part in enumerate(self.disjunctions) for _ in part.challenges]
        self.all_challenges: list[int] = []
        for place, part in enumerate(self.disjunctions, start=len(self.sent_owners)):
            self.all_challenges += (*part.challenges, place)


def _about(disjunctions: Sequence[Disjunction]) -> tuple[list[int], list[int]]:
    """Return for every α and β the places of the two disjunctions that are about its ciphertext: option, and sum."""
    options = [number for number, part in enumerate(disjunctions) if part.option]
    sums = {at: number for number, part in enumerate(disjunctions) if not part.option for at in part.ciphertexts}
    beta = len(disjunctions)
    own = [place for number in options for place in (number, beta + number)]
    return own, [place for at in range(len(options)) for place in (sums[at], beta + sums[at])]


def _disjunctions(shapes: Sequence[ContestShape]) -> list[Disjunction]:
    """Return all disjunctions in the order in which their parts stand in a ballot."""
    found: list[Disjunction] = []
    value = branch = challenge = 0
    for contest, shape in enumerate(shapes, start=1):
        first = value
        admitted = [(option, range(maximum + 1)) for option, maximum in enumerate(shape.options, start=1)]
        for option, values in [*admitted, (0, range(shape.sum_minimum, shape.sum_maximum + 1))]:
            about = range(value, value + 1) if option else range(first, first + len(shape.options))
            branches = range(branch, branch + len(values))
            challenges = range(challenge, challenge + len(values) - 1)
            found.append(Disjunction(contest, option, values, about, branches, challenges))
            value, branch, challenge = value + (1 if option else 0), branches.stop, challenges.stop
    return found


@dataclass(frozen=True, eq=False)
class BallotContext:
    """Everything that judging or sealing a ballot needs to know of its poll; all of it public.

    Attributes:
        sitting_id: 32 bytes.
        ctx: body hash of the poll's opening, 32 bytes.
        joint_key: Y, one element.
        poll: its number, from 1.
        registration: number of the registration that its convening stands on.
        contests: all contests of the poll, in the opening's order, whoever they are open to.
        registrar_keys: for every class, the RSA keys of all registrars, in manifest order, for this registration
            and poll.

    Source: SPEC.md#opening, SPEC.md#ballots.
    """

    sitting_id: bytes
    ctx: bytes
    joint_key: Elements
    poll: int
    registration: int
    contests: tuple[ContestShape, ...]
    registrar_keys: Mapping[int, tuple[BlindPublicKey, ...]]

    def shapes(self, class_index: int) -> tuple[ContestShape, ...]:
        """Return the contests open to a class, in the opening's order; none for a class that does not exist."""
        if class_index not in self.registrar_keys:
            return ()
        return tuple(shape for shape in self.contests if class_index in shape.eligible)

    def layout(self, class_index: int) -> BallotLayout:
        """Return the form of this class's ballots, derived once."""
        if class_index not in self.registrar_keys:  # not remembered: whoever posts names the class
            return BallotLayout(())
        if class_index not in self._layouts:
            self._layouts[class_index] = BallotLayout(self.shapes(class_index))
        return self._layouts[class_index]

    @cached_property
    def _layouts(self) -> dict[int, BallotLayout]:
        return {}

    def key_ids(self, class_index: int) -> tuple[bytes, ...]:
        """Return the names of the class's registrar keys, in manifest order."""
        return tuple(
            key_id(self.sitting_id, self.registration, number, self.poll, class_index, public_key)
            for number, public_key in enumerate(self.registrar_keys[class_index], start=1)
        )

    def begun(self, class_index: int) -> Begun:
        """Return the challenge of a ballot of this class as far as it is the same for all, begun once."""
        if class_index not in self._begun:
            self._begun[class_index] = Begun("ballot", *_poll_fields(self, class_index))
        return self._begun[class_index]

    @cached_property
    def _begun(self) -> dict[int, Begun]:
        return {}

    def credential_messages(self, class_index: int, credential: bytes) -> list[bytes]:
        """Return the 64-byte messages that the registrars sign for a credential, in manifest order.

        Args:
            class_index: a class of the sitting.
            credential: S, 32 bytes.

        Source: SPEC.md#credentials.
        """
        if class_index not in self._messages:
            poll, names = (self.sitting_id, self.poll), enumerate(self.key_ids(class_index), start=1)
            self._messages[class_index] = [credential_message_begun(*poll, *named, class_index) for named in names]
        return [begun.digest(credential) for begun in self._messages[class_index]]

    @cached_property
    def _messages(self) -> dict[int, list[Begun]]:
        return {}

    @cached_property
    def key_bytes(self) -> bytes:
        """Return the encoding of Y, 32 bytes."""
        return self.joint_key.encode()

    @cached_property
    def packed(self) -> PackedContext:
        """Return the same as plain values, which any process can be given."""
        keys = tuple(
            (class_index, tuple(public_key.n for public_key in own))
            for class_index, own in sorted(self.registrar_keys.items())
        )
        return PackedContext(
            self.sitting_id, self.ctx, self.key_bytes, self.poll, self.registration, self.contests, keys
        )

    @cached_property
    def key_table(self) -> FixedBase:
        """Return the table for multiplying Y by secrets; devices that seal build it once."""
        return FixedBase(self.joint_key)


@dataclass(frozen=True, slots=True)
class PackedContext:
    """A `BallotContext` without group elements: for worker processes, which are given values only."""

    sitting_id: bytes
    ctx: bytes
    key_bytes: bytes
    poll: int
    registration: int
    contests: tuple[ContestShape, ...]
    moduli: tuple[tuple[int, tuple[int, ...]], ...]

    def unpack(self) -> BallotContext:
        """Return the context; what it derives once is derived once per process."""
        return _unpacked(self)


@lru_cache(maxsize=_CONTEXTS_KEPT)
def _unpacked(packed: PackedContext) -> BallotContext:
    return BallotContext(
        sitting_id=packed.sitting_id,
        ctx=packed.ctx,
        joint_key=Elements.decode(packed.key_bytes),
        poll=packed.poll,
        registration=packed.registration,
        contests=packed.contests,
        registrar_keys={class_index: tuple(map(BlindPublicKey, moduli)) for class_index, moduli in packed.moduli},
    )


def ballot_fields(context: BallotContext, ballot: BallotWithoutResponse) -> tuple[Field, ...]:
    """Return all fields of label `ballot` but the last, T, in their order.

    Args:
        context: the poll.
        ballot: sizes as in the form of its class; `commitment`, challenges and responses are not looked at.

    Source: SPEC.md#ballot-proof, SPEC.md#hash.
    """
    return (*_poll_fields(context, ballot.class_index), *_own_fields(context, ballot))


def ballot_challenge(context: BallotContext, ballot: BallotWithoutResponse) -> int:
    """Return the challenge e of a ballot, 0..ℓ−1: that of `ballot_fields` and T.

    Args:
        context: the poll.
        ballot: as for `ballot_fields`, `commitment` included.

    Source: SPEC.md#ballot-proof, SPEC.md#hash.
    """
    return context.begun(ballot.class_index).challenge(*_own_fields(context, ballot), ballot.commitment)


def _poll_fields(context: BallotContext, class_index: int) -> tuple[Field, ...]:
    """Return the first fields, which all ballots of a class have in common."""
    return context.sitting_id, context.ctx, context.key_bytes, context.poll, class_index


def _own_fields(context: BallotContext, ballot: BallotWithoutResponse) -> tuple[Field, ...]:
    """Return the fields that follow."""
    offsets = context.layout(ballot.class_index).sum_offsets
    commitments = [contest.commitments for contest in ballot.contests]
    return (
        ballot.credential,
        ballot.randomizers,
        ballot.signatures,
        ballot.sequence,
        ballot.previous,
        ballot.tag,
        len(ballot.contests),
        b"".join([contest.ciphertexts for contest in ballot.contests]),
        b"".join([data[:offset] for data, offset in zip(commitments, offsets, strict=True)]),
        b"".join([data[offset:] for data, offset in zip(commitments, offsets, strict=True)]),
    )


def credential_digest(ballot: BallotWithoutResponse) -> bytes:
    """Return 32 bytes that name the poll, class and all credential bytes of a ballot.

    Two ballots of one digest have the same credential signatures over the same messages, so what is known of one
    holds for the other.

    Source: SPEC.md#credentials.
    """
    parts = (ballot.ctx, encode_u64(ballot.class_index), ballot.credential, encode_u64(len(ballot.randomizers)))
    return hashlib.sha256(b"".join((*parts, ballot.randomizers, ballot.signatures))).digest()


def ballot_entry_size(shapes: Sequence[ContestShape], registrars: int, class_index: int) -> int:
    """Return the bytes of the largest ballot entry of a class; only the digits of `sequence` make others smaller.

    Args:
        shapes: the contests open to the class, at least one.
        registrars: number of registrars R.
        class_index: the class, whose digits count.

    Source: SPEC.md#opening, SPEC.md#ballot-form.
    """
    empty = BallotContest(challenges=b"", ciphertexts=b"", commitments=b"", responses=b"")
    skeleton = Ballot(
        class_index=class_index,
        commitment=bytes(32),
        contests=(empty,) * len(shapes),
        credential=bytes(32),
        ctx=bytes(32),
        previous=bytes(32),
        randomizers=b"",
        sequence=MAX_INTEGER,
        signatures=b"",
        tag="1" * 10,
        response=bytes(32),
    )
    strings = [RANDOMIZER_BYTES * registrars, SIGNATURE_BYTES * registrars]
    for size in map(PartSizes.of, shapes):
        strings += (size.ciphertexts, size.commitments, size.challenges, size.responses)
    return len(encode_unsigned("ballot", BALLOT.encode(skeleton))) + sum(-(-size // 3) * 4 for size in strings)
