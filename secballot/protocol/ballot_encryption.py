"""Everything of a ballot that follows from its seed: ciphertexts, commitments, challenges and responses, but not z.

One code for the device that seals and for the one that recomputes an opened ballot. What the group engine is asked to
do depends on the form of the ballot only, never on the choice: `proofs.membership` treats all branches alike.

Source: SPEC.md#sealing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import msgspec

from secballot.elgamal import encrypt
from secballot.errors import RefusalError
from secballot.group import ENCODED_BYTES, Scalars
from secballot.proofs import membership
from secballot.records.ballot import BallotContest, BallotWithoutResponse
from secballot.transcript import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import SupportsIndex

    from secballot.elgamal import Ciphertexts
    from secballot.group import Elements, FixedBase
    from secballot.protocol.ballot_layout import BallotContext, BallotLayout, Disjunction

Choices = tuple[tuple[int, ...], ...]
"""For every contest open to the class, in order, the value of every option."""


def check_choices(layout: BallotLayout, choices: Choices) -> None:
    """Check that a ballot may say this; the message does not repeat what was chosen.

    Raises:
        RefusalError: the class has no contest, a contest or option is missing or extra, or a value or sum is out of
            its limits.
    """
    if not layout.shapes:
        raise RefusalError("no contest of this poll is open to the class")
    if len(choices) != len(layout.shapes):
        raise RefusalError(f"the ballot has {len(layout.shapes)} contests, and every one must be answered")
    for number, (shape, values) in enumerate(zip(layout.shapes, choices, strict=True), start=1):
        if len(values) != len(shape.options):
            raise RefusalError(f"contest {number} has {len(shape.options)} options, and every one takes a value")
        if not all(0 <= value <= maximum for value, maximum in zip(values, shape.options, strict=True)):
            raise RefusalError(f"contest {number}: an option is given more or less than it can take")
        if not shape.sum_minimum <= sum(values) <= shape.sum_maximum:
            raise RefusalError(
                f"contest {number}: the values must add up to {shape.sum_minimum}..{shape.sum_maximum} in all"
            )


class EncryptedBallot:
    """A ballot's ciphertexts and commitments, and the secrets that answer its challenge; redacted, not copyable.

    Attributes:
        draft: the ballot with T, challenges and responses still empty.
    """

    __slots__ = ("_layout", "_proofs", "draft")

    def __init__(self, context: BallotContext, header: BallotWithoutResponse, choices: Choices, seed: bytes) -> None:
        """Encrypt the choices and commit to their proofs, all from the seed.

        Args:
            context: the poll.
            header: class, credential bytes, ctx, sequence, previous and tag of the ballot; its contests and
                commitment are not looked at.
            choices: per contest open to the class, the value of every option.
            seed: 32 fresh random bytes, never used for another ballot.

        Raises:
            RefusalError: as `check_choices`, or two of the ciphertexts share their randomness.

        Source: SPEC.md#sealing.
        """
        self._layout = layout = context.layout(header.class_index)
        check_choices(layout, choices)
        root = _root(header, choices, seed)
        values = [value for contest in choices for value in contest]
        randomness = _draw(root, "encrypt", [(d.contest, d.option, 0) for d in layout.disjunctions if d.option])
        ciphertexts = encrypt(Scalars.from_ints(values), randomness, context.key_table)
        _check_randomness(ciphertexts)
        self._proofs = [_Proof(root, part, values, randomness) for part in layout.disjunctions]
        commitments = b"".join([proof.commit(context.key_table).encode() for proof in self._proofs])
        contests = zip(
            _split(ciphertexts.encode(), [size.ciphertexts for size in layout.sizes]),
            _split(commitments, [size.commitments for size in layout.sizes]),
            strict=True,
        )
        self.draft = msgspec.structs.replace(
            header,
            commitment=bytes(ENCODED_BYTES),
            contests=tuple(
                BallotContest(challenges=b"", ciphertexts=ciphertext, commitments=commitment, responses=b"")
                for ciphertext, commitment in contests
            ),
        )

    def answer(self, commitment: bytes, e: int) -> BallotWithoutResponse:
        """Return the whole ballot but for z, given T and the ballot's one challenge.

        Ask for one challenge only: answers to two of them tell everyone what was chosen.

        Args:
            commitment: T, 32 bytes.
            e: the challenge over the draft and T.

        Source: SPEC.md#sealing.
        """
        answers = [proof.respond(e) for proof in self._proofs]
        sizes = self._layout.sizes
        parts = zip(
            self.draft.contests,
            _split(b"".join([sent for sent, _ in answers]), [size.challenges for size in sizes]),
            _split(b"".join([responses for _, responses in answers]), [size.responses for size in sizes]),
            strict=True,
        )
        contests = tuple(
            msgspec.structs.replace(contest, challenges=sent, responses=responses) for contest, sent, responses in parts
        )
        return msgspec.structs.replace(self.draft, commitment=commitment, contests=contests)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be pickled or copied: the secrets in it open the ballot."""
        raise TypeError("an encrypted ballot holds secrets and is neither pickled nor copied")


class _Proof:
    """The secrets of one disjunction between its commitments and its responses."""

    __slots__ = ("_challenges", "_nonces", "_randomness", "_value", "_values")

    def __init__(self, root: bytes, part: Disjunction, values: Sequence[int], randomness: Scalars) -> None:
        places = [(part.contest, part.option, branch) for branch in range(1, len(part.values) + 1)]
        self._values = part.values
        self._value = sum(values[position] for position in part.ciphertexts)
        self._randomness = randomness.take(part.ciphertexts).sum()
        self._nonces = _draw(root, "commit", places)
        self._challenges = _draw(root, "challenge", places)

    def commit(self, key: FixedBase) -> Elements:
        return membership.commit(self._value, self._values, self._nonces, self._challenges, key)

    def respond(self, e: int) -> tuple[bytes, bytes]:
        return membership.respond(self._value, self._values, self._randomness, self._nonces, self._challenges, e)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("the secrets of a proof are neither pickled nor copied")


def _root(header: BallotWithoutResponse, choices: Choices, seed: bytes) -> bytes:
    """Return the 64 bytes from which every secret scalar of the ballot derives."""
    flat = b"".join(value.to_bytes(8, "big") for contest in choices for value in contest)
    return digest(
        "ballot-root", seed, header.ctx, header.credential, header.sequence, header.previous, header.tag, flat
    )


def _draw(root: bytes, role: str, places: Sequence[tuple[int, int, int]]) -> Scalars:
    """Return the secret scalars of one role at these (contest, option, branch)."""
    return Scalars.from_wide(b"".join([digest("ballot-scalar", root, role, *place) for place in places]))


def _check_randomness(ciphertexts: Ciphertexts) -> None:
    """Check that no two ciphertexts share their randomness: their difference would tell that of their values.

    Raises:
        RefusalError: two of them do.
    """
    alphas = _split(ciphertexts.alphas.encode(), [ENCODED_BYTES] * len(ciphertexts))
    if len(set(alphas)) != len(alphas):
        raise RefusalError("two ciphertexts of the ballot share their randomness; the device must not be used")


def _split(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Return the data in consecutive pieces of these sizes."""
    pieces: list[bytes] = []
    start = 0
    for size in sizes:
        pieces.append(data[start : start + size])
        start += size
    return pieces
