"""Everything of a ballot that follows from its seed: ciphertexts, commitments, challenges and responses, but not z.

One code for the device that seals and for the one that recomputes an opened ballot. What the group engine is asked to
do depends on the form of the ballot only, never on the choice: `proofs.disjunctions` treats all branches alike.

Source: SPEC.md#sealing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

import msgspec

from secballot.elgamal import CIPHERTEXT_BYTES, encrypt_encoded
from secballot.errors import RefusalError
from secballot.group import ENCODED_BYTES, Scalars
from secballot.proofs import disjunctions
from secballot.records.ballot import BallotContest, BallotWithoutResponse
from secballot.transcript import digest, digests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import SupportsIndex

    from secballot.group import FixedBase
    from secballot.protocol.ballot_layout import BallotContext, BallotLayout

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
        form = _sealing_form(layout)
        randomness = _draw(root, "encrypt", form.options)
        ciphertexts = encrypt_encoded(Scalars.from_ints(values), randomness, context.key_table, bits=form.bits)
        _check_randomness(ciphertexts)
        self._proofs = _Proofs(root, form, values, randomness)
        commitments = self._proofs.commit(context.key_table)
        contests = zip(
            _split(ciphertexts, [size.ciphertexts for size in layout.sizes]),
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
        challenges, responses = self._proofs.respond(e)
        sizes = self._layout.sizes
        parts = zip(
            self.draft.contests,
            _split(challenges, [size.challenges for size in sizes]),
            _split(responses, [size.responses for size in sizes]),
            strict=True,
        )
        contests = tuple(
            msgspec.structs.replace(contest, challenges=sent, responses=responses) for contest, sent, responses in parts
        )
        return msgspec.structs.replace(self.draft, commitment=commitment, contests=contests)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be pickled or copied: the secrets in it open the ballot."""
        raise TypeError("an encrypted ballot holds secrets and is neither pickled nor copied")


Place = tuple[int, int, int]
"""Contest, option and branch that a secret scalar is for, as the label `ballot-scalar` counts them."""


@dataclass(frozen=True, slots=True)
class _SealingForm:
    """What sealing needs to know of a layout.

    Attributes:
        options: places of the ciphertexts.
        branches: places of the branches of all disjunctions.
        parts: of each disjunction, the ciphertexts whose sum it is about.
        columns: the same, for `disjunctions.sums_of`.
        runs: of each disjunction, its values.
        bits: of the largest value of any option.
    """

    options: tuple[Place, ...]
    branches: tuple[Place, ...]
    parts: tuple[range, ...]
    columns: list[list[int]]
    runs: disjunctions.Runs
    bits: int


@lru_cache(maxsize=64)
def _sealing_form(layout: BallotLayout) -> _SealingForm:
    """Return what is the same for every ballot of a layout."""
    parts = layout.disjunctions
    return _SealingForm(
        options=tuple((part.contest, part.option, 0) for part in parts if part.option),
        branches=tuple(
            (part.contest, part.option, branch) for part in parts for branch in range(1, len(part.values) + 1)
        ),
        parts=tuple(part.ciphertexts for part in parts),
        columns=disjunctions.columns_of([part.ciphertexts for part in parts]),
        runs=disjunctions.Runs([part.values for part in parts]),
        bits=max(maximum for shape in layout.shapes for maximum in shape.options).bit_length(),
    )


class _Proofs:
    """The secrets of all disjunctions between their commitments and their responses."""

    __slots__ = ("_challenges", "_nonces", "_randomness", "_runs", "_values")

    def __init__(self, root: bytes, form: _SealingForm, values: Sequence[int], randomness: Scalars) -> None:
        self._runs = form.runs
        self._values = [sum(values[part.start : part.stop]) for part in form.parts]
        self._randomness = disjunctions.sums_of(randomness, form.columns)
        self._nonces = _draw(root, "commit", form.branches)
        self._challenges = _draw(root, "challenge", form.branches)

    def commit(self, key: FixedBase) -> bytes:
        return disjunctions.commit(self._values, self._runs, self._nonces, self._challenges, key)

    def respond(self, e: int) -> tuple[bytes, bytes]:
        return disjunctions.respond(self._values, self._runs, self._randomness, self._nonces, self._challenges, e)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("the secrets of proofs are neither pickled nor copied")


def _root(header: BallotWithoutResponse, choices: Choices, seed: bytes) -> bytes:
    """Return the 64 bytes from which every secret scalar of the ballot derives."""
    flat = b"".join(value.to_bytes(8, "big") for contest in choices for value in contest)
    return digest(
        "ballot-root", seed, header.ctx, header.credential, header.sequence, header.previous, header.tag, flat
    )


def _draw(root: bytes, role: str, places: Sequence[Place]) -> Scalars:
    """Return the secret scalars of one role at these (contest, option, branch)."""
    return Scalars.from_wide(digests("ballot-scalar", (root, role), places))


def _check_randomness(ciphertexts: bytes) -> None:
    """Check that no two ciphertexts share their randomness: their difference would tell that of their values.

    Raises:
        RefusalError: two of them do.
    """
    alphas = [ciphertexts[start : start + ENCODED_BYTES] for start in range(0, len(ciphertexts), CIPHERTEXT_BYTES)]
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
